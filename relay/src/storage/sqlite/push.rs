//! Push registrations: one for each device.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::{DeviceId, TenantId};

use super::sql::{U, first, run};
use crate::storage::PushTarget;

/// Takes the place of the device's registration.
pub(super) fn put(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    target: Option<&PushTarget>,
    now_ms: u64,
) -> Result<(), DbError> {
    match target {
        Some(target) => run(
            conn,
            "INSERT INTO push (tenant, device, target, token, changed_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET target = ?3, token = ?4, changed_ms = ?5",
            (
                tenant.as_str(),
                device.0,
                target.target.as_str(),
                target.token,
                U(now_ms),
            ),
        ),
        None => run(
            conn,
            "DELETE FROM push WHERE tenant = ?1 AND device = ?2",
            (tenant.as_str(), device.0),
        ),
    }
    .map(drop)
}

/// The registrations of those devices that have one and are active.
pub(super) fn of(
    conn: &Connection,
    tenant: &TenantId,
    devices: &[DeviceId],
) -> Result<Vec<(DeviceId, PushTarget)>, DbError> {
    let mut found = Vec::new();
    for device in devices {
        let target = first(
            conn,
            "SELECT p.target, p.token FROM push p JOIN device d USING (tenant, device)
             WHERE p.tenant = ?1 AND p.device = ?2 AND d.active = 1",
            (tenant.as_str(), device.0),
            |row| {
                Ok(PushTarget {
                    target: row.get(0)?,
                    token: row.get(1)?,
                })
            },
        )?;
        found.extend(target.map(|target| (*device, target)));
    }
    Ok(found)
}

/// Takes a registration away if it still is this one.
pub(super) fn forget(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    target: &PushTarget,
) -> Result<(), DbError> {
    run(
        conn,
        "DELETE FROM push WHERE tenant = ?1 AND device = ?2 AND target = ?3 AND token = ?4",
        (tenant.as_str(), device.0, target.target.as_str(), target.token),
    )
    .map(drop)
}
