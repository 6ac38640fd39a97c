//! How a client stands: its session, its connection, what waits and what is unread.

use crate::convert::int;

/// What an app can do with a profile now: which screen to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum SessionState {
    /// Everything works; whether the relay can be reached is the connection's matter.
    Active,
    /// Nothing is shown until unlock.
    Locked,
    /// The user must sign in at the identity provider; then call sign_in.
    SignInNeeded,
    /// Another device of this user must approve this one: show the approval code, and wait for the approval.
    WaitingForApproval,
    /// The relay says that this device was revoked: it sends and gets nothing any more.
    Revoked,
    /// The profile was erased. This client can do nothing any more.
    Wiped,
    /// The relay no longer speaks with this version of the app.
    UpdateRequired,
    /// Closed; open a new client.
    Closed,
    /// A state of a later version.
    Other,
}

/// How the client stands with its relay.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum ConnectionState {
    /// Not started, locked or closed: nothing is sent or received.
    Stopped,
    /// The relay is being asked for what is new.
    CatchingUp,
    /// All is applied and the live stream is open.
    Live,
    /// The relay cannot be reached or refuses for the moment; the next attempt comes by itself.
    Waiting {
        /// Why, as an error code.
        code: String,
    },
    /// The user must sign in at the identity provider; then call sign_in.
    SignInNeeded,
    /// Going on needs more than time.
    Failed {
        /// Why, as an error code.
        code: String,
    },
    /// A state of a later version.
    Other,
}

/// What waits to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct OutboxState {
    /// Messages and intents on their way.
    pub waiting: i64,
    /// Messages and intents that have failed.
    pub failed: i64,
}

/// What is unread in conversations that are not muted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Unread {
    /// Messages.
    pub messages: i64,
    /// Conversations that have any.
    pub conversations: i64,
}

/// What a sign-out does with what is not sent yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum OnUnsent {
    /// Stays signed in and says what there is.
    Keep,
    /// Signs out; what is not sent is lost.
    Discard,
}

/// How a sign-out has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum SignOutOutcome {
    /// Signed out; the profile is erased.
    SignedOut {
        /// What was lost with it.
        lost: OutboxState,
    },
    /// Still signed in, because something is not sent yet.
    Unsent {
        /// What.
        left: OutboxState,
    },
    /// An outcome of a later version.
    Other,
}

impl From<curo::SessionState> for SessionState {
    fn from(state: curo::SessionState) -> Self {
        match state {
            curo::SessionState::Active => Self::Active,
            curo::SessionState::Locked => Self::Locked,
            curo::SessionState::SignInNeeded => Self::SignInNeeded,
            curo::SessionState::WaitingForApproval => Self::WaitingForApproval,
            curo::SessionState::Revoked => Self::Revoked,
            curo::SessionState::Wiped => Self::Wiped,
            curo::SessionState::UpdateRequired => Self::UpdateRequired,
            curo::SessionState::Closed => Self::Closed,
            _ => Self::Other,
        }
    }
}

impl From<curo::ConnectionState> for ConnectionState {
    fn from(state: curo::ConnectionState) -> Self {
        match state {
            curo::ConnectionState::Stopped => Self::Stopped,
            curo::ConnectionState::CatchingUp => Self::CatchingUp,
            curo::ConnectionState::Live => Self::Live,
            curo::ConnectionState::Waiting { code } => Self::Waiting {
                code: code.as_str().to_owned(),
            },
            curo::ConnectionState::SignInNeeded => Self::SignInNeeded,
            curo::ConnectionState::Failed { code } => Self::Failed {
                code: code.as_str().to_owned(),
            },
            _ => Self::Other,
        }
    }
}

impl From<curo::OutboxState> for OutboxState {
    fn from(state: curo::OutboxState) -> Self {
        let curo::OutboxState { waiting, failed } = state;
        Self {
            waiting: int(waiting),
            failed: int(failed),
        }
    }
}

impl From<curo::Unread> for Unread {
    fn from(unread: curo::Unread) -> Self {
        let curo::Unread {
            messages,
            conversations,
        } = unread;
        Self {
            messages: int(messages),
            conversations: int(conversations),
        }
    }
}

impl From<OnUnsent> for curo::OnUnsent {
    fn from(unsent: OnUnsent) -> Self {
        match unsent {
            OnUnsent::Keep => Self::Keep,
            OnUnsent::Discard => Self::Discard,
        }
    }
}

impl From<curo::SignOutOutcome> for SignOutOutcome {
    fn from(outcome: curo::SignOutOutcome) -> Self {
        match outcome {
            curo::SignOutOutcome::SignedOut { lost } => Self::SignedOut { lost: lost.into() },
            curo::SignOutOutcome::Unsent(left) => Self::Unsent { left: left.into() },
            _ => Self::Other,
        }
    }
}
