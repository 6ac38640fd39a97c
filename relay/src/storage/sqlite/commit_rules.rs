//! What must hold of a commit at the moment of its acceptance: its leaves against the directory (3.6) and the members (3.4).

use curo_sqlite::rusqlite::Connection;
use curo_types::api::limits::LEAVES;
use curo_types::{DeviceId, SuiteId, TenantId};

use super::conversations::{self, Group, Place};
use super::sql::Stop;
use super::{devices, directory, leaving, silence, tenants};
use crate::storage::{DeviceRef, LeafClaim, NewCommit, Refusal};

type Refused = Stop<Refusal>;

/// Refuses by a rule that has no code of its own.
pub(super) fn rule<T>(name: &'static str) -> Result<T, Refused> {
    Err(Stop::refused(Refusal::Rule(name)))
}

/// What must hold of the commit at this moment; returns the directory version that is stamped on it.
pub(super) fn check_rules(
    conn: &Connection,
    place: Place<'_>,
    caller: DeviceRef,
    commit: &NewCommit,
    group: Group,
) -> Result<u64, Refused> {
    let current = tenants::directory_version(conn, place.tenant)?;
    if commit.directory_version > current {
        return rule("directory_version");
    }
    if commit.updated.device != caller {
        return rule("sender_leaf");
    }
    for leaf in commit.added.iter().chain([&commit.updated]) {
        check_leaf(conn, place.tenant, group.suite, leaf, commit.directory_version)?;
    }
    // One from outside brings somebody back who can remove them.
    if !commit.key.external {
        leaving::require_none_but(conn, place, &commit.removed)?;
    }
    silence::check_commit(conn, place, commit)?;
    let leaves = conversations::leaves(conn, place)?;
    let mut removed = commit.removed.clone();
    removed.sort_unstable();
    removed.dedup();
    if removed.len() != commit.removed.len()
        || removed.contains(&caller.device)
        || !removed.iter().all(|device| leaves.contains(device))
    {
        return rule("removed_leaf");
    }
    if commit.key.external {
        return external(commit, caller, &leaves).map(|()| current);
    }
    let mut added: Vec<_> = commit.added.iter().map(|leaf| leaf.device.device).collect();
    added.sort_unstable();
    added.dedup();
    // Which of its two leaves a member would mean by the device depends on the order in which it reads.
    if added.iter().any(|device| removed.binary_search(device).is_ok()) {
        return rule("device_readded");
    }
    if added.len() != commit.added.len() || added.iter().any(|device| leaves.contains(device)) {
        return rule("added_leaf");
    }
    if leaves.len() - removed.len() + added.len() > LEAVES {
        return rule("too_many_leaves");
    }
    if commit.welcome.is_some() == commit.added.is_empty() {
        return rule("welcome");
    }
    Ok(current)
}

/// 3.5: an external commit brings the caller's own leaf, which is new exactly if there was none, and does nothing else.
fn external(commit: &NewCommit, caller: DeviceRef, leaves: &[DeviceId]) -> Result<(), Refused> {
    let replaces = leaves.contains(&caller.device);
    let own = match commit.added.as_slice() {
        [] => replaces,
        [leaf] => !replaces && leaf.device == caller,
        _ => false,
    };
    if !own || !commit.removed.is_empty() || commit.welcome.is_some() {
        return rule("external_commit");
    }
    if !replaces && leaves.len() >= LEAVES {
        return rule("too_many_leaves");
    }
    Ok(())
}

/// 3.6: a leaf that is added or updated bears the directory's current key, and did so at the version that the committer judged by.
fn check_leaf(
    conn: &Connection,
    tenant: &TenantId,
    suite: SuiteId,
    leaf: &LeafClaim,
    judged_by: u64,
) -> Result<(), Refused> {
    let Some(published) = directory::published(conn, tenant, leaf.device.device)? else {
        return rule("leaf_unknown_device");
    };
    if published.user != leaf.device.user {
        return rule("leaf_unknown_device");
    }
    if published.version > judged_by {
        return Err(Stop::refused(Refusal::DirectoryChanged));
    }
    if !published.active {
        return rule("leaf_revoked_device");
    }
    if !devices::has_key(conn, tenant, leaf.device.device, suite, &leaf.public_key)? {
        return rule("leaf_key");
    }
    Ok(())
}
