//! A user's own devices: the list of them, and envelopes that one of them signs for another.

use serde::{Deserialize, Serialize};

use crate::{Blob, DeviceId};

/// Answer of `GET /v1/devices`: the caller's devices, revoked ones too, by time of registration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DevicesAnswer {
    /// The devices.
    pub devices: Vec<DeviceInfo>,
    /// Devices that wait for an approval, by time of asking.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<PendingDevice>,
}

/// A device of the caller's user that waits for the approval of another one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PendingDevice {
    /// The device.
    pub device: DeviceId,
    /// When it asked first.
    pub asked_ms: u64,
    /// The envelope as it has submitted it.
    pub envelope: Blob,
}

/// Request of `POST /v1/devices/{id}/approve`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApproveDevice {
    /// The envelope of the device that waits, with the signature of the device that asks added.
    pub envelope: Blob,
}

/// Answer of `POST /v1/devices/{id}/refuse`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceRefused {}

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
