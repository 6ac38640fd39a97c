//! Making commits out of intents: create, add, remove, update.

use std::collections::BTreeSet;

use curo_mls::{CommitPlan, Leaf, MlsError, key_package_info};
use curo_store::repo::account::{self, Account};
use curo_store::repo::conversation::{self, ConversationRow};
use curo_store::repo::directory as directory_rows;
use curo_store::repo::outbox::{self, IntentKind, OutboxRow};
use curo_store::repo::policy as policies;
use curo_types::api::{ClaimAnswer, ClaimRequest, CommitBundle, CreateConversation, LostLog, ReplayStart, limits};
use curo_types::format::{AuthenticatedData, Credential};
use curo_types::{Blob, ClaimId, DeviceId, ErrorCode, GroupId, SuiteId, UserId};
use serde::{Deserialize, Serialize};

use super::duties::{Duty, device_of};
use super::prepare::{Step, cursor};
use super::{decode_users, encode_users};
use crate::about;
use crate::db::Tx;
use crate::directory::{self, Verdict, user_of};
use crate::dormant::Named;
use crate::error::Fault;
use crate::key_packages::signer;
use crate::policy;
use crate::recovery;
use crate::sync::standing::freeze;

/// What a commit's request carries beside the commit, as the outbox row keeps it.
#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    group_info: Blob,
    welcome: Option<Blob>,
    /// Of a creation.
    start: Option<Start>,
    /// Of one that goes on where the relay has lost the log: the proof.
    #[serde(default)]
    lost: Option<LostLog>,
}

/// The group at epoch 0.
#[derive(Serialize, Deserialize)]
pub(super) struct Start {
    group: GroupId,
    suite: SuiteId,
    group_info: Blob,
    tree: Blob,
}

