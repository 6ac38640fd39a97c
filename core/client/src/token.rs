//! Access tokens: the app signs people in, the core asks the app for tokens.

use std::fmt;

use async_trait::async_trait;
use zeroize::Zeroize;

/// An RFC 9068 access token. Never formatted, wiped on drop.
#[derive(Clone)]
pub struct AccessToken(String);

impl AccessToken {
    /// Wraps a token as the identity provider issued it.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(redacted)")
    }
}

impl Drop for AccessToken {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Why a token is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenReason {
    /// The core has none yet; one that the app holds will do.
    First,
    /// The relay refused the last one: a fresh one is needed.
    Refused,
    /// The session has lasted as long as it may: the person must authenticate again (OpenID Connect: `prompt=login` or
    /// `max_age`). A token that was refreshed in silence will not do; where the identity provider says when the person
    /// authenticated (`auth_time`), it is refused.
    SessionOver,
}

/// The app could give no token: the user has to sign in at the identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no access token")]
pub struct NoToken;

/// Where access tokens come from.
#[async_trait]
pub trait TokenProvider: Send + Sync {
    /// A token for the relay's audience. May take as long as a refresh takes; the core gives up after 30 s.
    ///
    /// # Errors
    /// [`NoToken`] where only the user can help; the client then stands at `SignInNeeded` until
    /// [`Client::sign_in`](crate::Client::sign_in) is called again.
    async fn token(&self, reason: TokenReason) -> Result<AccessToken, NoToken>;
}
