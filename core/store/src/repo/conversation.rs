//! Conversations: state, cursor and members.

use std::collections::BTreeSet;

use curo_types::{ConversationId, Digest, GroupId, SuiteId, UserId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{Result, int, uint};

/// What can be done with a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConversationState {
    /// This device has asked for it; the relay has not accepted it yet.
    Creating,
    /// Somebody else has created it first; its Welcome will come.
    Waiting,
    /// This device is a member.
    Active,
    /// This device was removed; what it has stays readable.
    Removed,
    /// It cannot go on here; `frozen_code` says why.
    Frozen,
}

impl ConversationState {
    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Removed => "removed",
            Self::Frozen => "frozen",
        }
    }

    fn parse(name: &str) -> Result<Self> {
        [Self::Creating, Self::Waiting, Self::Active, Self::Removed, Self::Frozen]
            .into_iter()
            .find(|state| state.as_str() == name)
            .ok_or_else(|| rusqlite::Error::InvalidColumnName("state".into()))
    }
}

/// One conversation row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationRow {
    /// The conversation.
    pub id: ConversationId,
    /// The live incarnation.
    pub incarnation: u64,
    /// Its MLS group; absent while creating or waiting.
    pub group: Option<GroupId>,
    /// Its suite.
    pub suite: Option<SuiteId>,
    /// What can be done with it.
    pub state: ConversationState,
    /// Why it is frozen.
    pub frozen_code: Option<String>,
    /// Sequence number of the last applied entry.
    pub cursor_seq: u64,
    /// Its hash.
    pub cursor_h: Digest,
    /// Sequence number of the entry that brought this device in.
    pub joined_seq: u64,
    /// The MLS epoch.
    pub epoch: u64,
    /// Messages of this device that were accepted in the incarnation.
    pub sent_count: u64,
    /// Ciphertexts of this epoch that were thrown away.
    pub discarded: u64,
    /// Whether an update commit must come before the next message.
    pub needs_update: bool,
    /// The last cursor reported to the relay.
    pub reported_seq: u64,
    /// Whether entries after the cursor must be fetched, because the sync token may have passed them.
    pub behind: bool,
    /// Of a direct conversation: the other user, as this device computed the id from.
    pub direct_with: Option<UserId>,
    /// Time of the last activity.
    pub activity: u64,
}

impl ConversationRow {
    /// An incarnation of which this device has nothing yet: no group, no cursor, nothing sent. `activity` in milliseconds since
    /// 1970.
    #[must_use]
    pub fn new(id: ConversationId, incarnation: u64, state: ConversationState, activity: u64) -> Self {
        Self {
            id,
            incarnation,
            group: None,
            suite: None,
            state,
            frozen_code: None,
            cursor_seq: 0,
            cursor_h: Digest::ZERO,
            joined_seq: 0,
            epoch: 0,
            sent_count: 0,
            discarded: 0,
            needs_update: false,
            reported_seq: 0,
            behind: false,
            direct_with: None,
            activity,
        }
    }
}

const COLUMNS: &str = "id, incarnation, group_id, suite, state, frozen_code, cursor_seq, cursor_h, joined_seq, epoch, sent_count, \
                       discarded, needs_update, reported_seq, behind, direct_with, activity";

fn read(row: &Row<'_>) -> Result<ConversationRow> {
    Ok(ConversationRow {
        id: ConversationId(row.get(0)?),
        incarnation: uint(row.get(1)?),
        group: row.get::<_, Option<[u8; 16]>>(2)?.map(GroupId),
        suite: row.get::<_, Option<u16>>(3)?.map(SuiteId),
        state: ConversationState::parse(row.get_ref(4)?.as_str()?)?,
        frozen_code: row.get(5)?,
        cursor_seq: uint(row.get(6)?),
        cursor_h: Digest(row.get(7)?),
        joined_seq: uint(row.get(8)?),
        epoch: uint(row.get(9)?),
        sent_count: uint(row.get(10)?),
        discarded: uint(row.get(11)?),
        needs_update: row.get(12)?,
        reported_seq: uint(row.get(13)?),
        behind: row.get(14)?,
        direct_with: row.get::<_, Option<[u8; 16]>>(15)?.map(UserId),
        activity: uint(row.get(16)?),
    })
}