/// Makes the commit of an intent durable, or says what is needed first. An intent with nothing left to do ends.
pub(super) fn prepare(
    tx: &mut Tx<'_>,
    me: &Account,
    conv: &mut ConversationRow,
    row: &OutboxRow,
    claimed: Option<&ClaimAnswer>,
) -> Result<Step, Fault> {
    // Fetching envelopes moves it; the caller's copy of the account does not.
    let version = account::get(tx.conn)?.map_or(me.directory_version, |account| account.directory_version);
    let mut wanted: BTreeSet<UserId> = decode_users(&row.payload).into_iter().collect();
    let mandatory = policies::mandatory(tx.conn)?;
    if row.kind == IntentKind::Create && conv.incarnation == 1 || row.kind == IntentKind::Add {
        // Who creates or adds brings in whom the tenant's policy wants too (rule 3.4).
        wanted.extend(&mandatory);
    }
    let leaves = match (row.kind, conv.group) {
        (IntentKind::Create, _) | (_, None) => Vec::new(),
        (_, Some(group)) => tx.mls.members(&tx.kv, group.as_bytes())?,
    };
    let here: BTreeSet<UserId> = leaves.iter().filter_map(user_of).collect();
    let mut devices: BTreeSet<DeviceId> = leaves.iter().filter_map(device_of).collect();
    devices.insert(me.device);
    match row.kind {
        IntentKind::Create | IntentKind::Add => {
            let missing: Vec<_> = wanted
                .difference(&here)
                .copied()
                .filter(|user| *user != me.user)
                .collect();
            if row.claim.is_some() && missing.iter().any(|user| !decode_users(&row.payload).contains(user)) {
                // The policy wants somebody since the claim was made: another one asks for them too.
                outbox::requeue(tx.conn, row.position, false)?;
                return Ok(Step::Again);
            }
            // Another incarnation begins whether or not anybody can be invited at once.
            let renews = row.kind == IntentKind::Create && conv.incarnation > 1;
            if missing.is_empty() && !renews {
                return finish(tx, row);
            }
            // It may have changed since it was asked for.
            if !about::may_intend(tx.conn, conv.id, me.user, row.kind)? {
                return fail(tx, row, &ErrorCode::NOT_ALLOWED);
            }
            // This user's other devices come too, wherever they are not yet (rule 6.4).
            let take = |user: UserId, device: DeviceId| {
                !devices.contains(&device) && (missing.contains(&user) || user == me.user)
            };
            let nobody = match me.usable_suites().first() {
                Some(suite) if missing.is_empty() => Some(ClaimAnswer {
                    directory_version: version,
                    suite: *suite,
                    claims: Vec::new(),
                    missing: Vec::new(),
                    without_suite: Vec::new(),
                }),
                _ => None,
            };
            match claimed.or(nobody.as_ref()) {
                Some(claim) => prepare_add(tx, me, conv, row, &missing, &take, claim),
                None => ask_claim(tx, conv, me, row, &encode_users(&missing), with_own(&missing, me)),
            }
        }
        IntentKind::Remove => {
            let remove: Vec<_> = leaves
                .iter()
                .filter(|leaf| user_of(leaf).is_some_and(|user| wanted.contains(&user) && user != me.user))
                .map(|leaf| leaf.index)
                .collect();
            // Who has no leaf is named instead (rule 6.3).
            let roster = conversation::current_members(tx.conn, conv.id)?;
            let gone: Vec<UserId> = wanted
                .iter()
                .copied()
                .filter(|user| *user != me.user && roster.contains(user) && !here.contains(user))
                .collect();
            if remove.is_empty() && gone.is_empty() {
                return finish(tx, row);
            }
            if gone.len() > AuthenticatedData::NAMED_LIMIT {
                return fail(tx, row, &ErrorCode::TOO_LARGE);
            }
            if wanted.iter().any(|user| mandatory.contains(user)) {
                return fail(tx, row, &ErrorCode::MANDATORY_MEMBER);
            }
            if !about::may_intend(tx.conn, conv.id, me.user, row.kind)? {
                return fail(tx, row, &ErrorCode::NOT_ALLOWED);
            }
            commit(
                tx,
                conv,
                row,
                &CommitPlan {
                    add: Vec::new(),
                    remove,
                },
                version,
                Extra {
                    named: Named {
                        gone,
                        ..Named::default()
                    },
                    start: None,
                },
            )
        }
        IntentKind::Update => {
            let duty = Duty::read(&row.payload);
            let plain = duty.is_empty();
            let goes = |device: &DeviceId| duty.remove.contains(device) || duty.silent.contains(device);
            let remove: Vec<_> = leaves
                .iter()
                .filter(|leaf| device_of(leaf).is_some_and(|device| goes(&device)))
                .map(|leaf| leaf.index)
                .collect();
            let add: Vec<_> = duty
                .add
                .iter()
                .filter(|(_, device)| !devices.contains(device))
                .collect();
            let person = duty.person.filter(|user| !here.contains(user));
            if !plain && remove.is_empty() && add.is_empty() && person.is_none() {
                return finish(tx, row);
            }
            if add.is_empty() && person.is_none() {
                let plan = CommitPlan {
                    add: Vec::new(),
                    remove,
                };
                let silent = duty.silent.iter().copied();
                let named = Named {
                    dormant: silent.filter(|device| devices.contains(device)).collect(),
                    ..Named::default()
                };
                return commit(tx, conv, row, &plan, version, Extra { named, start: None });
            }
            let users: BTreeSet<UserId> = add.iter().map(|(user, _)| *user).chain(person).collect();
            let users: Vec<UserId> = users.into_iter().collect();
            let take = |user: UserId, device: DeviceId| {
                let asked = person == Some(user) || add.iter().any(|wanted| **wanted == (user, device));
                asked && !devices.contains(&device)
            };
            match claimed {
                Some(claim) => prepare_add(tx, me, conv, row, &users, &take, claim),
                None => ask_claim(tx, conv, me, row, &row.payload, users),
            }
        }
        IntentKind::Message => Ok(Step::Idle),
    }
}

/// Nothing is left to do: somebody else has done it.
fn finish(tx: &Tx<'_>, row: &OutboxRow) -> Result<Step, Fault> {
    outbox::done(tx.conn, row.position, None)?;
    Ok(Step::Again)
}

/// Ends an intent for good. A conversation that cannot be created takes its messages with it; one that cannot make the
/// update that it owes cannot go on.
pub(super) fn fail(tx: &Tx<'_>, row: &OutboxRow, code: &ErrorCode) -> Result<Step, Fault> {
    if *code == ErrorCode::KEY_MISMATCH {
        // It may be that a key was withheld: a retry asks the directory again.
        directory_rows::doubt(tx.conn)?;
    }
    if row.kind == IntentKind::Create {
        outbox::fail_open(tx.conn, row.conversation, code.as_str())?;
        return Ok(Step::Again);
    }
    outbox::failed(tx.conn, row.position, code.as_str())?;
    if row.kind == IntentKind::Update && Duty::read(&row.payload).person.is_some() {
        policy::try_later(tx.conn, row.conversation)?;
    }
    if row.kind == IntentKind::Update
        && let Some(mut conv) = conversation::get(tx.conn, row.conversation)?.filter(|conv| conv.needs_update)
    {
        freeze(tx.conn, &mut conv, &ErrorCode::REJOIN_NEEDED)?;
    }
    Ok(Step::Again)
}

