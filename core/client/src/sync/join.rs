//! Joining by Welcome (rules 3.8 and 5.7).

use std::collections::BTreeSet;

use curo_mls::{JoinView, MlsError, Refusal, Suite};
use curo_store::repo::account::{self, Account};
use curo_store::repo::conversation::{self, ConversationRow, ConversationState};
use curo_store::repo::departure;
use curo_store::repo::item::{self, Fold, ItemKind, ItemRow, Place};
use curo_store::repo::outbox::{self, IntentKind, IntentState};
use curo_store::repo::receipt;
use curo_store::repo::removed as removed_rows;
use curo_types::api::{InboxItem, InboxRecord};
use curo_types::format::Credential;
use curo_types::{Blob, ConversationId, DeviceId, Digest, ErrorCode, FormatError, GroupId, MessageId, SuiteId, UserId};
use rusqlite::Connection;

use super::leaves;
use super::standing::{freeze, keep_direct};
use crate::about;
use crate::core::{Core, now_ms};
use crate::db::Tx;
use crate::directory::{self, Verdict, user_of};
use crate::error::Fault;
use crate::failpoints;
use crate::fold::Folding;
use crate::knowledge;
use crate::policy;
use crate::receipts;
use crate::rejoin;
use crate::renew;
use crate::timeline::NEXT_INCARNATION;

/// A Welcome out of the inbox.
#[derive(Clone)]
struct Welcome {
    conversation: ConversationId,
    incarnation: u64,
    group: GroupId,
    suite: SuiteId,
    seq: u64,
    h: Digest,
    directory_version: u64,
    sender: DeviceId,
    welcome: Blob,
    tree: Vec<u8>,
    /// Whether an active membership may give way: its rest cannot be had from the relay.
    replaces: bool,
}

enum Refused {
    Fetch(Vec<UserId>),
    Mismatch,
    Later,
    Broken,
    Fault(Box<Fault>),
}

impl Core {
    /// Deals with one inbox item for good. Errors are those that a later try may not meet again.
    pub(crate) async fn take_inbox(&self, record: InboxRecord) -> Result<(), Fault> {
        let index = record.index;
        match record.item {
            InboxItem::Welcome {
                conversation,
                incarnation,
                group,
                suite,
                seq,
                h,
                directory_version,
                sender,
                tree_hash,
                welcome,
            } => {
                let replaces = self.finish_old_membership(conversation, (incarnation, seq)).await?;
                let tree = match self.relay.tree(conversation, &tree_hash).await {
                    Ok(answer) => answer.tree.0,
                    // Without its tree a Welcome cannot be used: the join below says so.
                    Err(Fault::Problem(p)) if !p.code.retryable() => Vec::new(),
                    Err(fault) => return Err(fault),
                };
                let welcome = Welcome {
                    conversation,
                    incarnation,
                    group,
                    suite,
                    seq,
                    h,
                    directory_version,
                    sender,
                    welcome,
                    tree,
                    replaces,
                };
                self.join(index, welcome).await
            }
            InboxItem::Removed { conversation, seq, .. } => {
                self.db.write(move |tx| removed(tx, index, conversation, seq)).await?;
                self.changed_in(conversation);
                Ok(())
            }
            InboxItem::Left { conversation, .. } => self.left_elsewhere(index, conversation).await,
            InboxItem::Device { device, .. } => self.new_sibling(index, device).await,
            InboxItem::Approval { device } => self.device_waits(index, device).await,
            InboxItem::Waiting {
                conversation,
                incarnation,
            } => self.waits_for(index, conversation, incarnation).await,
            InboxItem::Incarnation {
                conversation,
                incarnation,
            } => {
                self.db
                    .write(move |tx| {
                        account::ack_inbox(tx.conn, index)?;
                        renew::left_out(tx.conn, conversation, incarnation)
                    })
                    .await?;
                self.changed();
                Ok(())
            }
            InboxItem::Unknown => {
                crate::log::event!(Info, "inbox_item_of_later_version", index = index);
                self.db
                    .write(move |tx| {
                        knowledge::keep_inbox(tx.conn, index, record.later.as_ref().map(Blob::as_slice))?;
                        Ok(account::ack_inbox(tx.conn, index)?)
                    })
                    .await
            }
        }
    }

