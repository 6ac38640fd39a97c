//! A message, what belongs to it, and what is needed to send one. Long because each field is written twice: the type, and how
//! it comes from the client's own.

use curo::{DeviceId, IntentId, ItemKey, MessageId, Text, UserId};

use crate::body::{Body, DeliveryState};
use crate::convert::{all, int};

/// How calls refer to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct MessageRef {
    /// The sending device.
    pub sender: DeviceId,
    /// The message's id.
    pub message: MessageId,
}

/// How soon a message wants to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Priority {
    /// As any message.
    Routine,
    /// Soon. Readers are asked to acknowledge it.
    Urgent,
    /// At once. Readers are asked to acknowledge it.
    Stat,
}

/// A message to send.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct NewMessage {
    /// The text.
    pub text: String,
    /// Users that it mentions, at most 64.
    #[uniffi(default = [])]
    pub mentions: Vec<UserId>,
    /// How soon it wants to be seen.
    pub priority: Priority,
    /// The message that it answers.
    #[uniffi(default = None)]
    pub reply_to: Option<MessageRef>,
    /// The first message of the thread that it is in.
    #[uniffi(default = None)]
    pub thread: Option<MessageRef>,
}

/// The message that another answers, as far as it is here.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct Quote {
    /// Which.
    pub message: MessageRef,
    /// Who sent it; none if it is not on this device.
    pub sender: Option<UserId>,
    /// What it says now, at most 200 characters; none if it is not here, deleted or no text.
    pub text: Option<String>,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// One reaction to a message and whose it is.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct Reaction {
    /// Which: an emoji or another short text.
    pub emoji: String,
    /// Who has set it.
    pub users: Vec<UserId>,
    /// Whether this user is among them.
    pub own: bool,
}

/// A change of this device to a message that the relay has not accepted yet. The message is shown with it.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct UnsentChange {
    /// For the conversation's retry and cancel.
    pub intent: IntentId,
    /// How far it has come.
    pub state: DeliveryState,
}

/// A message.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct Message {
    /// Its id, unique together with the sending device.
    pub id: MessageId,
    /// The sending device.
    pub sender_device: DeviceId,
    /// How calls refer to it: device and id together.
    pub reference: MessageRef,
    /// What names its item in timelines.
    pub key: ItemKey,
    /// The sender.
    pub sender: UserId,
    /// Whether this user sent it, from this device or another one.
    pub own: bool,
    /// When the sender says that it was written, in milliseconds since 1970 UTC.
    pub claimed_ms: Option<i64>,
    /// What it says.
    pub body: Body,
    /// How far it has come; of own messages only.
    pub delivery: Option<DeliveryState>,
    /// Whether it says something else than when it was sent.
    pub edited: bool,
    /// When the relay accepted the last edit, in milliseconds since 1970 UTC; none while that is unsent.
    pub edited_ms: Option<i64>,
    /// How soon it wants to be seen.
    pub priority: Priority,
    /// Users that it mentions.
    pub mentions: Vec<UserId>,
    /// The message that it answers.
    pub reply_to: Option<Quote>,
    /// The first message of the thread that it is in.
    pub thread: Option<MessageRef>,
    /// Messages in the thread that it began.
    pub thread_count: i64,
    /// Reactions, by emoji.
    pub reactions: Vec<Reaction>,
    /// Of an urgent message: who has taken note, in order.
    pub acknowledged_by: Vec<UserId>,
    /// The last change of this device to it that is still on its way.
    pub unsent_change: Option<UnsentChange>,
}

/// Who has taken note of an urgent message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Acknowledgement {
    /// Who.
    pub user: UserId,
    /// When the relay accepted it, in milliseconds since 1970 UTC; none while it is unsent.
    pub accepted_ms: Option<i64>,
}

/// Whether somebody has a message and has read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PersonReceipt {
    /// Who.
    pub user: UserId,
    /// Whether a device of theirs has it.
    pub delivered: bool,
    /// Whether they have read it, as their devices say.
    pub read: bool,
    /// They had read it at this time at the latest, in milliseconds since 1970 UTC.
    pub read_by_ms: Option<i64>,
}

/// A device that has purged a deleted message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PurgedDevice {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub device: DeviceId,
}

