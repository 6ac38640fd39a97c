//! Push: where a device wants to be woken when it has no live stream.

use serde::{Deserialize, Serialize};

use crate::Blob;

/// Request of `PUT /v1/push`: takes the place of the device's registration, or takes it away.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutPush {
    /// The registration; absent: none any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<PushRegistration>,
}

/// Where pushes for a device go, and what they bear. A push says nothing else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushRegistration {
    /// What the push gateway finds the app's installation by, 1 to 512 printable ASCII characters. Opaque to the relay.
    pub target: String,
    /// 16 random bytes of the device's: they tell the app which profile the push is for, and tell nobody else anything.
    pub token: Blob,
}

/// Answer of `PUT /v1/push`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushTaken {
    /// Whether this relay sends pushes at all: whether its operator has set up a gateway.
    pub active: bool,
}
