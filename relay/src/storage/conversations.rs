//! Arguments and outcomes around conversations: commits, messages, the log.

use curo_types::api::{Accepted, EntryRecord, PendingRemoval, Winner};
use curo_types::format::CursorClaim;
use curo_types::{ConversationId, DeviceId, Digest, ErrorCode, GroupId, IntentId, SuiteId, UserId};

use super::directory::DeviceRef;
use super::incarnations::LostEntries;

/// A position in a conversation's log, not yet signed (2.6 asks for the signature after the entry is durable).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tip {
    /// The conversation.
    pub conversation: ConversationId,
    /// The incarnation.
    pub incarnation: u64,
    /// Sequence number of the entry.
    pub seq: u64,
    /// Its hash.
    pub h: Digest,
}

/// What a refused sender has missed: entries after the cursor that its authenticated data names, cut at the limits of a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Missing {
    /// The entries.
    pub entries: Vec<EntryRecord>,
    /// The conversation's tip.
    pub tip: Tip,
}

/// A rule said no. Nothing was stored, and nothing is remembered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The intent was accepted before with other bytes.
    IntentReused,
    /// The directory has no such device of that user.
    UnknownDevice,
    /// The calling device is revoked.
    DeviceRevoked,
    /// The caller has no leaf, or there is no such conversation or incarnation.
    NotAMember,
    /// The caller was removed.
    Removed,
    /// The conversation already exists, or lives in another incarnation.
    IncarnationChanged,
    /// The incarnation is over, and the next one is not open yet.
    IncarnationOver,
    /// Another device has the commit turn (3.10).
    NotYourTurn {
        /// For so many milliseconds still.
        for_ms: u64,
    },
    /// The cursor in the authenticated data is not of this log: the store was restored.
    StoreChanged,
    /// The log goes on otherwise than what was offered (7.2).
    LogDiverged,
    /// The message was made in an epoch that has ended.
    StaleEpoch(Missing),
    /// The counter is not the last accepted one plus one.
    StaleCounter {
        /// The last accepted one.
        last: u64,
        /// What came since.
        missing: Missing,
    },
    /// Another commit has won the epoch.
    EpochTaken {
        /// That commit, if the caller may see it.
        winner: Option<Winner>,
        /// What came since.
        missing: Missing,
    },
    /// Leaves must be removed first (6.1).
    RemovalPending(Vec<PendingRemoval>),
    /// The commit leaves out, or removes, somebody whom the tenant's policy wants in every conversation. All whom it wants.
    MandatoryMember(Vec<UserId>),
    /// The tenant has as much as it may have: of what.
    Quota(&'static str),
    /// A device that the commit adds or updates changed after the directory version that the commit names.
    DirectoryChanged,
    /// Another rule, by its name.
    Rule(&'static str),
}

impl Refusal {
    /// The code that the caller is told.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::IntentReused => ErrorCode::INTENT_REUSED,
            Self::UnknownDevice => ErrorCode::UNKNOWN_DEVICE,
            Self::DeviceRevoked => ErrorCode::DEVICE_REVOKED,
            Self::NotAMember => ErrorCode::NOT_A_MEMBER,
            Self::Removed => ErrorCode::REMOVED,
            Self::IncarnationChanged => ErrorCode::INCARNATION_CHANGED,
            Self::IncarnationOver => ErrorCode::INCARNATION_OVER,
            Self::NotYourTurn { .. } => ErrorCode::NOT_YOUR_TURN,
            Self::StoreChanged => ErrorCode::STORE_CHANGED,
            Self::LogDiverged => ErrorCode::LOG_DIVERGED,
            Self::StaleEpoch(_) => ErrorCode::STALE_EPOCH,
            Self::StaleCounter { .. } => ErrorCode::STALE_COUNTER,
            Self::EpochTaken { .. } => ErrorCode::EPOCH_TAKEN,
            Self::RemovalPending(_) => ErrorCode::REMOVAL_PENDING,
            Self::MandatoryMember(_) => ErrorCode::MANDATORY_MEMBER,
            Self::Quota(_) => ErrorCode::QUOTA_EXCEEDED,
            Self::DirectoryChanged => ErrorCode::DIRECTORY_CHANGED,
            Self::Rule(_) => ErrorCode::REFUSED,
        }
    }
}

