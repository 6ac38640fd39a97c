//! What is kept of the log so that a relay which was restored from a backup can have it back (rule 7.2): entries, signed
//! tips, the beginning of groups. Bounded in time and bytes; the oldest go first, a few with each that comes.

use curo_types::api::EntryRecord;
use curo_types::format::EntryKind;
use curo_types::{Blob, ConversationId, DeviceId, Digest, IntentId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{Result, int, uint};

/// How long entries are kept: 7 days.
pub const KEPT_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Bytes of bodies that are kept, over all conversations: 32 MiB.
pub const KEPT_BYTES: u64 = 32 * 1024 * 1024;
/// Entries that go with each that comes, at most: more than one, so that the bound is reached again.
const PRUNED: usize = 4;

/// Keeps an entry; prunes what is too old or too much.
///
/// # Errors
/// The database's.
pub fn put(conn: &Connection, id: ConversationId, entry: &EntryRecord, now_ms: u64) -> Result<()> {
    let kind = entry.kind.as_str();
    let inserted = conn
        .prepare_cached(
            "INSERT INTO kept_entry (conversation, incarnation, seq, kind, epoch, sender, intent, directory_version, \
             time_ms, h, body, leaves, kept_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            id.0,
            int(entry.incarnation),
            int(entry.seq),
            kind,
            int(entry.epoch),
            entry.sender.0,
            entry.intent.0,
            entry.directory_version.map(int),
            int(entry.time_ms),
            entry.h.0,
            entry.body.as_slice(),
            pack(&entry.leaves),
            int(now_ms),
        ])?;
    if inserted == 0 {
        return Ok(());
    }
    let added = i64::try_from(entry.body.len()).unwrap_or(i64::MAX);
    let mut bytes: i64 = conn
        .prepare_cached("UPDATE kept SET bytes = bytes + ?1 RETURNING bytes")?
        .query_row([added], |row| row.get(0))?;
    for _ in 0..PRUNED {
        let oldest = conn
            .prepare_cached(
                "SELECT id, conversation, incarnation, seq, kept_ms, length(body) FROM kept_entry ORDER BY id LIMIT 1",
            )?
            .query_row([], |row| {
                let place: ([u8; 16], i64, i64) = (row.get(1)?, row.get(2)?, row.get(3)?);
                Ok((
                    row.get::<_, i64>(0)?,
                    place,
                    row.get::<_, i64>(4)?,
                    row.get::<_, i64>(5)?,
                ))
            })
            .optional()?;
        let Some((row, place, kept_ms, length)) = oldest else {
            break;
        };
        let old = uint(kept_ms).saturating_add(KEPT_MS) <= now_ms;
        if !old && uint(bytes) <= KEPT_BYTES {
            break;
        }
        conn.prepare_cached("DELETE FROM kept_entry WHERE id = ?1")?
            .execute([row])?;
        conn.prepare_cached(
            "DELETE FROM kept_tip WHERE conversation = ?1 AND incarnation = ?2 AND seq = ?3 AND EXISTS \
             (SELECT 1 FROM kept_tip AS later WHERE later.conversation = ?1 AND later.incarnation = ?2 AND later.seq > ?3)",
        )?
        .execute(params![place.0, place.1, place.2])?;
        if place.2 == 1 {
            conn.prepare_cached("DELETE FROM kept_start WHERE conversation = ?1 AND incarnation = ?2")?
                .execute(params![place.0, place.1])?;
        }
        bytes = conn
            .prepare_cached("UPDATE kept SET bytes = max(bytes - ?1, 0) RETURNING bytes")?
            .query_row([length], |row| row.get(0))?;
    }
    Ok(())
}

/// Entries that are kept after `after`, in order, as far as they are contiguous: at most `limit`, and `bytes` of bodies, one
/// at least.
///
/// # Errors
/// The database's.
pub fn run(
    conn: &Connection,
    id: ConversationId,
    incarnation: u64,
    after: u64,
    limit: usize,
    bytes: usize,
) -> Result<Vec<EntryRecord>> {
    let mut statement = conn.prepare_cached(
        "SELECT incarnation, seq, kind, epoch, sender, intent, directory_version, time_ms, h, body, leaves FROM kept_entry \
         WHERE conversation = ?1 AND incarnation = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![id.0, int(incarnation), int(after), limit])?;
    let (mut run, mut size): (Vec<EntryRecord>, usize) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let entry = read(row)?;
        size = size.saturating_add(entry.body.len());
        let follows = entry.seq == run.last().map_or(after, |last| last.seq) + 1;
        if !follows || (size > bytes && !run.is_empty()) {
            break;
        }
        run.push(entry);
    }
    Ok(run)
}

