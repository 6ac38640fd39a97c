//! Read receipts: the slot of each device in a conversation (8.3).

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::api::MemberReceipt;
use curo_types::{Blob, ConversationId, DeviceId, TenantId};

use super::conversations::{self, Place};
use super::cursors::WAKE_LEAVES;
use super::sql::{Stop, U, all, first, run};
use super::tenants;
use crate::storage::{DeviceRef, NewReceipt, ReceiptOutcome, Refusal};

/// Takes the place of the caller's slot.
pub(super) fn put(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    receipt: &NewReceipt,
    now_ms: u64,
) -> Result<ReceiptOutcome, Stop<ReceiptOutcome>> {
    let place = Place {
        tenant,
        conversation: receipt.conversation,
        incarnation: receipt.incarnation,
    };
    let standing = conversations::standing(conn, place, caller).map_err(|stop| stop.map(ReceiptOutcome::Refused))?;
    if receipt.epoch > standing.group.epoch {
        return Err(Stop::refused(ReceiptOutcome::Refused(Refusal::Rule("epoch_ahead"))));
    }
    let held = first(
        conn,
        "SELECT incarnation, epoch, sealed, changed_ms FROM receipt
         WHERE tenant = ?1 AND conversation = ?2 AND device = ?3",
        (tenant.as_str(), receipt.conversation.0, caller.device.0),
        |row| {
            let same = row.get::<_, U>(0)?.0 == receipt.incarnation
                && row.get::<_, U>(1)?.0 == receipt.epoch
                && row.get::<_, Vec<u8>>(2)? == receipt.sealed;
            Ok((same, row.get::<_, U>(3)?.0))
        },
    )?;
    match held {
        Some((true, _)) => return Err(Stop::refused(ReceiptOutcome::Unchanged)),
        // A clock that was set back must not shut anybody out.
        Some((_, changed_ms)) if (changed_ms..changed_ms.saturating_add(receipt.least_ms)).contains(&now_ms) => {
            let retry_after_ms = changed_ms.saturating_add(receipt.least_ms) - now_ms;
            return Err(Stop::refused(ReceiptOutcome::TooSoon { retry_after_ms }));
        }
        _ => {}
    }
    let position = U(tenants::take_positions(conn, tenant, 1)?);
    run(
        conn,
        "INSERT INTO receipt (tenant, conversation, device, incarnation, epoch, sealed, position, changed_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET incarnation = ?4, epoch = ?5, sealed = ?6, position = ?7, changed_ms = ?8",
        (
            tenant.as_str(),
            receipt.conversation.0,
            caller.device.0,
            U(receipt.incarnation),
            U(receipt.epoch),
            &receipt.sealed,
            position,
            U(now_ms),
        ),
    )?;
    run(
        conn,
        "UPDATE conversation SET receipt_position = ?3 WHERE tenant = ?1 AND conversation = ?2",
        (tenant.as_str(), receipt.conversation.0, position),
    )?;
    let mut wake = conversations::leaves(conn, place)?;
    if wake.len() > WAKE_LEAVES {
        wake.clear();
    }
    wake.retain(|device| *device != caller.device);
    Ok(ReceiptOutcome::Stored { wake })
}

/// Slots of others that changed in the caller's conversations after it joined them, at most `limit`, by feed position.
pub(super) fn changed(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    from: u64,
    upto: u64,
    limit: usize,
) -> Result<Vec<(u64, MemberReceipt)>, DbError> {
    all(
        conn,
        "SELECT r.position, r.conversation, r.incarnation, r.device, r.epoch, r.sealed
         FROM membership m INDEXED BY membership_device
         CROSS JOIN conversation c ON c.tenant = m.tenant AND c.conversation = m.conversation
         CROSS JOIN receipt r INDEXED BY receipt_position
            ON r.tenant = m.tenant AND r.conversation = m.conversation
           AND r.position > max(?3, m.joined_position) AND r.position <= ?4
         WHERE m.tenant = ?1 AND m.device = ?2 AND m.removed_seq IS NULL AND m.left_seq IS NULL AND c.receipt_position > ?3
           AND r.incarnation = m.incarnation AND r.device <> ?2
         ORDER BY r.position LIMIT ?5",
        (
            tenant.as_str(),
            device.0,
            U(from),
            U(upto),
            U(u64::try_from(limit).unwrap_or(u64::MAX)),
        ),
        |row| {
            let receipt = MemberReceipt {
                conversation: ConversationId(row.get(1)?),
                incarnation: row.get::<_, U>(2)?.0,
                device: DeviceId(row.get(3)?),
                epoch: row.get::<_, U>(4)?.0,
                sealed: Blob(row.get(5)?),
            };
            Ok((row.get::<_, U>(0)?.0, receipt))
        },
    )
}
