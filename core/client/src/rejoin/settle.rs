//! Applying an accepted external commit (rule 4.4): from the log, in one transaction with the record of what was missed.

use std::collections::BTreeSet;

use curo_mls::MlsError;
use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow, ConversationState};
use curo_store::repo::item::{self, Fold, ItemKind, ItemRow, Place};
use curo_store::repo::kept;
use curo_store::repo::outbox::{self, IntentKind, IntentState};
use curo_store::repo::rejoin::{self, MadeRejoin, RejoinRow};
use curo_types::api::{Accepted, EntryRecord};
use curo_types::format::EntryKind;
use curo_types::{ConversationId, ErrorCode, GroupId, IntentId, UserId};

use super::on_ladder;
use crate::about;
use crate::core::{Core, now_ms};
use crate::db::Tx;
use crate::directory::user_of;
use crate::dormant;
use crate::error::Fault;
use crate::fold::Folding;
use crate::receipts;
use crate::renew;
use crate::sync::leaves;
use crate::sync::pull::of_account;
use crate::sync::standing::{check_tip, keep_direct};
use crate::timeline::Missed;

/// An entry of this device among those that were missed.
pub(super) struct Own {
    pub(super) seq: u64,
    pub(super) kind: EntryKind,
    pub(super) intent: IntentId,
    pub(super) time_ms: u64,
}

/// What the log says about the stretch that is passed over.
struct Stretch {
    own: Vec<Own>,
    /// The entry of the commit itself.
    commit: EntryRecord,
}

impl Core {
    /// Reads the log up to the commit, then applies what it leads to.
    pub(super) async fn settle_rejoin(
        &self,
        row: &ConversationRow,
        attempt: &RejoinRow,
        made: &MadeRejoin,
        accepted: &Accepted,
    ) -> Result<(), Fault> {
        let me = self.account().await?;
        let stretch = self.read_stretch(&me, row, attempt, made, accepted).await?;
        let id = row.id;
        self.db
            .write(move |tx| apply(tx, &me, id, accepted_intent(&stretch), &stretch))
            .await?;
        self.changed();
        Ok(())
    }

    /// Fetches from the cursor up to the commit. Nothing of it can be read here, but the hashes must chain, the commit must
    /// stand where the relay says, and own entries get their places.
    async fn read_stretch(
        &self,
        me: &Account,
        row: &ConversationRow,
        attempt: &RejoinRow,
        made: &MadeRejoin,
        accepted: &Accepted,
    ) -> Result<Stretch, Fault> {
        let goes_on = row.incarnation == made.incarnation;
        let mut before = goes_on.then_some((row.cursor_seq, row.cursor_h));
        let mut after = if goes_on { row.cursor_seq } else { 0 };
        let mut own = Vec::new();
        loop {
            let page = match self.relay.entries(row.id, made.incarnation, after).await {
                // 5.8: what was dropped is part of the gap.
                Err(Fault::Problem(problem)) if problem.code == ErrorCode::BODY_GONE && made.kept_from > after + 1 => {
                    (before, after) = (None, made.kept_from - 1);
                    if goes_on {
                        own.extend(self.ask_what_was_accepted(me, row, accepted.seq).await?);
                    }
                    continue;
                }
                Err(Fault::Problem(problem)) if !problem.code.retryable() && !of_account(&problem.code) => {
                    return Err(Fault::BadRelay("a member that is refused its log"));
                }
                other => other?,
            };
            check_tip(me, row.id, &page.tip)?;
            if page.entries.is_empty() {
                return Err(Fault::BadRelay("an accepted commit is not in the log"));
            }
            for entry in page.entries {
                if entry.incarnation != made.incarnation || entry.seq <= after || entry.seq > accepted.seq {
                    return Err(Fault::BadRelay("entries that do not follow"));
                }
                // Where this device was out for a while, the log jumps.
                if let Some((seq, h)) = before
                    && seq + 1 == entry.seq
                    && entry.expected_hash(&me.tenant, row.id, h) != entry.h
                {
                    return Err(Fault::BadRelay("a log that contradicts the cursor"));
                }
                before = Some((entry.seq, entry.h));
                after = entry.seq;
                if entry.seq == accepted.seq {
                    let ours = entry.kind == EntryKind::Commit
                        && entry.sender == me.device
                        && entry.intent == attempt.intent
                        && entry.body.as_slice() == made.commit;
                    if !ours {
                        return Err(Fault::BadRelay("an accepted commit is not in the log"));
                    }
                    return Ok(Stretch { own, commit: entry });
                }
                if entry.sender == me.device {
                    own.push(Own {
                        seq: entry.seq,
                        kind: entry.kind,
                        intent: entry.intent,
                        time_ms: entry.time_ms,
                    });
                }
            }
        }
    }
}

