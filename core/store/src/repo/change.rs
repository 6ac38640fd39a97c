//! What is said about messages later: edits, deletes, reactions, acknowledgements, receipts of purges. The rows keep what
//! may still matter; the client decides what is shown (rule 8.4).

mod again;

pub use again::{own_after, rest, said_again, take_back};
use curo_types::format::Reference;
use curo_types::{ConversationId, DeviceId, MessageId, UserId};
use rusqlite::{Connection, Row, params};

use super::item::Place;
use super::{Result, int, one, uint};

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// Another text.
    Edit,
    /// It is taken back.
    Delete,
    /// A reaction is set or taken back.
    Reaction,
    /// An urgent message was noted.
    Acknowledgement,
    /// A device has purged a deleted message.
    Purged,
}

impl ChangeKind {
    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::Reaction => "reaction",
            Self::Acknowledgement => "ack",
            Self::Purged => "purged",
        }
    }

    fn parse(name: &str) -> Result<Self> {
        [
            Self::Edit,
            Self::Delete,
            Self::Reaction,
            Self::Acknowledgement,
            Self::Purged,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == name)
        .ok_or_else(|| rusqlite::Error::InvalidColumnName("kind".into()))
    }
}

/// Whether a row takes part in what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeState {
    /// Its target is not here.
    Pending,
    /// It does.
    Live,
    /// It does not any more. The row says that the message was taken, and holds no content.
    Spent,
}

impl ChangeState {
    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Live => "live",
            Self::Spent => "spent",
        }
    }

    fn parse(name: &str) -> Result<Self> {
        [Self::Pending, Self::Live, Self::Spent]
            .into_iter()
            .find(|state| state.as_str() == name)
            .ok_or_else(|| rusqlite::Error::InvalidColumnName("state".into()))
    }
}

/// One row: what a message says about one other.
#[derive(Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// The row; zero before it is stored.
    pub id: u64,
    /// Where the message stands.
    pub place: Place,
    /// What it says.
    pub kind: ChangeKind,
    /// Whether it takes part.
    pub state: ChangeState,
    /// The device that sent it.
    pub sender_device: DeviceId,
    /// Its user.
    pub sender_user: UserId,
    /// The message.
    pub message: MessageId,
    /// What it is about.
    pub target: Reference,
    /// Of a reaction: which. PHI.
    pub emoji: String,
    /// Of a reaction: whether it is set.
    pub value: bool,
    /// Of an edit: the content. PHI.
    pub content: Option<Vec<u8>>,
    /// When the relay accepted it.
    pub accepted_ms: Option<u64>,
}

impl std::fmt::Debug for ChangeRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeRow")
            .field("place", &self.place)
            .field("kind", &self.kind)
            .field("state", &self.state)
            .field("message", &self.message)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

const COLUMNS: &str = "id, order_incarnation, order_seq, kind, state, sender_device, sender_user, message, target_sender, \
                       target_message, emoji, value, content, accepted_ms";

/// `WHERE` of what is about a message: ?1 the conversation, ?2 its sending device, ?3 its id.
const TARGET: &str = "conversation = ?1 AND target_sender = ?2 AND target_message = ?3";

const BY_PLACE: &str = "ORDER BY order_incarnation, order_seq, id";

fn read(row: &Row<'_>) -> Result<ChangeRow> {
    Ok(ChangeRow {
        id: uint(row.get(0)?),
        place: Place::from_columns(row.get(1)?, row.get(2)?),
        kind: ChangeKind::parse(row.get_ref(3)?.as_str()?)?,
        state: ChangeState::parse(row.get_ref(4)?.as_str()?)?,
        sender_device: DeviceId(row.get(5)?),
        sender_user: UserId(row.get(6)?),
        message: MessageId(row.get(7)?),
        target: Reference {
            sender: DeviceId(row.get(8)?),
            message: MessageId(row.get(9)?),
        },
        emoji: row.get(10)?,
        value: row.get(11)?,
        content: row.get(12)?,
        accepted_ms: row.get::<_, Option<i64>>(13)?.map(uint),
    })
}

