//! What every request to a conversation is judged by: who the caller is there, what it has sent before, where the log stands.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::{self, Connection, Row};
use curo_types::api::Accepted;
use curo_types::format::CursorClaim;
use curo_types::{ConversationId, DeviceId, Digest, IntentId, SuiteId, TenantId, UserId};

use super::devices::{self, DeviceStanding};
use super::log;
use super::sql::{Stop, U, all, first};
use crate::storage::{DeviceRef, Missing, Refusal, Tip};

/// A conversation and an incarnation of it, as a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) conversation: ConversationId,
    pub(super) incarnation: u64,
}

impl Place<'_> {
    /// The key's columns: tenant, conversation, incarnation.
    pub(super) fn key(&self) -> (&str, [u8; 16], U) {
        (self.tenant.as_str(), self.conversation.0, U(self.incarnation))
    }
}

/// The state of an incarnation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Group {
    pub(super) group: [u8; 16],
    pub(super) suite: SuiteId,
    pub(super) epoch: u64,
    pub(super) last_seq: u64,
    pub(super) last_h: Digest,
    pub(super) leaves: u64,
    /// Whether it takes nothing more (3.9, 7.2, 6.6).
    pub(super) over: bool,
    /// The first entry from which on all bodies are kept (5.8).
    pub(super) kept_from: u64,
    /// Whether no entry is there that retention will have to look at.
    pub(super) keeps_none: bool,
}

/// A span of membership: entries after `joined_seq` up to `removed_seq` are the device's, and none any more once its user has
/// left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) joined_seq: u64,
    pub(super) removed_seq: Option<u64>,
    /// The log's last entry when the user left.
    pub(super) left_seq: Option<u64>,
}

impl Span {
    /// Whether the device was removed, or its user has left.
    pub(super) fn has_ended(self) -> bool {
        self.removed_seq.is_some() || self.left_seq.is_some()
    }

    /// Whether the device may see entry `seq`: it was a member when it was appended, the entry that added or removed it
    /// included, and its user has not left since.
    pub(super) fn covers(self, seq: u64) -> bool {
        self.left_seq.is_none() && seq >= self.joined_seq && self.removed_seq.is_none_or(|removed| seq <= removed)
    }
}

/// Where a caller stands in the live incarnation, of which it is a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Standing {
    pub(super) group: Group,
    pub(super) span: Span,
}

/// The conversation's live incarnation.
pub(super) fn live_incarnation(
    conn: &Connection,
    tenant: &TenantId,
    conversation: ConversationId,
) -> Result<Option<u64>, DbError> {
    let sql = "SELECT incarnation FROM conversation WHERE tenant = ?1 AND conversation = ?2";
    let live = first(conn, sql, (tenant.as_str(), conversation.0), |row| row.get::<_, U>(0))?;
    Ok(live.map(|U(incarnation)| incarnation))
}

/// An incarnation's state.
pub(super) fn group(conn: &Connection, place: Place<'_>) -> Result<Option<Group>, DbError> {
    first(
        conn,
        "SELECT group_id, suite, epoch, last_seq, last_h, leaves, over IS NOT NULL, kept_from, kept_since_ms IS NULL FROM incarnation
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3",
        place.key(),
        |row| {
            Ok(Group {
                group: row.get(0)?,
                suite: SuiteId(row.get(1)?),
                epoch: row.get::<_, U>(2)?.0,
                last_seq: row.get::<_, U>(3)?.0,
                last_h: Digest(row.get(4)?),
                leaves: row.get::<_, U>(5)?.0,
                over: row.get(6)?,
                kept_from: row.get::<_, U>(7)?.0,
                keeps_none: row.get(8)?,
            })
        },
    )
}

