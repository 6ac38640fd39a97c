//! What a restore leaves in the store (7.2): the directory versions that are lost, which are never used again.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::TenantId;
use curo_types::api::LostVersions;

use super::sql::{U, all, run};

/// Versions that a store can have used after its backup, at most: 65,536 in each millisecond until the restore. By the relay's
/// clock, so that two restores of one backup are apart, too.
const VERSIONS_PER_MS_BITS: u32 = 16;
/// And so many at least, should the clock have been set back.
const SKIPPED: u64 = 1 << 32;
/// Spans that are told.
const TOLD: u64 = 64;

/// Lets the directory versions of every tenant begin behind all that the lost store can have used.
pub(super) fn skip_versions(conn: &Connection, now_ms: u64) -> Result<(), DbError> {
    // A tenant without any change has no row yet.
    run(
        conn,
        "INSERT INTO tenant (tenant) SELECT tenant FROM tenant_key WHERE true ON CONFLICT DO NOTHING",
        [],
    )?;
    let by_clock = now_ms.min(u64::MAX >> (VERSIONS_PER_MS_BITS + 2)) << VERSIONS_PER_MS_BITS;
    run(
        conn,
        "INSERT INTO lost_versions (tenant, after_version, until_version)
         SELECT tenant, directory_version, max(directory_version + ?1, ?2) FROM tenant",
        (U(SKIPPED), U(by_clock)),
    )?;
    run(
        conn,
        "UPDATE tenant SET directory_version = max(directory_version + ?1, ?2)",
        (U(SKIPPED), U(by_clock)),
    )?;
    Ok(())
}

/// The versions that are lost, ascending: of the last restores.
pub(super) fn lost_versions(conn: &Connection, tenant: &TenantId) -> Result<Vec<LostVersions>, DbError> {
    let mut spans = all(
        conn,
        "SELECT after_version, until_version FROM lost_versions WHERE tenant = ?1 ORDER BY after_version DESC LIMIT ?2",
        (tenant.as_str(), U(TOLD)),
        |row| {
            Ok(LostVersions {
                after: row.get::<_, U>(0)?.0,
                until: row.get::<_, U>(1)?.0,
            })
        },
    )?;
    spans.reverse();
    Ok(spans)
}
