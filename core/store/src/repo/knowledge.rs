//! What was kept because the build that got it did not understand it.

use curo_types::ConversationId;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::item::{self, ItemRow};
use super::{Result, int, uint};

/// Inbox items that are kept for a later build, at most; beyond, the oldest go.
const INBOX_KEPT: u64 = 1024;

/// The build by which everything that is kept was read.
///
/// # Errors
/// The database's.
pub fn build(conn: &Connection) -> Result<Option<String>> {
    conn.prepare_cached("SELECT build FROM knowledge")?
        .query_row([], |row| row.get(0))
        .optional()
}

/// Notes that a build has read everything.
///
/// # Errors
/// The database's.
pub fn set_build(conn: &Connection, build: &str) -> Result<()> {
    conn.prepare_cached("INSERT INTO knowledge (id, build) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET build = ?1")?
        .execute([build])?;
    Ok(())
}

/// A message whose content was not understood, with its row number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaterItem {
    /// Its row number: the next ones have higher ones.
    pub id: u64,
    /// The conversation.
    pub conversation: ConversationId,
    /// The message.
    pub item: ItemRow,
}

/// Such messages behind a row number.
///
/// # Errors
/// The database's.
pub fn items(conn: &Connection, after: u64, limit: usize) -> Result<Vec<LaterItem>> {
    item::not_understood(conn, after, limit)
}

/// A content is understood now: how its message relates to others. It counts as before.
///
/// # Errors
/// The database's.
pub fn understood(conn: &Connection, id: u64, item: &ItemRow) -> Result<()> {
    conn.prepare_cached(
        "UPDATE item SET code = NULL, claimed_ms = ?2, priority = ?3, reply_sender = ?4, reply_message = ?5, \
         thread_sender = ?6, thread_message = ?7, revision = revision + 1 WHERE id = ?1",
    )?
    .execute(params![
        int(id),
        item.claimed_ms.map(int),
        item.fold.priority,
        item.fold.reply_to.map(|to| to.sender.0),
        item.fold.reply_to.map(|to| to.message.0),
        item.fold.thread.map(|root| root.sender.0),
        item.fold.thread.map(|root| root.message.0)
    ])?;
    Ok(())
}

/// It was no message by itself.
///
/// # Errors
/// The database's.
pub fn remove(conn: &Connection, id: u64) -> Result<()> {
    conn.prepare_cached("DELETE FROM item WHERE id = ?1")?
        .execute([int(id)])?;
    Ok(())
}

/// Keeps an inbox item of an unknown kind.
///
/// # Errors
/// The database's.
pub fn keep_inbox(conn: &Connection, index: u64, item: &[u8]) -> Result<()> {
    conn.prepare_cached("INSERT INTO inbox_later (idx, item) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![int(index), item])?;
    conn.prepare_cached(
        "DELETE FROM inbox_later WHERE idx <= (SELECT idx FROM inbox_later ORDER BY idx DESC LIMIT 1 OFFSET ?1)",
    )?
    .execute([int(INBOX_KEPT)])?;
    Ok(())
}

/// The inbox items that are kept, by index.
///
/// # Errors
/// The database's.
pub fn inbox(conn: &Connection) -> Result<Vec<(u64, Vec<u8>)>> {
    conn.prepare_cached("SELECT idx, item FROM inbox_later ORDER BY idx")?
        .query_map([], |row| Ok((uint(row.get(0)?), row.get(1)?)))?
        .collect()
}

/// One of them is dealt with.
///
/// # Errors
/// The database's.
pub fn forget_inbox(conn: &Connection, index: u64) -> Result<()> {
    conn.prepare_cached("DELETE FROM inbox_later WHERE idx = ?1")?
        .execute([int(index)])?;
    Ok(())
}
