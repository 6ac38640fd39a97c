//! Taking what others say that they have read. Nothing here stops a sync: what cannot be taken is passed over and logged.
//!
//! A slot may come before the epoch that seals it, or before the entry that it is about: it waits. What is waiting when all
//! that came with it is applied is about an entry that does not exist.

use std::collections::BTreeSet;

use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow, ConversationState};
use curo_store::repo::receipt::{self, Held, HeldRow, Watermark};
use curo_store::repo::{directory as published, leaf};
use curo_types::api::{MemberReceipt, limits};
use curo_types::format::SuiteVerdict;
use curo_types::{ConversationId, DeviceId};

use super::{keys, place, seal};
use crate::core::Core;
use crate::db::Tx;
use crate::directory::verify_suite;
use crate::error::Fault;

/// What became of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// The device's watermark has moved.
    Moved,
    /// It says nothing new.
    Old,
    /// It waits.
    Held,
    /// It is passed over, and why.
    Refused(&'static str),
}

impl Core {
    /// Takes the slots of a sync answer, before its entries (rule 5.1).
    pub(crate) async fn take_receipts(&self, me: &Account, slots: Vec<MemberReceipt>) -> Result<(), Fault> {
        if slots.is_empty() {
            return Ok(());
        }
        let me = me.clone();
        let taken = self.db.write(move |tx| {
            let mut moved = BTreeSet::new();
            for slot in slots {
                let (id, device) = (slot.conversation, slot.device);
                if note(id, device, take(tx, &me, slot)?) {
                    moved.insert(id);
                }
            }
            Ok(moved)
        });
        for id in taken.await? {
            self.changed_in(id);
        }
        Ok(())
    }

    /// All that came with some slots is applied: those that are still about an entry ahead are about none.
    pub(crate) async fn drop_future_receipts(&self, of: BTreeSet<ConversationId>) -> Result<(), Fault> {
        let waiting = self.db.read(move |conn| {
            let mut waiting = Vec::new();
            for id in of {
                let opened = |row: &HeldRow| matches!(row.held, Held::Opened(_));
                if receipt::held(conn, id)?.iter().any(opened) {
                    waiting.push(id);
                }
            }
            Ok(waiting)
        });
        let waiting = waiting.await?;
        if waiting.is_empty() {
            return Ok(());
        }
        self.db
            .write(move |tx| {
                for id in waiting {
                    let Some(row) = conversation::get(tx.conn, id)? else {
                        continue;
                    };
                    // What could not be fetched, or waits to be mended, may bring the entry.
                    if row.behind || row.state != ConversationState::Active {
                        continue;
                    }
                    for held in receipt::held(tx.conn, id)? {
                        if matches!(held.held, Held::Opened(_)) && held.incarnation == row.incarnation {
                            receipt::release(tx.conn, id, held.device)?;
                            note(id, held.device, Taken::Refused("future"));
                        }
                    }
                }
                Ok(())
            })
            .await
    }
}

/// Logs what is passed over; whether something has moved.
fn note(id: ConversationId, device: DeviceId, taken: Taken) -> bool {
    if let Taken::Refused(reason) = taken {
        crate::log::event!(
            Warn,
            "receipt_refused",
            conversation = id,
            device = device,
            reason = reason
        );
    }
    taken == Taken::Moved
}

fn take(tx: &mut Tx<'_>, me: &Account, slot: MemberReceipt) -> Result<Taken, Fault> {
    if slot.device == me.device {
        return Ok(Taken::Refused("own"));
    }
    if slot.sealed.len() > limits::RECEIPT_BYTES {
        return Ok(Taken::Refused("too_large"));
    }
    let (id, at) = (slot.conversation, (slot.incarnation, slot.epoch));
    let row = conversation::get(tx.conn, id)?;
    match &row {
        Some(row) if row.state == ConversationState::Removed => Ok(Taken::Old),
        Some(row) if at <= (row.incarnation, row.epoch) => open(tx, me, row, at, slot.device, slot.sealed.as_slice()),
        // The Welcome or the commit comes with the same answer.
        _ => {
            let waits = HeldRow {
                device: slot.device,
                incarnation: slot.incarnation,
                epoch: slot.epoch,
                held: Held::Sealed(slot.sealed.0),
            };
            receipt::hold(tx.conn, id, &waits)?;
            Ok(Taken::Held)
        }
    }
}

