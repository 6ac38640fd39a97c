//! Looks into an existing file with the key, alone and without changing a byte, before anything may write to it.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use crate::connection::{Role, connect};
use crate::{CipherKey, ForeignKind, OpenError, Options, durable, migrate};

/// What the gate found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// A creation that was interrupted before its first migration.
    Unfinished,
    /// A database of this application, no newer than `known`.
    Finished,
}

/// `fits` says that the sidecar has vouched for the key.
pub(crate) fn examine(
    path: &Path,
    key: &CipherKey,
    fits: bool,
    known: u32,
    options: &Options,
) -> Result<Found, OpenError> {
    let wal = durable::with_suffix(path, "-wal");
    let keep_wal = fs::metadata(&wal).is_ok_and(|wal| wal.len() > 0);
    let connection = connect(path, key, Role::Gate { keep_wal }, options.cache_kib)?;
    let found = look(&connection, options.application_id, known).map_err(|refusal| match refusal {
        // SQLCipher says "not a database" both for a wrong key and for a damaged first page. Without the sidecar's word
        // the milder answer is given: nobody should erase a file because a key was mixed up.
        Refusal::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            if fits {
                OpenError::Corrupt
            } else {
                OpenError::WrongKey
            }
        }
        Refusal::Sqlite(error) => error.into(),
        Refusal::Other(error) => error,
    });
    if let Err((_, error)) = connection.close() {
        return Err(error.into());
    }
    found
}

enum Refusal {
    Sqlite(rusqlite::Error),
    Other(OpenError),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn look(connection: &Connection, application_id: i32, known: u32) -> Result<Found, Refusal> {
    // Reads and authenticates page 1 and the schema.
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    let found_id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version = migrate::version(connection)?;
    if (found_id, version, objects) == (0, 0, 0) {
        return Ok(Found::Unfinished);
    }
    if found_id != application_id {
        return Err(Refusal::Other(OpenError::Foreign(ForeignKind::OtherApplication {
            found: found_id,
        })));
    }
    if version > known {
        return Err(Refusal::Other(OpenError::Newer { found: version, known }));
    }
    Ok(Found::Finished)
}
