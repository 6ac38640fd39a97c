//! Applying commits.

use std::collections::BTreeSet;

use curo_mls::{CommitOutcome, CommitView, MlsError, Processed, Refusal};
use curo_store::repo::about as about_rows;
use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow, ConversationState};
use curo_store::repo::item::{self, ItemKind, ItemRow};
use curo_store::repo::kept;
use curo_store::repo::outbox::{self, IntentKind, IntentState};
use curo_store::repo::receipt;
use curo_types::api::EntryRecord;
use curo_types::format::{AuthenticatedData, Credential};
use curo_types::{Digest, ErrorCode, FormatError, SuiteId, UserId};
use rusqlite::Connection;

use super::apply::{event, seen};
use super::leaves;
use super::standing::{freeze, keep_direct};
use crate::about;
use crate::about::rights::{self, Judged};
use crate::db::Tx;
use crate::directory::{self, Verdict, user_of};
use crate::dormant::{self, Named};
use crate::error::Fault;
use crate::leaving;
use crate::outbox::commits;
use crate::policy;
use crate::receipts::keys as receipts;
use crate::rejoin;
use crate::timeline::{MemberChange, NEXT_INCARNATION};

/// Why the judge refused a commit.
enum Refused {
    Fetch(Vec<UserId>, u64),
    Code(ErrorCode),
    Fault(Box<Fault>),
}

/// An own commit: the pending one is merged now that the cursor reaches it (rule 4.3).
pub(super) fn own(tx: &mut Tx<'_>, me: &Account, row: &mut ConversationRow, entry: &EntryRecord) -> Result<(), Fault> {
    let unknown = || Fault::Entry {
        seq: entry.seq,
        code: ErrorCode::REJOIN_NEEDED,
    };
    let group = row.group.ok_or_else(unknown)?;
    let sent = outbox::get(tx.conn, entry.intent)?
        .filter(|sent| {
            sent.kind != IntentKind::Message
                && sent.conversation == row.id
                && matches!(
                    sent.state,
                    IntentState::Prepared | IntentState::Unknown | IntentState::Accepted
                )
                && sent.body_hash == Some(Digest::of(entry.body.as_slice()))
        })
        .ok_or_else(unknown)?;
    let said = curo_mls::inspect(entry.body.as_slice()).map_err(|_| unknown())?.aad;
    let outcome = match tx.mls.apply_own_commit(&tx.kv, group.as_bytes()) {
        // The group does not keep what its pending commit says in the open.
        Ok(outcome) => CommitOutcome { aad: said, ..outcome },
        Err(error) if error.retryable() => return Err(error.into()),
        Err(_) => return Err(unknown()),
    };
    if let Some(start) = commits::start_of(&sent) {
        // The relay may lose it (7.2), and nobody else has it.
        let bytes = serde_json::to_vec(&start).map_err(|_| unknown())?;
        kept::put_start(tx.conn, row.id, entry.incarnation, &bytes)?;
    }
    outbox::done(tx.conn, sent.position, Some(entry.seq))?;
    if row.state == ConversationState::Creating {
        row.state = ConversationState::Active;
    }
    took_effect(tx, me, row, entry, &outcome)
}

/// A commit of another device.
pub(super) fn foreign(
    tx: &mut Tx<'_>,
    me: &Account,
    row: &mut ConversationRow,
    entry: &EntryRecord,
) -> Result<(), Fault> {
    let permanent = |code| Fault::Entry { seq: entry.seq, code };
    let (Some(group), Some(suite)) = (row.group, row.suite) else {
        return Err(permanent(ErrorCode::REJOIN_NEEDED));
    };
    let conn = tx.conn;
    let before = row.clone();
    let mut judge = |view: &CommitView| judge(conn, me, &before, suite, entry, view).map_err(Refusal::new);
    match tx
        .mls
        .process(&tx.kv, group.as_bytes(), entry.body.as_slice(), &mut judge)
    {
        Ok(Processed::Commit(outcome)) => took_effect(tx, me, row, entry, &outcome),
        Ok(Processed::Message { .. }) => Err(permanent(ErrorCode::REJOIN_NEEDED)),
        Err(MlsError::Refused(refusal)) => Err(match refusal.downcast::<Refused>() {
            Ok(Refused::Fetch(users, version)) => Fault::NeedDirectory { users, version },
            Ok(Refused::Code(code)) => permanent(code),
            Ok(Refused::Fault(fault)) => *fault,
            Err(_) => permanent(ErrorCode::REJOIN_NEEDED),
        }),
        Err(error) if error.retryable() => Err(error.into()),
        Err(error) if error.of_later_version() => Err(permanent(ErrorCode::UPDATE_REQUIRED)),
        Err(_) => Err(permanent(ErrorCode::REJOIN_NEEDED)),
    }
}

