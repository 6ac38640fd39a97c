//! Opening: the order of checks and writes that makes creation safe against a kill and refusal free of side effects.
//!
//! 1. Sidecar and first pages are looked at without SQLite (`key_check.rs`, `header.rs`).
//! 2. The gate looks inside with the key (`gate.rs`). Up to here nothing is written.
//! 3. For a new database: sidecar (durable), then the empty file (durable).
//! 4. The writer sets WAL mode and migrates; the first migration's commit makes the database *finished*.
//! 5. After a migration the WAL is folded in and the pages on disk are checked to be unreadable.
//!
//! A kill after any step leaves an absent, empty or unfinished database with its sidecar, which the next creation completes.
//! A sidecar that is missing or unreadable is written again once the key has opened the database. A sidecar of another
//! key beside a missing or empty database is a leftover and is replaced.

use std::fs::OpenOptions;
use std::path::Path;

use rusqlite::Connection;

use crate::connection::{Role, checkpoint, connect};
use crate::gate::{self, Found};
use crate::header::{self, Shape};
use crate::key_check::{self, KeyCheck};
use crate::{CipherKey, ForeignKind, Migration, OpenError, durable, migrate};

/// What may be at the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// There must be no finished database: [`OpenError::Exists`] otherwise.
    Create,
    /// There must be one: [`OpenError::Missing`] otherwise.
    Existing,
    /// Either.
    CreateIfMissing,
}

/// How to open a database.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Names the application whose file it is, in the file's header. Not zero.
    pub application_id: i32,
    /// Every migration from the first release on.
    pub migrations: &'static [Migration],
    /// Connections and threads for reading, 1 to 4.
    pub readers: usize,
    /// Page cache of each connection, in KiB of memory.
    pub cache_kib: u32,
    /// What may be at the path.
    pub mode: Mode,
}

impl Options {
    fn newest(&self) -> Result<u32, OpenError> {
        if self.application_id == 0 {
            return Err(OpenError::Options("the application id must not be zero"));
        }
        if !(1..=4).contains(&self.readers) {
            return Err(OpenError::Options("there must be 1 to 4 readers"));
        }
        migrate::newest(self.migrations)
    }
}

/// Checks, creates and migrates as the options say; returns the writer's connection.
pub(crate) fn open(path: &Path, key: &CipherKey, options: &Options) -> Result<Connection, OpenError> {
    let known = options.newest()?;
    let check = key_check::read(path, key)?;
    let found = find(path, key, check, known, options)?;
    match (options.mode, found) {
        (Mode::Existing, None | Some(Found::Unfinished)) => return Err(OpenError::Missing),
        (Mode::Create, Some(Found::Finished)) => return Err(OpenError::Exists),
        _ => {}
    }
    if check != KeyCheck::Fits {
        key_check::write(path, key)?;
    }
    if found.is_none() {
        durable::private(OpenOptions::new().create(true).append(true))
            .open(path)?
            .sync_all()?;
        durable::sync_parent(path)?;
    }
    let mut connection = connect(path, key, Role::Writer, options.cache_kib)?;
    if migrate::apply(&mut connection, options.migrations, options.application_id)? > 0 {
        checkpoint(&connection)?;
        if header::inspect(path)? != Shape::Encrypted {
            return Err(OpenError::NoCipher);
        }
    }
    Ok(connection)
}

/// What is there: `None` for nothing. Writes nothing.
fn find(
    path: &Path,
    key: &CipherKey,
    check: KeyCheck,
    known: u32,
    options: &Options,
) -> Result<Option<Found>, OpenError> {
    let fits = check == KeyCheck::Fits;
    match header::inspect(path)? {
        Shape::Absent | Shape::Empty => return Ok(None),
        Shape::Plaintext => return Err(OpenError::Foreign(ForeignKind::Plaintext)),
        _ if check == KeyCheck::Differs => return Err(OpenError::WrongKey),
        Shape::Encrypted => {}
        // A power cut while the first page was written: SQLite takes it back by the rollback journal.
        Shape::NotDatabase if fits && durable::with_suffix(path, "-journal").exists() => {}
        Shape::NotDatabase if fits => return Err(OpenError::Corrupt),
        Shape::NotDatabase => return Err(OpenError::Foreign(ForeignKind::NotDatabase)),
    }
    gate::examine(path, key, fits, known, options).map(Some)
}
