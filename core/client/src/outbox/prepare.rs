//! What to do next in a conversation, and the encryption of messages.

use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow, ConversationState};
use curo_store::repo::outbox::{self, IntentKind, IntentState, OutboxRow};
use curo_store::repo::purge;
use curo_types::api::{ClaimAnswer, ClaimRequest, limits};
use curo_types::format::{AuthenticatedData, CursorClaim};
use curo_types::{Blob, ConversationId, ErrorCode, IntentId, UserId};

use super::{commits, duties, receipts};
use crate::core::now_ms;
use crate::db::Tx;
use crate::error::Fault;
use crate::policy;

/// Discarded ciphertexts in an epoch that force an update commit (rule 4.1), well below what receivers can skip.
const MAX_DISCARDED: u64 = 512;
/// Rows read in one step: payloads and bodies of a full batch.
const WINDOW: outbox::Limit = outbox::Limit {
    rows: limits::MESSAGES_PER_BATCH,
    bytes: 2 * limits::BATCH_BYTES,
};

/// The next step of a conversation.
pub(super) enum Step {
    /// Nothing to send, or something must happen first that is not up to the outbox.
    Idle,
    /// An own commit is accepted and the cursor has not reached it.
    CatchUp,
    /// A row changed without anything to send: look again.
    Again,
    /// KeyPackages are needed.
    Claim { intent: IntentId, request: ClaimRequest },
    /// Envelopes are needed.
    Directory { users: Vec<UserId>, version: u64 },
    /// Send these messages.
    Messages {
        incarnation: u64,
        messages: Vec<(IntentId, Blob)>,
    },
    /// Send this commit.
    Commit { row: Box<OutboxRow> },
}

impl Step {
    /// The first intent that the relay is asked about.
    pub(super) fn asks_for(&self) -> Option<IntentId> {
        match self {
            Self::Claim { intent, .. } => Some(*intent),
            Self::Messages { messages, .. } => messages.first().map(|(intent, _)| *intent),
            Self::Commit { row } => Some(row.intent),
            Self::Idle | Self::CatchUp | Self::Again | Self::Directory { .. } => None,
        }
    }
}

/// Decides, and makes durable what is sent next. `claimed` answers the claim that the step before asked for.
pub(super) fn next(
    tx: &mut Tx<'_>,
    me: &Account,
    id: ConversationId,
    claimed: Option<(IntentId, ClaimAnswer)>,
) -> Result<Step, Fault> {
    let Some(mut conv) = conversation::get(tx.conn, id)? else {
        return Ok(Step::Idle);
    };
    match conv.state {
        ConversationState::Active | ConversationState::Creating => {}
        ConversationState::Removed => {
            outbox::fail_open(tx.conn, id, ErrorCode::REMOVED.as_str())?;
            purge::forget(tx.conn, id)?;
            return Ok(Step::Idle);
        }
        // Rows wait until the conversation can go on.
        ConversationState::Waiting | ConversationState::Frozen => return Ok(Step::Idle),
    }
    if let Some(commit) = outbox::commit_in_flight(tx.conn, id)? {
        return Ok(match commit.state {
            IntentState::Accepted => Step::CatchUp,
            _ => Step::Commit { row: Box::new(commit) },
        });
    }
    // Before anything is sent again: the relay takes nothing else (rule 6.1).
    if conv.state == ConversationState::Active
        && let Some(removal) = duties::queued_removal(tx, id)?
    {
        return commits::prepare(tx, me, &mut conv, &removal, None);
    }
    let unsettled = outbox::unsettled_messages(tx.conn, id, WINDOW)?;
    if !unsettled.is_empty() {
        return Ok(messages(conv.incarnation, &unsettled));
    }
    if conv.state == ConversationState::Active {
        policy::queue_missing(tx, me, &conv)?;
    }
    let mut duty = outbox::first_queued(tx.conn, id, IntentKind::Update)?;
    if duty.is_none() && (conv.needs_update || conv.discarded >= MAX_DISCARDED) {
        outbox::add(tx.conn, IntentId::random(), id, IntentKind::Update, &[], now_ms())?;
        duty = outbox::first_queued(tx.conn, id, IntentKind::Update)?;
    }
    if conv.state == ConversationState::Active {
        receipts::queue(tx.conn, id)?;
    }
    // Duties precede (rule 4.7), once there is a group that owes them.
    let duty = duty.filter(|_| conv.state == ConversationState::Active);
    let queued = outbox::queued(tx.conn, id, WINDOW)?;
    // The next incarnation is opened before what waits from the one before.
    let creation = match conv.state {
        ConversationState::Creating => outbox::first_queued(tx.conn, id, IntentKind::Create)?,
        _ => None,
    };
    match duty.or(creation).or_else(|| queued.first().cloned()) {
        None => Ok(Step::Idle),
        Some(head) if head.kind == IntentKind::Message => {
            if conv.state == ConversationState::Creating {
                // Only a failed creation leaves messages alone in the queue.
                outbox::fail_open(tx.conn, id, ErrorCode::UNKNOWN.as_str())?;
                return Ok(Step::Idle);
            }
            encrypt_run(tx, &mut conv, &queued)
        }
        Some(head) => {
            // An answer is good for the intent that asked; another may have come first in the meantime.
            let claimed = claimed
                .filter(|(intent, _)| *intent == head.intent)
                .map(|(_, answer)| answer);
            commits::prepare(tx, me, &mut conv, &head, claimed.as_ref())
        }
    }
}

