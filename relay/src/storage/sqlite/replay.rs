//! Bringing a lost end of a log back (7.2): entries that this store once accepted, appended where they stood.
//!
//! That they are the relay's own is proven before they come here, by the log key's signature over their hashes. What is
//! derived from them is derived again: members, counters, epochs.

use std::collections::BTreeSet;

use async_trait::async_trait;
use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::format::{EntryHeader, EntryKind};
use curo_types::{DeviceId, Digest, GroupId, TenantId};

use super::commit_rules::rule;
use super::commits::{end_memberships, insert_incarnation, insert_member, move_tip};
use super::conversations::{self, Group, Place};
use super::inbox::{self, Kind};
use super::sql::{Stop, U, exists, run};
use super::{SqliteStorage, checkpoints, log, silence, tenants};
use crate::failpoints::{self, pass};
use crate::storage::{
    DeviceRef, GroupState, Refusal, Replay, ReplayBase, ReplayCheck, ReplayKey, ReplayOutcome, ReplayedCommit,
    ReplayedEntry, ReplayedState, Replays, StorageError,
};

type Refused = Stop<Refusal>;

#[async_trait]
impl Replays for SqliteStorage {
    async fn check_replay(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        key: ReplayKey,
    ) -> Result<ReplayCheck, StorageError> {
        let tenant = tenant.clone();
        self.judge(move |conn| check(conn, &tenant, caller, &key).map_err(|stop| stop.map(ReplayCheck::Refused)))
            .await
    }

    async fn replay(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        lost: Replay,
        now_ms: u64,
    ) -> Result<ReplayOutcome, StorageError> {
        pass(failpoints::REPLAY_BEFORE_ACCEPT)?;
        let tenant = tenant.clone();
        let outcome = self
            .decide(move |conn| {
                append(conn, &tenant, caller, &lost, now_ms).map_err(|stop| stop.map(ReplayOutcome::Refused))
            })
            .await?;
        pass(failpoints::REPLAY_AFTER_ACCEPT)?;
        Ok(outcome)
    }
}

/// Where what is offered would go on.
pub(super) fn check(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    key: &ReplayKey,
) -> Result<ReplayCheck, Refused> {
    let place = Place {
        tenant,
        conversation: key.conversation,
        incarnation: key.incarnation,
    };
    let Some(group) = standing(conn, place, caller, key.starts)? else {
        return Ok(ReplayCheck::Open(ReplayBase {
            seq: 0,
            h: Digest::ZERO,
            group: None,
        }));
    };
    let at = |seq: u64| -> Option<Digest> {
        let back = usize::try_from(seq.checked_sub(key.after)?).ok()?;
        key.chain.get(back).copied()
    };
    let last = key.after + u64::try_from(key.chain.len()).unwrap_or(u64::MAX).saturating_sub(1);
    if group.last_seq >= last {
        if log::hash_at(conn, place, last)? == at(last) {
            return Ok(ReplayCheck::Known(conversations::visible_tip(
                conn,
                place,
                caller.device,
            )?));
        }
        return Err(Stop::refused(Refusal::LogDiverged));
    }
    if group.last_seq < key.after {
        return rule("replay_gap");
    }
    if at(group.last_seq) != Some(group.last_h) {
        return Err(Stop::refused(Refusal::LogDiverged));
    }
    let checkpoint_epoch = checkpoints::epoch(conn, place)?;
    Ok(ReplayCheck::Open(ReplayBase {
        seq: group.last_seq,
        h: group.last_h,
        group: Some(GroupState {
            group: GroupId(group.group),
            suite: group.suite,
            epoch: group.epoch,
            checkpoint_epoch,
            follower: Some(checkpoints::read(conn, place, checkpoint_epoch, group.epoch)?),
        }),
    }))
}