    /// Whoever was removed and added again while away is served the rest of the old membership (rule 6.2). It comes first:
    /// the join moves the cursor past it, and what of the outbox was accepted back then could not be told any more. True: the
    /// relay has nothing of it to serve.
    async fn finish_old_membership(&self, id: ConversationId, joins_at: (u64, u64)) -> Result<bool, Fault> {
        let row = self.db.read(move |conn| Ok(conversation::get(conn, id)?)).await?;
        let before = |row: &ConversationRow| (row.incarnation, row.cursor_seq) < joins_at;
        if !row.is_some_and(|row| row.cursor_seq > 0 && before(&row)) {
            return Ok(false);
        }
        let gone = [ErrorCode::REMOVED, ErrorCode::NOT_A_MEMBER, ErrorCode::BODY_GONE];
        match self.catch_up(id).await {
            Ok(()) => Ok(false),
            // What the relay does not serve cannot be had, and is no reason to stay away.
            Err(Fault::Problem(problem)) if gone.contains(&problem.code) => Ok(true),
            Err(fault) => Err(fault),
        }
    }

    async fn join(&self, index: u64, welcome: Welcome) -> Result<(), Fault> {
        let account = self.account().await?;
        let mut asked = directory::Asked::default();
        let code = loop {
            let (for_tx, w) = (account.clone(), welcome.clone());
            let joined = {
                let _turn = self.turn_to_join(w.conversation, w.incarnation).await?;
                self.db.write(move |tx| join_in(tx, &for_tx, index, &w)).await
            };
            match joined {
                Ok(()) => {
                    failpoints::hit(failpoints::JOINED);
                    crate::log::event!(Info, "joined", conversation = welcome.conversation);
                    self.changed_in(welcome.conversation);
                    return Ok(());
                }
                Err(Fault::NeedDirectory { users, version }) => {
                    if asked.once_more(&users, version, welcome.seq).is_err() {
                        break ErrorCode::KEY_MISMATCH;
                    }
                    match directory::fetch_for(&self.db, &self.relay, users, version, welcome.seq).await {
                        Err(Fault::Entry { code, .. }) => break code,
                        other => other?,
                    }
                }
                Err(Fault::Entry { code, .. }) => break code,
                Err(fault) => return Err(fault),
            }
        };
        crate::log::event!(
            Warn,
            "cannot_join",
            conversation = welcome.conversation,
            code = code.clone()
        );
        let id = welcome.conversation;
        self.db
            .write(move |tx| {
                account::ack_inbox(tx.conn, index)?;
                let mut row = match conversation::get(tx.conn, welcome.conversation)? {
                    // A later Welcome may have been taken in the meantime.
                    Some(row) if row.state == ConversationState::Active => return Ok(()),
                    Some(row) => row,
                    None => {
                        let group = None;
                        ConversationRow {
                            group,
                            ..row_for(&welcome, 0)
                        }
                    }
                };
                freeze(tx.conn, &mut row, &code)
            })
            .await?;
        self.changed_in(id);
        Ok(())
    }
}

fn row_for(welcome: &Welcome, epoch: u64) -> ConversationRow {
    ConversationRow {
        group: Some(welcome.group),
        suite: Some(welcome.suite),
        cursor_seq: welcome.seq,
        cursor_h: welcome.h,
        joined_seq: welcome.seq,
        epoch,
        // The sync token may be past entries that came between the commit and this join.
        behind: true,
        ..ConversationRow::new(
            welcome.conversation,
            welcome.incarnation,
            ConversationState::Active,
            now_ms(),
        )
    }
}