/// Adds a row and returns it as stored; `None` if (sending device, message id, target) is there already (rule 4.6).
///
/// # Errors
/// The database's.
pub fn add(conn: &Connection, conversation: ConversationId, row: ChangeRow) -> Result<Option<ChangeRow>> {
    let (incarnation, seq) = row.place.columns();
    let added = one(
        conn,
        "INSERT INTO change (conversation, order_incarnation, order_seq, kind, state, sender_device, sender_user, message, \
         target_sender, target_message, emoji, value, content, accepted_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT DO NOTHING",
        params![
            conversation.0,
            incarnation,
            seq,
            row.kind.as_str(),
            row.state.as_str(),
            row.sender_device.0,
            row.sender_user.0,
            row.message.0,
            row.target.sender.0,
            row.target.message.0,
            row.emoji,
            row.value,
            row.content,
            row.accepted_ms.map(int)
        ],
    )?;
    let id = uint(conn.last_insert_rowid());
    Ok(added.then_some(ChangeRow { id, ..row }))
}

/// Whether a message was taken as a change before.
///
/// # Errors
/// The database's.
pub fn known(conn: &Connection, conversation: ConversationId, sender: DeviceId, message: MessageId) -> Result<bool> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM change WHERE conversation = ?1 AND sender_device = ?2 AND message = ?3)",
    )?
    .query_row(params![conversation.0, sender.0, message.0], |row| row.get(0))
}

/// What one message says, by target.
///
/// # Errors
/// The database's.
pub fn of_message(
    conn: &Connection,
    conversation: ConversationId,
    sender: DeviceId,
    message: MessageId,
) -> Result<Vec<ChangeRow>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM change WHERE conversation = ?1 AND sender_device = ?2 AND message = ?3"
    ))?
    .query_map(params![conversation.0, sender.0, message.0], read)?
    .collect()
}

/// Moves what an own unsent message says to its place in the log. Says whether there was anything.
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
    let moved = conn
        .prepare_cached(
            "UPDATE change SET order_incarnation = ?4, order_seq = ?5, accepted_ms = ?6 \
             WHERE conversation = ?1 AND sender_device = ?2 AND message = ?3 AND order_incarnation = 9223372036854775807",
        )?
        .execute(params![conversation.0, sender.0, message.0, incarnation, seq, int(accepted_ms)])?;
    Ok(moved > 0)
}

/// Live rows of a kind about a message, in the order of their places.
///
/// # Errors
/// The database's.
pub fn live(
    conn: &Connection,
    conversation: ConversationId,
    target: Reference,
    kind: ChangeKind,
) -> Result<Vec<ChangeRow>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM change WHERE {TARGET} AND state = 'live' AND kind = ?4 {BY_PLACE}"
    ))?
    .query_map(
        params![conversation.0, target.sender.0, target.message.0, kind.as_str()],
        read,
    )?
    .collect()
}

/// Live rows of one user of a kind about a message, of a reaction the one named, in the order of their places.
///
/// # Errors
/// The database's.
pub fn live_of(
    conn: &Connection,
    conversation: ConversationId,
    target: Reference,
    kind: ChangeKind,
    user: UserId,
    emoji: &str,
) -> Result<Vec<ChangeRow>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM change WHERE {TARGET} AND state = 'live' AND kind = ?4 AND sender_user = ?5 AND emoji = ?6 {BY_PLACE}"
    ))?
    .query_map(
        params![
            conversation.0,
            target.sender.0,
            target.message.0,
            kind.as_str(),
            user.0,
            emoji
        ],
        read,
    )?
    .collect()
}

/// Different reactions that somebody has set in the log: (how many, whether this one is among them).
///
/// # Errors
/// The database's.
pub fn reactions_set(
    conn: &Connection,
    conversation: ConversationId,
    target: Reference,
    emoji: &str,
) -> Result<(u64, bool)> {
    conn.prepare_cached(&format!(
        "SELECT count(DISTINCT emoji), coalesce(max(emoji = ?4), 0) FROM change WHERE {TARGET} AND state = 'live' \
         AND kind = 'reaction' AND value AND order_incarnation < 9223372036854775807"
    ))?
    .query_row(
        params![conversation.0, target.sender.0, target.message.0, emoji],
        |row| Ok((uint(row.get(0)?), row.get(1)?)),
    )
}

