//! Arguments and outcomes around devices that wait for an approval.

use curo_types::DeviceId;

use super::directory::DeviceRef;

/// A device that asks to be approved by another one of its user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AskingDevice {
    /// The device.
    pub device: DeviceRef,
    /// When it asked first.
    pub asked_ms: u64,
    /// The envelope as it has submitted it.
    pub envelope: Vec<u8>,
}

/// What became of asking.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ApprovalOutcome {
    /// It waits.
    Waiting {
        /// Devices that have news now; none of a repetition.
        wake: Vec<DeviceId>,
    },
    /// Another device of the user has refused it.
    Refused,
    /// The device id is taken by other bytes.
    DeviceExists,
    /// Too many have asked in 24 hours.
    RateLimited {
        /// Milliseconds until there is room for one more.
        retry_after_ms: u64,
    },
}