/// One conversation.
///
/// # Errors
/// The database's.
pub fn get(conn: &Connection, id: ConversationId) -> Result<Option<ConversationRow>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM conversation WHERE id = ?1"))?
        .query_row([id.0], read)
        .optional()
}

/// The conversation that a group serves.
///
/// # Errors
/// The database's.
pub fn of_group(conn: &Connection, group: GroupId) -> Result<Option<ConversationId>> {
    conn.prepare_cached("SELECT id FROM conversation WHERE group_id = ?1")?
        .query_row([group.0], |row| Ok(ConversationId(row.get(0)?)))
        .optional()
}

/// All conversations, the last active first.
///
/// # Errors
/// The database's.
pub fn list(conn: &Connection) -> Result<Vec<ConversationRow>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM conversation ORDER BY activity DESC, id DESC"
    ))?
    .query_map([], read)?
    .collect()
}

/// Active conversations that must fetch what follows their cursor.
///
/// # Errors
/// The database's.
pub fn behind(conn: &Connection) -> Result<Vec<ConversationId>> {
    conn.prepare_cached("SELECT id FROM conversation WHERE behind AND state = 'active'")?
        .query_map([], |row| Ok(ConversationId(row.get(0)?)))?
        .collect()
}

/// Active conversations whose cursor was not reported yet.
///
/// # Errors
/// The database's.
pub fn unreported(conn: &Connection, limit: usize) -> Result<Vec<ConversationRow>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM conversation WHERE cursor_seq > reported_seq AND state = 'active' LIMIT ?1"
    ))?
    .query_map([int(limit as u64)], read)?
    .collect()
}

/// Inserts a conversation, or replaces all of it (a new join).
///
/// # Errors
/// The database's.
pub fn put(conn: &Connection, row: &ConversationRow) -> Result<()> {
    conn.prepare_cached(&format!(
        "INSERT OR REPLACE INTO conversation ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
    ))?
    .execute(params![
        row.id.0,
        int(row.incarnation),
        row.group.map(|id| id.0),
        row.suite.map(|suite| suite.0),
        row.state.as_str(),
        row.frozen_code,
        int(row.cursor_seq),
        row.cursor_h.0,
        int(row.joined_seq),
        int(row.epoch),
        int(row.sent_count),
        int(row.discarded),
        row.needs_update,
        int(row.reported_seq),
        row.behind,
        row.direct_with.map(|user| user.0),
        int(row.activity)
    ])?;
    Ok(())
}

/// Notes a cursor that the relay has taken. One of an incarnation that was left says nothing any more.
///
/// # Errors
/// The database's.
pub fn set_reported(conn: &Connection, id: ConversationId, incarnation: u64, seq: u64) -> Result<()> {
    conn.prepare_cached(
        "UPDATE conversation SET reported_seq = max(reported_seq, ?3) WHERE id = ?1 AND incarnation = ?2",
    )?
    .execute(params![id.0, int(incarnation), int(seq)])?;
    Ok(())
}

/// A user on the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// The user.
    pub user: UserId,
    /// The incarnation.
    pub incarnation: u64,
    /// Entry that brought the user in, as far as this device knows.
    pub joined_seq: u64,
    /// Entry that took the user out.
    pub removed_seq: Option<u64>,
}

/// Puts a user on the roster, unless it is there.
///
/// # Errors
/// The database's.
pub fn add_member(conn: &Connection, id: ConversationId, incarnation: u64, user: UserId, seq: u64) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO member (conversation, user, incarnation, joined_seq) SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS \
         (SELECT 1 FROM member WHERE conversation = ?1 AND user = ?2 AND incarnation = ?3 AND removed_seq IS NULL)",
    )?
    .execute(params![id.0, user.0, int(incarnation), int(seq)])?;
    Ok(())
}

/// Takes a user off the roster.
///
/// # Errors
/// The database's.
pub fn remove_member(conn: &Connection, id: ConversationId, incarnation: u64, user: UserId, seq: u64) -> Result<()> {
    conn.prepare_cached(
        "UPDATE member SET removed_seq = ?4 WHERE conversation = ?1 AND user = ?2 AND incarnation = ?3 AND removed_seq IS NULL",
    )?
    .execute(params![id.0, user.0, int(incarnation), int(seq)])?;
    Ok(())
}

