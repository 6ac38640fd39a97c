//! Arguments and outcomes around KeyPackages.

use curo_types::api::{ClaimAnswer, KeyPackageStock};
use curo_types::{ClaimId, SuiteId, UserId};

/// KeyPackages that were uploaded longer ago, in milliseconds, are not given out (2.8): whoever keeps silent for longer than a
/// leaf may (6.3) by this much is not invited.
pub const KEY_PACKAGE_FRESH_MS: u64 = 90 * 24 * 60 * 60 * 1000;
/// A KeyPackage counts as stock, and against the limit of uploads, only while it stays fresh for so long yet.
pub const STOCK_MARGIN_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// A KeyPackage whose signature, credential and suite have been checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewKeyPackage {
    /// Its KeyPackageRef (RFC 9420 section 5.2), by which a Welcome names it.
    pub hash_ref: Vec<u8>,
    /// Its bytes, as the device sent them.
    pub bytes: Vec<u8>,
}

/// An upload of one device and suite.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UploadedKeyPackages {
    /// The suite.
    pub suite: SuiteId,
    /// The signature key that every one of them bears; must be the directory's at this moment.
    pub public_key: Vec<u8>,
    /// One-time ones.
    pub one_time: Vec<NewKeyPackage>,
    /// The last-resort one, which replaces the one before.
    pub last_resort: Option<NewKeyPackage>,
    /// Whether they take the place of all one-time ones that nobody has claimed.
    pub replace: bool,
}

/// What became of an upload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UploadOutcome {
    /// Stored; the stock of that suite afterwards.
    Accepted(KeyPackageStock),
    /// The stock would exceed [`KEY_PACKAGES_PER_DEVICE`](curo_types::api::limits::KEY_PACKAGES_PER_DEVICE); nothing was stored.
    TooMany,
    /// The directory has no such device of that user.
    UnknownDevice,
    /// The device is revoked.
    DeviceRevoked,
    /// The signature key is not the directory's for this device and suite.
    WrongKey,
}

/// A claim: one KeyPackage of every active device of some users.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimKeyPackages {
    /// Names the claim; unique for the claiming device.
    pub claim: ClaimId,
    /// The suites that will do, best first; one at least.
    pub suites: Vec<SuiteId>,
    /// The users; each counts once, however often it is named.
    pub users: Vec<UserId>,
}

/// Limits of claims. Counted in fixed windows of an hour of the relay's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClaimLimits {
    /// Users that one user may claim in an hour (a claim of ten users counts ten).
    pub per_claimer: u32,
    /// Claims in an hour of one user by another.
    pub per_target: u32,
    /// KeyPackages uploaded longer ago than this are not given out (2.8).
    pub max_age_ms: u64,
}

/// What became of a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClaimOutcome {
    /// Claimed.
    Accepted(ClaimAnswer),
    /// Claimed before: the first answer again.
    Duplicate(ClaimAnswer),
    /// The claim's id was used for other users.
    ClaimReused,
    /// Over a limit; nothing was claimed.
    RateLimited {
        /// Milliseconds until the window ends.
        retry_after_ms: u64,
    },
    /// The directory has no such device of that user.
    UnknownDevice,
    /// The calling device is revoked.
    DeviceRevoked,
}

/// What a sweep removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SweepReport {
    /// Rows removed.
    pub removed: u64,
    /// Whether there is more to remove.
    pub more: bool,
}