/// The claim's id is durable first, and with it whom it is for: after a kill, or a lost epoch, the same claim asks for
/// the same users, whoever has come or gone in the meantime.
fn ask_claim(
    tx: &Tx<'_>,
    conv: &ConversationRow,
    me: &Account,
    row: &OutboxRow,
    payload: &[u8],
    users: Vec<UserId>,
) -> Result<Step, Fault> {
    // A conversation keeps its suite; a new one takes what all whom it invites have in common (rule 2.1).
    let suites = match (row.kind, conv.suite) {
        (IntentKind::Create, _) | (_, None) => me.usable_suites(),
        (_, Some(suite)) => vec![suite],
    };
    if suites.is_empty() {
        return Err(Fault::Entry {
            seq: row.position,
            code: ErrorCode::NO_COMMON_SUITE,
        });
    }
    let (claim, users) = match row.claim {
        Some(claim) if row.kind == IntentKind::Update => (claim, users),
        Some(claim) => (claim, with_own(&decode_users(&row.payload), me)),
        None => {
            let claim = ClaimId::random();
            outbox::set_claim(tx.conn, row.position, claim, payload)?;
            (claim, users)
        }
    };
    Ok(Step::Claim {
        intent: row.intent,
        request: ClaimRequest { claim, suites, users },
    })
}

/// Users to claim KeyPackages of, with this user's other devices where there is room.
fn with_own(users: &[UserId], me: &Account) -> Vec<UserId> {
    let mut users = users.to_vec();
    if users.len() < limits::USERS_PER_REQUEST {
        users.push(me.user);
    }
    users
}

fn prepare_add(
    tx: &mut Tx<'_>,
    me: &Account,
    conv: &mut ConversationRow,
    row: &OutboxRow,
    missing: &[UserId],
    take: &dyn Fn(UserId, DeviceId) -> bool,
    claim: &ClaimAnswer,
) -> Result<Step, Fault> {
    let suite = match (row.kind, conv.suite) {
        (IntentKind::Create, _) | (_, None) => claim.suite,
        (_, Some(suite)) => suite,
    };
    if row.kind == IntentKind::Create && !me.usable_suites().contains(&suite) {
        // The tenant allowed it when the claim was made: another claim takes another one.
        outbox::requeue(tx.conn, row.position, false)?;
        return Ok(Step::Again);
    }
    // Who cannot be invited into the next incarnation stays on the roster and comes in from outside (3.7).
    let renews = row.kind == IntentKind::Create && conv.incarnation > 1;
    // But not who is to be asked back into a direct one that was closed (6.6).
    let roster = conversation::current_members(tx.conn, conv.id)?;
    let renews = renews && conv.direct_with.is_none_or(|other| roster.contains(&other));
    // Nor does somebody whom the policy wants and who has no device keep others out of a conversation that there is.
    let mandatory = policies::mandatory(tx.conn)?;
    let spares = |user: &UserId| row.kind == IntentKind::Add && mandatory.contains(user);
    let missing: Vec<UserId> = missing.iter().copied().filter(|user| !spares(user)).collect();
    if !renews && missing.iter().any(|user| claim.without_suite.contains(user)) {
        return fail(tx, row, &ErrorCode::NO_COMMON_SUITE);
    }
    if !renews && missing.iter().any(|user| claim.missing.contains(user)) {
        return fail(tx, row, &ErrorCode::NO_DEVICE);
    }
    let (mut add, mut leaves) = (Vec::new(), Vec::new());
    for claimed in claim.claims.iter().filter(|claimed| take(claimed.user, claimed.device)) {
        let bytes = claimed.key_package.as_slice();
        let Ok(info) = key_package_info(bytes) else {
            return fail(tx, row, &ErrorCode::KEY_MISMATCH);
        };
        let expected = Credential::new(me.tenant.clone(), claimed.user, claimed.device).to_bytes();
        if info.identity != expected || info.suite.0 != suite.0 {
            return fail(tx, row, &ErrorCode::KEY_MISMATCH);
        }
        leaves.push(Leaf {
            index: 0,
            identity: info.identity,
            signature_key: info.signature_key,
        });
        add.push(bytes.to_vec());
    }
    if !renews
        && missing
            .iter()
            .any(|user| !leaves.iter().filter_map(user_of).any(|added| added == *user))
    {
        return fail(tx, row, &ErrorCode::NO_DEVICE);
    }
    if row.kind == IntentKind::Add && leaves.is_empty() {
        return fail(tx, row, &ErrorCode::NO_DEVICE);
    }
    match directory::judge(tx.conn, &me.tenant, suite, &leaves, &[], claim.directory_version)? {
        Verdict::Good => {}
        Verdict::Fetch(users) => {
            return Ok(Step::Directory {
                users,
                version: claim.directory_version,
            });
        }
        Verdict::Mismatch => return fail(tx, row, &ErrorCode::KEY_MISMATCH),
        Verdict::Later => return fail(tx, row, &ErrorCode::UPDATE_REQUIRED),
    }
    let mut start = None;
    if row.kind == IntentKind::Create {
        // A fresh group each time: what an earlier try left is of no use any more.
        if let Some(group) = conv.group {
            tx.mls.delete_group(&tx.kv, group.as_bytes())?;
        }
        let group = GroupId::random();
        let created = tx.mls.create(&tx.kv, &signer(me, suite)?, group.as_bytes())?;
        conv.group = Some(group);
        conv.suite = Some(suite);
        start = Some(Start {
            group,
            suite,
            group_info: Blob(created.group_info),
            tree: Blob(created.tree),
        });
        conversation::put(tx.conn, conv)?;
        conversation::add_member(tx.conn, conv.id, conv.incarnation, me.user, 0)?;
    }
    commit(
        tx,
        conv,
        row,
        &CommitPlan {
            add,
            remove: Vec::new(),
        },
        claim.directory_version,
        Extra {
            named: Named::default(),
            start,
        },
    )
}

