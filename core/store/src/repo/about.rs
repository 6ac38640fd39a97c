//! What members know of a conversation itself: title, subjects, roles, names. SQL only: who may change what is decided above.

use curo_types::format::Subject;
use curo_types::{ConversationId, DeviceId, UserId};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Result, int, uint};

/// The title, and whether this device knows all that there is to know.
#[derive(Clone, PartialEq, Eq)]
pub struct AboutRow {
    /// The title; empty for none. PHI.
    pub title: String,
    /// Whether what was before this device joined is known.
    pub whole: bool,
    /// Whether this device owes newcomers the whole, because it did not know it when it added them.
    pub owed: bool,
}

impl std::fmt::Debug for AboutRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AboutRow(whole: {}, owed: {})", self.whole, self.owed)
    }
}

/// A change that cannot be judged before the whole is here.
#[derive(Clone, PartialEq, Eq)]
pub struct WaitingRow {
    /// Sequence number of its entry.
    pub seq: u64,
    /// The epoch in which it was sent.
    pub epoch: u64,
    /// Who sent it.
    pub user: UserId,
    /// What it says, as it came. PHI.
    pub body: Vec<u8>,
}

/// What is known, if anything is.
///
/// # Errors
/// The database's.
pub fn get(conn: &Connection, id: ConversationId) -> Result<Option<AboutRow>> {
    conn.prepare_cached("SELECT title, whole, owed FROM about WHERE conversation = ?1")?
        .query_row([id.0], |row| {
            Ok(AboutRow {
                title: row.get(0)?,
                whole: row.get(1)?,
                owed: row.get(2)?,
            })
        })
        .optional()
}

/// Begins or begins anew; the title of before stays.
///
/// # Errors
/// The database's.
pub fn begin(conn: &Connection, id: ConversationId, whole: bool) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO about (conversation, whole) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET whole = ?2, owed = 0",
    )?
    .execute(params![id.0, whole])?;
    forget_waiting(conn, id)
}

/// Notes that newcomers are owed the whole, or no longer.
///
/// # Errors
/// The database's.
pub fn set_owed(conn: &Connection, id: ConversationId, owed: bool) -> Result<()> {
    conn.prepare_cached("UPDATE about SET owed = ?2 WHERE conversation = ?1")?
        .execute(params![id.0, owed])?;
    Ok(())
}

/// Sets the title; empty for none.
///
/// # Errors
/// The database's.
pub fn set_title(conn: &Connection, id: ConversationId, title: &str) -> Result<()> {
    conn.prepare_cached("UPDATE about SET title = ?2 WHERE conversation = ?1")?
        .execute(params![id.0, title])?;
    Ok(())
}

/// The subjects that are bound, in the order of their text.
///
/// # Errors
/// The database's.
pub fn subjects(conn: &Connection, id: ConversationId) -> Result<Vec<Subject>> {
    conn.prepare_cached("SELECT system, value FROM about_subject WHERE conversation = ?1 ORDER BY system, value")?
        .query_map([id.0], |row| {
            Ok(Subject {
                system: row.get(0)?,
                value: row.get(1)?,
            })
        })?
        .collect()
}

/// Binds a subject, unless it is bound. Says whether it was bound now.
///
/// # Errors
/// The database's.
pub fn bind(conn: &Connection, id: ConversationId, subject: &Subject) -> Result<bool> {
    super::one(
        conn,
        "INSERT INTO about_subject (conversation, system, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![id.0, subject.system, subject.value],
    )
}

/// Unbinds a subject. Says whether it was bound.
///
/// # Errors
/// The database's.
pub fn unbind(conn: &Connection, id: ConversationId, subject: &Subject) -> Result<bool> {
    super::one(
        conn,
        "DELETE FROM about_subject WHERE conversation = ?1 AND system = ?2 AND value = ?3",
        params![id.0, subject.system, subject.value],
    )
}

/// A user's role now and when the epoch began; `None` for who never had one.
///
/// # Errors
/// The database's.
pub fn role(conn: &Connection, id: ConversationId, user: UserId) -> Result<Option<(String, String)>> {
    conn.prepare_cached("SELECT role, in_force FROM about_role WHERE conversation = ?1 AND user = ?2")?
        .query_row(params![id.0, user.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// All roles as they are now, by user.
///
/// # Errors
/// The database's.
pub fn roles(conn: &Connection, id: ConversationId) -> Result<Vec<(UserId, String)>> {
    users(
        conn,
        "SELECT user, role FROM about_role WHERE conversation = ?1 ORDER BY user",
        id,
    )
}

/// Whether somebody on the roster had the role when the epoch began.
///
/// # Errors
/// The database's.
pub fn has_in_force(conn: &Connection, id: ConversationId, incarnation: u64, role: &str) -> Result<bool> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM about_role r JOIN member m ON m.conversation = r.conversation AND m.user = r.user \
         WHERE r.conversation = ?1 AND r.in_force = ?3 AND m.incarnation = ?2 AND m.removed_seq IS NULL)",
    )?
    .query_row(params![id.0, int(incarnation), role], |row| row.get(0))
}

/// Gives a user a role, which comes into force with the next epoch. `before` is the role of who has none yet.
///
/// # Errors
/// The database's.
pub fn set_role(conn: &Connection, id: ConversationId, user: UserId, role: &str, before: &str) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO about_role (conversation, user, role, in_force) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT DO UPDATE SET role = ?3",
    )?
    .execute(params![id.0, user.0, role, before])?;
    Ok(())
}

