//! Incarnations: reports that end one (3.9), opening the next by compare-and-set (3.7), what there is.

use std::collections::BTreeSet;

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::api::IncarnationRecord;
use curo_types::{ConversationId, DeviceId, Digest, GroupId, SuiteId, TenantId, UserId};

use super::commit_rules::rule;
use super::conversations::{self, Place};
use super::inbox::{self, Kind};
use super::log;
use super::silence;
use super::sql::{Stop, U, all, exists, first, one, run};
use crate::storage::incarnations::REPORTS_NEEDED;
use crate::storage::{
    CommitReport, CommittedEntry, DeviceRef, IncarnationsOutcome, LostEntries, NewConversation, Refusal, ReportOutcome,
};

type Refused = Stop<Refusal>;

/// Incarnations over which somebody who was left out is remembered.
const ROSTERS: u64 = 16;
/// Incarnations of one answer.
const LISTED: usize = 64;

/// Why an incarnation is over, and what of it stands.
pub(super) struct Over {
    pub(super) reason: String,
    pub(super) stands: u64,
}

/// Whether an incarnation is over.
pub(super) fn over(conn: &Connection, place: Place<'_>) -> Result<Option<Over>, DbError> {
    let found = first(
        conn,
        "SELECT over, stands FROM incarnation WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3",
        place.key(),
        |row| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, Option<U>>(1)?)),
    )?;
    Ok(found.and_then(|(reason, stands)| {
        Some(Over {
            reason: reason?,
            stands: stands.map_or(0, |U(seq)| seq),
        })
    }))
}

/// Ends an incarnation: it takes nothing more.
pub(super) fn end(conn: &Connection, place: Place<'_>, reason: &str, stands: u64) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    run(
        conn,
        "UPDATE incarnation SET over = ?4, stands = ?5
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND over IS NULL",
        (tenant, conversation, incarnation, reason, U(stands)),
    )?;
    Ok(())
}

/// Takes a report (3.9): by a member of the live incarnation about a commit that it should have applied and has not. Enough
/// of them end the incarnation.
pub(super) fn report(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    report: &CommitReport,
    now_ms: u64,
) -> Result<ReportOutcome, Refused> {
    let place = Place {
        tenant,
        conversation: report.conversation,
        incarnation: report.incarnation,
    };
    let standing = conversations::member(conn, place, caller)?;
    if standing.group.over {
        return Ok(ReportOutcome::Noted {
            over: true,
            author: None,
        });
    }
    let winner = log::winner_seen_by(conn, place, caller.device, report.epoch)?;
    let Some(winner) = winner.filter(|winner| winner.body_hash == report.commit) else {
        return rule("no_such_commit");
    };
    if winner.seq <= standing.span.joined_seq {
        // Who was added by it rejoins from outside; who came later was never asked to process it.
        return rule("commit_before_joining");
    }
    let (tenant, conversation, incarnation) = place.key();
    let U(cursor) = one(
        conn,
        "SELECT cursor_seq FROM participant
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4",
        (tenant, conversation, incarnation, caller.device.0),
        |row| row.get(0),
    )?;
    if cursor >= winner.seq {
        return rule("commit_was_applied");
    }
    let author = user_of(conn, place, winner.sender)?.ok_or(DbError::NoRow)?;
    if author != caller.user {
        run(
            conn,
            "INSERT INTO report (tenant, conversation, incarnation, seq, user, reason, time_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
            (
                tenant,
                conversation,
                incarnation,
                U(winner.seq),
                caller.user.0,
                report.reason.as_str(),
                U(now_ms),
            ),
        )?;
    }
    let users = roster(conn, place)?;
    let others = users.iter().filter(|user| **user != author).count();
    let reported = all(
        conn,
        "SELECT user FROM report WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND seq = ?4",
        (tenant, conversation, incarnation, U(winner.seq)),
        |row| row.get(0).map(UserId),
    )?;
    let reported = reported.iter().filter(|user| users.contains(user)).count();
    let needed = others.min(usize::try_from(REPORTS_NEEDED).unwrap_or(usize::MAX));
    let is_over = needed > 0 && reported >= needed;
    if is_over {
        end(conn, place, "commit", winner.seq.saturating_sub(1))?;
    }
    Ok(ReportOutcome::Noted {
        over: is_over,
        author: is_over.then_some(winner.sender),
    })
}

/// The user that a device has been a member as.
fn user_of(conn: &Connection, place: Place<'_>, device: DeviceId) -> Result<Option<UserId>, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    first(
        conn,
        "SELECT user FROM participant
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4",
        (tenant, conversation, incarnation, device.0),
        |row| row.get(0).map(UserId),
    )
}

