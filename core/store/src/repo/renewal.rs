//! Conversations that go on in another incarnation: what is to be reported, and what is to be sent again.

use curo_types::{ConversationId, DeviceId, Digest, MessageId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::item::Place;
use super::{Result, int, uint};

/// A commit that this device cannot process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCommit {
    /// The epoch that it ended.
    pub epoch: u64,
    /// SHA-256 of its bytes.
    pub hash: Digest,
    /// Why, by the name on the wire.
    pub reason: String,
}

/// A conversation whose live incarnation cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewalRow {
    /// The conversation.
    pub conversation: ConversationId,
    /// That incarnation.
    pub incarnation: u64,
    /// What is to be reported.
    pub commit: Option<BadCommit>,
    /// Whether the relay has said that it is over.
    pub over: bool,
}

const COLUMNS: &str = "conversation, incarnation, epoch, commit_hash, reason, over";

fn read(row: &Row<'_>) -> Result<RenewalRow> {
    let epoch: Option<i64> = row.get(2)?;
    let hash: Option<[u8; 32]> = row.get(3)?;
    let reason: Option<String> = row.get(4)?;
    let commit = epoch.zip(hash).zip(reason).map(|((epoch, hash), reason)| BadCommit {
        epoch: uint(epoch),
        hash: Digest(hash),
        reason,
    });
    Ok(RenewalRow {
        conversation: ConversationId(row.get(0)?),
        incarnation: uint(row.get(1)?),
        commit,
        over: row.get(5)?,
    })
}

/// Stores a row in place of the conversation's.
///
/// # Errors
/// The database's.
pub fn put(conn: &Connection, row: &RenewalRow) -> Result<()> {
    let commit = row.commit.as_ref();
    conn.prepare_cached(&format!(
        "INSERT OR REPLACE INTO renewal ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    ))?
    .execute(params![
        row.conversation.0,
        int(row.incarnation),
        commit.map(|commit| int(commit.epoch)),
        commit.map(|commit| commit.hash.0),
        commit.map(|commit| commit.reason.as_str()),
        row.over
    ])?;
    Ok(())
}

/// All rows.
///
/// # Errors
/// The database's.
pub fn all(conn: &Connection) -> Result<Vec<RenewalRow>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM renewal"))?
        .query_map([], read)?
        .collect()
}

/// A conversation's row.
///
/// # Errors
/// The database's.
pub fn get(conn: &Connection, conversation: ConversationId) -> Result<Option<RenewalRow>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM renewal WHERE conversation = ?1"))?
        .query_row([conversation.0], read)
        .optional()
}

/// Forgets a conversation's row.
///
/// # Errors
/// The database's.
pub fn forget(conn: &Connection, conversation: ConversationId) -> Result<()> {
    conn.prepare_cached("DELETE FROM renewal WHERE conversation = ?1")?
        .execute([conversation.0])?;
    Ok(())
}

/// Notes that an incarnation was left: what of it does not stand is sent again.
///
/// # Errors
/// The database's.
pub fn owe_resend(conn: &Connection, conversation: ConversationId, incarnation: u64) -> Result<()> {
    conn.prepare_cached("INSERT INTO resend (conversation, incarnation) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![conversation.0, int(incarnation)])?;
    Ok(())
}

/// Incarnations of which something may have to be sent again, in order.
///
/// # Errors
/// The database's.
pub fn owed_resends(conn: &Connection) -> Result<Vec<(ConversationId, u64)>> {
    conn.prepare_cached("SELECT conversation, incarnation FROM resend ORDER BY conversation, incarnation")?
        .query_map([], |row| Ok((ConversationId(row.get(0)?), uint(row.get(1)?))))?
        .collect()
}

/// Nothing of the incarnation is to be sent again any more.
///
/// # Errors
/// The database's.
pub fn resend_done(conn: &Connection, conversation: ConversationId, incarnation: u64) -> Result<()> {
    conn.prepare_cached("DELETE FROM resend WHERE conversation = ?1 AND incarnation = ?2")?
        .execute(params![conversation.0, int(incarnation)])?;
    Ok(())
}

/// A device's own messages of an incarnation behind an entry, in order: (sequence number, message, content). Deleted ones are not among them.
///
/// # Errors
/// The database's.
pub fn own_after(
    conn: &Connection,
    conversation: ConversationId,
    device: DeviceId,
    incarnation: u64,
    after: u64,
) -> Result<Vec<(u64, MessageId, Vec<u8>)>> {
    conn.prepare_cached(
        "SELECT order_seq, message, content FROM item WHERE conversation = ?1 AND order_incarnation = ?2 AND order_seq > ?3 \
         AND sender_device = ?4 AND kind = 'message' AND content IS NOT NULL AND deleted = 0 ORDER BY order_seq",
    )?
    .query_map(params![conversation.0, int(incarnation), int(after), device.0], |row| {
        Ok((uint(row.get(0)?), MessageId(row.get(1)?), row.get(2)?))
    })?
    .collect()
}

/// A change of a conversation's state, as it took effect and shows in the timeline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateChangeRow {
    /// The incarnation in which it stands.
    pub incarnation: u64,
    /// Its sequence number there.
    pub seq: u64,
    /// The device that made it.
    pub device: DeviceId,
    /// What changed: the body of a content of kind `state`.
    pub body: Vec<u8>,
}

