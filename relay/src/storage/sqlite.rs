//! The embedded storage: one encrypted SQLite file, one writer whose fsyncs serve many requests (9.6).
//!
//! One file per noun below. They take a connection inside a transaction and know neither threads nor HTTP; `methods.rs`
//! turns each method of [`Storage`](super::Storage) into one transaction.

mod announce;
mod approvals;
mod checkpoints;
mod claims;
mod commit_rules;
mod commits;
mod conversations;
mod cursors;
mod devices;
mod directory;
mod feed;
mod inbox;
mod incarnations;
mod key_packages;
mod leaving;
mod log;
mod mandatory;
mod messages;
mod methods;
mod outages;
mod outside;
mod people;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod plans;
mod push;
mod quotas;
mod receipts;
mod replay;
mod restored;
mod retention;
mod silence;
mod sql;
mod sweep;
mod tenants;
mod turns;

use std::path::Path;

use curo_sqlite::rusqlite::Connection;
use curo_sqlite::{CipherKey, Database, DbError, Migration, Mode, OpenError, Options, copy_blocking};
use curo_types::StoreId;

use self::sql::Stop;
use super::StorageError;

/// "CuRe" in the file's header.
const APPLICATION_ID: i32 = 0x4375_5265;

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "relay",
        sql: include_str!("../../migrations/0001_relay.sql"),
        rust: None,
    },
    Migration {
        version: 2,
        name: "key packages",
        sql: include_str!("../../migrations/0002_key_packages.sql"),
        rust: None,
    },
    Migration {
        version: 3,
        name: "receipts",
        sql: include_str!("../../migrations/0003_receipts.sql"),
        rust: None,
    },
    Migration {
        version: 4,
        name: "incarnations",
        sql: include_str!("../../migrations/0004_incarnations.sql"),
        rust: None,
    },
    Migration {
        version: 5,
        name: "leaving",
        sql: include_str!("../../migrations/0005_leaving.sql"),
        rust: None,
    },
    Migration {
        version: 6,
        name: "suites",
        sql: include_str!("../../migrations/0006_suites.sql"),
        rust: None,
    },
    Migration {
        version: 7,
        name: "checkpoints",
        sql: include_str!("../../migrations/0007_checkpoints.sql"),
        rust: None,
    },
    Migration {
        version: 8,
        name: "push",
        sql: include_str!("../../migrations/0008_push.sql"),
        rust: None,
    },
    Migration {
        version: 9,
        name: "retention",
        sql: include_str!("../../migrations/0009_retention.sql"),
        rust: None,
    },
    Migration {
        version: 10,
        name: "approval",
        sql: include_str!("../../migrations/0010_approval.sql"),
        rust: None,
    },
    Migration {
        version: 11,
        name: "quota",
        sql: include_str!("../../migrations/0011_quota.sql"),
        rust: None,
    },
    Migration {
        version: 12,
        name: "silence",
        sql: include_str!("../../migrations/0012_silence.sql"),
        rust: None,
    },
    Migration {
        version: 13,
        name: "lost versions",
        sql: include_str!("../../migrations/0013_lost_versions.sql"),
        rust: None,
    },
];

/// How the embedded storage is opened.
#[derive(Debug, Clone, Copy)]
pub struct SqliteOptions {
    /// Connections that read, 1 to 4.
    pub readers: usize,
    /// Page cache of each connection, in KiB.
    pub cache_kib: u32,
}

impl Default for SqliteOptions {
    /// 2 readers, 64 MiB of cache for each connection.
    fn default() -> Self {
        Self {
            readers: 2,
            cache_kib: 64 * 1024,
        }
    }
}

/// The embedded storage. Clones are handles on the same one.
#[derive(Debug, Clone)]
pub struct SqliteStorage {
    db: Database,
    store: StoreId,
}

impl SqliteStorage {
    /// Opens the database file, or makes it.
    ///
    /// # Errors
    /// [`OpenError`]; a refused file stays as it was.
    pub async fn open(path: &Path, key: &CipherKey, options: SqliteOptions) -> Result<Self, OpenError> {
        let db = Database::open(path, key, self::options(options, Mode::CreateIfMissing)).await?;
        let store = db
            .read(|conn| sql::one(conn, "SELECT store_id FROM store", [], |row| row.get(0).map(StoreId)))
            .await
            .map_err(|error: DbError| OpenError::from(error))?;
        Ok(Self { db, store })
    }

    /// Copies the database at `source`, which may be in use, to the new file `target`. Blocks.
    pub(crate) fn copy(source: &Path, target: &Path, key: &CipherKey) -> Result<(), OpenError> {
        copy_blocking(source, target, key, APPLICATION_ID)
    }

    /// Gives the store in a closed database a new random name, so that no token or cursor of the old one is taken for its
    /// own, and lets its directory versions begin behind all that the old one can have used. Migrates it if need be. Blocks.
    pub(crate) fn rename_store(path: &Path, key: &CipherKey, now_ms: u64) -> Result<StoreId, OpenError> {
        let store = StoreId::random();
        let db = Database::open_blocking(path, key, options(SqliteOptions::default(), Mode::Existing))?;
        let written = db.write_blocking(move |tx| {
            restored::skip_versions(tx, now_ms)?;
            sql::run(tx, "UPDATE store SET store_id = ?1 WHERE id = 1", [store.0]).map(drop)
        });
        db.close_blocking().map_err(OpenError::from)?;
        written.map(|()| store).map_err(OpenError::from)
    }

    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, StorageError> {
        self.db.read(job).await.map_err(trouble)
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, StorageError> {
        self.db.write(move |tx| job(tx)).await.map_err(trouble)
    }

    /// A read that a rule may stop.
    async fn judge<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Stop<T>> + Send + 'static,
    ) -> Result<T, StorageError> {
        settle(self.db.read(job).await)
    }

    /// A write that a rule may stop: then nothing of it is kept, and the refusal is the outcome.
    async fn decide<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Stop<T>> + Send + 'static,
    ) -> Result<T, StorageError> {
        settle(self.db.write(move |tx| job(tx)).await)
    }
}

fn options(options: SqliteOptions, mode: Mode) -> Options {
    Options {
        application_id: APPLICATION_ID,
        migrations: MIGRATIONS,
        readers: options.readers,
        cache_kib: options.cache_kib,
        mode,
    }
}

fn settle<T>(result: Result<T, Stop<T>>) -> Result<T, StorageError> {
    match result {
        Ok(outcome) => Ok(outcome),
        Err(Stop::Refused(outcome)) => Ok(*outcome),
        Err(Stop::Db(error)) => Err(trouble(error)),
    }
}

fn trouble(error: DbError) -> StorageError {
    let fault = match &error {
        DbError::Closed => return StorageError::Closed,
        DbError::Full => return StorageError::Full,
        retryable if retryable.retryable() => return StorageError::Retry,
        DbError::Corrupt => "damaged",
        DbError::Constraint { .. } => "constraint",
        DbError::NoRow => "missing row",
        DbError::Value => "unexpected value",
        DbError::Panic => "panic",
        _ => "sqlite",
    };
    tracing::error!(%error, "storage");
    StorageError::Broken(fault)
}
