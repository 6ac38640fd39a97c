//! Arguments and outcomes of leaving, and of what must be removed (rule 6.1).

use curo_types::{ConversationId, DeviceId, IntentId};

use super::conversations::Refusal;

/// A signed request to leave, whose signature and names were checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewLeave {
    /// The conversation.
    pub conversation: ConversationId,
    /// The incarnation.
    pub incarnation: u64,
    /// Its intent.
    pub intent: IntentId,
    /// The last entry that the device had applied when it signed.
    pub seq: u64,
    /// The request, verbatim.
    pub request: Vec<u8>,
}

/// What became of a request to leave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LeaveOutcome {
    /// The user is out, or was already by the same request.
    Left {
        /// Whether nobody is left in the conversation.
        closed: bool,
        /// The user's other devices, which have news now.
        wake: Vec<DeviceId>,
    },
    /// A rule said no.
    Refused(Refusal),
}
