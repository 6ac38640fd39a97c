//! Conversations: creating, appending messages, commits, reading the log.

use serde::{Deserialize, Serialize};

use super::incarnations::LostLog;
use super::limits;
use crate::format::{EntryHeader, EntryKind, SignedTip};
use crate::{Blob, ConversationId, DeviceId, Digest, GroupId, IntentId, SuiteId, TenantId, bounded};

/// Request of `POST /v1/conversations`: opens an incarnation with its first commit. The sender, group, epoch and intent are read from the MLS messages.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateConversation {
    /// The new conversation.
    pub conversation: ConversationId,
    /// 1, or the one after the live one, if that is over (3.7).
    pub incarnation: u64,
    /// The MLS group.
    pub group: GroupId,
    /// The group's suite.
    pub suite: SuiteId,
    /// GroupInfo of epoch 0, without tree (TLS bytes of an MLSMessage).
    pub group_info: Blob,
    /// The tree of epoch 0: the creator's leaf (TLS bytes of `optional<Node> ratchet_tree<V>`, RFC 9420 section 12.4.3.3).
    pub tree: Blob,
    /// The first commit.
    pub first_commit: CommitBundle,
    /// Proof that the log of the incarnation before is lost, where that is why this one is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<LostLog>,
}

/// A commit and what its winning needs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommitBundle {
    /// The commit: TLS bytes of an MLSMessage with a PublicMessage.
    pub commit: Blob,
    /// GroupInfo of the epoch that it opens, without tree (TLS bytes of an MLSMessage).
    pub group_info: Blob,
    /// The Welcome for all devices that it adds, without tree (TLS bytes of an MLSMessage); absent if it adds none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub welcome: Option<Blob>,
}

/// Request of `POST /v1/conversations/{id}/commits`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommitRequest {
    /// The incarnation that the sender knows.
    pub incarnation: u64,
    /// The commit: TLS bytes of an MLSMessage with a PublicMessage.
    pub commit: Blob,
    /// GroupInfo of the epoch that it opens, without tree (TLS bytes of an MLSMessage).
    pub group_info: Blob,
    /// The Welcome for all devices that it adds, without tree (TLS bytes of an MLSMessage); absent if it adds none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub welcome: Option<Blob>,
}

impl CommitRequest {
    /// The request that sends a commit.
    pub fn new(incarnation: u64, bundle: CommitBundle) -> Self {
        let CommitBundle {
            commit,
            group_info,
            welcome,
        } = bundle;
        Self {
            incarnation,
            commit,
            group_info,
            welcome,
        }
    }

    /// The commit and what its winning needs.
    pub fn into_bundle(self) -> CommitBundle {
        CommitBundle {
            commit: self.commit,
            group_info: self.group_info,
            welcome: self.welcome,
        }
    }
}

/// Request of `POST /v1/conversations/{id}/messages`: messages of one epoch, in order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessagesRequest {
    /// The incarnation that the sender knows.
    pub incarnation: u64,
    /// TLS bytes of MLSMessages with a PrivateMessage each: at most 256 and 4 MiB.
    #[serde(deserialize_with = "bounded::list::<{ limits::MESSAGES_PER_BATCH }, _, _>")]
    pub messages: Vec<Blob>,
}

/// Answer of `POST /v1/conversations/{id}/messages`: the accepted prefix. At least one message was accepted, else the answer
/// is a problem document; what follows the prefix is to be sent again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessagesAccepted {
    /// One for each message of the prefix.
    pub accepted: Vec<Accepted>,
    /// The conversation's tip after the last of them.
    pub tip: SignedTip,
}

/// Where an accepted commit or message stands in the log. Answer of `POST /v1/conversations` and `…/commits` too.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Accepted {
    /// The intent that the message named.
    pub intent: IntentId,
    /// Sequence number.
    pub seq: u64,
    /// Entry hash.
    pub h: Digest,
    /// The relay's time of acceptance.
    pub time_ms: u64,
    /// Of a commit: the stamped directory version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory_version: Option<u64>,
    /// Whether it had been accepted before and this is the first result again.
    pub duplicate: bool,
}

/// One entry of a conversation's log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EntryRecord {
    /// The incarnation.
    pub incarnation: u64,
    /// Sequence number, from 1.
    pub seq: u64,
    /// Commit or message.
    pub kind: EntryKind,
    /// The epoch in which it was made.
    pub epoch: u64,
    /// The sending device.
    pub sender: DeviceId,
    /// Its intent.
    pub intent: IntentId,
    /// Of a commit: the stamped directory version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory_version: Option<u64>,
    /// The relay's time of acceptance.
    pub time_ms: u64,
    /// The MLS message.
    pub body: Blob,
    /// The entry hash.
    pub h: Digest,
    /// Of a commit: the signed requests to leave of those that it removes (2.22). Not part of what `h` covers: each one
    /// proves itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaves: Vec<Blob>,
}

impl EntryRecord {
    /// The hash that the entry must have after `h_prev`.
    pub fn expected_hash(&self, tenant: &TenantId, conversation: ConversationId, h_prev: Digest) -> Digest {
        EntryHeader {
            tenant,
            conversation,
            incarnation: self.incarnation,
            seq: self.seq,
            h_prev,
            kind: self.kind,
            epoch: self.epoch,
            sender: self.sender,
            intent: self.intent,
            directory_version: self.directory_version,
            body_hash: Digest::of(&self.body.0),
            time_ms: self.time_ms,
        }
        .hash()
    }
}

/// Answer of `GET /v1/conversations/{id}/entries?incarnation=&after=&limit=`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EntriesPage {
    /// Entries after the asked sequence number, contiguous.
    pub entries: Vec<EntryRecord>,
    /// The tip of what the caller may see: the conversation's, or that of its removal.
    pub tip: SignedTip,
    /// A tip of the last of these entries, where that is not the conversation's: kept with them, it proves them (7.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<SignedTip>,
}

/// Answer of `GET /v1/conversations/{id}/winner?incarnation=&epoch=`, and part of `epoch_taken`: the commit that ended an epoch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Winner {
    /// The epoch that it ended.
    pub epoch: u64,
    /// Its sequence number.
    pub seq: u64,
    /// SHA-256 of the commit's bytes.
    pub body_hash: Digest,
    /// The device that sent it.
    pub sender: DeviceId,
    /// Its intent.
    pub intent: IntentId,
}

/// Answer of `GET /v1/conversations/{id}/trees/{tree hash in hexadecimal}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TreeAnswer {
    /// The ratchet tree (TLS bytes, RFC 9420 section 12.4.3.3).
    pub tree: Blob,
}

/// Answer of `GET /v1/conversations/{id}/group-info`: what a device needs to come into the group from outside (rule 3.5), all
/// of one moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupInfoAnswer {
    /// The live incarnation.
    pub incarnation: u64,
    /// Its MLS group.
    pub group: GroupId,
    /// Its suite.
    pub suite: SuiteId,
    /// Its epoch.
    pub epoch: u64,
    /// GroupInfo of that epoch, without tree (TLS bytes of an MLSMessage).
    pub group_info: Blob,
    /// The ratchet tree of that epoch (TLS bytes, RFC 9420 section 12.4.3.3).
    pub tree: Blob,
    /// The directory version at that moment.
    pub directory_version: u64,
    /// Messages of the calling device that were accepted in the incarnation.
    pub counter: u64,
    /// The first entry from which on all bodies are kept (rule 5.8).
    pub kept_from: u64,
    /// The conversation's tip.
    pub tip: SignedTip,
}
