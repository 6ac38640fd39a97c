//! Acknowledgements: inbox items that are dealt with, cursors that have moved.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::api::CursorReport;
use curo_types::api::limits::CURSORS_PER_REQUEST;
use curo_types::{DeviceId, TenantId};

use super::conversations::{self, Place};
use super::devices::{self, DeviceStanding};
use super::sql::{U, first, run};
use super::{inbox, tenants};
use crate::storage::{AckOutcome, Acknowledge, DeviceRef};

/// Leaves up to which a moved cursor wakes the others at once; in larger conversations they learn of it with the next news.
pub(super) const WAKE_LEAVES: usize = 32;

/// What an acknowledgement changes.
pub(super) enum Plan {
    /// Nothing: this is the answer.
    Settled(AckOutcome),
    /// These cursors move forward, and inbox items may be forgotten.
    Due(Vec<CursorReport>),
}

/// Reads what there is to do, so that a repeated acknowledgement costs no write.
pub(super) fn plan(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    acknowledge: &Acknowledge,
) -> Result<Plan, DbError> {
    match devices::device_standing(conn, tenant, caller)? {
        DeviceStanding::Active => {}
        DeviceStanding::Unknown => return Ok(Plan::Settled(AckOutcome::UnknownDevice)),
        DeviceStanding::Revoked => return Ok(Plan::Settled(AckOutcome::DeviceRevoked)),
    }
    if acknowledge.inbox > inbox::last_issued(conn, tenant, caller.device)? {
        return Ok(Plan::Settled(AckOutcome::StoreChanged));
    }
    let mut moves = Vec::new();
    for report in acknowledge.cursors.iter().take(CURSORS_PER_REQUEST) {
        if moves_forward(conn, tenant, caller.device, report)? {
            moves.push(*report);
        }
    }
    if moves.is_empty() && !inbox::holds(conn, tenant, caller.device, acknowledge.inbox)? {
        return Ok(Plan::Settled(AckOutcome::Done { wake: Vec::new() }));
    }
    Ok(Plan::Due(moves))
}

/// Does what is to do.
pub(super) fn apply(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    acknowledge: &Acknowledge,
) -> Result<AckOutcome, DbError> {
    let moves = match plan(conn, tenant, caller, acknowledge)? {
        Plan::Settled(outcome) => return Ok(outcome),
        Plan::Due(moves) => moves,
    };
    inbox::forget(conn, tenant, caller.device, acknowledge.inbox)?;
    let mut wake = Vec::new();
    for report in moves {
        // A request may name a conversation twice.
        if !moves_forward(conn, tenant, caller.device, &report)? {
            continue;
        }
        let place = Place {
            tenant,
            conversation: report.conversation,
            incarnation: report.incarnation,
        };
        let position = U(tenants::take_positions(conn, tenant, 1)?);
        let (tenant, conversation, incarnation) = place.key();
        run(
            conn,
            "UPDATE participant SET cursor_seq = ?5, cursor_position = ?6
             WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4",
            (
                tenant,
                conversation,
                incarnation,
                caller.device.0,
                U(report.seq),
                position,
            ),
        )?;
        run(
            conn,
            "UPDATE conversation SET cursor_position = ?3 WHERE tenant = ?1 AND conversation = ?2",
            (tenant, conversation, position),
        )?;
        let leaves = conversations::leaves(conn, place)?;
        if leaves.len() <= WAKE_LEAVES {
            wake.extend(leaves.into_iter().filter(|device| *device != caller.device));
        }
    }
    wake.sort_unstable();
    wake.dedup();
    Ok(AckOutcome::Done { wake })
}

/// Whether the report is of a conversation that the device is or was in, within what it may see, and ahead of the last one.
fn moves_forward(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    report: &CursorReport,
) -> Result<bool, DbError> {
    let place = Place {
        tenant,
        conversation: report.conversation,
        incarnation: report.incarnation,
    };
    let (tenant, conversation, incarnation) = place.key();
    let sql = "SELECT cursor_seq FROM participant
               WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4";
    let known = first(conn, sql, (tenant, conversation, incarnation, device.0), |row| {
        row.get::<_, U>(0)
    })?;
    let (Some(U(known)), Some(group)) = (known, conversations::group(conn, place)?) else {
        return Ok(false);
    };
    let Some(span) = conversations::spans(conn, place, device)?.pop() else {
        return Ok(false);
    };
    Ok(span.left_seq.is_none() && report.seq > known && report.seq <= span.removed_seq.unwrap_or(group.last_seq))
}
