//! People that were looked up by the identity provider's subject.

use curo_types::UserId;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::Result;

/// The user of a subject, if it was looked up before.
///
/// # Errors
/// The database's.
pub fn find(conn: &Connection, subject: &str) -> Result<Option<UserId>> {
    conn.prepare_cached("SELECT user FROM person WHERE subject = ?1")?
        .query_row([subject], |row| Ok(UserId(row.get(0)?)))
        .optional()
}

/// The subject of a user, if it was looked up before.
///
/// # Errors
/// The database's.
pub fn subject_of(conn: &Connection, user: UserId) -> Result<Option<String>> {
    conn.prepare_cached("SELECT subject FROM person WHERE user = ?1")?
        .query_row([user.0], |row| row.get(0))
        .optional()
}

/// Keeps what the relay answered.
///
/// # Errors
/// The database's.
pub fn keep(conn: &Connection, subject: &str, user: UserId) -> Result<()> {
    conn.prepare_cached("INSERT INTO person (subject, user) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET user = ?2")?
        .execute(params![subject, user.0])?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
