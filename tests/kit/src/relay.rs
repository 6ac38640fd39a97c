//! The real relay, embedded: over TLS on a loopback port, with a development issuer and its own folder.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use curo::TenantId;
use curo_relay::{
    Clock, Config, DatabaseKey, DevIssuer, Limits, PushConfig, PushToken, Relay, RunningRelay, ServiceConfig,
    StartError, SystemClock, TenantConfig, TlsConfig,
};
use curo_types::api::ClientVersion;
use curo_types::{DeviceId, SuiteId};
use tempfile::TempDir;

use crate::ca::write_private;
use crate::{Ca, KitError};

/// The tenant that a test relay serves.
pub const TENANT: &str = "st-mary";

/// Below the ports that the operating system gives to outgoing connections, so that a stopped relay's port stays free.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
const ATTEMPTS: usize = 50;
/// How long a relay that was killed may hold its database.
const LAST_WRITES: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A relay that can be stopped, killed and started again on the same port and folder.
pub struct TestRelay {
    config: Config,
    clock: Arc<dyn Clock>,
    ca: Ca,
    tenant: TenantId,
    issuer: Arc<DevIssuer>,
    running: Option<RunningRelay>,
    killed: bool,
    metrics: bool,
    dir: PathBuf,
    _temporary: Option<TempDir>,
}

/// A change of the tenant's policy.
type Policy = Box<dyn FnOnce(&mut TenantConfig) + Send>;

/// How to start a [`TestRelay`]. See [`TestRelay::builder`].
#[must_use]
pub struct TestRelayBuilder {
    dir: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    tenant: Option<Policy>,
    push: Option<PushConfig>,
    metrics: bool,
}

impl TestRelayBuilder {
    /// Keeps its files here instead of in a temporary folder. A relay that ran here before goes on with its data.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Gives relay and issuer this clock instead of the operating system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Changes time-outs and rate limits. The heartbeat is 1 s unless told.
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// Sends pushes through this gateway: plain HTTP on this machine.
    pub fn push_gateway(mut self, url: impl Into<String>) -> Self {
        self.push = Some(PushConfig {
            gateway: url.into(),
            ca: None,
            token: None,
            timeout: Duration::from_secs(5),
            retry_wait: Duration::from_millis(10),
        });
        self
    }

    /// Sends pushes as told.
    pub fn push(mut self, push: PushConfig) -> Self {
        self.push = Some(push);
        self
    }

    /// Serves its metrics: [`TestRelay::metric`].
    pub const fn with_metrics(mut self) -> Self {
        self.metrics = true;
        self
    }

    /// What the relay shows to the push gateway; after [`TestRelayBuilder::push_gateway`].
    ///
    /// # Errors
    /// [`KitError::Io`] for what is no token.
    pub fn push_token(mut self, token: &str) -> Result<Self, KitError> {
        let token = PushToken::new(token).map_err(|_| KitError::Io(std::io::ErrorKind::InvalidInput.into()))?;
        if let Some(push) = &mut self.push {
            push.token = Some(token);
        }
        Ok(self)
    }

    /// Changes the tenant's policy.
    pub fn tenant(mut self, change: impl FnOnce(&mut TenantConfig) + Send + 'static) -> Self {
        self.tenant = Some(Box::new(change));
        self
    }

    /// The suites that the tenant allows, best first; what the relay allows by itself unless told.
    pub fn suites(self, suites: &[u16]) -> Self {
        let suites: Vec<_> = suites.iter().map(|suite| SuiteId(*suite)).collect();
        self.tenant(move |tenant| tenant.suites = suites)
    }

