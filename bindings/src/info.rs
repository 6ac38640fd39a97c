//! What a conversation is, beside what is said in it.

use curo::{ConversationId, IntentId, UserId};

use crate::convert::{all, int};

/// What can be done with a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum ConversationState {
    /// This device has asked for it; the relay has not accepted it yet.
    Creating,
    /// Somebody else has created it first; its Welcome will come.
    Waiting,
    /// This device is a member.
    Active,
    /// This device was removed; what it has stays readable.
    Removed,
    /// It cannot go on here; the code beside it says why.
    Frozen,
}

/// An identifier of a patient or another subject in an outside system, as in a FHIR Identifier.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct Subject {
    /// The naming system, a URI.
    pub system: String,
    /// The value in that system.
    pub value: String,
}

/// Somebody in a conversation.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct Member {
    /// The user.
    pub user: UserId,
    /// Their role: admin, member, or another name that the app has given.
    pub role: String,
    /// The name that they have told.
    pub name: Option<String>,
    /// Whether the tenant's policy wants them in every conversation.
    pub mandatory: bool,
    /// Whether none of their devices is in it at the moment: they were away for long, or could not be invited again. They are
    /// members all the same, and back when a device of theirs is; what is said meanwhile that device does not get.
    pub dormant: bool,
}

/// One conversation's head.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct ConversationInfo {
    /// The conversation.
    pub id: ConversationId,
    /// What can be done with it.
    pub state: ConversationState,
    /// Why it is frozen, as an error code.
    pub frozen: Option<String>,
    /// Whether the user has left it, by this device or another one.
    pub left: bool,
    /// Whether all that was said in it was purged when others removed this device.
    pub purged: bool,
    /// Whether entries are known to be missing. Tried again by itself.
    pub behind: bool,
    /// Its title, if it has one.
    pub title: Option<String>,
    /// The patients and others that it is about.
    pub subjects: Vec<Subject>,
    /// Who is in it now, this user included, with roles and names.
    pub roster: Vec<Member>,
    /// Who is in it now, this user included.
    pub members: Vec<UserId>,
    /// Time of the last activity, in milliseconds since 1970 UTC.
    pub activity_ms: i64,
}

/// What a new conversation is to be about.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct CreateOptions {
    /// Its title; empty for none.
    #[uniffi(default = "")]
    pub title: String,
    /// The patients and others that it is about.
    #[uniffi(default = [])]
    pub subjects: Vec<Subject>,
}

/// A conversation that was asked for.
#[derive(Clone, uniffi::Record)]
pub struct CreatedConversation {
    /// Its id. It can be used at once, also offline.
    pub id: ConversationId,
    /// Its creation, whose outcome the conversation's intent call tells.
    pub intent: IntentId,
}

impl From<curo::ConversationState> for ConversationState {
    fn from(state: curo::ConversationState) -> Self {
        match state {
            curo::ConversationState::Creating => Self::Creating,
            curo::ConversationState::Waiting => Self::Waiting,
            curo::ConversationState::Active => Self::Active,
            curo::ConversationState::Removed => Self::Removed,
            curo::ConversationState::Frozen => Self::Frozen,
        }
    }
}

impl From<curo::Subject> for Subject {
    fn from(subject: curo::Subject) -> Self {
        let curo::Subject { system, value } = subject;
        Self { system, value }
    }
}

impl From<Subject> for curo::Subject {
    fn from(subject: Subject) -> Self {
        let Subject { system, value } = subject;
        Self { system, value }
    }
}

impl From<curo::Member> for Member {
    fn from(member: curo::Member) -> Self {
        let curo::Member {
            user,
            role,
            name,
            mandatory,
            dormant,
        } = member;
        Self {
            user,
            role: role.as_str().to_owned(),
            name: name.map(curo::Text::into_string),
            mandatory,
            dormant,
        }
    }
}

impl From<curo::ConversationInfo> for ConversationInfo {
    fn from(info: curo::ConversationInfo) -> Self {
        let curo::ConversationInfo {
            id,
            state,
            frozen,
            left,
            purged,
            behind,
            title,
            subjects,
            roster,
            members,
            activity_ms,
        } = info;
        Self {
            id,
            state: state.into(),
            frozen: frozen.map(|code| code.as_str().to_owned()),
            left,
            purged,
            behind,
            title: title.map(curo::Text::into_string),
            subjects: all(subjects),
            roster: all(roster),
            members,
            activity_ms: int(activity_ms),
        }
    }
}

impl From<CreateOptions> for curo::CreateOptions {
    fn from(options: CreateOptions) -> Self {
        let CreateOptions { title, subjects } = options;
        Self {
            title: title.into(),
            subjects: all(subjects),
        }
    }
}
