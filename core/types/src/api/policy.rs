//! What a tenant asks of conversations and devices, as the relay tells its clients.

use serde::{Deserialize, Serialize};

use super::limits;
use crate::{UserId, bounded};

/// The tenant's policy, in the answers of `POST /v1/session` and `POST /v1/sync`. It is the relay's word, like the suites.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TenantPolicy {
    /// Users who are in every conversation, for example an archive; at most 8. Nobody can remove them.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "bounded::list::<{ limits::MANDATORY_MEMBERS }, _, _>"
    )]
    pub mandatory: Vec<UserId>,
    /// The directory version after which a device is added only with the approval of another active device of its user, if there
    /// is one; absent where the tenant asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_since: Option<u64>,
    /// Whether a device that others have removed from a conversation purges what it has of it; absent: it keeps it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub purge_removed: bool,
}
