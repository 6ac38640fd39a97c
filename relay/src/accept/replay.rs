//! What the relay checks of entries that a member brings back (`docs/protocol.md` 7.2): the log key's own signature over their
//! hashes, the order, what each says of itself, and each commit against the group that the ones before lead to.

use curo_mls::{Follower, MlsError};
use curo_types::api::{EntryRecord, ReplayRequest, limits};
use curo_types::format::{EntryKind, Leave};
use curo_types::{ConversationId, Digest, GroupId, TenantId};

use super::{AcceptError, identify, read_commit_words, read_message, within};
use crate::storage::{
    GroupState, Replay, ReplayBase, ReplayKey, ReplayedCommit, ReplayedEntry, ReplayedLeave, ReplayedStart,
    ReplayedState,
};

/// Reads an offer. Its tip's signature was checked: with the chain of hashes it proves every entry.
pub(crate) fn read(
    tenant: &TenantId,
    conversation: ConversationId,
    request: &ReplayRequest,
) -> Result<ReplayKey, AcceptError> {
    let Some(last) = request.entries.last() else {
        return Err(AcceptError::Malformed("no entries"));
    };
    if request.entries.len() > limits::REPLAY_ENTRIES {
        return Err(AcceptError::TooLarge("the number of entries"));
    }
    let tip = &request.tip;
    if tip.tenant != *tenant || tip.conversation != conversation || tip.incarnation != request.incarnation {
        return Err(AcceptError::Refused("the tip is of another conversation"));
    }
    if (tip.seq, tip.h) != (last.seq, last.h) {
        return Err(AcceptError::Refused("the tip is not of the last entry"));
    }
    if (request.after == 0) != (request.after_h == Digest::ZERO) {
        return Err(AcceptError::Refused("the hash before the first entry"));
    }
    let mut chain = Vec::with_capacity(request.entries.len() + 1);
    let (mut seq, mut h) = (request.after, request.after_h);
    chain.push(h);
    for entry in &request.entries {
        let follows = Some(entry.seq) == seq.checked_add(1) && entry.incarnation == request.incarnation;
        if !follows || entry.expected_hash(tenant, conversation, h) != entry.h {
            return Err(AcceptError::Refused("the entries are not a chain"));
        }
        (seq, h) = (entry.seq, entry.h);
        chain.push(h);
    }
    if request.start.is_some() && request.after != 0 {
        return Err(AcceptError::Refused("a group at epoch 0 without entry 1"));
    }
    Ok(ReplayKey {
        conversation,
        incarnation: request.incarnation,
        after: request.after,
        chain,
        starts: request.start.is_some(),
    })
}

/// Checks the entries behind the base, each against what those before it lead to.
pub(crate) fn check(
    tenant: &TenantId,
    conversation: ConversationId,
    base: ReplayBase,
    request: ReplayRequest,
) -> Result<Replay, AcceptError> {
    let ReplayRequest {
        incarnation,
        entries,
        group_info,
        start,
        ..
    } = request;
    let (mut follower, start) = match (base.group, start) {
        (Some(state), _) => (load(&state)?, None),
        (None, Some(start)) => {
            within("the GroupInfo", &start.group_info, limits::GROUP_INFO_BYTES)?;
            within("the tree", &start.tree, limits::GROUP_INFO_BYTES)?;
            let follower = Follower::create(start.group_info.as_slice(), start.tree.as_slice())?;
            if follower.group_id() != start.group.as_bytes().as_slice() || follower.suite().0 != start.suite.0 {
                return Err(AcceptError::Refused("the GroupInfo is of another group"));
            }
            let creator = follower
                .members()?
                .first()
                .map(|leaf| identify(tenant, leaf).map(|(device, _)| device))
                .transpose()?
                .ok_or(AcceptError::Refused("a group without a creator"))?;
            let start = ReplayedStart {
                group: start.group,
                suite: start.suite,
                creator,
            };
            (follower, Some(start))
        }
        (None, None) => return Err(AcceptError::Refused("nothing to follow")),
    };
    let group = GroupId::from_slice(follower.group_id())?;
    let mut last_commit: Option<Vec<u8>> = None;
    let mut checked = Vec::with_capacity(entries.len());
    for record in entries.into_iter().filter(|entry| entry.seq > base.seq) {
        if record.epoch != follower.epoch() {
            return Err(AcceptError::Refused("an entry of another epoch"));
        }
        let entry = match record.kind {
            EntryKind::Message => check_message(record, group)?,
            EntryKind::Commit => {
                last_commit = Some(record.body.0.clone());
                check_commit(tenant, conversation, &mut follower, record)?
            }
        };
        checked.push(entry);
    }
    let state = match last_commit {
        None => None,
        Some(commit) => Some(ReplayedState {
            epoch: follower.epoch(),
            group_info: match group_info {
                Some(info) => {
                    within("the GroupInfo", &info, limits::GROUP_INFO_BYTES)?;
                    follower.check_group_info(info.as_slice(), &commit)?;
                    Some(info.0)
                }
                None => None,
            },
            follower: follower.save()?,
            tree: follower.tree()?,
            tree_hash: follower.tree_hash(),
        }),
    };
    Ok(Replay {
        conversation,
        incarnation,
        base: (base.seq, base.h),
        entries: checked,
        state,
        start,
    })
}