/// A device's spans of membership, oldest first.
pub(super) fn spans(conn: &Connection, place: Place<'_>, device: DeviceId) -> Result<Vec<Span>, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    all(
        conn,
        "SELECT joined_seq, removed_seq, left_seq FROM membership INDEXED BY membership_device
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4 ORDER BY joined_seq",
        (tenant, conversation, incarnation, device.0),
        |row| {
            Ok(Span {
                joined_seq: row.get::<_, U>(0)?.0,
                removed_seq: row.get::<_, Option<U>>(1)?.map(|U(seq)| seq),
                left_seq: row.get::<_, Option<U>>(2)?.map(|U(seq)| seq),
            })
        },
    )
}

/// Whether the device's last span ended because its user left: it is told nothing any more.
pub(super) fn has_left(conn: &Connection, place: Place<'_>, device: DeviceId) -> Result<bool, DbError> {
    Ok(spans(conn, place, device)?
        .last()
        .is_some_and(|span| span.left_seq.is_some()))
}

/// The devices that have a leaf.
pub(super) fn leaves(conn: &Connection, place: Place<'_>) -> Result<Vec<DeviceId>, DbError> {
    all(
        conn,
        "SELECT device FROM membership INDEXED BY membership_leaf
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND removed_seq IS NULL",
        place.key(),
        |row| row.get(0).map(DeviceId),
    )
}

/// The devices that have a leaf in the live incarnation, with their users.
pub(super) fn members(
    conn: &Connection,
    tenant: &TenantId,
    conversation: ConversationId,
) -> Result<Vec<DeviceRef>, DbError> {
    all(
        conn,
        "SELECT p.user, p.device FROM conversation c
         JOIN membership m ON m.tenant = c.tenant AND m.conversation = c.conversation AND m.incarnation = c.incarnation
                          AND m.removed_seq IS NULL
         JOIN participant p ON p.tenant = m.tenant AND p.conversation = m.conversation AND p.incarnation = m.incarnation
                           AND p.device = m.device
         WHERE c.tenant = ?1 AND c.conversation = ?2 ORDER BY p.device",
        (tenant.as_str(), conversation.0),
        |row| {
            Ok(DeviceRef {
                user: UserId(row.get(0)?),
                device: DeviceId(row.get(1)?),
            })
        },
    )
}

/// Whether the device may act at all.
pub(super) fn require_device(conn: &Connection, tenant: &TenantId, caller: DeviceRef) -> Result<(), Stop<Refusal>> {
    match devices::device_standing(conn, tenant, caller)? {
        DeviceStanding::Active => Ok(()),
        DeviceStanding::Unknown => Err(Stop::refused(Refusal::UnknownDevice)),
        DeviceStanding::Revoked => Err(Stop::refused(Refusal::DeviceRevoked)),
    }
}

/// The caller's standing for an append (3.1): device, then membership, then incarnation.
pub(super) fn standing(conn: &Connection, place: Place<'_>, caller: DeviceRef) -> Result<Standing, Stop<Refusal>> {
    let standing = member(conn, place, caller)?;
    if standing.group.over {
        return Err(Stop::refused(Refusal::IncarnationOver));
    }
    Ok(standing)
}

/// The same, whether or not the incarnation is over.
pub(super) fn member(conn: &Connection, place: Place<'_>, caller: DeviceRef) -> Result<Standing, Stop<Refusal>> {
    require_device(conn, place.tenant, caller)?;
    let not_a_member = || Stop::refused(Refusal::NotAMember);
    let live = live_incarnation(conn, place.tenant, place.conversation)?.ok_or_else(not_a_member)?;
    let here = Place {
        incarnation: live,
        ..place
    };
    // Whoever has a leaf in the live incarnation or in the one that it names may know that there is another.
    let mut known = spans(conn, here, caller.device)?;
    if live != place.incarnation {
        known.extend(spans(conn, place, caller.device)?);
        let refusal = if known.is_empty() {
            Refusal::NotAMember
        } else {
            Refusal::IncarnationChanged
        };
        return Err(Stop::refused(refusal));
    }
    let span = known.pop().ok_or_else(not_a_member)?;
    if span.has_ended() {
        return Err(Stop::refused(Refusal::Removed));
    }
    let group = group(conn, here)?.ok_or(DbError::NoRow)?;
    Ok(Standing { group, span })
}