/// What members check of every commit (rules 3.4 to 3.6 and 6.7); the engine has checked the rest.
fn judge(
    conn: &Connection,
    me: &Account,
    row: &ConversationRow,
    suite: SuiteId,
    entry: &EntryRecord,
    view: &CommitView,
) -> Result<(), Refused> {
    let broken = || Refused::Code(ErrorCode::REJOIN_NEEDED);
    let unread = |error: FormatError| match error {
        FormatError::UnsupportedVersion { .. } => Refused::Code(ErrorCode::UPDATE_REQUIRED),
        _ => broken(),
    };
    let credential = Credential::from_bytes(&view.sender.identity).map_err(unread)?;
    let data = AuthenticatedData::from_bytes(&view.aad).map_err(unread)?;
    let (Some(named), Some(stamped)) = (data.directory_version, entry.directory_version) else {
        return Err(broken());
    };
    let fault = |fault: Fault| Refused::Fault(Box::new(fault));
    let kept_identity = view.updated.iter().all(|leaf| leaf.identity == view.sender.identity);
    // Who comes from outside replaces its own leaf, which the engine has checked, or is a device of somebody who is in.
    if view
        .external
        .as_ref()
        .is_some_and(|external| external.replaced.is_none())
    {
        match conversation::is_member(conn, row.id, credential.user) {
            Ok(true) => {}
            // A newcomer that does not have the whole yet does not know who is dormant (6.3).
            Ok(false) if !about::knows_the_whole(conn, row.id).map_err(fault)? => {}
            Ok(false) => return Err(broken()),
            Err(error) => return Err(fault(error.into())),
        }
    }
    let whom = Named::from(data.clone());
    if !dormant::may_be_named(conn, me, row, view, &whom).map_err(fault)? {
        return Err(broken());
    }
    if credential.device != entry.sender || data.intent != entry.intent || named > stamped || !kept_identity {
        return Err(broken());
    }
    match directory::judge(conn, &me.tenant, suite, &view.added, &view.updated, stamped) {
        Ok(Verdict::Good) => {}
        Ok(Verdict::Fetch(users)) => return Err(Refused::Fetch(users, stamped)),
        Ok(Verdict::Mismatch) => return Err(Refused::Code(ErrorCode::KEY_MISMATCH)),
        Ok(Verdict::Later) => return Err(Refused::Code(ErrorCode::UPDATE_REQUIRED)),
        Err(fault) => return Err(Refused::Fault(Box::new(fault))),
    }
    match rights::judge(conn, me, row, suite, entry, view, &whom) {
        Ok(Judged::Good) => Ok(()),
        Ok(Judged::Fetch(users)) => Err(Refused::Fetch(users, stamped)),
        Ok(Judged::NotAllowed) => Err(Refused::Code(ErrorCode::NOT_ALLOWED)),
        Err(fault) => Err(Refused::Fault(Box::new(fault))),
    }
}

