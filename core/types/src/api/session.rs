//! Sign-in: who the caller is, the relay's keys, and the registration of a device.

use serde::{Deserialize, Serialize};

use super::policy::TenantPolicy;
use crate::format::LogKeyStatement;
use crate::{Blob, Digest, StoreId, SuiteId, TenantId, UserId};

/// Request of `POST /v1/session`. A relay that cannot read the body takes it for an empty one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionRequest {
    /// Who the caller was here, for a relay that was restored from a backup and does not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<KnownAccount>,
}

/// Who the subject is, on the relay's own signature.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KnownAccount {
    /// The user.
    pub user: UserId,
    /// What stood in `account` of an earlier answer.
    pub statement: Blob,
}

/// Answer of `POST /v1/session`: who the access token's subject is here. The relay mints the user id at the first call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionAnswer {
    /// The tenant that the token's issuer and audience belong to.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// The relay's store.
    pub store: StoreId,
    /// The tenant's directory key: an Ed25519 public key that the device pins at its first sign-in.
    pub directory_key: Digest,
    /// The tenant's log key, signed by the directory key.
    pub log_key: LogKeyStatement,
    /// The suites that the tenant's policy allows, best first.
    pub suites: Vec<SuiteId>,
    /// After how long without its user a client locks, in milliseconds; never more than 15 minutes, which holds without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_lock_ms: Option<u64>,
    /// How long a session may last after the person has signed in, in milliseconds; never more than 12 hours, which hold
    /// without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_limit_ms: Option<u64>,
    /// How long ago the person has authenticated at the identity provider, in milliseconds, where the token says so
    /// (`auth_time`, RFC 9068 section 2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticated_ms_ago: Option<u64>,
    /// The tenant's policy; absent from a relay that knows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<TenantPolicy>,
    /// The tenant's directory key over who the subject is (2.23), for a relay that has lost it. Absent from a relay that gives
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Blob>,
    /// Directory versions that this store has lost because it was restored from backups, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<LostVersions>,
}

/// Directory versions that a restored store has lost: those after the first and up to the second. None of them is used again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LostVersions {
    /// The backup's version.
    pub after: u64,
    /// The version with which the restored store began.
    pub until: u64,
}

/// Request of `POST /v1/devices`: registers the caller's device. The same envelope again is answered as the first time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegisterDevice {
    /// A directory envelope with action `add`, signed with each of its own keys.
    pub envelope: Blob,
}

/// Request of `POST /v1/devices/keys`: adds keys of further suites to the calling device. The same envelope again is answered as
/// the first time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddKeys {
    /// A directory envelope with action `rotate`, signed with each of its own keys.
    pub envelope: Blob,
}

/// Answer of `POST /v1/devices` and `POST /v1/devices/keys`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Registered {
    /// The directory version that the envelope got.
    pub version: u64,
    /// The envelope with the tenant's signature, as everybody gets it from now on.
    pub envelope: Blob,
}
