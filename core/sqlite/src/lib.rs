//! An encrypted SQLite file that many callers share safely: opened fail-closed through SQLCipher, migrated, written by
//! one thread with group commit, read by a few.
//!
//! The device's store and the relay's embedded storage stand on this crate. It knows nothing of messages, tenants or MLS:
//! it is given a path, a key and migrations, and runs closures.
//!
//! What it promises:
//!
//! - A file that is not ours, not encrypted, newer than we know, damaged or keyed otherwise is refused with its own
//!   [`OpenError`], and is then byte for byte what it was.
//! - [`Database::write`] answers after the commit has reached the disk (`synchronous=FULL`), or with an error.
//! - Jobs run in the order in which they were given. Many waiting jobs share one commit; one that fails undoes only itself.

mod backup;
mod block_on;
mod connection;
mod database;
pub mod durable;
mod error;
mod gate;
mod header;
mod job;
mod key;
mod key_check;
mod migrate;
mod open;
mod reader;
mod writer;

pub use backup::{copy_blocking, recrypt_blocking};
pub use database::Database;
pub use error::{DbError, ForeignKind, OpenError};
pub use key::CipherKey;
pub use migrate::{MigrateFn, Migration};
pub use open::{Mode, Options};
pub use writer::WriteTx;

/// The `rusqlite` whose types appear in closures and migrations, so that callers use the same generation.
pub use rusqlite;
