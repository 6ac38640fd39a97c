//! Access tokens of the development issuer, good ones and every kind of bad one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use curo::{AccessToken, NoToken, TenantId, TokenProvider, TokenReason};
use curo_relay::DevIssuer;

const HOUR: Duration = Duration::from_secs(60 * 60);
/// Beyond every tolerated difference of clocks.
const LONG_AGO: u64 = 2 * 60 * 60;

/// What the identity provider hands out from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Validity {
    /// Tokens for an hour.
    Good,
    /// Good tokens that live so long. The relay tolerates 30 s more unless its limits say otherwise.
    For(Duration),
    /// A token that has expired, until the core asks for another because it was refused; that one is good.
    Stale,
    /// Expired tokens only.
    Expired,
    /// Tokens for another audience, which the relay refuses for good.
    Refused,
    /// No token: the user would have to sign in at the provider.
    Nobody,
}

/// A person's token provider, switchable while the client runs.
#[derive(Debug)]
pub struct Tokens {
    issuer: Arc<DevIssuer>,
    tenant: TenantId,
    subject: String,
    validity: Mutex<Validity>,
    asked: AtomicU64,
}

impl Tokens {
    /// A provider for `subject` that hands out good tokens.
    pub fn new(issuer: Arc<DevIssuer>, tenant: TenantId, subject: impl Into<String>) -> Self {
        Self {
            issuer,
            tenant,
            subject: subject.into(),
            validity: Mutex::new(Validity::Good),
            asked: AtomicU64::new(0),
        }
    }

    /// From the next question on.
    pub fn set(&self, validity: Validity) {
        *self.validity.lock().unwrap_or_else(PoisonError::into_inner) = validity;
    }

    /// How often the core has asked.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// A good token, for calls that a test makes by itself.
    pub fn good(&self) -> String {
        self.issuer.mint(&self.tenant, &self.subject, HOUR)
    }

    fn expired(&self) -> String {
        let mut token = self.issuer.claims(&self.tenant, &self.subject, HOUR);
        for name in ["iat", "exp"] {
            if let Some(claim) = token.claims.get_mut(name) {
                *claim = claim.as_u64().unwrap_or_default().saturating_sub(LONG_AGO).into();
            }
        }
        self.issuer.sign(&token)
    }

    fn refused(&self) -> String {
        let mut token = self.issuer.claims(&self.tenant, &self.subject, HOUR);
        if let Some(audience) = token.claims.get_mut("aud") {
            *audience = "another-service".into();
        }
        self.issuer.sign(&token)
    }
}

#[async_trait]
impl TokenProvider for Tokens {
    async fn token(&self, reason: TokenReason) -> Result<AccessToken, NoToken> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let validity = *self.validity.lock().unwrap_or_else(PoisonError::into_inner);
        let token = match validity {
            Validity::Good => self.good(),
            Validity::For(lifetime) => self.issuer.mint(&self.tenant, &self.subject, lifetime),
            Validity::Stale if reason == TokenReason::Refused => self.good(),
            Validity::Stale | Validity::Expired => self.expired(),
            Validity::Refused => self.refused(),
            Validity::Nobody => return Err(NoToken),
        };
        Ok(AccessToken::new(token))
    }
}
