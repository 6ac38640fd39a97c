//! Silent devices (rule 6.3): their leaves wait to be removed, their users stay members without a leaf.
//!
//! A mark is the relay's word, and goes when the device comes back. That a user is dormant is the word of the commit's author:
//! it names the devices in its authenticated data, and members judge by that.

use std::collections::BTreeSet;

use async_trait::async_trait;
use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::format::AuthenticatedData;
use curo_types::{ConversationId, DeviceId, TenantId, UserId};

use super::commit_rules::rule;
use super::conversations::Place;
use super::sql::{Stop, U, all, exists, first, run};
use super::{SqliteStorage, leaving, outages, outside};
use crate::storage::{NewCommit, Refusal, Silence, Silences, SilentMarked, StorageError};

type Refused = Stop<Refusal>;

#[async_trait]
impl Silences for SqliteStorage {
    async fn note_present(&self, all_along: bool, now_ms: u64) -> Result<(), StorageError> {
        self.write(move |conn| outages::note_present(conn, all_along, now_ms))
            .await
    }

    async fn mark_silent(
        &self,
        tenant: &TenantId,
        silence: &Silence,
        after: Option<(u64, DeviceId)>,
        now_ms: u64,
    ) -> Result<SilentMarked, StorageError> {
        let (tenant, silence) = (tenant.clone(), silence.clone());
        self.write(move |conn| mark(conn, &tenant, &silence, after, now_ms))
            .await
    }
}

/// Devices that one transaction looks at.
const DEVICES: usize = 64;

/// Marks leaves of devices that were last seen, and came in, `silence.for_ms` before now: of one page of devices.
fn mark(
    conn: &Connection,
    tenant: &TenantId,
    silence: &Silence,
    after: Option<(u64, DeviceId)>,
    now_ms: u64,
) -> Result<SilentMarked, DbError> {
    let before_ms = outages::before(conn, silence.for_ms, now_ms)?;
    let (seen_ms, device) = after.unwrap_or((0, DeviceId([0; 16])));
    let silent = all(
        conn,
        "SELECT last_seen_ms, device FROM device INDEXED BY device_seen
         WHERE tenant = ?1 AND active = 1 AND last_seen_ms < ?2 AND (last_seen_ms, device) > (?3, ?4)
         ORDER BY last_seen_ms, device LIMIT ?5",
        (
            tenant.as_str(),
            U(before_ms),
            U(seen_ms),
            device.0,
            U(u64::try_from(DEVICES).unwrap_or(u64::MAX)),
        ),
        |row| Ok((row.get::<_, U>(0)?.0, DeviceId(row.get(1)?))),
    )?;
    let mut marked = 0;
    for (_, device) in &silent {
        if is_spared(conn, tenant, *device, &silence.spared)? {
            continue;
        }
        // Not more in a conversation than a commit can name.
        marked += run(
            conn,
            "INSERT INTO removal_pending (tenant, conversation, incarnation, device, user, reason, since_ms)
             SELECT m.tenant, m.conversation, m.incarnation, m.device, p.user, 'silent', ?4
             FROM membership m INDEXED BY membership_device
             CROSS JOIN conversation c ON c.tenant = m.tenant AND c.conversation = m.conversation
                                      AND c.incarnation = m.incarnation
             CROSS JOIN incarnation i ON i.tenant = m.tenant AND i.conversation = m.conversation
                                     AND i.incarnation = m.incarnation
             CROSS JOIN participant p ON p.tenant = m.tenant AND p.conversation = m.conversation
                                     AND p.incarnation = m.incarnation AND p.device = m.device
             LEFT JOIN entry e ON e.tenant = m.tenant AND e.conversation = m.conversation
                              AND e.incarnation = m.incarnation AND e.seq = m.joined_seq
             WHERE m.tenant = ?1 AND m.device = ?2 AND m.removed_seq IS NULL AND m.left_seq IS NULL
               AND i.over IS NULL AND coalesce(e.time_ms, i.created_ms) < ?3
               AND (SELECT count(*) FROM removal_pending r
                    WHERE r.tenant = m.tenant AND r.conversation = m.conversation AND r.incarnation = m.incarnation
                      AND r.reason = 'silent') < ?5
             ON CONFLICT DO NOTHING",
            (
                tenant.as_str(),
                device.0,
                U(before_ms),
                U(now_ms),
                U(u64::try_from(AuthenticatedData::NAMED_LIMIT).unwrap_or(u64::MAX)),
            ),
        )?;
    }
    Ok(SilentMarked {
        marked: u64::try_from(marked).unwrap_or(u64::MAX),
        next: silent.last().copied().filter(|_| silent.len() >= DEVICES),
    })
}

