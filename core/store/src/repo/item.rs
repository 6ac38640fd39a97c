//! The timeline: messages and system events in display order (rule 8.1).

pub mod folding;

use curo_types::format::Reference;
use curo_types::{ConversationId, DeviceId, MessageId, UserId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::knowledge::LaterItem;
use super::{Result, int, one, uint};

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A message; the content is a CBOR content of the rule book's 2.4.
    Message,
    /// A change of members; the content is the client's encoding of who came and went.
    Members,
    /// A change of title, subjects or roles; the content is the body of a content of kind `state` (2.21).
    About,
    /// This device joined; what was before cannot be read here.
    Joined,
    /// An entry that could not be read; `code` says why.
    Unreadable,
    /// An own entry whose content this device no longer has (rule 4.5).
    Lost,
}

impl ItemKind {
    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Members => "members",
            Self::About => "about",
            Self::Joined => "joined",
            Self::Unreadable => "unreadable",
            Self::Lost => "lost",
        }
    }

    fn parse(name: &str) -> Result<Self> {
        let all = [
            Self::Message,
            Self::Members,
            Self::About,
            Self::Joined,
            Self::Unreadable,
            Self::Lost,
        ];
        all.into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| rusqlite::Error::InvalidColumnName("kind".into()))
    }
}

/// Where an item stands in its conversation. Unsent items come last, in local order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// In the log.
    Log {
        /// The incarnation.
        incarnation: u64,
        /// The sequence number.
        seq: u64,
    },
    /// Not accepted yet: the outbox position.
    Unsent(u64),
}

impl Place {
    pub(crate) fn columns(self) -> (i64, i64) {
        match self {
            Self::Log { incarnation, seq } => (int(incarnation), int(seq)),
            Self::Unsent(position) => (i64::MAX, int(position)),
        }
    }

    pub(crate) fn from_columns(incarnation: i64, seq: i64) -> Self {
        if incarnation == i64::MAX {
            Self::Unsent(uint(seq))
        } else {
            Self::Log {
                incarnation: uint(incarnation),
                seq: uint(seq),
            }
        }
    }
}

/// One item.
#[derive(Clone, PartialEq, Eq)]
pub struct ItemRow {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub kind: ItemKind,
    /// The device that sent it.
    pub sender_device: DeviceId,
    /// Its user, where known.
    pub sender_user: Option<UserId>,
    /// The message's id, or the intent of the commit behind a system event.
    pub message: MessageId,
    /// The content. PHI.
    pub content: Option<Vec<u8>>,
    /// When the sender says that it was written.
    pub claimed_ms: Option<u64>,
    /// When the relay accepted it.
    pub accepted_ms: Option<u64>,
    /// Error code of an unreadable item.
    pub code: Option<String>,
    /// What else is known of a message.
    pub fold: Fold,
}

/// How far a message is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Deleted {
    /// It is not.
    #[default]
    No,
    /// This user has asked for it; the content is still there, because the request can be cancelled.
    Asked,
    /// It is; the content is gone.
    Yes,
}

/// What relates a message to others, and what was said about it later. The default is what a system event has.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Fold {
    /// Rises with every change of the row and of what is folded into it. Deliveries are no part of it: they are counted
    /// when they are read. Zero before the row is stored.
    pub revision: u64,
    /// The content of the last edit. PHI.
    pub edit: Option<Vec<u8>>,
    /// When the relay accepted that edit; absent before.
    pub edited_ms: Option<u64>,
    /// How far it is deleted.
    pub deleted: Deleted,
    /// Whether the repository [`change`](super::change) has rows about it: without, nothing needs to be looked up.
    pub touched: bool,
    /// Whether it counts as unread behind the read mark.
    pub counts: bool,
    /// 0 routine, higher is more urgent.
    pub priority: u8,
    /// The message that it answers.
    pub reply_to: Option<Reference>,
    /// The root of the thread that it is in.
    pub thread: Option<Reference>,
    /// Messages in the thread whose root it is.
    pub thread_count: u64,
}

impl ItemRow {
    /// How others refer to it.
    pub const fn reference(&self) -> Reference {
        Reference {
            sender: self.sender_device,
            message: self.message,
        }
    }

    /// The content that is shown: the last edit's, else the original. PHI.
    pub fn shown(&self) -> Option<&[u8]> {
        self.fold.edit.as_deref().or(self.content.as_deref())
    }
}

impl std::fmt::Debug for ItemRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ItemRow")
            .field("place", &self.place)
            .field("kind", &self.kind)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

const COLUMNS: &str = "order_incarnation, order_seq, kind, sender_device, sender_user, message, content, claimed_ms, accepted_ms, code, \
     revision, edit, edited_ms, deleted, touched, counts, priority, reply_sender, reply_message, thread_sender, thread_message, \
     thread_count";

fn reference(row: &Row<'_>, at: usize) -> Result<Option<Reference>> {
    let sender: Option<[u8; 16]> = row.get(at)?;
    let message: Option<[u8; 16]> = row.get(at + 1)?;
    Ok(sender.zip(message).map(|(sender, message)| Reference {
        sender: DeviceId(sender),
        message: MessageId(message),
    }))
}

