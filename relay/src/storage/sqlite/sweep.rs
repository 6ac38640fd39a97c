//! Forgetting what no answer needs any more.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;

use super::sql::{U, all, run};
use crate::storage::{KEY_PACKAGE_FRESH_MS, SweepReport};

/// Rows of each kind that one transaction removes, so that it does not hold up others.
const BATCH: usize = 500;

/// Removes claims made before `before_ms`, the bytes of claimed and superseded KeyPackages that no claim names, KeyPackages too
/// old to be given out, and rate windows that ended.
pub(super) fn sweep(conn: &Connection, before_ms: u64, now_ms: u64) -> Result<SweepReport, DbError> {
    let batch = U(u64::try_from(BATCH).unwrap_or(u64::MAX));
    let claims = all(
        conn,
        "SELECT tenant, claimer, claim FROM claim WHERE time_ms < ?1 LIMIT ?2",
        (U(before_ms), batch),
        |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, [u8; 16]>(1)?,
                row.get::<_, [u8; 16]>(2)?,
            ))
        },
    )?;
    // A claim goes as a whole, or a repetition of it would be answered in part.
    let mut items = 0_usize;
    for claim in &claims {
        if items >= BATCH {
            break;
        }
        let key = (claim.0.as_str(), claim.1, claim.2);
        items += run(
            conn,
            "DELETE FROM claim_item WHERE tenant = ?1 AND claimer = ?2 AND claim = ?3",
            key,
        )?;
        items += run(
            conn,
            "DELETE FROM claim WHERE tenant = ?1 AND claimer = ?2 AND claim = ?3",
            key,
        )?;
    }
    let mut report = SweepReport::default();
    let mut count = |rows: usize| {
        report.removed += u64::try_from(rows).unwrap_or(u64::MAX);
        report.more |= rows >= BATCH;
    };
    count(items);
    // The name stays: a KeyPackage that was given out must never be taken for new.
    count(run(
        conn,
        "UPDATE key_package SET bytes = x'' WHERE rowid IN (
             SELECT k.rowid FROM key_package k INDEXED BY key_package_done
             WHERE k.state IN ('claimed', 'superseded') AND length(k.bytes) > 0 AND k.changed_ms < ?1 AND NOT EXISTS (
                 SELECT 1 FROM claim_item i
                 WHERE i.tenant = k.tenant AND i.device = k.device AND i.suite = k.suite AND i.hash_ref = k.hash_ref)
             LIMIT ?2)",
        (U(before_ms), batch),
    )?);
    count(run(
        conn,
        "DELETE FROM key_package WHERE rowid IN (
             SELECT rowid FROM key_package INDEXED BY key_package_free
             WHERE state = 'free' AND uploaded_ms < ?1 LIMIT ?2)",
        (U(now_ms.saturating_sub(KEY_PACKAGE_FRESH_MS)), batch),
    )?);
    // A window is an hour long; the row is written anew by the next claim.
    count(run(
        conn,
        "DELETE FROM rate WHERE (tenant, user, target) IN (
             SELECT tenant, user, target FROM rate INDEXED BY rate_window WHERE window_ms < ?1 - 3600000 LIMIT ?2)",
        (U(now_ms), batch),
    )?);
    count(run(
        conn,
        "DELETE FROM turn WHERE (tenant, conversation, incarnation, duty) IN (
             SELECT tenant, conversation, incarnation, duty FROM turn INDEXED BY turn_until WHERE until_ms < ?1 LIMIT ?2)",
        (U(now_ms), batch),
    )?);
    // Who was not approved in so long asks anew.
    count(run(
        conn,
        "DELETE FROM pending_device WHERE (tenant, device) IN (
             SELECT tenant, device FROM pending_device INDEXED BY pending_device_asked WHERE asked_ms < ?1 LIMIT ?2)",
        (U(before_ms), batch),
    )?);
    // Of a clock that was far ahead: it would hold the limit until then.
    count(run(
        conn,
        "DELETE FROM rate WHERE (tenant, user, target) IN (
             SELECT tenant, user, target FROM rate INDEXED BY rate_window WHERE window_ms > ?1 + 3600000 LIMIT ?2)",
        (U(now_ms), batch),
    )?);
    Ok(report)
}