/// The users with a leaf or dormant, and those of the incarnation before who were left out when this one was opened.
pub(super) fn roster(conn: &Connection, place: Place<'_>) -> Result<BTreeSet<UserId>, DbError> {
    let mut roster = with_leaf(conn, place)?;
    // Each was asked for by members who agreed, so there are few; of very old ones nobody is left.
    let oldest = place.incarnation.saturating_sub(ROSTERS).max(1);
    for incarnation in (oldest..place.incarnation).rev() {
        for user in with_leaf(conn, Place { incarnation, ..place })? {
            if !was_here(conn, place, incarnation + 1, user)?
                && !silence::was_let_go(conn, place, incarnation + 1, user)?
            {
                roster.insert(user);
            }
        }
    }
    Ok(roster)
}

/// Whether a user is on the roster.
pub(super) fn on_roster(conn: &Connection, place: Place<'_>, user: UserId) -> Result<bool, DbError> {
    Ok(roster(conn, place)?.contains(&user))
}

/// Whether a user ever had a leaf in an incarnation from `from` up to this one.
fn was_here(conn: &Connection, place: Place<'_>, from: u64, user: UserId) -> Result<bool, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    exists(
        conn,
        "SELECT 1 FROM participant
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation BETWEEN ?3 AND ?4 AND user = ?5 LIMIT 1",
        (tenant, conversation, U(from), incarnation, user.0),
    )
}

/// Members with a leaf, and dormant ones. Of one that is over: at the last entry that stands. What followed brought nobody in or out.
fn with_leaf(conn: &Connection, place: Place<'_>) -> Result<BTreeSet<UserId>, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    let stands = stands(conn, place)?;
    let dormant = silence::dormant(conn, place, stands)?;
    let users = match stands {
        None => all(
            conn,
            "SELECT p.user FROM membership m INDEXED BY membership_leaf
             JOIN participant p ON p.tenant = m.tenant AND p.conversation = m.conversation
                               AND p.incarnation = m.incarnation AND p.device = m.device
             WHERE m.tenant = ?1 AND m.conversation = ?2 AND m.incarnation = ?3 AND m.removed_seq IS NULL
               AND m.left_seq IS NULL",
            (tenant, conversation, incarnation),
            |row| row.get(0).map(UserId),
        )?,
        Some(stands) => all(
            conn,
            "SELECT p.user FROM membership m
             JOIN participant p ON p.tenant = m.tenant AND p.conversation = m.conversation
                               AND p.incarnation = m.incarnation AND p.device = m.device
             WHERE m.tenant = ?1 AND m.conversation = ?2 AND m.incarnation = ?3 AND m.joined_seq <= ?4
               AND (m.removed_seq IS NULL OR m.removed_seq > ?4) AND m.left_seq IS NULL",
            (tenant, conversation, incarnation, U(stands)),
            |row| row.get(0).map(UserId),
        )?,
    };
    Ok(users.into_iter().chain(dormant).collect())
}

/// The last entry that stands of an incarnation that is over.
fn stands(conn: &Connection, place: Place<'_>) -> Result<Option<u64>, DbError> {
    let found = first(
        conn,
        "SELECT stands FROM incarnation WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3",
        place.key(),
        |row| row.get::<_, Option<U>>(0),
    )?;
    Ok(found.flatten().map(|U(seq)| seq))
}

/// Whether an incarnation after the first may be opened by the caller (3.7): the one before it is live and over, or its log
/// is proven lost (7.2). Returns the one before, or `None` if this store knows nothing of the conversation.
pub(super) fn check_next<'a>(
    conn: &Connection,
    place: Place<'a>,
    caller: DeviceRef,
    new: &NewConversation,
) -> Result<Option<Place<'a>>, Refused> {
    let lost: Option<LostEntries> = new
        .lost
        .filter(|lost| lost.incarnation.checked_add(1) == Some(place.incarnation));
    let Some(live) = conversations::live_incarnation(conn, place.tenant, place.conversation)? else {
        // A whole conversation that the backup did not have. Who proves that there was one goes on with it.
        return match lost {
            Some(lost) if lost.stands == 0 => Ok(None),
            Some(_) => rule("lost_log"),
            None => Err(Stop::refused(Refusal::NotAMember)),
        };
    };
    let before = Place {
        incarnation: live,
        ..place
    };
    let spans = conversations::spans(conn, before, caller.device)?;
    if spans.is_empty() {
        return Err(Stop::refused(Refusal::NotAMember));
    }
    if live + 1 != place.incarnation {
        return Err(Stop::refused(Refusal::IncarnationChanged));
    }
    let over = over(conn, before)?;
    // Who has come or gone by what does not stand has not.
    let in_at = |seq: u64| {
        let was_in = spans.iter().any(|span| {
            span.joined_seq <= seq && span.left_seq.is_none() && span.removed_seq.is_none_or(|gone| gone > seq)
        });
        if was_in {
            Ok(())
        } else {
            Err(Stop::refused(Refusal::Removed))
        }
    };
    match over {
        Some(over) if over.reason == "closed" => return Ok(Some(before)),
        Some(over) => return in_at(over.stands).map(|()| Some(before)),
        None => {}
    }
    let Some(lost) = lost else {
        in_at(u64::MAX)?;
        return rule("incarnation_not_over");
    };
    let here = |seq: u64, h: Digest| -> Result<bool, DbError> {
        Ok(if seq == 0 {
            Some(Digest::ZERO)
        } else {
            log::hash_at(conn, before, seq)?
        } == Some(h))
    };
    if lost.stands >= lost.seq || here(lost.seq, lost.h)? || !here(lost.stands, lost.stands_h)? {
        return rule("lost_log");
    }
    in_at(lost.stands)?;
    end(conn, before, "lost", lost.stands)?;
    Ok(Some(before))
}

