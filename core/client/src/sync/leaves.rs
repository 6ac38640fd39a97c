//! The record of which devices are in a conversation's group, from which entry to which: what deliveries are counted from
//! (rule 8.2). A person's later device does not have what was said before it came, and who came in again from outside has
//! missed what was said in between.
//!
//! Stands between what commits and joins lead to and the store's rows. This device itself is in no row.

use curo_mls::{CommitOutcome, Leaf};
use curo_store::repo::account::Account;
use curo_store::repo::conversation::ConversationRow;
use curo_store::repo::leaf;
use curo_types::api::EntryRecord;
use curo_types::format::{AuthenticatedData, Credential};
use curo_types::{ConversationId, DeviceId, UserId};
use rusqlite::Connection;

use crate::dormant::Named;
use crate::error::Fault;

/// A commit was merged. Its author says how far it had come.
pub(super) fn after_commit(
    conn: &Connection,
    me: &Account,
    row: &ConversationRow,
    entry: &EntryRecord,
    outcome: &CommitOutcome,
) -> Result<(), Fault> {
    let (id, incarnation, seq) = (row.id, row.incarnation, entry.seq);
    // Who was silent comes back, and loses sight then: until then it must know who was in and who was dormant (6.3).
    let silent = Named::of(&outcome.aad).dormant.contains(&me.device);
    if outcome.self_removed && !silent {
        return Ok(leaf::lose_sight(conn, id, incarnation, seq)?);
    }
    if let Some((user, device)) = other(me, &outcome.sender) {
        let cursor = AuthenticatedData::from_bytes(&outcome.aad)
            .ok()
            .and_then(|data| data.cursor);
        if let Some(cursor) = cursor {
            let seen = cursor.seq.min(seq.saturating_sub(1));
            leaf::see_cursor(conn, id, incarnation, device, seen, seq)?;
        }
        if outcome
            .external
            .as_ref()
            .is_some_and(|external| external.replaced.is_some())
        {
            leaf::enter_again(conn, id, incarnation, (user, device), seq)?;
        }
    }
    for (_, device) in outcome.removed.iter().filter_map(|gone| other(me, gone)) {
        leaf::leave(conn, id, incarnation, device, seq)?;
    }
    for came in outcome.added.iter().filter_map(|came| other(me, came)) {
        leaf::enter(conn, id, incarnation, came, seq)?;
    }
    Ok(())
}

/// This device has come in with the entry `seq`: by a Welcome, or from outside. `missed`: what came before it was not seen.
pub(crate) fn joined(
    conn: &Connection,
    me: &Account,
    id: ConversationId,
    (incarnation, seq): (u64, u64),
    members: &[Leaf],
    missed: bool,
) -> Result<(), Fault> {
    if missed {
        leaf::lose_sight(conn, id, incarnation, seq)?;
    }
    let here: Vec<_> = members.iter().filter_map(|member| other(me, member)).collect();
    for device in leaf::now(conn, id, incarnation)? {
        if !here.iter().any(|(_, is)| *is == device) {
            leaf::leave(conn, id, incarnation, device, seq)?;
        }
    }
    for came in here {
        leaf::enter(conn, id, incarnation, came, seq)?;
    }
    Ok(leaf::reached(conn, id, incarnation, seq)?)
}

fn other(me: &Account, leaf: &Leaf) -> Option<(UserId, DeviceId)> {
    let credential = Credential::from_bytes(&leaf.identity).ok()?;
    (credential.device != me.device).then_some((credential.user, credential.device))
}
