//! What a tenant may have at most, and what it has: both stand in its row, and triggers count.

use async_trait::async_trait;
use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::TenantId;

use super::SqliteStorage;
use super::sql::{Stop, U, first, run};
use crate::config::Quota;
use crate::storage::{Quotas, Refusal, StorageError, Usage};

#[async_trait]
impl Quotas for SqliteStorage {
    async fn set_quota(&self, tenant: &TenantId, quota: Quota) -> Result<(), StorageError> {
        let tenant = tenant.clone();
        self.write(move |conn| {
            run(
                conn,
                "INSERT INTO tenant (tenant, max_conversations, max_devices, max_bytes) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (tenant) DO UPDATE SET max_conversations = ?2, max_devices = ?3, max_bytes = ?4",
                (
                    tenant.as_str(),
                    quota.conversations.map(U),
                    quota.devices.map(U),
                    quota.stored_bytes.map(U),
                ),
            )
            .map(drop)
        })
        .await
    }

    async fn usage(&self, tenant: &TenantId) -> Result<Usage, StorageError> {
        let tenant = tenant.clone();
        self.read(move |conn| Ok(of(conn, &tenant)?.0)).await
    }
}

/// What a tenant has, and may have.
fn of(conn: &Connection, tenant: &TenantId) -> Result<(Usage, Quota), DbError> {
    let found = first(
        conn,
        "SELECT conversations, devices, bytes, max_conversations, max_devices, max_bytes FROM tenant WHERE tenant = ?1",
        [tenant.as_str()],
        |row| {
            let most =
                |column| Ok::<_, curo_sqlite::rusqlite::Error>(row.get::<_, Option<U>>(column)?.map(|U(most)| most));
            let usage = Usage {
                conversations: row.get::<_, U>(0)?.0,
                devices: row.get::<_, U>(1)?.0,
                stored_bytes: row.get::<_, U>(2)?.0,
            };
            let quota = Quota {
                conversations: most(3)?,
                devices: most(4)?,
                stored_bytes: most(5)?,
            };
            Ok((usage, quota))
        },
    )?;
    Ok(found.unwrap_or_default())
}

/// Refuses one conversation more than allowed, and any once there is no room for messages.
pub(super) fn check_creation(conn: &Connection, tenant: &TenantId) -> Result<(), Stop<Refusal>> {
    let (usage, quota) = of(conn, tenant)?;
    if quota.conversations.is_some_and(|most| usage.conversations >= most) {
        return Err(Stop::refused(Refusal::Quota("conversations")));
    }
    if quota.stored_bytes.is_some_and(|most| usage.stored_bytes >= most) {
        return Err(Stop::refused(Refusal::Quota("stored_bytes")));
    }
    Ok(())
}

/// Bytes of messages for which there is room; `None` without a limit.
pub(super) fn room(conn: &Connection, tenant: &TenantId) -> Result<Option<u64>, DbError> {
    let (usage, quota) = of(conn, tenant)?;
    Ok(quota.stored_bytes.map(|most| most.saturating_sub(usage.stored_bytes)))
}

/// Whether the tenant has more active devices than allowed.
pub(super) fn too_many_devices(conn: &Connection, tenant: &TenantId) -> Result<bool, DbError> {
    let (usage, quota) = of(conn, tenant)?;
    Ok(quota.devices.is_some_and(|most| usage.devices > most))
}
