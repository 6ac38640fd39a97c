//! The ladder (rule 7.4): what is done, by itself, about a conversation that cannot go on here.
//!
//! Its rungs: sync again; who won and the range, which sync and outbox climb where they stand; then a rejoin by external
//! commit, with a visible record of what was missed. `prepare` makes the commit, `settle` applies it when the log has it,
//! `doubt` asks for what the log no longer shows, `rollback` is about a store that was restored from a backup (7.1). Runs in the outbox's pass, before anything is sent. Frozen for another reason than `rejoin_needed` stays frozen.

mod doubt;
mod prepare;
pub(crate) mod rollback;
mod settle;
mod turn;
pub(crate) mod waiting;

use curo_store::repo::conversation::{self, ConversationRow, ConversationState};
use curo_store::repo::rejoin::{self, MadeRejoin, RejoinRow};
use curo_store::repo::{outbox, receipt};
use curo_types::api::{CommitBundle, CommitRequest, Problem};
use curo_types::{Blob, ConversationId, ErrorCode, IntentId};
use rusqlite::Connection;

use crate::core::Core;
use crate::error::Fault;
use crate::failpoints;
use crate::sync::pull::of_account;

/// Rungs without success after which a conversation stays frozen, with `rejoin_failed`.
const MAX_TRIES: u64 = 8;
/// External commits of one conversation in one pass that may lose their epoch: more than racing members cost.
const MAX_RACES: usize = 16;

impl Core {
    /// Takes each conversation that waits for it one rung further. Returns what went wrong, by conversation.
    pub(crate) async fn climb(&self) -> Result<Vec<(ConversationId, Fault)>, Fault> {
        self.stop_waiting().await?;
        let waiting = self.waiting_for_rejoin().await?;
        let mut faults = Vec::new();
        for id in waiting {
            if self.holds.is_held(id) {
                continue;
            }
            if let Err(fault) = self.climb_one(id).await {
                if of_account(&fault.code()) {
                    faults.push((id, fault));
                    break;
                }
                faults.push((id, fault));
            }
            self.changed();
        }
        Ok(faults)
    }

    /// Conversations that are to be rejoined.
    pub(crate) async fn waiting_for_rejoin(&self) -> Result<Vec<ConversationId>, Fault> {
        self.db
            .read(|conn| Ok(rejoin::frozen_with(conn, ErrorCode::REJOIN_NEEDED.as_str())?))
            .await
    }

    async fn climb_one(&self, id: ConversationId) -> Result<(), Fault> {
        let again = self.db.write(move |tx| sync_again(tx.conn, id)).await?;
        if again {
            self.follow_log(id).await?;
            if self.frozen(id).await?.is_none() {
                crate::log::event!(Info, "synced_again", conversation = id);
                return Ok(());
            }
        }
        for _ in 0..MAX_RACES {
            // What it was stopped by while this pass went on is told first (3.9): after the way in from outside nobody asks.
            if !self.renewed(id).await? {
                return Ok(());
            }
            let Some((row, attempt)) = self.frozen(id).await? else {
                return Ok(());
            };
            // 5.7: what the inbox brings may be the way in.
            if !self.inbox_is_drained() {
                return Ok(());
            }
            if attempt.tries >= MAX_TRIES {
                return self.give_up(id, ErrorCode::REJOIN_FAILED).await;
            }
            let sent = match &attempt.made {
                Some(made) => self.send_rejoin(&row, &attempt, made).await,
                None => self.prepare_rejoin(&row, &attempt).await.map(|()| Sent::Again),
            };
            match sent {
                Ok(Sent::Again) => {}
                Ok(Sent::Joined) => {
                    failpoints::hit(failpoints::REJOINED);
                    crate::log::event!(Info, "rejoined", conversation = id);
                    return self.follow_log(id).await;
                }
                Err(Fault::Problem(problem)) => self.rejoin_refused(id, *problem).await?,
                // It cannot be made, or what it came to does not verify: another try starts anew, later.
                Err(Fault::Entry { code, .. }) => self.missed(id, code, false).await?,
                // The same bytes go again: what the relay has accepted stays accepted.
                Err(Fault::BadRelay(reason)) => {
                    crate::log::event!(Warn, "rejoin_stopped", conversation = id, reason = reason);
                    self.missed(id, ErrorCode::REJOIN_NEEDED, true).await?;
                }
                Err(fault) => return Err(fault),
            }
            if self.holds.is_held(id) {
                return Ok(());
            }
        }
        self.missed(id, ErrorCode::REJOIN_NEEDED, false).await
    }

