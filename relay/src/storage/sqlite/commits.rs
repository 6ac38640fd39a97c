//! Commits: what a commit is checked against, and its acceptance by compare-and-set on the epoch (3.1, 3.4, 3.6, 3.7).

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::api::Accepted;
use curo_types::format::{EntryHeader, EntryKind};
use curo_types::{DeviceId, Digest, GroupId, SuiteId, TenantId};

use super::commit_rules::{check_rules, rule};
use super::conversations::{self, Group, Place, Standing};
use super::inbox::{self, Kind};
use super::sql::{Stop, U, exists, one, run};
use super::{checkpoints, incarnations, leaving, log, mandatory, outside, quotas, retention, silence, tenants, turns};
use crate::storage::{
    CommitCheck, CommitKey, CommitOutcome, CommittedEntry, DeviceRef, GroupState, NewCommit, NewConversation, Refusal,
};

type Refused = Stop<Refusal>;

fn place<'a>(tenant: &'a TenantId, key: &CommitKey) -> Place<'a> {
    Place {
        tenant,
        conversation: key.conversation,
        incarnation: key.incarnation,
    }
}

/// What the commit must be checked against, or its verdict.
pub(super) fn check(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    key: &CommitKey,
    has: Option<u64>,
    now_ms: u64,
) -> Result<CommitCheck, Refused> {
    let place = place(tenant, key);
    if let Some(known) = known(conn, place, caller, key)? {
        return Ok(CommitCheck::Duplicate(known));
    }
    let standing = open(conn, place, caller, key, now_ms)?;
    let epoch = standing.group.epoch;
    let checkpoint_epoch = checkpoints::epoch(conn, place)?;
    let follower = match has {
        Some(has) if has == epoch => None,
        _ => Some(checkpoints::read(conn, place, checkpoint_epoch, epoch)?),
    };
    Ok(CommitCheck::Open(GroupState {
        group: GroupId(standing.group.group),
        suite: standing.group.suite,
        epoch,
        checkpoint_epoch,
        follower,
    }))
}

/// Accepts the commit, or not.
pub(super) fn accept(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    commit: &NewCommit,
    now_ms: u64,
) -> Result<CommitOutcome, Refused> {
    let place = place(tenant, &commit.key);
    if let Some(known) = known(conn, place, caller, &commit.key)? {
        return Ok(CommitOutcome::Duplicate(known));
    }
    let standing = open(conn, place, caller, &commit.key, now_ms)?;
    let stamped = check_rules(conn, place, caller, commit, standing.group)?;
    mandatory::check_commit(conn, place, standing.group.suite, commit, now_ms)?;
    apply(conn, place, caller, commit, standing.group, stamped, now_ms).map(CommitOutcome::Accepted)
}

/// Opens an incarnation with its first commit, or not.
pub(super) fn create(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    new: &NewConversation,
    now_ms: u64,
) -> Result<CommitOutcome, Refused> {
    let commit = &new.first_commit;
    let place = place(tenant, &commit.key);
    if let Some(known) = known(conn, place, caller, &commit.key)? {
        return Ok(CommitOutcome::Duplicate(known));
    }
    conversations::require_device(conn, tenant, caller)?;
    let before = if place.incarnation == 1 {
        if conversations::live_incarnation(conn, tenant, place.conversation)?.is_some() {
            return Err(Stop::refused(Refusal::IncarnationChanged));
        }
        None
    } else {
        incarnations::check_next(conn, place, caller, new)?
    };
    if commit.key.epoch != 0 || commit.key.cursor.is_some() {
        return rule("first_commit");
    }
    let taken = "SELECT 1 FROM incarnation WHERE tenant = ?1 AND group_id = ?2";
    if exists(conn, taken, (tenant.as_str(), new.group.0))? {
        return rule("group_exists");
    }
    match before {
        // Who is on the roster comes in from outside if the first commit leaves them out.
        Some(before) if !incarnations::is_closed(conn, before)? => incarnations::check_roster(conn, before, new)?,
        _ => {
            quotas::check_creation(conn, tenant)?;
            mandatory::check_creation(caller, commit)?;
        }
    }
    let group = insert_incarnation(conn, place, caller, new.group, new.suite, before.is_some(), now_ms)?;
    let stamped = check_rules(conn, place, caller, commit, group)?;
    let mut entry = apply(conn, place, caller, commit, group, stamped, now_ms)?;
    if let Some(before) = before {
        incarnations::hand_over(conn, before, place, &mut entry, tenants::position(conn, tenant)?)?;
    }
    Ok(CommitOutcome::Accepted(entry))
}

