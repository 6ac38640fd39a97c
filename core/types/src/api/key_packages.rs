//! KeyPackages (RFC 9420 section 10): stock, upload, claim.

use serde::{Deserialize, Serialize};

use super::limits;
use crate::{Blob, ClaimId, DeviceId, SuiteId, UserId, bounded};

/// Request of `POST /v1/key-packages`: adds to the calling device's stock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadKeyPackages {
    /// Their suite.
    pub suite: SuiteId,
    /// One-time KeyPackages, at most 100; one that is there already is not added again.
    #[serde(deserialize_with = "bounded::list::<{ limits::KEY_PACKAGES_PER_UPLOAD }, _, _>")]
    pub one_time: Vec<Blob>,
    /// A last-resort KeyPackage (RFC 9420 section 16.8) that replaces the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_resort: Option<Blob>,
    /// Whether these take the place of all one-time ones that nobody has claimed: their private keys are lost (rule 7.1).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replace: bool,
}

/// What the relay has of a device's KeyPackages of one suite. Answer of `POST /v1/key-packages`, and part of every sync answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyPackageStock {
    /// The suite.
    pub suite: SuiteId,
    /// One-time KeyPackages that nobody has claimed and that stay fresh for 30 days at least.
    pub one_time: u32,
    /// Whether there is a last-resort one, as fresh.
    pub last_resort: bool,
}

/// Request of `POST /v1/key-packages/claim`: one KeyPackage of every active device of some users.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimRequest {
    /// The same claim again reads the same KeyPackages.
    pub claim: ClaimId,
    /// The suites that will do, 1 to 8, best first. The relay takes the first of which it has KeyPackages of every active device
    /// of all the users; else the first of which it has some of each user; else the first.
    #[serde(deserialize_with = "bounded::list::<{ limits::SUITES }, _, _>")]
    pub suites: Vec<SuiteId>,
    /// The users, 1 to 250.
    #[serde(deserialize_with = "bounded::list::<{ limits::USERS_PER_REQUEST }, _, _>")]
    pub users: Vec<UserId>,
}

/// Answer of `POST /v1/key-packages/claim`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimAnswer {
    /// The directory version at the time of the claim.
    pub directory_version: u64,
    /// The suite of all the KeyPackages.
    pub suite: SuiteId,
    /// One KeyPackage for each active device of the asked users that has any.
    pub claims: Vec<Claim>,
    /// Asked users of whom no device could be claimed.
    pub missing: Vec<UserId>,
    /// Those of the missing who have an active device, but none with a key of the suite.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_suite: Vec<UserId>,
}

/// One claimed KeyPackage.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Claim {
    /// The user.
    pub user: UserId,
    /// The device.
    pub device: DeviceId,
    /// The KeyPackage: TLS bytes of an MLSMessage (RFC 9420 section 6).
    pub key_package: Blob,
}
