//! What members tell one another of the conversation itself: title, subjects, roles, names (rules 6.5 and 6.7).
//!
//! Stands between sync and outbox, which bring messages and commits, and the store's rows. It knows contents and whose they
//! are; it does not know the network or MLS. What is decided here follows from the log alone, so that every member decides
//! the same: a change counts from its place in the log, and is judged by the roles in force when its epoch began.

mod calls;
mod newcomers;
pub(crate) mod rights;
mod shown;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
pub(crate) mod tests;

use curo_store::repo::about::{self, WaitingRow};
use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow};
use curo_store::repo::item::{self, ItemKind};
use curo_store::repo::outbox::{self, IntentKind};
use curo_store::repo::policy;
use curo_types::api::EntryRecord;
use curo_types::format::{Content, StateBody};
use curo_types::{ConversationId, IntentId, UserId};
use rusqlite::Connection;

pub use self::calls::CreateOptions;
pub(crate) use self::newcomers::{after_commit, created, joined, missed};
pub(crate) use self::rights::{Act, allowed, may_intend};
pub use self::shown::{Member, Role, StateChange};
pub(crate) use self::shown::{changed_by, read};
use crate::core::now_ms;
use crate::error::Fault;
use crate::sync::apply::event;

/// Changes that wait for the whole, at most: what comes later takes effect unjudged.
const WAITING: usize = 1024;

/// Whether the payload of an own message is of kind `state`: the first bytes of its one encoding say so.
pub(crate) fn is_state(payload: &[u8]) -> bool {
    has_kind(payload, StateBody::KIND)
}

/// Whether the payload of an own message is of a kind with a name of less than 24 bytes.
pub(crate) fn has_kind(payload: &[u8], kind: &str) -> bool {
    // A map of two to eleven entries: version 1, then the kind, a text.
    let text = u8::try_from(kind.len()).map_or(0, |length| 0x60 | length);
    payload.first().is_some_and(|head| head >> 5 == 5)
        && payload.get(1..5) == Some(&[0, 1, 1, text])
        && payload.get(5..5 + kind.len()) == Some(kind.as_bytes())
}

/// Whether a content of kind `state` says something that the timeline may show: names and the whole for newcomers are not.
pub(crate) fn is_shown(content: &Content) -> bool {
    StateBody::from_bytes(content.body()).map_or(true, |body| {
        body.as_of.is_none()
            && (body.title.is_some() || body.bound.is_some() || body.unbound.is_some() || body.roles.is_some())
    })
}

/// A content of kind `state` has its place in the log. False: it cannot be read, and is shown as any other message that
/// this version does not understand.
pub(crate) fn arrived(
    conn: &Connection,
    me: &Account,
    row: &ConversationRow,
    entry: &EntryRecord,
    user: UserId,
    content: &Content,
) -> Result<bool, Fault> {
    let Ok(body) = StateBody::from_bytes(content.body()) else {
        return Ok(false);
    };
    let whole = match about::get(conn, row.id)? {
        Some(known) => known.whole,
        None => {
            about::begin(conn, row.id, false)?;
            false
        }
    };
    if let Some(as_of) = body.as_of {
        if !whole {
            newcomers::take_whole(conn, me, row, entry, as_of, &body)?;
        }
        return Ok(true);
    }
    if !whole {
        let waiting = WaitingRow {
            seq: entry.seq,
            epoch: entry.epoch,
            user,
            body: content.body().to_vec(),
        };
        about::wait(conn, row.id, &waiting, WAITING)?;
    }
    let effect = apply(conn, me, row, user, &body, whole)?;
    if effect.roles.is_some() && entry.sender == me.device {
        // Roles come into force with an epoch: whoever gives them begins one.
        let intent = IntentId::random();
        outbox::add(conn, intent, row.id, IntentKind::Update, &[], now_ms())?;
    }
    if effect.title.is_some() || effect.bound.is_some() || effect.unbound.is_some() || effect.roles.is_some() {
        let mut shown = event(ItemKind::About, entry, Some(effect.to_bytes()?));
        shown.sender_user = Some(user);
        item::add(conn, row.id, &shown)?;
    }
    Ok(true)
}

