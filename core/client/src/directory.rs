//! The device directory as this device has verified it: which keys were published for whom, by which version.
//!
//! Never advisory: a leaf whose key is not found here is not let into a group (rule 3.6).

use std::collections::{BTreeMap, BTreeSet};

use curo_mls::{Leaf, MlsError, Suite, verify_signature};
use curo_store::repo::{account, directory as rows, lost, policy};
use curo_types::api::{DirectoryAnswer, DirectoryQuery, limits};
use curo_types::format::{Action, Credential, Envelope, EnvelopeBody, Signer, SuiteVerdict};
use curo_types::{DeviceId, Digest, ErrorCode, FormatError, SuiteId, TenantId, UserId};
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
    /// A credential is of a version that this client does not read.
    Later,
    /// A key was never published for its device and suite, or a credential is not one of this tenant.
    Mismatch,
}

/// At which version of the directory something is judged. One that a restored relay has lost (rule 7.2) cannot be known any more:
/// its envelopes have come back behind it, if at all. The directory as it is now stands for it.
#[derive(Clone, Copy)]
pub(crate) struct JudgedAt {
    /// Envelopes are needed up to this version.
    pub(crate) needs: u64,
    /// Those up to this version count.
    pub(crate) at: u64,
    /// Whether the relay has lost it.
    pub(crate) is_lost: bool,
}

impl JudgedAt {
    pub(crate) fn of(conn: &Connection, version: u64) -> Result<Self, Fault> {
        let until = lost::until(conn, version)?;
        Ok(Self {
            needs: until.unwrap_or(version),
            at: if until.is_some() { u64::MAX } else { version },
            is_lost: until.is_some(),
        })
    }
}

/// Judges leaves at a directory version (rule 3.6). Who is added must be in the directory then; of whom was there before,
/// or renews its leaf, the key must have been published at any time until then: what was revoked or rotated since is a
/// duty to remove, not a mismatch. Where the tenant asks for approvals, each came with one, needed none, or was here before.
pub(crate) fn judge<'l>(
    conn: &Connection,
    tenant: &TenantId,
    suite: SuiteId,
    added: &'l [Leaf],
    others: &'l [Leaf],
    version: u64,
) -> Result<Verdict, Fault> {
    let mut fetch = BTreeSet::new();
    let asked_since = policy::approval_since(conn)?;
    let judged = JudgedAt::of(conn, version)?;
    let added = added.iter().map(|leaf| (leaf, true));
    for (leaf, is_new) in added.chain(others.iter().map(|leaf| (leaf, false))) {
        let credential = match Credential::from_bytes(&leaf.identity) {
            Ok(credential) => credential,
            Err(FormatError::UnsupportedVersion { .. }) => return Ok(Verdict::Later),
            Err(_) => return Ok(Verdict::Mismatch),
        };
        if credential.tenant != *tenant {
            return Ok(Verdict::Mismatch);
        }
        if rows::complete_to(conn, credential.user)? < judged.needs {
            fetch.insert(credential.user);
            continue;
        }
        let strictly = is_new && !judged.is_lost;
        let known = if strictly { rows::current } else { rows::published };
        let vouched = known(conn, credential.device, suite, &leaf.signature_key, judged.at)?;
        if !vouched && judged.is_lost {
            // Perhaps somebody has brought it back meanwhile.
            fetch.insert(credential.user);
            continue;
        }
        let owner = rows::last_before(conn, credential.device, u64::MAX)?.map(|(user, _)| user);
        let approved = match asked_since {
            Some(since) => {
                rows::came(conn, credential.device)?.is_some_and(|(version, approved)| version <= since || approved)
            }
            None => true,
        };
        if !vouched || !approved || owner != Some(credential.user) {
            return Ok(Verdict::Mismatch);
        }
    }
    Ok(if fetch.is_empty() {
        Verdict::Good
    } else {
        Verdict::Fetch(fetch.into_iter().collect())
    })
}

