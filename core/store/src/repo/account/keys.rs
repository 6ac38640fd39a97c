//! The device's signature keys, one for each suite, and the suites that its tenant allows.

use curo_types::SuiteId;
use curo_types::format::SuiteKey;
use rusqlite::{Connection, params};

use super::see_directory_version;
use crate::repo::{Result, lost};

pub(super) fn suites(conn: &Connection) -> Result<Vec<SuiteId>> {
    conn.prepare_cached("SELECT suite FROM account_suite ORDER BY rank")?
        .query_map([], |row| row.get(0).map(SuiteId))?
        .collect()
}

pub(super) fn published(conn: &Connection) -> Result<Vec<SuiteKey>> {
    keys(conn, true)
}

/// Keys that the device has made and that are in no accepted envelope. They are used again: each has a private part.
///
/// # Errors
/// The database's.
pub fn unpublished(conn: &Connection) -> Result<Vec<SuiteKey>> {
    keys(conn, false)
}

fn keys(conn: &Connection, published: bool) -> Result<Vec<SuiteKey>> {
    conn.prepare_cached("SELECT suite, public_key FROM account_key WHERE published = ?1 ORDER BY suite")?
        .query_map([published], |row| {
            Ok(SuiteKey {
                suite: SuiteId(row.get(0)?),
                public_key: row.get(1)?,
            })
        })?
        .collect()
}

pub(super) fn add(conn: &Connection, keys: &[SuiteKey], published: bool) -> Result<()> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO account_key (suite, public_key, published) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    for key in keys {
        insert.execute(params![key.suite.0, key.public_key, published])?;
    }
    Ok(())
}

/// Replaces the suites that the tenant allows and this build can run, best first.
///
/// # Errors
/// The database's.
pub fn set_suites(conn: &Connection, suites: &[SuiteId]) -> Result<()> {
    conn.execute("DELETE FROM account_suite", [])?;
    let mut insert = conn.prepare_cached("INSERT INTO account_suite (rank, suite) VALUES (?1, ?2)")?;
    for (rank, suite) in (0_i64..).zip(suites) {
        insert.execute(params![rank, suite.0])?;
    }
    Ok(())
}

/// Notes keys that the device will have, with the envelope that adds them, before that is sent. What is noted stays.
///
/// # Errors
/// The database's.
pub fn prepare_rotation(conn: &Connection, added: &[SuiteKey], envelope: &[u8]) -> Result<()> {
    add(conn, added, false)?;
    conn.execute("UPDATE account SET rotation = ?1", [envelope])?;
    Ok(())
}

/// Notes that the relay has accepted the rotation, with the envelope as everybody gets it and the keys in it.
///
/// # Errors
/// The database's.
pub fn set_rotated(conn: &Connection, version: u64, envelope: &[u8], keys: &[SuiteKey]) -> Result<()> {
    conn.execute("UPDATE account SET rotation = NULL, envelope = ?1", [envelope])?;
    lost::keep_own(conn, version, envelope)?;
    for key in keys {
        conn.execute(
            "UPDATE account_key SET published = 1 WHERE suite = ?1 AND public_key = ?2",
            params![key.suite.0, key.public_key],
        )?;
    }
    see_directory_version(conn, version)
}

/// Forgets a rotation that the relay refuses. Its keys stay, [`unpublished`].
///
/// # Errors
/// The database's.
pub fn drop_rotation(conn: &Connection) -> Result<()> {
    conn.execute("UPDATE account SET rotation = NULL", [])?;
    Ok(())
}

/// Notes for which suites the verified envelopes are read from now on.
///
/// # Errors
/// The database's.
pub fn set_read_suites(conn: &Connection, suites: &str) -> Result<()> {
    conn.execute("UPDATE account SET read_suites = ?1", [suites])?;
    Ok(())
}
