//! Leaving and revocation: leaves that must be removed before anything else is accepted (rule 6.1), the closing of a
//! conversation by its last member (6.6).

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::api::{PendingReason, PendingRemoval};
use curo_types::{Blob, DeviceId, TenantId, UserId};

use super::conversations::{self, Place};
use super::inbox::{self, Kind};
use super::sql::{Stop, U, all, exists, first, run};
use super::{incarnations, tenants};
use crate::storage::{DeviceRef, LeaveOutcome, NewLeave, Refusal};

type Refused = Stop<Refusal>;

/// Why the incarnation that the last member has left is over.
const CLOSED: &str = "closed";

/// Takes the caller's user out: nothing more is served to their devices, and their leaves must go.
pub(super) fn leave(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    leave: &NewLeave,
    now_ms: u64,
) -> Result<LeaveOutcome, Refused> {
    let place = Place {
        tenant,
        conversation: leave.conversation,
        incarnation: leave.incarnation,
    };
    let (name, conversation, incarnation) = place.key();
    let known: Option<Vec<u8>> = first(
        conn,
        "SELECT request FROM leave_request
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4 AND intent = ?5",
        (name, conversation, incarnation, caller.device.0, leave.intent.0),
        |row| row.get(0),
    )?;
    match known {
        Some(known) if known == leave.request => {
            return Ok(LeaveOutcome::Left {
                closed: is_closed(conn, place)?,
                wake: Vec::new(),
            });
        }
        Some(_) => return Err(Stop::refused(Refusal::IntentReused)),
        None => {}
    }
    let standing = conversations::member(conn, place, caller)?;
    if leave.seq > standing.group.last_seq {
        return Err(Stop::refused(Refusal::StoreChanged));
    }
    if leave.seq < standing.span.joined_seq {
        // Made before this membership: members would not take it for one of this.
        return Err(Stop::refused(Refusal::Rule("leave_seq")));
    }
    run(
        conn,
        "INSERT INTO leave_request (tenant, conversation, incarnation, device, intent, user, time_ms, request)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            name,
            conversation,
            incarnation,
            caller.device.0,
            leave.intent.0,
            caller.user.0,
            U(now_ms),
            leave.request.as_slice(),
        ),
    )?;
    let mut wake = Vec::new();
    for device in leaves_of(conn, place, caller.user)? {
        take_out(conn, place, caller, device, leave, standing.group.last_seq, now_ms)?;
        if device != caller.device {
            inbox::forget_place(conn, place, device)?;
            let position = tenants::take_positions(conn, tenant, 1)?;
            inbox::push(conn, place, device, Kind::Left, 0, position)?;
            wake.push(device);
        }
    }
    let closed = !exists(
        conn,
        "SELECT 1 FROM membership INDEXED BY membership_leaf
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND removed_seq IS NULL AND left_seq IS NULL LIMIT 1",
        place.key(),
    )?;
    if closed {
        // There is nothing more to remove, and nobody who could.
        incarnations::end(conn, place, CLOSED, standing.group.last_seq)?;
        run(
            conn,
            "DELETE FROM removal_pending WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3",
            place.key(),
        )?;
    }
    Ok(LeaveOutcome::Left { closed, wake })
}

/// Ends the device's span where the log stands, and marks its leaf.
fn take_out(
    conn: &Connection,
    place: Place<'_>,
    caller: DeviceRef,
    device: DeviceId,
    leave: &NewLeave,
    last_seq: u64,
    now_ms: u64,
) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    run(
        conn,
        "UPDATE membership SET left_seq = ?5
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4 AND removed_seq IS NULL",
        (tenant, conversation, incarnation, device.0, U(last_seq)),
    )?;
    run(
        conn,
        "INSERT INTO removal_pending (tenant, conversation, incarnation, device, user, reason, since_ms, leave_device, leave_intent)
         VALUES (?1, ?2, ?3, ?4, ?5, 'left', ?6, ?7, ?8)
         ON CONFLICT (tenant, conversation, incarnation, device) DO UPDATE SET
             reason = 'left', leave_device = excluded.leave_device, leave_intent = excluded.leave_intent",
        (
            tenant,
            conversation,
            incarnation,
            device.0,
            caller.user.0,
            U(now_ms),
            caller.device.0,
            leave.intent.0,
        ),
    )?;
    Ok(())
}

