//! What a message says, and how far it and other intents have come.

use curo::Text;

use crate::error::Failure;
use crate::message::MessageRef;

/// What a message says.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Body {
    /// Text.
    Text {
        /// Which.
        text: String,
    },
    /// A record that amends another; the original stands unchanged beside it (45 CFR 164.526).
    Amendment {
        /// The original.
        of: MessageRef,
        /// What it says.
        text: String,
    },
    /// It was deleted: nothing of it is left here.
    Deleted,
    /// A kind of content that this version does not know, or that cannot be read. It is kept.
    Unsupported,
}

/// How far an own message has come. A later state takes the place of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum DeliveryState {
    /// Durable on this device; on its way as soon as the relay can be reached.
    Queued,
    /// Accepted by the relay.
    Sent,
    /// Durable on a device of so many of the other people.
    Delivered {
        /// People that have it.
        by: i64,
        /// People that are to have it.
        of: i64,
    },
    /// Read by so many of the other people, as their devices say.
    Read {
        /// People that have read it.
        by: i64,
        /// People that are to read it.
        of: i64,
    },
    /// Refused; it can be retried or cancelled.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// A state of a later version.
    Other,
}

/// Where an intent that changes a conversation stands.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum IntentStatus {
    /// Durable; not done yet.
    Pending,
    /// Done, or there was nothing left to do.
    Done,
    /// Refused.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// A state of a later version.
    Other,
}

impl From<curo::Body> for Body {
    fn from(body: curo::Body) -> Self {
        match body {
            curo::Body::Text(text) => Self::Text {
                text: Text::into_string(text),
            },
            curo::Body::Amendment { of, text } => Self::Amendment {
                of: of.into(),
                text: text.into_string(),
            },
            curo::Body::Deleted => Self::Deleted,
            _ => Self::Unsupported,
        }
    }
}

impl From<curo::DeliveryState> for DeliveryState {
    fn from(state: curo::DeliveryState) -> Self {
        match state {
            curo::DeliveryState::Queued => Self::Queued,
            curo::DeliveryState::Sent => Self::Sent,
            curo::DeliveryState::Delivered { by, of } => Self::Delivered {
                by: by.into(),
                of: of.into(),
            },
            curo::DeliveryState::Read { by, of } => Self::Read {
                by: by.into(),
                of: of.into(),
            },
            curo::DeliveryState::Failed { code, retryable } => Self::Failed {
                failure: Failure::new(&code, retryable),
            },
            _ => Self::Other,
        }
    }
}

impl From<curo::IntentStatus> for IntentStatus {
    fn from(status: curo::IntentStatus) -> Self {
        match status {
            curo::IntentStatus::Pending => Self::Pending,
            curo::IntentStatus::Done => Self::Done,
            curo::IntentStatus::Failed { code, retryable } => Self::Failed {
                failure: Failure::new(&code, retryable),
            },
            _ => Self::Other,
        }
    }
}