/// What some commits have beside what they do to the tree.
struct Extra {
    /// Whom it names in its authenticated data.
    named: Named,
    /// Of a creation.
    start: Option<Start>,
}

fn commit(
    tx: &mut Tx<'_>,
    conv: &ConversationRow,
    row: &OutboxRow,
    plan: &CommitPlan,
    directory_version: u64,
    extra: Extra,
) -> Result<Step, Fault> {
    let Some(group) = conv.group else {
        return Ok(Step::Idle);
    };
    let Extra { named, start } = extra;
    let aad = AuthenticatedData::commit(row.intent, directory_version, cursor(conv))
        .with_dormant(named.dormant, named.gone)
        .to_bytes();
    let prepared = match tx.mls.prepare_commit(&tx.kv, group.as_bytes(), plan, &aad) {
        Ok(prepared) => prepared,
        Err(error @ MlsError::Storage(_)) => return Err(error.into()),
        // What is pending here belongs to no row: a rest of a row that ended. It was never sent, or was refused.
        Err(MlsError::CommitPending) => {
            tx.mls.discard_own_commit(&tx.kv, group.as_bytes())?;
            return Ok(Step::Again);
        }
        Err(_) => {
            return Err(Fault::Entry {
                seq: row.position,
                code: ErrorCode::REFUSED,
            });
        }
    };
    let request = Request {
        group_info: Blob(prepared.group_info),
        welcome: prepared.welcome.map(Blob),
        lost: match start {
            Some(_) => recovery::proof(tx.conn, conv.id, conv.incarnation.saturating_sub(1))?,
            None => None,
        },
        start,
    };
    let request = serde_json::to_vec(&request).map_err(|_| Fault::Code(ErrorCode::INVALID_ARGUMENT))?;
    outbox::prepared(
        tx.conn,
        row.position,
        conv.incarnation,
        prepared.epoch,
        &prepared.commit,
        Some(&request),
    )?;
    let row = outbox::get(tx.conn, row.intent)?.ok_or(Fault::Code(ErrorCode::UNKNOWN))?;
    Ok(Step::Commit { row: Box::new(row) })
}

/// The group at epoch 0 out of the row of a creation.
pub(crate) fn start_of(row: &OutboxRow) -> Option<ReplayStart> {
    let request: Request = serde_json::from_slice(row.request.as_deref()?).ok()?;
    let start = request.start?;
    Some(ReplayStart {
        group: start.group,
        suite: start.suite,
        group_info: start.group_info,
        tree: start.tree,
    })
}

/// The request of a prepared commit, out of its row.
pub(super) enum Prepared {
    Create(Box<CreateConversation>),
    Commit { incarnation: u64, bundle: CommitBundle },
}

/// Reads a prepared row back; `None` for a row that is not one.
pub(super) fn read_prepared(row: &OutboxRow) -> Option<Prepared> {
    let request: Request = serde_json::from_slice(row.request.as_deref()?).ok()?;
    let commit = Blob(row.body.clone()?);
    let bundle = CommitBundle {
        commit,
        group_info: request.group_info,
        welcome: request.welcome,
    };
    let incarnation = row.incarnation?;
    Some(match request.start {
        Some(start) => Prepared::Create(Box::new(CreateConversation {
            conversation: row.conversation,
            incarnation,
            group: start.group,
            suite: start.suite,
            group_info: start.group_info,
            tree: start.tree,
            first_commit: bundle,
            lost: request.lost,
        })),
        None => Prepared::Commit { incarnation, bundle },
    })
}
