//! Who may change what (rule 6.7): a table of roles, and the judgement of commits by it.
//!
//! Roles are those in force when the epoch began, which every member knows alike; so an honest commit can never be made
//! wrong by a change of roles that crosses it.

use std::collections::BTreeSet;

use curo_mls::CommitView;
use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow};
use curo_store::repo::outbox::IntentKind;
use curo_store::repo::{about, directory};
use curo_types::api::EntryRecord;
use curo_types::format::Credential;
use curo_types::{ConversationId, SuiteId, UserId};
use rusqlite::Connection;

use super::{Role, roster};
use crate::directory::JudgedAt;
use crate::dormant::Named;
use crate::error::Fault;
use crate::leaving;

/// What a role may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Bring in somebody who is not in it.
    Add,
    /// Remove somebody else.
    Remove,
    /// Change title and subjects.
    Describe,
    /// Give roles.
    Appoint,
}

/// Whether a user may. Admins may all; members may add and describe, and all where nobody is admin; other roles only talk.
pub(crate) fn allowed(conn: &Connection, row: &ConversationRow, user: UserId, act: Act) -> Result<bool, Fault> {
    let role = about::role(conn, row.id, user)?.map_or_else(|| Role::MEMBER.to_owned(), |(_, in_force)| in_force);
    Ok(match role.as_str() {
        Role::ADMIN => true,
        Role::MEMBER => {
            matches!(act, Act::Add | Act::Describe) || !about::has_in_force(conn, row.id, row.incarnation, Role::ADMIN)?
        }
        _ => false,
    })
}

/// As [`allowed`], for what is about to be done here. Who knows no roles yet does nothing that others might not take.
pub(crate) fn may(conn: &Connection, row: &ConversationRow, user: UserId, act: Act) -> Result<bool, Fault> {
    let whole = about::get(conn, row.id)?.is_some_and(|known| known.whole);
    if !whole && matches!(act, Act::Remove | Act::Appoint) && about::roles(conn, row.id)?.is_empty() {
        return is_alone(conn, row, user);
    }
    allowed(conn, row, user, act)
}

/// Whether nobody else is in it.
fn is_alone(conn: &Connection, row: &ConversationRow, user: UserId) -> Result<bool, Fault> {
    Ok(roster(conn, row)?.iter().all(|member| *member == user))
}

/// Whether a user may ask for a change of members.
pub(crate) fn may_intend(conn: &Connection, id: ConversationId, user: UserId, kind: IntentKind) -> Result<bool, Fault> {
    let act = match kind {
        IntentKind::Add => Act::Add,
        IntentKind::Remove => Act::Remove,
        _ => return Ok(true),
    };
    match conversation::get(conn, id)? {
        Some(row) => may(conn, &row, user, act),
        None => Ok(true),
    }
}

/// What there is to say of a commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// Its author may do what it does.
    Good,
    /// It may not.
    NotAllowed,
    /// Envelopes of these users are needed first.
    Fetch(Vec<UserId>),
}

/// Judges who comes and goes with a commit. A leaf whose key is no longer the directory's current one at the commit's
/// version, or whose user has asked to leave, may be removed by anybody (rule 6.1), as may other devices of the author's;
/// devices of people who are in it need no right to come (rule 6.4). Of a leaf that is said to have been silent the user stays (6.3). Who does not know the roles yet lets everything pass.
pub(crate) fn judge(
    conn: &Connection,
    me: &Account,
    row: &ConversationRow,
    suite: SuiteId,
    entry: &EntryRecord,
    view: &CommitView,
    named: &Named,
) -> Result<Judged, Fault> {
    let at = entry.directory_version.unwrap_or(0);
    let user_of = |identity: &[u8]| Credential::from_bytes(identity).ok();
    let Some(author) = user_of(&view.sender.identity) else {
        return Ok(Judged::NotAllowed);
    };
    if view.added.is_empty() && view.removed.is_empty() && named.gone.is_empty() {
        return Ok(Judged::Good);
    }
    if about::get(conn, row.id)?.is_none_or(|known| !known.whole) {
        return Ok(Judged::Good);
    }
    let here: BTreeSet<UserId> = roster(conn, row)?.into_iter().collect();
    let newcomers = view.added.iter().filter_map(|leaf| user_of(&leaf.identity));
    if newcomers.into_iter().any(|leaf| !here.contains(&leaf.user)) && !allowed(conn, row, author.user, Act::Add)? {
        return Ok(Judged::NotAllowed);
    }
    if allowed(conn, row, author.user, Act::Remove)? {
        return Ok(Judged::Good);
    }
    if !named.gone.is_empty() {
        return Ok(Judged::NotAllowed);
    }
    let mut fetch = BTreeSet::new();
    for leaf in &view.removed {
        let Some(gone) =
            user_of(&leaf.identity).filter(|gone| gone.user != author.user && !named.dormant.contains(&gone.device))
        else {
            continue;
        };
        match leaving::left_by(conn, me, row, entry, gone.user) {
            Ok(true) => continue,
            Ok(false) => {}
            Err(Fault::NeedDirectory { users, .. }) => {
                fetch.extend(users);
                continue;
            }
            Err(fault) => return Err(fault),
        }
        let judged = JudgedAt::of(conn, at)?;
        if directory::complete_to(conn, gone.user)? < judged.needs {
            fetch.insert(gone.user);
        } else if directory::current(conn, gone.device, suite, &leaf.signature_key, judged.at)? {
            if !judged.is_lost {
                return Ok(Judged::NotAllowed);
            }
            // Perhaps somebody has brought the revocation back meanwhile.
            fetch.insert(gone.user);
        }
    }
    Ok(if fetch.is_empty() {
        Judged::Good
    } else {
        Judged::Fetch(fetch.into_iter().collect())
    })
}