/// Ends every open membership row of a conversation, before a new join brings the roster again.
///
/// # Errors
/// The database's.
pub fn clear_members(conn: &Connection, id: ConversationId, seq: u64) -> Result<()> {
    conn.prepare_cached("UPDATE member SET removed_seq = ?2 WHERE conversation = ?1 AND removed_seq IS NULL")?
        .execute(params![id.0, int(seq)])?;
    Ok(())
}

/// The entry with which the last of those came who ever were on the roster of an incarnation; 0 if nobody was.
///
/// # Errors
/// The database's.
pub fn last_join(conn: &Connection, id: ConversationId, incarnation: u64) -> Result<u64> {
    conn.prepare_cached("SELECT ifnull(max(joined_seq), 0) FROM member WHERE conversation = ?1 AND incarnation = ?2")?
        .query_row(params![id.0, int(incarnation)], |row| row.get(0).map(uint))
}

/// Whether somebody other than these two is on the roster now whom the tenant's policy never wanted in every conversation.
///
/// # Errors
/// The database's.
pub fn has_third(conn: &Connection, id: ConversationId, a: UserId, b: UserId) -> Result<bool> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM member WHERE conversation = ?1 AND removed_seq IS NULL AND user NOT IN (?2, ?3) \
         AND user NOT IN (SELECT user FROM mandatory_member))",
    )?
    .query_row(params![id.0, a.0, b.0], |row| row.get(0))
}

/// Whether a user is on the roster now.
///
/// # Errors
/// The database's.
pub fn is_member(conn: &Connection, id: ConversationId, user: UserId) -> Result<bool> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM member WHERE conversation = ?1 AND user = ?2 AND removed_seq IS NULL)",
    )?
    .query_row(params![id.0, user.0], |row| row.get(0))
}

/// The users on the roster now.
///
/// # Errors
/// The database's.
pub fn current_members(conn: &Connection, id: ConversationId) -> Result<BTreeSet<UserId>> {
    conn.prepare_cached("SELECT user FROM member WHERE conversation = ?1 AND removed_seq IS NULL")?
        .query_map([id.0], |row| row.get(0).map(UserId))?
        .collect()
}

/// Everybody who is or was on the roster, by user.
///
/// # Errors
/// The database's.
pub fn members(conn: &Connection, id: ConversationId) -> Result<Vec<MemberRow>> {
    conn.prepare_cached(
        "SELECT user, incarnation, joined_seq, removed_seq FROM member WHERE conversation = ?1 ORDER BY user, incarnation, joined_seq",
    )?
    .query_map([id.0], |row| {
        Ok(MemberRow {
            user: UserId(row.get(0)?),
            incarnation: uint(row.get(1)?),
            joined_seq: uint(row.get(2)?),
            removed_seq: row.get::<_, Option<i64>>(3)?.map(uint),
        })
    })?
    .collect()
}

/// Whether a user came after an entry, as far as this device knows. Who was there once before it did not, and of whom
/// nothing is known neither.
///
/// # Errors
/// The database's.
pub fn came_after(conn: &Connection, id: ConversationId, user: UserId, entry: (u64, u64)) -> Result<bool> {
    let first = conn
        .prepare_cached(
            "SELECT incarnation, joined_seq FROM member WHERE conversation = ?1 AND user = ?2 \
             ORDER BY incarnation, joined_seq LIMIT 1",
        )?
        .query_row(params![id.0, user.0], |row| Ok((uint(row.get(0)?), uint(row.get(1)?))))
        .optional()?;
    Ok(first.is_some_and(|first| first > entry))
}

/// How many users other than `sender` were on the roster when the entry at `seq` was accepted.
///
/// # Errors
/// The database's.
pub fn others_at(conn: &Connection, id: ConversationId, incarnation: u64, seq: u64, sender: UserId) -> Result<u32> {
    conn.prepare_cached(
        "SELECT count(DISTINCT user) FROM member WHERE conversation = ?1 AND incarnation = ?2 AND user <> ?4 \
             AND joined_seq < ?3 AND (removed_seq IS NULL OR removed_seq > ?3)",
    )?
    .query_row(params![id.0, int(incarnation), int(seq), sender.0], |row| row.get(0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
