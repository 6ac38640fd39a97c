//! Arguments and outcomes around tenants, users, devices and their directory.

use std::fmt;

use curo_types::api::DirectoryRecord;
use curo_types::format::Action;
use curo_types::{DeviceId, Digest, SuiteId, UserId};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The seeds of a tenant's two Ed25519 keys. Wiped on drop, not printable.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct TenantKeys {
    /// Of the directory key.
    pub directory: [u8; 32],
    /// Of the log key.
    pub log: [u8; 32],
}

impl fmt::Debug for TenantKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantKeys(redacted)")
    }
}

/// An authenticated device: its user and itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DeviceRef {
    /// The user.
    pub user: UserId,
    /// The device.
    pub device: DeviceId,
}

/// What the storage knows of who calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The subject's user; `None` if it never signed in.
    pub user: Option<UserId>,
    /// The device that the call names; `None` if it names none or an unknown one.
    pub device: Option<DeviceState>,
}

/// A device as the directory has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceState {
    /// Whose it is.
    pub user: UserId,
    /// The device.
    pub device: DeviceId,
    /// False once it is revoked, for good.
    pub active: bool,
    /// The directory version of its last envelope.
    pub version: u64,
    /// Hash of its last envelope, which the next one names as its `previous`.
    pub envelope_hash: Digest,
    /// Its current keys by suite; none once revoked.
    pub keys: Vec<(SuiteId, Vec<u8>)>,
    /// When it was registered.
    pub registered_ms: u64,
    /// When it was last seen, coarsely; at first when it was registered.
    pub last_seen_ms: u64,
    /// Whether the user's other devices were told of it, which is done with its first KeyPackages.
    pub announced: bool,
}

/// An envelope to append to the directory, already verified and signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirectoryChange {
    /// Whose device.
    pub device: DeviceRef,
    /// What the envelope does.
    pub action: Action,
    /// The device's keys afterwards; none of a revocation.
    pub keys: Vec<(SuiteId, Vec<u8>)>,
    /// Hash of the device's envelope before; none of an addition.
    pub previous: Option<Digest>,
    /// SHA-256 of the bytes that the device submitted, to know a repetition; of a change by the relay, of the envelope.
    pub request_hash: Digest,
    /// The envelope as everybody will get it.
    pub envelope: Vec<u8>,
    /// The other device of the user whose signature an addition bears beside its own (2.11).
    pub approved_by: Option<DeviceId>,
}

/// Limits of a user's devices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DirectoryLimits {
    /// Active ones at a time.
    pub active: usize,
    /// Additions in any 24 hours: they are kept for ever, so a user cannot make them without end.
    pub additions_per_day: u32,
}

/// What became of a change of the directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DirectoryOutcome {
    /// Appended; the new versions, in the order of the changes.
    Accepted(Vec<u64>),
    /// The last change is an addition that was accepted before, with the same submitted bytes: its record. Nothing changed now.
    Duplicate(DirectoryRecord),
    /// The tenant asks for the approval of another device of the user, and the addition has none.
    ApprovalNeeded,
    /// The tenant has as many active devices as it may have.
    QuotaExceeded,
    /// An added device's id or one of its keys is taken.
    DeviceExists,
    /// The user has added as many devices as are allowed in 24 hours.
    RateLimited {
        /// Milliseconds until there is room for one more.
        retry_after_ms: u64,
    },
    /// A `previous` is not the device's last envelope, or the device is not active: read the devices again.
    Stale,
    /// The user would have more active devices than allowed: read the devices again and revoke more.
    TooManyDevices,
}

/// A part of the directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirectoryPage {
    /// The tenant's directory version at that moment.
    pub version: u64,
    /// Envelopes by ascending version.
    pub records: Vec<DirectoryRecord>,
}
