//! What can go wrong: [`OpenError`] when a file is opened, [`DbError`] afterwards. Neither carries SQL, bound values or paths,
//! so both may be logged.

use std::io;

use rusqlite::ErrorCode;

/// Why a database could not be used. Holds codes only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// The database was closed, or its thread ended. Permanent for this handle.
    #[error("the database is closed")]
    Closed,
    /// Another connection holds the write lock for longer than the busy timeout. Retryable.
    #[error("the database is busy")]
    Busy,
    /// The disk is full. Retryable once there is space.
    #[error("the disk is full")]
    Full,
    /// A page is damaged. Permanent.
    #[error("the database is damaged")]
    Corrupt,
    /// Reading or writing the file failed. Retryable. At a commit the outcome is unknown until the file is opened again:
    /// nothing of the job is visible in this opening.
    #[error("input or output failed (SQLite code {code})")]
    Io {
        /// SQLite's extended result code.
        code: i32,
    },
    /// Another job or SQLite itself undid the shared transaction, so this job was undone with it. Retryable.
    #[error("the transaction was rolled back")]
    RolledBack,
    /// A uniqueness, foreign-key, check or not-null rule forbids the write. Permanent.
    #[error("a constraint forbids this write (SQLite code {code})")]
    Constraint {
        /// SQLite's extended result code, which tells the kind of rule.
        code: i32,
    },
    /// A query that needs exactly one row found none. Permanent.
    #[error("no such row")]
    NoRow,
    /// A stored value has another type or range than the reader expects. Permanent.
    #[error("a stored value has an unexpected type or range")]
    Value,
    /// The closure panicked. Its effects were undone. Permanent.
    #[error("the job panicked")]
    Panic,
    /// [`crate::Database::write_blocking`] was called from inside a job, where it would wait for itself. Permanent.
    #[error("a job waits for its own thread")]
    Reentrant,
    /// The operating system has no randomness to give.
    #[error("no randomness available")]
    Random,
    /// Any other refusal by SQLite, such as an SQL mistake. Permanent.
    #[error("SQLite refused (code {code})")]
    Sqlite {
        /// SQLite's extended result code; 21 (misuse) for mistakes found on our side of the interface.
        code: i32,
    },
}

impl DbError {
    /// Whether the same job may succeed later on the same handle.
    #[must_use]
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Busy | Self::Full | Self::Io { .. } | Self::RolledBack)
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        let failure = match error {
            E::SqliteFailure(failure, _) | E::SqlInputError { error: failure, .. } => failure,
            E::QueryReturnedNoRows => return Self::NoRow,
            E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::Utf8Error(..)
            | E::InvalidColumnType(..)
            | E::QueryReturnedMoreThanOneRow => return Self::Value,
            _ => {
                return Self::Sqlite {
                    code: rusqlite::ffi::SQLITE_MISUSE,
                };
            }
        };
        let code = failure.extended_code;
        match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy,
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Corrupt,
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => Self::Io { code },
            ErrorCode::ConstraintViolation => Self::Constraint { code },
            ErrorCode::TypeMismatch => Self::Value,
            _ => Self::Sqlite { code },
        }
    }
}

/// In which way a file is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForeignKind {
    /// Not an SQLite file.
    NotDatabase,
    /// An SQLite file without encryption.
    Plaintext,
    /// An encrypted database of another application.
    OtherApplication {
        /// The application id that it bears.
        found: i32,
    },
}

/// Why a file was not opened. In each case the file is byte for byte what it was, except that a creation which failed
/// half way may be completed by the next one and that migrations before a failed one stay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no finished database here.
    #[error("there is no database here")]
    Missing,
    /// [`crate::Mode::Create`] found a finished database.
    #[error("there is a database here already")]
    Exists,
    /// The file is not ours.
    #[error("the file is not ours: {0:?}")]
    Foreign(ForeignKind),
    /// The key is not this file's.
    #[error("the key does not fit this database")]
    WrongKey,
    /// The key is right and the file is damaged.
    #[error("the database is damaged")]
    Corrupt,
    /// A newer release migrated this file.
    #[error("the database has version {found}, this release knows {known}")]
    Newer {
        /// The file's version.
        found: u32,
        /// The newest version that this release knows.
        known: u32,
    },
    /// The linked SQLite does not encrypt.
    #[error("the linked SQLite does not encrypt")]
    NoCipher,
    /// Another opener holds the file. Retryable.
    #[error("another opener holds the database")]
    Busy,
    /// The disk is full. Retryable once there is space.
    #[error("the disk is full")]
    Full,
    /// The file system failed. Retryable.
    #[error("input or output failed ({0:?})")]
    Io(io::ErrorKind),
    /// A migration failed; its effects were undone.
    #[error("migration {version} failed")]
    Migration {
        /// The failed migration.
        version: u32,
        /// Why.
        source: DbError,
    },
    /// The caller's options are wrong; the text says how.
    #[error("wrong options: {0}")]
    Options(&'static str),
    /// Anything else that SQLite refused.
    #[error(transparent)]
    Db(DbError),
}

impl OpenError {
    /// Whether the same call may succeed later without the caller changing anything.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Busy | Self::Full | Self::Io(_) => true,
            Self::Db(source) | Self::Migration { source, .. } => source.retryable(),
            _ => false,
        }
    }
}

impl From<DbError> for OpenError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Busy => Self::Busy,
            DbError::Full => Self::Full,
            DbError::Corrupt => Self::Corrupt,
            DbError::Io { .. } => Self::Io(io::ErrorKind::Other),
            other => Self::Db(other),
        }
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        DbError::from(error).into()
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            kind => Self::Io(kind),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn sqlite(code: i32) -> DbError {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some("secret".into())).into()
    }

    #[test]
    fn codes_map_to_their_variants_and_say_whether_to_retry() {
        use rusqlite::ffi::*;
        for (code, expected, retryable) in [
            (SQLITE_BUSY, DbError::Busy, true),
            (SQLITE_BUSY_SNAPSHOT, DbError::Busy, true),
            (SQLITE_FULL, DbError::Full, true),
            (SQLITE_CORRUPT, DbError::Corrupt, false),
            (SQLITE_NOTADB, DbError::Corrupt, false),
            (
                SQLITE_IOERR_FSYNC,
                DbError::Io {
                    code: SQLITE_IOERR_FSYNC,
                },
                true,
            ),
            (
                SQLITE_CONSTRAINT_UNIQUE,
                DbError::Constraint {
                    code: SQLITE_CONSTRAINT_UNIQUE,
                },
                false,
            ),
            (SQLITE_ERROR, DbError::Sqlite { code: SQLITE_ERROR }, false),
        ] {
            assert_eq!(sqlite(code), expected);
            assert_eq!(expected.retryable(), retryable, "{expected:?}");
        }
    }

    #[test]
    fn no_sql_text_and_no_value_reaches_an_error() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let error: DbError = connection
            .execute_batch("SELECT 'jane doe' FROM nowhere")
            .unwrap_err()
            .into();
        assert!(!format!("{error} {error:?}").contains("jane"));
        assert!(!format!("{:?}", sqlite(1)).contains("secret"));
    }
}
