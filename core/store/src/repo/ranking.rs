//! Conversations in the order of their last activity: a list is a window over it.

use curo_types::{ConversationId, UserId};
use rusqlite::{Connection, Row, params};

use super::{Result, int, uint};

/// Where a conversation stands in the list: by its last activity, then by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Time of the last activity.
    pub activity: u64,
    /// The conversation.
    pub id: ConversationId,
}

fn rank(row: &Row<'_>) -> Result<Rank> {
    Ok(Rank {
        activity: uint(row.get(0)?),
        id: ConversationId(row.get(1)?),
    })
}

/// The columns of a lower and of an upper bound; without one, of something beyond all ranks.
fn low(rank: Option<Rank>) -> (i64, [u8; 16]) {
    rank.map_or((-1, [0; 16]), |rank| (int(rank.activity), rank.id.0))
}

fn high(rank: Option<Rank>) -> (i64, [u8; 16]) {
    rank.map_or((i64::MAX, [0xff; 16]), |rank| (int(rank.activity), rank.id.0))
}

/// Puts a conversation before all others, for what was said in it and has no time of the relay's yet. The rank is taken from
/// the others and not from this device's clock, which may be an hour ahead and would keep it there for that long. Beyond the last time that can be stored there is none: a relay
/// that has claimed it for another conversation keeps that one first.
///
/// # Errors
/// The database's.
pub fn to_top(conn: &Connection, id: ConversationId) -> Result<()> {
    conn.prepare_cached(
        "UPDATE conversation SET activity = min(top.activity, 9223372036854775806) + 1
         FROM (SELECT activity FROM conversation WHERE id <> ?1 ORDER BY activity DESC LIMIT 1) AS top
         WHERE conversation.id = ?1 AND conversation.activity <= top.activity",
    )?
    .execute([id.0])?;
    Ok(())
}

/// Conversations between two ranks, both included; the least active first, or the most active. At most `limit`.
///
/// # Errors
/// The database's.
pub fn between(
    conn: &Connection,
    (from, to): (Option<Rank>, Option<Rank>),
    newest_first: bool,
    limit: usize,
) -> Result<Vec<Rank>> {
    let (from, to) = (low(from), high(to));
    let order = if newest_first {
        "activity DESC, id DESC"
    } else {
        "activity, id"
    };
    conn.prepare_cached(&format!(
        "SELECT activity, id FROM conversation WHERE (activity, id) >= (?1, ?2) AND (activity, id) <= (?3, ?4) \
         ORDER BY {order} LIMIT ?5"
    ))?
    .query_map(params![from.0, from.1, to.0, to.1, int(limit as u64)], rank)?
    .collect()
}

/// Conversations that were active before this rank, the most active first.
///
/// # Errors
/// The database's.
pub fn before(conn: &Connection, place: Option<Rank>, limit: usize) -> Result<Vec<Rank>> {
    let (activity, id) = high(place);
    conn.prepare_cached(
        "SELECT activity, id FROM conversation WHERE (activity, id) < (?1, ?2) ORDER BY activity DESC, id DESC LIMIT ?3",
    )?
    .query_map(params![activity, id, int(limit as u64)], rank)?
    .collect()
}

/// Conversations that were active after this rank, the least active first.
///
/// # Errors
/// The database's.
pub fn after(conn: &Connection, place: Option<Rank>, limit: usize) -> Result<Vec<Rank>> {
    let (activity, id) = low(place);
    conn.prepare_cached(
        "SELECT activity, id FROM conversation WHERE (activity, id) > (?1, ?2) ORDER BY activity, id LIMIT ?3",
    )?
    .query_map(params![activity, id, int(limit as u64)], rank)?
    .collect()
}

/// How many users are on a conversation's roster now, and the first few of them without one.
///
/// # Errors
/// The database's.
pub fn people(
    conn: &Connection,
    id: ConversationId,
    incarnation: u64,
    without: UserId,
    few: usize,
) -> Result<(u64, Vec<UserId>)> {
    let all = conn
        .prepare_cached(
            "SELECT count(*) FROM member WHERE conversation = ?1 AND incarnation = ?2 AND removed_seq IS NULL",
        )?
        .query_row(params![id.0, int(incarnation)], |row| Ok(uint(row.get(0)?)))?;
    let first = conn
        .prepare_cached(
            "SELECT user FROM member WHERE conversation = ?1 AND incarnation = ?2 AND removed_seq IS NULL AND user <> ?3 \
             ORDER BY user LIMIT ?4",
        )?
        .query_map(params![id.0, int(incarnation), without.0, int(few as u64)], |row| {
            Ok(UserId(row.get(0)?))
        })?
        .collect::<Result<_>>()?;
    Ok((all, first))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