/// How far the purge of a deleted message has come.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Purge {
    /// Devices that have purged it.
    pub by: i64,
    /// Devices that are to purge it.
    pub of: i64,
    /// Which have.
    pub devices: Vec<PurgedDevice>,
}

impl From<curo::MessageRef> for MessageRef {
    fn from(reference: curo::MessageRef) -> Self {
        let curo::MessageRef { sender, message } = reference;
        Self { sender, message }
    }
}

impl From<MessageRef> for curo::MessageRef {
    fn from(reference: MessageRef) -> Self {
        let MessageRef { sender, message } = reference;
        Self { sender, message }
    }
}

impl From<curo::Priority> for Priority {
    fn from(priority: curo::Priority) -> Self {
        match priority {
            curo::Priority::Routine => Self::Routine,
            curo::Priority::Urgent => Self::Urgent,
            curo::Priority::Stat => Self::Stat,
        }
    }
}

impl From<Priority> for curo::Priority {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Routine => Self::Routine,
            Priority::Urgent => Self::Urgent,
            Priority::Stat => Self::Stat,
        }
    }
}

impl From<NewMessage> for curo::NewMessage {
    fn from(message: NewMessage) -> Self {
        let NewMessage {
            text,
            mentions,
            priority,
            reply_to,
            thread,
        } = message;
        Self {
            text: text.into(),
            mentions,
            priority: priority.into(),
            reply_to: reply_to.map(Into::into),
            thread: thread.map(Into::into),
        }
    }
}

impl From<curo::Quote> for Quote {
    fn from(quote: curo::Quote) -> Self {
        let curo::Quote {
            message,
            sender,
            text,
            deleted,
        } = quote;
        Self {
            message: message.into(),
            sender,
            text: text.map(Text::into_string),
            deleted,
        }
    }
}

impl From<curo::Reaction> for Reaction {
    fn from(reaction: curo::Reaction) -> Self {
        let curo::Reaction { emoji, users, own } = reaction;
        Self {
            emoji: emoji.into_string(),
            users,
            own,
        }
    }
}

impl From<curo::UnsentChange> for UnsentChange {
    fn from(change: curo::UnsentChange) -> Self {
        let curo::UnsentChange { intent, state } = change;
        Self {
            intent,
            state: state.into(),
        }
    }
}

impl From<curo::Message> for Message {
    fn from(message: curo::Message) -> Self {
        let reference = message.reference();
        let curo::Message {
            id,
            sender_device,
            sender,
            own,
            claimed_ms,
            body,
            delivery,
            edited,
            edited_ms,
            priority,
            mentions,
            reply_to,
            thread,
            thread_count,
            reactions,
            acknowledged_by,
            unsent_change,
        } = message;
        Self {
            id,
            sender_device,
            reference: reference.into(),
            key: reference.into(),
            sender,
            own,
            claimed_ms: claimed_ms.map(int),
            body: body.into(),
            delivery: delivery.map(Into::into),
            edited,
            edited_ms: edited_ms.map(int),
            priority: priority.into(),
            mentions,
            reply_to: reply_to.map(Into::into),
            thread: thread.map(Into::into),
            thread_count: int(thread_count),
            reactions: all(reactions),
            acknowledged_by,
            unsent_change: unsent_change.map(Into::into),
        }
    }
}

impl From<curo::Acknowledgement> for Acknowledgement {
    fn from(acknowledgement: curo::Acknowledgement) -> Self {
        let curo::Acknowledgement { user, accepted_ms } = acknowledgement;
        Self {
            user,
            accepted_ms: accepted_ms.map(int),
        }
    }
}

impl From<curo::PersonReceipt> for PersonReceipt {
    fn from(receipt: curo::PersonReceipt) -> Self {
        let curo::PersonReceipt {
            user,
            delivered,
            read,
            read_by_ms,
        } = receipt;
        Self {
            user,
            delivered,
            read,
            read_by_ms: read_by_ms.map(int),
        }
    }
}

impl From<curo::Purge> for Purge {
    fn from(purge: curo::Purge) -> Self {
        let curo::Purge { by, of, devices } = purge;
        let devices = devices.into_iter().map(|(user, device)| PurgedDevice { user, device });
        Self {
            by: by.into(),
            of: of.into(),
            devices: devices.collect(),
        }
    }
}
