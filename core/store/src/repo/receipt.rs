//! Read receipts of others: watermarks, slots that came too early, and the keys that open them (rule 8.3). What this device
//! says itself stands in [`own`].

pub mod own;

use std::collections::HashMap;

use curo_types::{ConversationId, DeviceId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use zeroize::Zeroizing;

use super::{Result, int, one, uint};

/// Epochs whose keys are kept.
pub const KEYS_KEPT: u64 = 64;
/// Slots that may wait in one conversation, and in all: as many as a group has leaves, and a few times that.
const HELD_IN_ONE: i64 = 1000;
const HELD: i64 = 4096;

/// How far somebody has read, as a device of theirs says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watermark {
    /// The incarnation that `seq` counts in.
    pub incarnation: u64,
    /// The last entry that was read.
    pub seq: u64,
    /// When, by the device's clock.
    pub read_ms: u64,
}

/// A slot that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    /// The device.
    pub device: DeviceId,
    /// The incarnation.
    pub incarnation: u64,
    /// The epoch whose key seals it.
    pub epoch: u64,
    /// What waits.
    pub held: Held,
}

/// In which form a slot waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Nobody could open it yet.
    Sealed(Vec<u8>),
    /// Opened and verified, and about an entry that is not here yet.
    Opened(Watermark),
}

/// The watermark of a device.
///
/// # Errors
/// The database's.
pub fn watermark(conn: &Connection, id: ConversationId, device: DeviceId) -> Result<Option<Watermark>> {
    conn.prepare_cached("SELECT incarnation, seq, read_ms FROM watermark WHERE conversation = ?1 AND device = ?2")?
        .query_row(params![id.0, device.0], |row| mark(row, 0))
        .optional()
}

/// Every device's watermark.
///
/// # Errors
/// The database's.
pub fn watermarks(conn: &Connection, id: ConversationId) -> Result<HashMap<DeviceId, Watermark>> {
    conn.prepare_cached("SELECT incarnation, seq, read_ms, device FROM watermark WHERE conversation = ?1")?
        .query_map([id.0], |row| Ok((DeviceId(row.get(3)?), mark(row, 0)?)))?
        .collect()
}

fn mark(row: &Row<'_>, first: usize) -> Result<Watermark> {
    Ok(Watermark {
        incarnation: uint(row.get(first)?),
        seq: uint(row.get(first + 1)?),
        read_ms: uint(row.get(first + 2)?),
    })
}

/// Moves a device's watermark forward; it never goes back. Says whether it moved.
///
/// # Errors
/// The database's.
pub fn advance(conn: &Connection, id: ConversationId, device: DeviceId, to: Watermark) -> Result<bool> {
    one(
        conn,
        "INSERT INTO watermark (conversation, device, incarnation, seq, read_ms) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT DO UPDATE SET incarnation = ?3, seq = ?4, read_ms = ?5 WHERE (incarnation, seq) < (?3, ?4)",
        params![id.0, device.0, int(to.incarnation), int(to.seq), int(to.read_ms)],
    )
}

/// Keeps a slot until what it is about is here. The device's later one takes its place, an earlier one does not; beyond what a
/// group can have none is kept. Says whether it was.
///
/// # Errors
/// The database's.
pub fn hold(conn: &Connection, id: ConversationId, row: &HeldRow) -> Result<bool> {
    let (sealed, opened) = match &row.held {
        Held::Sealed(sealed) => (Some(sealed), None),
        Held::Opened(opened) => (None, Some(opened)),
    };
    one(
        conn,
        "INSERT INTO receipt_held (conversation, device, incarnation, epoch, sealed, seq, read_ms) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM receipt_held WHERE conversation = ?1 AND device = ?2) \
             OR ((SELECT count(*) FROM receipt_held WHERE conversation = ?1) < ?8 AND (SELECT count(*) FROM receipt_held) < ?9) \
         ON CONFLICT DO UPDATE SET incarnation = ?3, epoch = ?4, sealed = ?5, seq = ?6, read_ms = ?7 \
             WHERE (incarnation, epoch, coalesce(seq, 0)) <= (?3, ?4, coalesce(?6, 9223372036854775807))",
        params![
            id.0,
            row.device.0,
            int(row.incarnation),
            int(row.epoch),
            sealed,
            opened.map(|mark| int(mark.seq)),
            opened.map(|mark| int(mark.read_ms)),
            HELD_IN_ONE,
            HELD
        ],
    )
}

/// The slots that wait in a conversation.
///
/// # Errors
/// The database's.
pub fn held(conn: &Connection, id: ConversationId) -> Result<Vec<HeldRow>> {
    conn.prepare_cached(
        "SELECT device, incarnation, epoch, sealed, seq, read_ms FROM receipt_held WHERE conversation = ?1",
    )?
    .query_map([id.0], |row| {
        let incarnation = uint(row.get(1)?);
        let held = match row.get::<_, Option<Vec<u8>>>(3)? {
            Some(sealed) => Held::Sealed(sealed),
            None => Held::Opened(Watermark {
                incarnation,
                seq: uint(row.get::<_, Option<i64>>(4)?.unwrap_or_default()),
                read_ms: uint(row.get::<_, Option<i64>>(5)?.unwrap_or_default()),
            }),
        };
        Ok(HeldRow {
            device: DeviceId(row.get(0)?),
            incarnation,
            epoch: uint(row.get(2)?),
            held,
        })
    })?
    .collect()
}

/// A device's slot waits no longer.
///
/// # Errors
/// The database's.
pub fn release(conn: &Connection, id: ConversationId, device: DeviceId) -> Result<()> {
    conn.prepare_cached("DELETE FROM receipt_held WHERE conversation = ?1 AND device = ?2")?
        .execute(params![id.0, device.0])?;
    Ok(())
}

/// Keeps the key of an epoch, and of those before it the last ones of the same incarnation.
///
/// # Errors
/// The database's.
pub fn keep_key(
    conn: &Connection,
    id: ConversationId,
    (incarnation, epoch): (u64, u64),
    key: &Zeroizing<Vec<u8>>,
) -> Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO receipt_key (conversation, incarnation, epoch, key) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![id.0, int(incarnation), int(epoch), key.as_slice()])?;
    conn.prepare_cached("DELETE FROM receipt_key WHERE conversation = ?1 AND (incarnation <> ?2 OR epoch <= ?3)")?
        .execute(params![
            id.0,
            int(incarnation),
            epoch.checked_sub(KEYS_KEPT).map_or(-1, int)
        ])?;
    Ok(())
}

/// The key of an epoch. Wiped on drop.
///
/// # Errors
/// The database's.
pub fn key(
    conn: &Connection,
    id: ConversationId,
    (incarnation, epoch): (u64, u64),
) -> Result<Option<Zeroizing<Vec<u8>>>> {
    conn.prepare_cached("SELECT key FROM receipt_key WHERE conversation = ?1 AND incarnation = ?2 AND epoch = ?3")?
        .query_row(params![id.0, int(incarnation), int(epoch)], |row| {
            row.get(0).map(Zeroizing::new)
        })
        .optional()
}

/// The conversation is over here: keys, slots that wait and what was to be said go. What others have read stays.
///
/// # Errors
/// The database's.
pub fn forget(conn: &Connection, id: ConversationId) -> Result<()> {
    for sql in [
        "DELETE FROM receipt_key WHERE conversation = ?1",
        "DELETE FROM receipt_held WHERE conversation = ?1",
        "DELETE FROM receipt_own WHERE conversation = ?1",
    ] {
        conn.prepare_cached(sql)?.execute([id.0])?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
