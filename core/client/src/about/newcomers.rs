//! How newcomers learn what was before them (rule 6.5): whoever adds somebody sends the whole after the commit.
//!
//! The whole is made in the transaction that merges the commit, and stands in the outbox from then on: it is exactly the
//! state after that entry, and no kill can lose it. Newcomers keep the changes since, and judge them once they have the whole.

use curo_mls::CommitOutcome;
use curo_store::repo::about;
use curo_store::repo::account::Account;
use curo_store::repo::conversation::ConversationRow;
use curo_types::api::EntryRecord;
use curo_types::format::{AsOf, Credential, StateBody, UserText};
use curo_types::{ConversationId, DeviceId, UserId};
use rusqlite::Connection;

use super::{Role, apply, is_direct, own_name, queue, roster};
use crate::directory::user_of;
use crate::dormant;
use crate::error::Fault;

/// This user has asked for a conversation: what it is about is known here before anybody else is in it.
pub(crate) fn created(conn: &Connection, me: UserId, row: &ConversationRow, change: &StateBody) -> Result<(), Fault> {
    about::begin(conn, row.id, true)?;
    about::set_title(conn, row.id, change.title.as_deref().unwrap_or_default())?;
    for subject in change.bound.iter().flatten() {
        about::bind(conn, row.id, subject)?;
    }
    if row.direct_with.is_none() {
        about::set_role(conn, row.id, me, Role::ADMIN, Role::ADMIN)?;
    }
    Ok(())
}

/// This device has joined. `sender` has added it with the commit at the conversation's cursor.
pub(crate) fn joined(
    conn: &Connection,
    me: &Account,
    row: &ConversationRow,
    sender: (Option<UserId>, DeviceId),
) -> Result<(), Fault> {
    // Before the first entry there was nothing.
    let first = row.incarnation == 1 && row.joined_seq == 1;
    about::begin(conn, row.id, first)?;
    if first {
        about::clear(conn, row.id)?;
        if let Some(creator) = sender.0.filter(|_| row.direct_with.is_none())
            && !is_direct(conn, me, row)?
        {
            about::set_role(conn, row.id, creator, Role::ADMIN, Role::ADMIN)?;
        }
    } else {
        about::add_adder(conn, row.id, sender.1)?;
    }
    match own_name(conn, me)? {
        Some(name) => queue(conn, row.id, &name),
        None => Ok(()),
    }
}

/// Entries were missed for good: what is known may be of yesterday. It stays, and is replaced by the next whole.
pub(crate) fn missed(conn: &Connection, id: ConversationId) -> Result<(), Fault> {
    Ok(about::begin(conn, id, false)?)
}

/// A commit was merged: an epoch begins.
pub(crate) fn after_commit(
    conn: &Connection,
    me: &Account,
    row: &ConversationRow,
    entry: &EntryRecord,
    outcome: &CommitOutcome,
) -> Result<(), Fault> {
    let here = roster(conn, row)?;
    for user in outcome
        .removed
        .iter()
        .filter_map(user_of)
        .filter(|user| !here.contains(user))
    {
        about::forget_role(conn, row.id, user)?;
    }
    about::take_force(conn, row.id, Role::MEMBER)?;
    if outcome.added.is_empty() {
        return Ok(());
    }
    let Some(known) = about::get(conn, row.id)? else {
        return Ok(());
    };
    let as_of = AsOf {
        incarnation: entry.incarnation,
        seq: entry.seq,
    };
    match Credential::from_bytes(&outcome.sender.identity) {
        _ if outcome.external.is_some() => Ok(()),
        Ok(sender) if sender.device != me.device && !known.whole => Ok(about::add_adder(conn, row.id, sender.device)?),
        Ok(sender) if sender.device != me.device => Ok(()),
        _ if as_of == (AsOf { incarnation: 1, seq: 1 }) => first_change(conn, me, row),
        _ if known.whole => send_whole(conn, me, row, as_of),
        _ => Ok(about::set_owed(conn, row.id, true)?),
    }
}

