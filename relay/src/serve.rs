//! Start and stop: the store, the tenants' keys, TLS, the listener.

mod connections;
mod listen;
mod tls;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use curo_types::api::TenantPolicy;
use curo_types::{TenantId, UserId};
use tokio::task::JoinHandle;

pub(crate) use self::connections::Connections;
use self::listen::Listener;
use crate::auth::Authenticator;
use crate::backup;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigError, ServiceConfig, TenantConfig};
use crate::followers::Followers;
use crate::housekeeping;
use crate::hub::Hub;
use crate::keys::{KeyError, TenantSigner};
use crate::metrics::Metrics;
use crate::push::{Gateway, Pushes};
use crate::rate::{Rate, Rates};
use crate::state::{AppState, Tenant};
use crate::storage::{SqliteOptions, SqliteStorage, Storage, StorageError};

/// The relay.
#[derive(Debug)]
pub struct Relay;

/// A relay that serves until it is shut down or dropped. Dropped, it stops at once, as if killed, but for finished
/// transactions.
pub struct RunningRelay {
    listener: Listener,
    metrics: Option<Listener>,
    hub: Arc<Hub>,
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    grace: Duration,
    sweeper: JoinHandle<()>,
    pusher: Option<JoinHandle<()>>,
}

/// Why a relay did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Certificate or private key cannot be used.
    #[error("TLS: {what} {path:?}: {reason}")]
    Tls {
        /// Certificate chain or private key.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// A tenant's identity provider cannot be set up: its key file is not readable, its private authority no certificate.
    #[error("tenant {tenant}: {reason}")]
    Identity {
        /// The tenant.
        tenant: TenantId,
        /// Why.
        reason: String,
    },
    /// The data folder cannot be made.
    #[error("data folder {path:?}: {reason}")]
    DataFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: std::io::ErrorKind,
    },
    /// A restore into the data folder was interrupted: a start would make an empty store there.
    #[error("data folder {path:?}: a restore was interrupted; run it again")]
    UnfinishedRestore {
        /// The folder.
        path: PathBuf,
    },
    /// The database cannot be opened; the text names neither key nor data.
    #[error("database: {0}")]
    Database(String),
    /// A tenant has asked for the approval of later devices, and now asks for it no more; its members still do.
    #[error("tenant {tenant}: device_approval was \"required\" before and cannot be taken back")]
    Approval {
        /// The tenant.
        tenant: TenantId,
    },
    /// The push gateway cannot be set up: its private authority is no certificate.
    #[error("push gateway: {0}")]
    PushGateway(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {reason}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why.
        reason: std::io::ErrorKind,
    },
}

impl Relay {
    /// Starts a relay. It accepts requests when this returns. Needs a Tokio runtime with time and I/O.
    ///
    /// Identity providers' keys are fetched in the background, and again when they are needed; calls of a tenant whose keys are
    /// not there yet are answered `unavailable`.
    ///
    /// # Errors
    /// [`StartError`] with the reason; nothing is left running.
    pub async fn start(config: Config) -> Result<RunningRelay, StartError> {
        Self::start_with_clock(config, Arc::new(SystemClock)).await
    }

    /// As [`Relay::start`], with what the operator needs beside it.
    ///
    /// # Errors
    /// As [`Relay::start`].
    pub async fn start_service(service: ServiceConfig) -> Result<RunningRelay, StartError> {
        Self::start_service_with_clock(service, Arc::new(SystemClock)).await
    }

    /// As [`Relay::start`], with a clock of the caller's. For tests.
    ///
    /// # Errors
    /// As [`Relay::start`].
    pub async fn start_with_clock(config: Config, clock: Arc<dyn Clock>) -> Result<RunningRelay, StartError> {
        let service = ServiceConfig {
            relay: config,
            metrics_listen: None,
        };
        Self::start_service_with_clock(service, clock).await
    }

    /// As [`Relay::start_service`], with a clock of the caller's. For tests.
    ///
    /// # Errors
    /// As [`Relay::start`].
    pub async fn start_service_with_clock(
        service: ServiceConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<RunningRelay, StartError> {
        service.check()?;
        start(service, clock).await
    }
}

async fn start(service: ServiceConfig, clock: Arc<dyn Clock>) -> Result<RunningRelay, StartError> {
    let config = &service.relay;
    let tls = tls::server_config(&config.tls)?;
    let authenticator = authenticator(config, &clock).await?;
    let storage = open_storage(config).await?;
    match serve(service, tls, authenticator, storage.clone(), clock).await {
        Ok(relay) => Ok(relay),
        Err(error) => {
            storage.close().await;
            Err(error)
        }
    }
}

async fn serve(
    service: ServiceConfig,
    tls: rustls::ServerConfig,
    authenticator: Authenticator,
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
) -> Result<RunningRelay, StartError> {
    let ServiceConfig {
        relay: config,
        metrics_listen,
    } = service;
    let at_the_end = Arc::clone(&clock);
    let tenants = tenants(&config, storage.as_ref(), clock.now_ms()).await?;
    let gateway = config.push.as_ref().map(Gateway::new).transpose();
    let gateway = gateway.map_err(|error| StartError::PushGateway(error.to_string()))?;
    let limits = config.limits;
    let hub = Hub::new(limits.streams_per_device, limits.streams);
    let connections = Connections::new(limits.connections);
    let state = Arc::new(AppState {
        storage: storage.clone(),
        authenticator,
        hub: hub.clone(),
        followers: Followers::new(limits.group_cache_bytes),
        clock,
        tenants,
        limits: limits.clone(),
        min_client_version: config.min_client_version,
        metrics: Metrics::default(),
        rates: Rates::new(
            Rate {
                requests: limits.requests_per_user_per_second,
                bytes: limits.bytes_per_user_per_second,
            },
            Rate {
                requests: limits.requests_per_tenant_per_second,
                bytes: limits.bytes_per_tenant_per_second,
            },
        ),
        connections: connections.clone(),
        push: Pushes::default(),
    });
    let pusher = gateway.map(|gateway| Pushes::start(&state, gateway));
    let metrics = match metrics_listen {
        Some(addr) => Some(listen::metrics(
            addr,
            crate::http::metrics_router(state.clone()),
            &limits,
        )?),
        None => None,
    };
    let relay = listen::relay(
        config.listen,
        tls,
        connections,
        crate::http::router(state.clone()),
        &limits,
    )?;
    tracing::info!(addr = %relay.addr, "listening");
    if let Some(metrics) = &metrics {
        tracing::info!(metrics = %metrics.addr, "metrics");
    }
    Ok(RunningRelay {
        listener: relay,
        metrics,
        hub,
        sweeper: tokio::spawn(async move {
            tokio::join!(fetch_keys(&state), housekeeping::run(&state));
        }),
        pusher,
        storage,
        clock: at_the_end,
        grace: limits.shutdown_grace,
    })
}

impl RunningRelay {
    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.listener.addr
    }

