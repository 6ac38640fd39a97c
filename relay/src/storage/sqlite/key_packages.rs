//! KeyPackages: stock and upload. Claims stand in `claims.rs`.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::api::KeyPackageStock;
use curo_types::api::limits::KEY_PACKAGES_PER_DEVICE;
use curo_types::{DeviceId, SuiteId, TenantId};

use super::devices::{self, DeviceStanding};
use super::sql::{Stop, U, one, run};
use crate::storage::{DeviceRef, NewKeyPackage, UploadOutcome, UploadedKeyPackages};

/// The stock of each suite that the device has a key of.
pub(super) fn stock(conn: &Connection, tenant: &TenantId, device: DeviceId) -> Result<Vec<KeyPackageStock>, DbError> {
    devices::keys(conn, tenant, device)?
        .into_iter()
        .map(|(suite, _)| stock_of(conn, tenant, device, suite))
        .collect()
}

fn stock_of(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    suite: SuiteId,
) -> Result<KeyPackageStock, DbError> {
    one(
        conn,
        "SELECT count(*) FILTER (WHERE state = 'free'), count(*) FILTER (WHERE state = 'last_resort') > 0
         FROM key_package
         WHERE tenant = ?1 AND device = ?2 AND suite = ?3 AND state IN ('free', 'last_resort')",
        (tenant.as_str(), device.0, suite.0),
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
    for key_package in &upload.one_time {
        insert(conn, tenant, caller.device, upload.suite, key_package, "free", now_ms)?;
    }
    if let Some(last_resort) = &upload.last_resort {
        replace_last_resort(conn, tenant, caller.device, upload.suite, last_resort, now_ms)?;
    }
    let stock = stock_of(conn, tenant, caller.device, upload.suite)?;
    if usize::try_from(stock.one_time).unwrap_or(usize::MAX) > KEY_PACKAGES_PER_DEVICE {
        return Err(Stop::refused(UploadOutcome::TooMany));
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
        run(
            conn,
            "UPDATE key_package SET state = 'superseded', changed_ms = ?4
             WHERE tenant = ?1 AND device = ?2 AND suite = ?3 AND state = 'last_resort'",
            (tenant.as_str(), device.0, suite.0, U(now_ms)),
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
