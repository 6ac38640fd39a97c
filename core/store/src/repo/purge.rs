//! Receipts that this device owes: deleted messages of others that it has purged (rule 8.4).

use curo_types::format::Reference;
use curo_types::{ConversationId, DeviceId, MessageId};
use rusqlite::{Connection, params};

use super::{Result, int};

/// Owes a receipt for a message.
///
/// # Errors
/// The database's.
pub fn owe(conn: &Connection, conversation: ConversationId, message: Reference) -> Result<()> {
    conn.prepare_cached("INSERT OR IGNORE INTO purge_owed (conversation, sender, message) VALUES (?1, ?2, ?3)")?
        .execute(params![conversation.0, message.sender.0, message.message.0])?;
    Ok(())
}

/// What is owed in a conversation, at most so many.
///
/// # Errors
/// The database's.
pub fn owed(conn: &Connection, conversation: ConversationId, limit: usize) -> Result<Vec<Reference>> {
    conn.prepare_cached("SELECT sender, message FROM purge_owed WHERE conversation = ?1 LIMIT ?2")?
        .query_map(params![conversation.0, int(limit as u64)], |row| {
            Ok(Reference {
                sender: DeviceId(row.get(0)?),
                message: MessageId(row.get(1)?),
            })
        })?
        .collect()
}

/// A receipt is written.
///
/// # Errors
/// The database's.
pub fn paid(conn: &Connection, conversation: ConversationId, message: Reference) -> Result<()> {
    conn.prepare_cached("DELETE FROM purge_owed WHERE conversation = ?1 AND sender = ?2 AND message = ?3")?
        .execute(params![conversation.0, message.sender.0, message.message.0])?;
    Ok(())
}

/// Nothing is owed any more in a conversation that this device has left.
///
/// # Errors
/// The database's.
pub fn forget(conn: &Connection, conversation: ConversationId) -> Result<()> {
    conn.prepare_cached("DELETE FROM purge_owed WHERE conversation = ?1")?
        .execute([conversation.0])?;
    Ok(())
}
