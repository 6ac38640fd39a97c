//! Going on in another incarnation: reporting a commit that cannot be processed (rule 3.9), opening the next incarnation
//! (3.7), sending again what does not stand (7.3).
//!
//! Runs in the outbox's pass, before anything is sent. It knows the rows and the relay's calls; the commit that opens an
//! incarnation is an intent like every creation and made where those are made. Whoever loses the race for it gets a Welcome,
//! or comes in from outside.

mod again;

use std::collections::BTreeSet;

use curo_store::repo::account::Account;
use curo_store::repo::change;
use curo_store::repo::conversation::{self, ConversationRow, ConversationState};
use curo_store::repo::leaf;
use curo_store::repo::outbox::{self, IntentKind};
use curo_store::repo::overview;
use curo_store::repo::renewal::{self, BadCommit, RenewalRow};
use curo_types::api::{Duty, DutyRequest, EntryRecord, ReportCommit, ReportReason};
use curo_types::format::EntryKind;
use curo_types::{ConversationId, Digest, ErrorCode, IntentId, TenantId, UserId};
use rusqlite::Connection;
use std::time::Duration;

use crate::core::{Core, now_ms};
use crate::db::Tx;
use crate::error::Fault;
use crate::failpoints;
use crate::outbox::encode_users;
use crate::recovery;
use crate::rejoin;
use crate::sync::join::leave_behind;
use crate::sync::pull::of_account;
use crate::sync::standing::freeze;

impl Core {
    /// Takes each conversation whose incarnation cannot go on one step further, and queues again what does not stand. Returns
    /// what went wrong, by conversation: nothing is sent there in this pass.
    pub(crate) async fn renew(&self) -> Result<Vec<(ConversationId, Fault)>, Fault> {
        let mut faults = Vec::new();
        for (id, incarnation) in self.db.read(|conn| Ok(renewal::owed_resends(conn)?)).await? {
            if let Err(fault) = self.resend(id, incarnation).await {
                faults.push((id, fault));
            }
        }
        for row in self.db.read(|conn| Ok(renewal::all(conn)?)).await? {
            if self.holds.is_held(row.conversation) {
                continue;
            }
            let id = row.conversation;
            if let Err(fault) = self.renew_one(row).await {
                faults.push((id, fault));
            }
            self.changed();
        }
        Ok(faults)
    }

    /// Takes one conversation one step further. False: what is to be done about its incarnation waits.
    pub(crate) async fn renewed(&self, id: ConversationId) -> Result<bool, Fault> {
        let owed = async || self.db.read(move |conn| Ok(renewal::get(conn, id)?)).await;
        let Some(row) = owed().await? else { return Ok(true) };
        self.renew_one(row).await?;
        Ok(owed().await?.is_none())
    }

    async fn renew_one(&self, row: RenewalRow) -> Result<(), Fault> {
        let (id, incarnation) = (row.conversation, row.incarnation);
        let conv = self.db.read(move |conn| Ok(conversation::get(conn, id)?)).await?;
        let waits = conv.filter(|conv| conv.incarnation == incarnation && conv.state == ConversationState::Frozen);
        let Some(conv) = waits else {
            return self.forget_renewal(id).await;
        };
        if !row.over {
            let over = match &row.commit {
                Some(commit) => self.report(id, incarnation, commit).await?,
                None => false,
            };
            if !over {
                // The others can go on: this device comes in again from outside.
                return self.forget_renewal(id).await;
            }
            let over = RenewalRow { over, ..row };
            self.db.write(move |tx| Ok(renewal::put(tx.conn, &over)?)).await?;
        }
        if conv.frozen_code.as_deref() != Some(ErrorCode::REJOIN_NEEDED.as_str()) {
            // Somebody whose key was never published is in: going on with them is for people to decide.
            return self.forget_renewal(id).await;
        }
        let known = match self.relay.incarnations(id).await {
            Err(Fault::Problem(problem)) if gone(&problem.code) => return self.forget_renewal(id).await,
            known => known?,
        };
        let live = known.incarnations.last();
        let proven = self
            .db
            .read(move |conn| recovery::proof(conn, id, incarnation))
            .await?
            .is_some();
        let open = live.is_some_and(|live| live.incarnation == incarnation && (live.over.is_some() || proven));
        let me = self.account().await?;
        if !open || !known.users.contains(&me.user) {
            // Another member was faster: its Welcome is in the inbox, or the way in is from outside. Or this device came by
            // what does not stand.
            return self.forget_renewal(id).await;
        }
        let duty = DutyRequest {
            incarnation,
            duty: Duty::OpenIncarnation,
        };
        let offer = match self.relay.duty(id, &duty).await {
            Err(Fault::Problem(problem)) if gone(&problem.code) => return self.forget_renewal(id).await,
            offer => offer?,
        };
        if !offer.yours {
            self.holds.hold(id, Duration::from_millis(offer.for_ms));
            return Ok(());
        }
        self.db
            .write(move |tx| begin(tx, &me, id, incarnation, Some(&known.users)))
            .await?;
        failpoints::hit(failpoints::RENEWAL_BEGUN);
        crate::log::event!(Info, "renewing", conversation = id, incarnation = incarnation);
        Ok(())
    }

