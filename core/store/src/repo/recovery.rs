//! A relay that was restored from a backup (rule 7.2): that this is known, how far it is dealt with, what is proven lost.

use curo_types::{ConversationId, Digest, StoreId};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Result, int, uint};

/// Takes another store of the relay for the account's: nothing of the old one's feed and inbox holds any more, and what it
/// had accepted and this device has not met in the log has to be asked for again.
///
/// # Errors
/// The database's.
pub fn begin(conn: &Connection, store: StoreId, log_key: Digest, now_ms: u64) -> Result<()> {
    conn.execute(
        "UPDATE account SET relay_store = ?1, log_key = ?2, sync_token = NULL, inbox_ack = 0",
        params![store.0, log_key.0],
    )?;
    conn.execute("UPDATE conversation SET reported_seq = 0", [])?;
    conn.execute(
        "UPDATE outbox SET state = 'unknown', seq = NULL WHERE state = 'accepted' AND body IS NOT NULL",
        [],
    )?;
    conn.execute("UPDATE push SET registered = 0", [])?;
    conn.execute("DELETE FROM comparison", [])?;
    conn.execute(
        "INSERT INTO recovery (id, noted_ms) VALUES (1, ?1) ON CONFLICT DO UPDATE SET noted_ms = excluded.noted_ms",
        [int(now_ms)],
    )?;
    Ok(())
}

/// Whether the account is not in step yet with the store that was taken.
///
/// # Errors
/// The database's.
pub fn is_under_way(conn: &Connection) -> Result<bool> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM recovery")?
        .query_row([], |_| Ok(()))
        .optional()?
        .is_some())
}

/// The account is in step.
///
/// # Errors
/// The database's.
pub fn end(conn: &Connection) -> Result<()> {
    conn.execute("DELETE FROM recovery", [])?;
    Ok(())
}

/// Counts a comparison of a conversation's log that came to nothing; how many there were.
///
/// # Errors
/// The database's.
pub fn one_more_try(conn: &Connection, id: ConversationId) -> Result<u64> {
    conn.prepare_cached(
        "INSERT INTO comparison (conversation, tries) VALUES (?1, 1) \
         ON CONFLICT DO UPDATE SET tries = tries + 1 RETURNING tries",
    )?
    .query_row([id.0], |row| row.get(0).map(uint))
}

/// The comparison of a conversation's log has come to an end.
///
/// # Errors
/// The database's.
pub fn compared(conn: &Connection, id: ConversationId) -> Result<()> {
    conn.prepare_cached("DELETE FROM comparison WHERE conversation = ?1")?
        .execute([id.0])?;
    Ok(())
}

/// Keeps the proof that an incarnation's log is lost.
///
/// # Errors
/// The database's.
pub fn put_lost(conn: &Connection, id: ConversationId, incarnation: u64, proof: &[u8]) -> Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO lost_log (conversation, incarnation, proof) VALUES (?1, ?2, ?3)")?
        .execute(params![id.0, int(incarnation), proof])?;
    Ok(())
}

/// The proof that an incarnation's log is lost.
///
/// # Errors
/// The database's.
pub fn lost(conn: &Connection, id: ConversationId, incarnation: u64) -> Result<Option<Vec<u8>>> {
    conn.prepare_cached("SELECT proof FROM lost_log WHERE conversation = ?1 AND incarnation = ?2")?
        .query_row(params![id.0, int(incarnation)], |row| row.get(0))
        .optional()
}
