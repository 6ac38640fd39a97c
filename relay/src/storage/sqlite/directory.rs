//! The device directory: envelopes in the order of their versions, and what they do to devices.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::{self, Connection, Row};
use curo_types::api::DirectoryRecord;
use curo_types::format::Action;
use curo_types::{Blob, DeviceId, Digest, TenantId, UserId};

use super::devices;
use super::sql::{Stop, U, all, exists, first, run};
use super::{approvals, inbox, leaving, quotas, tenants};
use crate::storage::{DirectoryChange, DirectoryLimits, DirectoryOutcome, DirectoryPage};

/// 24 hours.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

type Outcome = Stop<DirectoryOutcome>;

/// Appends all changes, or none.
pub(super) fn change(
    conn: &Connection,
    tenant: &TenantId,
    changes: &[DirectoryChange],
    limits: DirectoryLimits,
    now_ms: u64,
) -> Result<DirectoryOutcome, Outcome> {
    // A repetition is known before anything that comes with it, such as evictions, is judged again.
    if let Some(last) = changes.last().filter(|change| change.action == Action::Add)
        && let Some(record) = repeated(conn, tenant, last)?
    {
        return Ok(DirectoryOutcome::Duplicate(record));
    }
    let mut versions = Vec::with_capacity(changes.len());
    for change in changes {
        if change.action == Action::Add {
            within_rate(conn, tenant, change, limits.additions_per_day, now_ms)?;
            may_come(conn, tenant, change)?;
        }
        versions.push(apply(conn, tenant, change, now_ms)?);
    }
    if changes.iter().any(|change| change.action == Action::Add) && quotas::too_many_devices(conn, tenant)? {
        return Err(Stop::refused(DirectoryOutcome::QuotaExceeded));
    }
    for user in changes.iter().map(|change| change.device.user) {
        if devices::active_of_user(conn, tenant, user)?.len() > limits.active {
            return Err(Stop::refused(DirectoryOutcome::TooManyDevices));
        }
    }
    Ok(DirectoryOutcome::Accepted(versions))
}

/// Refuses an addition without the approval that it needs, or with that of a device that may give none.
fn may_come(conn: &Connection, tenant: &TenantId, change: &DirectoryChange) -> Result<(), Outcome> {
    if approvals::is_needed(conn, tenant, change.device, change.approved_by)? {
        return Err(Stop::refused(DirectoryOutcome::ApprovalNeeded));
    }
    if let Some(by) = change.approved_by
        && (by == change.device.device || !devices::active_of_user(conn, tenant, change.device.user)?.contains(&by))
    {
        return Err(Stop::refused(DirectoryOutcome::Stale));
    }
    Ok(())
}

/// Refuses the addition of a device that is not there if the user has added too many. One that is there is a clash, not a
/// matter of rate.
fn within_rate(
    conn: &Connection,
    tenant: &TenantId,
    change: &DirectoryChange,
    limit: u32,
    now_ms: u64,
) -> Result<(), Outcome> {
    if devices::registered(conn, tenant, change.device.device)? {
        return Ok(());
    }
    // When so many have grown old that there is room for one more.
    let newest = all(
        conn,
        "SELECT registered_ms FROM device INDEXED BY device_user WHERE tenant = ?1 AND user = ?2
         ORDER BY registered_ms DESC LIMIT ?3",
        (tenant.as_str(), change.device.user.0, limit.max(1)),
        |row| row.get::<_, U>(0).map(|U(registered_ms)| registered_ms),
    )?;
    let free_ms = match newest.last() {
        _ if limit == 0 => now_ms.saturating_add(DAY_MS),
        Some(oldest) if newest.len() >= usize::try_from(limit).unwrap_or(usize::MAX) => oldest.saturating_add(DAY_MS),
        _ => return Ok(()),
    };
    match free_ms.saturating_sub(now_ms) {
        0 => Ok(()),
        retry_after_ms => Err(Stop::refused(DirectoryOutcome::RateLimited { retry_after_ms })),
    }
}

/// The record of an addition that was accepted before.
fn repeated(
    conn: &Connection,
    tenant: &TenantId,
    change: &DirectoryChange,
) -> Result<Option<DirectoryRecord>, DbError> {
    first(
        conn,
        "SELECT d.version, d.envelope FROM device v
         JOIN directory d ON d.tenant = v.tenant AND d.device = v.device
         WHERE v.tenant = ?1 AND v.device = ?2 AND v.user = ?3 AND v.request_hash = ?4
         ORDER BY d.version LIMIT 1",
        (
            tenant.as_str(),
            change.device.device.0,
            change.device.user.0,
            change.request_hash.0,
        ),
        record,
    )
}

