//! An issuer's public keys (RFC 7517), loaded from a file or over HTTPS and refreshed when a token names an unknown one.
//!
//! Refreshing is rate-limited, so that tokens with invented key ids cannot make the relay hammer the identity provider.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::config::{Algorithm, JwksSource};

/// Shortest time between two attempts to load the keys.
const MIN_REFRESH_MS: u64 = 10_000;
/// Keys older than this are loaded again in passing, so that withdrawn ones disappear.
const MAX_AGE_MS: u64 = 10 * 60 * 1000;
/// Whoever brings a token of keys older than this waits for the attempt to load them again.
const HARD_AGE_MS: u64 = 60 * 60 * 1000;
const NEVER: u64 = u64::MAX;
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const BODY_LIMIT: usize = 256 * 1024;
const KEY_LIMIT: usize = 128;

/// Why keys could not be loaded. Names no URL: it stands in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JwksError {
    #[error("the key file {0:?} cannot be read: {1}")]
    File(PathBuf, std::io::ErrorKind),
    #[error("the authority file {0:?} is not a PEM file with certificates")]
    Authority(PathBuf),
    #[error("the HTTP client cannot be set up")]
    Client,
    #[error("the issuer's keys cannot be fetched")]
    Fetch,
    #[error("the issuer's keys were asked for a moment ago")]
    TooSoon,
    #[error("the issuer answered {0} instead of its keys")]
    Status(u16),
    #[error("the issuer's keys are not a JWK Set of at most 128 keys and 256 KiB")]
    Malformed,
}

/// A key and the algorithms that it may be used with.
#[derive(Clone)]
pub(super) struct VerifyingKey {
    pub(super) key: DecodingKey,
    algorithms: Vec<Algorithm>,
}

impl VerifyingKey {
    pub(super) fn allows(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }
}

type Keys = Arc<HashMap<String, VerifyingKey>>;

enum Source {
    File(PathBuf),
    Url(String, reqwest::Client),
}

/// The keys of one issuer.
pub(super) struct KeySet {
    source: Source,
    /// `None` until they were loaded once.
    keys: RwLock<Option<Keys>>,
    /// When loading was last attempted; [`NEVER`] before the first time.
    attempted_ms: AtomicU64,
    /// When the keys in force were loaded; [`NEVER`] before the first time.
    loaded_ms: AtomicU64,
    /// Held while loading, so that it runs once at a time; how often it has succeeded.
    loading: Mutex<u64>,
    /// The same number, for whoever is about to wait.
    loads: AtomicU64,
    clock: Arc<dyn Clock>,
}

impl KeySet {
    /// Does not load yet.
    pub(super) fn new(source: &JwksSource, clock: Arc<dyn Clock>) -> Result<Self, JwksError> {
        let source = match source {
            JwksSource::File(path) => Source::File(path.clone()),
            JwksSource::Url { url, ca } => Source::Url(url.clone(), client(url, ca.as_deref(), FETCH_TIMEOUT)?),
        };
        Ok(Self {
            source,
            keys: RwLock::new(None),
            attempted_ms: AtomicU64::new(NEVER),
            loaded_ms: AtomicU64::new(NEVER),
            loading: Mutex::new(0),
            loads: AtomicU64::new(0),
            clock,
        })
    }

    /// Whether the keys stand in a file.
    pub(super) const fn is_file(&self) -> bool {
        matches!(self.source, Source::File(_))
    }

    /// Loads the keys, unless that was tried less than ten seconds ago. Whoever waits while another loads has the same keys.
    pub(super) async fn refresh(&self) -> Result<(), JwksError> {
        let before = self.loads.load(Ordering::Acquire);
        let mut loads = self.loading.lock().await;
        if *loads > before {
            return Ok(());
        }
        if self.tried_lately() {
            return Err(JwksError::TooSoon);
        }
        self.attempted_ms.store(self.clock.now_ms(), Ordering::Relaxed);
        let bytes = match &self.source {
            Source::File(path) => read(path).await?,
            Source::Url(url, client) => fetch(client, url).await?,
        };
        let keys = Arc::new(parse(&bytes)?);
        if let Ok(mut slot) = self.keys.write() {
            *slot = Some(keys);
        }
        self.loaded_ms.store(self.clock.now_ms(), Ordering::Relaxed);
        *loads += 1;
        self.loads.store(*loads, Ordering::Release);
        Ok(())
    }

