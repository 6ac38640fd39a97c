//! What is folded into a message's row: edits, deletes, threads. Which of them holds is decided by the client.

use curo_types::ConversationId;
use curo_types::format::Reference;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{COLUMNS, Deleted, ItemRow, Place, read};
use crate::repo::{Result, int, one, uint};

/// `WHERE` of one item by its message: ?1 the conversation, ?2 the sending device, ?3 the message.
const MESSAGE: &str = "conversation = ?1 AND sender_device = ?2 AND message = ?3";

/// Puts the content of the last edit in place of the original's; `None` shows the original again.
///
/// # Errors
/// The database's.
pub fn set_edit(
    conn: &Connection,
    conversation: ConversationId,
    target: Reference,
    edit: Option<(&[u8], Option<u64>)>,
) -> Result<()> {
    let (content, edited_ms) = edit.unzip();
    conn.prepare_cached(&format!(
        "UPDATE item SET edit = ?4, edited_ms = ?5, revision = revision + 1 WHERE {MESSAGE}"
    ))?
    .execute(params![
        conversation.0,
        target.sender.0,
        target.message.0,
        content,
        edited_ms.flatten().map(int)
    ])?;
    Ok(())
}

/// Marks a message as deleted by this user's wish, or takes the mark back. The content stays.
///
/// # Errors
/// The database's.
pub fn set_asked_to_delete(
    conn: &Connection,
    conversation: ConversationId,
    target: Reference,
    asked: bool,
) -> Result<()> {
    let deleted = if asked { Deleted::Asked } else { Deleted::No } as u8;
    conn.prepare_cached(&format!(
        "UPDATE item SET deleted = ?4, revision = revision + 1 WHERE {MESSAGE} AND deleted <> 2"
    ))?
    .execute(params![conversation.0, target.sender.0, target.message.0, deleted])?;
    Ok(())
}

/// Deletes a message: its content and its edits are overwritten, a tombstone stays.
///
/// # Errors
/// The database's.
pub fn purge(conn: &Connection, conversation: ConversationId, target: Reference) -> Result<()> {
    conn.prepare_cached(&format!(
        "UPDATE item SET content = NULL, edit = NULL, edited_ms = NULL, deleted = 2, counts = 0, revision = revision + 1 \
         WHERE {MESSAGE}"
    ))?
    .execute(params![conversation.0, target.sender.0, target.message.0])?;
    Ok(())
}

/// Notes that the repository [`change`](crate::repo::change) has something new about a message.
///
/// # Errors
/// The database's.
pub fn touch(conn: &Connection, conversation: ConversationId, target: Reference) -> Result<()> {
    conn.prepare_cached(&format!(
        "UPDATE item SET touched = 1, revision = revision + 1 WHERE {MESSAGE}"
    ))?
    .execute(params![conversation.0, target.sender.0, target.message.0])?;
    Ok(())
}

/// Moves a message to where it was said again.
///
/// # Errors
/// The database's.
pub fn said_again(conn: &Connection, conversation: ConversationId, again: &ItemRow, counts: bool) -> Result<()> {
    let (incarnation, seq) = again.place.columns();
    conn.prepare_cached(&format!(
        "UPDATE item SET order_incarnation = ?4, order_seq = ?5, accepted_ms = ?6, counts = ?7, revision = revision + 1 \
         WHERE {MESSAGE}"
    ))?
    .execute(params![
        conversation.0,
        again.sender_device.0,
        again.message.0,
        incarnation,
        seq,
        again.accepted_ms.map(int),
        counts
    ])?;
    Ok(())
}

/// Messages that answer one, amendments of it among them, in the order in which they came to this device.
///
/// # Errors
/// The database's.
pub fn replies(
    conn: &Connection,
    conversation: ConversationId,
    target: Reference,
    limit: usize,
) -> Result<Vec<ItemRow>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM item WHERE conversation = ?1 AND reply_sender = ?2 AND reply_message = ?3 ORDER BY id LIMIT ?4"
    ))?
    .query_map(
        params![conversation.0, target.sender.0, target.message.0, int(limit as u64)],
        read,
    )?
    .collect()
}

