//! Dropping the bodies of old entries (5.8, 9.4): from the oldest on, a bounded number in a transaction.
//!
//! The skeleton stays, and with it intents, winners and hashes. So do the commits that lead from the live group's checkpoint to
//! its epoch (9.2), and what a Welcome or a GroupInfo needs (3.8): trees and Welcomes stand in tables of their own.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::{ConversationId, TenantId};

use super::checkpoints;
use super::conversations::{self, Place};
use super::sql::{U, all, run};
use crate::storage::DroppedBodies;

/// Bodies that one transaction drops, and their bytes (one may exceed them alone), so that it does not hold up others.
const BATCH: usize = 500;
const BATCH_BYTES: u64 = 8 * 1024 * 1024;
/// More than the commits that a group's state can need (the bound of `commits_per_checkpoint`): so a page of entries always has
/// one at which the budget or the time ends.
const NEEDED: usize = 512;
/// Incarnations that one transaction looks at.
const PLACES: u64 = 64;

/// An entry whose body is there.
struct Kept {
    seq: u64,
    commit: bool,
    epoch: u64,
    time_ms: u64,
    bytes: u64,
}

/// What is left of a batch.
struct Budget {
    rows: usize,
    bytes: u64,
    dropped: u64,
}

impl Budget {
    /// Takes one body out of the budget. The first one always fits.
    fn take(&mut self, bytes: u64) -> bool {
        if self.rows == 0 || (self.dropped > 0 && bytes > self.bytes) {
            self.rows = 0;
            return false;
        }
        self.rows -= 1;
        self.bytes = self.bytes.saturating_sub(bytes);
        self.dropped += 1;
        true
    }
}

/// Drops one batch of what was accepted before `before_ms`.
pub(super) fn drop_bodies(conn: &Connection, tenant: &TenantId, before_ms: u64) -> Result<DroppedBodies, DbError> {
    let due = all(
        conn,
        "SELECT conversation, incarnation, kept_from FROM incarnation INDEXED BY incarnation_kept
         WHERE tenant = ?1 AND kept_since_ms < ?2 ORDER BY kept_since_ms LIMIT ?3",
        (tenant.as_str(), U(before_ms), U(PLACES)),
        |row| {
            let place = Place {
                tenant,
                conversation: ConversationId(row.get(0)?),
                incarnation: row.get::<_, U>(1)?.0,
            };
            Ok((place, row.get::<_, U>(2)?.0))
        },
    )?;
    let mut budget = Budget {
        rows: BATCH,
        bytes: BATCH_BYTES,
        dropped: 0,
    };
    let full = u64::try_from(due.len()).unwrap_or(u64::MAX) >= PLACES;
    for (place, kept_from) in due {
        if budget.rows == 0 {
            break;
        }
        drop_in(conn, place, kept_from, before_ms, &mut budget)?;
    }
    Ok(DroppedBodies {
        dropped: budget.dropped,
        more: full || budget.rows == 0,
    })
}

/// Drops what is old in one incarnation, as far as the budget goes.
fn drop_in(
    conn: &Connection,
    place: Place<'_>,
    kept_from: u64,
    before_ms: u64,
    budget: &mut Budget,
) -> Result<(), DbError> {
    let group = conversations::group(conn, place)?.ok_or(DbError::NoRow)?;
    let live = conversations::live_incarnation(conn, place.tenant, place.conversation)? == Some(place.incarnation);
    let needed_from = if live && !group.over {
        checkpoints::epoch(conn, place)?
    } else {
        u64::MAX
    };
    // Commits that an earlier batch had to leave.
    for kept in kept(conn, place, 0, kept_from, NEEDED)? {
        if kept.epoch < needed_from {
            if !budget.take(kept.bytes) {
                return Ok(());
            }
            drop_body(conn, place, kept.seq)?;
        }
    }
    let mut from = kept_from;
    let mut since = None;
    for kept in kept(conn, place, kept_from, u64::MAX, BATCH + NEEDED)? {
        since = Some(U(kept.time_ms));
        if kept.time_ms >= before_ms {
            break;
        }
        if kept.commit && kept.epoch >= needed_from {
            since = None;
        } else if budget.take(kept.bytes) {
            drop_body(conn, place, kept.seq)?;
            (from, since) = (kept.seq + 1, None);
        } else {
            break;
        }
    }
    let (tenant, conversation, incarnation) = place.key();
    run(
        conn,
        "UPDATE incarnation SET kept_from = ?4, kept_since_ms = ?5
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3",
        (tenant, conversation, incarnation, U(from), since),
    )?;
    Ok(())
}

/// Notes that there is something to keep again, from the entry that is being appended on.
pub(super) fn keeps_again(conn: &Connection, place: Place<'_>, time_ms: u64) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    run(
        conn,
        "UPDATE incarnation SET kept_since_ms = ?4 WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3",
        (tenant, conversation, incarnation, U(time_ms)),
    )?;
    Ok(())
}

/// Entries from `from` to before `to` that have their bodies.
fn kept(conn: &Connection, place: Place<'_>, from: u64, to: u64, limit: usize) -> Result<Vec<Kept>, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    let to = to.min(i64::MAX.unsigned_abs());
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    all(
        conn,
        "SELECT b.seq, e.kind, e.epoch, e.time_ms, length(b.body) FROM body b
         CROSS JOIN entry e ON e.tenant = b.tenant AND e.conversation = b.conversation AND e.incarnation = b.incarnation
             AND e.seq = b.seq
         WHERE b.tenant = ?1 AND b.conversation = ?2 AND b.incarnation = ?3 AND b.seq >= ?4 AND b.seq < ?5
         ORDER BY b.seq LIMIT ?6",
        (tenant, conversation, incarnation, U(from), U(to), U(limit)),
        |row| {
            Ok(Kept {
                seq: row.get::<_, U>(0)?.0,
                commit: row.get::<_, String>(1)? == "commit",
                epoch: row.get::<_, U>(2)?.0,
                time_ms: row.get::<_, U>(3)?.0,
                bytes: row.get::<_, U>(4)?.0,
            })
        },
    )
}

fn drop_body(conn: &Connection, place: Place<'_>, seq: u64) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    run(
        conn,
        "DELETE FROM body WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND seq = ?4",
        (tenant, conversation, incarnation, U(seq)),
    )?;
    Ok(())
}