/// Roster, timeline and outbox after a commit was merged.
fn took_effect(
    tx: &mut Tx<'_>,
    me: &Account,
    row: &mut ConversationRow,
    entry: &EntryRecord,
    outcome: &CommitOutcome,
) -> Result<(), Fault> {
    row.epoch = outcome.epoch;
    row.discarded = 0;
    row.needs_update = false;
    let change = change_roster(tx, me, row, entry, outcome)?;
    leaves::after_commit(tx.conn, me, row, entry, outcome)?;
    if entry.incarnation > 1 && entry.seq == 1 {
        // Nobody came: the roster goes on.
        seen(row, entry);
        let begins = event(ItemKind::Joined, entry, None);
        item::add(
            tx.conn,
            row.id,
            &ItemRow {
                code: Some(NEXT_INCARNATION.to_owned()),
                ..begins
            },
        )?;
    } else if !change.is_empty() {
        seen(row, entry);
        let sender_user = user_of(&outcome.sender);
        let content = Some(change.to_bytes());
        item::add(
            tx.conn,
            row.id,
            &ItemRow {
                sender_user,
                ..event(ItemKind::Members, entry, content)
            },
        )?;
    }
    if outcome.self_removed {
        let silent = Named::of(&outcome.aad).dormant.contains(&me.device);
        if silent {
            return fell_silent(tx, row);
        }
        row.state = ConversationState::Removed;
        if let Some(group) = row.group {
            tx.mls.delete_group(&tx.kv, group.as_bytes())?;
        }
        conversation::clear_members(tx.conn, row.id, entry.seq)?;
        receipt::forget(tx.conn, row.id)?;
        outbox::fail_open(tx.conn, row.id, ErrorCode::REMOVED.as_str())?;
        return policy::removed_by_others(tx.conn, row.id);
    }
    receipts::epoch_begins(tx, row)?;
    about::after_commit(tx.conn, me, row, entry, outcome)?;
    // Bytes of the epoch that has ended can never be accepted: back to the intents.
    let lost = outbox::requeue_unsettled(tx.conn, row.id)?;
    if lost > 0 {
        crate::log::event!(Debug, "lost_their_epoch", conversation = row.id, lost = lost);
    }
    keep_direct(tx.conn, me, row)
}

/// This device was away for so long that others have removed its leaf: its user stays, and it comes in again from outside. What
/// waits to be sent goes then.
fn fell_silent(tx: &mut Tx<'_>, row: &mut ConversationRow) -> Result<(), Fault> {
    if let Some(group) = row.group {
        tx.mls.delete_group(&tx.kv, group.as_bytes())?;
    }
    outbox::requeue_unsettled(tx.conn, row.id)?;
    // Syncing again would lead nowhere.
    rejoin::on_the_way(tx.conn, row.id)?;
    freeze(tx.conn, row, &ErrorCode::REJOIN_NEEDED)
}

fn change_roster(
    tx: &mut Tx<'_>,
    me: &Account,
    row: &ConversationRow,
    entry: &EntryRecord,
    outcome: &CommitOutcome,
) -> Result<MemberChange, Fault> {
    let added: BTreeSet<UserId> = outcome.added.iter().filter_map(user_of).collect();
    let mut removed: BTreeSet<UserId> = outcome.removed.iter().filter_map(user_of).collect();
    if let (false, Some(group)) = (removed.is_empty(), row.group) {
        // A user goes with the last of their leaves.
        for leaf in tx.mls.members(&tx.kv, group.as_bytes())? {
            if let Some(user) = user_of(&leaf) {
                removed.remove(&user);
            }
        }
    }
    let named = Named::of(&outcome.aad);
    let staying = named.staying(outcome);
    removed.retain(|user| !staying.contains(user));
    for user in &named.gone {
        if conversation::is_member(tx.conn, row.id, *user)? {
            removed.insert(*user);
        }
        about_rows::forget_role(tx.conn, row.id, *user)?;
    }
    // Before the roster forgets since when they were here.
    let mut left = BTreeSet::new();
    for user in &removed {
        if leaving::left_by(tx.conn, me, row, entry, *user)? {
            left.insert(*user);
        }
    }
    for user in &removed {
        conversation::remove_member(tx.conn, row.id, row.incarnation, *user, entry.seq)?;
    }
    // Another device of somebody who is in is no news.
    let roster = conversation::current_members(tx.conn, row.id)?;
    let added: BTreeSet<UserId> = added.difference(&roster).copied().collect();
    for user in &added {
        conversation::add_member(tx.conn, row.id, row.incarnation, *user, entry.seq)?;
    }
    Ok(MemberChange {
        added: added.into_iter().collect(),
        removed: removed.difference(&left).copied().collect(),
        left: left.into_iter().collect(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