/// The follower at the base.
fn load(state: &GroupState) -> Result<Follower, AcceptError> {
    let checkpoint = state.follower.as_ref().ok_or(AcceptError::Mls(MlsError::Internal))?;
    let mut follower = Follower::load(&checkpoint.follower)?;
    for commit in &checkpoint.commits {
        // It was accepted once: that it is not now is no fault of the caller's.
        follower
            .replay(commit)
            .map_err(|_| AcceptError::Mls(MlsError::Internal))?;
    }
    Ok(follower)
}

fn check_message(record: EntryRecord, group: GroupId) -> Result<ReplayedEntry, AcceptError> {
    let message = read_message(record.body.clone())?;
    let same = message.intent == record.intent
        && message.epoch == record.epoch
        && message.group == group.as_bytes().as_slice()
        && record.directory_version.is_none();
    if !same {
        return Err(AcceptError::Refused("a message that its entry does not describe"));
    }
    Ok(ReplayedEntry {
        counter: Some(message.counter),
        commit: None,
        record,
    })
}

fn check_commit(
    tenant: &TenantId,
    conversation: ConversationId,
    follower: &mut Follower,
    record: EntryRecord,
) -> Result<ReplayedEntry, AcceptError> {
    let words = read_commit_words(&record.body)?;
    let same = words.intent == record.intent;
    if !same || record.directory_version.is_none_or(|stamped| stamped < words.version) {
        return Err(AcceptError::Refused("a commit that its entry does not describe"));
    }
    let staged = follower.stage(record.body.as_slice())?;
    let (sender, _) = identify(tenant, &staged.sender)?;
    if sender.device != record.sender {
        return Err(AcceptError::Refused("the sender's leaf is not the entry's sender"));
    }
    let identified = |leaves: &[curo_mls::Leaf]| {
        let devices = leaves
            .iter()
            .map(|leaf| identify(tenant, leaf).map(|(device, _)| device));
        devices.collect::<Result<Vec<_>, _>>()
    };
    let (added, removed) = (identified(&staged.added)?, identified(&staged.removed)?);
    let mut leaves = Vec::with_capacity(record.leaves.len());
    for request in &record.leaves {
        let leave = Leave::from_bytes(request.as_slice())?;
        let body = leave.body();
        let carried_out = removed.iter().any(|device| device.user == body.user);
        let of_here =
            body.tenant == *tenant && body.conversation == conversation && body.incarnation == record.incarnation;
        if !carried_out || !of_here {
            return Err(AcceptError::Refused(
                "a request to leave that the commit does not carry out",
            ));
        }
        leaves.push(ReplayedLeave {
            device: body.device,
            intent: body.intent,
            user: body.user,
            request: request.0.clone(),
        });
    }
    let commit = ReplayedCommit {
        added,
        external: staged.external.is_some(),
        removed: removed.into_iter().map(|device| device.device).collect(),
        dormant: words.dormant,
        gone: words.gone,
        leaves,
    };
    follower.follow(staged)?;
    Ok(ReplayedEntry {
        counter: None,
        commit: Some(commit),
        record,
    })
}
