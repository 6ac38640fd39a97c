//! Settling what the relay has accepted: durable here, and applied at once where it directly follows the cursor.

use std::collections::BTreeMap;

use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow};
use curo_store::repo::leaf;
use curo_store::repo::outbox::{self, OutboxRow};
use curo_types::api::{Accepted, EntryRecord, MessagesAccepted};
use curo_types::format::EntryKind;
use curo_types::{Blob, ConversationId, Digest, IntentId};

use crate::db::Tx;
use crate::error::Fault;
use crate::receipts::take as receipts;
use crate::rejoin;
use crate::sync::apply::{apply_one, step};
use crate::sync::standing::{check_tip, keep_tip, live};

/// The answer must speak of a prefix of what was sent, in order, under a tip of the tenant.
pub(crate) fn check_accepted(
    me: &Account,
    id: ConversationId,
    sent: &[(IntentId, Blob)],
    answer: &MessagesAccepted,
) -> Result<(), Fault> {
    check_tip(me, id, &answer.tip)?;
    let tip = &answer.tip;
    let under_tip = |one: &Accepted| one.seq < tip.seq || (one.seq == tip.seq && one.h == tip.h);
    if !answer.accepted.iter().all(under_tip) {
        return Err(Fault::BadRelay("accepted beyond the tip"));
    }
    let prefix = answer.accepted.len() <= sent.len()
        && !answer.accepted.is_empty()
        && answer
            .accepted
            .iter()
            .zip(sent)
            .all(|(accepted, (intent, _))| accepted.intent == *intent);
    if prefix {
        Ok(())
    } else {
        Err(Fault::BadRelay("not a prefix"))
    }
}

pub(super) fn settle_messages(
    tx: &mut Tx<'_>,
    me: &Account,
    id: ConversationId,
    answer: &MessagesAccepted,
) -> Result<(), Fault> {
    let Some(mut conv) = conversation::get(tx.conn, id)? else {
        return Ok(());
    };
    let mut rows = BTreeMap::new();
    for one in &answer.accepted {
        // A row that is gone was reached by the cursor while the answer was on its way.
        if let Some(row) = outbox::get(tx.conn, one.intent)?
            && outbox::accepted(tx.conn, row.position, one.seq)?
        {
            conv.sent_count += 1;
            rows.insert(one.seq, (row, one));
        }
    }
    if !rows.is_empty() {
        rejoin::goes_on(tx.conn, id)?;
    }
    for (row, one) in rows.into_values() {
        apply_own(tx, me, &mut conv, row, one)?;
    }
    conversation::put(tx.conn, &conv)?;
    keep_tip(tx.conn, id, &answer.tip)?;
    leaf::reached(tx.conn, id, conv.incarnation, conv.cursor_seq)?;
    receipts::reached(tx, me, &conv)
}

/// A commit is merged when the cursor reaches it, never on the answer (rule 4.3): the answer bears no signature, and a
/// member that has merged what the log does not hold is alone in its epoch.
pub(super) fn settle_commit(tx: &mut Tx<'_>, row: &OutboxRow, one: &Accepted) -> Result<(), Fault> {
    outbox::accepted(tx.conn, row.position, one.seq)?;
    Ok(())
}

/// An own message that directly follows the cursor needs no round trip: all that its hash covers is known here, and the
/// tip above it is signed. If the hash disagrees, the entry is left to sync, which fetches it.
fn apply_own(
    tx: &mut Tx<'_>,
    me: &Account,
    conv: &mut ConversationRow,
    row: OutboxRow,
    one: &Accepted,
) -> Result<(), Fault> {
    let (Some(body), Some(epoch), Some(incarnation)) = (row.body, row.epoch, row.incarnation) else {
        return Ok(());
    };
    let entry = EntryRecord {
        incarnation,
        seq: one.seq,
        kind: EntryKind::Message,
        epoch,
        sender: me.device,
        intent: row.intent,
        directory_version: None,
        time_ms: one.time_ms,
        body: Blob(body),
        h: one.h,
        leaves: Vec::new(),
    };
    let follows = live(conv) && incarnation == conv.incarnation && one.seq == conv.cursor_seq + 1;
    let h: Digest = entry.expected_hash(&me.tenant, conv.id, conv.cursor_h);
    if follows && h == one.h {
        apply_one(tx, me, conv, &entry)?;
        step(tx.conn, conv, &entry)?;
    }
    Ok(())
}
