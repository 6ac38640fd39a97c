//! What a refusal by the relay means for the rows that were sent.

use curo_store::repo::conversation::{self, ConversationState};
use curo_store::repo::departure;
use curo_store::repo::outbox::{self, IntentKind, IntentState, OutboxRow};
use curo_types::api::Problem;
use curo_types::{ConversationId, ErrorCode, IntentId};

use super::commits;
use crate::core::Core;
use crate::db::Tx;
use crate::error::Fault;
use crate::sync::pull::of_account;
use crate::sync::standing::{freeze, live};

impl Core {
    /// The relay refused the first of what was sent.
    pub(super) async fn refused(
        &self,
        id: ConversationId,
        intent: Option<IntentId>,
        problem: Problem,
    ) -> Result<(), Fault> {
        let code = problem.code.clone();
        crate::log::event!(Debug, "refused", conversation = id, code = code.clone());
        match code.as_str() {
            // Somebody was faster: what is missing comes along, and applying it sends the rows back to their intents.
            "stale_epoch" | "epoch_taken" => {
                if !problem.missing.is_empty() {
                    self.apply(id, problem.missing).await?;
                }
                self.catch_up(id).await?;
                self.still_refused(id, intent).await
            }
            // Removed by others: the log is served up to the removal, which fails the rows.
            "removed" => {
                if self.not_opened_again(id, intent).await? {
                    return Ok(());
                }
                self.catch_up(id).await?;
                let conv = self.db.read(move |conn| Ok(conversation::get(conn, id)?)).await?;
                if conv.is_some_and(|conv| live(&conv)) {
                    return Err(Fault::BadRelay("removed, and nothing in the log says so"));
                }
                Ok(())
            }
            "removal_pending" => self.removal_pending(id, intent, problem.pending).await,
            "mandatory_member" => {
                if self.mandatory_refused(intent, problem.mandatory).await? {
                    return Ok(());
                }
                self.fail_intent(id, intent, code).await
            }
            "directory_changed" => self.start_over(intent).await,
            "incarnation_changed" => self.lost_creation(id, intent).await,
            "not_a_member" | "stale_counter" | "body_gone" => self.freeze_group(id).await,
            "incarnation_over" => self.incarnation_over(id).await,
            // Trouble of the moment, or of the whole account: what was sent goes again.
            _ if code.retryable() || of_account(&code) => Err(problem.into()),
            _ => self.fail_intent(id, intent, code).await,
        }
    }

    /// After catching up, nothing of the refused epoch may be left. If something is, the ladder's second rung (rule 7.4)
    /// asks who won the epoch: an own commit that won is accepted, whatever the relay said before. A relay that refuses
    /// the epoch that its own log leads to contradicts itself.
    async fn still_refused(&self, id: ConversationId, intent: Option<IntentId>) -> Result<(), Fault> {
        let Some(intent) = intent else { return Ok(()) };
        let left = self
            .db
            .read(move |conn| {
                let row = outbox::get(conn, intent)?;
                let conv = conversation::get(conn, id)?;
                Ok(row.filter(|row| row.body.is_some() && row.seq.is_none() && conv.is_some_and(|conv| live(&conv))))
            })
            .await?;
        let Some(row) = left else { return Ok(()) };
        let contradiction = Fault::BadRelay("refuses its own epoch");
        let (Some(incarnation), Some(epoch), true) = (row.incarnation, row.epoch, row.request.is_some()) else {
            return Err(contradiction);
        };
        let winner = match self.relay.winner(id, incarnation, epoch).await {
            // Nobody has: no verdict (rule 4.2). The same bytes go again, later.
            Err(Fault::Problem(problem)) if problem.code == ErrorCode::NOT_FOUND => return Err(contradiction),
            other => other?,
        };
        if Some(winner.body_hash) != row.body_hash || winner.intent != intent {
            return Err(contradiction);
        }
        self.db
            .write(move |tx| Ok(outbox::accepted(tx.conn, row.position, winner.seq).map(drop)?))
            .await
    }

    /// The commit can never be accepted as it is, because the directory moved on: new KeyPackages, new commit.
    async fn start_over(&self, intent: Option<IntentId>) -> Result<(), Fault> {
        let Some(intent) = intent else { return Ok(()) };
        self.db
            .write(move |tx| {
                let Some(row) = outbox::get(tx.conn, intent)?.filter(waits) else {
                    return Ok(());
                };
                if row.kind == IntentKind::Message {
                    // No message names a directory version, and none is encrypted twice in an epoch (rule 4.1).
                    return Err(Fault::BadRelay("a message cannot outrun the directory"));
                }
                discard(tx, &row)?;
                Ok(outbox::requeue(tx.conn, row.position, false)?)
            })
            .await
    }

