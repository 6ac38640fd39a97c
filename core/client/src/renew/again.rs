//! What this device has said in an incarnation behind the last entry that stands, as contents to be said again (rule 7.3).

use std::collections::BTreeMap;

use curo_store::repo::account::Account;
use curo_store::repo::change::{self, ChangeKind, ChangeRow};
use curo_store::repo::item::Place;
use curo_store::repo::renewal;
use curo_types::format::{Content, ContentBody};
use curo_types::{ConversationId, MessageId};
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
    Ok(by_seq.into_values().collect())
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
