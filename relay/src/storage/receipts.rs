//! Arguments and outcomes of read receipts (8.3).

use curo_types::{ConversationId, DeviceId};

use super::conversations::Refusal;

/// A sealed read receipt: opaque here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewReceipt {
    /// The conversation.
    pub conversation: ConversationId,
    /// The incarnation that the caller knows.
    pub incarnation: u64,
    /// The epoch whose key seals it.
    pub epoch: u64,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
    /// How long after the last one of the device in the conversation this one may come.
    pub least_ms: u64,
}

/// What became of a read receipt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReceiptOutcome {
    /// It stands in the device's slot now.
    Stored {
        /// Devices to wake: the other members of small conversations (32 leaves at most).
        wake: Vec<DeviceId>,
    },
    /// The same stands there already.
    Unchanged,
    /// The last one came less than `least_ms` ago.
    TooSoon {
        /// How long to wait.
        retry_after_ms: u64,
    },
    /// A rule said no.
    Refused(Refusal),
}