/// The creator's word on what it has created. Those who join with the first entry know the roles without being told.
fn first_change(conn: &Connection, me: &Account, row: &ConversationRow) -> Result<(), Fault> {
    let mut change = own_name(conn, me)?.unwrap_or_default();
    if row.direct_with.is_none() {
        let known = about::get(conn, row.id)?.map(|known| known.title).unwrap_or_default();
        let subjects = about::subjects(conn, row.id)?;
        change.title = (!known.is_empty()).then_some(known);
        change.bound = (!subjects.is_empty()).then_some(subjects);
    }
    if change == StateBody::default() {
        return Ok(());
    }
    queue(conn, row.id, &change)
}

/// Queues the whole, as it is now.
fn send_whole(conn: &Connection, me: &Account, row: &ConversationRow, as_of: AsOf) -> Result<(), Fault> {
    let here = roster(conn, row)?;
    let people = |all: Vec<(UserId, String)>| {
        let all = all.into_iter().filter(|(user, _)| here.contains(user));
        let some: Vec<_> = all
            .map(|(user, text)| UserText { user, text })
            .take(StateBody::USERS_LIMIT)
            .collect();
        (!some.is_empty()).then_some(some)
    };
    let mut whole = StateBody::default();
    whole.names = people(about::names(conn, row.id)?);
    if !is_direct(conn, me, row)? {
        let title = about::get(conn, row.id)?.map(|known| known.title).unwrap_or_default();
        let subjects = about::subjects(conn, row.id)?;
        whole.title = (!title.is_empty()).then_some(title);
        whole.bound = (!subjects.is_empty()).then_some(subjects);
        whole.roles = people(about::roles(conn, row.id)?);
    }
    let dormant: Vec<_> = dormant::users(conn, me.user, row)?
        .into_iter()
        .take(StateBody::USERS_LIMIT)
        .collect();
    whole.dormant = (!dormant.is_empty()).then_some(dormant);
    whole.as_of = Some(as_of);
    queue(conn, row.id, &whole)
}

/// Takes the whole, if it comes from somebody who may say it, then judges what has come since.
pub(super) fn take_whole(
    conn: &Connection,
    me: &Account,
    row: &ConversationRow,
    entry: &EntryRecord,
    as_of: AsOf,
    body: &StateBody,
) -> Result<(), Fault> {
    let since_joining = as_of.incarnation == row.incarnation && (row.joined_seq..entry.seq).contains(&as_of.seq);
    if !since_joining || !about::is_adder(conn, row.id, entry.sender)? {
        crate::log::event!(Warn, "state_refused", conversation = row.id, seq = entry.seq);
        return Ok(());
    }
    let owed = about::get(conn, row.id)?.is_some_and(|known| known.owed);
    let waiting = about::waiting(conn, row.id)?;
    about::clear(conn, row.id)?;
    about::set_title(conn, row.id, body.title.as_deref().unwrap_or_default())?;
    for subject in body.bound.iter().flatten() {
        about::bind(conn, row.id, subject)?;
    }
    dormant::learn(
        conn,
        me.user,
        row,
        body.dormant.as_deref().unwrap_or_default(),
        as_of.seq,
    )?;
    let here = roster(conn, row)?;
    for role in body.roles.iter().flatten().filter(|role| here.contains(&role.user)) {
        about::set_role(conn, row.id, role.user, &role.text, &role.text)?;
    }
    for name in body.names.iter().flatten() {
        about::set_name(conn, row.id, name.user, &name.text)?;
    }
    about::begin(conn, row.id, true)?;
    let mut epoch = None;
    for change in waiting.iter().filter(|change| change.seq > as_of.seq) {
        if epoch.replace(change.epoch).is_some_and(|before| before != change.epoch) {
            about::take_force(conn, row.id, Role::MEMBER)?;
        }
        let body = StateBody::from_bytes(&change.body)?;
        apply(conn, me, row, change.user, &body, true)?;
    }
    if epoch.is_some_and(|epoch| epoch != row.epoch) {
        about::take_force(conn, row.id, Role::MEMBER)?;
    }
    if owed {
        let as_of = AsOf {
            incarnation: entry.incarnation,
            seq: entry.seq,
        };
        send_whole(conn, me, row, as_of)?;
    }
    Ok(())
}
