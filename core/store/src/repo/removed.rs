//! Conversations from which others have removed this device, where the tenant wants their content purged (rule 6.2).

use curo_types::ConversationId;
use rusqlite::{Connection, OptionalExtension as _};

use super::{Result, one};

/// Whether the tenant wants it.
///
/// # Errors
/// The database's.
pub fn purges(conn: &Connection) -> Result<bool> {
    let purge = conn
        .prepare_cached("SELECT purge FROM purge_policy")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(purge.unwrap_or(false))
}

/// Notes whether the tenant wants it; whether that was news.
///
/// # Errors
/// The database's.
pub fn set_purges(conn: &Connection, purge: bool) -> Result<bool> {
    if purges(conn)? == purge {
        return Ok(false);
    }
    one(
        conn,
        "INSERT INTO purge_policy (id, purge) VALUES (1, ?1) ON CONFLICT DO UPDATE SET purge = ?1",
        [purge],
    )
}

/// Deletes all that was said in a conversation and about it: messages, changes, drafts, what can be found, what waits to be
/// sent, title, subjects, roles and names. What is deleted is overwritten, as everywhere in this database.
///
/// # Errors
/// The database's.
pub fn purge(conn: &Connection, id: ConversationId) -> Result<()> {
    for sql in [
        "DELETE FROM search WHERE rowid IN (SELECT search FROM item WHERE conversation = ?1 AND search IS NOT NULL)",
        "DELETE FROM item WHERE conversation = ?1",
        "DELETE FROM change WHERE conversation = ?1",
        "DELETE FROM purge_owed WHERE conversation = ?1",
        "DELETE FROM outbox WHERE conversation = ?1",
        "DELETE FROM resend WHERE conversation = ?1",
        "DELETE FROM watermark WHERE conversation = ?1",
        "DELETE FROM receipt_held WHERE conversation = ?1",
        "DELETE FROM receipt_key WHERE conversation = ?1",
        "DELETE FROM receipt_own WHERE conversation = ?1",
        "UPDATE kept SET bytes = max(bytes - (SELECT ifnull(sum(length(body)), 0) FROM kept_entry WHERE conversation = ?1), 0)",
        "DELETE FROM kept_entry WHERE conversation = ?1",
        "DELETE FROM kept_tip WHERE conversation = ?1",
        "DELETE FROM kept_start WHERE conversation = ?1",
        "DELETE FROM comparison WHERE conversation = ?1",
        "DELETE FROM lost_log WHERE conversation = ?1",
        "DELETE FROM about WHERE conversation = ?1",
        "DELETE FROM about_subject WHERE conversation = ?1",
        "DELETE FROM about_role WHERE conversation = ?1",
        "DELETE FROM about_name WHERE conversation = ?1",
        "DELETE FROM about_adder WHERE conversation = ?1",
        "DELETE FROM about_waiting WHERE conversation = ?1",
        "UPDATE overview SET last_incarnation = NULL, last_seq = NULL, unread = 0, draft = NULL, draft_ms = NULL, \
         revision = revision + 1 WHERE conversation = ?1",
        "INSERT OR IGNORE INTO purged (conversation) VALUES (?1)",
    ] {
        conn.prepare_cached(sql)?.execute([id.0])?;
    }
    Ok(())
}

/// Whether a conversation was purged.
///
/// # Errors
/// The database's.
pub fn is_purged(conn: &Connection, id: ConversationId) -> Result<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM purged WHERE conversation = ?1)")?
        .query_row([id.0], |row| row.get(0))
}

/// The device is in it again.
///
/// # Errors
/// The database's.
pub fn is_back(conn: &Connection, id: ConversationId) -> Result<()> {
    conn.prepare_cached("DELETE FROM purged WHERE conversation = ?1")?
        .execute([id.0])?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::repo::testing;

    /// Whatever table says something of a conversation, it is emptied or keeps no content.
    #[test]
    fn p6_2_every_table_of_a_conversation_is_purged_or_holds_no_content() {
        let conn = testing::database();
        let mut tables = conn
            .prepare(
                "SELECT m.name FROM sqlite_schema m WHERE m.type = 'table' AND EXISTS \
                 (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'conversation') ORDER BY m.name",
            )
            .unwrap();
        let tables: Vec<String> = tables
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let known = include_str!("removed.rs");
        // Ids, positions and times only.
        let bare = CONTENT_FREE;
        for table in tables {
            let emptied = known.contains(&format!("DELETE FROM {table} WHERE conversation"))
                || known.contains(&format!("UPDATE {table} SET"));
            assert!(
                emptied || bare.contains(&table.as_str()),
                "{table} is neither purged nor known to hold no content"
            );
        }
    }

    const CONTENT_FREE: &[&str] = &[
        "cursor_ahead",
        "departure",
        "leaf",
        "mandatory_owed",
        "member",
        "purged",
        "rejoin",
        "renewal",
    ];

    #[test]
    fn p6_2_the_tenants_wish_is_kept() {
        let conn = testing::database();
        assert!(!purges(&conn).unwrap() && !set_purges(&conn, false).unwrap());
        assert!(set_purges(&conn, true).unwrap() && purges(&conn).unwrap());
        let id = ConversationId([1; 16]);
        purge(&conn, id).unwrap();
        assert!(is_purged(&conn, id).unwrap());
        is_back(&conn, id).unwrap();
        assert!(!is_purged(&conn, id).unwrap());
    }
}