/// What was changed of a conversation's state behind an entry, by anybody, in later incarnations too; in order.
///
/// # Errors
/// The database's.
pub fn state_after(
    conn: &Connection,
    conversation: ConversationId,
    incarnation: u64,
    after: u64,
) -> Result<Vec<StateChangeRow>> {
    conn.prepare_cached(
        "SELECT order_incarnation, order_seq, sender_device, content FROM item WHERE conversation = ?1 AND kind = 'about' \
         AND content IS NOT NULL AND (order_incarnation, order_seq) > (?2, ?3) ORDER BY order_incarnation, order_seq",
    )?
    .query_map(params![conversation.0, int(incarnation), int(after)], |row| {
        Ok(StateChangeRow {
            incarnation: uint(row.get(0)?),
            seq: uint(row.get(1)?),
            device: DeviceId(row.get(2)?),
            body: row.get(3)?,
        })
    })?
    .collect()
}

/// Moves an item out of the log, among the unsent.
///
/// # Errors
/// The database's.
pub fn take_back(
    conn: &Connection,
    conversation: ConversationId,
    device: DeviceId,
    message: MessageId,
    position: u64,
) -> Result<()> {
    let (incarnation, seq) = Place::Unsent(position).columns();
    conn.prepare_cached(
        "UPDATE item SET order_incarnation = ?4, order_seq = ?5, accepted_ms = NULL, revision = revision + 1 \
         WHERE conversation = ?1 AND sender_device = ?2 AND message = ?3",
    )?
    .execute(params![conversation.0, device.0, message.0, incarnation, seq])?;
    Ok(())
}

/// Queued messages of a conversation, by position, that stand before `position`.
///
/// # Errors
/// The database's.
pub fn queued_before(conn: &Connection, conversation: ConversationId, position: u64) -> Result<Vec<u64>> {
    conn.prepare_cached(
        "SELECT position FROM outbox WHERE conversation = ?1 AND state = 'queued' AND kind = 'message' AND position < ?2 \
         ORDER BY position",
    )?
    .query_map(params![conversation.0, int(position)], |row| row.get(0).map(uint))?
    .collect()
}

/// Moves a row of the outbox to the end of the queue, and its item with it.
///
/// # Errors
/// The database's.
pub fn to_the_end(conn: &Connection, conversation: ConversationId, position: u64) -> Result<()> {
    let end: i64 = conn
        .prepare_cached(
            "UPDATE outbox SET position = (SELECT max(position) + 1 FROM outbox) WHERE position = ?1 RETURNING position",
        )?
        .query_row([int(position)], |row| row.get(0))?;
    let (incarnation, seq) = Place::Unsent(position).columns();
    for table in ["item", "change"] {
        conn.prepare_cached(&format!(
            "UPDATE {table} SET order_seq = ?4 WHERE conversation = ?1 AND order_incarnation = ?2 AND order_seq = ?3"
        ))?
        .execute(params![conversation.0, incarnation, seq, end])?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
