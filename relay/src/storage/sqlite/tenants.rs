//! Tenants: their keys and their two counters.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::TenantId;

use super::sql::{U, first, one, run};
use crate::storage::TenantKeys;

/// The stored keys, or `fresh` stored now.
pub(super) fn keys(
    conn: &Connection,
    tenant: &TenantId,
    fresh: &TenantKeys,
    now_ms: u64,
) -> Result<TenantKeys, DbError> {
    run(
        conn,
        "INSERT INTO tenant_key (tenant, directory_seed, log_seed, created_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING",
        (tenant.as_str(), fresh.directory, fresh.log, U(now_ms)),
    )?;
    one(
        conn,
        "SELECT directory_seed, log_seed FROM tenant_key WHERE tenant = ?1",
        [tenant.as_str()],
        |row| {
            Ok(TenantKeys {
                directory: row.get(0)?,
                log: row.get(1)?,
            })
        },
    )
}

/// Takes the next `count` positions of the feed and returns the last of them.
pub(super) fn take_positions(conn: &Connection, tenant: &TenantId, count: u64) -> Result<u64, DbError> {
    one(
        conn,
        "INSERT INTO tenant (tenant, feed_position) VALUES (?1, ?2)
         ON CONFLICT (tenant) DO UPDATE SET feed_position = feed_position + excluded.feed_position
         RETURNING feed_position",
        (tenant.as_str(), U(count)),
        |row| row.get::<_, U>(0),
    )
    .map(|U(position)| position)
}

/// The last position that was taken; 0 before the first.
pub(super) fn position(conn: &Connection, tenant: &TenantId) -> Result<u64, DbError> {
    let sql = "SELECT feed_position FROM tenant WHERE tenant = ?1";
    Ok(first(conn, sql, [tenant.as_str()], |row| row.get::<_, U>(0))?.map_or(0, |U(position)| position))
}

/// Takes the next directory version.
pub(super) fn take_directory_version(conn: &Connection, tenant: &TenantId) -> Result<u64, DbError> {
    one(
        conn,
        "INSERT INTO tenant (tenant, directory_version) VALUES (?1, 1)
         ON CONFLICT (tenant) DO UPDATE SET directory_version = directory_version + 1
         RETURNING directory_version",
        [tenant.as_str()],
        |row| row.get::<_, U>(0),
    )
    .map(|U(version)| version)
}

/// The directory's version; 0 before the first envelope.
pub(super) fn directory_version(conn: &Connection, tenant: &TenantId) -> Result<u64, DbError> {
    let sql = "SELECT directory_version FROM tenant WHERE tenant = ?1";
    Ok(first(conn, sql, [tenant.as_str()], |row| row.get::<_, U>(0))?.map_or(0, |U(version)| version))
}
