//! Access tokens after RFC 9068: what must be true of one before anything else is looked at.

use std::sync::Arc;
use std::time::Duration;

use curo_types::{ErrorCode, TenantId};
use futures_util::future::join_all;
use jsonwebtoken::Validation;
use serde::Deserialize;

use super::Subject;
use super::jwks::{JwksError, KeySet};
use crate::clock::Clock;
use crate::config::{Algorithm, TenantConfig};

const TOKEN_LIMIT: usize = 16 * 1024;
const SUBJECT_LIMIT: usize = 255;

/// Whom a valid token speaks for.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The tenant that issuer and audience belong to.
    pub(crate) tenant: TenantId,
    /// The identity provider's name for the person.
    pub(crate) subject: Subject,
    /// When the token ends, milliseconds since 1970 UTC.
    pub(crate) expires_ms: u64,
    /// When the person has authenticated, milliseconds since 1970 UTC, if the token says so.
    pub(crate) authenticated_ms: Option<u64>,
}

/// Why a token was refused. Says which rule, nothing of the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BearerError {
    #[error("there is no bearer token")]
    Missing,
    #[error("{0}")]
    Invalid(&'static str),
    #[error("the access token has expired")]
    Expired,
    #[error("the issuer's keys are not available")]
    Unavailable,
}

impl BearerError {
    /// The stable code.
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Missing | Self::Invalid(_) => ErrorCode::UNAUTHENTICATED,
            Self::Expired => ErrorCode::TOKEN_EXPIRED,
            Self::Unavailable => ErrorCode::UNAVAILABLE,
        }
    }
}

struct Issuer {
    tenant: TenantId,
    issuer: String,
    audience: String,
    algorithms: Vec<Algorithm>,
    keys: Arc<KeySet>,
}

/// Checks tokens of all tenants.
pub(crate) struct Authenticator {
    issuers: Vec<Issuer>,
    clock: Arc<dyn Clock>,
    leeway_ms: u64,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: f64,
    iat: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    auth_time: Option<f64>,
    sub: String,
    client_id: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn contains(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Many(many) => many.iter().any(|one| one == name),
        }
    }
}

impl Authenticator {
    pub(crate) fn new(
        tenants: &[TenantConfig],
        clock: &Arc<dyn Clock>,
        leeway: Duration,
    ) -> Result<Self, (TenantId, JwksError)> {
        let issuers = tenants
            .iter()
            .map(|tenant| {
                let keys = KeySet::new(&tenant.jwks, clock.clone()).map_err(|error| (tenant.id.clone(), error))?;
                Ok(Issuer {
                    tenant: tenant.id.clone(),
                    issuer: tenant.issuer.clone(),
                    audience: tenant.audience.clone(),
                    algorithms: tenant.algorithms.clone(),
                    keys: Arc::new(keys),
                })
            })
            .collect::<Result<_, _>>()?;
        let leeway_ms = u64::try_from(leeway.as_millis()).unwrap_or(u64::MAX);
        Ok(Self {
            issuers,
            clock: clock.clone(),
            leeway_ms,
        })
    }

    /// Loads the keys that stand in files; the tenants whose keys could not be loaded come back with the reason.
    pub(crate) async fn load_files(&self) -> Vec<(TenantId, JwksError)> {
        self.load(true).await
    }

    /// Fetches the keys of all other issuers, at the same time; as [`Authenticator::load_files`].
    pub(crate) async fn fetch(&self) -> Vec<(TenantId, JwksError)> {
        self.load(false).await
    }

    async fn load(&self, files: bool) -> Vec<(TenantId, JwksError)> {
        let issuers = self.issuers.iter().filter(|issuer| issuer.keys.is_file() == files);
        let loaded = join_all(issuers.map(async |issuer| match issuer.keys.refresh().await {
            // A token has asked for them in the meantime.
            Ok(()) | Err(JwksError::TooSoon) => None,
            Err(error) => Some((issuer.tenant.clone(), error)),
        }));
        loaded.await.into_iter().flatten().collect()
    }

