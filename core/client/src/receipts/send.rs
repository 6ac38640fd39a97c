//! Saying how far this user has read: one slot for each conversation, written again when the read mark has moved, at most
//! every two seconds (rule 8.3). What is owed is durable since the mark moved; the sealed bytes are not, because a slot that
//! is written twice says the same.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use curo_mls::Suite;
use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow, ConversationState};
use curo_store::repo::item::Place;
use curo_store::repo::overview;
use curo_store::repo::receipt::{self, own};
use curo_types::api::{PutReceipt, limits};
use curo_types::format::Receipt;
use curo_types::{Blob, ConversationId, ErrorCode};
use rusqlite::Connection;
use tokio::time::Instant;

use super::{is_big, keys, place, seal};
use crate::core::Core;
use crate::db::Tx;
use crate::error::Fault;
use crate::failpoints;
use crate::sync::pull::of_account;

/// When each conversation's slot may be written again.
#[derive(Default)]
pub(crate) struct Pace(Mutex<HashMap<ConversationId, Instant>>);

impl Pace {
    fn wait(&self, id: ConversationId, wait: Duration) {
        self.held().insert(id, Instant::now() + wait);
    }

    fn may(&self, id: ConversationId) -> bool {
        let now = Instant::now();
        let mut held = self.held();
        held.retain(|_, until| *until > now);
        !held.contains_key(&id)
    }

    fn next(&self, of: &[ConversationId]) -> Option<Instant> {
        let held = self.held();
        of.iter().filter_map(|id| held.get(id).copied()).min()
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<ConversationId, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot to write.
struct Made {
    watermark: (u64, u64),
    request: PutReceipt,
}

impl Core {
    /// Writes every slot that is behind and may be written now. When the next may be; the first error that waiting may
    /// cure, when all had their turn.
    pub(crate) async fn send_receipts(&self) -> Result<Option<Instant>, Fault> {
        let me = self.account().await?;
        let behind = self.db.read(|conn| Ok(own::ready(conn)?)).await?;
        let mut failed = None;
        for id in behind {
            if self.pace.may(id)
                && let Err(fault) = self.send_receipt(&me, id).await
            {
                if stops_all(&fault.code()) {
                    return Err(fault);
                }
                failed.get_or_insert(fault);
            }
        }
        if let Some(fault) = failed {
            return Err(fault);
        }
        let still = self.db.read(|conn| Ok(own::ready(conn)?)).await?;
        Ok(self.pace.next(&still))
    }

    async fn send_receipt(&self, me: &Account, id: ConversationId) -> Result<(), Fault> {
        let for_tx = me.clone();
        let Some(made) = self.db.write(move |tx| prepare(tx, &for_tx, id)).await? else {
            self.changed_in(id);
            return Ok(());
        };
        failpoints::hit(failpoints::RECEIPT_BEFORE_SEND);
        let answer = self.relay.put_receipt(id, &made.request).await;
        failpoints::hit(failpoints::RECEIPT_AFTER_SEND);
        let least = Duration::from_millis(limits::RECEIPT_INTERVAL_MS);
        match answer {
            Ok(taken) => {
                self.pace
                    .wait(id, least.max(Duration::from_millis(taken.next_ms.min(MOST_MS))));
                let watermark = made.watermark;
                self.db.write(move |tx| settle(tx.conn, id, watermark)).await?;
            }
            // Of this conversation alone, and it says when.
            Err(fault @ Fault::Problem(_)) if fault.retry_after().is_some() => {
                let asked = fault.retry_after().unwrap_or_default();
                self.pace.wait(id, asked.max(Duration::from_millis(MIN_MS)));
            }
            Err(Fault::Problem(problem)) if !problem.code.retryable() && !of_account(&problem.code) => {
                // No member there any more, or the conversation goes on elsewhere: what is read from then on is said there.
                crate::log::event!(
                    Info,
                    "receipt_not_taken",
                    conversation = id,
                    code = problem.code.clone()
                );
                self.db.write(move |tx| Ok(own::nothing(tx.conn, id)?)).await?;
            }
            Err(fault) => return Err(fault),
        }
        // For whoever watches what waits to be said.
        self.changed_in(id);
        Ok(())
    }
}

/// What is no matter of one conversation.
fn stops_all(code: &ErrorCode) -> bool {
    of_account(code) || [ErrorCode::SIGN_IN_NEEDED, ErrorCode::LOCKED, ErrorCode::CLOSED].contains(code)
}

/// A relay cannot keep a slot from being written for longer.
const MOST_MS: u64 = 60 * 60 * 1000;
/// Nor make this device ask without a pause.
const MIN_MS: u64 = 50;

/// What is to be said in a conversation now, signed and sealed. `None`: nothing, or not yet.
fn prepare(tx: &mut Tx<'_>, me: &Account, id: ConversationId) -> Result<Option<Made>, Fault> {
    let row = conversation::get(tx.conn, id)?.filter(|row| row.state != ConversationState::Removed);
    let Some(row) = row else {
        receipt::forget(tx.conn, id)?;
        return Ok(None);
    };
    if row.state != ConversationState::Active {
        return Ok(None);
    }
    let slot = own::get(tx.conn, id)?;
    let Some(mark) = wanted(tx.conn, &row, &slot)? else {
        own::nothing(tx.conn, id)?;
        return Ok(None);
    };
    let key = row.suite.and_then(|suite| Some((suite, me.key_of(suite)?)));
    let (Some((suite, signer)), Some(key)) = (key, keys::current(tx, &row)?) else {
        own::nothing(tx.conn, id)?;
        return Ok(None);
    };
    let place = place(me, id, (row.incarnation, row.epoch), me.device);
    let signed = place.signed_bytes(mark, slot.read_ms);
    let signature = tx.mls.sign(&tx.kv, Suite(suite.0), signer, &signed)?;
    let sealed = seal::seal(&key, &place, &Receipt::new(mark, slot.read_ms, signature))?;
    Ok(Some(Made {
        watermark: (row.incarnation, mark),
        request: PutReceipt {
            incarnation: row.incarnation,
            epoch: row.epoch,
            sealed: Blob(sealed),
        },
    }))
}

/// The read mark, if the slot is to say it: it is ahead of what stands there, in the live incarnation, and in a big
/// conversation somebody has asked about what came after that.
fn wanted(conn: &Connection, row: &ConversationRow, slot: &own::OwnRow) -> Result<Option<u64>, Fault> {
    let Some(Place::Log { incarnation, seq }) = overview::get(conn, row.id)?.read else {
        return Ok(None);
    };
    let ahead = incarnation == row.incarnation && (incarnation, seq) > slot.sent;
    if !ahead || !own::are_on(conn)? || (is_big(conn, row.id)? && slot.asked <= slot.sent) {
        return Ok(None);
    }
    Ok(Some(seq))
}

/// The relay has taken it. The mark may have moved in the meantime.
fn settle(conn: &Connection, id: ConversationId, watermark: (u64, u64)) -> Result<(), Fault> {
    let behind = match overview::get(conn, id)?.read {
        Some(Place::Log { incarnation, seq }) => (incarnation, seq) > watermark,
        _ => false,
    };
    Ok(own::sent(conn, id, watermark, behind)?)
}