    /// Starts it. It accepts requests when this returns.
    ///
    /// # Errors
    /// [`KitError`] with the reason.
    pub async fn start(self) -> Result<TestRelay, KitError> {
        let (dir, temporary) = match self.dir {
            Some(dir) => (dir, None),
            None => {
                let temporary = tempfile::tempdir()?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        std::fs::create_dir_all(&dir)?;
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let issuer = DevIssuer::start_with_clock(loopback, Arc::clone(&self.clock)).await?;
        let tenant = TenantId::new(TENANT).map_err(|_| KitError::Io(std::io::ErrorKind::InvalidInput.into()))?;
        let ca = Ca::new()?;
        let mut served = issuer.tenant(&tenant);
        if let Some(change) = self.tenant {
            change(&mut served);
        }
        let config = Config {
            listen: loopback,
            tls: ca.issue(&dir)?,
            data_dir: dir.join("data"),
            database_key: database_key(&dir.join("database.key"))?,
            tenants: vec![served],
            limits: self.limits,
            min_client_version: None,
            push: self.push,
        };
        let mut relay = TestRelay {
            config,
            clock: self.clock,
            ca,
            tenant,
            issuer: Arc::new(issuer),
            running: None,
            killed: false,
            metrics: self.metrics,
            dir,
            _temporary: temporary,
        };
        relay.start_somewhere().await?;
        Ok(relay)
    }
}

impl TestRelay {
    /// A relay in a temporary folder that vanishes with the value.
    ///
    /// # Errors
    /// [`KitError`] with the reason.
    pub async fn start() -> Result<Self, KitError> {
        Self::builder().start().await
    }

    /// A relay with a folder, clock or limits of the caller's.
    pub fn builder() -> TestRelayBuilder {
        TestRelayBuilder {
            dir: None,
            clock: Arc::new(SystemClock),
            limits: Limits {
                heartbeat: Duration::from_secs(1),
                shutdown_grace: Duration::from_secs(3),
                ..Limits::default()
            },
            tenant: None,
            push: None,
            metrics: false,
        }
    }

    /// The value of a metric without labels, `curo_relay_` left out, since it was last started.
    ///
    /// # Errors
    /// [`KitError::NoAnswer`] if it serves no metrics or has none of this name.
    pub async fn metric(&self, name: &str) -> Result<u64, KitError> {
        let addr = self.running.as_ref().and_then(RunningRelay::metrics_addr);
        let url = format!("http://{}/metrics", addr.ok_or(KitError::NoAnswer)?);
        let response = self.http()?.get(url).send().await.map_err(|_| KitError::NoAnswer)?;
        let text = response.text().await.map_err(|_| KitError::NoAnswer)?;
        let value = text.lines().find_map(|line| {
            let (found, value) = line.strip_prefix("curo_relay_")?.split_once(' ')?;
            (found == name).then(|| value.parse().ok()).flatten()
        });
        value.ok_or(KitError::NoAnswer)
    }

    /// Its limits.
    pub const fn limits(&self) -> &Limits {
        &self.config.limits
    }

    /// How devices are woken.
    pub const fn push_config(&self) -> Option<&PushConfig> {
        self.config.push.as_ref()
    }

    /// Changes the suites that the tenant allows, best first. It is restarted for that.
    ///
    /// # Errors
    /// [`KitError::Relay`]; it is stopped then.
    pub async fn allow_suites(&mut self, suites: &[u16]) -> Result<(), KitError> {
        for tenant in &mut self.config.tenants {
            tenant.suites = suites.iter().map(|suite| SuiteId(*suite)).collect();
        }
        self.restart().await
    }

    /// Revokes a device by the operator's word. It is stopped for that: one process opens a database once.
    ///
    /// # Errors
    /// [`KitError::Revoke`], [`KitError::Relay`].
    pub async fn revoke(&mut self, device: DeviceId) -> Result<(), KitError> {
        self.stop().await;
        curo_relay::revoke(&self.config, &self.tenant, device).await?;
        self.start_again().await
    }

    /// Changes the tenant's policy. It is restarted for that.
    ///
    /// # Errors
    /// [`KitError::Relay`]; it is stopped then.
    pub async fn change_tenant(&mut self, change: impl Fn(&mut TenantConfig)) -> Result<(), KitError> {
        self.config.tenants.iter_mut().for_each(change);
        self.restart().await
    }

    /// From its next start on the relay serves no client of an earlier version. `None`: it serves all.
    pub const fn set_min_client_version(&mut self, version: Option<ClientVersion>) {
        self.config.min_client_version = version;
    }

    /// Where it listens, also while it is stopped.
    pub const fn addr(&self) -> SocketAddr {
        self.config.listen
    }

    /// Its address for a client that needs no [`Cable`](crate::Cable).
    pub fn url(&self) -> String {
        format!("https://{}", self.addr())
    }

    /// The tenant as it is configured.
    pub fn tenant_config(&self) -> Option<&TenantConfig> {
        self.config.tenants.first()
    }

    /// The tenant, [`TENANT`].
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Who vouches for people.
    pub const fn issuer(&self) -> &Arc<DevIssuer> {
        &self.issuer
    }

    /// Who signed its certificate.
    pub const fn ca(&self) -> &Ca {
        &self.ca
    }

    /// Where certificate and private key are, PEM.
    pub const fn tls(&self) -> &TlsConfig {
        &self.config.tls
    }

    /// Its whole folder: certificate, keys and [`TestRelay::data_dir`].
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder with what the relay itself writes.
    pub fn data_dir(&self) -> &Path {
        &self.config.data_dir
    }

    /// Whether it is running.
    pub const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Stops it in good order; does nothing if it is stopped.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
    }

    /// Stops it as a kill would: open requests are dropped, finished transactions stay.
    pub fn kill(&mut self) {
        self.running = None;
        self.killed = true;
    }

    /// Starts it again on the same port and folder; does nothing if it is running.
    ///
    /// # Errors
    /// [`KitError::Relay`].
    pub async fn start_again(&mut self) -> Result<(), KitError> {
        if self.running.is_none() {
            let service = ServiceConfig {
                relay: self.config.clone(),
                metrics_listen: self.metrics.then(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            };
            let until = Instant::now() + LAST_WRITES;
            self.running = Some(loop {
                match Relay::start_service_with_clock(service.clone(), Arc::clone(&self.clock)).await {
                    // A kill waits for nobody: what was entered before is still being written, by threads of this process.
                    Err(StartError::Database(_)) if self.killed && Instant::now() < until => {
                        tokio::time::sleep(LOOK_AGAIN).await;
                    }
                    started => break started?,
                }
            });
            self.killed = false;
        }
        Ok(())
    }

    /// Stops it in good order and starts it again on the same port and folder.
    ///
    /// # Errors
    /// [`KitError::Relay`]; it is stopped then.
    pub async fn restart(&mut self) -> Result<(), KitError> {
        self.stop().await;
        self.start_again().await
    }

    /// Writes a backup of its data to the folder `to`, which must not exist; it may be running.
    ///
    /// # Errors
    /// [`KitError::Backup`].
    pub async fn back_up(&self, to: &Path) -> Result<(), KitError> {
        let (config, to) = (self.config.clone(), to.to_owned());
        let done = tokio::task::spawn_blocking(move || curo_relay::backup(&config, &to)).await;
        Ok(done.map_err(std::io::Error::other)??)
    }

    /// Stops it, throws its data away, restores what stands in the backup `from`, and starts it again.
    ///
    /// # Errors
    /// [`KitError::Backup`], [`KitError::Relay`]; it is stopped then.
    pub async fn restore(&mut self, from: &Path) -> Result<(), KitError> {
        self.restore_stopped(from).await?;
        self.start_again().await
    }

    /// As [`TestRelay::restore`], and leaves it stopped.
    ///
    /// # Errors
    /// [`KitError::Backup`].
    pub async fn restore_stopped(&mut self, from: &Path) -> Result<(), KitError> {
        self.stop().await;
        let (config, from) = (self.config.clone(), from.to_owned());
        let done = tokio::task::spawn_blocking(move || {
            std::fs::remove_dir_all(&config.data_dir)?;
            Ok::<_, KitError>(curo_relay::restore(&config, &from)?)
        });
        done.await.map_err(std::io::Error::other)?.map(drop)
    }

    /// Tries to start it with another key for its database, which a relay must refuse. It must be stopped.
    ///
    /// # Errors
    /// [`KitError::Relay`]: what it is called for.
    pub async fn start_with_key(&mut self, key: DatabaseKey) -> Result<(), KitError> {
        let config = Config {
            database_key: key,
            ..self.config.clone()
        };
        let started = Relay::start_with_clock(config, Arc::clone(&self.clock)).await?;
        self.running = Some(started);
        Ok(())
    }

    async fn start_somewhere(&mut self) -> Result<(), KitError> {
        let mut attempt = 1;
        loop {
            self.config.listen.set_port(free_port()?);
            match self.start_again().await {
                // Somebody was quicker.
                Err(KitError::Relay(StartError::Listen { .. })) if attempt < ATTEMPTS => attempt += 1,
                started => return started,
            }
        }
    }
}

impl std::fmt::Debug for TestRelay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TestRelay({})", self.addr())
    }
}

/// A port that nobody listens on now and that stays free while who uses it is restarted: within a process each is given once.
///
/// # Errors
/// [`KitError::Io`] if none is found.
pub fn free_port() -> Result<u16, KitError> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    for _ in 0..ATTEMPTS {
        let mut random = [0; 2];
        getrandom::fill(&mut random).map_err(|_| KitError::Randomness)?;
        let port = PORTS.start + u16::from_le_bytes(random) % (PORTS.end - PORTS.start);
        let fresh = GIVEN.lock().unwrap_or_else(PoisonError::into_inner).insert(port);
        if fresh && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(KitError::Io(std::io::ErrorKind::AddrInUse.into()))
}

/// The key in `file`; a new one if there is no file.
fn database_key(file: &Path) -> Result<DatabaseKey, KitError> {
    if !file.try_exists()? {
        let mut key = [0; 48];
        getrandom::fill(&mut key).map_err(|_| KitError::Randomness)?;
        write_private(file, hex::encode(key).as_bytes())?;
    }
    Ok(DatabaseKey::from_hex(&std::fs::read_to_string(file)?)?)
}
