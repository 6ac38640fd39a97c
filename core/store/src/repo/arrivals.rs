//! What has arrived since a moment: counted from the newest rows, whatever the history's length.

use curo_types::{ConversationId, UserId};
use rusqlite::{Connection, params};

use super::{Result, uint};

/// The newest item's row, to be given to [`since`] later.
///
/// # Errors
/// The database's.
pub fn newest(conn: &Connection) -> Result<i64> {
    conn.prepare_cached("SELECT coalesce(max(id), 0) FROM item")?
        .query_row([], |row| row.get(0))
}

/// How many messages of others have arrived after that row, by conversation, the newest first.
///
/// # Errors
/// The database's.
pub fn since(conn: &Connection, row: i64, me: UserId) -> Result<Vec<(ConversationId, u64)>> {
    conn.prepare_cached(
        "SELECT conversation, count(*) FROM item
         WHERE id > ?1 AND kind = 'message' AND sender_user IS NOT NULL AND sender_user <> ?2
         GROUP BY conversation ORDER BY max(id) DESC",
    )?
    .query_map(params![row, me.0], |row| {
        Ok((ConversationId(row.get(0)?), uint(row.get(1)?)))
    })?
    .collect()
}
