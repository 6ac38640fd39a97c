//! What an operator decides, typed and checked before anything starts.
//!
//! [`Config`] is what [`Relay::start`](crate::Relay::start) takes; [`Config::load`] reads it from a TOML file whose values
//! the environment may override. There is no switch for plain HTTP and none for skipping certificate checks.

mod file;
mod limits;
mod policy;
mod push;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use curo_types::api::ClientVersion;
use curo_types::{SuiteId, TenantId};
#[cfg(feature = "fuzzing")]
pub(crate) use file::check_text;
pub use limits::Limits;
pub use policy::{PolicyConfig, Quota};
pub use push::{PushConfig, PushToken};
use serde::Deserialize;
use zeroize::Zeroize;

/// Everything that a relay needs to start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen. Port 0 takes a free one, see [`RunningRelay::addr`](crate::RunningRelay::addr).
    pub listen: SocketAddr,
    /// The server's certificate. TLS is not optional.
    pub tls: TlsConfig,
    /// The folder that holds the database. Created if absent.
    pub data_dir: PathBuf,
    /// The key that encrypts the database.
    pub database_key: DatabaseKey,
    /// The tenants that this relay serves.
    pub tenants: Vec<TenantConfig>,
    /// Time-outs and rate limits.
    pub limits: Limits,
    /// Clients of an earlier version are answered `update_required`. `None`: everybody is served.
    pub min_client_version: Option<ClientVersion>,
    /// How devices without a live stream are woken. `None`: they are not.
    pub push: Option<PushConfig>,
}

/// What the program runs: the relay, and what only its operator needs. [`Relay::start_service`](crate::Relay::start_service)
/// takes it.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// The relay.
    pub relay: Config,
    /// Where to serve `GET /metrics`: without TLS or a token, so it must be a loopback or private address. `None`: nowhere.
    pub metrics_listen: Option<SocketAddr>,
}

impl ServiceConfig {
    /// As [`Config::load`], with the operator's settings (`CURO_RELAY_METRICS_LISTEN` overrides `metrics_listen`).
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        file::load(path, &|name| std::env::var(name).ok())
    }

    /// As [`Config::check`], and the address for metrics.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the setting and the reason.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.metrics_listen.is_some_and(|addr| !is_private(addr.ip())) {
            return Err(ConfigError::invalid(
                "metrics_listen",
                "it must be a loopback or private address, because metrics are served without TLS",
            ));
        }
        self.relay.check()
    }
}

/// Not routed on the internet. An unspecified address is every address, so it is not private.
fn is_private(address: std::net::IpAddr) -> bool {
    match address.to_canonical() {
        std::net::IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        std::net::IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Certificate chain and private key, both PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// The certificate chain, leaf first.
    pub cert: PathBuf,
    /// The private key (PKCS#8, PKCS#1 or SEC1).
    pub key: PathBuf,
}

/// Key and salt of the database (`design.md` section 6 has the same on a device). Wiped on drop, never printed.
#[derive(Clone)]
pub struct DatabaseKey {
    pub(crate) key: [u8; 32],
    pub(crate) salt: [u8; 16],
}

impl DatabaseKey {
    /// From a 32-byte key and a 16-byte salt.
    pub const fn new(key: [u8; 32], salt: [u8; 16]) -> Self {
        Self { key, salt }
    }

    /// From the text of the environment variable or key file: 64 hexadecimal digits of key and 32 of salt, in a row.
    ///
    /// # Errors
    /// [`ConfigError::DatabaseKey`] for anything else.
    pub fn from_hex(text: &str) -> Result<Self, ConfigError> {
        let mut bytes = [0; 48];
        let decoded = hex::decode_to_slice(text.trim(), &mut bytes)
            .map_err(|_| ConfigError::DatabaseKey("it is not 96 hexadecimal digits (32 bytes of key, 16 of salt)"));
        let result = decoded.map(|()| {
            let mut this = Self {
                key: [0; 32],
                salt: [0; 16],
            };
            let (key, salt) = bytes.split_at(32);
            this.key.copy_from_slice(key);
            this.salt.copy_from_slice(salt);
            this
        });
        bytes.zeroize();
        let this = result?;
        if this.key == [0; 32] {
            return Err(ConfigError::DatabaseKey("it is all zero"));
        }
        Ok(this)
    }
}

impl fmt::Debug for DatabaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseKey(redacted)")
    }
}

