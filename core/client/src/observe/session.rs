//! The session: the one thing that decides which screen an app shows.

use curo_types::ErrorCode;

use crate::state::ConnectionState;

/// What an app can do with a profile now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum SessionState {
    /// Everything works; whether the relay can be reached is the connection's matter.
    Active,
    /// Nothing is shown until [`Client::unlock`](crate::Client::unlock).
    Locked,
    /// The user must sign in at the identity provider; then call [`Client::sign_in`](crate::Client::sign_in). What is on
    /// the device can be read, unless the store is locked too.
    SignInNeeded,
    /// This device is not its user's first, and the tenant asks that another one approves it. Show
    /// [`Client::approval_code`](crate::Client::approval_code), and call
    /// [`Client::wait_for_approval`](crate::Client::wait_for_approval).
    WaitingForApproval,
    /// The relay says that this device was revoked: it sends and gets nothing any more.
    Revoked,
    /// The profile was erased. This client can do nothing any more.
    Wiped,
    /// The relay no longer speaks with this version of the app.
    UpdateRequired,
    /// Closed; open a new client.
    Closed,
}

/// Why the relay does not deal with this account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    SignIn,
    Approval,
    Revoked,
    Update,
}

impl Refused {
    /// What a code says of the whole account; `None` for everything else.
    pub(crate) fn by(code: &ErrorCode) -> Option<Self> {
        if *code == ErrorCode::SIGN_IN_NEEDED {
            Some(Self::SignIn)
        } else if *code == ErrorCode::APPROVAL_PENDING {
            Some(Self::Approval)
        } else if *code == ErrorCode::DEVICE_REVOKED {
            Some(Self::Revoked)
        } else if *code == ErrorCode::UNSUPPORTED_VERSION || *code == ErrorCode::UPDATE_REQUIRED {
            Some(Self::Update)
        } else {
            None
        }
    }
}

/// All that the state follows from. Change it through [`Observe::session`](super::Observe::session) only.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Session {
    /// The store's key is gone for the moment, or is about to go.
    pub(crate) locked: bool,
    /// The session has lasted as long as it may: locked, until the person signs in again.
    pub(crate) expired: bool,
    /// Closed for good.
    pub(crate) closed: bool,
    /// Erased.
    pub(crate) wiped: bool,
    /// There is an account.
    pub(crate) signed_in: bool,
    /// The relay's last word about the account.
    pub(crate) refused: Option<Refused>,
}

impl Session {
    /// The first that holds; what the user can mend comes last.
    pub(crate) fn state(&self) -> SessionState {
        match self {
            Self { wiped: true, .. } => SessionState::Wiped,
            Self { closed: true, .. } => SessionState::Closed,
            Self {
                refused: Some(Refused::Revoked),
                ..
            } => SessionState::Revoked,
            Self {
                refused: Some(Refused::Update),
                ..
            } => SessionState::UpdateRequired,
            Self { expired: true, .. } => SessionState::SignInNeeded,
            Self { locked: true, .. } => SessionState::Locked,
            Self {
                refused: Some(Refused::Approval),
                ..
            } => SessionState::WaitingForApproval,
            Self {
                refused: Some(Refused::SignIn),
                ..
            }
            | Self { signed_in: false, .. } => SessionState::SignInNeeded,
            _ => SessionState::Active,
        }
    }

    /// Whether anything may be shown.
    pub(crate) fn readable(&self) -> bool {
        !(self.locked || self.expired || self.closed || self.wiped)
    }

    pub(crate) fn ended(&self) -> Option<ErrorCode> {
        if self.wiped {
            Some(ErrorCode::STORE_MISSING)
        } else if self.closed {
            Some(ErrorCode::CLOSED)
        } else {
            None
        }
    }

    /// What a connection state says of the account.
    pub(crate) fn see(&mut self, connection: &ConnectionState) {
        match connection {
            ConnectionState::Live => self.refused = None,
            ConnectionState::SignInNeeded => self.refused = Some(Refused::SignIn),
            ConnectionState::Failed { code } => {
                if let Some(refused) = Refused::by(code) {
                    self.refused = Some(refused);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_the_first_that_holds() {
        let active = Session {
            signed_in: true,
            ..Session::default()
        };
        assert_eq!(active.state(), SessionState::Active);
        assert_eq!(Session::default().state(), SessionState::SignInNeeded);
        let mut session = active.clone();
        for (change, state, readable) in [
            (
                (|s| s.see(&ConnectionState::SignInNeeded)) as fn(&mut Session),
                SessionState::SignInNeeded,
                true,
            ),
            (
                |s| s.refused = Refused::by(&ErrorCode::APPROVAL_PENDING),
                SessionState::WaitingForApproval,
                true,
            ),
            (|s| s.locked = true, SessionState::Locked, false),
            (|s| s.expired = true, SessionState::SignInNeeded, false),
            (
                |s| {
                    s.see(&ConnectionState::Failed {
                        code: ErrorCode::UNSUPPORTED_VERSION,
                    });
                },
                SessionState::UpdateRequired,
                false,
            ),
            (
                |s| {
                    s.see(&ConnectionState::Failed {
                        code: ErrorCode::UPDATE_REQUIRED,
                    });
                },
                SessionState::UpdateRequired,
                false,
            ),
            (
                |s| {
                    s.see(&ConnectionState::Failed {
                        code: ErrorCode::DEVICE_REVOKED,
                    });
                },
                SessionState::Revoked,
                false,
            ),
            (|s| s.closed = true, SessionState::Closed, false),
            (|s| s.wiped = true, SessionState::Wiped, false),
        ] {
            change(&mut session);
            assert_eq!((session.state(), session.readable()), (state, readable));
        }
        assert_eq!(session.ended(), Some(ErrorCode::STORE_MISSING));
    }

    #[test]
    fn what_is_no_word_on_the_account_changes_nothing_and_a_live_stream_is_one() {
        let mut session = Session {
            signed_in: true,
            ..Session::default()
        };
        for code in [ErrorCode::STORE_CHANGED, ErrorCode::UNKNOWN_DEVICE] {
            session.see(&ConnectionState::Failed { code });
            assert_eq!(session.state(), SessionState::Active);
        }
        session.see(&ConnectionState::SignInNeeded);
        session.see(&ConnectionState::CatchingUp);
        assert_eq!(session.state(), SessionState::SignInNeeded);
        session.see(&ConnectionState::Live);
        assert_eq!(session.state(), SessionState::Active);
    }
}