    /// The conversation and what is done about it, if it waits to be rejoined.
    async fn frozen(&self, id: ConversationId) -> Result<Option<(ConversationRow, RejoinRow)>, Fault> {
        self.db.read(move |conn| on_ladder(conn, id)).await
    }

    /// Sends the commit; the answer is settled from the log.
    async fn send_rejoin(&self, row: &ConversationRow, attempt: &RejoinRow, made: &MadeRejoin) -> Result<Sent, Fault> {
        if !self.begins_to_send(row.id, attempt.intent).await? {
            return Ok(Sent::Again);
        }
        failpoints::hit(failpoints::REJOIN_BEFORE_SEND);
        let bundle = CommitBundle {
            commit: Blob(made.commit.clone()),
            group_info: Blob(made.group_info.clone()),
            welcome: None,
        };
        let request = CommitRequest::new(made.incarnation, bundle);
        let answer = self.relay.commit(row.id, &request, None).await;
        failpoints::hit(failpoints::REJOIN_AFTER_SEND);
        let accepted = answer?;
        if accepted.intent != attempt.intent {
            return Err(Fault::BadRelay("another intent was accepted"));
        }
        self.settle_rejoin(row, attempt, made, &accepted).await?;
        Ok(Sent::Joined)
    }

    /// What a refusal of group state or commit means.
    async fn rejoin_refused(&self, id: ConversationId, problem: Problem) -> Result<(), Fault> {
        let code = problem.code.clone();
        crate::log::event!(Debug, "rejoin_refused", conversation = id, code = code.clone());
        match code.as_str() {
            // Somebody was faster, or the ground has moved: the same intent once more, from the group as it is now.
            "epoch_taken" | "directory_changed" | "incarnation_changed" => {
                self.db.write(move |tx| discard(tx.conn, id)).await
            }
            "removed" => self.out(id).await,
            // The relay does not know us there: nothing more is tried.
            "not_a_member" if self.waits_on(id).await? => Ok(()),
            "not_a_member" => self.give_up(id, code).await,
            _ if code.retryable() || of_account(&code) => Err(problem.into()),
            _ => self.missed(id, code, false).await,
        }
    }

    /// One try more that did not help. The next one waits.
    async fn missed(&self, id: ConversationId, code: ErrorCode, same_bytes: bool) -> Result<(), Fault> {
        if [
            ErrorCode::KEY_MISMATCH,
            ErrorCode::NOT_DIRECT,
            ErrorCode::UPDATE_REQUIRED,
        ]
        .contains(&code)
        {
            return self.give_up(id, code).await;
        }
        let tries = self
            .db
            .write(move |tx| {
                one_more(tx.conn, id, same_bytes)?;
                Ok(rejoin::get(tx.conn, id)?.map_or(0, |row| row.tries))
            })
            .await?;
        let shift = u32::try_from(tries.min(8)).unwrap_or(8);
        self.holds
            .hold(id, self.retry.min.saturating_mul(1 << shift).min(self.retry.max));
        Ok(())
    }

    /// Nothing more is done by itself.
    async fn give_up(&self, id: ConversationId, code: ErrorCode) -> Result<(), Fault> {
        crate::log::event!(Warn, "rejoin_given_up", conversation = id, code = code.clone());
        self.db
            .write(move |tx| match on_ladder(tx.conn, id)? {
                Some((mut row, _)) => {
                    rejoin::forget(tx.conn, id)?;
                    crate::sync::standing::freeze(tx.conn, &mut row, &code)
                }
                None => Ok(()),
            })
            .await
    }

    /// This device is not a member any more. The log, which would say when, cannot be followed.
    async fn out(&self, id: ConversationId) -> Result<(), Fault> {
        self.db
            .write(move |tx| {
                let Some((mut row, _)) = on_ladder(tx.conn, id)? else {
                    return Ok(());
                };
                row.state = ConversationState::Removed;
                row.frozen_code = None;
                if let Some(group) = row.group.take() {
                    settle::delete_group(tx, group)?;
                }
                conversation::clear_members(tx.conn, id, row.cursor_seq + 1)?;
                conversation::put(tx.conn, &row)?;
                rejoin::forget(tx.conn, id)?;
                receipt::forget(tx.conn, id)?;
                outbox::fail_open(tx.conn, id, ErrorCode::REMOVED.as_str())?;
                crate::policy::removed_by_others(tx.conn, id)
            })
            .await
    }

