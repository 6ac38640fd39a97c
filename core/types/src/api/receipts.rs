//! Read receipts (rule 8.3): one sealed slot for each device and conversation.

use serde::{Deserialize, Serialize};

use crate::{Blob, ConversationId, DeviceId};

/// Request of `PUT /v1/conversations/{id}/receipt`: takes the place of the device's slot there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutReceipt {
    /// The incarnation that the sender knows.
    pub incarnation: u64,
    /// The epoch whose key seals it: the current one or an earlier one.
    pub epoch: u64,
    /// The sealed receipt, 1 to 256 bytes.
    pub sealed: Blob,
}

/// Answer of `PUT /v1/conversations/{id}/receipt`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceiptTaken {
    /// Milliseconds before the relay takes the next one of this device here.
    pub next_ms: u64,
}

/// A member device's slot, in a [`SyncAnswer`](super::SyncAnswer).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemberReceipt {
    /// The conversation.
    pub conversation: ConversationId,
    /// The incarnation.
    pub incarnation: u64,
    /// The device that has read.
    pub device: DeviceId,
    /// The epoch whose key seals it.
    pub epoch: u64,
    /// The sealed receipt.
    pub sealed: Blob,
}
