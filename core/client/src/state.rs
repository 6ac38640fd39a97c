//! What an app can watch.

use curo_types::ErrorCode;

/// How the client stands with its relay.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ConnectionState {
    /// Not started, locked or closed: nothing is sent or received.
    Stopped,
    /// The relay is being asked for what is new.
    CatchingUp,
    /// All is applied and the live stream is open.
    Live,
    /// The relay cannot be reached or refuses for the moment; the next attempt comes by itself, at once after
    /// [`Client::network_changed`](crate::Client::network_changed).
    ///
    /// `captive_portal` (something else has answered) and `tls_failed` (a certificate that does not verify) are what a
    /// network looks like that wants a person to sign in to it first; an app may show the system's page for that.
    Waiting {
        /// Why.
        code: ErrorCode,
    },
    /// The user must sign in at the identity provider; then call [`Client::sign_in`](crate::Client::sign_in).
    SignInNeeded,
    /// Going on needs more than time: for example `device_revoked` or `store_changed`.
    Failed {
        /// Why.
        code: ErrorCode,
    },
}

impl ConnectionState {
    /// Its name in logs and diagnostics.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::CatchingUp => "catching_up",
            Self::Live => "live",
            Self::Waiting { .. } => "waiting",
            Self::SignInNeeded => "sign_in_needed",
            Self::Failed { .. } => "failed",
        }
    }
}
