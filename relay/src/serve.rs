//! Start and stop: the store, the tenants' keys, TLS, the listener.

mod tls;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use curo_types::TenantId;
use tokio::task::JoinHandle;

use crate::auth::Authenticator;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigError, JwksSource, Limits};
use crate::hub::Hub;
use crate::keys::{KeyError, TenantSigner};
use crate::state::{AppState, Tenant};
use crate::storage::{SqliteOptions, SqliteStorage, Storage, StorageError};

/// Time between two sweeps of what storage need not keep.
const SWEEP_EVERY: Duration = Duration::from_secs(10 * 60);
/// How long answered claims are remembered for a repetition, and what they superseded.
const SWEEP_AFTER_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// A header may hold an access token of 16 KiB.
const HEADER_BYTES: u32 = 32 * 1024;

/// The relay.
#[derive(Debug)]
pub struct Relay;

/// A relay that serves until it is shut down or dropped. Dropped, it stops at once, as if killed, but for finished
/// transactions.
pub struct RunningRelay {
    addr: SocketAddr,
    handle: Handle<SocketAddr>,
    hub: Arc<Hub>,
    storage: Arc<dyn Storage>,
    grace: Duration,
    server: Option<JoinHandle<std::io::Result<()>>>,
    sweeper: JoinHandle<()>,
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
    /// The database cannot be opened; the text names neither key nor data.
    #[error("database: {0}")]
    Database(String),
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
    /// An identity provider whose keys cannot be fetched yet does not prevent the start; `/readyz` tells, and the keys are
    /// fetched again when they are needed.
    ///
    /// # Errors
    /// [`StartError`] with the reason; nothing is left running.
    pub async fn start(config: Config) -> Result<RunningRelay, StartError> {
        Self::start_with_clock(config, Arc::new(SystemClock)).await
    }

    /// As [`Relay::start`], with a clock of the caller's. For tests.
    ///
    /// # Errors
    /// As [`Relay::start`].
    pub async fn start_with_clock(config: Config, clock: Arc<dyn Clock>) -> Result<RunningRelay, StartError> {
        config.check()?;
        let tls = tls::server_config(&config.tls)?;
        let authenticator = authenticator(&config, &clock).await?;
        let storage = open_storage(&config).await?;
        match serve(config, tls, authenticator, storage.clone(), clock).await {
            Ok(relay) => Ok(relay),
            Err(error) => {
                storage.close().await;
                Err(error)
            }
        }
    }
}

async fn serve(
    config: Config,
    tls: rustls::ServerConfig,
    authenticator: Authenticator,
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
) -> Result<RunningRelay, StartError> {
    let tenants = tenants(&config, storage.as_ref(), clock.now_ms()).await?;
    let limits = config.limits;
    let hub = Hub::new(limits.streams_per_device, limits.streams);
    let state = Arc::new(AppState {
        storage: storage.clone(),
        authenticator,
        hub: hub.clone(),
        clock: clock.clone(),
        tenants,
        limits: limits.clone(),
    });
    let refused = |error: std::io::Error| StartError::Listen {
        addr: config.listen,
        reason: error.kind(),
    };
    let listener = std::net::TcpListener::bind(config.listen).map_err(refused)?;
    let addr = listener.local_addr().map_err(refused)?;
    let handle = Handle::new();
    let acceptor =
        RustlsAcceptor::new(RustlsConfig::from_config(Arc::new(tls))).handshake_timeout(limits.header_timeout);
    let mut server = axum_server::from_tcp(listener)
        .map_err(refused)?
        .acceptor(acceptor)
        .handle(handle.clone())
        .first_request_timeout(limits.header_timeout)
        .accept_error_handler(|_, error| tracing::debug!(kind = ?error.kind(), "a connection was not accepted"));
    bound_connections(&mut server, &limits);
    let app = crate::http::router(state);
    let server = tokio::spawn(server.serve(app.into_make_service()));
    tracing::info!(%addr, "listening");
    Ok(RunningRelay {
        addr,
        handle,
        hub,
        sweeper: tokio::spawn(sweep(storage.clone(), clock)),
        storage,
        grace: limits.shutdown_grace,
        server: Some(server),
    })
}

fn bound_connections<A: axum_server::Address, Acceptor>(
    server: &mut axum_server::Server<A, Acceptor>,
    limits: &Limits,
) {
    let builder = server.http_builder();
    builder
        .http1()
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(128 * 1024);
    builder
        .http2()
        .max_header_list_size(HEADER_BYTES)
        .max_concurrent_streams(64)
        .adaptive_window(true)
        // Finds clients that vanished while a live stream was open.
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
}

impl RunningRelay {
    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops: no new connections, live streams end with a last line, running requests get the configured grace, the store
    /// is closed.
    pub async fn shutdown(mut self) {
        self.hub.stop();
        self.sweeper.abort();
        self.handle.graceful_shutdown(Some(self.grace));
        if let Some(server) = self.server.take()
            && let Ok(Err(error)) = server.await
        {
            tracing::error!(kind = ?error.kind(), "the listener failed");
        }
        self.storage.close().await;
        tracing::info!("stopped");
    }
}

impl std::fmt::Debug for RunningRelay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RunningRelay({})", self.addr)
    }
}

impl Drop for RunningRelay {
    fn drop(&mut self) {
        self.hub.stop();
        self.handle.shutdown();
        self.sweeper.abort();
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }
}

async fn authenticator(config: &Config, clock: &Arc<dyn Clock>) -> Result<Authenticator, StartError> {
    let identity = |(tenant, error): (TenantId, crate::auth::JwksError)| StartError::Identity {
        tenant,
        reason: error.to_string(),
    };
    let authenticator = Authenticator::new(&config.tenants, clock, config.limits.clock_leeway).map_err(identity)?;
    for (tenant, error) in authenticator.load().await {
        let from_file = config
            .tenants
            .iter()
            .any(|t| t.id == tenant && matches!(t.jwks, JwksSource::File(_)));
        if from_file {
            return Err(identity((tenant, error)));
        }
        tracing::warn!(%tenant, %error, "identity provider's keys are not available yet");
    }
    Ok(authenticator)
}

async fn open_storage(config: &Config) -> Result<Arc<dyn Storage>, StartError> {
    std::fs::create_dir_all(&config.data_dir).map_err(|error| StartError::DataFolder {
        path: config.data_dir.clone(),
        reason: error.kind(),
    })?;
    let key = curo_sqlite::CipherKey::new(&config.database_key.key, &config.database_key.salt);
    let storage = SqliteStorage::open(&config.data_dir.join("relay.db"), &key, SqliteOptions::default())
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
        tenants.insert(
            tenant.id.clone(),
            Tenant {
                suites: tenant.suites.clone(),
                signer,
            },
        );
    }
    Ok(tenants)
}

/// Forgets what the store keeps only for repetitions of requests.
async fn sweep(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        loop {
            match storage.sweep(clock.now_ms().saturating_sub(SWEEP_AFTER_MS)).await {
                Ok(report) if report.more => {}
                Ok(_) => break,
                Err(StorageError::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, "sweep");
                    break;
                }
            }
        }
    }
}
