//! Arguments and outcomes around incarnations: reports, duties, what there is (`docs/protocol.md` 3.7, 3.9, 3.10, 7.2).

use curo_types::api::{Duty, IncarnationRecord, ReportReason};
use curo_types::{ConversationId, DeviceId, Digest, UserId};

use super::conversations::Refusal;

/// How long a duty is offered to one device.
pub const DUTY_MS: u64 = 30_000;
/// How long a device that has lost [`LOSSES`] epochs in a row has the commit turn.
pub const TURN_MS: u64 = 2_000;
/// Epochs lost in a row that bring the commit turn.
pub const LOSSES: u64 = 3;
/// How long a device whose turn was not used has to wait for the next one.
pub const TURN_PAUSE_MS: u64 = 30_000;
/// How many users must report a commit, where so many others than its author's are in: one alone may have a damaged state
/// of its own, and is helped by rejoining; two who agree are most likely right, and do not have to wait for those who are away.
pub const REPORTS_NEEDED: u64 = 2;

/// A commit that the caller cannot process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommitReport {
    /// The conversation.
    pub conversation: ConversationId,
    /// The incarnation.
    pub incarnation: u64,
    /// The epoch that the commit ended.
    pub epoch: u64,
    /// SHA-256 of the commit.
    pub commit: Digest,
    /// Why.
    pub reason: ReportReason,
}

/// What became of a report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReportOutcome {
    /// Noted.
    Noted {
        /// Whether the incarnation is over.
        over: bool,
        /// The author of the commit, if this report has ended the incarnation: to be named in the audit.
        author: Option<DeviceId>,
    },
    /// A rule said no.
    Refused(Refusal),
}

/// A duty, asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DutyAsked {
    /// The conversation.
    pub conversation: ConversationId,
    /// The live incarnation.
    pub incarnation: u64,
    /// The duty.
    pub duty: Duty,
}

/// Whose a duty is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DutyOutcome {
    /// The caller's or another device's, for so long.
    Offered {
        /// Whether it is the caller's.
        yours: bool,
        /// Until it is offered anew.
        for_ms: u64,
    },
    /// A rule said no.
    Refused(Refusal),
}

/// The incarnations of a conversation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IncarnationsOutcome {
    /// What there is.
    Known {
        /// Those in which the caller has or had a leaf, and the live one; ascending.
        incarnations: Vec<IncarnationRecord>,
        /// Users with a leaf in the live incarnation, if the caller was not removed.
        users: Vec<UserId>,
    },
    /// The caller never had a leaf, or there is no such conversation.
    NotAMember,
}

/// What a device proves to have seen of a log that this store lacks; the signature was checked by the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LostEntries {
    /// The incarnation.
    pub incarnation: u64,
    /// Sequence number of the signed tip.
    pub seq: u64,
    /// Its hash.
    pub h: Digest,
    /// Sequence number of the last entry that both have.
    pub stands: u64,
    /// Its hash.
    pub stands_h: Digest,
}
