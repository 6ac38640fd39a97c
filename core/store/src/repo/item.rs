//! The timeline: messages and system events in display order (rule 8.1).

use curo_types::{ConversationId, DeviceId, MessageId, UserId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{Result, int, one, uint};

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A message; the content is a CBOR content of the rule book's 2.4.
    Message,
    /// A change of members; the content is the client's encoding of who came and went.
    Members,
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
            Self::Joined => "joined",
            Self::Unreadable => "unreadable",
            Self::Lost => "lost",
        }
    }

    fn parse(name: &str) -> Result<Self> {
        [Self::Message, Self::Members, Self::Joined, Self::Unreadable, Self::Lost]
            .into_iter()
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
    fn columns(self) -> (i64, i64) {
        match self {
            Self::Log { incarnation, seq } => (int(incarnation), int(seq)),
            Self::Unsent(position) => (i64::MAX, int(position)),
        }
    }

    fn from_columns(incarnation: i64, seq: i64) -> Self {
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

const COLUMNS: &str =
    "order_incarnation, order_seq, kind, sender_device, sender_user, message, content, claimed_ms, accepted_ms, code";

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
         claimed_ms, accepted_ms, code) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
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
            item.code
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
        "UPDATE item SET order_incarnation = ?4, order_seq = ?5, accepted_ms = ?6 \
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