impl Drop for DatabaseKey {
    fn drop(&mut self) {
        self.key.zeroize();
        self.salt.zeroize();
    }
}

/// One tenant and how its users prove who they are (RFC 9068 access tokens).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantConfig {
    /// The tenant.
    pub id: TenantId,
    /// The `iss` of its tokens, compared byte for byte.
    pub issuer: String,
    /// The `aud` that its tokens must contain. Issuer and audience together name one tenant.
    pub audience: String,
    /// Where the issuer's keys come from.
    pub jwks: JwksSource,
    /// The signature algorithms that its tokens may use.
    pub algorithms: Vec<Algorithm>,
    /// The MLS suites that its policy allows, best first.
    pub suites: Vec<SuiteId>,
    /// What it asks of its users' clients beyond what always holds.
    pub session: SessionPolicy,
    /// How long the bodies of entries are kept after their acceptance (5.8). `None`: for ever.
    pub body_retention: Option<Duration>,
    /// What it may have at most.
    pub quota: Quota,
    /// What it asks of conversations.
    pub policy: PolicyConfig,
}

/// How long a tenant's users may be idle and signed in. `None` is what always holds; it can be tightened, never loosened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionPolicy {
    /// After how long without its user a client locks: 1 s to 15 min, which hold without it.
    pub idle_lock: Option<Duration>,
    /// How long a session may last after the person has signed in: 1 s to 12 h, which hold without it.
    pub limit: Option<Duration>,
}

impl SessionPolicy {
    /// The longest idle time that any tenant may allow.
    pub const LONGEST_IDLE: Duration = Duration::from_secs(15 * 60);
    /// The longest session that any tenant may allow.
    pub const LONGEST_SESSION: Duration = Duration::from_secs(12 * 60 * 60);
}

/// Where an issuer's JWK Set (RFC 7517 section 5) comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwksSource {
    /// A file, read again when a token names an unknown key.
    File(PathBuf),
    /// An `https` URL; `http` only for a loopback address.
    Url {
        /// The URL.
        url: String,
        /// A PEM file with the certificates of a private authority that may vouch for it, instead of the public ones.
        ca: Option<PathBuf>,
    },
}

/// Signature algorithms of access tokens (RFC 7518 section 3.1, RFC 8037). `none` and the shared-secret ones do not exist here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[allow(missing_docs, reason = "the names are those of the registry")]
pub enum Algorithm {
    EdDSA,
    ES256,
    ES384,
    PS256,
    PS384,
    PS512,
    RS256,
    RS384,
    RS512,
}

