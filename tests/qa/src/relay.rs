//! The relay as its own process, so that it can be killed; with the identity provider and the certificate that it needs.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use curo_kit::{Ca, TENANT, free_port, write_private};
use curo_relay::DevIssuer;
use curo_types::TenantId;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use crate::error::Broken;
use crate::gateway::Gateway;
use crate::guard::{self, Kind, Watched};
use crate::scenario::RelayPolicy;
use crate::stage::Log;

/// How long the relay may take until it accepts connections, and until it has stopped.
const SOON: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Beyond every tolerated difference of clocks.
const LONG_AGO_S: u64 = 2 * 60 * 60;
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A relay of its own for one play.
pub(crate) struct RelayProcess {
    program: PathBuf,
    dir: PathBuf,
    addr: SocketAddr,
    issuer: DevIssuer,
    gateway: Gateway,
    tenant: TenantId,
    log: Arc<Log>,
    /// The process, and what has it ended if this one is gone.
    child: Mutex<Option<(Child, Option<Watched>)>>,
}

impl RelayProcess {
    pub(crate) async fn start(program: &Path, dir: &Path, policy: &RelayPolicy, log: Arc<Log>) -> Result<Self, Broken> {
        std::fs::create_dir_all(dir)?;
        let ca = Ca::new().map_err(Broken::kit)?;
        ca.issue(dir).map_err(Broken::kit)?;
        std::fs::write(dir.join("ca.der"), ca.root_der())?;
        let mut key = [0; 48];
        getrandom::fill(&mut key).map_err(|_| Broken::new("no randomness"))?;
        write_private(&dir.join("database.key"), hex::encode(key).as_bytes())?;
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let issuer = DevIssuer::start(loopback).await.map_err(Broken::any)?;
        let gateway = Gateway::start().await?;
        let tenant = TenantId::new(TENANT).map_err(|_| Broken::new("no tenant"))?;
        let relay = Self {
            program: program.to_owned(),
            dir: dir.to_owned(),
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().map_err(Broken::kit)?)),
            issuer,
            gateway,
            tenant,
            log,
            child: Mutex::new(None),
        };
        std::fs::write(dir.join("relay.toml"), relay.config(policy)?)?;
        relay.start_again().await?;
        Ok(relay)
    }

    fn config(&self, policy: &RelayPolicy) -> Result<String, Broken> {
        let mut text = String::new();
        let per_second = policy.requests_per_user_per_second.unwrap_or(10_000);
        write!(
            text,
            "listen = \"{}\"\ndata_dir = \"data\"\ndatabase_key_file = \"database.key\"\n\
             [tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n\
             [limits]\nheartbeat_ms = 1000\nshutdown_grace_ms = 3000\nrequests_per_user_per_second = {per_second}\n\
             [push]\ngateway = {:?}\nretry_wait_ms = 100\n\
             [[tenants]]\nid = \"{}\"\nissuer = {:?}\naudience = {:?}\njwks_url = {:?}\nalgorithms = [\"EdDSA\"]\n",
            self.addr,
            self.gateway.url(),
            self.tenant,
            self.issuer.issuer(),
            self.issuer.tenant(&self.tenant).audience,
            self.issuer.jwks_url(),
        )
        .map_err(Broken::any)?;
        let words = [
            ("device_approval", &policy.device_approval),
            ("removed_content", &policy.removed_content),
        ];
        for (name, word) in words {
            if let Some(word) = word {
                writeln!(text, "{name} = {:?}", word.value).map_err(Broken::any)?;
            }
        }
        let numbers = [
            ("max_conversations", policy.max_conversations),
            ("max_devices", policy.max_devices),
            ("max_stored_bytes", policy.max_stored_bytes),
            ("idle_lock_ms", policy.idle_lock_ms),
            ("session_limit_ms", policy.session_limit_ms),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                writeln!(text, "{name} = {number}").map_err(Broken::any)?;
            }
        }
        if !policy.mandatory_members.is_empty() {
            writeln!(text, "mandatory_members = {:?}", policy.mandatory_members).map_err(Broken::any)?;
        }
        Ok(text)
    }

    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where it sends pushes.
    pub(crate) const fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The certificate of the authority that has signed the relay's (DER).
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.join("ca.der")
    }

    /// Starts the process on the same port and folder and waits until it accepts connections.
    pub(crate) async fn start_again(&self) -> Result<(), Broken> {
        let mut child = Command::new(&self.program)
            .args(["serve", "--config"])
            .arg(self.dir.join("relay.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Broken::new(format!("the relay does not start: {error}")))?;
        let watched = child.id().map(|id| guard::watch(Kind::Process, id));
        if let Some(lines) = child.stderr.take() {
            let (log, mut lines) = (Arc::clone(&self.log), BufReader::new(lines).lines());
            tokio::spawn(async move {
                while let Ok(Some(line)) = lines.next_line().await {
                    log.line(&line);
                }
            });
        }
        let up = async {
            loop {
                if let Some(status) = child.try_wait()? {
                    return Err(Broken::new(format!("the relay has ended: {status}")));
                }
                if TcpStream::connect(self.addr).await.is_ok() {
                    return Ok(());
                }
                sleep(LOOK_AGAIN).await;
            }
        };
        timeout(SOON, up)
            .await
            .map_err(|_| Broken::new("the relay does not come up"))??;
        *self.child.lock().await = Some((child, watched));
        Ok(())
    }

    /// Kills it: the process ends at whatever instruction it is.
    pub(crate) async fn kill(&self) -> Result<(), Broken> {
        if let Some((mut child, _watched)) = self.child.lock().await.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Asks it to stop in good order (SIGTERM) and waits.
    pub(crate) async fn stop(&self) -> Result<(), Broken> {
        let Some((mut child, _watched)) = self.child.lock().await.take() else {
            return Ok(());
        };
        let Some(id) = child.id() else { return Ok(()) };
        // The shell's own `kill`: not every machine has a program of this name.
        let asked = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &id.to_string()])
            .status()
            .await?;
        if !asked.success() {
            return Err(Broken::new("the relay could not be asked to stop"));
        }
        timeout(SOON, child.wait())
            .await
            .map_err(|_| Broken::new("the relay does not stop"))??;
        Ok(())
    }

    /// Writes a backup while it serves; the one before is thrown away.
    pub(crate) async fn backup(&self) -> Result<(), Broken> {
        let to = self.dir.join("backup");
        if to.exists() {
            std::fs::remove_dir_all(&to)?;
        }
        self.tool("backup", "--to", &to).await
    }

    /// As after a disaster: it is killed, its data is gone, and what stands in the backup is made to be the store.
    pub(crate) async fn restore(&self) -> Result<(), Broken> {
        self.kill().await?;
        std::fs::remove_dir_all(self.dir.join("data"))?;
        self.tool("restore", "--from", &self.dir.join("backup")).await?;
        self.start_again().await
    }

    async fn tool(&self, command: &str, option: &str, folder: &Path) -> Result<(), Broken> {
        let mut tool = Command::new(&self.program);
        tool.args([command, "--config"])
            .arg(self.dir.join("relay.toml"))
            .arg(option)
            .arg(folder)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let late = || Broken::new(format!("`{command}` of the relay does not end"));
        let output = timeout(SOON, tool.output()).await.map_err(|_| late())??;
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            self.log.line(line);
        }
        if output.status.success() {
            return Ok(());
        }
        Err(Broken::new(format!(
            "`{command}` of the relay fails: {}",
            output.status
        )))
    }

    /// Puts into `dir` what a token provider hands out: one file for each reason for which the core asks.
    pub(crate) fn issue(&self, dir: &Path, subject: &str, kind: &str) -> Result<(), Broken> {
        let good = self.issuer.mint(&self.tenant, subject, HOUR);
        let expired = || {
            self.changed(subject, |claims| {
                for name in ["iat", "exp"] {
                    if let Some(claim) = claims.get_mut(name) {
                        *claim = claim.as_u64().unwrap_or_default().saturating_sub(LONG_AGO_S).into();
                    }
                }
            })
        };
        let refused = || {
            self.changed(subject, |claims| {
                if let Some(audience) = claims.get_mut("aud") {
                    *audience = "another-service".into();
                }
            })
        };
        let (first, others) = match kind {
            "good" => (Some(good.clone()), Some(good)),
            "stale" => (Some(expired()), Some(good)),
            "expired" => (Some(expired()), Some(expired())),
            "refused" => (Some(refused()), Some(refused())),
            _ => (None, None),
        };
        std::fs::create_dir_all(dir)?;
        for (name, token) in [("first", &first), ("refused", &others), ("session_over", &others)] {
            let file = dir.join(name);
            match token {
                // Put in place at once: the app may be reading.
                Some(token) => {
                    let new = dir.join("new");
                    std::fs::write(&new, token)?;
                    std::fs::rename(&new, &file)?;
                }
                None => match std::fs::remove_file(&file) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                },
            }
        }
        Ok(())
    }

    fn changed(&self, subject: &str, change: impl FnOnce(&mut serde_json::Value)) -> String {
        let mut token = self.issuer.claims(&self.tenant, subject, HOUR);
        change(&mut token.claims);
        self.issuer.sign(&token)
    }
}
