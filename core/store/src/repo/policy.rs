//! The tenant's policy as the relay told it last: whom it wants in every conversation, and where one may be missing.

use std::collections::BTreeSet;

use curo_types::{ConversationId, UserId};
use rusqlite::{Connection, params};

use super::{Result, int};

/// Whom the policy wants in every conversation now.
///
/// # Errors
/// The database's.
pub fn mandatory(conn: &Connection) -> Result<BTreeSet<UserId>> {
    conn.prepare_cached("SELECT user FROM mandatory_member WHERE current")?
        .query_map([], |row| row.get(0).map(UserId))?
        .collect()
}

/// The same, with those whom it wanted once.
///
/// # Errors
/// The database's.
pub fn ever_mandatory(conn: &Connection) -> Result<BTreeSet<UserId>> {
    conn.prepare_cached("SELECT user FROM mandatory_member")?
        .query_map([], |row| row.get(0).map(UserId))?
        .collect()
}

/// Replaces whom the policy wants.
///
/// # Errors
/// The database's.
pub fn set_mandatory(conn: &Connection, users: &BTreeSet<UserId>) -> Result<()> {
    conn.prepare_cached("UPDATE mandatory_member SET current = 0")?
        .execute([])?;
    for user in users {
        conn.prepare_cached(
            "INSERT INTO mandatory_member (user, current) VALUES (?1, 1) ON CONFLICT DO UPDATE SET current = 1",
        )?
        .execute([user.0])?;
    }
    Ok(())
}

/// Whom the policy wants and who is not on the conversation's roster.
///
/// # Errors
/// The database's.
pub fn lacking(conn: &Connection, id: ConversationId) -> Result<Vec<UserId>> {
    conn.prepare_cached(
        "SELECT user FROM mandatory_member p WHERE current AND NOT EXISTS \
         (SELECT 1 FROM member m WHERE m.conversation = ?1 AND m.user = p.user AND m.removed_seq IS NULL)",
    )?
    .query_map([id.0], |row| row.get(0).map(UserId))?
    .collect()
}

/// Every active conversation is to be looked at.
///
/// # Errors
/// The database's.
pub fn owe_all(conn: &Connection) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO mandatory_owed (conversation, not_before_ms) SELECT id, 0 FROM conversation WHERE state = 'active' \
         ON CONFLICT DO UPDATE SET not_before_ms = 0",
    )?
    .execute([])?;
    Ok(())
}

/// Conversations that are to be looked at now.
///
/// # Errors
/// The database's.
pub fn owed(conn: &Connection, now_ms: u64, limit: usize) -> Result<Vec<ConversationId>> {
    conn.prepare_cached("SELECT conversation FROM mandatory_owed WHERE not_before_ms <= ?1 LIMIT ?2")?
        .query_map([int(now_ms), int(limit as u64)], |row| row.get(0).map(ConversationId))?
        .collect()
}

/// Whether a conversation is to be left alone until later.
///
/// # Errors
/// The database's.
pub fn is_postponed(conn: &Connection, id: ConversationId, now_ms: u64) -> Result<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM mandatory_owed WHERE conversation = ?1 AND not_before_ms > ?2)")?
        .query_row(params![id.0, int(now_ms)], |row| row.get(0))
}

/// Looks at a conversation again then.
///
/// # Errors
/// The database's.
pub fn postpone(conn: &Connection, id: ConversationId, until_ms: u64) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO mandatory_owed (conversation, not_before_ms) VALUES (?1, ?2) \
         ON CONFLICT DO UPDATE SET not_before_ms = ?2",
    )?
    .execute(params![id.0, int(until_ms)])?;
    Ok(())
}

/// Nothing is owed in a conversation.
///
/// # Errors
/// The database's.
pub fn settled(conn: &Connection, id: ConversationId) -> Result<()> {
    conn.prepare_cached("DELETE FROM mandatory_owed WHERE conversation = ?1")?
        .execute([id.0])?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::repo::{conversation, testing};

    #[test]
    fn p3_4_who_was_mandatory_once_is_remembered() {
        let conn = testing::database();
        let (a, b) = (UserId([1; 16]), UserId([2; 16]));
        let id = ConversationId([9; 16]);
        set_mandatory(&conn, &[a, b].into()).unwrap();
        set_mandatory(&conn, &[b].into()).unwrap();
        assert_eq!(mandatory(&conn).unwrap(), [b].into());
        assert_eq!(ever_mandatory(&conn).unwrap(), [a, b].into());
        assert_eq!(lacking(&conn, id).unwrap(), [b]);
        conversation::add_member(&conn, id, 1, b, 3).unwrap();
        assert!(lacking(&conn, id).unwrap().is_empty());
        // Both are no third in a direct conversation, somebody else is.
        let (x, y) = (UserId([5; 16]), UserId([6; 16]));
        conversation::add_member(&conn, id, 1, a, 3).unwrap();
        assert!(!conversation::has_third(&conn, id, x, y).unwrap());
        conversation::add_member(&conn, id, 1, UserId([7; 16]), 3).unwrap();
        assert!(conversation::has_third(&conn, id, x, y).unwrap());
    }

    #[test]
    fn p3_4_what_is_owed_waits_for_its_time() {
        let conn = testing::database();
        let id = ConversationId([9; 16]);
        postpone(&conn, id, 1_000).unwrap();
        assert!(is_postponed(&conn, id, 999).unwrap() && owed(&conn, 999, 8).unwrap().is_empty());
        assert!(!is_postponed(&conn, id, 1_000).unwrap());
        assert_eq!(owed(&conn, 1_000, 8).unwrap(), [id]);
        settled(&conn, id).unwrap();
        assert!(owed(&conn, u64::MAX, 8).unwrap().is_empty());
    }
}