/// Whether the device's user keeps their leaves however silent they are.
fn is_spared(conn: &Connection, tenant: &TenantId, device: DeviceId, spared: &[UserId]) -> Result<bool, DbError> {
    if spared.is_empty() {
        return Ok(false);
    }
    let user = first(
        conn,
        "SELECT user FROM device WHERE tenant = ?1 AND device = ?2",
        (tenant.as_str(), device.0),
        |row| row.get(0).map(UserId),
    )?;
    Ok(user.is_some_and(|user| spared.contains(&user)))
}

/// The device is there again: its leaves stay.
pub(super) fn came_back(conn: &Connection, tenant: &TenantId, device: DeviceId) -> Result<(), DbError> {
    run(
        conn,
        "DELETE FROM removal_pending INDEXED BY removal_pending_silent
         WHERE tenant = ?1 AND device = ?2 AND reason = 'silent'",
        (tenant.as_str(), device.0),
    )?;
    Ok(())
}

/// What a commit says of silent devices and members without a leaf: it removes what it names, each device is silent still, and
/// who goes without a leaf has none.
pub(super) fn check_commit(conn: &Connection, place: Place<'_>, commit: &NewCommit) -> Result<(), Refused> {
    if commit.dormant.is_empty() && commit.gone.is_empty() {
        return Ok(());
    }
    let first = place_is_new(commit);
    if commit.key.external || first || !commit.dormant.iter().all(|device| commit.removed.contains(device)) {
        return rule("dormant");
    }
    for device in &commit.dormant {
        if !is_marked(conn, place, *device)? {
            // It has come back since.
            return Err(Stop::refused(Refusal::RemovalPending(leaving::pending(conn, place)?)));
        }
    }
    for user in &commit.gone {
        let comes = commit.added.iter().any(|leaf| leaf.device.user == *user);
        if comes || outside::is_member(conn, place, *user)? {
            return rule("gone");
        }
    }
    Ok(())
}

/// Whether it is the commit that opens an incarnation.
fn place_is_new(commit: &NewCommit) -> bool {
    commit.key.epoch == 0
}

fn is_marked(conn: &Connection, place: Place<'_>, device: DeviceId) -> Result<bool, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    exists(
        conn,
        "SELECT 1 FROM removal_pending
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4 AND reason = 'silent'",
        (tenant, conversation, incarnation, device.0),
    )
}

/// What a commit does to members.
pub(super) struct Changes<'a> {
    /// Users of the leaves that it adds.
    pub(super) came: Vec<UserId>,
    /// Devices whose leaves it removes.
    pub(super) removed: &'a [DeviceId],
    /// Those of them that it says were silent.
    pub(super) dormant: &'a [DeviceId],
    /// Members without a leaf whom it takes off the roster.
    pub(super) gone: &'a [UserId],
}

/// A commit was accepted and the leaves are written: who is dormant from it on, and who is not any more.
pub(super) fn took_effect(conn: &Connection, place: Place<'_>, commit: &Changes<'_>, seq: u64) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    for user in &commit.came {
        run(
            conn,
            "UPDATE dormant_member SET until_seq = ?5, gone = 0
             WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND user = ?4 AND until_seq IS NULL",
            (tenant, conversation, incarnation, user.0, U(seq)),
        )?;
    }
    for user in commit.gone {
        run(
            conn,
            "INSERT INTO dormant_member (tenant, conversation, incarnation, user, since_seq, until_seq, gone)
             VALUES (?1, ?2, ?3, ?4, 0, ?5, 1)
             ON CONFLICT (tenant, conversation, incarnation, user) DO UPDATE SET
                 until_seq = excluded.until_seq, gone = 1",
            (tenant, conversation, incarnation, user.0, U(seq)),
        )?;
    }
    for user in users_of(conn, place, commit.dormant)? {
        if stays(conn, place, commit, user)? {
            run(
                conn,
                "INSERT INTO dormant_member (tenant, conversation, incarnation, user, since_seq)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (tenant, conversation, incarnation, user) DO UPDATE SET
                     since_seq = excluded.since_seq, until_seq = NULL, gone = 0",
                (tenant, conversation, incarnation, user.0, U(seq)),
            )?;
        }
    }
    Ok(())
}