/// Counts the messages of a thread and writes the number to its root, if that is here: for a root that comes after them.
///
/// # Errors
/// The database's.
pub fn count_thread(conn: &Connection, conversation: ConversationId, root: Reference) -> Result<()> {
    conn.prepare_cached(&format!(
        "UPDATE item SET revision = revision + 1, thread_count = (SELECT count(*) FROM item WHERE conversation = ?1 \
             AND thread_sender = ?2 AND thread_message = ?3) WHERE {MESSAGE} AND EXISTS (SELECT 1 FROM item \
             WHERE conversation = ?1 AND thread_sender = ?2 AND thread_message = ?3)"
    ))?
    .execute(params![conversation.0, root.sender.0, root.message.0])?;
    Ok(())
}

/// A message came into a thread, or an unsent one was taken back.
///
/// # Errors
/// The database's.
pub fn in_thread(conn: &Connection, conversation: ConversationId, root: Reference, came: bool) -> Result<()> {
    conn.prepare_cached(&format!(
        "UPDATE item SET revision = revision + 1, thread_count = max(0, thread_count + ?4) WHERE {MESSAGE}"
    ))?
    .execute(params![
        conversation.0,
        root.sender.0,
        root.message.0,
        if came { 1 } else { -1 }
    ])?;
    Ok(())
}

/// Takes back an own message that was never accepted. Says whether there was one.
///
/// # Errors
/// The database's.
pub fn remove_unsent(conn: &Connection, conversation: ConversationId, message: Reference) -> Result<bool> {
    one(
        conn,
        &format!("DELETE FROM item WHERE {MESSAGE} AND order_incarnation = 9223372036854775807"),
        params![conversation.0, message.sender.0, message.message.0],
    )
}

/// The messages of a thread without its root: before or after a place (all, if none is given), the nearest first.
///
/// # Errors
/// The database's.
pub fn thread(
    conn: &Connection,
    conversation: ConversationId,
    root: Reference,
    place: Option<Place>,
    older: bool,
    limit: usize,
) -> Result<Vec<ItemRow>> {
    let (compare, order, end) = if older {
        ("<", "DESC", (i64::MAX, i64::MAX))
    } else {
        (">", "ASC", (-1, -1))
    };
    let (incarnation, seq) = place.map_or(end, Place::columns);
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM item WHERE conversation = ?1 AND thread_sender = ?2 AND thread_message = ?3 \
         AND (order_incarnation, order_seq) {compare} (?4, ?5) ORDER BY order_incarnation {order}, order_seq {order} LIMIT ?6"
    ))?
    .query_map(
        params![
            conversation.0,
            root.sender.0,
            root.message.0,
            incarnation,
            seq,
            int(limit as u64)
        ],
        read,
    )?
    .collect()
}

/// The place of a conversation's last message.
///
/// # Errors
/// The database's.
pub fn last_message(conn: &Connection, conversation: ConversationId) -> Result<Option<Place>> {
    conn.prepare_cached(
        "SELECT order_incarnation, order_seq FROM item WHERE conversation = ?1 AND kind = 'message' \
         ORDER BY order_incarnation DESC, order_seq DESC LIMIT 1",
    )?
    .query_row([conversation.0], |row| {
        Ok(Place::from_columns(row.get(0)?, row.get(1)?))
    })
    .optional()
}

/// The first item after a place that counts as unread.
///
/// # Errors
/// The database's.
pub fn first_counted(conn: &Connection, conversation: ConversationId, after: Option<Place>) -> Result<Option<Place>> {
    let (incarnation, seq) = after.map_or((-1, -1), Place::columns);
    conn.prepare_cached(
        "SELECT order_incarnation, order_seq FROM item WHERE conversation = ?1 AND counts \
         AND (order_incarnation, order_seq) > (?2, ?3) ORDER BY order_incarnation, order_seq LIMIT 1",
    )?
    .query_row(params![conversation.0, incarnation, seq], |row| {
        Ok(Place::from_columns(row.get(0)?, row.get(1)?))
    })
    .optional()
}

/// How many items that count as unread stand after one place, up to and with another.
///
/// # Errors
/// The database's.
pub fn counted(conn: &Connection, conversation: ConversationId, after: Option<Place>, to: Place) -> Result<u64> {
    let (incarnation, seq) = after.map_or((-1, -1), Place::columns);
    let (to_incarnation, to_seq) = to.columns();
    conn.prepare_cached(
        "SELECT count(*) FROM item WHERE conversation = ?1 AND (order_incarnation, order_seq) > (?2, ?3) \
         AND (order_incarnation, order_seq) <= (?4, ?5) AND counts",
    )?
    .query_row(
        params![conversation.0, incarnation, seq, to_incarnation, to_seq],
        |row| row.get(0),
    )
    .map(uint)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
