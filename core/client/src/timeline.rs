//! A conversation's timeline as apps see it: items in display order, in pages both ways.

use std::fmt;

use curo_store::repo::item::{ItemKind, ItemRow, Place};
use curo_types::format::{Priority, Reference};
use curo_types::{DeviceId, ErrorCode, MessageId, Text, UserId};
use serde::{Deserialize, Serialize};

use crate::about::{StateChange, changed_by};
use crate::message::{Quote, Reaction, UnsentChange, body_of, priority_of};

/// An opaque place in a timeline, from which pages go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor(pub(crate) Place);

/// One page of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Items in display order, oldest first.
    pub items: Vec<Item>,
    /// Goes on to older items; `None` if there are none.
    pub older: Option<Cursor>,
    /// Goes on to newer items; `None` if there are none at the moment.
    pub newer: Option<Cursor>,
}

/// One item of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its place.
    pub cursor: Cursor,
    /// When the relay accepted it, milliseconds since 1970 UTC; absent while it is unsent.
    pub accepted_ms: Option<u64>,
    /// What it is.
    pub entry: Entry,
}

/// What an item is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry {
    /// A message.
    Message(Box<Message>),
    /// People came or went.
    Members {
        /// Who changed it.
        by: Option<UserId>,
        /// Who came.
        added: Vec<UserId>,
        /// Who went.
        removed: Vec<UserId>,
        /// Users who have left: by their own signed request, whoever carried it out.
        left: Vec<UserId>,
    },
    /// Title, subjects or roles were changed.
    About(StateChange),
    /// This device joined here; what was said before is not on it.
    Joined,
    /// This device has not seen what was said in between, and never will: it could not go on and came in again (rule 7.4).
    Gap {
        /// Incarnation and sequence number of the first entry that it missed.
        from: (u64, u64),
        /// Of the last one.
        to: (u64, u64),
    },
    /// The conversation goes on in another group of keys from here on (rule 3.7): the one before could not. What did not
    /// stand is sent again by those who wrote it.
    Incarnation {
        /// The incarnation that begins here, counted from 1.
        number: u64,
    },
    /// A message that cannot be read, and why. The conversation goes on.
    Unreadable {
        /// The sending device.
        sender: DeviceId,
        /// Why.
        code: ErrorCode,
    },
    /// A message of this device whose content it no longer has, because its database was rolled back.
    ContentLost,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id, unique together with the sending device.
    pub id: MessageId,
    /// The sending device.
    pub sender_device: DeviceId,
    /// The sender.
    pub sender: UserId,
    /// Whether this user sent it, from this device or another one.
    pub own: bool,
    /// When the sender says that it was written, milliseconds since 1970 UTC.
    pub claimed_ms: Option<u64>,
    /// What it says.
    pub body: Body,
    /// How far it has come; of own messages only.
    pub delivery: Option<DeliveryState>,
    /// Whether it says something else than when it was sent.
    pub edited: bool,
    /// When the relay accepted the last edit; absent while that is unsent.
    pub edited_ms: Option<u64>,
    /// How soon it wants to be seen.
    pub priority: Priority,
    /// Users that it mentions.
    pub mentions: Vec<UserId>,
    /// The message that it answers.
    pub reply_to: Option<Quote>,
    /// The first message of the thread that it is in.
    pub thread: Option<Reference>,
    /// Messages in the thread that it began.
    pub thread_count: u64,
    /// Reactions, by emoji.
    pub reactions: Vec<Reaction>,
    /// Of an urgent message: who has taken note, in the order of the log.
    pub acknowledged_by: Vec<UserId>,
    /// The last change of this device to it that is still on its way.
    pub unsent_change: Option<UnsentChange>,
}

impl Message {
    /// How calls refer to it.
    pub const fn reference(&self) -> Reference {
        Reference {
            sender: self.sender_device,
            message: self.id,
        }
    }
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// Text.
    Text(Text),
    /// A record that amends another; the original stands unchanged beside it (45 CFR 164.526).
    Amendment {
        /// The original.
        of: Reference,
        /// What it says.
        text: Text,
    },
    /// It was deleted: nothing of it is left here.
    Deleted,
    /// A kind of content that this version does not know, or that cannot be read. It is kept.
    Unsupported,
}

