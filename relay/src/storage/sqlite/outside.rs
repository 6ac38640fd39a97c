//! Coming into a group from outside (3.5): who may, and what is needed for it.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::{ConversationId, DeviceId, GroupId, TenantId, UserId};

use super::conversations::{self, Place, Span, Standing};
use super::sql::{Stop, U, exists, first, one};
use super::{incarnations, silence, tenants};
use crate::storage::{CurrentGroup, DeviceRef, GroupInfoOutcome, Refusal};

/// The caller's standing for an external commit: it has a leaf, which is replaced, or its user is a member, with a leaf or without one.
pub(super) fn standing(conn: &Connection, place: Place<'_>, caller: DeviceRef) -> Result<Standing, Stop<Refusal>> {
    conversations::require_device(conn, place.tenant, caller)?;
    let not_a_member = || Stop::refused(Refusal::NotAMember);
    let live = conversations::live_incarnation(conn, place.tenant, place.conversation)?.ok_or_else(not_a_member)?;
    let here = Place {
        incarnation: live,
        ..place
    };
    match entry(conn, here, caller)? {
        Entry::No { was_here: true } => Err(Stop::refused(Refusal::Removed)),
        Entry::No { was_here: false } => Err(not_a_member()),
        _ if live != place.incarnation => Err(Stop::refused(Refusal::IncarnationChanged)),
        entry => {
            let group = conversations::group(conn, here)?.ok_or(DbError::NoRow)?;
            if group.over {
                return Err(Stop::refused(Refusal::IncarnationOver));
            }
            let span = match entry {
                Entry::Leaf(span) => span,
                // It sees nothing of what was before it comes.
                Entry::Member | Entry::No { .. } => Span {
                    joined_seq: group.last_seq,
                    removed_seq: None,
                    left_seq: None,
                },
            };
            Ok(Standing { group, span })
        }
    }
}

/// How a device may come in.
enum Entry {
    /// It has a leaf.
    Leaf(Span),
    /// It has none, and its user is a member.
    Member,
    /// Not at all.
    No {
        /// Whether it was a member once.
        was_here: bool,
    },
}

fn entry(conn: &Connection, here: Place<'_>, caller: DeviceRef) -> Result<Entry, DbError> {
    let last = conversations::spans(conn, here, caller.device)?.pop();
    match last.filter(|span| !span.has_ended()) {
        Some(span) => Ok(Entry::Leaf(span)),
        None if is_member(conn, here, caller.user)? => Ok(Entry::Member),
        // The last leaf was silent for long (6.3).
        None if silence::is_dormant(conn, here, caller.user)? => Ok(Entry::Member),
        // Left out when the incarnation was opened (3.7).
        None if here.incarnation > 1 && incarnations::on_roster(conn, here, caller.user)? => Ok(Entry::Member),
        None => Ok(Entry::No {
            was_here: last.is_some(),
        }),
    }
}

/// Whether a device of the user has a leaf.
pub(super) fn is_member(conn: &Connection, place: Place<'_>, user: UserId) -> Result<bool, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    exists(
        conn,
        "SELECT 1 FROM participant p
         JOIN membership m INDEXED BY membership_leaf
           ON m.tenant = p.tenant AND m.conversation = p.conversation AND m.incarnation = p.incarnation
          AND m.device = p.device AND m.removed_seq IS NULL AND m.left_seq IS NULL
         WHERE p.tenant = ?1 AND p.conversation = ?2 AND p.incarnation = ?3 AND p.user = ?4 LIMIT 1",
        (tenant, conversation, incarnation, user.0),
    )
}

/// The group as it is now.
pub(super) fn group_info(
    conn: &Connection,
    tenant: &TenantId,
    conversation: ConversationId,
    caller: DeviceRef,
) -> Result<GroupInfoOutcome, DbError> {
    let Some(incarnation) = conversations::live_incarnation(conn, tenant, conversation)? else {
        return Ok(GroupInfoOutcome::NotAMember);
    };
    let place = Place {
        tenant,
        conversation,
        incarnation,
    };
    match entry(conn, place, caller)? {
        Entry::No { was_here: true } => return Ok(GroupInfoOutcome::Removed),
        Entry::No { was_here: false } => return Ok(GroupInfoOutcome::NotAMember),
        Entry::Leaf(_) | Entry::Member => {}
    }
    let group = conversations::group(conn, place)?.ok_or(DbError::NoRow)?;
    let (group_info, tree, U(epoch)) = one(
        conn,
        "SELECT g.group_info, t.tree, g.epoch FROM group_state g
         JOIN tree t ON t.tenant = g.tenant AND t.conversation = g.conversation AND t.incarnation = g.incarnation
         WHERE g.tenant = ?1 AND g.conversation = ?2 AND g.incarnation = ?3 ORDER BY t.seq DESC LIMIT 1",
        place.key(),
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    if epoch != group.epoch {
        return Ok(GroupInfoOutcome::Missing);
    }
    Ok(GroupInfoOutcome::Current(Box::new(CurrentGroup {
        group: GroupId(group.group),
        suite: group.suite,
        epoch: group.epoch,
        group_info,
        tree,
        directory_version: tenants::directory_version(conn, tenant)?,
        counter: counter(conn, place, caller.device)?,
        kept_from: group.kept_from,
        tip: conversations::tip(place, group.last_seq, group.last_h),
    })))
}

/// Messages of a device that were accepted.
fn counter(conn: &Connection, place: Place<'_>, device: DeviceId) -> Result<u64, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    let counter = first(
        conn,
        "SELECT counter FROM participant
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4",
        (tenant, conversation, incarnation, device.0),
        |row| row.get::<_, U>(0),
    )?;
    Ok(counter.map_or(0, |U(counter)| counter))
}
