//! A user's own devices: the list of them, and envelopes that one of them signs for another.

use serde::{Deserialize, Serialize};

use crate::{Blob, DeviceId};

/// Answer of `GET /v1/devices`: the caller's devices, revoked ones too, by time of registration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DevicesAnswer {
    /// The devices.
    pub devices: Vec<DeviceInfo>,
}

/// A device of the caller's user.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceInfo {
    /// The device.
    pub device: DeviceId,
    /// When it was registered.
    pub registered_ms: u64,
    /// The day on which it was last seen: its first millisecond in UTC.
    pub last_seen_ms: u64,
    /// Whether it is revoked, for good.
    pub revoked: bool,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Request of `POST /v1/devices/{id}/revoke`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevokeDevice {
    /// The envelope that revokes the device, signed by the device that asks. Absent for the asking device itself, which
    /// the directory revokes on the word of its access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Blob>,
}