    /// Reports a commit. True: the incarnation is over.
    async fn report(&self, id: ConversationId, incarnation: u64, commit: &BadCommit) -> Result<bool, Fault> {
        failpoints::hit(failpoints::REPORT_BEFORE_SEND);
        let report = ReportCommit {
            incarnation,
            epoch: commit.epoch,
            commit: commit.hash,
            reason: reason_of(&commit.reason),
        };
        let answer = self.relay.report(id, &report).await;
        failpoints::hit(failpoints::REPORT_AFTER_SEND);
        match answer {
            Ok(reported) => Ok(reported.over),
            Err(Fault::Problem(problem)) if gone(&problem.code) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn forget_renewal(&self, id: ConversationId) -> Result<(), Fault> {
        self.db.write(move |tx| Ok(renewal::forget(tx.conn, id)?)).await
    }

    /// Queues again what this device has sent into an incarnation that was left, as far as it does not stand (7.3). The same
    /// message ids: who has read them already takes no notice (4.6).
    async fn resend(&self, id: ConversationId, incarnation: u64) -> Result<(), Fault> {
        let known = match self.relay.incarnations(id).await {
            Ok(known) => Some(known),
            // No member any more: nothing can be sent there.
            Err(Fault::Problem(problem)) if gone(&problem.code) => None,
            Err(fault) => return Err(fault),
        };
        let me = self.account().await?;
        self.db
            .write(move |tx| {
                // Where this device has proven that the log is lost, the relay has perhaps not heard of it yet.
                let proven = recovery::proof(tx.conn, id, incarnation)?.map(|proof| proof.stands);
                let left = known.as_ref().map(|known| {
                    let mut all = known.incarnations.iter();
                    all.find(|one| one.incarnation == incarnation)
                });
                let stands = match left {
                    None => proven,
                    Some(Some(left)) => left.stands.or(proven),
                    // The relay has lost all of it (7.2).
                    Some(None) => Some(0),
                };
                if let Some(stands) = stands {
                    // Of an incarnation that is lost as a whole nobody is told what was said before they came.
                    let stands = match stands {
                        0 => conversation::last_join(tx.conn, id, incarnation)?,
                        stands => stands,
                    };
                    take_back(tx.conn, &me, id, incarnation, stands)?;
                }
                Ok(renewal::resend_done(tx.conn, id, incarnation)?)
            })
            .await?;
        failpoints::hit(failpoints::RESENT);
        self.changed();
        Ok(())
    }

    /// The relay says that the incarnation is over: what waits there waits for the next one.
    pub(crate) async fn incarnation_over(&self, id: ConversationId) -> Result<(), Fault> {
        self.db
            .write(move |tx| {
                let Some(mut row) = conversation::get(tx.conn, id)? else {
                    return Ok(());
                };
                if row.state != ConversationState::Active {
                    return Ok(());
                }
                renewal::put(
                    tx.conn,
                    &RenewalRow {
                        conversation: id,
                        incarnation: row.incarnation,
                        commit: None,
                        over: true,
                    },
                )?;
                freeze(tx.conn, &mut row, &ErrorCode::REJOIN_NEEDED)
            })
            .await?;
        self.outbox_work.notify_one();
        self.changed();
        Ok(())
    }
}

/// Refusals after which nothing of the kind can be done about the conversation.
fn gone(code: &ErrorCode) -> bool {
    !code.retryable() && !of_account(code)
}

/// An entry freezes its conversation: if it is the next commit of the log, and not one that only a lying relay shows, it is to
/// be reported. Before the freeze, in the same transaction.
pub(crate) fn unprocessable(
    conn: &Connection,
    tenant: &TenantId,
    row: &ConversationRow,
    entry: &EntryRecord,
    code: &ErrorCode,
) -> Result<(), Fault> {
    let next = entry.kind == EntryKind::Commit
        // What only a later version understands is no fault of its author's.
        && *code != ErrorCode::UPDATE_REQUIRED
        && entry.incarnation == row.incarnation
        && entry.seq == row.cursor_seq + 1
        && entry.expected_hash(tenant, row.id, row.cursor_h) == entry.h;
    if !next {
        return Ok(());
    }
    let reason = match code.as_str() {
        "key_mismatch" => ReportReason::KeyMismatch,
        "refused" => ReportReason::Refused,
        _ => ReportReason::Unreadable,
    };
    Ok(renewal::put(
        conn,
        &RenewalRow {
            conversation: row.id,
            incarnation: row.incarnation,
            commit: Some(BadCommit {
                epoch: entry.epoch,
                hash: Digest::of(entry.body.as_slice()),
                reason: reason.as_str().to_owned(),
            }),
            over: false,
        },
    )?)
}

fn reason_of(name: &str) -> ReportReason {
    [
        ReportReason::KeyMismatch,
        ReportReason::Refused,
        ReportReason::Unreadable,
    ]
    .into_iter()
    .find(|reason| reason.as_str() == name)
    .unwrap_or(ReportReason::Other)
}

/// The same where the relay knows nothing of the conversation any more (rule 7.2).
pub(crate) fn begin_without_relay(
    tx: &mut Tx<'_>,
    me: &Account,
    id: ConversationId,
    incarnation: u64,
) -> Result<(), Fault> {
    begin(tx, me, id, incarnation, None)
}

/// Leaves an incarnation that is over and queues the creation of the next, for everybody who is on the roster here and
/// there. What the poisoned commit has changed is not known here: whoever is left out comes in from outside.
fn begin(
    tx: &mut Tx<'_>,
    me: &Account,
    id: ConversationId,
    incarnation: u64,
    there: Option<&[UserId]>,
) -> Result<(), Fault> {
    let Some(old) = conversation::get(tx.conn, id)?
        .filter(|row| row.incarnation == incarnation && row.state == ConversationState::Frozen)
    else {
        return Ok(());
    };
    let roster = roster(tx.conn, &old)?;
    let users: Vec<UserId> = roster
        .into_iter()
        .filter(|user| *user != me.user && there.is_none_or(|there| there.contains(user)))
        .collect();
    leave_behind(tx, me, id, None, true)?;
    let next = incarnation + 1;
    carry_roster(tx.conn, &old, next, 0)?;
    conversation::put(
        tx.conn,
        &ConversationRow {
            direct_with: old.direct_with,
            ..ConversationRow::new(id, next, ConversationState::Creating, old.activity)
        },
    )?;
    outbox::add(
        tx.conn,
        IntentId::random(),
        id,
        IntentKind::Create,
        &encode_users(&users),
        now_ms(),
    )?;
    Ok(renewal::forget(tx.conn, id)?)
}

/// The users on the roster now.
pub(crate) fn roster(conn: &Connection, row: &ConversationRow) -> Result<BTreeSet<UserId>, Fault> {
    let members = conversation::members(conn, row.id)?;
    Ok(members
        .into_iter()
        .filter(|member| member.removed_seq.is_none())
        .map(|member| member.user)
        .collect())
}

/// The roster goes on in another incarnation, and what was sent into the one before is looked through.
pub(crate) fn carry_roster(conn: &Connection, old: &ConversationRow, next: u64, seq: u64) -> Result<(), Fault> {
    let users = roster(conn, old)?;
    conversation::clear_members(conn, old.id, old.cursor_seq + 1)?;
    leaf::end(conn, old.id, old.incarnation, old.cursor_seq + 1)?;
    for user in users {
        conversation::add_member(conn, old.id, next, user, seq)?;
    }
    renewal::forget(conn, old.id)?;
    rejoin::goes_on(conn, old.id)?;
    if old.incarnation < next {
        renewal::owe_resend(conn, old.id, old.incarnation)?;
    }
    Ok(())
}

/// The conversation has gone on without a Welcome for this device: it comes in from outside.
pub(crate) fn left_out(conn: &Connection, id: ConversationId, incarnation: u64) -> Result<(), Fault> {
    let Some(mut row) = conversation::get(conn, id)? else {
        return Ok(());
    };
    let is_there = row.incarnation > incarnation || (row.incarnation == incarnation && row.cursor_seq > 0);
    if is_there || row.state == ConversationState::Removed {
        return Ok(());
    }
    renewal::forget(conn, id)?;
    // Syncing again would only lead through the incarnation that is over.
    rejoin::on_the_way(conn, id)?;
    freeze(conn, &mut row, &ErrorCode::REJOIN_NEEDED)
}

/// What does not stand goes to the head of the queue, before what was written since.
fn take_back(conn: &Connection, me: &Account, id: ConversationId, incarnation: u64, stands: u64) -> Result<(), Fault> {
    let mut first = None;
    for (message, content) in again::own_after(conn, id, me, incarnation, stands)? {
        let (position, _) = outbox::add(conn, message.into(), id, IntentKind::Message, &content, now_ms())?;
        renewal::take_back(conn, id, me.device, message, position)?;
        change::take_back(conn, id, me.device, message, position)?;
        first.get_or_insert(position);
    }
    let Some(first) = first else { return Ok(()) };
    for waiting in renewal::queued_before(conn, id, first)? {
        renewal::to_the_end(conn, id, waiting)?;
    }
    Ok(overview::find_last(conn, id)?)
}
