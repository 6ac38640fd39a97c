//! Devices as the directory has them now.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::{self, Connection, Row};
use curo_types::{DeviceId, Digest, SuiteId, TenantId, UserId};

use super::silence;
use super::sql::{U, all, exists, first, run};
use crate::storage::{DeviceRef, DeviceState};

/// Whether a device may act.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DeviceStanding {
    /// It may.
    Active,
    /// There is no such device of that user.
    Unknown,
    /// It is revoked.
    Revoked,
}

/// Whether a device may act.
pub(super) fn device_standing(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
) -> Result<DeviceStanding, DbError> {
    let sql = "SELECT active FROM device WHERE tenant = ?1 AND device = ?2 AND user = ?3";
    let active = first(conn, sql, (tenant.as_str(), caller.device.0, caller.user.0), |row| {
        row.get::<_, bool>(0)
    })?;
    Ok(match active {
        Some(true) => DeviceStanding::Active,
        Some(false) => DeviceStanding::Revoked,
        None => DeviceStanding::Unknown,
    })
}

/// Whether the id is taken, by an active device or a revoked one.
pub(super) fn registered(conn: &Connection, tenant: &TenantId, device: DeviceId) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM device WHERE tenant = ?1 AND device = ?2";
    exists(conn, sql, (tenant.as_str(), device.0))
}

fn state(row: &Row<'_>) -> rusqlite::Result<DeviceState> {
    Ok(DeviceState {
        user: UserId(row.get(0)?),
        device: DeviceId(row.get(1)?),
        active: row.get(2)?,
        version: row.get::<_, U>(3)?.0,
        envelope_hash: Digest(row.get(4)?),
        registered_ms: row.get::<_, U>(5)?.0,
        last_seen_ms: row.get::<_, U>(6)?.0,
        announced: row.get(7)?,
        keys: Vec::new(),
    })
}

/// One device.
pub(super) fn find(conn: &Connection, tenant: &TenantId, device: DeviceId) -> Result<Option<DeviceState>, DbError> {
    let sql = "SELECT user, device, active, version, envelope_hash, registered_ms, last_seen_ms, announced
               FROM device WHERE tenant = ?1 AND device = ?2";
    let Some(mut found) = first(conn, sql, (tenant.as_str(), device.0), state)? else {
        return Ok(None);
    };
    found.keys = keys(conn, tenant, device)?;
    Ok(Some(found))
}

/// A user's devices by time of registration.
pub(super) fn of_user(conn: &Connection, tenant: &TenantId, user: UserId) -> Result<Vec<DeviceState>, DbError> {
    let sql = "SELECT user, device, active, version, envelope_hash, registered_ms, last_seen_ms, announced
               FROM device INDEXED BY device_user WHERE tenant = ?1 AND user = ?2 ORDER BY registered_ms, device";
    let mut devices = all(conn, sql, (tenant.as_str(), user.0), state)?;
    for device in &mut devices {
        device.keys = keys(conn, tenant, device.device)?;
    }
    Ok(devices)
}

/// A user's active devices by time of registration.
pub(super) fn active_of_user(conn: &Connection, tenant: &TenantId, user: UserId) -> Result<Vec<DeviceId>, DbError> {
    all(
        conn,
        "SELECT device FROM device INDEXED BY device_user
         WHERE tenant = ?1 AND user = ?2 AND active = 1 ORDER BY registered_ms, device",
        (tenant.as_str(), user.0),
        |row| row.get(0).map(DeviceId),
    )
}

/// The current keys of a device.
pub(super) fn keys(conn: &Connection, tenant: &TenantId, device: DeviceId) -> Result<Vec<(SuiteId, Vec<u8>)>, DbError> {
    all(
        conn,
        "SELECT suite, public_key FROM device_key INDEXED BY device_key_current
         WHERE tenant = ?1 AND device = ?2 AND current = 1 ORDER BY suite",
        (tenant.as_str(), device.0),
        |row| Ok((SuiteId(row.get(0)?), row.get(1)?)),
    )
}

/// Whether this is the device's current key of the suite.
pub(super) fn has_key(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    suite: SuiteId,
    public_key: &[u8],
) -> Result<bool, DbError> {
    exists(
        conn,
        "SELECT 1 FROM device_key WHERE tenant = ?1 AND suite = ?2 AND public_key = ?3 AND device = ?4 AND current = 1",
        (tenant.as_str(), suite.0, public_key, device.0),
    )
}

/// Notes that a device was seen: its leaves do not wait to be removed for its silence any more (6.3).
pub(super) fn touch(conn: &Connection, tenant: &TenantId, device: DeviceId, now_ms: u64) -> Result<(), DbError> {
    run(
        conn,
        "UPDATE device SET last_seen_ms = ?3 WHERE tenant = ?1 AND device = ?2 AND last_seen_ms < ?3",
        (tenant.as_str(), device.0, U(now_ms)),
    )?;
    silence::came_back(conn, tenant, device)
}