    /// Where it serves metrics, if it does.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|metrics| metrics.addr)
    }

    /// Stops: no new connections, live streams end with a last line, running requests get the configured grace, the store
    /// is closed.
    pub async fn shutdown(mut self) {
        self.hub.stop();
        self.sweeper.abort();
        if let Some(pusher) = &self.pusher {
            pusher.abort();
        }
        self.listener.stop(self.grace).await;
        if let Some(metrics) = &mut self.metrics {
            metrics.stop(Duration::ZERO).await;
        }
        // It was there until now (6.3).
        if let Err(error) = self.storage.note_present(true, self.clock.now_ms()).await {
            tracing::warn!(%error, "the end is not noted");
        }
        self.storage.close().await;
        tracing::info!("stopped");
    }
}

impl std::fmt::Debug for RunningRelay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RunningRelay({})", self.listener.addr)
    }
}

impl Drop for RunningRelay {
    fn drop(&mut self) {
        self.hub.stop();
        self.sweeper.abort();
        if let Some(pusher) = &self.pusher {
            pusher.abort();
        }
    }
}

async fn authenticator(config: &Config, clock: &Arc<dyn Clock>) -> Result<Authenticator, StartError> {
    let identity = |(tenant, error): (TenantId, crate::auth::JwksError)| StartError::Identity {
        tenant,
        reason: error.to_string(),
    };
    let authenticator = Authenticator::new(&config.tenants, clock, config.limits.clock_leeway).map_err(identity)?;
    match authenticator.load_files().await.pop() {
        Some(failed) => Err(identity(failed)),
        None => Ok(authenticator),
    }
}

pub(crate) async fn open_storage(config: &Config) -> Result<Arc<dyn Storage>, StartError> {
    std::fs::create_dir_all(&config.data_dir).map_err(|error| StartError::DataFolder {
        path: config.data_dir.clone(),
        reason: error.kind(),
    })?;
    if backup::restore_unfinished(&config.data_dir) {
        return Err(StartError::UnfinishedRestore {
            path: config.data_dir.clone(),
        });
    }
    let key = curo_sqlite::CipherKey::new(&config.database_key.key, &config.database_key.salt);
    let storage = SqliteStorage::open(&config.data_dir.join(backup::DATABASE), &key, SqliteOptions::default())
        .await
        .map_err(|error| StartError::Database(error.to_string()))?;
    Ok(Arc::new(storage))
}

async fn tenants(config: &Config, storage: &dyn Storage, now_ms: u64) -> Result<HashMap<TenantId, Tenant>, StartError> {
    let mut tenants = HashMap::new();
    for tenant in &config.tenants {
        let signer = TenantSigner::load(storage, &tenant.id, now_ms)
            .await
            .map_err(|error: KeyError| StartError::Database(error.to_string()))?;
        let policy = policy(tenant, storage, now_ms)
            .await
            .map_err(|error| StartError::Database(error.to_string()))?;
        if policy.approval_since.is_some() && !tenant.policy.device_approval {
            return Err(StartError::Approval {
                tenant: tenant.id.clone(),
            });
        }
        tenants.insert(
            tenant.id.clone(),
            Tenant {
                suites: tenant.suites.clone(),
                session: tenant.session,
                body_retention: tenant.body_retention,
                leaf_silence: tenant.policy.leaf_silence(),
                policy,
                signer,
            },
        );
    }
    Ok(tenants)
}

/// The policy in the words of the API. Who is mandatory has a user id before the first sign-in, so that nobody can do
/// without them by being earlier.
async fn policy(tenant: &TenantConfig, storage: &dyn Storage, now_ms: u64) -> Result<TenantPolicy, StorageError> {
    storage.set_quota(&tenant.id, tenant.quota).await?;
    let approval_since = storage
        .approval_since(&tenant.id, tenant.policy.device_approval)
        .await?;
    let mut policy = TenantPolicy {
        approval_since,
        purge_removed: tenant.policy.purge_removed,
        ..TenantPolicy::default()
    };
    for subject in &tenant.policy.mandatory_members {
        let user = storage.sign_in(&tenant.id, subject, UserId::random(), now_ms).await?;
        policy.mandatory.push(user);
    }
    Ok(policy)
}

/// Fetches the identity providers' keys before the first token needs them.
async fn fetch_keys(app: &AppState) {
    for (tenant, error) in app.authenticator.fetch().await {
        tracing::warn!(%tenant, %error, "identity provider's keys are not available yet");
    }
}
