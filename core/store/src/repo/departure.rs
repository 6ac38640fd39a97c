//! Conversations that the user leaves or has left.

use curo_types::{ConversationId, IntentId};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::Result;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepartureRow {
    /// The intent.
    pub intent: IntentId,
    /// The signed request, once it was made.
    pub request: Option<Vec<u8>>,
    /// Whether the relay has taken it.
    pub gone: bool,
}

/// The departure from a conversation.
///
/// # Errors
/// The database's.
pub fn get(conn: &Connection, id: ConversationId) -> Result<Option<DepartureRow>> {
    conn.prepare_cached("SELECT intent, request, gone FROM departure WHERE conversation = ?1")?
        .query_row([id.0], |row| {
            Ok(DepartureRow {
                intent: IntentId(row.get(0)?),
                request: row.get(1)?,
                gone: row.get(2)?,
            })
        })
        .optional()
}

/// Notes that the user wants to leave; nothing if that is noted already.
///
/// # Errors
/// The database's.
pub fn want(conn: &Connection, id: ConversationId, intent: IntentId) -> Result<()> {
    conn.prepare_cached("INSERT INTO departure (conversation, intent) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute([id.0, intent.0])?;
    Ok(())
}

/// Keeps the request that is sent, or takes away one that can never be accepted.
///
/// # Errors
/// The database's.
pub fn set_request(conn: &Connection, id: ConversationId, request: Option<&[u8]>) -> Result<()> {
    conn.prepare_cached("UPDATE departure SET request = ?2 WHERE conversation = ?1")?
        .execute(params![id.0, request])?;
    Ok(())
}

/// Notes that the user is out, by this device or another one.
///
/// # Errors
/// The database's.
pub fn set_gone(conn: &Connection, id: ConversationId) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO departure (conversation, intent, gone) VALUES (?1, ?2, 1) \
         ON CONFLICT DO UPDATE SET gone = 1, request = NULL",
    )?
    .execute([id.0, IntentId::random().0])?;
    Ok(())
}

/// The user stays, or is back.
///
/// # Errors
/// The database's.
pub fn forget(conn: &Connection, id: ConversationId) -> Result<()> {
    conn.prepare_cached("DELETE FROM departure WHERE conversation = ?1")?
        .execute([id.0])?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::repo::testing;

    #[test]
    fn p6_1_a_departure_waits_is_sent_and_is_over() {
        let conn = testing::database();
        let (id, intent) = (ConversationId([1; 16]), IntentId([2; 16]));
        want(&conn, id, intent).unwrap();
        want(&conn, id, IntentId([3; 16])).unwrap();
        assert_eq!(get(&conn, id).unwrap().unwrap().intent, intent);
        let work = || crate::repo::outbox::conversations_with_work(&conn).unwrap();
        assert_eq!(work(), [id]);
        set_request(&conn, id, Some(b"signed")).unwrap();
        assert_eq!(get(&conn, id).unwrap().unwrap().request.unwrap(), b"signed");
        set_gone(&conn, id).unwrap();
        assert!(get(&conn, id).unwrap().unwrap().gone && work().is_empty());
        forget(&conn, id).unwrap();
        assert_eq!(get(&conn, id).unwrap(), None);
    }
}
