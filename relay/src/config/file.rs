//! The TOML file behind [`Config`], and the environment over it. Unknown settings are refused: a misspelt limit is no limit.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use curo_types::{SuiteId, TenantId};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    Algorithm, Config, ConfigError, DatabaseKey, JwksSource, Limits, PolicyConfig, PushConfig, PushToken, Quota,
    ServiceConfig, SessionPolicy, TenantConfig, TlsConfig,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<SocketAddr>,
    metrics_listen: Option<SocketAddr>,
    min_client_version: Option<String>,
    data_dir: Option<PathBuf>,
    database_key_file: Option<PathBuf>,
    #[serde(default)]
    tls: Tls,
    #[serde(default)]
    tenants: Vec<Tenant>,
    #[serde(default)]
    limits: FileLimits,
    push: Option<FilePush>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilePush {
    gateway: String,
    ca: Option<PathBuf>,
    token_file: Option<PathBuf>,
    timeout_ms: Option<u64>,
    retry_wait_ms: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Tls {
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tenant {
    id: TenantId,
    issuer: String,
    audience: String,
    jwks_file: Option<PathBuf>,
    jwks_url: Option<String>,
    jwks_ca: Option<PathBuf>,
    algorithms: Vec<Algorithm>,
    suites: Option<Vec<u16>>,
    idle_lock_ms: Option<u64>,
    session_limit_ms: Option<u64>,
    body_retention_days: Option<u32>,
    #[serde(default)]
    mandatory_members: Vec<String>,
    #[serde(default)]
    device_approval: FileApproval,
    #[serde(default)]
    removed_content: FileRemoved,
    leaf_silence_days: Option<u32>,
    max_conversations: Option<u64>,
    max_devices: Option<u64>,
    max_stored_bytes: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum FileApproval {
    #[default]
    None,
    Required,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum FileRemoved {
    #[default]
    Keep,
    Purge,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct FileLimits {
    request_timeout_ms: Option<u64>,
    header_timeout_ms: Option<u64>,
    heartbeat_ms: Option<u64>,
    shutdown_grace_ms: Option<u64>,
    streams_per_device: Option<usize>,
    streams: Option<usize>,
    connections: Option<usize>,
    requests_per_user_per_second: Option<u32>,
    bytes_per_user_per_second: Option<u64>,
    requests_per_tenant_per_second: Option<u32>,
    bytes_per_tenant_per_second: Option<u64>,
    commits_per_checkpoint: Option<u32>,
    group_cache_bytes: Option<usize>,
    claims_by_user_per_hour: Option<u32>,
    claims_of_user_per_hour: Option<u32>,
    registrations_per_user_per_day: Option<u32>,
    clock_leeway_ms: Option<u64>,
}

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

pub(super) fn load(path: &Path, env: Env<'_>) -> Result<ServiceConfig, ConfigError> {
    let text = read("configuration file", path)?;
    let file = parse(&text)?;
    let base = path.parent().unwrap_or(Path::new("."));
    let config = file.resolve(base, env)?;
    config.check()?;
    Ok(config)
}

fn parse(text: &str) -> Result<File, ConfigError> {
    toml::from_str(text).map_err(|error| syntax(text, &error))
}

/// What is wrong with the text of a configuration file, but for what it refers to.
#[cfg(feature = "fuzzing")]
pub(crate) fn check_text(text: &str) -> Result<(), ConfigError> {
    parse(text).map(drop)
}

fn syntax(text: &str, error: &toml::de::Error) -> ConfigError {
    let before = error.span().and_then(|span| text.as_bytes().get(..span.start));
    let line = before.map_or(0, |before| before.iter().filter(|byte| **byte == b'\n').count() + 1);
    ConfigError::Syntax {
        line,
        reason: error.message().to_owned(),
    }
}

fn read(what: &'static str, path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
        what,
        path: path.to_owned(),
        reason: error.kind(),
    })
}

impl File {
    fn resolve(self, base: &Path, env: Env<'_>) -> Result<ServiceConfig, ConfigError> {
        let path_of =
            |name: &str, value: Option<PathBuf>| env(name).map(PathBuf::from).or_else(|| value.map(|v| base.join(v)));
        let needed =
            |setting: &str, value: Option<PathBuf>| value.ok_or_else(|| ConfigError::invalid(setting, "it is missing"));
        let address = |name: &str, value: Option<SocketAddr>| match env(name) {
            Some(text) => text
                .parse()
                .map(Some)
                .map_err(|_| ConfigError::invalid(name, "it is not an address with a port")),
            None => Ok(value),
        };
        let listen = address("CURO_RELAY_LISTEN", self.listen)?
            .ok_or_else(|| ConfigError::invalid("listen", "it is missing"))?;
        let min_client_version = self.min_client_version;
        let metrics_listen = address("CURO_RELAY_METRICS_LISTEN", self.metrics_listen)?;
        let key_file = path_of("CURO_RELAY_DB_KEY_FILE", self.database_key_file);
        let database_key = match env("CURO_RELAY_DB_KEY").map(Zeroizing::new) {
            Some(text) => DatabaseKey::from_hex(&text)?,
            None => read_key(key_file.as_deref())?,
        };
        let relay = Config {
            listen,
            tls: TlsConfig {
                cert: needed("tls.cert", path_of("CURO_RELAY_TLS_CERT", self.tls.cert))?,
                key: needed("tls.key", path_of("CURO_RELAY_TLS_KEY", self.tls.key))?,
            },
            data_dir: needed("data_dir", path_of("CURO_RELAY_DATA_DIR", self.data_dir))?,
            database_key,
            tenants: self
                .tenants
                .into_iter()
                .map(|tenant| tenant.resolve(base))
                .collect::<Result<_, _>>()?,
            limits: self.limits.resolve(),
            min_client_version: min_client_version
                .map(|text| text.parse())
                .transpose()
                .map_err(|_| ConfigError::invalid("min_client_version", "it is not a version of three numbers"))?,
            push: self.push.map(|push| push.resolve(base)).transpose()?,
        };
        Ok(ServiceConfig { relay, metrics_listen })
    }
}

fn read_key(path: Option<&Path>) -> Result<DatabaseKey, ConfigError> {
    let path = path.ok_or(ConfigError::DatabaseKey(
        "neither CURO_RELAY_DB_KEY nor a key file is set",
    ))?;
    if is_open_to_others("database key file", path)? {
        return Err(ConfigError::DatabaseKey(
            "the key file is accessible to others; its mode must be 0600",
        ));
    }
    DatabaseKey::from_hex(&Zeroizing::new(read("database key file", path)?))
}

/// A file that others can read is no secret.
#[cfg(unix)]
fn is_open_to_others(what: &'static str, path: &Path) -> Result<bool, ConfigError> {
    use std::os::unix::fs::PermissionsExt as _;
    let meta = std::fs::metadata(path).map_err(|error| ConfigError::Unreadable {
        what,
        path: path.to_owned(),
        reason: error.kind(),
    })?;
    Ok(meta.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &'static str, _: &Path) -> Result<bool, ConfigError> {
    Ok(false)
}

impl FilePush {
    fn resolve(self, base: &Path) -> Result<PushConfig, ConfigError> {
        let token = self.token_file.map(|path| base.join(path)).map(|path| {
            if is_open_to_others("push token file", &path)? {
                let reason = "the file is accessible to others; its mode must be 0600";
                return Err(ConfigError::invalid("push.token_file", reason));
            }
            PushToken::new(&Zeroizing::new(read("push token file", &path)?))
        });
        Ok(PushConfig {
            gateway: self.gateway,
            ca: self.ca.map(|ca| base.join(ca)),
            token: token.transpose()?,
            timeout: Duration::from_millis(self.timeout_ms.unwrap_or(10_000)),
            retry_wait: Duration::from_millis(self.retry_wait_ms.unwrap_or(1_000)),
        })
    }
}

impl Tenant {
    fn resolve(self, base: &Path) -> Result<TenantConfig, ConfigError> {
        let jwks = match (self.jwks_file, self.jwks_url) {
            (Some(file), None) => JwksSource::File(base.join(file)),
            (None, Some(url)) => JwksSource::Url {
                url,
                ca: self.jwks_ca.map(|ca| base.join(ca)),
            },
            _ => {
                let setting = format!("tenant {}, jwks", self.id);
                return Err(ConfigError::invalid(
                    setting,
                    "exactly one of jwks_file and jwks_url is needed",
                ));
            }
        };
        let suites = match self.suites {
            Some(suites) => suites.into_iter().map(SuiteId).collect(),
            None => vec![SuiteId::MLS_128_X25519_AES128GCM_SHA256_ED25519],
        };
        Ok(TenantConfig {
            id: self.id,
            issuer: self.issuer,
            audience: self.audience,
            jwks,
            algorithms: self.algorithms,
            suites,
            session: SessionPolicy {
                idle_lock: self.idle_lock_ms.map(Duration::from_millis),
                limit: self.session_limit_ms.map(Duration::from_millis),
            },
            body_retention: self
                .body_retention_days
                .map(|days| Duration::from_secs(u64::from(days) * 24 * 60 * 60)),
            quota: Quota {
                conversations: self.max_conversations,
                devices: self.max_devices,
                stored_bytes: self.max_stored_bytes,
            },
            policy: PolicyConfig {
                mandatory_members: self.mandatory_members,
                device_approval: matches!(self.device_approval, FileApproval::Required),
                purge_removed: matches!(self.removed_content, FileRemoved::Purge),
                leaf_silence: self
                    .leaf_silence_days
                    .map(|days| Duration::from_secs(u64::from(days) * 24 * 60 * 60)),
            },
        })
    }
}

impl FileLimits {
    fn resolve(self) -> Limits {
        let default = Limits::default();
        let ms = |value: Option<u64>, default| value.map_or(default, Duration::from_millis);
        Limits {
            request_timeout: ms(self.request_timeout_ms, default.request_timeout),
            header_timeout: ms(self.header_timeout_ms, default.header_timeout),
            heartbeat: ms(self.heartbeat_ms, default.heartbeat),
            shutdown_grace: ms(self.shutdown_grace_ms, default.shutdown_grace),
            streams_per_device: self.streams_per_device.unwrap_or(default.streams_per_device),
            streams: self.streams.unwrap_or(default.streams),
            connections: self.connections.unwrap_or(default.connections),
            requests_per_user_per_second: self
                .requests_per_user_per_second
                .unwrap_or(default.requests_per_user_per_second),
            bytes_per_user_per_second: self
                .bytes_per_user_per_second
                .unwrap_or(default.bytes_per_user_per_second),
            requests_per_tenant_per_second: self
                .requests_per_tenant_per_second
                .unwrap_or(default.requests_per_tenant_per_second),
            bytes_per_tenant_per_second: self
                .bytes_per_tenant_per_second
                .unwrap_or(default.bytes_per_tenant_per_second),
            commits_per_checkpoint: self.commits_per_checkpoint.unwrap_or(default.commits_per_checkpoint),
            group_cache_bytes: self.group_cache_bytes.unwrap_or(default.group_cache_bytes),
            claims_by_user_per_hour: self.claims_by_user_per_hour.unwrap_or(default.claims_by_user_per_hour),
            claims_of_user_per_hour: self.claims_of_user_per_hour.unwrap_or(default.claims_of_user_per_hour),
            registrations_per_user_per_day: self
                .registrations_per_user_per_day
                .unwrap_or(default.registrations_per_user_per_day),
            clock_leeway: ms(self.clock_leeway_ms, default.clock_leeway),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
