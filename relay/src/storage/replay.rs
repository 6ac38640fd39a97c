//! Arguments and outcomes around bringing a lost end of a log back (`docs/protocol.md` 7.2).

use async_trait::async_trait;
use curo_types::api::EntryRecord;
use curo_types::{ConversationId, DeviceId, Digest, GroupId, IntentId, SuiteId, TenantId, UserId};

use super::conversations::{GroupState, Refusal, Tip};
use super::directory::DeviceRef;
use super::error::StorageError;

/// What is offered, before it is looked at. That this relay has once signed all of it was checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayKey {
    /// The conversation.
    pub conversation: ConversationId,
    /// The incarnation.
    pub incarnation: u64,
    /// The entry before the first that is offered; 0 if there is none.
    pub after: u64,
    /// The hashes of that entry and of all that are offered, in order.
    pub chain: Vec<Digest>,
    /// Whether it begins with the group at epoch 0, so that the conversation need not exist.
    pub starts: bool,
}

/// Where a log stands that is to go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayBase {
    /// Its last entry; 0 of a conversation that is not there.
    pub seq: u64,
    /// That entry's hash.
    pub h: Digest,
    /// The group at that entry; `None` of a conversation that is not there.
    pub group: Option<GroupState>,
}

/// What there is to say of what is offered before it is looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReplayCheck {
    /// Check what follows this.
    Open(ReplayBase),
    /// All of it is here. The tip of what the caller may see.
    Known(Tip),
    /// Refused already.
    Refused(Refusal),
}

/// A lost entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayedEntry {
    /// As it was served.
    pub record: EntryRecord,
    /// Of a message: its counter.
    pub counter: Option<u64>,
    /// Of a commit: what it does.
    pub commit: Option<ReplayedCommit>,
}

/// What a lost commit does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayedCommit {
    /// Leaves that it adds; of an external commit that of its sender, if that had none.
    pub added: Vec<DeviceRef>,
    /// Whether it is an external commit, which has no Welcome.
    pub external: bool,
    /// Devices whose leaves it removes for good.
    pub removed: Vec<DeviceId>,
    /// Those of them that it says were silent for long (6.3).
    pub dormant: Vec<DeviceId>,
    /// Members without a leaf whom it takes off the roster.
    pub gone: Vec<UserId>,
    /// Requests to leave that it carried out.
    pub leaves: Vec<ReplayedLeave>,
}

/// A request to leave that a lost commit carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayedLeave {
    /// The device that signed it.
    pub device: DeviceId,
    /// Its intent.
    pub intent: IntentId,
    /// Who left.
    pub user: UserId,
    /// Verbatim.
    pub request: Vec<u8>,
}

/// The group after the last lost commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayedState {
    /// Its epoch.
    pub epoch: u64,
    /// The follower's state.
    pub follower: Vec<u8>,
    /// GroupInfo of the epoch, if the offer had it.
    pub group_info: Option<Vec<u8>>,
    /// The ratchet tree.
    pub tree: Vec<u8>,
    /// Its hash.
    pub tree_hash: Vec<u8>,
}

/// A conversation that is not there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayedStart {
    /// The MLS group.
    pub group: GroupId,
    /// Its suite.
    pub suite: SuiteId,
    /// Who created it, who must be the caller.
    pub creator: DeviceRef,
}

/// Lost entries, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replay {
    /// The conversation.
    pub conversation: ConversationId,
    /// The incarnation.
    pub incarnation: u64,
    /// The entry that they follow.
    pub base: (u64, Digest),
    /// The entries, one at least.
    pub entries: Vec<ReplayedEntry>,
    /// The group, if there is a commit among them.
    pub state: Option<ReplayedState>,
    /// The conversation, if it is not there.
    pub start: Option<ReplayedStart>,
}

/// What became of lost entries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReplayOutcome {
    /// They stand where they stood.
    Appended {
        /// The tip now.
        tip: Tip,
        /// Devices that have news now.
        wake: Vec<DeviceId>,
    },
    /// The log has moved meanwhile: check again.
    Moved,
    /// A rule said no.
    Refused(Refusal),
}

/// The part of the relay's storage that takes back what it has lost.
#[async_trait]
pub trait Replays {
    /// Where entries that this store has lost would go on (7.2), or the verdict if there is one already.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn check_replay(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        key: ReplayKey,
    ) -> Result<ReplayCheck, StorageError>;

    /// Appends entries that this store has lost, exactly as they stood: sequence numbers, hashes and times too. The caller has
    /// checked them, on the position that [`Replays::check_replay`] gave; if the log has moved since, nothing happens.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn replay(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        replay: Replay,
        now_ms: u64,
    ) -> Result<ReplayOutcome, StorageError>;
}