/// The result of an intent that was accepted before (3.1); refused if it came with other bytes.
pub(super) fn known_intent(
    conn: &Connection,
    place: Place<'_>,
    sender: DeviceId,
    intent: IntentId,
    body_hash: Digest,
) -> Result<Option<Accepted>, Stop<Refusal>> {
    let (tenant, conversation, incarnation) = place.key();
    let known = first(
        conn,
        "SELECT body_hash, seq, h, time_ms, directory_version FROM entry
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND sender = ?4 AND intent = ?5",
        (tenant, conversation, incarnation, sender.0, intent.0),
        |row| Ok((Digest(row.get(0)?), accepted(row, intent)?)),
    )?;
    match known {
        None => Ok(None),
        Some((hash, accepted)) if hash == body_hash => Ok(Some(accepted)),
        Some(_) => Err(Stop::refused(Refusal::IntentReused)),
    }
}

fn accepted(row: &Row<'_>, intent: IntentId) -> rusqlite::Result<Accepted> {
    Ok(Accepted {
        intent,
        seq: row.get::<_, U>(1)?.0,
        h: Digest(row.get(2)?),
        time_ms: row.get::<_, U>(3)?.0,
        directory_version: row.get::<_, Option<U>>(4)?.map(|U(version)| version),
        duplicate: true,
    })
}

/// Refuses a cursor that is not of this log: the sender has seen what this store does not hold.
pub(super) fn check_cursor(
    conn: &Connection,
    place: Place<'_>,
    cursor: Option<CursorClaim>,
) -> Result<(), Stop<Refusal>> {
    let Some(cursor) = cursor else { return Ok(()) };
    let here = if cursor.seq == 0 {
        Some(Digest::ZERO)
    } else {
        log::hash_at(conn, place, cursor.seq)?
    };
    if here == Some(cursor.h) {
        Ok(())
    } else {
        Err(Stop::refused(Refusal::StoreChanged))
    }
}

/// What a refused sender has missed.
pub(super) fn missing(
    conn: &Connection,
    place: Place<'_>,
    standing: Standing,
    cursor: Option<CursorClaim>,
) -> Result<Missing, DbError> {
    let after = cursor.map_or(0, |cursor| cursor.seq).max(standing.span.joined_seq);
    let group = standing.group;
    let run = log::run(conn, place, after, group.last_seq, usize::MAX)?;
    Ok(Missing {
        entries: run.entries,
        tip: tip(place, group.last_seq, group.last_h),
    })
}

pub(super) fn tip(place: Place<'_>, seq: u64, h: Digest) -> Tip {
    Tip {
        conversation: place.conversation,
        incarnation: place.incarnation,
        seq,
        h,
    }
}

/// The tip of a span: the log's, or that of the removal or of the moment when the user left.
pub(super) fn tip_of_span(conn: &Connection, place: Place<'_>, group: Group, span: Span) -> Result<Tip, DbError> {
    match span.left_seq.or(span.removed_seq) {
        None => Ok(tip(place, group.last_seq, group.last_h)),
        Some(seq) => Ok(tip(place, seq, log::hash_at(conn, place, seq)?.ok_or(DbError::NoRow)?)),
    }
}

/// The tip of what a device, member once, may see now.
pub(super) fn visible_tip(conn: &Connection, place: Place<'_>, device: DeviceId) -> Result<Tip, DbError> {
    let group = group(conn, place)?.ok_or(DbError::NoRow)?;
    let span = spans(conn, place, device)?.pop().ok_or(DbError::NoRow)?;
    tip_of_span(conn, place, group, span)
}