fn join_in(tx: &mut Tx<'_>, me: &Account, index: u64, welcome: &Welcome) -> Result<(), Fault> {
    let permanent = |code| Fault::Entry { seq: welcome.seq, code };
    // Counters count an incarnation, whatever leaves and joins in it.
    let mut sent_count = 0;
    let mut direct_with = None;
    if let Some(row) = conversation::get(tx.conn, welcome.conversation)? {
        direct_with = row.direct_with;
        if row.incarnation == welcome.incarnation {
            sent_count = row.sent_count;
        }
        let older = (welcome.incarnation, welcome.seq) <= (row.incarnation, row.cursor_seq);
        let stays =
            row.state == ConversationState::Active && row.incarnation == welcome.incarnation && !welcome.replaces;
        if older || stays {
            // Taken before a kill, shown again, or made up: who is a member needs no Welcome.
            return Ok(account::ack_inbox(tx.conn, index)?);
        }
    }
    if !Suite(welcome.suite.0).is_supported() {
        return Err(permanent(ErrorCode::UPDATE_REQUIRED));
    }
    // A Welcome must not take another conversation's group from under it.
    if conversation::of_group(tx.conn, welcome.group)?.is_some_and(|id| id != welcome.conversation) {
        return Err(permanent(ErrorCode::REJOIN_NEEDED));
    }
    let conn = tx.conn;
    let mut judge = |view: &JoinView| judge(conn, me, welcome, view).map_err(Refusal::new);
    let joined = match tx
        .mls
        .join(&tx.kv, welcome.welcome.as_slice(), &welcome.tree, &mut judge)
    {
        Ok(joined) => joined,
        Err(MlsError::Refused(refusal)) => {
            return Err(match refusal.downcast::<Refused>() {
                Ok(Refused::Fetch(users)) => Fault::NeedDirectory {
                    users,
                    version: welcome.directory_version,
                },
                Ok(Refused::Mismatch) => permanent(ErrorCode::KEY_MISMATCH),
                Ok(Refused::Later) => permanent(ErrorCode::UPDATE_REQUIRED),
                Ok(Refused::Fault(fault)) => *fault,
                Ok(Refused::Broken) | Err(_) => permanent(ErrorCode::REJOIN_NEEDED),
            });
        }
        Err(error @ MlsError::Storage(_)) => return Err(error.into()),
        Err(error) if error.of_later_version() => return Err(permanent(ErrorCode::UPDATE_REQUIRED)),
        Err(_) => return Err(permanent(ErrorCode::REJOIN_NEEDED)),
    };
    if let Some(old) = conversation::get(tx.conn, welcome.conversation)?
        && old.group == Some(welcome.group)
        && joined.epoch <= old.epoch
    {
        // A Welcome that was used before, shown again: keys of an old epoch must never come back.
        return Err(permanent(ErrorCode::REJOIN_NEEDED));
    }
    let left = conversation::get(tx.conn, welcome.conversation)?;
    let renewed = left.filter(|old| renews(old, welcome));
    leave_behind(tx, me, welcome.conversation, Some(welcome.group), renewed.is_some())?;
    match &renewed {
        // Who was left out of the first commit stays on the roster (3.7).
        Some(old) => renew::carry_roster(tx.conn, old, welcome.incarnation, welcome.seq)?,
        None => conversation::clear_members(tx.conn, welcome.conversation, welcome.seq)?,
    }
    rejoin::goes_on(tx.conn, welcome.conversation)?;
    departure::forget(tx.conn, welcome.conversation)?;
    let users: BTreeSet<UserId> = joined.members.iter().filter_map(user_of).collect();
    for user in users {
        conversation::add_member(tx.conn, welcome.conversation, welcome.incarnation, user, welcome.seq)?;
    }
    let mut row = ConversationRow {
        sent_count,
        direct_with,
        // That it goes on with other keys is nothing that people see.
        activity: renewed.as_ref().map_or_else(now_ms, |old| old.activity),
        ..row_for(welcome, joined.epoch)
    };
    conversation::put(tx.conn, &row)?;
    let place = (welcome.incarnation, welcome.seq);
    leaves::joined(tx.conn, me, row.id, place, &joined.members, true)?;
    receipts::keys::epoch_begins(tx, &row)?;
    receipts::take::reached(tx, me, &row)?;
    let mut credentials = joined
        .members
        .iter()
        .filter_map(|leaf| Credential::from_bytes(&leaf.identity).ok());
    let sender = credentials
        .find(|leaf| leaf.device == welcome.sender)
        .map(|leaf| leaf.user);
    removed_rows::is_back(tx.conn, welcome.conversation)?;
    about::joined(tx.conn, me, &row, (sender, welcome.sender))?;
    keep_direct(tx.conn, me, &mut row)?;
    let item = ItemRow {
        place: Place::Log {
            incarnation: welcome.incarnation,
            seq: welcome.seq,
        },
        kind: ItemKind::Joined,
        sender_device: welcome.sender,
        sender_user: None,
        message: MessageId::from_slice(welcome.h.0.get(..16).unwrap_or_default())?,
        content: None,
        claimed_ms: None,
        accepted_ms: None,
        code: renewed.map(|_| NEXT_INCARNATION.to_owned()),
        fold: Fold::default(),
    };
    item::add(tx.conn, welcome.conversation, &item)?;
    Ok(account::ack_inbox(tx.conn, index)?)
}

/// Whether a Welcome leads on to the next incarnation of a conversation that this device is in.
fn renews(old: &ConversationRow, welcome: &Welcome) -> bool {
    let later = old.incarnation < welcome.incarnation;
    // This device has tried to open it, and another was faster.
    let tried = old.incarnation == welcome.incarnation && old.incarnation > 1 && old.cursor_seq == 0;
    (later || tried) && old.state != ConversationState::Removed
}

