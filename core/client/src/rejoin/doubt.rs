//! What was sent and never answered, where the log no longer shows it (rule 5.8): the relay is asked for its first results.
//!
//! The relay knows intents for ever (3.1), so the same bytes find out, and nothing else may take their place before: bytes made
//! anew under an intent that was accepted would be refused.

use curo_store::repo::account::Account;
use curo_store::repo::conversation::ConversationRow;
use curo_store::repo::outbox::{self, Limit, OutboxRow};
use curo_types::api::{MessagesRequest, limits};
use curo_types::format::EntryKind;
use curo_types::{Blob, ErrorCode};

use super::settle::Own;
use crate::core::Core;
use crate::error::Fault;
use crate::outbox::settle::check_accepted;
use crate::sync::pull::of_account;

impl Core {
    /// Own entries before `upto` of which this device does not know that they were accepted. Their epoch has ended, so asking
    /// makes nothing happen.
    pub(super) async fn ask_what_was_accepted(
        &self,
        me: &Account,
        row: &ConversationRow,
        upto: u64,
    ) -> Result<Vec<Own>, Fault> {
        let id = row.id;
        let batch = Limit {
            rows: limits::MESSAGES_PER_BATCH,
            bytes: usize::MAX,
        };
        let (messages, commit) = self
            .db
            .read(move |conn| {
                let messages = outbox::unsettled_messages(conn, id, batch)?;
                Ok((messages, outbox::commit_in_flight(conn, id)?))
            })
            .await?;
        let here = |sent: &OutboxRow| sent.incarnation == Some(row.incarnation) && sent.seq.is_none();
        let mut own = self
            .accepted_messages(me, row, messages.into_iter().filter(here))
            .await?;
        if let Some(commit) = commit.filter(here) {
            own.extend(self.accepted_commit(row, &commit).await?);
        }
        if own.iter().any(|own| own.seq >= upto) {
            return Err(Fault::BadRelay("accepted behind the end of its epoch"));
        }
        Ok(own)
    }

    async fn accepted_messages(
        &self,
        me: &Account,
        row: &ConversationRow,
        sent: impl Iterator<Item = OutboxRow>,
    ) -> Result<Vec<Own>, Fault> {
        let sent: Vec<_> = sent
            .filter_map(|message| Some((message.intent, Blob(message.body?))))
            .collect();
        if sent.is_empty() {
            return Ok(Vec::new());
        }
        let request = MessagesRequest {
            incarnation: row.incarnation,
            messages: sent.iter().map(|(_, body)| body.clone()).collect(),
        };
        let answer = match self.relay.messages(row.id, &request).await {
            // Whatever the reason: the first was not accepted before, or its result would have come, and so none was (4.1).
            Err(Fault::Problem(problem)) if is_verdict(&problem.code) => return Ok(Vec::new()),
            other => other?,
        };
        check_accepted(me, row.id, &sent, &answer)?;
        let own = answer.accepted.into_iter().map(|accepted| Own {
            seq: accepted.seq,
            kind: EntryKind::Message,
            intent: accepted.intent,
            time_ms: accepted.time_ms,
        });
        Ok(own.collect())
    }

    async fn accepted_commit(&self, row: &ConversationRow, commit: &OutboxRow) -> Result<Option<Own>, Fault> {
        let Some(epoch) = commit.epoch else { return Ok(None) };
        let winner = match self.relay.winner(row.id, row.incarnation, epoch).await {
            Err(Fault::Problem(problem)) if is_verdict(&problem.code) => return Ok(None),
            other => other?,
        };
        let ours = winner.intent == commit.intent && Some(winner.body_hash) == commit.body_hash;
        Ok(ours.then_some(Own {
            seq: winner.seq,
            kind: EntryKind::Commit,
            intent: commit.intent,
            time_ms: commit.created_ms,
        }))
    }
}

/// Whether a refusal is about what was asked, and not trouble of the moment or of the account.
fn is_verdict(code: &ErrorCode) -> bool {
    let moment = [
        ErrorCode::RATE_LIMITED,
        ErrorCode::UNAVAILABLE,
        ErrorCode::INTERNAL,
        ErrorCode::TIMEOUT,
        ErrorCode::TOKEN_EXPIRED,
        ErrorCode::UNAUTHENTICATED,
    ];
    !moment.contains(code) && !of_account(code)
}
