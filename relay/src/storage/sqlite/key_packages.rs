//! KeyPackages: stock and upload. Claims stand in `claims.rs`.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::api::KeyPackageStock;
use curo_types::api::limits::KEY_PACKAGES_PER_DEVICE;
use curo_types::{DeviceId, SuiteId, TenantId};

use super::announce;
use super::devices::{self, DeviceStanding};
use super::sql::{Stop, U, all, one, run};
use crate::storage::{
    DeviceRef, KEY_PACKAGE_FRESH_MS, NewKeyPackage, STOCK_MARGIN_MS, UploadOutcome, UploadedKeyPackages,
};

/// The stock of each suite that the device has a key of.
pub(super) fn stock(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    now_ms: u64,
) -> Result<Vec<KeyPackageStock>, DbError> {
    devices::keys(conn, tenant, device)?
        .into_iter()
        .map(|(suite, _)| stock_of(conn, tenant, device, suite, now_ms))
        .collect()
}

/// What will be given out for a good while yet: the device refills before the rest grows stale.
fn stock_of(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    suite: SuiteId,
    now_ms: u64,
) -> Result<KeyPackageStock, DbError> {
    let oldest_ms = now_ms.saturating_sub(KEY_PACKAGE_FRESH_MS - STOCK_MARGIN_MS);
    one(
        conn,
        "SELECT count(*) FILTER (WHERE state = 'free'), count(*) FILTER (WHERE state = 'last_resort') > 0
         FROM key_package
         WHERE tenant = ?1 AND device = ?2 AND suite = ?3 AND state IN ('free', 'last_resort') AND uploaded_ms >= ?4",
        (tenant.as_str(), device.0, suite.0, U(oldest_ms)),
        |row| {
            Ok(KeyPackageStock {
                suite,
                one_time: row.get(0)?,
                last_resort: row.get(1)?,
            })
        },
    )
}

/// Adds to the stock, all or nothing.
pub(super) fn upload(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    upload: &UploadedKeyPackages,
    now_ms: u64,
) -> Result<UploadOutcome, Stop<UploadOutcome>> {
    match devices::device_standing(conn, tenant, caller)? {
        DeviceStanding::Active => {}
        DeviceStanding::Unknown => return Ok(UploadOutcome::UnknownDevice),
        DeviceStanding::Revoked => return Ok(UploadOutcome::DeviceRevoked),
    }
    if !devices::has_key(conn, tenant, caller.device, upload.suite, &upload.public_key)? {
        return Ok(UploadOutcome::WrongKey);
    }
    if upload.replace {
        forget_others(conn, tenant, caller.device, upload)?;
    }
    for key_package in &upload.one_time {
        insert(conn, tenant, caller.device, upload.suite, key_package, "free", now_ms)?;
    }
    if let Some(last_resort) = &upload.last_resort {
        replace_last_resort(conn, tenant, caller.device, upload.suite, last_resort, now_ms)?;
    }
    let stock = stock_of(conn, tenant, caller.device, upload.suite, now_ms)?;
    if usize::try_from(stock.one_time).unwrap_or(usize::MAX) > KEY_PACKAGES_PER_DEVICE {
        return Err(Stop::refused(UploadOutcome::TooMany));
    }
    if stock.one_time > 0 || stock.last_resort {
        announce::announce(conn, tenant, caller)?;
    }
    Ok(UploadOutcome::Accepted(stock))
}

/// Whether it was new. A KeyPackage that is there already keeps its state: a claimed one must never be given out again.
fn insert(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    suite: SuiteId,
    key_package: &NewKeyPackage,
    state: &'static str,
    now_ms: u64,
) -> Result<bool, DbError> {
    let inserted = run(
        conn,
        "INSERT INTO key_package (tenant, device, suite, hash_ref, state, uploaded_ms, changed_ms, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7) ON CONFLICT DO NOTHING",
        (
            tenant.as_str(),
            device.0,
            suite.0,
            key_package.hash_ref.as_slice(),
            state,
            U(now_ms),
            key_package.bytes.as_slice(),
        ),
    )?;
    Ok(inserted > 0)
}

/// Forgets the one-time KeyPackages that nobody has claimed, but for those of this upload, which may have come before.
fn forget_others(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    upload: &UploadedKeyPackages,
) -> Result<(), DbError> {
    let free: Vec<Vec<u8>> = all(
        conn,
        "SELECT hash_ref FROM key_package WHERE tenant = ?1 AND device = ?2 AND suite = ?3 AND state = 'free'",
        (tenant.as_str(), device.0, upload.suite.0),
        |row| row.get(0),
    )?;
    let comes = |hash_ref: &[u8]| upload.one_time.iter().any(|one| one.hash_ref == hash_ref);
    for hash_ref in free.iter().filter(|hash_ref| !comes(hash_ref)) {
        run(
            conn,
            "DELETE FROM key_package WHERE tenant = ?1 AND device = ?2 AND suite = ?3 AND hash_ref = ?4 AND state = 'free'",
            (tenant.as_str(), device.0, upload.suite.0, hash_ref.as_slice()),
        )?;
    }
    Ok(())
}

fn replace_last_resort(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    suite: SuiteId,
    last_resort: &NewKeyPackage,
    now_ms: u64,
) -> Result<(), DbError> {
    // The new one stands first, under a state in which nobody claims it, to find out whether it is new.
    if insert(conn, tenant, device, suite, last_resort, "superseded", now_ms)? {
        // Only one that a claim has given out needs remembering.
        run(
            conn,
            "UPDATE key_package AS k SET state = 'superseded', changed_ms = ?4
             WHERE k.tenant = ?1 AND k.device = ?2 AND k.suite = ?3 AND k.state = 'last_resort' AND EXISTS (
                 SELECT 1 FROM claim_item i
                 WHERE i.tenant = k.tenant AND i.device = k.device AND i.suite = k.suite AND i.hash_ref = k.hash_ref)",
            (tenant.as_str(), device.0, suite.0, U(now_ms)),
        )?;
        run(
            conn,
            "DELETE FROM key_package WHERE tenant = ?1 AND device = ?2 AND suite = ?3 AND state = 'last_resort'",
            (tenant.as_str(), device.0, suite.0),
        )?;
        run(
            conn,
            "UPDATE key_package SET state = 'last_resort'
             WHERE tenant = ?1 AND device = ?2 AND suite = ?3 AND hash_ref = ?4",
            (tenant.as_str(), device.0, suite.0, last_resort.hash_ref.as_slice()),
        )?;
    }
    Ok(())
}
