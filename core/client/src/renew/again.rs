//! What this device has said in an incarnation behind the last entry that stands, as contents to be said again (rule 7.3).

use std::collections::BTreeMap;

use curo_store::repo::account::Account;
use curo_store::repo::change::{self, ChangeKind, ChangeRow};
use curo_store::repo::item::Place;
use curo_store::repo::renewal::{self, StateChangeRow};
use curo_types::format::{Content, ContentBody, StateBody, Subject};
use curo_types::{ConversationId, MessageId, UserId};
use rusqlite::Connection;

use crate::core::now_ms;
use crate::error::Fault;

/// Messages and what they say about others, in the order in which they were accepted. Messages that were deleted since are not among
/// them; the deletes are.
pub(super) fn own_after(
    conn: &Connection,
    id: ConversationId,
    me: &Account,
    incarnation: u64,
    stands: u64,
) -> Result<Vec<(MessageId, Vec<u8>)>, Fault> {
    let mut by_seq = BTreeMap::new();
    for (seq, message, content) in renewal::own_after(conn, id, me.device, incarnation, stands)? {
        by_seq.insert(seq, (message, content));
    }
    let mut changes: BTreeMap<u64, Vec<ChangeRow>> = BTreeMap::new();
    for row in change::own_after(conn, id, me.device, incarnation, stands)? {
        if let Place::Log { seq, .. } = row.place {
            changes.entry(seq).or_default().push(row);
        }
    }
    for (seq, rows) in changes {
        if let Some(change) = content_of(&rows)? {
            by_seq.insert(seq, change);
        }
    }
    for (seq, body) in state_after(conn, id, me, incarnation, stands)? {
        let message = MessageId::random();
        let mut content = Content::of_kind(StateBody::KIND, message, body.to_bytes()?);
        content.claimed_ms = Some(now_ms());
        by_seq.insert(seq, (message, content.to_bytes()?));
    }
    Ok(by_seq.into_values().collect())
}

/// A field of a conversation's state: each stands for itself (rule 6.5).
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    Title,
    Subject(String, String),
    Role(UserId),
}

fn fields(body: &StateBody) -> Vec<Field> {
    let subject = |subject: &Subject| Field::Subject(subject.system.to_string(), subject.value.to_string());
    let title = body.title.iter().map(|_| Field::Title);
    let subjects = body.bound.iter().chain(&body.unbound).flatten().map(subject);
    let roles = body.roles.iter().flatten().map(|given| Field::Role(given.user));
    title.chain(subjects).chain(roles).collect()
}

/// What this device has changed of the conversation's state, by sequence number, as far as nobody has changed the same since: neither
/// there, where that one says it again, nor in the incarnation that followed.
fn state_after(
    conn: &Connection,
    id: ConversationId,
    me: &Account,
    incarnation: u64,
    stands: u64,
) -> Result<BTreeMap<u64, StateBody>, Fault> {
    let rows = renewal::state_after(conn, id, incarnation, stands)?;
    let read = |row: &StateChangeRow| StateBody::from_bytes(&row.body).ok();
    let changes: Vec<_> = rows
        .iter()
        .filter_map(|row| read(row).map(|body| (row, body)))
        .collect();
    let mut last = BTreeMap::new();
    for (row, body) in &changes {
        for field in fields(body) {
            last.insert(field, (row.incarnation, row.seq));
        }
    }
    let mut own = BTreeMap::new();
    for (row, mut body) in changes {
        if row.device != me.device || row.incarnation != incarnation {
            continue;
        }
        let stays = |field: Field| last.get(&field) == Some(&(row.incarnation, row.seq));
        let named = |subject: &Subject| stays(Field::Subject(subject.system.to_string(), subject.value.to_string()));
        body.title = body.title.filter(|_| stays(Field::Title));
        for subjects in [&mut body.bound, &mut body.unbound] {
            *subjects = subjects
                .take()
                .map(|all| all.into_iter().filter(named).collect::<Vec<_>>())
                .filter(|all| !all.is_empty());
        }
        body.roles = body.roles.map(|all| {
            let all = all.into_iter().filter(|given| stays(Field::Role(given.user)));
            all.collect::<Vec<_>>()
        });
        body.roles = body.roles.filter(|all| !all.is_empty());
        if !fields(&body).is_empty() {
            own.insert(row.seq, body);
        }
    }
    Ok(own)
}

/// The content that says what the rows of one message say.
fn content_of(rows: &[ChangeRow]) -> Result<Option<(MessageId, Vec<u8>)>, Fault> {
    let Some(row) = rows.first() else { return Ok(None) };
    let target = row.target;
    let body = match row.kind {
        ChangeKind::Edit => {
            // It is kept as it was sent.
            return Ok(row.content.clone().map(|content| (row.message, content)));
        }
        ChangeKind::Delete => ContentBody::Delete { target },
        ChangeKind::Reaction => ContentBody::Reaction {
            target,
            emoji: row.emoji.clone().into(),
            set: row.value,
        },
        ChangeKind::Acknowledgement => ContentBody::Acknowledgement { target },
        ChangeKind::Purged => ContentBody::Purged {
            targets: rows.iter().map(|row| row.target).collect(),
        },
    };
    let mut content = Content::of(row.message, &body)?;
    content.claimed_ms = Some(now_ms());
    Ok(Some((row.message, content.to_bytes()?)))
}