fn read(row: &Row<'_>) -> Result<ItemRow> {
    Ok(ItemRow {
        place: Place::from_columns(row.get(0)?, row.get(1)?),
        kind: ItemKind::parse(row.get_ref(2)?.as_str()?)?,
        sender_device: DeviceId(row.get(3)?),
        sender_user: row.get::<_, Option<[u8; 16]>>(4)?.map(UserId),
        message: MessageId(row.get(5)?),
        content: row.get(6)?,
        claimed_ms: row.get::<_, Option<i64>>(7)?.map(uint),
        accepted_ms: row.get::<_, Option<i64>>(8)?.map(uint),
        code: row.get(9)?,
        fold: Fold {
            revision: uint(row.get(10)?),
            edit: row.get(11)?,
            edited_ms: row.get::<_, Option<i64>>(12)?.map(uint),
            deleted: match row.get(13)? {
                0_u8 => Deleted::No,
                1 => Deleted::Asked,
                _ => Deleted::Yes,
            },
            touched: row.get(14)?,
            counts: row.get(15)?,
            priority: row.get(16)?,
            reply_to: reference(row, 17)?,
            thread: reference(row, 19)?,
            thread_count: uint(row.get(21)?),
        },
    })
}

/// Adds an item, unless (sending device, message id) is there already (rule 4.6). Says whether it was added.
///
/// # Errors
/// The database's.
pub fn add(conn: &Connection, conversation: ConversationId, item: &ItemRow) -> Result<bool> {
    let (incarnation, seq) = item.place.columns();
    one(
        conn,
        "INSERT INTO item (conversation, order_incarnation, order_seq, kind, sender_device, sender_user, message, content, \
         claimed_ms, accepted_ms, code, counts, priority, reply_sender, reply_message, thread_sender, thread_message) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) \
         ON CONFLICT DO NOTHING",
        params![
            conversation.0,
            incarnation,
            seq,
            item.kind.as_str(),
            item.sender_device.0,
            item.sender_user.map(|user| user.0),
            item.message.0,
            item.content,
            item.claimed_ms.map(int),
            item.accepted_ms.map(int),
            item.code,
            item.fold.counts,
            item.fold.priority,
            item.fold.reply_to.map(|to| to.sender.0),
            item.fold.reply_to.map(|to| to.message.0),
            item.fold.thread.map(|root| root.sender.0),
            item.fold.thread.map(|root| root.message.0)
        ],
    )
}

/// Moves an own unsent message to its place in the log. Says whether there was one.
///
/// # Errors
/// The database's.
pub fn accept(
    conn: &Connection,
    conversation: ConversationId,
    sender: DeviceId,
    message: MessageId,
    place: Place,
    accepted_ms: u64,
) -> Result<bool> {
    let (incarnation, seq) = place.columns();
    one(
        conn,
        "UPDATE item SET order_incarnation = ?4, order_seq = ?5, accepted_ms = ?6, revision = revision + 1 \
         WHERE conversation = ?1 AND sender_device = ?2 AND message = ?3 AND order_incarnation = 9223372036854775807",
        params![conversation.0, sender.0, message.0, incarnation, seq, int(accepted_ms)],
    )
}

/// One item by its message.
///
/// # Errors
/// The database's.
pub fn get(
    conn: &Connection,
    conversation: ConversationId,
    sender: DeviceId,
    message: MessageId,
) -> Result<Option<ItemRow>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM item WHERE conversation = ?1 AND sender_device = ?2 AND message = ?3"
    ))?
    .query_row(params![conversation.0, sender.0, message.0], read)
    .optional()
}

/// The message that a row of the search stands for.
pub(crate) fn of_search(conn: &Connection, row: i64) -> Result<Option<(ConversationId, ItemRow)>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS}, conversation FROM item WHERE search = ?1"))?
        .query_row([row], |row| Ok((ConversationId(row.get(22)?), read(row)?)))
        .optional()
}

/// Messages whose content was not understood, behind a row number.
pub(crate) fn not_understood(conn: &Connection, after: u64, limit: usize) -> Result<Vec<LaterItem>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS}, conversation, id FROM item INDEXED BY item_later \
         WHERE kind = 'message' AND code IS NOT NULL AND id > ?1 ORDER BY id LIMIT ?2"
    ))?
    .query_map(params![int(after), int(limit as u64)], |row| {
        Ok(LaterItem {
            conversation: ConversationId(row.get(22)?),
            id: uint(row.get(23)?),
            item: read(row)?,
        })
    })?
    .collect()
}

/// Items before a place (all, if none is given), the newest first.
///
/// # Errors
/// The database's.
pub fn before(
    conn: &Connection,
    conversation: ConversationId,
    place: Option<Place>,
    limit: usize,
) -> Result<Vec<ItemRow>> {
    let (incarnation, seq) = place.map_or((i64::MAX, i64::MAX), Place::columns);
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM item WHERE conversation = ?1 AND (order_incarnation, order_seq) < (?2, ?3) \
         ORDER BY order_incarnation DESC, order_seq DESC LIMIT ?4"
    ))?
    .query_map(params![conversation.0, incarnation, seq, int(limit as u64)], read)?
    .collect()
}

/// Items after a place (all, if none is given), the oldest first.
///
/// # Errors
/// The database's.
pub fn after(
    conn: &Connection,
    conversation: ConversationId,
    place: Option<Place>,
    limit: usize,
) -> Result<Vec<ItemRow>> {
    let (incarnation, seq) = place.map_or((-1, -1), Place::columns);
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM item WHERE conversation = ?1 AND (order_incarnation, order_seq) > (?2, ?3) \
         ORDER BY order_incarnation, order_seq LIMIT ?4"
    ))?
    .query_map(params![conversation.0, incarnation, seq, int(limit as u64)], read)?
    .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
