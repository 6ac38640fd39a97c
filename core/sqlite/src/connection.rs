//! How a connection is keyed and set up, and the fence that keeps jobs from undoing that. All safeguards stand here.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use crate::{CipherKey, DbError, OpenError};

/// How long a statement waits for a lock of another process before it fails as busy.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The gate's wait: long enough for a closing process to finish, short enough for a user.
const GATE_TIMEOUT: Duration = Duration::from_secs(1);
/// A WAL that one large batch has grown is cut back to this size, in bytes.
const WAL_LIMIT: i64 = 16 << 20;

/// What a connection is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Role {
    /// Looks at the file, alone, and leaves no trace: see `gate.rs`.
    Gate {
        /// A WAL with frames lies beside the file and must stay as it is.
        keep_wal: bool,
    },
    /// Fills a new file that nobody else has.
    Copy,
    /// The one writer.
    Writer,
    /// One of the readers.
    Reader,
}

/// Opens, keys and sets up a connection to an existing file.
pub(crate) fn connect(path: &Path, key: &CipherKey, role: Role, cache_kib: u32) -> Result<Connection, OpenError> {
    set_up_once();
    let access = match role {
        Role::Reader => OpenFlags::SQLITE_OPEN_READ_ONLY,
        // The gate needs write access to take an exclusive lock; it writes nothing.
        Role::Gate { .. } | Role::Copy | Role::Writer => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    // No CREATE: the file is made by us, private and durable. No URI: a path is a path. Each connection has one thread.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that keys and checks")]
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    encrypt(&connection, key)?;
    harden(&connection)?;
    match role {
        Role::Gate { keep_wal } => {
            connection.busy_timeout(GATE_TIMEOUT)?;
            // Exclusive mode keeps the WAL's index in memory, so that no -shm file appears. It takes hold only if nothing
            // has read the file yet: `cache_size`, for one, does.
            connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep_wal)?;
        }
        Role::Copy => {
            // An unfinished copy is thrown away, so there is nothing to roll back to.
            connection.execute_batch(
                "PRAGMA journal_mode = OFF;
                 PRAGMA synchronous = FULL;
                 PRAGMA fullfsync = ON;",
            )?;
            connection.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
        }
        Role::Writer => {
            connection.busy_timeout(BUSY_TIMEOUT)?;
            let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
            if mode != "wal" {
                return Err(OpenError::Db(DbError::Sqlite {
                    code: rusqlite::ffi::SQLITE_PROTOCOL,
                }));
            }
            // FULL: a commit that was answered is on the disk, which persist-before-send needs. The fullfsync pair makes
            // that true on Apple systems, where fsync alone stops at the drive's cache; elsewhere it does nothing.
            // secure_delete: what was deleted leaves no copy in free pages, also for whoever has the key later.
            connection.execute_batch(
                "PRAGMA synchronous = FULL;
                 PRAGMA fullfsync = ON;
                 PRAGMA checkpoint_fullfsync = ON;
                 PRAGMA foreign_keys = ON;
                 PRAGMA secure_delete = ON;",
            )?;
            connection.pragma_update(None, "journal_size_limit", WAL_LIMIT)?;
            connection.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
        }
        Role::Reader => {
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.execute_batch("PRAGMA query_only = ON")?;
            connection.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
        }
    }
    Ok(connection)
}

/// SQLCipher sets itself up during the process's first opening, after SQLite has declared itself ready: whoever opens a
/// second connection in between is refused its key. So the very first connection is opened alone.
fn set_up_once() {
    static FIRST: Once = Once::new();
    // If it fails, so does the connection that is wanted next, and says why.
    FIRST.call_once(|| drop(Connection::open_in_memory()));
}

