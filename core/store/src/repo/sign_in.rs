//! The sign-in that the profile stands on: when it was, how long it holds, and whether it is being ended.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Result, int, one, uint};

/// When the person signed in, and the tenant's limits as the relay told them then. Times are milliseconds since 1970 UTC by
/// the device's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// When the person signed in.
    pub signed_in_ms: u64,
    /// The latest time that was seen.
    pub seen_ms: u64,
    /// After how long without its user the client locks.
    pub idle_lock_ms: Option<u64>,
    /// How long the sign-in holds.
    pub session_limit_ms: Option<u64>,
}

/// The sign-in, `None` before the first.
///
/// # Errors
/// The database's.
pub fn get(conn: &Connection) -> Result<Option<SignIn>> {
    let sql = "SELECT signed_in_ms, seen_ms, idle_lock_ms, session_limit_ms FROM sign_in";
    conn.prepare_cached(sql)?
        .query_row([], |row| {
            Ok(SignIn {
                signed_in_ms: uint(row.get(0)?),
                seen_ms: uint(row.get(1)?),
                idle_lock_ms: row.get::<_, Option<i64>>(2)?.map(uint),
                session_limit_ms: row.get::<_, Option<i64>>(3)?.map(uint),
            })
        })
        .optional()
}

/// Replaces it; label and an ending sign-out stay.
///
/// # Errors
/// The database's.
pub fn put(conn: &Connection, sign_in: &SignIn) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO sign_in (id, signed_in_ms, seen_ms, idle_lock_ms, session_limit_ms) VALUES (1, ?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET signed_in_ms = ?1, seen_ms = max(seen_ms, ?2), idle_lock_ms = ?3,
                                        session_limit_ms = ?4",
    )?
    .execute(params![
        int(sign_in.signed_in_ms),
        int(sign_in.seen_ms),
        sign_in.idle_lock_ms.map(int),
        sign_in.session_limit_ms.map(int)
    ])?;
    Ok(())
}

/// Notes a time that was seen; an earlier one changes nothing.
///
/// # Errors
/// The database's.
pub fn see(conn: &Connection, now_ms: u64) -> Result<()> {
    one(
        conn,
        "UPDATE sign_in SET seen_ms = ?1 WHERE seen_ms < ?1",
        [int(now_ms)],
    )
    .map(drop)
}

/// What the app calls the profile.
///
/// # Errors
/// The database's.
pub fn label(conn: &Connection) -> Result<Option<String>> {
    let label = conn
        .prepare_cached("SELECT label FROM sign_in")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(label.flatten())
}

/// Names the profile; false before the first sign-in.
///
/// # Errors
/// The database's.
pub fn set_label(conn: &Connection, label: Option<&str>) -> Result<bool> {
    one(conn, "UPDATE sign_in SET label = ?1", [label])
}

/// Whether a sign-out has begun that must be finished.
///
/// # Errors
/// The database's.
pub fn is_signing_out(conn: &Connection) -> Result<bool> {
    let signing_out = conn
        .prepare_cached("SELECT signing_out FROM sign_in")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(signing_out.unwrap_or(false))
}

/// Marks that a sign-out has begun; false before the first sign-in.
///
/// # Errors
/// The database's.
pub fn set_signing_out(conn: &Connection) -> Result<bool> {
    one(conn, "UPDATE sign_in SET signing_out = 1", [])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