/// The hash of an entry that is kept.
///
/// # Errors
/// The database's.
pub fn hash_at(conn: &Connection, id: ConversationId, incarnation: u64, seq: u64) -> Result<Option<Digest>> {
    conn.prepare_cached("SELECT h FROM kept_entry WHERE conversation = ?1 AND incarnation = ?2 AND seq = ?3")?
        .query_row(params![id.0, int(incarnation), int(seq)], |row| row.get(0).map(Digest))
        .optional()
}

/// The first entry of the contiguous run that ends with `last`.
///
/// # Errors
/// The database's.
pub fn first_before(conn: &Connection, id: ConversationId, incarnation: u64, last: u64) -> Result<Option<u64>> {
    // Entries go from the oldest on, so a run has no holes but where the device was out.
    let mut statement = conn.prepare_cached(
        "SELECT seq FROM kept_entry WHERE conversation = ?1 AND incarnation = ?2 AND seq <= ?3 ORDER BY seq DESC",
    )?;
    let mut rows = statement.query(params![id.0, int(incarnation), int(last)])?;
    let mut first = None;
    while let Some(row) = rows.next()? {
        let seq = uint(row.get(0)?);
        if seq != first.map_or(last, |first: u64| first - 1) {
            break;
        }
        first = Some(seq);
    }
    Ok(first)
}

fn read(row: &Row<'_>) -> Result<EntryRecord> {
    let kind: String = row.get(2)?;
    let leaves: Vec<u8> = row.get(10)?;
    Ok(EntryRecord {
        incarnation: uint(row.get(0)?),
        seq: uint(row.get(1)?),
        kind: if kind == EntryKind::Commit.as_str() {
            EntryKind::Commit
        } else {
            EntryKind::Message
        },
        epoch: uint(row.get(3)?),
        sender: DeviceId(row.get(4)?),
        intent: IntentId(row.get(5)?),
        directory_version: row.get::<_, Option<i64>>(6)?.map(uint),
        time_ms: uint(row.get(7)?),
        h: Digest(row.get(8)?),
        body: Blob(row.get(9)?),
        leaves: unpack(&leaves),
    })
}

fn pack(leaves: &[Blob]) -> Vec<u8> {
    let mut packed = Vec::new();
    for leave in leaves {
        packed.extend(u32::try_from(leave.len()).unwrap_or(0).to_be_bytes());
        packed.extend(leave.as_slice());
    }
    packed
}

fn unpack(mut packed: &[u8]) -> Vec<Blob> {
    let mut leaves = Vec::new();
    while let Some((length, rest)) = packed.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some((leave, rest)) = rest.split_at_checked(length) else {
            break;
        };
        leaves.push(Blob(leave.to_vec()));
        packed = rest;
    }
    leaves
}

/// Keeps a signed tip.
///
/// # Errors
/// The database's.
pub fn put_tip(conn: &Connection, id: ConversationId, incarnation: u64, seq: u64, tip: &[u8]) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO kept_tip (conversation, incarnation, seq, tip) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    )?
    .execute(params![id.0, int(incarnation), int(seq), tip])?;
    Ok(())
}

/// The last signed tip that is kept of an incarnation, at or before `seq` and behind `after`.
///
/// # Errors
/// The database's.
pub fn tip_within(
    conn: &Connection,
    id: ConversationId,
    incarnation: u64,
    after: u64,
    seq: u64,
) -> Result<Option<Vec<u8>>> {
    conn.prepare_cached(
        "SELECT tip FROM kept_tip WHERE conversation = ?1 AND incarnation = ?2 AND seq > ?3 AND seq <= ?4 \
         ORDER BY seq DESC LIMIT 1",
    )?
    .query_row(params![id.0, int(incarnation), int(after), int(seq)], |row| row.get(0))
    .optional()
}

/// Keeps the beginning of a group.
///
/// # Errors
/// The database's.
pub fn put_start(conn: &Connection, id: ConversationId, incarnation: u64, start: &[u8]) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO kept_start (conversation, incarnation, start) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?
    .execute(params![id.0, int(incarnation), start])?;
    Ok(())
}

/// The beginning of a group.
///
/// # Errors
/// The database's.
pub fn start(conn: &Connection, id: ConversationId, incarnation: u64) -> Result<Option<Vec<u8>>> {
    conn.prepare_cached("SELECT start FROM kept_start WHERE conversation = ?1 AND incarnation = ?2")?
        .query_row(params![id.0, int(incarnation)], |row| row.get(0))
        .optional()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