/// How far an own message has come (rule 8.2). A later state takes the place of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryState {
    /// Durable on this device; on its way as soon as the relay can be reached.
    Queued,
    /// Accepted by the relay.
    Sent,
    /// Durable on a device of `by` of the `of` other people.
    Delivered {
        /// People that have it.
        by: u32,
        /// People that are to have it.
        of: u32,
    },
    /// Read by `by` of the `of` other people, as their devices say (rule 8.3). At least they have it; who else does is
    /// said by [`Conversation::receipts`](crate::Conversation::receipts).
    Read {
        /// People that have read it.
        by: u32,
        /// People that are to read it.
        of: u32,
    },
    /// Refused; see [`Conversation::retry`](crate::Conversation::retry).
    Failed {
        /// Why.
        code: ErrorCode,
        /// Whether the same may succeed later.
        retryable: bool,
    },
}

/// Where an intent that changes a conversation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntentStatus {
    /// Durable; not done yet.
    Pending,
    /// Done, or there was nothing left to do.
    Done,
    /// Refused.
    Failed {
        /// Why.
        code: ErrorCode,
        /// Whether the same may succeed later.
        retryable: bool,
    },
}

/// Who came and went with a commit, as the timeline's rows keep it.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct MemberChange {
    pub(crate) added: Vec<UserId>,
    pub(crate) removed: Vec<UserId>,
    #[serde(default)]
    pub(crate) left: Vec<UserId>,
}

/// Code of the row with which another incarnation begins.
pub(crate) const NEXT_INCARNATION: &str = "incarnation";

impl MemberChange {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.left.is_empty()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Two lists of ids: there is nothing in it that could fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn from_row(row: &ItemRow) -> Self {
        row.content
            .as_deref()
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
            .unwrap_or_default()
    }
}

/// What a device missed before it came in again, as the content of the row of that join.
#[derive(Serialize, Deserialize, Clone, Copy)]
pub(crate) struct Missed {
    pub(crate) from: (u64, u64),
    pub(crate) to: (u64, u64),
}

impl Missed {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        // Four numbers: there is nothing in it that could fail.
        serde_json::to_vec(&self).unwrap_or_default()
    }

    fn from_row(row: &ItemRow) -> Option<Self> {
        row.content
            .as_deref()
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
    }
}

impl Item {
    /// An item of a row, without what [`Details`](crate::message::Details) adds; `delivery` is asked for own messages.
    pub(crate) fn from_row(row: &ItemRow, own_user: UserId, delivery: Option<DeliveryState>) -> Self {
        let (body, mentions) = match row.kind {
            ItemKind::Message => body_of(row),
            _ => (Body::Unsupported, Vec::new()),
        };
        let entry = match row.kind {
            ItemKind::Message => match row.sender_user {
                Some(sender) => Entry::Message(Box::new(Message {
                    id: row.message,
                    sender_device: row.sender_device,
                    sender,
                    own: sender == own_user,
                    claimed_ms: row.claimed_ms,
                    body,
                    delivery,
                    edited: row.fold.edit.is_some(),
                    edited_ms: row.fold.edited_ms,
                    priority: priority_of(row),
                    mentions,
                    reply_to: None,
                    thread: row.fold.thread,
                    thread_count: row.fold.thread_count,
                    reactions: Vec::new(),
                    acknowledged_by: Vec::new(),
                    unsent_change: None,
                })),
                None => unreadable(row),
            },
            ItemKind::Members => {
                let change = MemberChange::from_row(row);
                Entry::Members {
                    by: row.sender_user,
                    added: change.added,
                    removed: change.removed,
                    left: change.left,
                }
            }
            ItemKind::Joined => match (Missed::from_row(row), row.place) {
                (Some(Missed { from, to }), _) => Entry::Gap { from, to },
                (None, Place::Log { incarnation, .. }) if row.code.as_deref() == Some(NEXT_INCARNATION) => {
                    Entry::Incarnation { number: incarnation }
                }
                _ => Entry::Joined,
            },
            ItemKind::About => Entry::About(changed_by(row.sender_user, row.content.as_deref())),
            ItemKind::Unreadable => unreadable(row),
            ItemKind::Lost => Entry::ContentLost,
        };
        Self {
            cursor: Cursor(row.place),
            accepted_ms: row.accepted_ms,
            entry,
        }
    }
}

fn unreadable(row: &ItemRow) -> Entry {
    let code = row.code.clone().map_or(ErrorCode::MALFORMED, ErrorCode::from);
    Entry::Unreadable {
        sender: row.sender_device,
        code,
    }
}

impl DeliveryState {
    pub(crate) fn failed(code: ErrorCode) -> Self {
        Self::Failed {
            retryable: code.retryable(),
            code,
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queued => f.write_str("queued"),
            Self::Sent => f.write_str("sent"),
            Self::Delivered { by, of } => write!(f, "delivered {by}/{of}"),
            Self::Read { by, of } => write!(f, "read {by}/{of}"),
            Self::Failed { code, .. } => write!(f, "failed ({code})"),
        }
    }
}