    /// Tries again what was given up, from the external commit on.
    pub(crate) async fn try_rejoin_again(&self, id: ConversationId) -> Result<(), Fault> {
        self.db
            .write(move |tx| {
                let mut row = conversation::get(tx.conn, id)?.ok_or(Fault::Code(ErrorCode::UNKNOWN))?;
                let stays = [
                    ErrorCode::KEY_MISMATCH,
                    ErrorCode::NOT_DIRECT,
                    ErrorCode::UPDATE_REQUIRED,
                ];
                let code = row.frozen_code.clone().map(ErrorCode::from);
                match code.filter(|_| row.state == ConversationState::Frozen) {
                    None => Ok(()),
                    Some(code) if stays.contains(&code) => Err(Fault::Code(code)),
                    Some(_) => {
                        on_the_way(tx.conn, id)?;
                        crate::sync::standing::freeze(tx.conn, &mut row, &ErrorCode::REJOIN_NEEDED)
                    }
                }
            })
            .await?;
        self.holds.release(id);
        Ok(())
    }
}

/// What came of a step.
enum Sent {
    /// Look again: a commit is there to be sent.
    Again,
    /// The device is in.
    Joined,
}

/// The row of a conversation that waits to be rejoined.
fn on_ladder(conn: &Connection, id: ConversationId) -> Result<Option<(ConversationRow, RejoinRow)>, Fault> {
    let row = conversation::get(conn, id)?.filter(|row| {
        row.state == ConversationState::Frozen && row.frozen_code.as_deref() == Some(ErrorCode::REJOIN_NEEDED.as_str())
    });
    let Some(row) = row else { return Ok(None) };
    let attempt = rejoin::get(conn, id)?.unwrap_or_else(|| fresh(id));
    Ok(Some((row, attempt)))
}

fn fresh(id: ConversationId) -> RejoinRow {
    RejoinRow {
        conversation: id,
        tries: 0,
        intent: IntentId::random(),
        made: None,
    }
}

/// The first rung: what could not be applied may have been a bad answer. A conversation that has a cursor to go on from is
/// let go once more. Not where the state of its group is the reason ([`on_the_way`]).
fn sync_again(conn: &Connection, id: ConversationId) -> Result<bool, Fault> {
    let Some((mut row, attempt)) = on_ladder(conn, id)? else {
        return Ok(false);
    };
    if attempt.tries > 0 {
        return Ok(false);
    }
    rejoin::put(conn, &RejoinRow { tries: 1, ..attempt })?;
    if row.group.is_none() || row.cursor_seq == 0 {
        return Ok(false);
    }
    row.state = ConversationState::Active;
    row.frozen_code = None;
    row.behind = true;
    conversation::put(conn, &row)?;
    Ok(true)
}

/// Syncing again is of no use, or must not be: the next rung is the external commit.
pub(crate) fn on_the_way(conn: &Connection, id: ConversationId) -> Result<(), Fault> {
    let row = rejoin::get(conn, id)?.unwrap_or_else(|| fresh(id));
    Ok(rejoin::put(
        conn,
        &RejoinRow {
            tries: row.tries.clamp(1, MAX_TRIES - 1),
            ..row
        },
    )?)
}

/// The conversation goes on: entries were applied, or messages accepted.
pub(crate) fn goes_on(conn: &Connection, id: ConversationId) -> Result<(), Fault> {
    Ok(rejoin::forget(conn, id)?)
}

/// Forgets the commit under way, which can never win.
fn discard(conn: &Connection, id: ConversationId) -> Result<(), Fault> {
    let row = rejoin::get(conn, id)?.unwrap_or_else(|| fresh(id));
    Ok(rejoin::put(conn, &RejoinRow { made: None, ..row })?)
}

/// Counts a try that did not help.
fn one_more(conn: &Connection, id: ConversationId, same_bytes: bool) -> Result<(), Fault> {
    let row = rejoin::get(conn, id)?.unwrap_or_else(|| fresh(id));
    let (tries, made) = (row.tries.max(1) + 1, row.made.filter(|_| same_bytes));
    Ok(rejoin::put(conn, &RejoinRow { tries, made, ..row })?)
}