/// The incarnation's state; `None` if the conversation is not there and what is offered begins it.
fn standing(conn: &Connection, place: Place<'_>, caller: DeviceRef, starts: bool) -> Result<Option<Group>, Refused> {
    conversations::require_device(conn, place.tenant, caller)?;
    let Some(live) = conversations::live_incarnation(conn, place.tenant, place.conversation)? else {
        return if starts {
            Ok(None)
        } else {
            Err(Stop::refused(Refusal::NotAMember))
        };
    };
    let here = Place {
        incarnation: live,
        ..place
    };
    let spans = conversations::spans(conn, here, caller.device)?;
    let Some(span) = spans.last() else {
        return Err(Stop::refused(Refusal::NotAMember));
    };
    if span.left_seq.is_some() {
        return Err(Stop::refused(Refusal::Removed));
    }
    if live != place.incarnation {
        return Err(Stop::refused(Refusal::IncarnationChanged));
    }
    let group = conversations::group(conn, place)?.ok_or(DbError::NoRow)?;
    if group.over {
        return Err(Stop::refused(Refusal::IncarnationOver));
    }
    Ok(Some(group))
}

/// Appends all of it, or nothing.
pub(super) fn append(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    replay: &Replay,
    now_ms: u64,
) -> Result<ReplayOutcome, Refused> {
    let place = Place {
        tenant,
        conversation: replay.conversation,
        incarnation: replay.incarnation,
    };
    let mut group = match (standing(conn, place, caller, replay.start.is_some())?, &replay.start) {
        (Some(group), None) => group,
        (None, Some(start)) if start.creator == caller => {
            let taken = "SELECT 1 FROM incarnation WHERE tenant = ?1 AND group_id = ?2";
            if exists(conn, taken, (tenant.as_str(), start.group.0))? {
                return rule("group_exists");
            }
            insert_incarnation(conn, place, caller, start.group, start.suite, false, now_ms)?
        }
        (None, Some(_)) => return rule("replay_creator"),
        // Somebody was faster, or it is there after all.
        (Some(_), Some(_)) => return Ok(ReplayOutcome::Moved),
        (None, None) => return Err(Stop::refused(Refusal::NotAMember)),
    };
    if (group.last_seq, group.last_h) != replay.base {
        return Ok(ReplayOutcome::Moved);
    }
    let mut leaves: BTreeSet<DeviceId> = conversations::leaves(conn, place)?.into_iter().collect();
    let mut wake = leaves.clone();
    let (mut last_commit, mut position) = (None, 0);
    for entry in &replay.entries {
        position = append_one(conn, place, &mut group, &mut leaves, entry)?;
        wake.extend(&leaves);
        if let Some(commit) = &entry.commit {
            wake.extend(&commit.removed);
            last_commit = Some(entry.record.seq);
        }
    }
    let (name, conversation, incarnation) = place.key();
    run(
        conn,
        "UPDATE incarnation SET epoch = ?4, last_seq = ?5, leaves = ?6
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3",
        (
            name,
            conversation,
            incarnation,
            U(group.epoch),
            U(group.last_seq),
            U(u64::try_from(leaves.len()).unwrap_or(u64::MAX)),
        ),
    )?;
    move_tip(conn, place, group.last_h, position)?;
    match (last_commit, &replay.state) {
        (None, None) => {}
        (Some(seq), Some(state)) if state.epoch == group.epoch => store_state(conn, place, state, seq)?,
        _ => return rule("replay_epoch"),
    }
    wake.remove(&caller.device);
    Ok(ReplayOutcome::Appended {
        tip: conversations::tip(place, group.last_seq, group.last_h),
        wake: wake.into_iter().collect(),
    })
}