/// What was fetched to judge the same entries: asking twice for the same is asking for ever.
#[derive(Default)]
pub(crate) struct Asked(BTreeMap<UserId, u64>);

impl Asked {
    /// Allows a fetch that brings something new. Otherwise the entry at `seq` cannot be judged, ever.
    pub(crate) fn once_more(&mut self, users: &[UserId], version: u64, seq: u64) -> Result<(), Fault> {
        let known = |user: &UserId| self.0.get(user).is_some_and(|asked| *asked >= version);
        if users.iter().all(known) {
            return Err(Fault::Entry {
                seq,
                code: ErrorCode::KEY_MISMATCH,
            });
        }
        self.0.extend(users.iter().map(|user| (*user, version)));
        Ok(())
    }
}

/// Fetches and keeps all envelopes of some users; afterwards they are complete up to `at_least`.
pub(crate) async fn fetch(db: &Db, relay: &Relay, users: Vec<UserId>, at_least: u64) -> Result<(), Fault> {
    for users in users.chunks(limits::USERS_PER_REQUEST) {
        let answer = ask(relay, users, at_least).await?;
        match keep_answer(db, users, answer).await {
            Err(Fault::Format(_)) => return Err(Fault::BadRelay("directory envelope of a later version")),
            kept => kept?,
        }
    }
    Ok(())
}

/// As [`fetch`], for judging an entry: a directory that does not verify lets nobody in, which is the entry's fault and not
/// the account's. One that does not answer, or not as far as it must, says nothing about the entry.
pub(crate) async fn fetch_for(
    db: &Db,
    relay: &Relay,
    users: Vec<UserId>,
    at_least: u64,
    seq: u64,
) -> Result<(), Fault> {
    for users in users.chunks(limits::USERS_PER_REQUEST) {
        let answer = ask(relay, users, at_least).await?;
        match keep_answer(db, users, answer).await {
            Err(Fault::BadRelay(_)) => {
                return Err(Fault::Entry {
                    seq,
                    code: ErrorCode::KEY_MISMATCH,
                });
            }
            Err(Fault::Format(_)) => {
                return Err(Fault::Entry {
                    seq,
                    code: ErrorCode::UPDATE_REQUIRED,
                });
            }
            kept => kept?,
        }
    }
    Ok(())
}

async fn ask(relay: &Relay, users: &[UserId], at_least: u64) -> Result<DirectoryAnswer, Fault> {
    let answer = relay.directory(&DirectoryQuery { users: users.to_vec() }).await?;
    if answer.version < at_least {
        return Err(Fault::BadRelay("directory is behind"));
    }
    Ok(answer)
}

async fn keep_answer(db: &Db, users: &[UserId], answer: DirectoryAnswer) -> Result<(), Fault> {
    let users = users.to_vec();
    match db.write(move |tx| keep(tx.conn, &users, &answer)).await {
        // Of a later version: who is vouched for there is not for this client to say.
        Err(fault @ Fault::Format(FormatError::UnsupportedVersion { .. })) => Err(fault),
        Err(Fault::Format(_)) => Err(Fault::BadRelay("directory envelope")),
        kept => kept,
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
        let own_keys = readable_keys(body);
        if let Some(kept) = rows::envelope(conn, record.version)? {
            if kept != bytes {
                return bad("directory envelope was rewritten");
            }
            // A build that could run fewer suites may have kept it, without the keys that it could not check.
            if rows::add_keys(conn, record.version, body.device, &own_keys)? {
                envelope.verify_possession(&verify_suite)?;
            }
        } else {
            if record.version <= rows::complete_to(conn, body.user)? {
                return bad("directory envelope was withheld before");
            }
            verify(conn, &envelope, record.version, &account.directory_key, &keys)?;
            let approved = is_approved(&envelope, &keys);
            rows::add(conn, record.version, body.user, body.device, bytes, approved, &own_keys)?;
        }
        let now = Now {
            user: body.user,
            keys: own_keys,
            active: body.action != Action::Revoke,
        };
        keys.insert(body.device, now);
    }
    for user in users {
        let came = |version: &u64| answer.records.iter().any(|record| record.version == *version);
        if !rows::versions(conn, *user)?.iter().all(came) {
            return bad("directory envelope is withheld");
        }
        rows::set_complete_to(conn, *user, answer.version)?;
    }
    account::see_directory_version(conn, answer.version)?;
    Ok(())
}

