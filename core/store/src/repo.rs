//! Repositories: one module a noun, functions over an open connection. They hold the SQL and no rules; what may follow
//! what is decided above, in the client.
//!
//! Reads take any [`Connection`]; writes take one inside the caller's transaction. Numbers above `i64::MAX`, which no
//! honest relay sends, saturate.

pub mod about;
pub mod account;
pub mod arrivals;
pub mod change;
pub mod conversation;
pub mod departure;
pub mod directory;
pub mod item;
pub mod kept;
pub mod key_package;
pub mod knowledge;
pub mod leaf;
pub mod lost;
pub mod outbox;
pub mod overview;
pub mod person;
pub mod policy;
pub mod purge;
pub mod push;
pub mod ranking;
pub mod receipt;
pub mod recovery;
pub mod rejoin;
pub mod removed;
pub mod renewal;
pub mod search;
pub mod sign_in;
pub mod span;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod testing;

use rusqlite::Connection;

/// What every repository returns: the caller's `?` turns it into its own error.
pub type Result<T> = std::result::Result<T, rusqlite::Error>;

/// SQLite's integers are signed; sequence numbers and times are far below the limit, and a larger one saturates.
pub(crate) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The other way round. No column that is read with it holds a negative number.
pub(crate) fn uint(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// Runs a statement that must change exactly one row; says whether it did.
pub(crate) fn one(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<bool> {
    Ok(conn.prepare_cached(sql)?.execute(params)? == 1)
}