/// The state at epoch 0 with the creator's leaf, before any entry.
pub(super) fn insert_incarnation(
    conn: &Connection,
    place: Place<'_>,
    caller: DeviceRef,
    group: GroupId,
    suite: SuiteId,
    exists: bool,
    now_ms: u64,
) -> Result<Group, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    let position = U(tenants::position(conn, place.tenant)?);
    if exists {
        incarnations::go_live(conn, place, position.0)?;
    } else {
        run(
            conn,
            "INSERT INTO conversation (tenant, conversation, incarnation, last_position, cursor_position)
             VALUES (?1, ?2, ?3, ?4, 0)",
            (tenant, conversation, incarnation, position),
        )?;
    }
    run(
        conn,
        "INSERT INTO incarnation (tenant, conversation, incarnation, group_id, suite, epoch, last_seq, last_h, leaves, created_ms,
                                  kept_since_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?6, 1, ?7, ?7)",
        (tenant, conversation, incarnation, group.0, suite.0, Digest::ZERO.0, U(now_ms)),
    )?;
    insert_member(conn, place, caller, 0, position.0)?;
    Ok(Group {
        group: group.0,
        suite,
        epoch: 0,
        last_seq: 0,
        last_h: Digest::ZERO,
        leaves: 1,
        over: false,
        kept_from: 1,
        keeps_none: false,
    })
}

/// The first result of a commit that was accepted before.
fn known(
    conn: &Connection,
    place: Place<'_>,
    caller: DeviceRef,
    key: &CommitKey,
) -> Result<Option<CommittedEntry>, Refused> {
    let Some(accepted) = conversations::known_intent(conn, place, caller.device, key.intent, key.body_hash)? else {
        return Ok(None);
    };
    let tip = conversations::visible_tip(conn, place, caller.device)?;
    Ok(Some(CommittedEntry {
        accepted,
        tip,
        wake: Vec::new(),
    }))
}

/// Member, incarnation, cursor, epoch, turn.
fn open(
    conn: &Connection,
    place: Place<'_>,
    caller: DeviceRef,
    key: &CommitKey,
    now_ms: u64,
) -> Result<Standing, Refused> {
    let standing = if key.external {
        outside::standing(conn, place, caller)?
    } else {
        conversations::standing(conn, place, caller)?
    };
    conversations::check_cursor(conn, place, key.cursor)?;
    if key.epoch > standing.group.epoch {
        return rule("epoch_ahead");
    }
    if key.epoch < standing.group.epoch {
        let winner = log::winner_seen_by(conn, place, caller.device, key.epoch)?;
        let missing = conversations::missing(conn, place, standing, key.cursor)?;
        return Err(Stop::refused(Refusal::EpochTaken { winner, missing }));
    }
    turns::check(conn, place, caller.device, now_ms)?;
    Ok(standing)
}

/// Writes the commit and everything that follows from it.
fn apply(
    conn: &Connection,
    place: Place<'_>,
    caller: DeviceRef,
    commit: &NewCommit,
    group: Group,
    stamped: u64,
    now_ms: u64,
) -> Result<CommittedEntry, Refused> {
    let (tenant, conversation, incarnation) = place.key();
    let epoch = commit.key.epoch;
    let leaves = group.leaves + count(&commit.added) - count(&commit.removed);
    let U(seq) = one(
        conn,
        "UPDATE incarnation SET epoch = epoch + 1, last_seq = last_seq + 1, leaves = ?5
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND epoch = ?4 RETURNING last_seq",
        (tenant, conversation, incarnation, U(epoch), U(leaves)),
        |row| row.get(0),
    )?;
    let position = tenants::take_positions(conn, place.tenant, 1)?;
    let header = EntryHeader {
        tenant: place.tenant,
        conversation: place.conversation,
        incarnation: place.incarnation,
        seq,
        h_prev: group.last_h,
        kind: EntryKind::Commit,
        epoch,
        sender: caller.device,
        intent: commit.key.intent,
        directory_version: Some(stamped),
        body_hash: commit.key.body_hash,
        time_ms: now_ms,
    };
    let h = log::append(conn, &header, position, &commit.body)?;
    move_tip(conn, place, h, position)?;
    if group.keeps_none {
        retention::keeps_again(conn, place, now_ms)?;
    }
    store_group_state(conn, place, commit, epoch + 1, seq)?;
    end_memberships(conn, place, &commit.removed, &commit.dormant, seq, position)?;
    for leaf in &commit.added {
        // Who comes in from outside reads its own commit in the log: by that it knows that it is in (4.4).
        let own = u64::from(commit.key.external);
        insert_member(conn, place, leaf.device, seq - own, position - own)?;
        if commit.welcome.is_some() {
            inbox::push(conn, place, leaf.device.device, Kind::Welcome, seq, position)?;
        }
    }
    let changes = silence::Changes {
        came: commit.added.iter().map(|leaf| leaf.device.user).collect(),
        removed: &commit.removed,
        dormant: &commit.dormant,
        gone: &commit.gone,
    };
    silence::took_effect(conn, place, &changes, seq)?;
    turns::won(conn, place, caller.device)?;
    // After the inbox, which says what is still needed.
    inbox::forget_older_trees(conn, place, seq)?;
    let mut wake = conversations::leaves(conn, place)?;
    wake.extend(&commit.removed);
    let accepted = Accepted {
        intent: commit.key.intent,
        seq,
        h,
        time_ms: now_ms,
        directory_version: Some(stamped),
        duplicate: false,
    };
    Ok(CommittedEntry {
        accepted,
        tip: conversations::tip(place, seq, h),
        wake,
    })
}

