//! The devices of this user.

use curo::DeviceId;

use crate::convert::int;

/// A device of this user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct OwnDevice {
    /// Its id.
    pub device: DeviceId,
    /// When it was registered, in milliseconds since 1970 UTC.
    pub registered_ms: i64,
    /// When the relay last saw it, in milliseconds since 1970 UTC.
    pub last_seen_ms: i64,
    /// Whether it waits for the approval of another one.
    pub pending: bool,
    /// Whether it was revoked.
    pub revoked: bool,
    /// Whether it is this one.
    pub current: bool,
}

/// A device of this user that waits for the approval of another one.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct WaitingDevice {
    /// Its id.
    pub device: DeviceId,
    /// When it asked, in milliseconds since 1970 UTC.
    pub asked_ms: i64,
    /// The code that it must show, too.
    pub code: String,
}

impl From<curo::OwnDevice> for OwnDevice {
    fn from(own: curo::OwnDevice) -> Self {
        let curo::OwnDevice {
            device,
            registered_ms,
            last_seen_ms,
            pending,
            revoked,
            current,
        } = own;
        Self {
            device,
            registered_ms: int(registered_ms),
            last_seen_ms: int(last_seen_ms),
            pending,
            revoked,
            current,
        }
    }
}

impl From<curo::WaitingDevice> for WaitingDevice {
    fn from(waiting: curo::WaitingDevice) -> Self {
        let curo::WaitingDevice { device, asked_ms, code } = waiting;
        Self {
            device,
            asked_ms: int(asked_ms),
            code,
        }
    }
}