/// Proves that the linked SQLite encrypts, then keys the connection in a format that no later default can change.
fn encrypt(connection: &Connection, key: &CipherKey) -> Result<(), OpenError> {
    // SQLCipher writes its own log to standard error or the system log; our errors say the same in typed form.
    connection.execute_batch("PRAGMA cipher_log_level = NONE;")?;
    let version: Option<String> = connection
        .query_row("PRAGMA cipher_version", [], |row| row.get(0))
        .optional()?;
    require_cipher(version.as_deref())?;
    connection.execute_batch(&key.pragma())?;
    // Version 4 pins page size, cipher and HMAC. The plaintext header lets iOS see that a locked file is a database; it
    // is part of the format on every platform.
    connection.execute_batch("PRAGMA cipher_compatibility = 4; PRAGMA cipher_plaintext_header_size = 32;")?;
    Ok(())
}

/// A plain SQLite ignores unknown pragmas without a word, so silence means no encryption.
fn require_cipher(version: Option<&str>) -> Result<(), OpenError> {
    match version {
        Some(version) if !version.is_empty() => Ok(()),
        _ => Err(OpenError::NoCipher),
    }
}

/// What holds for every connection. Reads nothing from the file.
///
/// `cipher_memory_security` stays off: it locks and overwrites every allocation of SQLite in the whole process, cannot be
/// switched off again, and phones allow an app to lock very little memory. Measured with `examples/group_commit.rs` it takes
/// two thirds of the writes of 64 callers. SQLCipher wipes its key material regardless.
fn harden(connection: &Connection) -> Result<(), OpenError> {
    // Defensive: SQL cannot edit the schema table or shadow tables. Double-quoted text is never a string.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    // Nothing spills to unencrypted temporary files; a schema is data, not code; cells are checked when a page is read.
    connection.execute_batch(
        "PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;",
    )?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Moves the WAL into the file and cuts it to nothing.
pub(crate) fn checkpoint(connection: &Connection) -> Result<(), DbError> {
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy { Err(DbError::Busy) } else { Ok(()) }
}

/// Forbids jobs to begin or end transactions, to attach files and to set pragmas; lets the owning thread do so.
#[derive(Debug)]
pub(crate) struct Fence {
    open: Arc<AtomicBool>,
}

impl Fence {
    pub(crate) fn install(connection: &mut Connection) -> Result<Self, DbError> {
        let open = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&open);
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            if seen.load(Ordering::Relaxed) || allowed(&context.action) {
                Authorization::Allow
            } else {
                Authorization::Deny
            }
        }))?;
        Ok(Self { open })
    }

    /// Runs a statement of our own. Never a cached one: the authorizer is asked when a statement is compiled, so a job
    /// that found it in the connection's cache would be past the fence.
    pub(crate) fn execute(&self, connection: &Connection, sql: &str) -> Result<(), DbError> {
        self.open.store(true, Ordering::Relaxed);
        let result = connection.execute(sql, []);
        self.open.store(false, Ordering::Relaxed);
        result.map(drop).map_err(DbError::from)
    }

    /// Ends the fence, for closing.
    pub(crate) fn lower(&self) {
        self.open.store(true, Ordering::Relaxed);
    }
}

fn allowed(action: &AuthAction<'_>) -> bool {
    /// Pragmas with an argument that only look, or that end with the transaction.
    const HARMLESS: [&str; 11] = [
        "defer_foreign_keys",
        "foreign_key_check",
        "foreign_key_list",
        "index_info",
        "index_list",
        "index_xinfo",
        "integrity_check",
        "quick_check",
        "table_info",
        "table_list",
        "table_xinfo",
    ];
    match action {
        AuthAction::Transaction { .. }
        | AuthAction::Savepoint { .. }
        | AuthAction::Attach { .. }
        | AuthAction::Detach { .. } => false,
        AuthAction::Pragma {
            pragma_name,
            pragma_value: Some(_),
        } => HARMLESS.iter().any(|name| name.eq_ignore_ascii_case(pragma_name)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_that_says_nothing_of_a_cipher_is_refused() {
        assert_eq!(require_cipher(None), Err(OpenError::NoCipher));
        assert_eq!(require_cipher(Some("")), Err(OpenError::NoCipher));
        assert_eq!(require_cipher(Some("4.19.0 community")), Ok(()));
    }
}
