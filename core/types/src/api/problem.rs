//! Problem documents (RFC 9457): how the relay says no.

use serde::{Deserialize, Serialize};

use super::conversations::{EntryRecord, Winner};
use super::leave::PendingRemoval;
use crate::format::SignedTip;
use crate::{ErrorCode, UserId};

/// A problem document, sent as `application/problem+json`. Carries no PHI and nothing that the caller may not see.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:curo:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short sentence for people, the same for every occurrence of the code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code; what programs decide by.
    pub code: ErrorCode,
    /// Which rule or limit, where the code alone does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Milliseconds to wait before a retry, with `rate_limited` and `unavailable`; the same stands in `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// With `stale_epoch`, `stale_counter`, `epoch_taken`: the entries after the cursor that the request's authenticated data names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<EntryRecord>,
    /// With `missing`: the conversation's tip; more entries may stand between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tip: Option<SignedTip>,
    /// With `epoch_taken`: the commit that won.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<Winner>,
    /// With `removal_pending`: the leaves that the next commit must remove.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<PendingRemoval>,
    /// With `mandatory_member`: the users whom the tenant's policy wants in every conversation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mandatory: Vec<UserId>,
}

impl Problem {
    /// A problem with a code and nothing else.
    pub fn new(code: ErrorCode) -> Self {
        Self {
            kind: format!("urn:curo:problem:{code}"),
            title: code.as_str().replace('_', " "),
            status: code.status(),
            code,
            detail: None,
            retry_after_ms: None,
            missing: Vec::new(),
            tip: None,
            winner: None,
            pending: Vec::new(),
            mandatory: Vec::new(),
        }
    }

    /// The same with a detail: which rule or limit. Never put input or PHI here.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}
