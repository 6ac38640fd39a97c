//! A development identity provider: mints RFC 9068 access tokens for any subject and serves its keys, on loopback only.
//!
//! For tests, the demo and a developer's machine. The binary `curo-relay` has no way to start it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use curo_types::{SuiteId, TenantId};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use zeroize::Zeroize as _;

use crate::clock::{Clock, SystemClock};
use crate::config::{Algorithm, JwksSource, PolicyConfig, Quota, SessionPolicy, TenantConfig};

/// The audience of the tokens of every development issuer.
const AUDIENCE: &str = "curo-dev";

/// A running development issuer; it ends when dropped.
pub struct DevIssuer {
    addr: SocketAddr,
    clock: Arc<dyn Clock>,
    keys: Arc<Mutex<Keys>>,
    server: tokio::task::JoinHandle<()>,
}

/// What a minted token says. [`DevIssuer::claims`] gives a good one to start from.
#[derive(Debug, Clone, PartialEq)]
pub struct DevClaims {
    /// The JOSE header.
    pub header: Value,
    /// The claims.
    pub claims: Value,
}

/// Why a development issuer did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevIssuerError {
    /// Anyone who reaches it can be anybody, so it serves loopback only.
    #[error("a development issuer listens on loopback addresses only, not on {0}")]
    NotLoopback(SocketAddr),
    /// The address cannot be bound.
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, std::io::Error),
    /// The operating system has no randomness.
    #[error("the operating system gives no randomness")]
    Randomness,
}

struct Keys {
    current: SigningKey,
    generation: u32,
    published: Vec<Value>,
}

impl Keys {
    fn kid(&self) -> String {
        format!("dev-{}", self.generation)
    }

    fn publish(&mut self) {
        let x = URL_SAFE_NO_PAD.encode(self.current.verifying_key().as_bytes());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid(), "x": x});
        self.published.push(jwk);
    }
}

fn new_key() -> Result<SigningKey, DevIssuerError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| DevIssuerError::Randomness)?;
    let key = SigningKey::from_bytes(&seed);
    seed.zeroize();
    Ok(key)
}

fn lock(keys: &Mutex<Keys>) -> std::sync::MutexGuard<'_, Keys> {
    keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl DevIssuer {
    /// Starts an issuer with a new Ed25519 key. Port 0 takes a free one. Needs a Tokio runtime.
    ///
    /// # Errors
    /// [`DevIssuerError`]; in particular every address that is not loopback is refused.
    pub async fn start(addr: SocketAddr) -> Result<Self, DevIssuerError> {
        Self::start_with_clock(addr, Arc::new(SystemClock)).await
    }

    /// As [`DevIssuer::start`], with a clock of the caller's.
    ///
    /// # Errors
    /// As [`DevIssuer::start`].
    pub async fn start_with_clock(addr: SocketAddr, clock: Arc<dyn Clock>) -> Result<Self, DevIssuerError> {
        if !addr.ip().is_loopback() {
            return Err(DevIssuerError::NotLoopback(addr));
        }
        let bind = |error| DevIssuerError::Bind(addr, error);
        let listener = tokio::net::TcpListener::bind(addr).await.map_err(bind)?;
        let addr = listener.local_addr().map_err(bind)?;
        let mut keys = Keys {
            current: new_key()?,
            generation: 1,
            published: Vec::new(),
        };
        keys.publish();
        let keys = Arc::new(Mutex::new(keys));
        let app = Router::new().route("/jwks.json", get(jwks)).with_state(keys.clone());
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "development issuer stopped");
            }
        });
        Ok(Self {
            addr,
            clock,
            keys,
            server,
        })
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The `iss` of its tokens.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Where its keys are.
    pub fn jwks_url(&self) -> String {
        format!("http://{}/jwks.json", self.addr)
    }

    /// A tenant that trusts this issuer and allows the default suite. The audience is the tenant's own, so that one issuer
    /// can serve several tenants: mint with [`DevIssuer::mint`] of the same tenant.
    pub fn tenant(&self, id: &TenantId) -> TenantConfig {
        TenantConfig {
            id: id.clone(),
            issuer: self.issuer(),
            audience: audience(id),
            jwks: JwksSource::Url {
                url: self.jwks_url(),
                ca: None,
            },
            algorithms: vec![Algorithm::EdDSA],
            suites: vec![SuiteId::MLS_128_X25519_AES128GCM_SHA256_ED25519],
            session: SessionPolicy::default(),
            body_retention: None,
            quota: Quota::default(),
            policy: PolicyConfig::default(),
        }
    }

    /// An access token for `subject` of `tenant` that lives for `lifetime` from now on.
    pub fn mint(&self, tenant: &TenantId, subject: &str, lifetime: Duration) -> String {
        self.sign(&self.claims(tenant, subject, lifetime))
    }

    /// The header and claims of such a token, to be changed before [`DevIssuer::sign`].
    pub fn claims(&self, tenant: &TenantId, subject: &str, lifetime: Duration) -> DevClaims {
        let now = self.clock.now_ms() / 1000;
        DevClaims {
            header: json!({"typ": "at+jwt", "alg": "EdDSA", "kid": lock(&self.keys).kid()}),
            claims: json!({
                "iss": self.issuer(),
                "aud": audience(tenant),
                "sub": subject,
                "client_id": "curo-dev-app",
                "iat": now,
                "exp": now + lifetime.as_secs(),
            }),
        }
    }

    /// Signs any header and claims with the current Ed25519 key, whatever algorithm the header names.
    pub fn sign(&self, token: &DevClaims) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&token.header), part(&token.claims));
        let signature = lock(&self.keys).current.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// Goes over to a new key with a new key id; tokens of the old one stay valid until [`DevIssuer::withdraw_old_keys`].
    ///
    /// # Errors
    /// [`DevIssuerError::Randomness`].
    pub fn rotate_key(&self) -> Result<(), DevIssuerError> {
        let key = new_key()?;
        let mut keys = lock(&self.keys);
        keys.current = key;
        keys.generation += 1;
        keys.publish();
        Ok(())
    }

    /// Publishes the current key only.
    pub fn withdraw_old_keys(&self) {
        let mut keys = lock(&self.keys);
        keys.published.clear();
        keys.publish();
    }
}

fn audience(tenant: &TenantId) -> String {
    format!("{AUDIENCE}:{tenant}")
}

async fn jwks(State(keys): State<Arc<Mutex<Keys>>>) -> axum::Json<Value> {
    axum::Json(json!({"keys": lock(&keys).published}))
}

impl std::fmt::Debug for DevIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DevIssuer({})", self.addr)
    }
}

impl Drop for DevIssuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn refuses_anything_but_loopback() {
        for addr in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
            let refused = DevIssuer::start(addr.parse().unwrap()).await;
            assert!(matches!(refused, Err(DevIssuerError::NotLoopback(_))), "{addr}");
        }
        assert!(DevIssuer::start("127.0.0.1:0".parse().unwrap()).await.is_ok());
    }
}
