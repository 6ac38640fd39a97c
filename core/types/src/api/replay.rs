//! Bringing a restored relay's log back from what its members have kept (7.2).

use serde::{Deserialize, Serialize};

use super::conversations::EntryRecord;
use super::limits;
use crate::format::SignedTip;
use crate::{Blob, Digest, GroupId, SuiteId, bounded};

/// Request of `POST /v1/conversations/{id}/replay`: entries that the relay once accepted and has lost, as they were served.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayRequest {
    /// The incarnation.
    pub incarnation: u64,
    /// Sequence number of the entry before the first of these; 0 if there is none.
    pub after: u64,
    /// Its hash; 32 zero bytes for 0.
    pub after_h: Digest,
    /// The entries, contiguous and verbatim. Those that the relay has already are passed over.
    #[serde(deserialize_with = "bounded::list::<{ limits::REPLAY_ENTRIES }, _, _>")]
    pub entries: Vec<EntryRecord>,
    /// A tip of the last of them, of whatever store, signed by the tenant's log key.
    pub tip: SignedTip,
    /// With the last commit of all that the caller has: GroupInfo of the epoch that it has opened, without tree, signed by any
    /// member (TLS bytes of an MLSMessage).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_info: Option<Blob>,
    /// The group at epoch 0, where the relay has lost the whole conversation; only with entry 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<ReplayStart>,
}

/// A group at epoch 0, as it was created.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayStart {
    /// The MLS group.
    pub group: GroupId,
    /// The group's suite.
    pub suite: SuiteId,
    /// GroupInfo of epoch 0, without tree.
    pub group_info: Blob,
    /// The tree of epoch 0: the creator's leaf.
    pub tree: Blob,
}

/// Answer of `POST /v1/conversations/{id}/replay`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayAnswer {
    /// How many of the entries were new.
    pub appended: u64,
    /// The conversation's tip now.
    pub tip: SignedTip,
}
