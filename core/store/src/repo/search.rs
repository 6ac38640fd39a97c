//! Full-text search over what was said. The client prepares texts and queries; here they are stored and found.

use curo_types::ConversationId;
use curo_types::format::Reference;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::item::{self, ItemRow};
use super::{Result, int, uint};

/// Bits of a row number that tell apart what was accepted in the same millisecond.
const COUNTER_BITS: u32 = 20;
/// Latest time that fits above them: far beyond any honest relay's.
const LATEST_MS: u64 = (1 << (62 - COUNTER_BITS)) - 1;

/// One that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRow {
    /// Its row number; the next page goes on below it.
    pub row: u64,
    /// The conversation.
    pub conversation: ConversationId,
    /// The message.
    pub item: ItemRow,
    /// The text as it was given to [`put`], with what was found between the marks.
    pub marked: String,
}

/// Makes a message findable by a text, in place of the one before.
///
/// # Errors
/// The database's.
pub fn put(
    conn: &Connection,
    conversation: ConversationId,
    message: Reference,
    accepted_ms: u64,
    text: &str,
) -> Result<()> {
    let row = match row_of(conn, conversation, message)? {
        Some(row) => {
            delete(conn, row)?;
            Some(row)
        }
        None => free_row(conn, accepted_ms)?,
    };
    // More messages in one millisecond than an honest relay can accept: the rest is not found.
    let Some(row) = row else { return Ok(()) };
    conn.prepare_cached("INSERT INTO search (rowid, scope, text) VALUES (?1, ?2, ?3)")?
        .execute(params![row, scope(conversation), text])?;
    conn.prepare_cached("UPDATE item SET search = ?4 WHERE conversation = ?1 AND sender_device = ?2 AND message = ?3")?
        .execute(params![conversation.0, message.sender.0, message.message.0, row])?;
    Ok(())
}

/// A message is found no more; its words are overwritten.
///
/// # Errors
/// The database's.
pub fn remove(conn: &Connection, conversation: ConversationId, message: Reference) -> Result<()> {
    let Some(row) = row_of(conn, conversation, message)? else {
        return Ok(());
    };
    delete(conn, row)?;
    conn.prepare_cached("UPDATE item SET search = NULL WHERE search = ?1")?
        .execute([row])?;
    Ok(())
}

/// What matches a query in FTS5's syntax over the column `text`, the newest first, below a row number.
///
/// # Errors
/// The database's; also for a query that is not FTS5's syntax.
pub fn find(
    conn: &Connection,
    query: &str,
    conversation: Option<ConversationId>,
    below: Option<u64>,
    marks: (&str, &str),
    limit: usize,
) -> Result<Vec<FoundRow>> {
    let query = match conversation {
        Some(id) => format!("{{scope}} : {} AND ({{text}} : ({query}))", scope(id)),
        None => format!("{{text}} : ({query})"),
    };
    let rows: Vec<(i64, String)> = conn
        .prepare_cached(
            "SELECT rowid, highlight(search, 1, ?3, ?4) FROM search WHERE search MATCH ?1 AND rowid < ?2 \
             ORDER BY rowid DESC LIMIT ?5",
        )?
        .query_map(
            params![query, below.map_or(i64::MAX, int), marks.0, marks.1, int(limit as u64)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .collect::<Result<_>>()?;
    let mut found = Vec::with_capacity(rows.len());
    for (row, marked) in rows {
        if let Some((conversation, item)) = item::of_search(conn, row)? {
            found.push(FoundRow {
                row: uint(row),
                conversation,
                item,
                marked,
            });
        }
    }
    Ok(found)
}

/// The conversation as one word of the index.
fn scope(conversation: ConversationId) -> String {
    conversation.to_string()
}

fn row_of(conn: &Connection, conversation: ConversationId, message: Reference) -> Result<Option<i64>> {
    let row = conn
        .prepare_cached("SELECT search FROM item WHERE conversation = ?1 AND sender_device = ?2 AND message = ?3")?
        .query_row(params![conversation.0, message.sender.0, message.message.0], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(row.flatten())
}

fn free_row(conn: &Connection, accepted_ms: u64) -> Result<Option<i64>> {
    let first = int(accepted_ms.clamp(1, LATEST_MS) << COUNTER_BITS);
    let last = first + (1 << COUNTER_BITS) - 1;
    let taken: Option<i64> = conn
        .prepare_cached("SELECT max(search) FROM item WHERE search BETWEEN ?1 AND ?2")?
        .query_row([first, last], |row| row.get(0))?;
    Ok(match taken {
        None => Some(first),
        Some(taken) => (taken < last).then_some(taken + 1),
    })
}

fn delete(conn: &Connection, row: i64) -> Result<()> {
    conn.prepare_cached("DELETE FROM search WHERE rowid = ?1")?
        .execute([row])?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
