//! A copy of a database as of one moment, made while others read and write it, encrypted with the same key or a new one.
//!
//! SQLite's backup interface copies inside one read transaction, which in WAL mode holds up nobody; the WAL grows until it is
//! done. Each page is encrypted anew. The copy is checked before it is called one.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::connection::{Role, connect};
use crate::header::{self, Shape};
use crate::key_check::{self, KeyCheck};
use crate::{CipherKey, DbError, ForeignKind, OpenError, durable, migrate};

const CACHE_KIB: u32 = 1024;
/// The source is busy only while another process recovers its WAL.
const ATTEMPTS: usize = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// Copies the database at `source` to `target` and returns when the copy is durable. Blocks.
///
/// `source` may be open elsewhere, in this process or another; it is not changed. There must be nothing at `target`, whose
/// folder must exist. After an error or a kill an unfinished file may stand at `target`: make the copy under a name of its
/// own and rename it.
///
/// # Errors
/// [`OpenError::Missing`], [`OpenError::Foreign`], [`OpenError::WrongKey`], [`OpenError::Corrupt`] about the source;
/// [`OpenError::Exists`] about the target; else what the file system or SQLite says.
pub fn copy_blocking(source: &Path, target: &Path, key: &CipherKey, application_id: i32) -> Result<(), OpenError> {
    recrypt_blocking(source, target, key, key, application_id)
}

/// As [`copy_blocking`], with the copy encrypted under `new_key`: what a change of keys is made of. SQLCipher's own
/// `PRAGMA rekey` writes the pages of the one file anew, and after a kill nobody knows with which key to open it.
///
/// # Errors
/// As [`copy_blocking`].
pub fn recrypt_blocking(
    source: &Path,
    target: &Path,
    key: &CipherKey,
    new_key: &CipherKey,
    application_id: i32,
) -> Result<(), OpenError> {
    match header::inspect(source)? {
        Shape::Absent | Shape::Empty => return Err(OpenError::Missing),
        Shape::Plaintext => return Err(OpenError::Foreign(ForeignKind::Plaintext)),
        Shape::NotDatabase => return Err(OpenError::Foreign(ForeignKind::NotDatabase)),
        Shape::Encrypted => {}
    }
    let check = key_check::read(source, key)?;
    if check == KeyCheck::Differs {
        return Err(OpenError::WrongKey);
    }
    if header::inspect(target)? != Shape::Absent {
        return Err(OpenError::Exists);
    }
    let from = examine(source, key, application_id).map_err(|error| match error {
        // As at the gate: SQLCipher says the same of a wrong key and of damage. Without the sidecar's word the milder answer.
        OpenError::Corrupt | OpenError::Db(DbError::Corrupt) if check == KeyCheck::Unknown => OpenError::WrongKey,
        OpenError::Db(DbError::Corrupt) => OpenError::Corrupt,
        error => error,
    })?;
    durable::private(OpenOptions::new().create_new(true).append(true)).open(target)?;
    key_check::write(target, new_key)?;
    let mut to = connect(target, new_key, Role::Copy, CACHE_KIB)?;
    copy(&from, &mut to)?;
    check_copy(&to)?;
    to.close().map_err(|(_, error)| error)?;
    if header::inspect(target)? != Shape::Encrypted {
        return Err(OpenError::NoCipher);
    }
    File::open(target)?.sync_all()?;
    durable::sync_parent(target)?;
    Ok(())
}

/// Opens the source and looks whose it is.
fn examine(source: &Path, key: &CipherKey, application_id: i32) -> Result<Connection, OpenError> {
    let from = connect(source, key, Role::Reader, CACHE_KIB)?;
    let found: i32 = from.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    match (found, migrate::version(&from)?) {
        (0, 0) => Err(OpenError::Missing),
        (found, _) if found != application_id => Err(OpenError::Foreign(ForeignKind::OtherApplication { found })),
        _ => Ok(from),
    }
}

/// All pages in one step, so that they are of one moment.
fn copy(from: &Connection, to: &mut Connection) -> Result<(), OpenError> {
    let backup = Backup::new(from, to)?;
    for _ in 0..ATTEMPTS {
        match backup.step(-1)? {
            StepResult::Done => return Ok(()),
            _ => thread::sleep(PAUSE),
        }
    }
    Err(OpenError::Db(DbError::Busy))
}

/// Takes the copy out of WAL mode, so that it is one file, and reads every page of it.
fn check_copy(to: &Connection) -> Result<(), OpenError> {
    let mode: String = to.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    let verdict: String = to.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if mode == "delete" && verdict == "ok" {
        Ok(())
    } else {
        Err(OpenError::Corrupt)
    }
}
