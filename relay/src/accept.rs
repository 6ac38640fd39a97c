//! What the relay checks of MLS messages before the storage decides (`docs/protocol.md` section 3): form, sender, authenticated
//! data, the follower's verdict on a commit, its GroupInfo and Welcome.
//!
//! Knows neither HTTP nor storage calls. All of it is computation; commits take milliseconds, so callers run them on a thread
//! that may block.

pub(crate) mod replay;

use std::collections::BTreeSet;

use curo_mls::{Follower, FramingKind, Leaf, MlsError, StagedFollow};
use curo_types::api::{CommitBundle, CreateConversation, limits};
use curo_types::format::{AuthenticatedData, Credential};
use curo_types::{Blob, ConversationId, DeviceId, Digest, FormatError, IntentId, TenantId, UserId};

use crate::storage::{CommitKey, DeviceRef, LeafClaim, NewCommit, NewConversation, NewMessage};

/// Why bytes were refused before the storage was asked. Carries fixed sentences only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AcceptError {
    #[error("{0}")]
    Malformed(&'static str),
    #[error("{0} is over its limit")]
    TooLarge(&'static str),
    #[error("{0}")]
    Refused(&'static str),
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error(transparent)]
    Mls(#[from] MlsError),
}

/// A commit's own words, read without any state.
#[derive(Debug)]
pub(crate) struct CommitHead {
    pub(crate) key: CommitKey,
    directory_version: u64,
    dormant: Vec<DeviceId>,
    gone: Vec<UserId>,
}

/// Reads what a commit says of itself. Its signature is not checked yet.
pub(crate) fn read_commit(
    conversation: ConversationId,
    incarnation: u64,
    bundle: &CommitBundle,
) -> Result<CommitHead, AcceptError> {
    within("the commit", &bundle.commit, limits::COMMIT_BYTES)?;
    within("the GroupInfo", &bundle.group_info, limits::GROUP_INFO_BYTES)?;
    if let Some(welcome) = &bundle.welcome {
        within("the Welcome", welcome, limits::WELCOME_BYTES)?;
    }
    let framing = curo_mls::inspect(bundle.commit.as_slice())?;
    if framing.kind != FramingKind::Commit {
        return Err(AcceptError::Refused("not a commit in a PublicMessage"));
    }
    let data = AuthenticatedData::from_bytes(&framing.aad)?;
    let directory_version = data.directory_version.ok_or(AcceptError::Refused(
        "a commit names the directory version that it judges by",
    ))?;
    if data.counter.is_some() {
        return Err(AcceptError::Refused("a commit has no counter"));
    }
    let key = CommitKey {
        conversation,
        incarnation,
        intent: data.intent,
        body_hash: Digest::of(bundle.commit.as_slice()),
        epoch: framing.epoch,
        cursor: data.cursor,
        external: framing.commit.is_some_and(|commit| commit.sender_index.is_none()),
    };
    Ok(CommitHead {
        key,
        directory_version,
        dormant: data.dormant.unwrap_or_default(),
        gone: data.gone.unwrap_or_default(),
    })
}

/// What an accepted commit says of itself.
struct CommitWords {
    intent: IntentId,
    /// The directory version that it judges by.
    version: u64,
    dormant: Vec<DeviceId>,
    gone: Vec<UserId>,
}

fn read_commit_words(commit: &Blob) -> Result<CommitWords, AcceptError> {
    within("the commit", commit, limits::COMMIT_BYTES)?;
    let data = AuthenticatedData::from_bytes(&curo_mls::inspect(commit.as_slice())?.aad)?;
    let version = data.directory_version.ok_or(AcceptError::Refused(
        "a commit names the directory version that it judges by",
    ))?;
    Ok(CommitWords {
        intent: data.intent,
        version,
        dormant: data.dormant.unwrap_or_default(),
        gone: data.gone.unwrap_or_default(),
    })
}

/// What came of a check.
pub(crate) struct Checked {
    pub(crate) result: Result<NewCommit, AcceptError>,
    /// After a refusal the follower as it was; else in the epoch that the commit opens. `None` if it is of no more use.
    pub(crate) follower: Option<Follower>,
}

/// Checks a commit against the state of its group (3.4, 3.6 but for the directory's own word).
pub(crate) fn check_commit(
    tenant: &TenantId,
    caller: DeviceRef,
    mut follower: Follower,
    head: CommitHead,
    bundle: CommitBundle,
    checkpoint: bool,
) -> Checked {
    let judged = match judge(tenant, caller, &follower, &bundle) {
        Ok(judged) => judged,
        Err(error) => {
            return Checked {
                result: Err(error),
                follower: Some(follower),
            };
        }
    };
    let result = conclude(tenant, &mut follower, judged, head, bundle, checkpoint);
    Checked {
        follower: result.is_ok().then_some(follower),
        result,
    }
}

/// Checks a new conversation: a group of the caller alone, and its first commit (3.7).
pub(crate) fn check_creation(
    tenant: &TenantId,
    caller: DeviceRef,
    request: CreateConversation,
) -> Result<(NewConversation, Follower), AcceptError> {
    let head = read_commit(request.conversation, request.incarnation, &request.first_commit)?;
    within("the GroupInfo", &request.group_info, limits::GROUP_INFO_BYTES)?;
    within("the tree", &request.tree, limits::GROUP_INFO_BYTES)?;
    let follower = Follower::create(request.group_info.as_slice(), request.tree.as_slice())?;
    if follower.group_id() != request.group.as_bytes().as_slice() {
        return Err(AcceptError::Refused("the GroupInfo is of another group"));
    }
    if follower.suite().0 != request.suite.0 {
        return Err(AcceptError::Refused("the GroupInfo is of another suite"));
    }
    let mut follower = follower;
    let judged = judge(tenant, caller, &follower, &request.first_commit)?;
    let first_commit = conclude(tenant, &mut follower, judged, head, request.first_commit, true)?;
    let new = NewConversation {
        group: request.group,
        suite: request.suite,
        first_commit,
        lost: None,
    };
    Ok((new, follower))
}

/// A commit that may be applied.
struct Judged {
    staged: StagedFollow,
    added: Vec<LeafClaim>,
    removed: Vec<DeviceId>,
    updated: LeafClaim,
}

fn judge(
    tenant: &TenantId,
    caller: DeviceRef,
    follower: &Follower,
    bundle: &CommitBundle,
) -> Result<Judged, AcceptError> {
    let staged = follower.stage(bundle.commit.as_slice())?;
    let (sender, _) = identify(tenant, &staged.sender)?;
    if sender != caller {
        return Err(AcceptError::Refused("the sender's leaf is not the calling device's"));
    }
    let added = staged
        .added
        .iter()
        .map(|leaf| claim(tenant, leaf))
        .collect::<Result<Vec<_>, _>>()?;
    let removed = staged
        .removed
        .iter()
        .map(|leaf| identify(tenant, leaf).map(|(device, _)| device.device))
        .collect::<Result<Vec<_>, _>>()?;
    let updated = staged
        .updated
        .as_ref()
        .ok_or(AcceptError::Refused("a commit has a path"))?;
    // Byte by byte: members freeze a conversation where the path says anything else of its sender (3.6).
    if updated.identity != staged.sender.identity {
        return Err(AcceptError::Refused("the path changes the sender's credential"));
    }
    let updated = claim(tenant, updated)?;
    if updated.device != caller {
        return Err(AcceptError::Refused("the path's leaf is not the calling device's"));
    }
    if staged.external.is_none() {
        check_welcome(&staged, bundle.welcome.as_ref())?;
    } else if bundle.welcome.is_some() {
        return Err(AcceptError::Refused("an external commit with a Welcome"));
    }
    Ok(Judged {
        staged,
        added,
        removed,
        updated,
    })
}

/// Applies it.
fn conclude(
    tenant: &TenantId,
    follower: &mut Follower,
    judged: Judged,
    head: CommitHead,
    bundle: CommitBundle,
    checkpoint: bool,
) -> Result<NewCommit, AcceptError> {
    let Judged {
        staged,
        added,
        removed,
        updated,
    } = judged;
    follower.accept(staged, bundle.group_info.as_slice())?;
    check_members(tenant, follower)?;
    Ok(NewCommit {
        key: head.key,
        directory_version: head.directory_version,
        body: bundle.commit.0,
        added,
        updated,
        removed,
        dormant: head.dormant,
        gone: head.gone,
        welcome: bundle.welcome.map(|welcome| welcome.0),
        follower: checkpoint.then(|| follower.save()).transpose()?,
        group_info: bundle.group_info.0,
        mandatory: Vec::new(),
        tree: follower.tree()?,
        tree_hash: follower.tree_hash(),
    })
}

/// A Welcome is for exactly those who are added, once each.
fn check_welcome(staged: &StagedFollow, welcome: Option<&Blob>) -> Result<(), AcceptError> {
    let mut added = staged.added_key_packages.clone();
    let mut invited = match welcome {
        Some(welcome) => curo_mls::welcome_recipients(welcome.as_slice())?,
        None => Vec::new(),
    };
    if welcome.is_some() && added.is_empty() {
        return Err(AcceptError::Refused("a Welcome that invites nobody"));
    }
    added.sort_unstable();
    invited.sort_unstable();
    if added == invited {
        Ok(())
    } else {
        Err(AcceptError::Refused("the Welcome is not for exactly those added"))
    }
}

/// No device has two leaves, and the group stays within its size.
fn check_members(tenant: &TenantId, follower: &Follower) -> Result<(), AcceptError> {
    let members = follower.members()?;
    if members.len() > limits::LEAVES {
        return Err(AcceptError::TooLarge("the number of leaves"));
    }
    let devices: BTreeSet<DeviceId> = members
        .iter()
        .map(|leaf| identify(tenant, leaf).map(|(d, _)| d.device))
        .collect::<Result<_, _>>()?;
    if devices.len() == members.len() {
        Ok(())
    } else {
        Err(AcceptError::Refused("a device would have two leaves"))
    }
}

/// Reads one message; the storage judges epoch and counter.
pub(crate) fn read_message(body: Blob) -> Result<NewMessage, AcceptError> {
    within("a message", &body, limits::MESSAGE_BYTES)?;
    let framing = curo_mls::inspect(body.as_slice())?;
    if framing.kind != FramingKind::Message {
        return Err(AcceptError::Refused("not content in a PrivateMessage"));
    }
    let data = AuthenticatedData::from_bytes(&framing.aad)?;
    let counter = data.counter.ok_or(AcceptError::Refused("a message has a counter"))?;
    if data.directory_version.is_some() {
        return Err(AcceptError::Refused("a message names no directory version"));
    }
    Ok(NewMessage {
        intent: data.intent,
        group: framing.group_id,
        epoch: framing.epoch,
        counter,
        cursor: data.cursor,
        body: body.0,
    })
}

/// User and device of a leaf of this tenant.
fn identify<'a>(tenant: &TenantId, leaf: &'a Leaf) -> Result<(DeviceRef, &'a [u8]), AcceptError> {
    let credential = Credential::from_bytes(&leaf.identity)?;
    if credential.tenant != *tenant {
        return Err(AcceptError::Refused("a leaf's credential is of another tenant"));
    }
    Ok((
        DeviceRef {
            user: credential.user,
            device: credential.device,
        },
        &leaf.signature_key,
    ))
}

fn claim(tenant: &TenantId, leaf: &Leaf) -> Result<LeafClaim, AcceptError> {
    identify(tenant, leaf).map(|(device, public_key)| LeafClaim {
        device,
        public_key: public_key.to_vec(),
    })
}

fn within(what: &'static str, bytes: &Blob, limit: usize) -> Result<(), AcceptError> {
    if bytes.is_empty() {
        return Err(AcceptError::Malformed("something that must be there is empty"));
    }
    if bytes.len() > limit {
        Err(AcceptError::TooLarge(what))
    } else {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