/// A leaf that a commit adds or updates: what its credential and signature key say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeafClaim {
    /// User and device of its credential, whose tenant was found to be this one.
    pub device: DeviceRef,
    /// Its signature key.
    pub public_key: Vec<u8>,
}

/// By what a commit is known and where it belongs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommitKey {
    /// The conversation.
    pub conversation: ConversationId,
    /// The incarnation.
    pub incarnation: u64,
    /// The intent of its authenticated data.
    pub intent: IntentId,
    /// SHA-256 of the commit.
    pub body_hash: Digest,
    /// The epoch in which it was made.
    pub epoch: u64,
    /// The cursor of its authenticated data.
    pub cursor: Option<CursorClaim>,
    /// Whether it is an external commit: the caller needs no leaf for it, but must be a member's device (3.5).
    pub external: bool,
}

/// What a commit must be checked against.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupState {
    /// The MLS group.
    pub group: GroupId,
    /// Its suite.
    pub suite: SuiteId,
    /// Its epoch, which is that of the commit.
    pub epoch: u64,
    /// The epoch of the last checkpoint.
    pub checkpoint_epoch: u64,
    /// That checkpoint and what came after it; `None` if the caller has the follower of the epoch.
    pub follower: Option<Checkpoint>,
}

/// A follower's state that was stored with an earlier commit (9.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The state, as that commit brought it.
    pub follower: Vec<u8>,
    /// The commits since, in order: replayed, they lead to the state of the epoch.
    pub commits: Vec<Vec<u8>>,
}

/// What there is to say of a commit before it is checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CommitCheck {
    /// Check it against this.
    Open(GroupState),
    /// Accepted before: the first result.
    Duplicate(CommittedEntry),
    /// Refused already.
    Refused(Refusal),
}

/// A checked commit with everything that its winning needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewCommit {
    /// By what it is known; `body_hash` is that of `body`.
    pub key: CommitKey,
    /// The directory version that it names.
    pub directory_version: u64,
    /// The commit.
    pub body: Vec<u8>,
    /// Leaves that it adds, in order. An external commit adds the caller's if it has none, and replaces it otherwise.
    pub added: Vec<LeafClaim>,
    /// The committer's leaf of its path; its device must be the caller.
    pub updated: LeafClaim,
    /// Devices whose leaves it removes.
    pub removed: Vec<DeviceId>,
    /// Those of them that it says were silent for long (6.3).
    pub dormant: Vec<DeviceId>,
    /// Members without a leaf whom it takes off the roster.
    pub gone: Vec<UserId>,
    /// The Welcome for all added; exactly if there are any. An external commit has none.
    pub welcome: Option<Vec<u8>>,
    /// The follower's state in the epoch that it opens, if it is to be a checkpoint. The first commit of an incarnation
    /// always brings one.
    pub follower: Option<Vec<u8>>,
    /// GroupInfo of that epoch.
    pub group_info: Vec<u8>,
    /// Users whom the tenant's policy wants in every conversation.
    pub mandatory: Vec<UserId>,
    /// The ratchet tree of that epoch.
    pub tree: Vec<u8>,
    /// Its hash, as the GroupContext has it.
    pub tree_hash: Vec<u8>,
}

/// A conversation with its first commit, made in epoch 0 of a group whose only leaf is the caller's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewConversation {
    /// The MLS group.
    pub group: GroupId,
    /// Its suite.
    pub suite: SuiteId,
    /// The first commit; its key names conversation and incarnation.
    pub first_commit: NewCommit,
    /// Proof that the log of the incarnation before is lost, with its signature checked.
    pub lost: Option<LostEntries>,
}

