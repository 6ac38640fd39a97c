//! The tenant's policy as the relay told it last: whom it wants in every conversation, and where one may be missing.

use std::collections::BTreeSet;

use curo_types::{ConversationId, DeviceId, UserId};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Result, int, one, uint};

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

/// The directory version after which a device needs the approval of another one of its user.
///
/// # Errors
/// The database's.
pub fn approval_since(conn: &Connection) -> Result<Option<u64>> {
    conn.prepare_cached("SELECT since FROM approval")?
        .query_row([], |row| row.get(0).map(uint))
        .optional()
}

/// Notes that version; a later one than known changes nothing. Says whether it was news.
///
/// # Errors
/// The database's.
pub fn see_approval_since(conn: &Connection, since: u64) -> Result<bool> {
    one(
        conn,
        "INSERT INTO approval (id, since) VALUES (1, ?1) ON CONFLICT DO UPDATE SET since = ?1 WHERE since > ?1",
        [int(since)],
    )
}

/// Devices of this user that wait for an approval.
///
/// # Errors
/// The database's.
pub fn waiting_devices(conn: &Connection) -> Result<Vec<DeviceId>> {
    conn.prepare_cached("SELECT device FROM waiting_device ORDER BY device")?
        .query_map([], |row| row.get(0).map(DeviceId))?
        .collect()
}

/// One more of them.
///
/// # Errors
/// The database's.
pub fn add_waiting_device(conn: &Connection, device: DeviceId) -> Result<()> {
    conn.prepare_cached("INSERT INTO waiting_device (device) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([device.0])?;
    Ok(())
}

/// It waits no more.
///
/// # Errors
/// The database's.
pub fn forget_waiting_device(conn: &Connection, device: DeviceId) -> Result<()> {
    conn.prepare_cached("DELETE FROM waiting_device WHERE device = ?1")?
        .execute([device.0])?;
    Ok(())
}

/// Replaces them. Says whether they are others than before.
///
/// # Errors
/// The database's.
pub fn set_waiting_devices(conn: &Connection, devices: &[DeviceId]) -> Result<bool> {
    let mut devices = devices.to_vec();
    devices.sort_unstable();
    if waiting_devices(conn)? == devices {
        return Ok(false);
    }
    conn.prepare_cached("DELETE FROM waiting_device")?.execute([])?;
    for device in devices {
        add_waiting_device(conn, device)?;
    }
    Ok(true)
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
    fn p2_2_the_demand_for_approvals_is_never_loosened() {
        let conn = testing::database();
        assert_eq!(approval_since(&conn).unwrap(), None);
        assert!(see_approval_since(&conn, 7).unwrap());
        assert!(!see_approval_since(&conn, 9).unwrap());
        assert!(see_approval_since(&conn, 5).unwrap());
        assert_eq!(approval_since(&conn).unwrap(), Some(5));
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