const fn accepted_intent(stretch: &Stretch) -> IntentId {
    stretch.commit.intent
}

fn apply(tx: &mut Tx<'_>, me: &Account, id: ConversationId, intent: IntentId, stretch: &Stretch) -> Result<(), Fault> {
    let Some((old, attempt)) = on_ladder(tx.conn, id)? else {
        return Ok(());
    };
    let Some(made) = attempt.made.filter(|_| attempt.intent == intent) else {
        return Ok(());
    };
    if let Some(group) = old.group.filter(|group| *group != made.group) {
        delete_group(tx, group)?;
    }
    let joined = match tx.mls.apply_external_commit(&tx.kv, &made.state) {
        Ok(joined) => joined,
        Err(error @ MlsError::Storage(_)) => return Err(error.into()),
        Err(_) => {
            return Err(Fault::Entry {
                seq: stretch.commit.seq,
                code: ErrorCode::REJOIN_NEEDED,
            });
        }
    };
    let seq = stretch.commit.seq;
    for own in &stretch.own {
        place_own(tx, me, id, made.incarnation, own)?;
    }
    settle_rest(tx, me, &old, seq)?;
    if old.incarnation < made.incarnation {
        renew::carry_roster(tx.conn, &old, made.incarnation, seq)?;
    } else {
        // Who was dormant before still is, or is among those who are in; who became so in between is told with the next whole.
        let dormant = dormant::users(tx.conn, me.user, &old)?;
        conversation::clear_members(tx.conn, id, seq)?;
        for user in dormant {
            conversation::add_member(tx.conn, id, made.incarnation, user, seq)?;
        }
    }
    let users: BTreeSet<UserId> = joined.members.iter().filter_map(user_of).collect();
    for user in users {
        conversation::add_member(tx.conn, id, made.incarnation, user, seq)?;
    }
    let later = stretch
        .own
        .iter()
        .filter(|own| own.kind == EntryKind::Message && own.seq > made.tip_seq);
    let mut row = ConversationRow {
        incarnation: made.incarnation,
        group: Some(made.group),
        suite: Some(made.suite),
        state: ConversationState::Active,
        frozen_code: None,
        cursor_seq: seq,
        cursor_h: stretch.commit.h,
        joined_seq: if old.incarnation == made.incarnation && old.joined_seq > 0 {
            old.joined_seq
        } else {
            seq
        },
        epoch: joined.epoch,
        sent_count: made.counter + later.count() as u64,
        discarded: 0,
        needs_update: false,
        reported_seq: if old.incarnation == made.incarnation {
            old.reported_seq
        } else {
            0
        },
        // What came after the commit is fetched, and proves the hash above.
        behind: true,
        // A gap shows; a rejoin that has missed nothing does not.
        activity: if old.incarnation == made.incarnation && old.cursor_seq + 1 == seq {
            old.activity
        } else {
            old.activity.max(stretch.commit.time_ms)
        },
        ..old.clone()
    };
    conversation::put(tx.conn, &row)?;
    let missed = old.incarnation < made.incarnation || old.cursor_seq + 1 < seq;
    leaves::joined(tx.conn, me, id, (made.incarnation, seq), &joined.members, missed)?;
    receipts::keys::epoch_begins(tx, &row)?;
    receipts::take::reached(tx, me, &row)?;
    keep_direct(tx.conn, me, &mut row)?;
    note_gap(tx, me, &old, &row, stretch)?;
    kept::put(tx.conn, id, &stretch.commit, now_ms())?;
    // It counts as a try until the conversation has really gone on.
    rejoin::put(
        tx.conn,
        &RejoinRow {
            conversation: id,
            tries: attempt.tries + 1,
            intent: IntentId::random(),
            made: None,
        },
    )?;
    Ok(())
}