/// Applies a change as far as its sender may make it; what of it took effect. Unjudged, everybody may change everything:
/// a newcomer that does not know the roles yet shows what it is told until it does.
fn apply(
    conn: &Connection,
    me: &Account,
    row: &ConversationRow,
    user: UserId,
    body: &StateBody,
    judged: bool,
) -> Result<StateBody, Fault> {
    let id = row.id;
    let mut effect = StateBody::default();
    for name in body.names.iter().flatten().filter(|name| name.user == user) {
        about::set_name(conn, id, user, &name.text)?;
    }
    if is_direct(conn, me, row)? {
        return Ok(effect);
    }
    let may = |act| -> Result<bool, Fault> { Ok(!judged || allowed(conn, row, user, act)?) };
    if may(Act::Describe)? {
        let known = about::get(conn, id)?.map(|known| known.title).unwrap_or_default();
        if let Some(title) = body.title.as_ref().filter(|title| **title != known) {
            about::set_title(conn, id, title)?;
            effect.title = Some(title.clone());
        }
        let mut unbound = Vec::new();
        for subject in body.unbound.iter().flatten() {
            if about::unbind(conn, id, subject)? {
                unbound.push(subject.clone());
            }
        }
        let mut room = StateBody::SUBJECTS_LIMIT.saturating_sub(about::subjects(conn, id)?.len());
        let mut bound = Vec::new();
        for subject in body.bound.iter().flatten() {
            if room > 0 && about::bind(conn, id, subject)? {
                room -= 1;
                bound.push(subject.clone());
            }
        }
        effect.unbound = (!unbound.is_empty()).then_some(unbound);
        effect.bound = (!bound.is_empty()).then_some(bound);
    }
    if body.roles.is_some() && may(Act::Appoint)? {
        let roster = roster(conn, row)?;
        let mut roles = Vec::new();
        for given in body.roles.iter().flatten().filter(|given| roster.contains(&given.user)) {
            let now = about::role(conn, id, given.user)?.map_or_else(|| Role::MEMBER.to_owned(), |(role, _)| role);
            if now != given.text {
                about::set_role(conn, id, given.user, &given.text, Role::MEMBER)?;
                roles.push(given.clone());
            }
        }
        effect.roles = (!roles.is_empty()).then_some(roles);
    }
    Ok(effect)
}

/// Whether this device knows what was before it came.
pub(crate) fn knows_the_whole(conn: &Connection, id: ConversationId) -> Result<bool, Fault> {
    Ok(about::get(conn, id)?.is_some_and(|known| known.whole))
}

/// Who is in it now.
fn roster(conn: &Connection, row: &ConversationRow) -> Result<Vec<UserId>, Fault> {
    let members = conversation::members(conn, row.id)?.into_iter();
    Ok(members
        .filter(|member| member.incarnation == row.incarnation && member.removed_seq.is_none())
        .map(|member| member.user)
        .collect())
}

/// Whether this is the direct conversation of two users: it has neither title nor roles.
pub(crate) fn is_direct(conn: &Connection, me: &Account, row: &ConversationRow) -> Result<bool, Fault> {
    if row.direct_with.is_some() {
        return Ok(true);
    }
    // Whom the tenant's policy wants in every conversation is none of the two, unless they talk with one of those.
    let (all, mandatory) = (roster(conn, row)?, policy::ever_mandatory(conn)?);
    let others: Vec<_> = all.iter().copied().filter(|user| !mandatory.contains(user)).collect();
    let is_direct = |two: &[UserId]| match two {
        [a, b] => ConversationId::direct(&me.tenant, *a, *b) == row.id,
        _ => false,
    };
    Ok(is_direct(&all) || is_direct(&others))
}

/// Queues a message of kind `state` that nobody asked for.
fn queue(conn: &Connection, id: ConversationId, body: &StateBody) -> Result<(), Fault> {
    let (intent, payload) = payload(body)?;
    outbox::add_system(conn, intent, id, &payload, now_ms())?;
    Ok(())
}

/// A message of kind `state`: its intent and content.
fn payload(body: &StateBody) -> Result<(IntentId, Vec<u8>), Fault> {
    let intent = IntentId::random();
    let mut content = Content::of_kind(StateBody::KIND, intent.into(), body.to_bytes()?);
    content.claimed_ms = Some(now_ms());
    Ok((intent, content.to_bytes()?))
}

/// How this user wants to be called, as a change.
fn own_name(conn: &Connection, me: &Account) -> Result<Option<StateBody>, Fault> {
    let name = about::own_name(conn)?.filter(|name| !name.is_empty());
    Ok(name.map(|text| StateBody::name(me.user, text)))
}