/// Whether a user has lost the last leaf by silence alone. Of two leaves that go at once, one not named, the user goes.
fn stays(conn: &Connection, place: Place<'_>, commit: &Changes<'_>, user: UserId) -> Result<bool, DbError> {
    if outside::is_member(conn, place, user)? {
        return Ok(false);
    }
    let others: Vec<_> = commit
        .removed
        .iter()
        .filter(|device| !commit.dormant.contains(device))
        .copied()
        .collect();
    Ok(!users_of(conn, place, &others)?.contains(&user))
}

fn users_of(conn: &Connection, place: Place<'_>, devices: &[DeviceId]) -> Result<BTreeSet<UserId>, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    let mut users = BTreeSet::new();
    for device in devices {
        users.extend(all(
            conn,
            "SELECT user FROM participant
             WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4",
            (tenant, conversation, incarnation, device.0),
            |row| row.get(0).map(UserId),
        )?);
    }
    Ok(users)
}

/// Whether a user is a member without a leaf.
pub(super) fn is_dormant(conn: &Connection, place: Place<'_>, user: UserId) -> Result<bool, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    exists(
        conn,
        "SELECT 1 FROM dormant_member
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND user = ?4 AND until_seq IS NULL",
        (tenant, conversation, incarnation, user.0),
    )
}

/// The live conversations in which a user is a member without a leaf.
pub(super) fn dormant_in(
    conn: &Connection,
    tenant: &TenantId,
    user: UserId,
) -> Result<Vec<(ConversationId, u64)>, DbError> {
    all(
        conn,
        "SELECT d.conversation, d.incarnation FROM dormant_member d INDEXED BY dormant_member_user
         CROSS JOIN conversation c ON c.tenant = d.tenant AND c.conversation = d.conversation
                                  AND c.incarnation = d.incarnation
         CROSS JOIN incarnation i ON i.tenant = d.tenant AND i.conversation = d.conversation
                                 AND i.incarnation = d.incarnation
         WHERE d.tenant = ?1 AND d.user = ?2 AND d.until_seq IS NULL AND i.over IS NULL",
        (tenant.as_str(), user.0),
        |row| Ok((ConversationId(row.get(0)?), row.get::<_, U>(1)?.0)),
    )
}

/// The members without a leaf, now or after entry `stands`.
pub(super) fn dormant(conn: &Connection, place: Place<'_>, stands: Option<u64>) -> Result<Vec<UserId>, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    all(
        conn,
        "SELECT user FROM dormant_member
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND since_seq > 0 AND since_seq <= ?4
           AND (until_seq IS NULL OR until_seq > ?4)",
        (tenant, conversation, incarnation, U(stands.unwrap_or(u64::MAX))),
        |row| row.get(0).map(UserId),
    )
}

/// Whether a user who had no leaf was taken off the roster in an incarnation from `from` up to this one, by a commit that stands.
pub(super) fn was_let_go(conn: &Connection, place: Place<'_>, from: u64, user: UserId) -> Result<bool, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    exists(
        conn,
        "SELECT 1 FROM dormant_member d
         JOIN incarnation i ON i.tenant = d.tenant AND i.conversation = d.conversation AND i.incarnation = d.incarnation
         WHERE d.tenant = ?1 AND d.conversation = ?2 AND d.incarnation BETWEEN ?3 AND ?4 AND d.user = ?5 AND d.gone = 1
           AND (i.stands IS NULL OR d.until_seq <= i.stands) LIMIT 1",
        (tenant, conversation, U(from), incarnation, user.0),
    )
}