/// Opens and verifies what stands in a slot of this epoch or an earlier one.
fn open(
    tx: &mut Tx<'_>,
    me: &Account,
    row: &ConversationRow,
    at: (u64, u64),
    device: DeviceId,
    sealed: &[u8],
) -> Result<Taken, Fault> {
    if at.0 < row.incarnation {
        return Ok(Taken::Old);
    }
    let Some(suite) = row.suite else {
        return Ok(Taken::Refused("no_group"));
    };
    let Some(key) = keys::of(tx, row, at)? else {
        return Ok(Taken::Refused("unknown_epoch"));
    };
    let place = place(me, row.id, at, device);
    let Some(receipt) = seal::open(&key, &place, sealed) else {
        return Ok(Taken::Refused("seal"));
    };
    // Whoever has the key was a member in that epoch: of the devices that are or were, one has signed.
    if !leaf::was_in(tx.conn, row.id, at.0, device)? {
        return Ok(Taken::Refused("not_a_member"));
    }
    let signed = place.signed_bytes(receipt.seq(), receipt.read_ms());
    let is_of = |key: &Vec<u8>| verify_suite(suite, key, &signed, receipt.signature()) == SuiteVerdict::Valid;
    if !published::keys_of(tx.conn, device, suite, u64::MAX)?.iter().any(is_of) {
        return Ok(Taken::Refused("signature"));
    }
    let says = Watermark {
        incarnation: at.0,
        seq: receipt.seq(),
        read_ms: receipt.read_ms(),
    };
    advance(tx, row, at.1, device, says)
}

/// Moves a watermark that was verified, as far as the entry that it is about is here.
fn advance(tx: &Tx<'_>, row: &ConversationRow, epoch: u64, device: DeviceId, says: Watermark) -> Result<Taken, Fault> {
    let known = receipt::watermark(tx.conn, row.id, device)?;
    if known.is_some_and(|known| (known.incarnation, known.seq) >= (says.incarnation, says.seq)) {
        return Ok(Taken::Old);
    }
    if says.seq > row.cursor_seq {
        let waits = HeldRow {
            device,
            incarnation: says.incarnation,
            epoch,
            held: Held::Opened(says),
        };
        receipt::hold(tx.conn, row.id, &waits)?;
        return Ok(Taken::Held);
    }
    receipt::advance(tx.conn, row.id, device, says)?;
    // Who has read it has it.
    leaf::see_cursor(tx.conn, row.id, says.incarnation, device, says.seq, row.cursor_seq)?;
    Ok(Taken::Moved)
}

/// This device has come further: into an epoch, or over entries. Slots that waited for that are taken. `row` is what the
/// transaction stores.
pub(crate) fn reached(tx: &mut Tx<'_>, me: &Account, row: &ConversationRow) -> Result<(), Fault> {
    for held in receipt::held(tx.conn, row.id)? {
        let at = (held.incarnation, held.epoch);
        let taken = match &held.held {
            _ if held.incarnation < row.incarnation => Taken::Old,
            Held::Sealed(sealed) if at <= (row.incarnation, row.epoch) => {
                receipt::release(tx.conn, row.id, held.device)?;
                open(tx, me, row, at, held.device, sealed)?
            }
            Held::Opened(says) if says.seq <= row.cursor_seq && held.incarnation == row.incarnation => {
                advance(tx, row, held.epoch, held.device, *says)?
            }
            _ => continue,
        };
        note(row.id, held.device, taken);
        if taken != Taken::Held {
            receipt::release(tx.conn, row.id, held.device)?;
        }
    }
    Ok(())
}