fn count<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

fn store_group_state(
    conn: &Connection,
    place: Place<'_>,
    commit: &NewCommit,
    epoch: u64,
    seq: u64,
) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    run(
        conn,
        "INSERT INTO group_state (tenant, conversation, incarnation, epoch, group_info) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant, conversation, incarnation) DO UPDATE SET
             epoch = excluded.epoch, group_info = excluded.group_info",
        (
            tenant,
            conversation,
            incarnation,
            U(epoch),
            commit.group_info.as_slice(),
        ),
    )?;
    if let Some(follower) = &commit.follower {
        checkpoints::store(conn, place, epoch, follower)?;
    }
    run(
        conn,
        "INSERT INTO tree (tenant, conversation, incarnation, seq, tree_hash, tree) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            tenant,
            conversation,
            incarnation,
            U(seq),
            commit.tree_hash.as_slice(),
            commit.tree.as_slice(),
        ),
    )?;
    if let Some(welcome) = &commit.welcome {
        run(
            conn,
            "INSERT INTO welcome (tenant, conversation, incarnation, seq, welcome) VALUES (?1, ?2, ?3, ?4, ?5)",
            (tenant, conversation, incarnation, U(seq), welcome.as_slice()),
        )?;
    }
    Ok(())
}

/// Ends the memberships of the devices that a commit removes, and tells them, as far as it is news to them.
pub(super) fn end_memberships(
    conn: &Connection,
    place: Place<'_>,
    removed: &[DeviceId],
    dormant: &[DeviceId],
    seq: u64,
    position: u64,
) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    for device in removed {
        run(
            conn,
            "UPDATE membership SET removed_seq = ?5, removed_position = ?6
             WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4 AND removed_seq IS NULL",
            (tenant, conversation, incarnation, device.0, U(seq), U(position)),
        )?;
        leaving::removed(conn, place, *device, seq)?;
        // Who was silent is no news to itself: it finds the commit in the log, and comes in again.
        if !dormant.contains(device) && !conversations::has_left(conn, place, *device)? {
            inbox::push(conn, place, *device, Kind::Removed, seq, position)?;
        }
    }
    Ok(())
}

/// Gives a device a leaf from entry `seq` on; it sees what comes after.
pub(super) fn insert_member(
    conn: &Connection,
    place: Place<'_>,
    device: DeviceRef,
    seq: u64,
    position: u64,
) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    run(
        conn,
        "INSERT INTO membership (tenant, conversation, incarnation, device, joined_seq, joined_position)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (tenant, conversation, incarnation, device.device.0, U(seq), U(position)),
    )?;
    run(
        conn,
        "INSERT INTO participant (tenant, conversation, incarnation, device, user) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
        (tenant, conversation, incarnation, device.device.0, device.user.0),
    )?;
    Ok(())
}

/// Sets the hash of the last entry and the feed position of the conversation's last news.
pub(super) fn move_tip(conn: &Connection, place: Place<'_>, h: Digest, position: u64) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    run(
        conn,
        "UPDATE incarnation SET last_h = ?4 WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3",
        (tenant, conversation, incarnation, h.0),
    )?;
    run(
        conn,
        "UPDATE conversation SET last_position = ?3 WHERE tenant = ?1 AND conversation = ?2",
        (tenant, conversation, U(position)),
    )?;
    Ok(())
}