/// An accepted commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommittedEntry {
    /// Where it stands.
    pub accepted: Accepted,
    /// The tip after it; of a duplicate, the tip of what the caller may see now.
    pub tip: Tip,
    /// Devices that have news now: members, and those added or removed. None of a duplicate.
    pub wake: Vec<DeviceId>,
}

/// What became of a commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CommitOutcome {
    /// It won.
    Accepted(CommittedEntry),
    /// It had won before: the first result.
    Duplicate(CommittedEntry),
    /// A rule said no.
    Refused(Refusal),
}

/// A message to append.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewMessage {
    /// The intent of its authenticated data.
    pub intent: IntentId,
    /// The MLS group that it was made for.
    pub group: Vec<u8>,
    /// The epoch in which it was made.
    pub epoch: u64,
    /// The counter of its authenticated data.
    pub counter: u64,
    /// The cursor of its authenticated data.
    pub cursor: Option<CursorClaim>,
    /// The message.
    pub body: Vec<u8>,
}

/// Messages of one device to append in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppendMessages {
    /// The conversation.
    pub conversation: ConversationId,
    /// The incarnation that the sender knows.
    pub incarnation: u64,
    /// The messages.
    pub messages: Vec<NewMessage>,
}

/// What became of a batch of messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppendOutcome {
    /// The accepted prefix, duplicates included.
    pub accepted: Vec<Accepted>,
    /// The tip of what the caller may see after it. `None` only if nothing was accepted.
    pub tip: Option<Tip>,
    /// Why the message after the prefix was refused. `None` only if all were accepted.
    pub refused: Option<Refusal>,
    /// Devices that have news now.
    pub wake: Vec<DeviceId>,
}

/// Entries of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EntriesOutcome {
    /// A contiguous run, empty if there is nothing after the asked sequence number.
    Page {
        /// The entries.
        entries: Vec<EntryRecord>,
        /// The tip of what the caller may see of this run of its membership: the conversation's, or its removal.
        tip: Tip,
    },
    /// The caller never had a leaf, or there is no such conversation or incarnation.
    NotAMember,
    /// The caller was removed and has been served everything up to its removal.
    Removed,
    /// The next entry's body is no longer kept (5.8).
    BodyGone,
}

/// What became of old bodies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DroppedBodies {
    /// How many were dropped.
    pub dropped: u64,
    /// Whether there may be more to drop.
    pub more: bool,
}

/// The commit that ended an epoch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WinnerOutcome {
    /// This one.
    Winner(Winner),
    /// None that the caller may see: nobody has won it yet.
    Open,
    /// The caller never had a leaf, or there is no such conversation or incarnation.
    NotAMember,
}

/// A ratchet tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TreeOutcome {
    /// The tree.
    Tree(Vec<u8>),
    /// Not kept, or never existed.
    NotFound,
    /// The caller has no leaf, or there is no such conversation.
    NotAMember,
}

/// The current state of a group, for who comes in from outside (3.5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GroupInfoOutcome {
    /// This, read at one moment.
    Current(Box<CurrentGroup>),
    /// Its GroupInfo was lost and is not brought back yet (7.2): a member does that.
    Missing,
    /// The caller's user has no leaf, or there is no such conversation.
    NotAMember,
    /// The caller was removed, and its user has no leaf any more.
    Removed,
}

/// What a device needs to make an external commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CurrentGroup {
    /// The MLS group.
    pub group: GroupId,
    /// Its suite.
    pub suite: SuiteId,
    /// Its epoch.
    pub epoch: u64,
    /// GroupInfo of that epoch.
    pub group_info: Vec<u8>,
    /// The ratchet tree of that epoch.
    pub tree: Vec<u8>,
    /// The directory version now.
    pub directory_version: u64,
    /// Messages of the caller that were accepted in the incarnation.
    pub counter: u64,
    /// The first entry from which on all bodies are kept.
    pub kept_from: u64,
    /// The conversation's tip, which names the live incarnation.
    pub tip: Tip,
}
