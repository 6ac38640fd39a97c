//! The device directory as this device has verified it: which keys were published for whom, by which version.
//!
//! Never advisory: a leaf whose key is not found here is not let into a group (rule 3.6).

use std::collections::{BTreeMap, BTreeSet};

use curo_mls::{Leaf, Suite, verify_signature};
use curo_store::repo::{account, directory as rows};
use curo_types::api::{DirectoryAnswer, DirectoryQuery, limits};
use curo_types::format::{Action, Credential, Envelope};
use curo_types::{DeviceId, Digest, ErrorCode, SuiteId, TenantId, UserId};
use rusqlite::Connection;

use crate::db::Db;
use crate::error::Fault;
use crate::http::Relay;

/// What judging leaves came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every leaf's key was published by then.
    Good,
    /// These users' envelopes must be fetched first.
    Fetch(Vec<UserId>),
    /// A key was never published for its device and suite, or a credential is not one of this tenant.
    Mismatch,
}

/// Judges leaves at a directory version (rule 3.6).
pub(crate) fn judge<'l>(
    conn: &Connection,
    tenant: &TenantId,
    suite: SuiteId,
    leaves: impl IntoIterator<Item = &'l Leaf>,
    version: u64,
) -> Result<Verdict, Fault> {
    let mut fetch = BTreeSet::new();
    for leaf in leaves {
        let Ok(credential) = Credential::from_bytes(&leaf.identity) else {
            return Ok(Verdict::Mismatch);
        };
        if credential.tenant != *tenant {
            return Ok(Verdict::Mismatch);
        }
        if rows::complete_to(conn, credential.user)? < version {
            fetch.insert(credential.user);
        } else if !rows::published(conn, credential.device, suite, &leaf.signature_key, version)?
            || rows::last_before(conn, credential.device, u64::MAX)?.is_none_or(|(user, _)| user != credential.user)
        {
            return Ok(Verdict::Mismatch);
        }
    }
    Ok(if fetch.is_empty() {
        Verdict::Good
    } else {
        Verdict::Fetch(fetch.into_iter().collect())
    })
}

/// Fetches and keeps all envelopes of some users; afterwards they are complete up to `at_least`.
pub(crate) async fn fetch(db: &Db, relay: &Relay, users: Vec<UserId>, at_least: u64) -> Result<(), Fault> {
    for users in users.chunks(limits::USERS_PER_REQUEST) {
        let users = users.to_vec();
        let answer = relay.directory(&DirectoryQuery { users: users.clone() }).await?;
        if answer.version < at_least {
            return Err(Fault::BadRelay("directory is behind"));
        }
        db.write(move |tx| keep(tx.conn, &users, &answer)).await?;
    }
    Ok(())
}

/// As [`fetch`], for judging an entry: a directory that does not verify lets nobody in, which is the entry's fault and not
/// the account's.
pub(crate) async fn fetch_for(
    db: &Db,
    relay: &Relay,
    users: Vec<UserId>,
    at_least: u64,
    seq: u64,
) -> Result<(), Fault> {
    match fetch(db, relay, users, at_least).await {
        Err(Fault::BadRelay(_) | Fault::Format(_)) => Err(Fault::Entry {
            seq,
            code: ErrorCode::KEY_MISMATCH,
        }),
        other => other,
    }
}

/// Verifies and stores envelopes. What is here already must come again verbatim.
fn keep(conn: &Connection, users: &[UserId], answer: &DirectoryAnswer) -> Result<(), Fault> {
    let bad = |reason| Err(Fault::BadRelay(reason));
    let Some(account) = account::get(conn)? else {
        return bad("no account");
    };
    let mut keys = BTreeMap::new();
    let mut before = 0;
    for record in &answer.records {
        if record.version <= before || record.version > answer.version {
            return bad("directory versions out of order");
        }
        before = record.version;
        let bytes = record.envelope.as_slice();
        let envelope = Envelope::from_bytes(bytes)?;
        let body = envelope.body();
        if body.tenant != account.tenant || !users.contains(&body.user) {
            return bad("directory envelope of somebody else");
        }
        let own_keys = body
            .keys
            .iter()
            .map(|key| (key.suite, key.public_key.clone()))
            .collect::<Vec<_>>();
        if let Some(kept) = rows::envelope(conn, record.version)? {
            if kept != bytes {
                return bad("directory envelope was rewritten");
            }
        } else {
            verify(conn, &envelope, record.version, &account.directory_key, &keys)?;
            rows::add(conn, record.version, body.user, body.device, bytes, &own_keys)?;
        }
        keys.insert(body.device, (body.user, own_keys));
    }
    for user in users {
        rows::set_complete_to(conn, *user, answer.version)?;
    }
    account::see_directory_version(conn, answer.version)?;
    Ok(())
}

type CurrentKeys = BTreeMap<DeviceId, (UserId, Vec<(SuiteId, Vec<u8>)>)>;

/// Signatures, and that the envelope follows the device's last one.
fn verify(
    conn: &Connection,
    envelope: &Envelope,
    version: u64,
    directory_key: &Digest,
    keys: &CurrentKeys,
) -> Result<(), Fault> {
    let body = envelope.body();
    envelope.verify(directory_key, &verify_suite, &|device, suite| {
        let (user, keys) = keys.get(&device)?;
        keys.iter()
            .find(|(s, _)| *user == body.user && *s == suite)
            .map(|(_, key)| key.clone())
    })?;
    let last = rows::last_before(conn, body.device, version)?;
    let follows = match (&last, body.action) {
        (None, Action::Add) => true,
        (Some((user, last)), Action::Rotate | Action::Revoke) => {
            *user == body.user && body.previous == Some(Digest::of(last))
        }
        _ => false,
    };
    if follows {
        Ok(())
    } else {
        Err(Fault::BadRelay("directory envelope does not follow the one before"))
    }
}

/// A signature by an MLS key of any suite that this build knows.
pub(crate) fn verify_suite(suite: SuiteId, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    verify_signature(Suite(suite.0), key, message, signature).is_ok()
}

/// The user behind a leaf. Leaves in a group have passed the directory, so their credentials are readable.
pub(crate) fn user_of(leaf: &Leaf) -> Option<UserId> {
    Credential::from_bytes(&leaf.identity)
        .ok()
        .map(|credential| credential.user)
}