    /// Checks a token: its form, header, issuer and audience, signature, and times by the relay's clock.
    pub(crate) async fn check(&self, token: &str) -> Result<Caller, BearerError> {
        let invalid = BearerError::Invalid;
        if token.len() > TOKEN_LIMIT {
            return Err(invalid("the access token is too long"));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| invalid("the access token is not a signed JWT"))?;
        let typ = header.typ.as_deref().unwrap_or_default();
        if !typ.eq_ignore_ascii_case("at+jwt") && !typ.eq_ignore_ascii_case("application/at+jwt") {
            return Err(invalid("the token's type is not at+jwt"));
        }
        if header.crit.is_some() {
            return Err(invalid("the token has critical header parameters"));
        }
        let algorithm = Algorithm::from_jwt(header.alg).ok_or_else(|| invalid("the algorithm is not allowed"))?;

        // Read before it is verified only to learn whose keys to verify it with; all of it is read again below.
        let unverified: Claims = jsonwebtoken::dangerous::insecure_decode_claims(token)
            .map_err(|_| invalid("the access token lacks a claim of RFC 9068"))?;
        let issuer = self.issuer_of(&unverified)?;
        if !issuer.algorithms.contains(&algorithm) {
            return Err(invalid("the algorithm is not allowed"));
        }
        let kid = header.kid.as_deref().ok_or_else(|| invalid("the token names no key"))?;
        let key = match issuer.keys.find(kid).await {
            Ok(Some(key)) if key.allows(algorithm) => key,
            Ok(_) => return Err(invalid("the token's key is not one of the issuer's")),
            Err(error) => {
                tracing::warn!(tenant = %issuer.tenant, %error, "identity provider's keys are not available");
                return Err(BearerError::Unavailable);
            }
        };

        let claims = verify(token, algorithm, &key.key).ok_or_else(|| invalid("the signature does not verify"))?;
        if claims.iss != issuer.issuer || !claims.aud.contains(&issuer.audience) {
            return Err(invalid("issuer and audience belong to no tenant"));
        }
        self.check_times(&claims)?;
        if claims.sub.is_empty() || claims.sub.len() > SUBJECT_LIMIT {
            return Err(invalid("the subject is empty or too long"));
        }
        if claims.client_id.is_empty() {
            return Err(invalid("the client id is empty"));
        }
        Ok(Caller {
            tenant: issuer.tenant.clone(),
            subject: Subject(claims.sub),
            expires_ms: millis(claims.exp).ok_or_else(|| invalid("exp is not a time"))?,
            authenticated_ms: claims.auth_time.and_then(millis),
        })
    }

    fn issuer_of(&self, claims: &Claims) -> Result<&Issuer, BearerError> {
        let mut found = self
            .issuers
            .iter()
            .filter(|issuer| issuer.issuer == claims.iss && claims.aud.contains(&issuer.audience));
        match (found.next(), found.next()) {
            (Some(issuer), None) => Ok(issuer),
            (None, _) => Err(BearerError::Invalid("issuer and audience belong to no tenant")),
            (Some(_), Some(_)) => Err(BearerError::Invalid("the audiences belong to more than one tenant")),
        }
    }

    fn check_times(&self, claims: &Claims) -> Result<(), BearerError> {
        let now_ms = self.clock.now_ms();
        let time = |value, reason| millis(value).ok_or(BearerError::Invalid(reason));
        let (exp, iat) = (
            time(claims.exp, "exp is not a time")?,
            time(claims.iat, "iat is not a time")?,
        );
        let latest = now_ms.saturating_add(self.leeway_ms);
        if iat > latest || exp < iat {
            return Err(BearerError::Invalid("the token is from the future"));
        }
        if let Some(nbf) = claims.nbf
            && time(nbf, "nbf is not a time")? > latest
        {
            return Err(BearerError::Invalid("the token is not valid yet"));
        }
        if let Some(auth_time) = claims.auth_time
            && time(auth_time, "auth_time is not a time")? > latest
        {
            return Err(BearerError::Invalid("the person has authenticated in the future"));
        }
        if exp.saturating_add(self.leeway_ms) <= now_ms {
            Err(BearerError::Expired)
        } else {
            Ok(())
        }
    }
}

fn verify(token: &str, algorithm: Algorithm, key: &jsonwebtoken::DecodingKey) -> Option<Claims> {
    let mut validation = Validation::new(algorithm.to_jwt());
    // Times are checked against the relay's own clock, issuer and audience by the caller.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode(token, key, &validation)
        .ok()
        .map(|data| data.claims)
}

/// NumericDate (RFC 7519 section 2): seconds, possibly with a fraction.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked just before"
)]
fn millis(seconds: f64) -> Option<u64> {
    const YEAR_9999: f64 = 253_402_300_799.0;
    (0.0..=YEAR_9999)
        .contains(&seconds)
        .then_some((seconds * 1000.0) as u64)
}
