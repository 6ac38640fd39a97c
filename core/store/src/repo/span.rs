//! Stretches of a timeline, without contents: where items stand and which they are. A window reads these, and then only the
//! items that it does not have.

use curo_types::{ConversationId, DeviceId, MessageId, UserId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::item::Place;
use super::{Result, int, uint};

/// An item's place and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stub {
    /// Where it stands.
    pub place: Place,
    /// The device that sent it.
    pub sender_device: DeviceId,
    /// The message's id, or the intent of the commit behind a system event. Unique together with the device.
    pub message: MessageId,
    /// Another one whenever what stands in the item's row, or is folded into it, has changed.
    pub revision: u64,
}

fn stub(row: &Row<'_>) -> Result<Stub> {
    Ok(Stub {
        place: place(row)?,
        sender_device: DeviceId(row.get(2)?),
        message: MessageId(row.get(3)?),
        revision: uint(row.get(4)?),
    })
}

fn place(row: &Row<'_>) -> Result<Place> {
    Ok(Place::from_columns(row.get(0)?, row.get(1)?))
}

/// The columns of a lower or an upper bound; without one, of something beyond all places.
fn low(place: Option<Place>) -> (i64, i64) {
    place.map_or((-1, -1), Place::columns)
}

fn high(place: Option<Place>) -> (i64, i64) {
    place.map_or((i64::MAX, i64::MAX), Place::columns)
}

/// Items between two places, both included; in display order, or the newest first. At most `limit`.
///
/// # Errors
/// The database's.
pub fn between(
    conn: &Connection,
    conversation: ConversationId,
    (from, to): (Option<Place>, Option<Place>),
    newest_first: bool,
    limit: usize,
) -> Result<Vec<Stub>> {
    let (from, to) = (low(from), high(to));
    let order = if newest_first {
        "order_incarnation DESC, order_seq DESC"
    } else {
        "order_incarnation, order_seq"
    };
    conn.prepare_cached(&format!(
        "SELECT order_incarnation, order_seq, sender_device, message, revision FROM item WHERE conversation = ?1 \
         AND (order_incarnation, order_seq) >= (?2, ?3) AND (order_incarnation, order_seq) <= (?4, ?5) \
         ORDER BY {order} LIMIT ?6"
    ))?
    .query_map(
        params![conversation.0, from.0, from.1, to.0, to.1, int(limit as u64)],
        stub,
    )?
    .collect()
}

/// Items before a place (before the end, if none is given), the newest first.
///
/// # Errors
/// The database's.
pub fn before(
    conn: &Connection,
    conversation: ConversationId,
    place: Option<Place>,
    limit: usize,
) -> Result<Vec<Stub>> {
    let (incarnation, seq) = high(place);
    conn.prepare_cached(
        "SELECT order_incarnation, order_seq, sender_device, message, revision FROM item WHERE conversation = ?1 \
         AND (order_incarnation, order_seq) < (?2, ?3) ORDER BY order_incarnation DESC, order_seq DESC LIMIT ?4",
    )?
    .query_map(params![conversation.0, incarnation, seq, int(limit as u64)], stub)?
    .collect()
}

/// Items after a place (from the beginning, if none is given), the oldest first.
///
/// # Errors
/// The database's.
pub fn after(conn: &Connection, conversation: ConversationId, place: Option<Place>, limit: usize) -> Result<Vec<Stub>> {
    let (incarnation, seq) = low(place);
    conn.prepare_cached(
        "SELECT order_incarnation, order_seq, sender_device, message, revision FROM item WHERE conversation = ?1 \
         AND (order_incarnation, order_seq) > (?2, ?3) ORDER BY order_incarnation, order_seq LIMIT ?4",
    )?
    .query_map(params![conversation.0, incarnation, seq, int(limit as u64)], stub)?
    .collect()
}

/// Where an item stands now.
///
/// # Errors
/// The database's.
pub fn place_of(
    conn: &Connection,
    conversation: ConversationId,
    sender: DeviceId,
    message: MessageId,
) -> Result<Option<Place>> {
    conn.prepare_cached(
        "SELECT order_incarnation, order_seq FROM item WHERE conversation = ?1 AND sender_device = ?2 AND message = ?3",
    )?
    .query_row(params![conversation.0, sender.0, message.0], place)
    .optional()
}

/// The first message after a place that counts as unread.
///
/// # Errors
/// The database's.
pub fn first_unread(conn: &Connection, conversation: ConversationId, after: Option<Place>) -> Result<Option<Stub>> {
    let (incarnation, seq) = low(after);
    conn.prepare_cached(
        "SELECT order_incarnation, order_seq, sender_device, message, revision FROM item WHERE conversation = ?1 \
         AND (order_incarnation, order_seq) > (?2, ?3) AND counts ORDER BY order_incarnation, order_seq LIMIT 1",
    )?
    .query_row(params![conversation.0, incarnation, seq], stub)
    .optional()
}

/// The last place in the log; unsent items stand behind it.
///
/// # Errors
/// The database's.
pub fn newest_in_log(conn: &Connection, conversation: ConversationId) -> Result<Option<Place>> {
    conn.prepare_cached(
        "SELECT order_incarnation, order_seq FROM item WHERE conversation = ?1 AND order_incarnation < 9223372036854775807 \
         ORDER BY order_incarnation DESC, order_seq DESC LIMIT 1",
    )?
    .query_row([conversation.0], place)
    .optional()
}

/// Messages of others that stand in the log after a place. At most `limit` items are looked at.
///
/// # Errors
/// The database's.
pub fn arrived_after(
    conn: &Connection,
    conversation: ConversationId,
    after: Option<Place>,
    me: UserId,
    limit: usize,
) -> Result<u64> {
    let (incarnation, seq) = low(after);
    conn.prepare_cached(
        "SELECT count(*) FILTER (WHERE kind = 'message' AND sender_user <> ?5) FROM (SELECT kind, sender_user FROM item \
         WHERE conversation = ?1 AND (order_incarnation, order_seq) > (?2, ?3) AND order_incarnation < 9223372036854775807 \
         ORDER BY order_incarnation, order_seq LIMIT ?4)",
    )?
    .query_row(
        params![conversation.0, incarnation, seq, int(limit as u64), me.0],
        |row| Ok(uint(row.get(0)?)),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
