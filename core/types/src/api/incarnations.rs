//! Incarnations: reporting a commit that cannot be processed, whose turn a duty is, which incarnations there are.

use serde::{Deserialize, Serialize};

use crate::format::SignedTip;
use crate::{Digest, GroupId, SuiteId, UserId};

/// Request of `POST /v1/conversations/{id}/reports`: the commit that ended an epoch cannot be processed here (3.9).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportCommit {
    /// The incarnation, which must be the live one.
    pub incarnation: u64,
    /// The epoch that the commit ended.
    pub epoch: u64,
    /// SHA-256 of the commit's bytes.
    pub commit: Digest,
    /// Why.
    pub reason: ReportReason,
}

/// Why a member cannot process a commit. For the audit: nothing is decided by it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReportReason {
    /// MLS refuses it: a tag, a path that cannot be decrypted.
    Unreadable,
    /// It breaks a rule that members check (3.5, 3.6).
    Refused,
    /// It brings a leaf whose key was never published (3.6).
    KeyMismatch,
    /// A reason of a later version.
    #[serde(other)]
    Other,
}

impl ReportReason {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Refused => "refused",
            Self::KeyMismatch => "key_mismatch",
            Self::Other => "other",
        }
    }
}

/// Answer of `POST /v1/conversations/{id}/reports`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reported {
    /// Whether the incarnation is over: enough members have reported the commit, and the next one may be opened.
    pub over: bool,
}

/// What the roster owes, and one member does for all (3.10).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Open the next incarnation.
    OpenIncarnation,
    /// Remove leaves whose removal is pending.
    RemovePending,
    /// Add a device that was registered later.
    AddDevice,
}

impl Duty {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenIncarnation => "open_incarnation",
            Self::RemovePending => "remove_pending",
            Self::AddDevice => "add_device",
        }
    }
}

/// Request of `POST /v1/conversations/{id}/duty`: may this device do the duty now?
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DutyRequest {
    /// The live incarnation.
    pub incarnation: u64,
    /// The duty.
    pub duty: Duty,
}

/// Answer of `POST /v1/conversations/{id}/duty`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DutyOffer {
    /// Whether the duty is the caller's now.
    pub yours: bool,
    /// Milliseconds until it is offered anew.
    pub for_ms: u64,
}

/// Answer of `GET /v1/conversations/{id}/incarnations`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IncarnationsAnswer {
    /// Those in which the calling device has or had a leaf, and the live one; ascending. At most the last 64.
    pub incarnations: Vec<IncarnationRecord>,
    /// Users with a leaf in the live incarnation; empty if the caller is not on the roster any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserId>,
}

/// One incarnation of a conversation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IncarnationRecord {
    /// Its number, from 1; the last one is live.
    pub incarnation: u64,
    /// Its MLS group.
    pub group: GroupId,
    /// The group's suite.
    pub suite: SuiteId,
    /// Of one that is over: why. An open set: `commit` (3.9), `lost` (7.2), `closed` (6.6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// Of one that is over: sequence number of the last entry that stands. What followed is sent again by its authors (7.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands: Option<u64>,
}

/// Proof that a relay no longer holds what it once signed (7.2); a member of `POST /v1/conversations`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LostLog {
    /// A tip of the incarnation before, signed by the tenant's log key, that this relay's log contradicts or does not reach.
    pub tip: SignedTip,
    /// Sequence number of the last entry that both have; 0 if there is none.
    pub stands: u64,
    /// Its hash; 32 zero bytes for 0.
    pub stands_h: Digest,
}