/// What waits for a message, in the order of places.
///
/// # Errors
/// The database's.
pub fn waiting(conn: &Connection, conversation: ConversationId, target: Reference) -> Result<Vec<ChangeRow>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM change WHERE {TARGET} AND state = 'pending' {BY_PLACE}"
    ))?
    .query_map(params![conversation.0, target.sender.0, target.message.0], read)?
    .collect()
}

/// Makes room among what one user has waiting in a conversation: at most so many rows and bytes of content stay, the latest
/// ones.
///
/// # Errors
/// The database's.
pub fn bound_waiting(
    conn: &Connection,
    conversation: ConversationId,
    user: UserId,
    rows: u64,
    bytes: u64,
) -> Result<()> {
    conn.prepare_cached(
        "UPDATE change SET state = 'spent', content = NULL, emoji = '' WHERE id IN (SELECT id FROM \
             (SELECT id, row_number() OVER latest AS n, sum(coalesce(length(content), 0)) OVER latest AS size FROM change \
              WHERE conversation = ?1 AND sender_user = ?2 AND state = 'pending' WINDOW latest AS (ORDER BY id DESC)) \
         WHERE n > ?3 OR size > ?4)",
    )?
    .execute(params![conversation.0, user.0, int(rows), int(bytes)])?;
    Ok(())
}

/// A pending row takes part from now on.
///
/// # Errors
/// The database's.
pub fn set_live(conn: &Connection, id: u64) -> Result<()> {
    conn.prepare_cached("UPDATE change SET state = 'live' WHERE id = ?1")?
        .execute([int(id)])?;
    Ok(())
}

/// A row takes part no more; its content is overwritten.
///
/// # Errors
/// The database's.
pub fn spend(conn: &Connection, id: u64) -> Result<()> {
    conn.prepare_cached("UPDATE change SET state = 'spent', content = NULL, emoji = '' WHERE id = ?1")?
        .execute([int(id)])?;
    Ok(())
}

/// Rows of a kind about a message take part no more.
///
/// # Errors
/// The database's.
pub fn spend_all(conn: &Connection, conversation: ConversationId, target: Reference, kind: ChangeKind) -> Result<()> {
    conn.prepare_cached(&format!(
        "UPDATE change SET state = 'spent', content = NULL, emoji = '' WHERE {TARGET} AND state = 'live' AND kind = ?4"
    ))?
    .execute(params![
        conversation.0,
        target.sender.0,
        target.message.0,
        kind.as_str()
    ])?;
    Ok(())
}

/// As [`spend_all`], of those that are not in the log yet.
///
/// # Errors
/// The database's.
pub fn spend_unsent(
    conn: &Connection,
    conversation: ConversationId,
    target: Reference,
    kind: ChangeKind,
) -> Result<()> {
    conn.prepare_cached(&format!(
        "UPDATE change SET state = 'spent', content = NULL, emoji = ''
         WHERE {TARGET} AND state = 'live' AND kind = ?4 AND order_incarnation = 9223372036854775807"
    ))?
    .execute(params![
        conversation.0,
        target.sender.0,
        target.message.0,
        kind.as_str()
    ])?;
    Ok(())
}

/// Takes a row back that was never accepted.
///
/// # Errors
/// The database's.
pub fn remove(conn: &Connection, id: u64) -> Result<()> {
    conn.prepare_cached("DELETE FROM change WHERE id = ?1 AND order_incarnation = 9223372036854775807")?
        .execute([int(id)])?;
    Ok(())
}

/// Own rows about a message that are not accepted yet, in local order.
///
/// # Errors
/// The database's.
pub fn unsent(conn: &Connection, conversation: ConversationId, target: Reference) -> Result<Vec<ChangeRow>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM change WHERE {TARGET} AND state = 'live' AND order_incarnation = 9223372036854775807 {BY_PLACE}"
    ))?
    .query_map(params![conversation.0, target.sender.0, target.message.0], read)?
    .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