    /// The key with this id, after a refresh if it is unknown; `None` only if keys that were loaded just now lack it.
    ///
    /// # Errors
    /// The keys could not be loaded just now, or not so soon again: nobody can say whether there is such a key.
    pub(super) async fn find(self: &Arc<Self>, kid: &str) -> Result<Option<VerifyingKey>, JwksError> {
        let Some(known) = self.known(kid) else {
            self.refresh().await?;
            return Ok(self.known(kid));
        };
        let age_ms = self.since(&self.loaded_ms).unwrap_or(MAX_AGE_MS);
        if age_ms < MAX_AGE_MS || self.tried_lately() {
            return Ok(Some(known));
        }
        if age_ms < HARD_AGE_MS {
            let this = Arc::clone(self);
            tokio::spawn(async move { this.refresh_in_passing().await });
            return Ok(Some(known));
        }
        self.refresh_in_passing().await;
        Ok(self.known(kid))
    }

    /// A failed refresh leaves the old keys in force: an issuer that is down must not lock a hospital out.
    async fn refresh_in_passing(&self) {
        match self.refresh().await {
            Ok(()) | Err(JwksError::TooSoon) => {}
            Err(error) => tracing::warn!(%error, "identity provider's keys were not refreshed"),
        }
    }

    fn known(&self, kid: &str) -> Option<VerifyingKey> {
        self.current()?.get(kid).cloned()
    }

    fn tried_lately(&self) -> bool {
        self.since(&self.attempted_ms).is_some_and(|age| age < MIN_REFRESH_MS)
    }

    /// Milliseconds since then; `None` if it never was, or if the clock has been set back since.
    fn since(&self, then: &AtomicU64) -> Option<u64> {
        match then.load(Ordering::Relaxed) {
            NEVER => None,
            at => self.clock.now_ms().checked_sub(at),
        }
    }