/// Writes one entry and what follows from it; returns its feed position.
fn append_one(
    conn: &Connection,
    place: Place<'_>,
    group: &mut Group,
    leaves: &mut BTreeSet<DeviceId>,
    entry: &ReplayedEntry,
) -> Result<u64, Refused> {
    let record = &entry.record;
    if record.seq != group.last_seq + 1 || record.epoch != group.epoch {
        return rule("replay_order");
    }
    let position = tenants::take_positions(conn, place.tenant, 1)?;
    let header = EntryHeader {
        tenant: place.tenant,
        conversation: place.conversation,
        incarnation: place.incarnation,
        seq: record.seq,
        h_prev: group.last_h,
        kind: record.kind,
        epoch: record.epoch,
        sender: record.sender,
        intent: record.intent,
        directory_version: record.directory_version,
        body_hash: Digest::of(record.body.as_slice()),
        time_ms: record.time_ms,
    };
    let known = "SELECT 1 FROM entry
                 WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND sender = ?4 AND intent = ?5";
    let (tenant, conversation, incarnation) = place.key();
    if exists(
        conn,
        known,
        (tenant, conversation, incarnation, record.sender.0, record.intent.0),
    )? {
        return rule("replay_intent");
    }
    if log::append(conn, &header, position, record.body.as_slice())? != record.h {
        return rule("replay_hash");
    }
    match (record.kind, &entry.commit, entry.counter) {
        (EntryKind::Message, None, Some(counter)) => {
            let counted = run(
                conn,
                "UPDATE participant SET counter = counter + 1
                 WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4 AND counter + 1 = ?5",
                (tenant, conversation, incarnation, record.sender.0, U(counter)),
            )?;
            if counted != 1 {
                return rule("replay_counter");
            }
        }
        (EntryKind::Commit, Some(commit), None) => {
            apply_commit(conn, place, record.seq, position, commit, leaves)?;
            group.epoch += 1;
        }
        _ => return rule("replay_kind"),
    }
    if !leaves.contains(&record.sender) {
        return rule("replay_sender");
    }
    group.last_seq = record.seq;
    group.last_h = record.h;
    Ok(position)
}

fn apply_commit(
    conn: &Connection,
    place: Place<'_>,
    seq: u64,
    position: u64,
    commit: &ReplayedCommit,
    leaves: &mut BTreeSet<DeviceId>,
) -> Result<(), Refused> {
    let (tenant, conversation, incarnation) = place.key();
    for leave in &commit.leaves {
        run(
            conn,
            "INSERT INTO leave_request (tenant, conversation, incarnation, device, intent, user, time_ms, removed_seq, request)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8)
             ON CONFLICT (tenant, conversation, incarnation, device, intent) DO UPDATE SET removed_seq = excluded.removed_seq",
            (
                tenant,
                conversation,
                incarnation,
                leave.device.0,
                leave.intent.0,
                leave.user.0,
                U(seq),
                leave.request.as_slice(),
            ),
        )?;
    }
    for device in &commit.removed {
        if !leaves.remove(device) {
            return rule("replay_removed");
        }
    }
    end_memberships(conn, place, &commit.removed, &commit.dormant, seq, position)?;
    for device in &commit.added {
        if !leaves.insert(device.device) {
            return rule("replay_added");
        }
        let own = u64::from(commit.external);
        insert_member(conn, place, *device, seq - own, position - own)?;
        if !commit.external {
            // Its Welcome is lost: who has not used it comes in from outside (3.5).
            inbox::push(conn, place, device.device, Kind::Waiting, seq, position)?;
        }
    }
    let changes = silence::Changes {
        came: commit.added.iter().map(|device| device.user).collect(),
        removed: &commit.removed,
        dormant: &commit.dormant,
        gone: &commit.gone,
    };
    silence::took_effect(conn, place, &changes, seq)?;
    Ok(())
}

fn store_state(conn: &Connection, place: Place<'_>, state: &ReplayedState, seq: u64) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    // Without a GroupInfo the row stays as it was, of an earlier epoch: nobody is told that it is the current one.
    let (info, epoch) = match &state.group_info {
        Some(info) => (info.as_slice(), state.epoch),
        None => (&[][..], 0),
    };
    run(
        conn,
        "INSERT INTO group_state (tenant, conversation, incarnation, epoch, group_info) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant, conversation, incarnation) DO UPDATE SET
             epoch = excluded.epoch, group_info = excluded.group_info",
        (tenant, conversation, incarnation, U(epoch), info),
    )?;
    checkpoints::store(conn, place, state.epoch, &state.follower)?;
    run(
        conn,
        "INSERT INTO tree (tenant, conversation, incarnation, seq, tree_hash, tree) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            tenant,
            conversation,
            incarnation,
            U(seq),
            state.tree_hash.as_slice(),
            state.tree.as_slice(),
        ),
    )?;
    inbox::forget_older_trees(conn, place, seq)
}
