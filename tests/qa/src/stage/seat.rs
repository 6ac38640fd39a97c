//! An actor: files, vault, clock, tokens, a way to the relay, and a driver while the app runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use curo_types::ProfileId;
use serde_json::{Value, json};

use super::{Disk, Log, Trouble, WallClock, phone};
use crate::driver::{Answer, Driver, Launch};
use crate::error::Broken;
use crate::proxy::{Proxy, Weather};
use crate::relay::RelayProcess;
use crate::scenario::Actor;

/// How long one request of the app may take unless its actor says otherwise: as in an app.
const REQUEST_TIMEOUT_MS: u64 = 30_000;

pub(crate) struct Seat {
    pub(crate) actor: Actor,
    pub(crate) launch: Launch,
    pub(crate) log: Arc<Log>,
    keys: PathBuf,
    root: PathBuf,
    tokens: PathBuf,
    ca: PathBuf,
    proxy: Proxy,
    disk: Option<Disk>,
    driver: tokio::sync::Mutex<Option<Arc<Driver>>>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    profile: Option<String>,
    user: Option<String>,
    device: Option<String>,
    answers: Option<String>,
    weather: Option<Weather>,
    clock: WallClock,
    /// Conversations that this device has.
    seen: BTreeSet<String>,
}

impl Seat {
    pub(super) async fn new(
        actor: &Actor,
        launch: &Launch,
        phone: &Path,
        tokens: &Path,
        relay: &RelayProcess,
    ) -> Result<Self, Trouble> {
        let keys = phone.join("keys");
        std::fs::create_dir_all(&keys)?;
        let disk = actor
            .disk_mb
            .map(|size| Disk::mount(&phone.join("disk"), size))
            .transpose()?;
        let root = match disk {
            Some(_) => phone.join("disk").join("profiles"),
            None => phone.join("profiles"),
        };
        relay.issue(tokens, &actor.person, "good")?;
        Ok(Self {
            actor: actor.clone(),
            launch: launch.clone(),
            log: Arc::new(Log::default()),
            keys,
            root,
            tokens: tokens.to_owned(),
            ca: relay.root(),
            proxy: Proxy::to(relay.addr()).await?,
            disk,
            driver: tokio::sync::Mutex::default(),
            held: Mutex::default(),
        })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn driver(&self) -> Option<Arc<Driver>> {
        self.driver.lock().await.clone()
    }

    /// Starts the app's process, without opening anything.
    pub(crate) async fn start_process(&self) -> Result<Arc<Driver>, Trouble> {
        let clock = self.held().clock.clone();
        Ok(Arc::new(
            Driver::start(&self.launch, &clock, Arc::clone(&self.log)).await?,
        ))
    }

    /// Starts the app and opens its profile.
    pub(crate) async fn launch(&self) -> Result<Answer, Trouble> {
        let driver = self.start_process().await?;
        let profile = {
            let mut held = self.held();
            let profile = held.profile.get_or_insert_with(|| ProfileId::random().to_string());
            profile.clone()
        };
        let args = json!({
            "root": self.root,
            "keys": self.keys,
            "tokens": self.tokens,
            "relay": format!("https://{}", self.proxy.addr()),
            "ca": self.ca,
            "profile": profile,
            "mode": self.actor.vault,
            "answers": self.held().answers.clone().unwrap_or_else(|| "key".to_owned()),
            "request_timeout_ms": self.actor.request_timeout_ms.unwrap_or(REQUEST_TIMEOUT_MS),
            "idle_lock_ms": self.actor.idle_lock_ms,
        });
        let opened = driver.call("open", args, false).await?;
        if matches!(opened, Answer::Ok(_)) {
            *self.driver.lock().await = Some(driver);
        } else {
            driver.end().await?;
        }
        Ok(opened)
    }

    /// The app's profiles on this phone, as its list would show them.
    pub(crate) async fn profiles(&self) -> Result<Value, Trouble> {
        let driver = self.start_process().await?;
        let args = json!({ "root": self.root, "keys": self.keys, "mode": self.actor.vault });
        let found = driver.call("profiles", args, false).await?;
        driver.end().await?;
        match found {
            Answer::Ok(found) => Ok(found),
            other => Err(Trouble::Unmet(format!("the profiles cannot be listed: {other:?}"))),
        }
    }

    /// Asks the app, which must run.
    pub(crate) async fn ask(&self, verb: &str, args: Value, drop: bool) -> Result<Answer, Trouble> {
        let driver = self.driver().await;
        let driver = driver.ok_or_else(|| Broken::new(format!("{}'s app does not run", self.actor.name)))?;
        Ok(driver.call(verb, args, drop).await?)
    }

    /// As [`Seat::ask`], where the core has no reason to say no.
    pub(crate) async fn call(&self, verb: &str, args: Value) -> Result<Value, Trouble> {
        match self.ask(verb, args, false).await? {
            Answer::Ok(value) => Ok(value),
            Answer::Refused(code) => Err(Trouble::Unmet(format!("`{verb}` was refused: {code}"))),
            Answer::Dropped => Err(Broken::new(format!("`{verb}` was dropped unasked")).into()),
        }
    }

    /// Signs in and remembers who that is.
    pub(crate) async fn sign_in(&self) -> Result<Answer, Trouble> {
        let answer = self.ask("sign_in", json!({}), false).await?;
        if let Answer::Ok(account) = &answer {
            self.remember(account);
        }
        Ok(answer)
    }

    /// Asks the app whom its profile belongs to, and remembers it.
    pub(crate) async fn learn(&self) -> Result<(), Trouble> {
        let account = self.call("account", json!({})).await?;
        self.remember(&account);
        Ok(())
    }

    fn remember(&self, account: &Value) {
        let mut held = self.held();
        held.user = account["user"].as_str().map(str::to_owned).or(held.user.take());
        held.device = account["device"].as_str().map(str::to_owned).or(held.device.take());
    }

    pub(crate) fn user(&self) -> Result<String, Trouble> {
        let user = self.held().user.clone();
        user.ok_or_else(|| Trouble::Unmet(format!("{} has never signed in", self.actor.name)))
    }

    pub(crate) fn device(&self) -> Result<String, Trouble> {
        let device = self.held().device.clone();
        device.ok_or_else(|| Trouble::Unmet(format!("{} has never signed in", self.actor.name)))
    }

    pub(crate) fn has_seen(&self, conversation: &str) -> bool {
        self.held().seen.contains(conversation)
    }

    pub(crate) fn saw(&self, conversation: &str) {
        self.held().seen.insert(conversation.to_owned());
    }

    /// The process is killed at whatever instruction it is.
    pub(crate) async fn kill(&self) -> Result<(), Trouble> {
        if let Some(driver) = self.driver.lock().await.take() {
            driver.kill().await?;
        }
        Ok(())
    }

    /// The app is closed in good order.
    pub(crate) async fn quit(&self) -> Result<(), Trouble> {
        self.call("close", json!({})).await?;
        self.gone().await
    }

    /// The process ends; nothing is left to be closed.
    pub(crate) async fn gone(&self) -> Result<(), Trouble> {
        if let Some(driver) = self.driver.lock().await.take() {
            driver.end().await?;
        }
        Ok(())
    }

    /// Its person has signed out: the next one to start this is somebody new.
    pub(crate) async fn signed_out(&self) -> Result<(), Trouble> {
        self.gone().await?;
        let mut held = self.held();
        held.profile = None;
        held.device = None;
        held.seen.clear();
        Ok(())
    }

    pub(crate) fn set_weather(&self, weather: Weather) {
        self.held().weather = Some(weather);
        self.proxy.set(weather);
    }

    pub(crate) fn issue(&self, relay: &RelayProcess, kind: &str) -> Result<(), Trouble> {
        Ok(relay.issue(&self.tokens, &self.actor.person, kind)?)
    }

    pub(crate) async fn set_vault(&self, answers: &str) -> Result<(), Trouble> {
        self.held().answers = Some(answers.to_owned());
        if self.driver().await.is_some() {
            self.call("vault", json!({ "answers": answers })).await?;
        }
        Ok(())
    }

    /// How many days the device's wall clock is off when the app is started next.
    pub(crate) fn turn_clock(&self, days: i64) -> Result<(), Trouble> {
        self.held().clock = WallClock::off(days)?;
        Ok(())
    }

    /// Puts another wrapping key in the place of the vault's, or the right one back.
    pub(crate) fn set_key(&self, right: bool) -> Result<(), Trouble> {
        let (key, kept) = (self.keys.join("wrapping.key"), self.keys.join("wrapping.kept"));
        if right {
            return Ok(std::fs::rename(kept, key)?);
        }
        std::fs::rename(&key, kept)?;
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|_| Broken::new("no randomness"))?;
        Ok(curo_kit::write_private(&key, &random)?)
    }

    /// Keeps a copy of the app's files, or sets them back to it.
    pub(crate) async fn set_back(&self, restored: bool) -> Result<(), Trouble> {
        if self.driver().await.is_some() {
            return Err(Broken::new(format!("{}'s app runs", self.actor.name)).into());
        }
        let act = if restored { phone::restore } else { phone::save };
        Ok(act(&self.root)?)
    }

    pub(crate) const fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }
}