/// What a join makes of the conversation's past on this device. An own creation that lost the race is done with (rule
/// 3.7); bytes of the old membership can never be accepted, so their intents start over; what was accepted stands in the
/// log before the join.
pub(crate) fn leave_behind(
    tx: &mut Tx<'_>,
    me: &Account,
    id: ConversationId,
    next: Option<GroupId>,
    renews: bool,
) -> Result<(), Fault> {
    let Some(old) = conversation::get(tx.conn, id)? else {
        return Ok(());
    };
    // A Welcome that could not be used may have named a group that was never here.
    if let Some(group) = old.group.filter(|group| Some(*group) != next)
        && tx.mls.exists(&tx.kv, group.as_bytes())?
    {
        tx.mls.delete_group(&tx.kv, group.as_bytes())?;
    }
    for row in outbox::of_old_membership(tx.conn, id)? {
        match (row.kind, row.state, row.seq) {
            (IntentKind::Create, ..) => outbox::done(tx.conn, row.position, None)?,
            (IntentKind::Message, IntentState::Accepted, Some(seq)) => {
                let place = Place::Log {
                    incarnation: row.incarnation.unwrap_or(old.incarnation),
                    seq,
                };
                let folding = Folding::new(tx.conn, me, old.id);
                folding.accepted(row.intent.into(), &row.payload, place, row.created_ms)?;
                outbox::remove(tx.conn, row.position)?;
            }
            // It may not stand in the next incarnation; done twice is done once.
            (_, IntentState::Accepted, _) if renews => outbox::requeue(tx.conn, row.position, false)?,
            (_, IntentState::Accepted, seq) => outbox::done(tx.conn, row.position, seq)?,
            _ => {}
        }
    }
    outbox::requeue_unsettled(tx.conn, old.id)?;
    Ok(())
}

/// The group must be the announced one, and every leaf's key published (rule 3.6).
fn judge(conn: &Connection, me: &Account, welcome: &Welcome, view: &JoinView) -> Result<(), Refused> {
    let sender = Credential::from_bytes(&view.sender.identity).map_err(|error| match error {
        FormatError::UnsupportedVersion { .. } => Refused::Later,
        _ => Refused::Broken,
    })?;
    if view.group_id != welcome.group.0 || view.suite.0 != welcome.suite.0 || sender.device != welcome.sender {
        return Err(Refused::Broken);
    }
    let here = conversation::get(conn, welcome.conversation).map_err(|error| Refused::Fault(Box::new(error.into())))?;
    if let Some(old) = here.filter(|old| renews(old, welcome)) {
        // Only a member takes the conversation on to another group.
        let roster = renew::roster(conn, &old).map_err(|fault| Refused::Fault(Box::new(fault)))?;
        if !roster.contains(&sender.user) && old.direct_with != Some(sender.user) {
            return Err(Refused::Broken);
        }
    }
    match directory::judge(
        conn,
        &me.tenant,
        welcome.suite,
        &[],
        &view.leaves,
        welcome.directory_version,
    ) {
        Ok(Verdict::Good) => Ok(()),
        Ok(Verdict::Fetch(users)) => Err(Refused::Fetch(users)),
        Ok(Verdict::Mismatch) => Err(Refused::Mismatch),
        Ok(Verdict::Later) => Err(Refused::Later),
        Err(fault) => Err(Refused::Fault(Box::new(fault))),
    }
}

/// The removal itself comes through the log; this is for a conversation that takes no entries any more.
fn removed(tx: &mut Tx<'_>, index: u64, id: ConversationId, seq: u64) -> Result<(), Fault> {
    account::ack_inbox(tx.conn, index)?;
    let Some(mut row) = conversation::get(tx.conn, id)? else {
        return Ok(());
    };
    if row.state == ConversationState::Frozen && seq > row.cursor_seq {
        row.state = ConversationState::Removed;
        row.frozen_code = None;
        if let Some(group) = row.group.take()
            && tx.mls.exists(&tx.kv, group.as_bytes())?
        {
            tx.mls.delete_group(&tx.kv, group.as_bytes())?;
        }
        rejoin::goes_on(tx.conn, id)?;
        conversation::clear_members(tx.conn, id, seq)?;
        conversation::put(tx.conn, &row)?;
        receipt::forget(tx.conn, id)?;
        outbox::fail_open(tx.conn, id, ErrorCode::REMOVED.as_str())?;
        policy::removed_by_others(tx.conn, id)?;
    }
    Ok(())
}