/// The keys of suites that this build can run; the others are of a later version, and nothing is made of them.
fn readable_keys(body: &EnvelopeBody) -> Vec<(SuiteId, Vec<u8>)> {
    let readable = body.keys.iter().filter(|key| Suite(key.suite.0).is_supported());
    readable.map(|key| (key.suite, key.public_key.clone())).collect()
}

/// A device as the envelopes so far have it.
struct Now {
    user: UserId,
    keys: Vec<(SuiteId, Vec<u8>)>,
    active: bool,
}

impl Now {
    fn key_of(&self, suite: SuiteId) -> Option<Vec<u8>> {
        let found = self.keys.iter().find(|(of, _)| *of == suite);
        found.map(|(_, key)| key.clone())
    }
}

type CurrentKeys = BTreeMap<DeviceId, Now>;

/// Whether an addition needs no approval, because no other device of the user was active, or bears that of one that was (2.11).
/// The directory's word alone is none: whoever holds its key could bring in a device of their own.
fn is_approved(envelope: &Envelope, before: &CurrentKeys) -> bool {
    let (body, message) = (envelope.body(), envelope.signed_bytes());
    let other = |device: &DeviceId, now: &Now| now.active && now.user == body.user && *device != body.device;
    let alone = !before.iter().any(|(device, now)| other(device, now));
    alone
        || envelope.signatures.iter().any(|one| match one.signer {
            Signer::Device(by, suite) => before.get(&by).filter(|now| other(&by, now)).is_some_and(|now| {
                now.key_of(suite)
                    .is_some_and(|key| verify_suite(suite, &key, &message, &one.signature) == SuiteVerdict::Valid)
            }),
            _ => false,
        })
}

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
        let now = keys.get(&device).filter(|now| now.user == body.user)?;
        now.key_of(suite)
    })?;
    let last = rows::last_before(conn, body.device, version)?;
    let follows = match (&last, body.action) {
        (None, Action::Add) => true,
        (Some((user, last)), action @ (Action::Rotate | Action::Revoke)) => {
            let before = Envelope::from_bytes(last)?;
            if action == Action::Rotate {
                envelope.verify_rotation(before.body(), &verify_suite)?;
            }
            // A revoked device never comes back.
            let alive = before.body().action != Action::Revoke;
            alive && *user == body.user && body.previous == Some(Digest::of(last))
        }
        _ => false,
    };
    if !follows {
        return Err(Fault::BadRelay("directory envelope does not follow the one before"));
    }
    for (suite, key) in readable_keys(body) {
        if rows::key_of_another(conn, body.device, suite, &key)? {
            return Err(Fault::BadRelay("directory key of another device"));
        }
    }
    Ok(())
}

/// A signature by an MLS key of any suite that this build knows.
pub(crate) fn verify_suite(suite: SuiteId, key: &[u8], message: &[u8], signature: &[u8]) -> SuiteVerdict {
    match verify_signature(Suite(suite.0), key, message, signature) {
        Ok(()) => SuiteVerdict::Valid,
        Err(MlsError::UnsupportedSuite(_)) => SuiteVerdict::UnknownSuite,
        Err(_) => SuiteVerdict::Wrong,
    }
}

/// The user behind a leaf. Leaves in a group have passed the directory, so their credentials are readable.
pub(crate) fn user_of(leaf: &Leaf) -> Option<UserId> {
    Credential::from_bytes(&leaf.identity)
        .ok()
        .map(|credential| credential.user)
}
