//! Verified envelopes of the device directory and the keys that they published.

use curo_types::{DeviceId, SuiteId, UserId};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Result, int, uint};

/// Up to which directory version all envelopes of a user are here; 0 if none were asked for.
///
/// # Errors
/// The database's.
pub fn complete_to(conn: &Connection, user: UserId) -> Result<u64> {
    Ok(conn
        .prepare_cached("SELECT complete_to FROM directory_user WHERE user = ?1")?
        .query_row([user.0], |row| row.get(0))
        .optional()?
        .map_or(0, uint))
}

/// Notes that all envelopes of a user up to a version are here.
///
/// # Errors
/// The database's.
pub fn set_complete_to(conn: &Connection, user: UserId, version: u64) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO directory_user (user, complete_to) VALUES (?1, ?2) \
         ON CONFLICT DO UPDATE SET complete_to = max(complete_to, ?2)",
    )?
    .execute(params![user.0, int(version)])?;
    Ok(())
}

/// Nobody's envelopes count as complete any more: they are asked for again when they are needed next. What is here stays.
///
/// # Errors
/// The database's.
pub fn doubt(conn: &Connection) -> Result<()> {
    conn.execute("UPDATE directory_user SET complete_to = 0", [])?;
    Ok(())
}

/// The versions of a user's envelopes that are here.
///
/// # Errors
/// The database's.
pub fn versions(conn: &Connection, user: UserId) -> Result<Vec<u64>> {
    conn.prepare_cached("SELECT version FROM directory_envelope WHERE user = ?1")?
        .query_map([user.0], |row| row.get(0).map(uint))?
        .collect()
}

/// Whether a key was published for another device: a key belongs to one device for good.
///
/// # Errors
/// The database's.
pub fn key_of_another(conn: &Connection, device: DeviceId, suite: SuiteId, key: &[u8]) -> Result<bool> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM directory_key WHERE public_key = ?3 AND suite = ?2 AND device <> ?1)",
    )?
    .query_row(params![device.0, suite.0, key], |row| row.get(0))
}

/// The envelope stored under a version.
///
/// # Errors
/// The database's.
pub fn envelope(conn: &Connection, version: u64) -> Result<Option<Vec<u8>>> {
    conn.prepare_cached("SELECT envelope FROM directory_envelope WHERE version = ?1")?
        .query_row([int(version)], |row| row.get(0))
        .optional()
}

/// The last envelope of a device before a version, and the user that it names.
///
/// # Errors
/// The database's.
pub fn last_before(conn: &Connection, device: DeviceId, version: u64) -> Result<Option<(UserId, Vec<u8>)>> {
    conn.prepare_cached(
        "SELECT user, envelope FROM directory_envelope WHERE device = ?1 AND version < ?2 ORDER BY version DESC LIMIT 1",
    )?
    .query_row(params![device.0, int(version)], |row| Ok((UserId(row.get(0)?), row.get(1)?)))
    .optional()
}

/// Stores a verified envelope with the keys that it publishes. `approved`: of an addition, whether it needs no approval of
/// another device, or bears one.
///
/// # Errors
/// The database's; a constraint if the version is taken.
pub fn add(
    conn: &Connection,
    version: u64,
    user: UserId,
    device: DeviceId,
    envelope: &[u8],
    approved: bool,
    keys: &[(SuiteId, Vec<u8>)],
) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO directory_envelope (version, user, device, envelope, approved) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![int(version), user.0, device.0, envelope, approved])?;
    add_keys(conn, version, device, keys).map(drop)
}

/// The version with which a device came, and whether that addition bears the approval that it needs (2.11).
///
/// # Errors
/// The database's.
pub fn came(conn: &Connection, device: DeviceId) -> Result<Option<(u64, bool)>> {
    conn.prepare_cached("SELECT version, approved FROM directory_envelope WHERE device = ?1 ORDER BY version LIMIT 1")?
        .query_row([device.0], |row| Ok((uint(row.get(0)?), row.get(1)?)))
        .optional()
}

/// Notes keys that an envelope publishes; whether any of them was not noted yet.
///
/// # Errors
/// The database's.
pub fn add_keys(conn: &Connection, version: u64, device: DeviceId, keys: &[(SuiteId, Vec<u8>)]) -> Result<bool> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO directory_key (device, suite, public_key, version) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    )?;
    let mut added = 0;
    for (suite, key) in keys {
        added += insert.execute(params![device.0, suite.0, key, int(version)])?;
    }
    Ok(added > 0)
}

/// Whether a key is what the directory has for (device, suite) at a version: not revoked, not rotated away by then.
///
/// # Errors
/// The database's.
pub fn current(conn: &Connection, device: DeviceId, suite: SuiteId, key: &[u8], at: u64) -> Result<bool> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM directory_key WHERE device = ?1 AND suite = ?2 AND public_key = ?3 AND version = \
         (SELECT max(version) FROM directory_envelope WHERE device = ?1 AND version <= ?4))",
    )?
    .query_row(params![device.0, suite.0, key, int(at)], |row| row.get(0))
}

/// The keys that were published for (device, suite) at or before a version.
///
/// # Errors
/// The database's.
pub fn keys_of(conn: &Connection, device: DeviceId, suite: SuiteId, by: u64) -> Result<Vec<Vec<u8>>> {
    conn.prepare_cached(
        "SELECT DISTINCT public_key FROM directory_key WHERE device = ?1 AND suite = ?2 AND version <= ?3",
    )?
    .query_map(params![device.0, suite.0, int(by)], |row| row.get(0))?
    .collect()
}

/// Whether a key was published for (device, suite) at or before a version (rule 3.6).
///
/// # Errors
/// The database's.
pub fn published(conn: &Connection, device: DeviceId, suite: SuiteId, key: &[u8], by: u64) -> Result<bool> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM directory_key WHERE device = ?1 AND suite = ?2 AND public_key = ?3 AND version <= ?4)",
    )?
    .query_row(params![device.0, suite.0, key, int(by)], |row| row.get(0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
