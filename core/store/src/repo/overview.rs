//! What a list of conversations shows of one: its last message, what is unread, draft and mute. Each is read without a look
//! at the timeline.

use curo_types::{ConversationId, Text};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::item::{self, Place};
use super::{Result, int, one, uint};

/// One conversation.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OverviewRow {
    /// Where the last message stands, deleted ones included.
    pub last: Option<Place>,
    /// The place up to which all is read.
    pub read: Option<Place>,
    /// Messages of others behind it.
    pub unread: u64,
    /// Whether it stays out of the totals.
    pub muted: bool,
    /// What is written and not sent. PHI.
    pub draft: Option<Text>,
    /// When it was written, by this device's clock.
    pub draft_ms: Option<u64>,
    /// Rises with every change of this row.
    pub revision: u64,
}

const COLUMNS: &str =
    "last_incarnation, last_seq, read_incarnation, read_seq, unread, muted, draft, draft_ms, revision";

fn read(row: &Row<'_>) -> Result<OverviewRow> {
    let last: (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
    let read: (i64, i64) = (row.get(2)?, row.get(3)?);
    Ok(OverviewRow {
        last: last.0.zip(last.1).map(|(a, b)| Place::from_columns(a, b)),
        read: (read != (0, 0)).then(|| Place::from_columns(read.0, read.1)),
        unread: uint(row.get(4)?),
        muted: row.get(5)?,
        draft: row.get::<_, Option<String>>(6)?.map(Text::new),
        draft_ms: row.get::<_, Option<i64>>(7)?.map(uint),
        revision: uint(row.get(8)?),
    })
}

/// One conversation; the default where nothing was ever in it.
///
/// # Errors
/// The database's.
pub fn get(conn: &Connection, id: ConversationId) -> Result<OverviewRow> {
    let row = conn
        .prepare_cached(&format!("SELECT {COLUMNS} FROM overview WHERE conversation = ?1"))?
        .query_row([id.0], read)
        .optional()?;
    Ok(row.unwrap_or_default())
}

/// A message came: it is the last one if no other stands behind it, and counts as unread behind the read mark if it
/// counts at all.
///
/// # Errors
/// The database's.
pub fn arrived(conn: &Connection, id: ConversationId, place: Place, counts: bool) -> Result<()> {
    let (incarnation, seq) = place.columns();
    conn.prepare_cached(
        "INSERT INTO overview (conversation, last_incarnation, last_seq, unread) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (conversation) DO UPDATE SET \
             last_incarnation = CASE WHEN newest THEN ?2 ELSE last_incarnation END, \
             last_seq = CASE WHEN newest THEN ?3 ELSE last_seq END, \
             unread = unread + (?4 AND (?2, ?3) > (read_incarnation, read_seq)), revision = revision + 1"
            .replace(
                "newest",
                "(last_seq IS NULL OR (?2, ?3) > (last_incarnation, last_seq))",
            )
            .as_str(),
    )?
    .execute(params![id.0, incarnation, seq, counts])?;
    Ok(())
}

/// Looks for the last message anew: one has moved or gone.
///
/// # Errors
/// The database's.
pub fn find_last(conn: &Connection, id: ConversationId) -> Result<()> {
    let last = item::folding::last_message(conn, id)?.map(Place::columns);
    let (incarnation, seq) = last.unzip();
    conn.prepare_cached(
        "INSERT INTO overview (conversation, last_incarnation, last_seq) VALUES (?1, ?2, ?3) ON CONFLICT (conversation) \
         DO UPDATE SET last_incarnation = ?2, last_seq = ?3, revision = revision + 1",
    )?
    .execute(params![id.0, incarnation, seq])?;
    Ok(())
}

/// What is folded into the last message has changed, if it is this one.
///
/// # Errors
/// The database's.
pub fn touch_last(conn: &Connection, id: ConversationId, place: Place) -> Result<()> {
    let (incarnation, seq) = place.columns();
    conn.prepare_cached(
        "UPDATE overview SET revision = revision + 1 WHERE conversation = ?1 AND last_incarnation = ?2 AND last_seq = ?3",
    )?
    .execute(params![id.0, incarnation, seq])?;
    Ok(())
}

/// A message that counted counts no more.
///
/// # Errors
/// The database's.
pub fn uncount(conn: &Connection, id: ConversationId, place: Place) -> Result<()> {
    let (incarnation, seq) = place.columns();
    conn.prepare_cached(
        "UPDATE overview SET unread = max(0, unread - 1), revision = revision + 1 \
         WHERE conversation = ?1 AND (?2, ?3) > (read_incarnation, read_seq)",
    )?
    .execute(params![id.0, incarnation, seq])?;
    Ok(())
}

/// Moves the read mark forward; it never goes back. Says whether it moved. Costs what is read between both places.
///
/// # Errors
/// The database's.
pub fn mark_read(conn: &Connection, id: ConversationId, to: Place) -> Result<bool> {
    let from = get(conn, id)?.read;
    if from.is_some_and(|from| from >= to) {
        return Ok(false);
    }
    let newly_read = item::folding::counted(conn, id, from, to)?;
    let (incarnation, seq) = to.columns();
    one(
        conn,
        "INSERT INTO overview (conversation, read_incarnation, read_seq) VALUES (?1, ?2, ?3) ON CONFLICT (conversation) \
         DO UPDATE SET read_incarnation = ?2, read_seq = ?3, unread = max(0, unread - ?4), revision = revision + 1",
        params![id.0, incarnation, seq, int(newly_read)],
    )
}

/// Keeps a draft; `None` forgets it.
///
/// # Errors
/// The database's.
pub fn set_draft(conn: &Connection, id: ConversationId, draft: Option<(&Text, u64)>) -> Result<()> {
    let (text, at) = draft.unzip();
    conn.prepare_cached(
        "INSERT INTO overview (conversation, draft, draft_ms) VALUES (?1, ?2, ?3) ON CONFLICT (conversation) \
         DO UPDATE SET draft = ?2, draft_ms = ?3, revision = revision + 1",
    )?
    .execute(params![id.0, text.map(Text::as_str), at.map(int)])?;
    Ok(())
}

/// Keeps a conversation out of the totals, or not.
///
/// # Errors
/// The database's.
pub fn set_muted(conn: &Connection, id: ConversationId, muted: bool) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO overview (conversation, muted) VALUES (?1, ?2) ON CONFLICT (conversation) \
         DO UPDATE SET muted = ?2, revision = revision + 1",
    )?
    .execute(params![id.0, muted])?;
    Ok(())
}

/// What is unread in conversations that are not muted: (messages, conversations).
///
/// # Errors
/// The database's.
pub fn unread(conn: &Connection) -> Result<(u64, u64)> {
    conn.prepare_cached("SELECT coalesce(sum(unread), 0), count(*) FROM overview WHERE unread > 0 AND NOT muted")?
        .query_row([], |row| Ok((uint(row.get(0)?), uint(row.get(1)?))))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