fn apply(conn: &Connection, tenant: &TenantId, change: &DirectoryChange, now_ms: u64) -> Result<u64, Outcome> {
    let device = change.device.device;
    if change.action == Action::Add {
        if devices::registered(conn, tenant, device)? {
            return Err(Stop::refused(DirectoryOutcome::DeviceExists));
        }
    } else {
        let active = "SELECT 1 FROM device
                      WHERE tenant = ?1 AND device = ?2 AND user = ?3 AND active = 1 AND envelope_hash = ?4";
        let previous = change.previous.unwrap_or(Digest::ZERO);
        if !exists(
            conn,
            active,
            (tenant.as_str(), device.0, change.device.user.0, previous.0),
        )? {
            return Err(Stop::refused(DirectoryOutcome::Stale));
        }
    }
    let version = append(conn, tenant, change, now_ms)?;
    let envelope_hash = Digest::of(&change.envelope);
    if change.action == Action::Add {
        run(
            conn,
            "INSERT INTO device (tenant, device, user, active, version, envelope_hash, request_hash, registered_ms, last_seen_ms)
             VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?7)",
            (
                tenant.as_str(),
                device.0,
                change.device.user.0,
                U(version),
                envelope_hash.0,
                change.request_hash.0,
                U(now_ms),
            ),
        )?;
    } else {
        run(
            conn,
            "UPDATE device SET version = ?3, envelope_hash = ?4, active = ?5 WHERE tenant = ?1 AND device = ?2",
            (
                tenant.as_str(),
                device.0,
                U(version),
                envelope_hash.0,
                change.action != Action::Revoke,
            ),
        )?;
    }
    set_keys(conn, tenant, change)?;
    approvals::settled(conn, tenant, device)?;
    if change.action == Action::Revoke {
        run(
            conn,
            "DELETE FROM key_package WHERE tenant = ?1 AND device = ?2 AND state IN ('free', 'last_resort')",
            (tenant.as_str(), device.0),
        )?;
        inbox::forget(conn, tenant, device, u64::MAX)?;
        leaving::revoked(conn, tenant, device, now_ms)?;
    }
    Ok(version)
}

fn append(conn: &Connection, tenant: &TenantId, change: &DirectoryChange, now_ms: u64) -> Result<u64, DbError> {
    let version = tenants::take_directory_version(conn, tenant)?;
    run(
        conn,
        "INSERT INTO directory (tenant, version, user, device, time_ms, envelope) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            tenant.as_str(),
            U(version),
            change.device.user.0,
            change.device.device.0,
            U(now_ms),
            change.envelope.as_slice(),
        ),
    )?;
    Ok(version)
}

/// Replaces the device's current keys. A key that the device had before may come back; one of another device may not.
fn set_keys(conn: &Connection, tenant: &TenantId, change: &DirectoryChange) -> Result<(), Outcome> {
    let device = change.device.device;
    run(
        conn,
        "UPDATE device_key INDEXED BY device_key_current SET current = 0
         WHERE tenant = ?1 AND device = ?2 AND current = 1",
        (tenant.as_str(), device.0),
    )?;
    for (suite, public_key) in &change.keys {
        let changed = run(
            conn,
            "INSERT INTO device_key (tenant, suite, public_key, device, current) VALUES (?1, ?2, ?3, ?4, 1)
             ON CONFLICT (tenant, suite, public_key) DO UPDATE SET current = 1 WHERE device = excluded.device",
            (tenant.as_str(), suite.0, public_key.as_slice(), device.0),
        )?;
        if changed == 0 {
            return Err(Stop::refused(DirectoryOutcome::DeviceExists));
        }
    }
    Ok(())
}

/// All envelopes of some users' devices.
pub(super) fn of_users(conn: &Connection, tenant: &TenantId, users: &[UserId]) -> Result<DirectoryPage, DbError> {
    let version = tenants::directory_version(conn, tenant)?;
    let mut users = users.to_vec();
    users.sort_unstable();
    users.dedup();
    let mut records = Vec::new();
    for user in users {
        let sql = "SELECT version, envelope FROM directory WHERE tenant = ?1 AND user = ?2 ORDER BY version";
        records.extend(all(conn, sql, (tenant.as_str(), user.0), record)?);
    }
    records.sort_by_key(|record| record.version);
    Ok(DirectoryPage { version, records })
}

fn record(row: &Row<'_>) -> rusqlite::Result<DirectoryRecord> {
    Ok(DirectoryRecord {
        version: row.get::<_, U>(0)?.0,
        envelope: Blob(row.get(1)?),
    })
}

/// What a commit's leaf is judged by (3.6): the device's user, whether it is active, and the version of its last change.
pub(super) struct Published {
    pub(super) user: UserId,
    pub(super) active: bool,
    pub(super) version: u64,
}

pub(super) fn published(conn: &Connection, tenant: &TenantId, device: DeviceId) -> Result<Option<Published>, DbError> {
    let sql = "SELECT user, active, version FROM device WHERE tenant = ?1 AND device = ?2";
    first(conn, sql, (tenant.as_str(), device.0), |row| {
        Ok(Published {
            user: UserId(row.get(0)?),
            active: row.get(1)?,
            version: row.get::<_, U>(2)?.0,
        })
    })
}