    fn current(&self) -> Option<Keys> {
        self.keys.read().ok().and_then(|keys| keys.clone())
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, JwksError> {
    let owned = path.to_owned();
    let read = tokio::task::spawn_blocking(move || std::fs::read(owned)).await;
    read.map_err(|_| JwksError::Fetch)?
        .map_err(|error| JwksError::File(path.to_owned(), error.kind()))
}

async fn fetch(client: &reqwest::Client, url: &str) -> Result<Vec<u8>, JwksError> {
    let mut answer = client.get(url).send().await.map_err(|_| JwksError::Fetch)?;
    if !answer.status().is_success() {
        return Err(JwksError::Status(answer.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| JwksError::Fetch)? {
        body.extend_from_slice(&chunk);
        if body.len() > BODY_LIMIT {
            return Err(JwksError::Malformed);
        }
    }
    Ok(body)
}

/// A client for an address that the operator chose, trusting the public authorities or the one in `ca`.
pub(crate) fn client(url: &str, ca: Option<&Path>, timeout: Duration) -> Result<reqwest::Client, JwksError> {
    let mut roots = rustls::RootCertStore::empty();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let bad = || JwksError::Authority(path.to_owned());
            for certificate in CertificateDer::pem_file_iter(path).map_err(|_| bad())? {
                roots.add(certificate.map_err(|_| bad())?).map_err(|_| bad())?;
            }
            if roots.is_empty() {
                return Err(bad());
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::DEFAULT_VERSIONS)
        .map_err(|_| JwksError::Client)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut builder = reqwest::Client::builder();
    if url.starts_with("http://") {
        // Allowed on this machine alone: keys in plaintext must not take a way around.
        builder = builder.no_proxy();
    }
    builder
        .tls_backend_preconfigured(tls)
        // A redirect could lead away from the address that the operator chose.
        .redirect(reqwest::redirect::Policy::none())
        .timeout(timeout)
        .build()
        .map_err(|_| JwksError::Client)
}

#[derive(Deserialize)]
struct RawSet {
    keys: Vec<serde_json::Value>,
}

/// Keys of unknown kinds are left out (RFC 7517 section 5), as are those for encryption, shared secrets and keys without id.
pub(super) fn parse(bytes: &[u8]) -> Result<HashMap<String, VerifyingKey>, JwksError> {
    if bytes.len() > BODY_LIMIT {
        return Err(JwksError::Malformed);
    }
    let set: RawSet = serde_json::from_slice(bytes).map_err(|_| JwksError::Malformed)?;
    if set.keys.len() > KEY_LIMIT {
        return Err(JwksError::Malformed);
    }
    Ok(set
        .keys
        .into_iter()
        .filter_map(|raw| usable(&serde_json::from_value(raw).ok()?))
        .collect())
}

fn usable(jwk: &Jwk) -> Option<(String, VerifyingKey)> {
    let kid = jwk.common.key_id.clone()?;
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let mut algorithms = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => vec![Algorithm::EdDSA],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => vec![Algorithm::ES256],
            EllipticCurve::P384 => vec![Algorithm::ES384],
            _ => return None,
        },
        AlgorithmParameters::RSA(_) => vec![
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        _ => return None,
    };
    if let Some(only) = jwk.common.key_algorithm {
        algorithms.retain(|algorithm| KeyAlgorithm::from(algorithm.to_jwt()) == only);
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    (!algorithms.is_empty()).then_some((kid, VerifyingKey { key, algorithms }))
}

impl Algorithm {
    pub(super) fn to_jwt(self) -> jsonwebtoken::Algorithm {
        use jsonwebtoken::Algorithm as Jwt;
        match self {
            Self::EdDSA => Jwt::EdDSA,
            Self::ES256 => Jwt::ES256,
            Self::ES384 => Jwt::ES384,
            Self::PS256 => Jwt::PS256,
            Self::PS384 => Jwt::PS384,
            Self::PS512 => Jwt::PS512,
            Self::RS256 => Jwt::RS256,
            Self::RS384 => Jwt::RS384,
            Self::RS512 => Jwt::RS512,
        }
    }

    /// `None` for `HS…`: a shared secret cannot stand in a public key set.
    pub(super) fn from_jwt(algorithm: jsonwebtoken::Algorithm) -> Option<Self> {
        use jsonwebtoken::Algorithm as Jwt;
        Some(match algorithm {
            Jwt::EdDSA => Self::EdDSA,
            Jwt::ES256 => Self::ES256,
            Jwt::ES384 => Self::ES384,
            Jwt::PS256 => Self::PS256,
            Jwt::PS384 => Self::PS384,
            Jwt::PS512 => Self::PS512,
            Jwt::RS256 => Self::RS256,
            Jwt::RS384 => Self::RS384,
            Jwt::RS512 => Self::RS512,
            _ => return None,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_public_signature_keys_with_an_id_are_taken() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let set = serde_json::json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "good", "use": "sig", "alg": "EdDSA"},
            {"kty": "OKP", "crv": "Ed25519", "x": x},
            {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "enc", "use": "enc"},
            {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "other-alg", "alg": "RS256"},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "secret", "alg": "HS256"},
            {"kty": "future", "kid": "unknown"},
            7
        ]});
        let keys = parse(set.to_string().as_bytes()).unwrap();
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["good"]);
        assert!(keys["good"].allows(Algorithm::EdDSA) && !keys["good"].allows(Algorithm::ES256));
        for bad in ["", "[]", "{\"keys\": 7}", "{}"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
