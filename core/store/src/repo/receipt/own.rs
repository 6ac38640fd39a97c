//! What this device says of its own user's reading: owed from the transaction that moves the read mark.

use curo_types::ConversationId;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::repo::{Result, int, uint};

/// How this device's slot in a conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OwnRow {
    /// The watermark that the relay has taken last: incarnation and entry.
    pub sent: (u64, u64),
    /// When the read mark moved last, by this device's clock.
    pub read_ms: u64,
    /// Up to where somebody has asked for receipts: incarnation and entry.
    pub asked: (u64, u64),
}

/// How this device's slot stands.
///
/// # Errors
/// The database's.
pub fn get(conn: &Connection, id: ConversationId) -> Result<OwnRow> {
    let row = conn
        .prepare_cached(
            "SELECT sent_incarnation, sent_seq, read_ms, asked_incarnation, asked_seq FROM receipt_own WHERE conversation = ?1",
        )?
        .query_row([id.0], |row| {
            Ok(OwnRow {
                sent: (uint(row.get(0)?), uint(row.get(1)?)),
                read_ms: uint(row.get(2)?),
                asked: (uint(row.get(3)?), uint(row.get(4)?)),
            })
        })
        .optional()?;
    Ok(row.unwrap_or_default())
}

/// The read mark has moved: the slot is behind.
///
/// # Errors
/// The database's.
pub fn owe(conn: &Connection, id: ConversationId, read_ms: u64) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO receipt_own (conversation, behind, read_ms) VALUES (?1, 1, ?2) \
         ON CONFLICT DO UPDATE SET behind = 1, read_ms = ?2",
    )?
    .execute(params![id.0, int(read_ms)])?;
    Ok(())
}

/// Somebody has asked for receipts up to an entry: the slot is looked at again.
///
/// # Errors
/// The database's.
pub fn ask(conn: &Connection, id: ConversationId, up_to: (u64, u64)) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO receipt_own (conversation, behind, asked_incarnation, asked_seq) VALUES (?1, 1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET behind = 1, asked_incarnation = ?2, asked_seq = ?3 \
             WHERE (asked_incarnation, asked_seq) < (?2, ?3)",
    )?
    .execute(params![id.0, int(up_to.0), int(up_to.1)])?;
    Ok(())
}

/// The relay has taken a watermark. `behind`: there is more to say already.
///
/// # Errors
/// The database's.
pub fn sent(conn: &Connection, id: ConversationId, watermark: (u64, u64), behind: bool) -> Result<()> {
    conn.prepare_cached(
        "UPDATE receipt_own SET sent_incarnation = ?2, sent_seq = ?3, behind = behind AND ?4 WHERE conversation = ?1",
    )?
    .execute(params![id.0, int(watermark.0), int(watermark.1), behind])?;
    Ok(())
}

/// The relay has lost slots: what stands in them is said again, unless this user says nothing.
///
/// # Errors
/// The database's.
pub fn owe_again(conn: &Connection) -> Result<()> {
    if are_on(conn)? {
        conn.execute(
            "UPDATE receipt_own SET sent_incarnation = 0, sent_seq = 0, behind = 1",
            [],
        )?;
    }
    Ok(())
}

/// Everything that this device has to say of the conversation is said.
///
/// # Errors
/// The database's.
pub fn nothing(conn: &Connection, id: ConversationId) -> Result<()> {
    conn.prepare_cached("UPDATE receipt_own SET behind = 0 WHERE conversation = ?1")?
        .execute([id.0])?;
    Ok(())
}

/// Conversations whose slot is behind.
///
/// # Errors
/// The database's.
pub fn behind(conn: &Connection) -> Result<Vec<ConversationId>> {
    conn.prepare_cached("SELECT conversation FROM receipt_own WHERE behind")?
        .query_map([], |row| Ok(ConversationId(row.get(0)?)))?
        .collect()
}

/// As [`behind`], those in which something can be done about it now: not where the conversation waits or is frozen.
///
/// # Errors
/// The database's.
pub fn ready(conn: &Connection) -> Result<Vec<ConversationId>> {
    conn.prepare_cached(
        "SELECT o.conversation FROM receipt_own o JOIN conversation c ON c.id = o.conversation \
         WHERE o.behind AND c.state IN ('active', 'removed')",
    )?
    .query_map([], |row| Ok(ConversationId(row.get(0)?)))?
    .collect()
}

/// Whether this user sends receipts.
///
/// # Errors
/// The database's.
pub fn are_on(conn: &Connection) -> Result<bool> {
    conn.prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM receipts_off)")?
        .query_row([], |row| row.get(0))
}

/// Turns them on or off. What was still to be said when they are turned off is never said.
///
/// # Errors
/// The database's.
pub fn turn(conn: &Connection, on: bool) -> Result<()> {
    if on {
        conn.execute("DELETE FROM receipts_off", [])?;
    } else {
        conn.execute("INSERT INTO receipts_off (id) VALUES (1) ON CONFLICT DO NOTHING", [])?;
        conn.execute("UPDATE receipt_own SET behind = 0 WHERE behind", [])?;
    }
    Ok(())
}
