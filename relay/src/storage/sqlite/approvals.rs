//! Devices that wait for the approval of another device of their user (2.11), where the tenant asks for it.

use async_trait::async_trait;
use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::{DeviceId, TenantId, UserId};

use super::sql::{U, all, first, run};
use super::{SqliteStorage, devices, inbox, tenants};
use crate::failpoints::{self, pass};
use crate::storage::{ApprovalOutcome, Approvals, AskingDevice, DeviceRef, DirectoryLimits, StorageError};

#[async_trait]
impl Approvals for SqliteStorage {
    async fn approval_since(&self, tenant: &TenantId, require: bool) -> Result<Option<u64>, StorageError> {
        let tenant = tenant.clone();
        self.write(move |conn| since(conn, &tenant, require)).await
    }

    async fn ask_approval(
        &self,
        tenant: &TenantId,
        asking: AskingDevice,
        limits: DirectoryLimits,
    ) -> Result<ApprovalOutcome, StorageError> {
        pass(failpoints::APPROVAL_BEFORE_ACCEPT)?;
        let tenant = tenant.clone();
        let outcome = self
            .write(move |conn| ask(conn, &tenant, &asking, limits.additions_per_day))
            .await?;
        pass(failpoints::APPROVAL_AFTER_ACCEPT)?;
        Ok(outcome)
    }

    async fn waiting_devices(&self, tenant: &TenantId, user: UserId) -> Result<Vec<AskingDevice>, StorageError> {
        let tenant = tenant.clone();
        self.read(move |conn| waiting(conn, &tenant, user)).await
    }

    async fn refuse_device(&self, tenant: &TenantId, device: DeviceRef) -> Result<bool, StorageError> {
        let tenant = tenant.clone();
        self.write(move |conn| refuse(conn, &tenant, device)).await
    }
}

/// 24 hours.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// The directory version after which a later device needs an approval. With `require` the tenant asks for it from now on, unless
/// it did before.
pub(super) fn since(conn: &Connection, tenant: &TenantId, require: bool) -> Result<Option<u64>, DbError> {
    if require {
        run(
            conn,
            "INSERT INTO tenant (tenant, approval_since) VALUES (?1, 0)
             ON CONFLICT (tenant) DO UPDATE SET approval_since = coalesce(approval_since, directory_version)",
            [tenant.as_str()],
        )?;
    }
    let sql = "SELECT approval_since FROM tenant WHERE tenant = ?1";
    let since = first(conn, sql, [tenant.as_str()], |row| row.get::<_, Option<U>>(0))?;
    Ok(since.flatten().map(|U(version)| version))
}

/// Whether an addition lacks an approval that it needs: there is another active device of the user, and none has approved.
pub(super) fn is_needed(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceRef,
    approved_by: Option<DeviceId>,
) -> Result<bool, DbError> {
    if approved_by.is_some() || since(conn, tenant, false)?.is_none() {
        return Ok(false);
    }
    let mut others = devices::active_of_user(conn, tenant, device.user)?;
    others.retain(|other| *other != device.device);
    Ok(!others.is_empty())
}

/// Notes that a device asks, and tells the others of its user.
pub(super) fn ask(
    conn: &Connection,
    tenant: &TenantId,
    asking: &AskingDevice,
    per_day: u32,
) -> Result<ApprovalOutcome, DbError> {
    let (device, user, now_ms) = (asking.device.device, asking.device.user, asking.asked_ms);
    let known = first(
        conn,
        "SELECT user, envelope, refused FROM pending_device WHERE tenant = ?1 AND device = ?2",
        (tenant.as_str(), device.0),
        |row| Ok((UserId(row.get(0)?), row.get::<_, Vec<u8>>(1)?, row.get::<_, bool>(2)?)),
    )?;
    match known {
        Some((owner, envelope, _)) if owner != user || envelope != asking.envelope => {
            return Ok(ApprovalOutcome::DeviceExists);
        }
        Some((_, _, true)) => return Ok(ApprovalOutcome::Refused),
        Some(_) => return Ok(ApprovalOutcome::Waiting { wake: Vec::new() }),
        None => {}
    }
    let asked = all(
        conn,
        "SELECT asked_ms FROM pending_device INDEXED BY pending_device_user
         WHERE tenant = ?1 AND user = ?2 ORDER BY asked_ms DESC LIMIT ?3",
        (tenant.as_str(), user.0, per_day.max(1)),
        |row| row.get::<_, U>(0).map(|U(asked_ms)| asked_ms),
    )?;
    if let Some(oldest) = asked.last()
        && asked.len() >= usize::try_from(per_day.max(1)).unwrap_or(usize::MAX)
        && let Some(retry_after_ms) = oldest
            .saturating_add(DAY_MS)
            .checked_sub(now_ms)
            .filter(|wait| *wait > 0)
    {
        return Ok(ApprovalOutcome::RateLimited { retry_after_ms });
    }
    run(
        conn,
        "INSERT INTO pending_device (tenant, device, user, asked_ms, refused, envelope) VALUES (?1, ?2, ?3, ?4, 0, ?5)",
        (tenant.as_str(), device.0, user.0, U(now_ms), asking.envelope.as_slice()),
    )?;
    let wake = devices::active_of_user(conn, tenant, user)?;
    for other in &wake {
        let position = tenants::take_positions(conn, tenant, 1)?;
        inbox::push_about(conn, tenant, *other, inbox::ABOUT_APPROVAL, device, 0, position)?;
    }
    Ok(ApprovalOutcome::Waiting { wake })
}

/// The devices of a user that wait, by time of asking.
pub(super) fn waiting(conn: &Connection, tenant: &TenantId, user: UserId) -> Result<Vec<AskingDevice>, DbError> {
    all(
        conn,
        "SELECT device, asked_ms, envelope FROM pending_device INDEXED BY pending_device_user
         WHERE tenant = ?1 AND user = ?2 AND refused = 0 ORDER BY asked_ms",
        (tenant.as_str(), user.0),
        |row| {
            Ok(AskingDevice {
                device: DeviceRef {
                    user,
                    device: DeviceId(row.get(0)?),
                },
                asked_ms: row.get::<_, U>(1)?.0,
                envelope: row.get(2)?,
            })
        },
    )
}

/// Refuses one of them for good. False: there is no such device of the user.
pub(super) fn refuse(conn: &Connection, tenant: &TenantId, device: DeviceRef) -> Result<bool, DbError> {
    let changed = run(
        conn,
        "UPDATE pending_device SET refused = 1 WHERE tenant = ?1 AND device = ?2 AND user = ?3",
        (tenant.as_str(), device.device.0, device.user.0),
    )?;
    Ok(changed > 0)
}

/// It waits no more: it is in the directory.
pub(super) fn settled(conn: &Connection, tenant: &TenantId, device: DeviceId) -> Result<(), DbError> {
    run(
        conn,
        "DELETE FROM pending_device WHERE tenant = ?1 AND device = ?2",
        (tenant.as_str(), device.0),
    )?;
    Ok(())
}