/// An epoch begins: the roles of now come into force. Rows that say no more than `default` go.
///
/// # Errors
/// The database's.
pub fn take_force(conn: &Connection, id: ConversationId, default: &str) -> Result<()> {
    conn.prepare_cached("UPDATE about_role SET in_force = role WHERE conversation = ?1 AND in_force <> role")?
        .execute([id.0])?;
    conn.prepare_cached("DELETE FROM about_role WHERE conversation = ?1 AND role = ?2")?
        .execute(params![id.0, default])?;
    Ok(())
}

/// A user has gone: comes back without a role.
///
/// # Errors
/// The database's.
pub fn forget_role(conn: &Connection, id: ConversationId, user: UserId) -> Result<()> {
    conn.prepare_cached("DELETE FROM about_role WHERE conversation = ?1 AND user = ?2")?
        .execute(params![id.0, user.0])?;
    Ok(())
}

/// Display names, by user. PHI.
///
/// # Errors
/// The database's.
pub fn names(conn: &Connection, id: ConversationId) -> Result<Vec<(UserId, String)>> {
    users(
        conn,
        "SELECT user, name FROM about_name WHERE conversation = ?1 ORDER BY user",
        id,
    )
}

/// A user's display name in the conversation that was active last among those where it has one.
///
/// # Errors
/// The database's.
pub fn name_of(conn: &Connection, user: UserId) -> Result<Option<String>> {
    conn.prepare_cached(
        "SELECT n.name FROM about_name n JOIN conversation c ON c.id = n.conversation WHERE n.user = ?1 \
         ORDER BY c.activity DESC LIMIT 1",
    )?
    .query_row([user.0], |row| row.get(0))
    .optional()
}

/// Sets a user's display name; empty for none.
///
/// # Errors
/// The database's.
pub fn set_name(conn: &Connection, id: ConversationId, user: UserId, name: &str) -> Result<()> {
    if name.is_empty() {
        conn.prepare_cached("DELETE FROM about_name WHERE conversation = ?1 AND user = ?2")?
            .execute(params![id.0, user.0])?;
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT INTO about_name (conversation, user, name) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET name = ?3",
    )?
    .execute(params![id.0, user.0, name])?;
    Ok(())
}

/// Forgets title, subjects, roles and names, before the whole takes their place.
///
/// # Errors
/// The database's.
pub fn clear(conn: &Connection, id: ConversationId) -> Result<()> {
    set_title(conn, id, "")?;
    for sql in [
        "DELETE FROM about_subject WHERE conversation = ?1",
        "DELETE FROM about_role WHERE conversation = ?1",
        "DELETE FROM about_name WHERE conversation = ?1",
    ] {
        conn.prepare_cached(sql)?.execute([id.0])?;
    }
    Ok(())
}

/// Takes the whole from this device too.
///
/// # Errors
/// The database's.
pub fn add_adder(conn: &Connection, id: ConversationId, device: DeviceId) -> Result<()> {
    conn.prepare_cached("INSERT INTO about_adder (conversation, device) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![id.0, device.0])?;
    Ok(())
}

/// Whether the whole is taken from this device.
///
/// # Errors
/// The database's.
pub fn is_adder(conn: &Connection, id: ConversationId, device: DeviceId) -> Result<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM about_adder WHERE conversation = ?1 AND device = ?2)")?
        .query_row(params![id.0, device.0], |row| row.get(0))
}

/// Keeps a change until it can be judged, at most `limit` of a conversation.
///
/// # Errors
/// The database's.
pub fn wait(conn: &Connection, id: ConversationId, row: &WaitingRow, limit: usize) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO about_waiting (conversation, seq, epoch, user, body) SELECT ?1, ?2, ?3, ?4, ?5 \
         WHERE (SELECT count(*) FROM about_waiting WHERE conversation = ?1) < ?6 ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        id.0,
        int(row.seq),
        int(row.epoch),
        row.user.0,
        row.body,
        int(limit as u64)
    ])?;
    Ok(())
}

/// The changes that wait, in order.
///
/// # Errors
/// The database's.
pub fn waiting(conn: &Connection, id: ConversationId) -> Result<Vec<WaitingRow>> {
    conn.prepare_cached("SELECT seq, epoch, user, body FROM about_waiting WHERE conversation = ?1 ORDER BY seq")?
        .query_map([id.0], |row| {
            Ok(WaitingRow {
                seq: uint(row.get(0)?),
                epoch: uint(row.get(1)?),
                user: UserId(row.get(2)?),
                body: row.get(3)?,
            })
        })?
        .collect()
}

/// Nothing waits any more, and the whole is taken from nobody.
///
/// # Errors
/// The database's.
pub fn forget_waiting(conn: &Connection, id: ConversationId) -> Result<()> {
    for sql in [
        "DELETE FROM about_waiting WHERE conversation = ?1",
        "DELETE FROM about_adder WHERE conversation = ?1",
    ] {
        conn.prepare_cached(sql)?.execute([id.0])?;
    }
    Ok(())
}

/// How this user wants to be called. PHI.
///
/// # Errors
/// The database's.
pub fn own_name(conn: &Connection) -> Result<Option<String>> {
    conn.prepare_cached("SELECT name FROM own_name")?
        .query_row([], |row| row.get(0))
        .optional()
}

/// Sets how this user wants to be called; empty for no name.
///
/// # Errors
/// The database's.
pub fn set_own_name(conn: &Connection, name: &str) -> Result<()> {
    conn.prepare_cached("INSERT INTO own_name (id, name) VALUES (1, ?1) ON CONFLICT DO UPDATE SET name = ?1")?
        .execute([name])?;
    Ok(())
}

fn users(conn: &Connection, sql: &str, id: ConversationId) -> Result<Vec<(UserId, String)>> {
    conn.prepare_cached(sql)?
        .query_map([id.0], |row| Ok((UserId(row.get(0)?), row.get(1)?)))?
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