/// An own entry is told by its intent: the bytes may be those of a later life of this device (7.1).
fn place_own(tx: &mut Tx<'_>, me: &Account, id: ConversationId, incarnation: u64, own: &Own) -> Result<(), Fault> {
    let place = Place::Log {
        incarnation,
        seq: own.seq,
    };
    let row = outbox::get(tx.conn, own.intent)?.filter(|row| row.conversation == id);
    match (own.kind, row) {
        (EntryKind::Message, Some(row)) if row.kind == IntentKind::Message => {
            let folding = Folding::new(tx.conn, me, id);
            folding.accepted(own.intent.into(), &row.payload, place, own.time_ms)?;
            outbox::remove(tx.conn, row.position)?;
        }
        (EntryKind::Commit, Some(row)) if row.kind != IntentKind::Message => {
            outbox::done(tx.conn, row.position, Some(own.seq))?;
        }
        (EntryKind::Message, _) => {
            item::add(
                tx.conn,
                id,
                &ItemRow {
                    place,
                    kind: ItemKind::Lost,
                    sender_device: me.device,
                    sender_user: Some(me.user),
                    message: own.intent.into(),
                    content: None,
                    claimed_ms: None,
                    accepted_ms: Some(own.time_ms),
                    code: None,
                    fold: Fold::default(),
                },
            )?;
        }
        (EntryKind::Commit, _) => {}
    }
    Ok(())
}

/// What was accepted before the commit and not met in the log (bodies are not kept for ever) has its place all the same.
/// Everything else was made in an epoch that has ended: back to the intents.
fn settle_rest(tx: &mut Tx<'_>, me: &Account, old: &ConversationRow, seq: u64) -> Result<(), Fault> {
    for row in outbox::of_old_membership(tx.conn, old.id)? {
        match (row.kind, row.state, row.seq) {
            (IntentKind::Message, IntentState::Accepted, Some(at)) if at < seq => {
                let place = Place::Log {
                    incarnation: row.incarnation.unwrap_or(old.incarnation),
                    seq: at,
                };
                let folding = Folding::new(tx.conn, me, old.id);
                folding.accepted(row.intent.into(), &row.payload, place, row.created_ms)?;
                outbox::remove(tx.conn, row.position)?;
            }
            (IntentKind::Create, ..) => outbox::done(tx.conn, row.position, None)?,
            (_, IntentState::Accepted, at) => outbox::done(tx.conn, row.position, at)?,
            _ => {}
        }
    }
    outbox::requeue_unsettled(tx.conn, old.id)?;
    Ok(())
}

/// The visible record: from which entry to which this device has seen nothing. None if nothing was missed.
fn note_gap(
    tx: &Tx<'_>,
    me: &Account,
    old: &ConversationRow,
    row: &ConversationRow,
    stretch: &Stretch,
) -> Result<(), Fault> {
    let from = if old.incarnation == row.incarnation {
        old.cursor_seq + 1
    } else {
        1
    };
    if old.incarnation == row.incarnation && from == row.cursor_seq {
        return Ok(());
    }
    about::missed(tx.conn, row.id)?;
    let missed = Missed {
        from: (old.incarnation, old.cursor_seq + 1),
        to: (row.incarnation, row.cursor_seq.saturating_sub(1)),
    };
    item::add(
        tx.conn,
        row.id,
        &ItemRow {
            place: Place::Log {
                incarnation: row.incarnation,
                seq: row.cursor_seq,
            },
            kind: ItemKind::Joined,
            sender_device: me.device,
            sender_user: Some(me.user),
            message: stretch.commit.intent.into(),
            content: Some(missed.to_bytes()),
            claimed_ms: None,
            accepted_ms: Some(stretch.commit.time_ms),
            code: None,
            fold: Fold::default(),
        },
    )?;
    Ok(())
}

/// Deletes a group that may be damaged. What cannot be read cannot be deleted by name; the database is encrypted.
pub(super) fn delete_group(tx: &mut Tx<'_>, group: GroupId) -> Result<(), Fault> {
    if !tx.mls.exists(&tx.kv, group.as_bytes())? {
        return Ok(());
    }
    match tx.mls.delete_group(&tx.kv, group.as_bytes()) {
        Err(error) if error.retryable() => Err(error.into()),
        _ => Ok(()),
    }
}