/// Whether it is over because all have left: nobody could be pushed aside by the next one, or need protection.
pub(super) fn is_closed(conn: &Connection, place: Place<'_>) -> Result<bool, DbError> {
    Ok(over(conn, place)?.is_some_and(|over| over.reason == "closed"))
}

/// What the first commit of a later incarnation must keep to: nobody comes in with it who is not on the roster.
pub(super) fn check_roster(conn: &Connection, before: Place<'_>, new: &NewConversation) -> Result<(), Refused> {
    let roster = roster(conn, before)?;
    if new
        .first_commit
        .added
        .iter()
        .all(|leaf| roster.contains(&leaf.device.user))
    {
        Ok(())
    } else {
        rule("roster")
    }
}

/// Tells those who were left out of the first commit that the conversation has gone on, and lets go of what only the
/// incarnation before needed.
pub(super) fn hand_over(
    conn: &Connection,
    before: Place<'_>,
    place: Place<'_>,
    entry: &mut CommittedEntry,
    position: u64,
) -> Result<(), DbError> {
    let here = conversations::leaves(conn, place)?;
    let roster = roster(conn, before)?;
    for device in conversations::leaves(conn, before)? {
        let on_roster = user_of(conn, before, device)?.is_some_and(|user| roster.contains(&user));
        if on_roster && !here.contains(&device) && !conversations::has_left(conn, before, device)? {
            inbox::push(conn, place, device, Kind::Incarnation, entry.accepted.seq, position)?;
            entry.wake.push(device);
        }
    }
    run(
        conn,
        "DELETE FROM group_state WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3",
        before.key(),
    )?;
    Ok(())
}

/// The incarnations that the caller may know of.
pub(super) fn list(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    conversation: ConversationId,
) -> Result<IncarnationsOutcome, DbError> {
    let Some(live) = conversations::live_incarnation(conn, tenant, conversation)? else {
        return Ok(IncarnationsOutcome::NotAMember);
    };
    let mut known = all(
        conn,
        "SELECT DISTINCT incarnation FROM membership INDEXED BY membership_device
         WHERE tenant = ?1 AND device = ?2 AND conversation = ?3 ORDER BY incarnation DESC LIMIT ?4",
        (
            tenant.as_str(),
            caller.device.0,
            conversation.0,
            U(u64::try_from(LISTED - 1).unwrap_or(u64::MAX)),
        ),
        |row| row.get::<_, U>(0).map(|U(incarnation)| incarnation),
    )?;
    let Some(newest) = known.first().copied() else {
        return Ok(IncarnationsOutcome::NotAMember);
    };
    let of = |incarnation| Place {
        tenant,
        conversation,
        incarnation,
    };
    let last = conversations::spans(conn, of(newest), caller.device)?.pop();
    let on_roster = last.is_some_and(|span| !span.has_ended());
    let mut users = if on_roster {
        roster(conn, of(live))?
    } else {
        BTreeSet::new()
    };
    if !users.contains(&caller.user) {
        users.clear();
    }
    if newest < live && on_roster {
        known.insert(0, live);
    }
    let mut incarnations = Vec::with_capacity(known.len());
    for incarnation in known.into_iter().rev() {
        incarnations.push(one(
            conn,
            "SELECT group_id, suite, over, stands FROM incarnation
             WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3",
            of(incarnation).key(),
            |row| {
                Ok(IncarnationRecord {
                    incarnation,
                    group: GroupId(row.get(0)?),
                    suite: SuiteId(row.get(1)?),
                    over: row.get(2)?,
                    stands: row.get::<_, Option<U>>(3)?.map(|U(seq)| seq),
                })
            },
        )?);
    }
    Ok(IncarnationsOutcome::Known {
        incarnations,
        users: users.into_iter().collect(),
    })
}

/// Makes the next incarnation the live one.
pub(super) fn go_live(conn: &Connection, place: Place<'_>, position: u64) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    run(
        conn,
        "UPDATE conversation SET incarnation = ?3, last_position = ?4 WHERE tenant = ?1 AND conversation = ?2",
        (tenant, conversation, incarnation, U(position)),
    )?;
    Ok(())
}