/// Why a configuration was refused. Names the setting and the reason, never a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{what} {path:?} cannot be read: {reason}")]
    Unreadable {
        /// Which file.
        what: &'static str,
        /// Its path.
        path: PathBuf,
        /// Why.
        reason: std::io::ErrorKind,
    },
    /// The file is not the TOML that it should be.
    #[error("configuration file, line {line}: {reason}")]
    Syntax {
        /// The line, from 1; 0 where it is not known.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The database key is missing or not a key.
    #[error("database key: {0}")]
    DatabaseKey(&'static str),
    /// A setting has a value that makes no sense.
    #[error("{setting}: {reason}")]
    Invalid {
        /// The setting.
        setting: String,
        /// Why it is refused.
        reason: &'static str,
    },
}

impl ConfigError {
    fn invalid(setting: impl Into<String>, reason: &'static str) -> Self {
        Self::Invalid {
            setting: setting.into(),
            reason,
        }
    }
}

impl Config {
    /// Reads the TOML file at `path` and the environment of the process, which overrides it
    /// (`CURO_RELAY_LISTEN`, `CURO_RELAY_DATA_DIR`, `CURO_RELAY_TLS_CERT`, `CURO_RELAY_TLS_KEY`, `CURO_RELAY_DB_KEY`,
    /// `CURO_RELAY_DB_KEY_FILE`), and checks the result. Relative paths are relative to the file.
    ///
    /// # Errors
    /// [`ConfigError`] with the setting and the reason.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        ServiceConfig::load(path).map(|service| service.relay)
    }

    /// Checks what the types cannot: at least one tenant, unique and unambiguous tenants, loopback-only `http`, sane limits.
    /// [`Relay::start`](crate::Relay::start) does it too.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the setting and the reason.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.tenants.is_empty() {
            return Err(ConfigError::invalid("tenants", "there is none"));
        }
        for (n, tenant) in self.tenants.iter().enumerate() {
            tenant.check()?;
            let before = self.tenants.iter().take(n);
            for other in before {
                if other.id == tenant.id {
                    return Err(ConfigError::invalid(
                        format!("tenant {}", tenant.id),
                        "it is there twice",
                    ));
                }
                if other.issuer == tenant.issuer && other.audience == tenant.audience {
                    return Err(ConfigError::invalid(
                        format!("tenant {}", tenant.id),
                        "another tenant has the same issuer and audience",
                    ));
                }
            }
        }
        if let Some(push) = &self.push {
            push.check()?;
        }
        self.limits.check()
    }
}

impl TenantConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let bad = |name: &str, reason| Err(ConfigError::invalid(format!("tenant {}, {name}", self.id), reason));
        if self.issuer.is_empty() {
            return bad("issuer", "it is empty");
        }
        if self.audience.is_empty() {
            return bad("audience", "it is empty");
        }
        if self.algorithms.is_empty() {
            return bad("algorithms", "there is none");
        }
        let within = |time: Option<Duration>, longest| {
            time.is_none_or(|time| (Duration::from_secs(1)..=longest).contains(&time))
        };
        if !within(self.session.idle_lock, SessionPolicy::LONGEST_IDLE) {
            return bad(
                "idle_lock_ms",
                "it must be 1 s to 15 min: it can be tightened, never loosened",
            );
        }
        if !within(self.session.limit, SessionPolicy::LONGEST_SESSION) {
            return bad(
                "session_limit_ms",
                "it must be 1 s to 12 h: it can be tightened, never loosened",
            );
        }
        if self.body_retention.is_some_and(|kept| kept.is_zero()) {
            return bad("body_retention_days", "it must be at least one day");
        }
        if let Some(setting) = self.quota.zero() {
            return bad(setting, "0 would allow nothing at all");
        }
        if let Err((setting, reason)) = self.policy.check() {
            return bad(setting, reason);
        }
        if self.suites.is_empty() {
            return bad("suites", "there is none");
        }
        if self.suites.iter().any(|suite| !curo_mls::Suite(suite.0).is_supported()) {
            return bad("suites", "this relay cannot run one of them");
        }
        match &self.jwks {
            JwksSource::Url { url, .. } => check_url(url).or_else(|reason| bad("jwks", reason)),
            JwksSource::File(_) => Ok(()),
        }
    }
}

/// An address that the relay itself asks.
fn check_url(url: &str) -> Result<(), &'static str> {
    let Ok(url) = reqwest::Url::parse(url) else {
        return Err("it is not a URL");
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err("plain http is for loopback addresses only"),
        _ => return Err("it is neither https nor a file"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL must not carry a credential");
    }
    Ok(())
}

/// Only literal addresses: a name may resolve to anything.
fn is_loopback(url: &reqwest::Url) -> bool {
    url.host_str()
        .and_then(|host| host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().ok())
        .is_some_and(|address| address.is_loopback())
}
