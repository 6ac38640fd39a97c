//! Leaving a conversation, and what the relay wants removed before it accepts anything else (rule 6.1).

use serde::{Deserialize, Serialize};

use crate::{Blob, DeviceId, UserId};

/// Request of `POST /v1/conversations/{id}/leave`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeaveRequest {
    /// The signed request to leave (2.22).
    pub leave: Blob,
}

/// Answer of `POST /v1/conversations/{id}/leave`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeaveAnswer {
    /// Whether nobody is left: the conversation is closed (rule 6.6).
    pub closed: bool,
}

/// Why a leaf must be removed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PendingReason {
    /// Its user has left: `leave` is the signed request.
    Left,
    /// Its device was revoked: the directory says so.
    Revoked,
    /// Its device was not seen for long: the commit names it in its authenticated data (2.12), and its user stays a member.
    Silent,
    /// A reason of a later version.
    #[serde(other)]
    Unknown,
}

/// A leaf that must be removed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PendingRemoval {
    /// The leaf's user.
    pub user: UserId,
    /// The leaf's device.
    pub device: DeviceId,
    /// Why.
    pub reason: PendingReason,
    /// The signed request of one who has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave: Option<Blob>,
    /// Of a revoked device: the directory version of its revocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}
