//! Arguments and outcomes of sync.

use curo_types::api::{CursorReport, EntryRecord, InboxRecord, KeyPackageStock, MemberCursor, MemberReceipt};
use curo_types::{ConversationId, DeviceId};

use super::conversations::Tip;
use super::token::SyncToken;

/// What a device has durably dealt with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Acknowledge {
    /// Index of the last inbox item dealt with.
    pub inbox: u64,
    /// Cursors that have moved.
    pub cursors: Vec<CursorReport>,
}

/// What became of an acknowledgement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AckOutcome {
    /// Noted. These devices have news now: the other members of small conversations (32 leaves at most) whose cursor moved.
    Done {
        /// Devices to wake.
        wake: Vec<DeviceId>,
    },
    /// The directory has no such device of that user.
    UnknownDevice,
    /// The device is revoked.
    DeviceRevoked,
    /// An inbox item is acknowledged that was never issued: the store was restored.
    StoreChanged,
}

/// New entries of one incarnation of a conversation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct News {
    /// The conversation.
    pub conversation: ConversationId,
    /// Entries in order. None where their bodies are no longer kept: the range is asked for and answered `body_gone`.
    pub entries: Vec<EntryRecord>,
    /// The tip of what the device may see.
    pub tip: Tip,
}

/// All that is new.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncPage {
    /// The position after this answer.
    pub token: SyncToken,
    /// Whether the answer was cut at its limits.
    pub more: bool,
    /// Other devices' cursors that moved.
    pub cursors: Vec<MemberCursor>,
    /// Read receipts of other devices that changed.
    pub receipts: Vec<MemberReceipt>,
    /// Inbox items by ascending index.
    pub inbox: Vec<InboxRecord>,
    /// Conversations with new entries.
    pub conversations: Vec<News>,
    /// The device's stock of KeyPackages, always.
    pub key_packages: Vec<KeyPackageStock>,
}

impl SyncPage {
    /// Whether there is nothing new in it.
    pub fn is_empty(&self) -> bool {
        self.cursors.is_empty() && self.receipts.is_empty() && self.inbox.is_empty() && self.conversations.is_empty()
    }
}

/// What became of a sync.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SyncOutcome {
    /// The news.
    Page(Box<SyncPage>),
    /// Not a token.
    BadToken,
    /// The token is of another store, or ahead of this one.
    StoreChanged,
    /// The directory has no such device of that user.
    UnknownDevice,
    /// The device is revoked.
    DeviceRevoked,
}
