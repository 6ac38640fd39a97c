//! Read receipts (rules 8.2 and 8.3): what this device says of its user's reading, and what it takes from others.
//!
//! `seal` is the form on the wire, `keys` what opens it, `take` reads others' slots, `send` writes the own one in the task
//! `run`, `people` is what an app sees. The relay keeps slots that it can neither read, make nor move.

pub(crate) mod keys;
mod people;
pub(crate) mod run;
pub(crate) mod seal;
pub(crate) mod send;
pub(crate) mod take;

pub use people::PersonReceipt;

use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow};
use curo_store::repo::item::Place;
use curo_store::repo::receipt::own;
use curo_store::repo::{overview, span};
use curo_types::ConversationId;
use curo_types::api::limits;
use curo_types::format::Kind;
use rusqlite::Connection;

use crate::error::Fault;

/// Whether the payload of an own message asks for receipts: the first bytes of its one encoding say so.
pub(crate) fn is_request(payload: &[u8]) -> bool {
    // A map of two to eleven entries: version 1, then the kind, a text of fifteen bytes.
    payload.first().is_some_and(|head| head >> 5 == 5)
        && payload.get(1..5) == Some(&[0, 1, 1, 0x6f])
        && payload.get(5..20) == Some(Kind::RECEIPT_REQUEST.as_bytes())
}

/// The read mark has moved, in the same transaction: the slot is behind, unless this user sends no receipts.
pub(crate) fn owe(conn: &Connection, id: ConversationId, now_ms: u64) -> Result<(), Fault> {
    if own::are_on(conn)? {
        own::owe(conn, id, now_ms)?;
    }
    Ok(())
}

/// Somebody asks for receipts. What was said until now is what they are asked about; a small conversation needs no asking.
pub(crate) fn asked(conn: &Connection, row: &ConversationRow) -> Result<(), Fault> {
    if !is_big(conn, row.id)? || !own::are_on(conn)? {
        return Ok(());
    }
    let last = match overview::get(conn, row.id)?.last {
        Some(place @ Place::Log { .. }) => Some(place),
        _ => span::newest_in_log(conn, row.id)?,
    };
    match last {
        Some(Place::Log { incarnation, seq }) => Ok(own::ask(conn, row.id, (incarnation, seq))?),
        _ => Ok(()),
    }
}

/// Whether there are too many members for receipts that nobody has asked for.
fn is_big(conn: &Connection, id: ConversationId) -> Result<bool, Fault> {
    Ok(conversation::current_members(conn, id)?.len() > limits::RECEIPTS_UNASKED)
}

/// Where a receipt of a device belongs.
fn place<'a>(
    me: &'a Account,
    id: ConversationId,
    (incarnation, epoch): (u64, u64),
    device: curo_types::DeviceId,
) -> curo_types::format::ReceiptPlace<'a> {
    curo_types::format::ReceiptPlace {
        tenant: &me.tenant,
        conversation: id,
        incarnation,
        epoch,
        device,
    }
}
