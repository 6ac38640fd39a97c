//! KeyPackages that wait to be uploaded. Their private keys are in the MLS rows; a row here goes once the relay has them.

use curo_types::SuiteId;
use rusqlite::{Connection, params};

use super::Result;

/// A KeyPackage to upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingUpload {
    /// Its KeyPackageRef (RFC 9420 section 5.2).
    pub hash_ref: Vec<u8>,
    /// Its suite.
    pub suite: SuiteId,
    /// Whether it is a last-resort one.
    pub last_resort: bool,
    /// The KeyPackage.
    pub bytes: Vec<u8>,
}

/// All that wait.
///
/// # Errors
/// The database's.
pub fn pending(conn: &Connection) -> Result<Vec<PendingUpload>> {
    conn.prepare_cached("SELECT hash_ref, suite, last_resort, bytes FROM key_package_upload")?
        .query_map([], |row| {
            Ok(PendingUpload {
                hash_ref: row.get(0)?,
                suite: SuiteId(row.get(1)?),
                last_resort: row.get(2)?,
                bytes: row.get(3)?,
            })
        })?
        .collect()
}

/// Adds one.
///
/// # Errors
/// The database's.
pub fn add(conn: &Connection, upload: &PendingUpload) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO key_package_upload (hash_ref, suite, last_resort, bytes) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        upload.hash_ref,
        upload.suite.0,
        upload.last_resort,
        upload.bytes
    ])?;
    Ok(())
}

/// Forgets one that the relay has.
///
/// # Errors
/// The database's.
pub fn uploaded(conn: &Connection, hash_ref: &[u8]) -> Result<()> {
    conn.prepare_cached("DELETE FROM key_package_upload WHERE hash_ref = ?1")?
        .execute([hash_ref])?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
