//! Sync: everything new in one request, and the live stream.

mod inbox;

use serde::{Deserialize, Serialize};

use super::conversations::EntryRecord;
use super::key_packages::KeyPackageStock;
use super::limits;
use super::policy::TenantPolicy;
use super::receipts::MemberReceipt;
use crate::format::SignedTip;
use crate::{Blob, ConversationId, DeviceId, Digest, GroupId, StoreId, SuiteId, UserId, bounded};

/// Request of `POST /v1/sync`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncRequest {
    /// The token of the last answer that the device has applied or durably marked behind; absent at first. Opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Index of the last inbox item that the device has durably dealt with; 0 at first. The relay forgets items up to it.
    #[serde(default)]
    pub inbox_ack: u64,
    /// Cursors that have moved since the last report, at most 1,000.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "bounded::list::<{ limits::CURSORS_PER_REQUEST }, _, _>"
    )]
    pub cursors: Vec<CursorReport>,
}

/// How far a device has durably applied a conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CursorReport {
    /// The conversation.
    pub conversation: ConversationId,
    /// The incarnation.
    pub incarnation: u64,
    /// Sequence number of the last applied entry.
    pub seq: u64,
}

/// Answer of `POST /v1/sync`, and event of the live stream. Apply in this order: cursors, receipts, inbox, conversations; then store the token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncAnswer {
    /// The relay's store; another one than before means that the relay was restored.
    pub store: StoreId,
    /// The position after this answer.
    pub token: String,
    /// Whether the answer was cut at its limits: ask again at once with the new token.
    pub more: bool,
    /// Other devices' cursors that moved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cursors: Vec<MemberCursor>,
    /// Other devices' read receipts that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<MemberReceipt>,
    /// Inbox items after `inbox_ack`, by ascending index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inbox: Vec<InboxRecord>,
    /// Conversations with new entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conversations: Vec<ConversationNews>,
    /// The device's stock of KeyPackages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_packages: Vec<KeyPackageStock>,
    /// The suites that the tenant's policy allows, best first. Not in events of the live stream.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suites: Vec<SuiteId>,
    /// The tenant's policy. Not in events of the live stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<TenantPolicy>>,
}

/// A member device's cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemberCursor {
    /// The conversation.
    pub conversation: ConversationId,
    /// The incarnation.
    pub incarnation: u64,
    /// The device's user.
    pub user: UserId,
    /// The device.
    pub device: DeviceId,
    /// Sequence number of the last entry that it has durably applied.
    pub seq: u64,
}

/// New entries of one conversation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConversationNews {
    /// The conversation.
    pub conversation: ConversationId,
    /// New entries in order. They may leave a gap to the device's cursor, which is then fetched as a range.
    pub entries: Vec<EntryRecord>,
    /// The tip of what the device may see.
    pub tip: SignedTip,
    /// A tip of the last of these entries, where that is not the conversation's: kept with them, it proves them (7.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<SignedTip>,
}

/// One inbox item: the inbox is a log per device.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InboxRecord {
    /// Its index, from 1.
    pub index: u64,
    /// What it says. A kind that the client does not know is kept out of the way, not refused.
    pub item: InboxItem,
    /// The item's JSON, if it is [`InboxItem::Unknown`]: for a later version of the client.
    #[serde(skip)]
    pub later: Option<Blob>,
}

/// What an inbox item says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum InboxItem {
    /// A commit has added the device to a conversation.
    Welcome {
        /// The conversation.
        conversation: ConversationId,
        /// The incarnation.
        incarnation: u64,
        /// The MLS group.
        group: GroupId,
        /// The group's suite.
        suite: SuiteId,
        /// Sequence number of the commit: the device's first cursor.
        seq: u64,
        /// Its entry hash.
        h: Digest,
        /// The directory version stamped on it.
        directory_version: u64,
        /// The device that sent it.
        sender: DeviceId,
        /// Hash of the tree that goes with the Welcome (`tree_hash` of its GroupContext); fetch it before joining.
        tree_hash: Blob,
        /// The Welcome (TLS bytes of an MLSMessage).
        welcome: Blob,
    },
    /// A commit has removed the device from a conversation.
    Removed {
        /// The conversation.
        conversation: ConversationId,
        /// The incarnation.
        incarnation: u64,
        /// Sequence number of the commit: the last entry that the device is served.
        seq: u64,
    },
    /// The conversation has gone on in another incarnation, whose first commit brought no Welcome for this device: it rejoins from
    /// outside.
    Incarnation {
        /// The conversation.
        conversation: ConversationId,
        /// The live incarnation.
        incarnation: u64,
    },
    /// The user has left the conversation, by another device: nothing more of it is served.
    Left {
        /// The conversation.
        conversation: ConversationId,
        /// The incarnation.
        incarnation: u64,
    },
    /// Another device of the user was registered: it is to be added to the user's conversations (rule 6.4).
    Device {
        /// The new device.
        device: DeviceId,
        /// Its directory version.
        version: u64,
    },
    /// A device of the user waits for the approval of another one.
    Approval {
        /// The device that waits.
        device: DeviceId,
    },
    /// The user is in this conversation and the device is not yet: another device of the user, or a member, adds it.
    Waiting {
        /// The conversation.
        conversation: ConversationId,
        /// The incarnation.
        incarnation: u64,
    },
    /// A kind of a later version.
    #[serde(other)]
    Unknown,
}

/// One line of `GET /v1/stream?token=`: the live stream.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum StreamEvent {
    /// Something new, after the token of the event before.
    Sync(SyncAnswer),
    /// Nothing new, at most 15 s after the line before. The token was re-read from the store: if it is ahead of the device's,
    /// a push was lost and the device asks `POST /v1/sync`.
    Heartbeat {
        /// The newest token.
        token: String,
    },
    /// The relay ends the stream (shutdown, revoked device, expired access token); connect again, after a fresh token if need be.
    End {
        /// Why.
        code: crate::ErrorCode,
    },
    /// An event of a later version.
    #[serde(other)]
    Unknown,
}
