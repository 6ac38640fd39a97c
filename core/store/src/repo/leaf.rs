//! Devices in a conversation's group: from which entry to which each had its place, and how far it has come in that time.
//! What delivery and read states are counted from (rules 8.2, 8.3).

use curo_types::{ConversationId, DeviceId, UserId};
use rusqlite::{Connection, params};

use super::{Result, int, uint};

/// One stay of a device in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafRow {
    /// Its user.
    pub user: UserId,
    /// The device.
    pub device: DeviceId,
    /// The entry that brought it in: it has what stands after it.
    pub since: u64,
    /// The first entry that it does not have any more; `None` while it is in.
    pub until: Option<u64>,
    /// The last entry that it is said to have applied.
    pub cursor: u64,
}

impl LeafRow {
    /// Whether an entry came while the device was in, and it has applied it.
    pub fn has(&self, seq: u64) -> bool {
        self.since < seq && self.until.is_none_or(|until| seq < until) && seq <= self.cursor
    }
}

/// A device came in with the entry `since`, unless it is in.
///
/// # Errors
/// The database's.
pub fn enter(
    conn: &Connection,
    id: ConversationId,
    incarnation: u64,
    (user, device): (UserId, DeviceId),
    since: u64,
) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO leaf (conversation, incarnation, user, device, since, cursor) SELECT ?1, ?2, ?3, ?4, ?5, ?5 \
         WHERE NOT EXISTS (SELECT 1 FROM leaf WHERE conversation = ?1 AND incarnation = ?2 AND device = ?4 \
             AND (until IS NULL OR since >= ?5))",
    )?
    .execute(params![id.0, int(incarnation), user.0, device.0, int(since)])?;
    Ok(())
}

/// A device was taken out by the entry `until`: it is still served what was before.
///
/// # Errors
/// The database's.
pub fn leave(conn: &Connection, id: ConversationId, incarnation: u64, device: DeviceId, until: u64) -> Result<()> {
    conn.prepare_cached(
        "UPDATE leaf SET until = ?4 WHERE conversation = ?1 AND incarnation = ?2 AND device = ?3 AND until IS NULL",
    )?
    .execute(params![id.0, int(incarnation), device.0, int(until)])?;
    Ok(())
}

/// A device came in again from outside with the entry `since`. It had what it has said to have applied; what came behind
/// that it has missed, unless nothing did.
///
/// # Errors
/// The database's.
pub fn enter_again(
    conn: &Connection,
    id: ConversationId,
    incarnation: u64,
    (user, device): (UserId, DeviceId),
    since: u64,
) -> Result<()> {
    conn.prepare_cached(
        "UPDATE leaf SET until = cursor + 1 WHERE conversation = ?1 AND incarnation = ?2 AND device = ?3 \
         AND until IS NULL AND cursor + 1 < ?4",
    )?
    .execute(params![id.0, int(incarnation), device.0, int(since)])?;
    enter(conn, id, incarnation, (user, device), since)
}

/// No entry from `until` on is known here: the incarnation is left.
///
/// # Errors
/// The database's.
pub fn end(conn: &Connection, id: ConversationId, incarnation: u64, until: u64) -> Result<()> {
    conn.prepare_cached("UPDATE leaf SET until = ?3 WHERE conversation = ?1 AND incarnation = ?2 AND until IS NULL")?
        .execute(params![id.0, int(incarnation), int(until)])?;
    Ok(())
}

/// This device does not see from `until` on who comes and goes: what others have of before is what they have reported so
/// far, and nothing that they report later adds to it.
///
/// # Errors
/// The database's.
pub fn lose_sight(conn: &Connection, id: ConversationId, incarnation: u64, until: u64) -> Result<()> {
    conn.prepare_cached(
        "UPDATE leaf SET until = min(?3, cursor + 1) WHERE conversation = ?1 AND incarnation = ?2 AND until IS NULL",
    )?
    .execute(params![id.0, int(incarnation), int(until)])?;
    Ok(())
}

/// Notes how far another device has come. `here` is how far this one has: a cursor ahead of it waits. Says whether
/// anything has changed that can be shown.
///
/// # Errors
/// The database's.
pub fn see_cursor(
    conn: &Connection,
    id: ConversationId,
    incarnation: u64,
    device: DeviceId,
    seq: u64,
    here: u64,
) -> Result<bool> {
    if seq <= here {
        return take(conn, id, incarnation, device, seq);
    }
    conn.prepare_cached(
        "INSERT INTO cursor_ahead (conversation, incarnation, device, seq) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT DO UPDATE SET seq = max(seq, ?4)",
    )?
    .execute(params![id.0, int(incarnation), device.0, int(seq)])?;
    Ok(false)
}

/// This device has come as far as `here`: cursors that waited for that say what they say.
///
/// # Errors
/// The database's.
pub fn reached(conn: &Connection, id: ConversationId, incarnation: u64, here: u64) -> Result<()> {
    let waiting: Vec<(DeviceId, u64)> = conn
        .prepare_cached(
            "DELETE FROM cursor_ahead WHERE conversation = ?1 AND incarnation = ?2 AND seq <= ?3 RETURNING device, seq",
        )?
        .query_map(params![id.0, int(incarnation), int(here)], |row| {
            Ok((DeviceId(row.get(0)?), uint(row.get(1)?)))
        })?
        .collect::<Result<_>>()?;
    for (device, seq) in waiting {
        take(conn, id, incarnation, device, seq)?;
    }
    Ok(())
}

/// A cursor counts for the stay that it stands in, and for no other.
fn take(conn: &Connection, id: ConversationId, incarnation: u64, device: DeviceId, seq: u64) -> Result<bool> {
    let changed = conn
        .prepare_cached(
            "UPDATE leaf SET cursor = ?4 WHERE conversation = ?1 AND incarnation = ?2 AND device = ?3 AND cursor < ?4 \
             AND since <= ?4 AND (until IS NULL OR until >= ?4)",
        )?
        .execute(params![id.0, int(incarnation), device.0, int(seq)])?;
    Ok(changed > 0)
}

/// Whether a device is or was in.
///
/// # Errors
/// The database's.
pub fn was_in(conn: &Connection, id: ConversationId, incarnation: u64, device: DeviceId) -> Result<bool> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM leaf WHERE conversation = ?1 AND incarnation = ?2 AND device = ?3)",
    )?
    .query_row(params![id.0, int(incarnation), device.0], |row| row.get(0))
}

/// The devices that are in now.
///
/// # Errors
/// The database's.
pub fn now(conn: &Connection, id: ConversationId, incarnation: u64) -> Result<Vec<DeviceId>> {
    conn.prepare_cached("SELECT device FROM leaf WHERE conversation = ?1 AND incarnation = ?2 AND until IS NULL")?
        .query_map(params![id.0, int(incarnation)], |row| Ok(DeviceId(row.get(0)?)))?
        .collect()
}

/// Every stay in an incarnation, by device.
///
/// # Errors
/// The database's.
pub fn all(conn: &Connection, id: ConversationId, incarnation: u64) -> Result<Vec<LeafRow>> {
    conn.prepare_cached(
        "SELECT user, device, since, until, cursor FROM leaf WHERE conversation = ?1 AND incarnation = ?2 \
         ORDER BY device, since",
    )?
    .query_map(params![id.0, int(incarnation)], |row| {
        Ok(LeafRow {
            user: UserId(row.get(0)?),
            device: DeviceId(row.get(1)?),
            since: uint(row.get(2)?),
            until: row.get::<_, Option<i64>>(3)?.map(uint),
            cursor: uint(row.get(4)?),
        })
    })?
    .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
