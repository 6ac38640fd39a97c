//! The byte formats that are fixed from the first release on (`docs/protocol.md` section 2).
//!
//! All are CBOR (RFC 8949) in its deterministic form: definite lengths, shortest integers, map keys ascending. Maps are keyed
//! by small integers; a reader ignores keys that it does not know, and refuses a version that it does not know. It refuses every
//! other encoding of the same value too, so that no two readers can understand the same bytes differently.

pub mod account;
pub mod authenticated_data;
pub(crate) mod cbor;
pub mod content;
pub mod credential;
pub mod directory;
pub mod entry;
pub mod leave;
pub mod receipt;
pub mod request_context;
pub mod state;
pub mod tip;

pub use account::AccountStatement;
pub use authenticated_data::{AuditHead, AuthenticatedData, CursorClaim};
pub use content::{Content, ContentBody, Kind, Priority, Reference, Subject, TextBody};
pub use credential::Credential;
pub use directory::{
    Action, Approval, Envelope, EnvelopeBody, EnvelopeSignature, Signer, SuiteKey, SuiteVerdict, SuiteVerifier,
};
pub use entry::{EntryHeader, EntryKind};
pub use leave::{Leave, LeaveBody};
pub use receipt::{Receipt, ReceiptPlace};
pub use request_context::{AccessContext, Disclosure, PurposeOfUse, RequestContext};
pub use state::{AsOf, StateBody, UserText};
pub use tip::{LogKeyStatement, SignedTip};
