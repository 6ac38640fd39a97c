//! The relay's API, version 1: the JSON bodies of requests and answers (`docs/protocol.md`, "HTTP calls").
//!
//! Bytes are unpadded base64url strings, ids lower-case hexadecimal, times milliseconds since 1970 UTC. A reader ignores
//! members that it does not know. All limits stand in [`limits`].

pub mod conversations;
pub mod devices;
pub mod directory;
pub mod incarnations;
pub mod key_packages;
pub mod leave;
pub mod limits;
pub mod policy;
pub mod problem;
pub mod push;
pub mod receipts;
pub mod replay;
pub mod session;
pub mod sync;
mod version;

pub use conversations::{
    Accepted, CommitBundle, CommitRequest, CreateConversation, EntriesPage, EntryRecord, GroupInfoAnswer,
    MessagesAccepted, MessagesRequest, TreeAnswer, Winner,
};
pub use devices::{ApproveDevice, DeviceInfo, DeviceRefused, DevicesAnswer, PendingDevice, RevokeDevice};
pub use directory::{
    DirectoryAnswer, DirectoryQuery, DirectoryRecord, DirectoryReplayed, PeopleAnswer, PeopleQuery, PersonRecord,
    ReplayDirectory,
};
pub use incarnations::{
    Duty, DutyOffer, DutyRequest, IncarnationRecord, IncarnationsAnswer, LostLog, ReportCommit, ReportReason, Reported,
};
pub use key_packages::{Claim, ClaimAnswer, ClaimRequest, KeyPackageStock, UploadKeyPackages};
pub use leave::{LeaveAnswer, LeaveRequest, PendingReason, PendingRemoval};
pub use policy::TenantPolicy;
pub use problem::Problem;
pub use push::{PushRegistration, PushTaken, PutPush};
pub use receipts::{MemberReceipt, PutReceipt, ReceiptTaken};
pub use replay::{ReplayAnswer, ReplayRequest, ReplayStart};
pub use session::{AddKeys, KnownAccount, LostVersions, RegisterDevice, Registered, SessionAnswer, SessionRequest};
pub use sync::{
    ConversationNews, CursorReport, InboxItem, InboxRecord, MemberCursor, StreamEvent, SyncAnswer, SyncRequest,
};
pub use version::{ClientVersion, NotAVersion};

/// The media type of problem documents (RFC 9457).
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";
/// The media type of the live stream: one JSON [`StreamEvent`] a line.
pub const STREAM_MEDIA_TYPE: &str = "application/x-ndjson";