/// The devices of a user that have a leaf and are not on their way out.
fn leaves_of(conn: &Connection, place: Place<'_>, user: UserId) -> Result<Vec<DeviceId>, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    all(
        conn,
        "SELECT m.device FROM membership m INDEXED BY membership_leaf
         JOIN participant p ON p.tenant = m.tenant AND p.conversation = m.conversation
                           AND p.incarnation = m.incarnation AND p.device = m.device
         WHERE m.tenant = ?1 AND m.conversation = ?2 AND m.incarnation = ?3 AND m.removed_seq IS NULL
           AND m.left_seq IS NULL AND p.user = ?4",
        (tenant, conversation, incarnation, user.0),
        |row| row.get(0).map(DeviceId),
    )
}

/// Whether the incarnation is over because its last member has left.
fn is_closed(conn: &Connection, place: Place<'_>) -> Result<bool, DbError> {
    Ok(incarnations::over(conn, place)?.is_some_and(|over| over.reason == CLOSED))
}

/// Marks every leaf of a revoked device in live conversations.
pub(super) fn revoked(conn: &Connection, tenant: &TenantId, device: DeviceId, now_ms: u64) -> Result<(), DbError> {
    run(
        conn,
        "INSERT INTO removal_pending (tenant, conversation, incarnation, device, user, reason, since_ms)
         SELECT m.tenant, m.conversation, m.incarnation, m.device, p.user, 'revoked', ?3
         FROM membership m INDEXED BY membership_device
         CROSS JOIN conversation c ON c.tenant = m.tenant AND c.conversation = m.conversation
                                  AND c.incarnation = m.incarnation
         CROSS JOIN participant p ON p.tenant = m.tenant AND p.conversation = m.conversation
                                 AND p.incarnation = m.incarnation AND p.device = m.device
         WHERE m.tenant = ?1 AND m.device = ?2 AND m.removed_seq IS NULL AND m.left_seq IS NULL
         ON CONFLICT (tenant, conversation, incarnation, device) DO UPDATE SET reason = 'revoked'
             WHERE removal_pending.reason = 'silent'",
        (tenant.as_str(), device.0, U(now_ms)),
    )?;
    Ok(())
}

/// The leaves that the next commit must remove.
pub(super) fn pending(conn: &Connection, place: Place<'_>) -> Result<Vec<PendingRemoval>, DbError> {
    all(
        conn,
        "SELECT r.user, r.device, r.reason, l.request, v.version
         FROM removal_pending r
         LEFT JOIN leave_request l ON l.tenant = r.tenant AND l.conversation = r.conversation
                                  AND l.incarnation = r.incarnation AND l.device = r.leave_device
                                  AND l.intent = r.leave_intent
         LEFT JOIN device v ON v.tenant = r.tenant AND v.device = r.device AND v.active = 0
         WHERE r.tenant = ?1 AND r.conversation = ?2 AND r.incarnation = ?3",
        place.key(),
        |row| {
            let reason = row.get::<_, String>(2)?;
            Ok(PendingRemoval {
                user: UserId(row.get(0)?),
                device: DeviceId(row.get(1)?),
                reason: match reason.as_str() {
                    "left" => PendingReason::Left,
                    "silent" => PendingReason::Silent,
                    _ => PendingReason::Revoked,
                },
                leave: row.get::<_, Option<Vec<u8>>>(3)?.map(Blob),
                version: row.get::<_, Option<U>>(4)?.map(|U(version)| version),
            })
        },
    )
}

/// Refuses while leaves must be removed that are not among `removed`.
pub(super) fn require_none_but(conn: &Connection, place: Place<'_>, removed: &[DeviceId]) -> Result<(), Refused> {
    let pending = pending(conn, place)?;
    if pending.iter().all(|pending| removed.contains(&pending.device)) {
        Ok(())
    } else {
        Err(Stop::refused(Refusal::RemovalPending(pending)))
    }
}

/// A commit has removed the device's leaf: its entry is served with the request that asked for it.
pub(super) fn removed(conn: &Connection, place: Place<'_>, device: DeviceId, seq: u64) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    run(
        conn,
        "UPDATE leave_request SET removed_seq = ?5
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND (device, intent) = (
             SELECT leave_device, leave_intent FROM removal_pending
             WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4)",
        (tenant, conversation, incarnation, device.0, U(seq)),
    )?;
    run(
        conn,
        "DELETE FROM removal_pending WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4",
        (tenant, conversation, incarnation, device.0),
    )?;
    Ok(())
}

/// The requests that a commit has carried out.
pub(super) fn requests_of(conn: &Connection, place: Place<'_>, seq: u64) -> Result<Vec<Blob>, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    all(
        conn,
        "SELECT request FROM leave_request INDEXED BY leave_request_removed
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND removed_seq = ?4",
        (tenant, conversation, incarnation, U(seq)),
        |row| row.get(0).map(Blob),
    )
}
