//! Members without a leaf (rule 6.3): a leaf that was silent for long goes, its user stays on the roster and may come back from
//! outside.
//!
//! That somebody is dormant, and not removed, is the word of the commit's author, in the authenticated data that it signs. The
//! relay's word alone would let it bring back whom members have removed. Stands between commits and the store's rows.

use std::collections::BTreeSet;

use curo_mls::{CommitOutcome, CommitView};
use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow};
use curo_store::repo::leaf;
use curo_types::format::{AuthenticatedData, Credential};
use curo_types::{DeviceId, UserId};
use rusqlite::Connection;

use crate::error::Fault;

/// Whom a commit names in its authenticated data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// Devices that were silent: their users stay.
    pub(crate) dormant: Vec<DeviceId>,
    /// Members without a leaf who go.
    pub(crate) gone: Vec<UserId>,
}

impl Named {
    /// What a commit says; one that cannot be read says nothing, and was refused before.
    pub(crate) fn of(aad: &[u8]) -> Self {
        AuthenticatedData::from_bytes(aad).map(Self::from).unwrap_or_default()
    }

    /// Users who stay though a commit takes all their leaves: each of these was silent.
    pub(crate) fn staying(&self, outcome: &CommitOutcome) -> BTreeSet<UserId> {
        let removed: Vec<_> = outcome
            .removed
            .iter()
            .filter_map(|leaf| Credential::from_bytes(&leaf.identity).ok())
            .collect();
        let silent = |credential: &Credential| self.dormant.contains(&credential.device);
        let others: BTreeSet<_> = removed.iter().filter(|one| !silent(one)).map(|one| one.user).collect();
        let users = removed.iter().filter(|one| silent(one)).map(|one| one.user);
        users.filter(|user| !others.contains(user)).collect()
    }
}

impl From<AuthenticatedData> for Named {
    fn from(data: AuthenticatedData) -> Self {
        Self {
            dormant: data.dormant.unwrap_or_default(),
            gone: data.gone.unwrap_or_default(),
        }
    }
}

/// Whether a commit may name them at all: it removes the leaf of each silent device, and who goes without a leaf has none. Who
/// comes from outside names nobody.
pub(crate) fn may_be_named(
    conn: &Connection,
    me: &Account,
    row: &ConversationRow,
    view: &CommitView,
    named: &Named,
) -> Result<bool, Fault> {
    if *named == Named::default() {
        return Ok(true);
    }
    let of = |leaf: &curo_mls::Leaf| Credential::from_bytes(&leaf.identity).ok();
    let removed: BTreeSet<_> = view.removed.iter().filter_map(of).map(|one| one.device).collect();
    if view.external.is_some() || !named.dormant.iter().all(|device| removed.contains(device)) {
        return Ok(false);
    }
    let mut here = with_leaf(conn, row)?;
    here.insert(me.user);
    here.extend(view.added.iter().filter_map(of).map(|one| one.user));
    Ok(!named.gone.iter().any(|user| here.contains(user)))
}

/// Users with a leaf, this device's aside.
fn with_leaf(conn: &Connection, row: &ConversationRow) -> Result<BTreeSet<UserId>, Fault> {
    let leaves = leaf::all(conn, row.id, row.incarnation)?.into_iter();
    Ok(leaves
        .filter(|leaf| leaf.until.is_none())
        .map(|leaf| leaf.user)
        .collect())
}

/// Members without a leaf, of a conversation that this device is in.
pub(crate) fn users(conn: &Connection, me: UserId, row: &ConversationRow) -> Result<BTreeSet<UserId>, Fault> {
    let here = with_leaf(conn, row)?;
    let roster = conversation::current_members(conn, row.id)?;
    Ok(roster
        .into_iter()
        .filter(|user| *user != me && !here.contains(user))
        .collect())
}

/// A newcomer learns who was dormant after entry `as_of`. What it has seen since it knows better.
pub(crate) fn learn(
    conn: &Connection,
    me: UserId,
    row: &ConversationRow,
    told: &[UserId],
    as_of: u64,
) -> Result<(), Fault> {
    let leaves = leaf::all(conn, row.id, row.incarnation)?;
    let seen_since = |user: UserId| {
        let later = |until: Option<u64>| until.is_none_or(|until| until > as_of);
        leaves.iter().any(|leaf| leaf.user == user && later(leaf.until))
    };
    for user in users(conn, me, row)? {
        if !told.contains(&user) && !seen_since(user) {
            conversation::remove_member(conn, row.id, row.incarnation, user, row.cursor_seq + 1)?;
        }
    }
    let members = conversation::members(conn, row.id)?;
    let gone_since = |user: UserId| {
        let of = members.iter().filter(|member| member.user == user);
        of.filter(|member| member.incarnation == row.incarnation)
            .any(|member| member.removed_seq.is_some_and(|seq| seq > as_of))
    };
    for user in told.iter().copied().filter(|user| *user != me) {
        if !seen_since(user) && !gone_since(user) {
            conversation::add_member(conn, row.id, row.incarnation, user, row.joined_seq)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
