//! Fairness (3.10): the commit turn of a device that keeps losing, and duties that one member does for all.
//!
//! Turns save work and waiting; what wins is decided by compare-and-set alone.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::{DeviceId, TenantId};

use super::conversations::{self, Place};
use super::sql::{Stop, U, first, run};
use crate::storage::incarnations::{DUTY_MS, LOSSES, TURN_MS, TURN_PAUSE_MS};
use crate::storage::{CommitKey, DeviceRef, DutyAsked, DutyOutcome, Refusal};

/// The commit turn stands beside the duties under this name.
const COMMIT: &str = "commit";

/// Who has a turn that has not ended, and for how long still.
fn holder(conn: &Connection, place: Place<'_>, duty: &str, now_ms: u64) -> Result<Option<(DeviceId, u64)>, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    let found = first(
        conn,
        "SELECT device, until_ms FROM turn
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND duty = ?4",
        (tenant, conversation, incarnation, duty),
        |row| Ok((DeviceId(row.get(0)?), row.get::<_, U>(1)?.0)),
    )?;
    Ok(found.and_then(|(device, until)| {
        let left = until.checked_sub(now_ms).filter(|left| *left > 0)?;
        // A clock that was far ahead must not hold up anybody for longer than a turn.
        Some((device, left.min(DUTY_MS)))
    }))
}

fn give(conn: &Connection, place: Place<'_>, duty: &str, device: DeviceId, until_ms: u64) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    run(
        conn,
        "INSERT INTO turn (tenant, conversation, incarnation, duty, device, until_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (tenant, conversation, incarnation, duty) DO UPDATE SET
             device = excluded.device, until_ms = excluded.until_ms",
        (tenant, conversation, incarnation, duty, device.0, U(until_ms)),
    )?;
    Ok(())
}

/// Refuses a commit while another device has the turn.
pub(super) fn check(conn: &Connection, place: Place<'_>, device: DeviceId, now_ms: u64) -> Result<(), Stop<Refusal>> {
    match holder(conn, place, COMMIT, now_ms)? {
        Some((other, left)) if other != device => Err(Stop::refused(Refusal::NotYourTurn {
            for_ms: left.min(TURN_MS),
        })),
        _ => Ok(()),
    }
}

/// Counts an epoch that the caller has lost; the third in a row brings the turn. Says whether it has it now.
pub(super) fn lost(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    key: &CommitKey,
    now_ms: u64,
) -> Result<bool, DbError> {
    let place = Place {
        tenant,
        conversation: key.conversation,
        incarnation: key.incarnation,
    };
    let standing = match conversations::standing(conn, place, caller) {
        Ok(standing) => standing,
        Err(Stop::Refused(_)) => return Ok(false),
        Err(Stop::Db(error)) => return Err(error),
    };
    if key.epoch >= standing.group.epoch {
        return Ok(false);
    }
    let (tenant, conversation, incarnation) = place.key();
    let counted = first(
        conn,
        // The same bytes again are the same loss.
        "UPDATE participant SET lost = lost + 1, lost_epoch = ?5
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4 AND lost_epoch < ?5
         RETURNING lost, turn_ms",
        (tenant, conversation, incarnation, caller.device.0, U(key.epoch)),
        |row| Ok((row.get::<_, U>(0)?.0, row.get::<_, U>(1)?.0)),
    )?;
    let Some((losses, last_turn)) = counted else {
        return Ok(false);
    };
    // One turn at a time, and none soon after one that was left unused: nobody can keep the others out by losing.
    let paused = last_turn > 0 && now_ms < last_turn.saturating_add(TURN_PAUSE_MS);
    if losses < LOSSES || paused || holder(conn, place, COMMIT, now_ms)?.is_some() {
        return Ok(false);
    }
    give(conn, place, COMMIT, caller.device, now_ms.saturating_add(TURN_MS))?;
    run(
        conn,
        "UPDATE participant SET lost = 0, turn_ms = ?5
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4",
        (tenant, conversation, incarnation, caller.device.0, U(now_ms)),
    )?;
    Ok(true)
}

/// The device has won an epoch: it begins to count anew, and its turn is used.
pub(super) fn won(conn: &Connection, place: Place<'_>, device: DeviceId) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    run(
        conn,
        "UPDATE participant SET lost = 0, turn_ms = 0
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4 AND (lost > 0 OR turn_ms > 0)",
        (tenant, conversation, incarnation, device.0),
    )?;
    run(
        conn,
        "DELETE FROM turn
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND duty = 'commit' AND device = ?4",
        (tenant, conversation, incarnation, device.0),
    )?;
    Ok(())
}

/// Offers a duty to the caller, unless another member has been offered it less than 30 s ago. Who asks is online.
pub(super) fn offer(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    asked: DutyAsked,
    now_ms: u64,
) -> Result<DutyOutcome, Stop<Refusal>> {
    let place = Place {
        tenant,
        conversation: asked.conversation,
        incarnation: asked.incarnation,
    };
    conversations::member(conn, place, caller)?;
    let duty = asked.duty.as_str();
    if let Some((device, for_ms)) = holder(conn, place, duty, now_ms)? {
        return Ok(DutyOutcome::Offered {
            yours: device == caller.device,
            for_ms,
        });
    }
    give(conn, place, duty, caller.device, now_ms.saturating_add(DUTY_MS))?;
    Ok(DutyOutcome::Offered {
        yours: true,
        for_ms: DUTY_MS,
    })
}