    /// A direct conversation that this user has left was not closed: the other one is still in it. This user stays out of it (6.6).
    async fn not_opened_again(&self, id: ConversationId, intent: Option<IntentId>) -> Result<bool, Fault> {
        let Some(intent) = intent else { return Ok(false) };
        let stays_out = self
            .db
            .write(move |tx| {
                let row = outbox::get(tx.conn, intent)?.filter(waits);
                let (Some(row), Some(mut conv)) = (row, conversation::get(tx.conn, id)?) else {
                    return Ok(false);
                };
                if row.kind != IntentKind::Create || conv.direct_with.is_none() || conv.incarnation < 2 {
                    return Ok(false);
                }
                if let Some(group) = conv.group.take() {
                    tx.mls.delete_group(&tx.kv, group.as_bytes())?;
                }
                conv.state = ConversationState::Removed;
                conv.incarnation -= 1;
                conversation::put(tx.conn, &conv)?;
                conversation::clear_members(tx.conn, id, 0)?;
                departure::set_gone(tx.conn, id)?;
                outbox::fail_open(tx.conn, id, ErrorCode::REMOVED.as_str())?;
                Ok(true)
            })
            .await?;
        if stays_out {
            self.changed_in(id);
        }
        Ok(stays_out)
    }

    /// The conversation exists, or has gone on in another incarnation. A creation that lost the race (rule 3.7) waits for
    /// the winner's Welcome, or has it already; anything else cannot go on.
    async fn lost_creation(&self, id: ConversationId, intent: Option<IntentId>) -> Result<(), Fault> {
        self.db
            .write(move |tx| {
                let Some(mut conv) = conversation::get(tx.conn, id)? else {
                    return Ok(());
                };
                let row = intent.map(|intent| outbox::get(tx.conn, intent)).transpose()?.flatten();
                let Some(row) = row.filter(|row| row.kind == IntentKind::Create) else {
                    return freeze(tx.conn, &mut conv, &ErrorCode::REJOIN_NEEDED);
                };
                if !waits(&row) {
                    return Ok(());
                }
                outbox::done(tx.conn, row.position, None)?;
                if conv.state == ConversationState::Creating {
                    if let Some(group) = conv.group.take() {
                        tx.mls.delete_group(&tx.kv, group.as_bytes())?;
                    }
                    conv.state = ConversationState::Waiting;
                    conversation::put(tx.conn, &conv)?;
                }
                Ok(())
            })
            .await?;
        self.changed_in(id);
        Ok(())
    }

    /// The relay will never take these bytes. What was encrypted behind them is thrown away with them and comes again
    /// in another epoch (rule 4.1: a row is encrypted again only in another epoch).
    async fn fail_intent(&self, id: ConversationId, intent: Option<IntentId>, code: ErrorCode) -> Result<(), Fault> {
        let Some(intent) = intent else { return Ok(()) };
        self.db
            .write(move |tx| {
                let Some(row) = outbox::get(tx.conn, intent)?.filter(waits) else {
                    return Ok(());
                };
                discard(tx, &row)?;
                let thrown_away = outbox::requeue_unsettled(tx.conn, id)?;
                if let Some(mut conv) = conversation::get(tx.conn, id)? {
                    conv.discarded += thrown_away;
                    conv.needs_update |= thrown_away > 1;
                    conversation::put(tx.conn, &conv)?;
                }
                commits::fail(tx, &row, &code).map(drop)
            })
            .await?;
        self.changed_in(id);
        Ok(())
    }
}

/// Whether a row still waits for its verdict. The answer to a request may come after the log has given it.
pub(super) fn waits(row: &OutboxRow) -> bool {
    matches!(
        row.state,
        IntentState::Queued | IntentState::Prepared | IntentState::Unknown
    )
}

/// A commit goes back to its intent, without its claim: it is made anew.
pub(crate) fn start_again(tx: &mut Tx<'_>, row: &OutboxRow) -> Result<(), Fault> {
    if waits(row) {
        discard(tx, row)?;
        outbox::requeue(tx.conn, row.position, false)?;
    }
    Ok(())
}

/// Drops the pending MLS commit of a row that will not be accepted.
pub(super) fn discard(tx: &mut Tx<'_>, row: &OutboxRow) -> Result<(), Fault> {
    if row.request.is_some()
        && let Some(group) = conversation::get(tx.conn, row.conversation)?.and_then(|conv| conv.group)
        && tx.mls.exists(&tx.kv, group.as_bytes())?
    {
        tx.mls.discard_own_commit(&tx.kv, group.as_bytes())?;
    }
    Ok(())
}
