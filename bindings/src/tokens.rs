//! The app's source of access tokens.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use curo::{AccessToken, NoToken};

use crate::error::Result;
use crate::reply::{Asked, Slot};
use crate::runtime::contained;

/// As long as the client itself waits.
const DEADLINE: Duration = Duration::from_secs(30);

/// Why a token is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum TokenReason {
    /// There is none yet; one that the app holds will do.
    First,
    /// The relay has refused the last one: a fresh one is needed.
    Refused,
    /// The session has lasted as long as it may: the person must authenticate again (OpenID Connect: prompt=login or max_age).
    /// A token that was refreshed in silence will not do.
    SessionOver,
}

/// Where access tokens come from. The app implements it.
///
/// It returns at once and answers through the reply, once, from any thread and at any time within 30 seconds. A reply that is
/// let go of without an answer, and an exception, count as having no token.
#[uniffi::export(foreign)]
pub trait TokenProvider: Send + Sync {
    /// Answers with an access token (RFC 9068) for the relay's audience, or that only the user can help.
    fn token(&self, reason: TokenReason, reply: Arc<TokenReply>) -> Result<()>;
}

/// Takes the answer to being asked for a token.
#[derive(uniffi::Object)]
pub struct TokenReply(Slot<Result<AccessToken, NoToken>>);

#[uniffi::export]
impl TokenReply {
    /// Answers with the token, as the identity provider issued it. False: it came too late, or another answer was there before.
    pub fn complete(&self, token: String) -> Result<bool> {
        // Wrapped at once: wiped on drop, also where nobody waits for it any more.
        let token = AccessToken::new(token);
        contained(|| Ok(self.0.answer(Ok(token))))
    }

    /// Answers that there is no token: the user has to sign in. False: it came too late, or another answer was there before.
    pub fn fail(&self) -> Result<bool> {
        contained(|| Ok(self.0.answer(Err(NoToken))))
    }
}

/// The app's provider as the client knows providers.
pub(crate) struct AppTokens(Asked<dyn TokenProvider>);

impl AppTokens {
    pub(crate) fn new(tokens: Arc<dyn TokenProvider>) -> Self {
        Self::with_deadline(tokens, DEADLINE)
    }

    pub(crate) fn with_deadline(tokens: Arc<dyn TokenProvider>, deadline: Duration) -> Self {
        Self(Asked::new(tokens, deadline))
    }

    pub(crate) fn end(&self) {
        self.0.end();
    }
}

#[async_trait]
impl curo::TokenProvider for AppTokens {
    async fn token(&self, reason: curo::TokenReason) -> Result<AccessToken, NoToken> {
        let reason = match reason {
            curo::TokenReason::First => TokenReason::First,
            curo::TokenReason::Refused => TokenReason::Refused,
            curo::TokenReason::SessionOver => TokenReason::SessionOver,
        };
        self.0
            .ask(move |app, slot| app.token(reason, Arc::new(TokenReply(slot))))
            .await
            .unwrap_or(Err(NoToken))
    }
}

#[cfg(test)]
mod tests;