/// The same bytes again (rule 4, unknown).
fn messages(incarnation: u64, rows: &[OutboxRow]) -> Step {
    let mut bytes = 0;
    let messages = rows
        .iter()
        .filter_map(|row| Some((row.intent, row.body.clone()?)))
        .take(limits::MESSAGES_PER_BATCH)
        .take_while(|(_, body)| {
            bytes += body.len();
            bytes <= limits::BATCH_BYTES
        })
        .map(|(intent, body)| (intent, Blob(body)))
        .collect();
    Step::Messages { incarnation, messages }
}

/// Encrypts the first run of queued messages: as many as one request takes.
fn encrypt_run(tx: &mut Tx<'_>, conv: &mut ConversationRow, rows: &[OutboxRow]) -> Result<Step, Fault> {
    let Some(group) = conv.group else {
        return Ok(Step::Idle);
    };
    let run = rows.iter().take_while(|row| row.kind == IntentKind::Message);
    let epoch = tx.mls.epoch(&tx.kv, group.as_bytes())?;
    let cursor = cursor(conv);
    let (mut messages, mut size) = (Vec::new(), 0);
    for row in run.take(limits::MESSAGES_PER_BATCH) {
        // What encryption adds is far below 64 KiB; a run that could pass the limit waits for the next request.
        if size + row.payload.len() + 64 * 1024 > limits::BATCH_BYTES && !messages.is_empty() {
            break;
        }
        let counter = conv.sent_count + 1 + messages.len() as u64;
        let aad = AuthenticatedData::message(row.intent, counter, cursor).to_bytes();
        let body = tx.mls.encrypt(&tx.kv, group.as_bytes(), &aad, &row.payload)?;
        size += body.len();
        outbox::prepared(tx.conn, row.position, conv.incarnation, epoch, &body, None)?;
        messages.push((row.intent, Blob(body)));
    }
    Ok(Step::Messages {
        incarnation: conv.incarnation,
        messages,
    })
}

/// The cursor that rides in authenticated data; absent before the first entry.
pub(super) fn cursor(conv: &ConversationRow) -> Option<CursorClaim> {
    (conv.cursor_seq > 0).then_some(CursorClaim {
        seq: conv.cursor_seq,
        h: conv.cursor_h,
    })
}
