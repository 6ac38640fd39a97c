//! What client and relay must agree on: ids, the byte formats of `docs/protocol.md`, the JSON bodies of the relay's
//! API and the stable error codes.
//!
//! This is the lowest layer. It does no I/O, knows neither MLS state nor a database, and keeps no secrets: whatever
//! it cannot decode it refuses with a typed [`FormatError`], and types that may bear PHI cannot be printed.

pub mod api;
mod blob;
mod bounded;
mod code;
mod error;
pub mod format;
mod id;
#[cfg(feature = "openapi")]
mod openapi;
mod redacted;

pub use blob::Blob;
pub use code::ErrorCode;
pub use error::FormatError;
pub use id::{
    ChainId, ClaimId, ConversationId, DeviceId, Digest, GroupId, IntentId, MessageId, ProfileId, StoreId, SuiteId,
    TenantId, UserId,
};
pub use redacted::Text;
