//! Changes that are said again in a later incarnation (rule 7.3).

use curo_types::{ConversationId, DeviceId, MessageId};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{BY_PLACE, COLUMNS, ChangeRow, read};
use crate::repo::item::Place;
use crate::repo::{Result, int, uint};

/// The same came again in a later incarnation: the row moves there and waits for its target, as if it were new. `None` if it did
/// not.
///
/// # Errors
/// The database's.
pub fn said_again(conn: &Connection, conversation: ConversationId, row: ChangeRow) -> Result<Option<ChangeRow>> {
    let (incarnation, seq) = row.place.columns();
    let id = conn
        .prepare_cached(
            "UPDATE change SET order_incarnation = ?6, order_seq = ?7, state = 'pending', emoji = ?8, value = ?9, content = ?10, \
             accepted_ms = ?11 WHERE conversation = ?1 AND sender_device = ?2 AND message = ?3 AND target_sender = ?4 \
             AND target_message = ?5 AND order_incarnation < ?6 RETURNING id",
        )?
        .query_row(
            params![
                conversation.0,
                row.sender_device.0,
                row.message.0,
                row.target.sender.0,
                row.target.message.0,
                incarnation,
                seq,
                row.emoji,
                row.value,
                row.content,
                row.accepted_ms.map(int)
            ],
            |row| row.get(0).map(uint),
        )
        .optional()?;
    Ok(id.map(|id| ChangeRow { id, ..row }))
}

/// A row takes part no more and keeps what it says.
///
/// # Errors
/// The database's.
pub fn rest(conn: &Connection, id: u64) -> Result<()> {
    conn.prepare_cached("UPDATE change SET state = 'spent' WHERE id = ?1")?
        .execute([int(id)])?;
    Ok(())
}

/// What a device has said about messages in an incarnation behind an entry, in order; of what takes part no more only reactions
/// that were taken back.
///
/// # Errors
/// The database's.
pub fn own_after(
    conn: &Connection,
    conversation: ConversationId,
    device: DeviceId,
    incarnation: u64,
    after: u64,
) -> Result<Vec<ChangeRow>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM change WHERE conversation = ?1 AND sender_device = ?2 AND order_incarnation = ?3 \
         AND order_seq > ?4 AND (state <> 'spent' OR kind = 'reaction' AND emoji <> '') {BY_PLACE}"
    ))?
    .query_map(params![conversation.0, device.0, int(incarnation), int(after)], read)?
    .collect()
}

/// Moves what a message says out of the log, among the unsent.
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
        "UPDATE change SET order_incarnation = ?4, order_seq = ?5, accepted_ms = NULL, \
         state = CASE state WHEN 'spent' THEN 'live' ELSE state END \
         WHERE conversation = ?1 AND sender_device = ?2 AND message = ?3",
    )?
    .execute(params![conversation.0, device.0, message.0, incarnation, seq])?;
    Ok(())
}
