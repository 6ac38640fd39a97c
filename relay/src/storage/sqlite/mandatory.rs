//! Users whom the tenant's policy wants in every conversation (3.4): nobody leaves them out or removes them.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::{DeviceId, SuiteId, UserId};

use super::conversations::Place;
use super::sql::{Stop, all};
use super::{claims, devices, outside};
use crate::storage::{DeviceRef, KEY_PACKAGE_FRESH_MS, NewCommit, Refusal};

type Refused = Stop<Refusal>;

fn refuse<T>(commit: &NewCommit) -> Result<T, Refused> {
    Err(Stop::refused(Refusal::MandatoryMember(commit.mandatory.clone())))
}

fn adds(commit: &NewCommit, user: UserId) -> bool {
    commit.added.iter().any(|leaf| leaf.device.user == user)
}

/// A new conversation begins with all of them.
pub(super) fn check_creation(caller: DeviceRef, commit: &NewCommit) -> Result<(), Refused> {
    let in_it = |user: &UserId| *user == caller.user || adds(commit, *user);
    if commit.mandatory.iter().all(in_it) {
        Ok(())
    } else {
        refuse(commit)
    }
}

/// A commit does not take the last leaf of one of them, unless that leaf must go (6.1); and nobody new comes in before one
/// who could be invited. Who comes from outside changes nothing for others.
pub(super) fn check_commit(
    conn: &Connection,
    place: Place<'_>,
    suite: SuiteId,
    commit: &NewCommit,
    now_ms: u64,
) -> Result<(), Refused> {
    if commit.mandatory.is_empty() || commit.key.external {
        return Ok(());
    }
    let mut grows = false;
    for leaf in &commit.added {
        grows |= !outside::is_member(conn, place, leaf.device.user)?;
    }
    for user in &commit.mandatory {
        let leaves = leaves_of(conn, place, *user)?;
        if adds(commit, *user) || leaves.iter().any(|(device, _)| !commit.removed.contains(device)) {
            continue;
        }
        let must_go = leaves.iter().all(|(_, pending)| *pending);
        let missed = if leaves.is_empty() {
            grows && can_be_invited(conn, place, *user, suite, now_ms)?
        } else {
            !must_go
        };
        if missed {
            return refuse(commit);
        }
    }
    Ok(())
}

/// The user's devices with a leaf, and whether the leaf waits to be removed.
fn leaves_of(conn: &Connection, place: Place<'_>, user: UserId) -> Result<Vec<(DeviceId, bool)>, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    all(
        conn,
        "SELECT m.device, r.device IS NOT NULL FROM membership m INDEXED BY membership_leaf
         JOIN participant p ON p.tenant = m.tenant AND p.conversation = m.conversation
                           AND p.incarnation = m.incarnation AND p.device = m.device
         LEFT JOIN removal_pending r ON r.tenant = m.tenant AND r.conversation = m.conversation
                           AND r.incarnation = m.incarnation AND r.device = m.device
         WHERE m.tenant = ?1 AND m.conversation = ?2 AND m.incarnation = ?3 AND m.removed_seq IS NULL AND p.user = ?4",
        (tenant, conversation, incarnation, user.0),
        |row| Ok((DeviceId(row.get(0)?), row.get(1)?)),
    )
}

/// Whether a device of the user could be claimed.
fn can_be_invited(
    conn: &Connection,
    place: Place<'_>,
    user: UserId,
    suite: SuiteId,
    now_ms: u64,
) -> Result<bool, DbError> {
    for device in devices::active_of_user(conn, place.tenant, user)? {
        if claims::available(
            conn,
            place.tenant,
            device,
            suite,
            now_ms.saturating_sub(KEY_PACKAGE_FRESH_MS),
        )? {
            return Ok(true);
        }
    }
    Ok(false)
}
