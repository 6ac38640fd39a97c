//! Pushes: wakes devices that have no live stream, through the operator's push gateway, which talks to the platforms.
//!
//! A push bears the device's target and random token and nothing else. It is a hint: whoever is woken reads the store, so a
//! lost push costs time, never a message. Everything is bounded: the queue, the requests at once, the attempts; one push for a
//! device is under way at a time, and what comes meanwhile is one more.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use curo_types::{Blob, DeviceId, TenantId};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use crate::config::PushConfig;
use crate::failpoints;
use crate::hub::Hub;
use crate::state::AppState;
use crate::storage::{PushTarget, StorageError};

/// Devices that may wait for their push.
const QUEUE: usize = 4096;
/// Requests to the gateway at once.
const AT_ONCE: usize = 32;
/// Attempts for one push; the waits between them double.
const ATTEMPTS: u32 = 3;

type Key = (TenantId, DeviceId);

/// Takes the names of devices that have something to read.
#[derive(Default)]
pub(crate) struct Pushes {
    queue: OnceLock<mpsc::Sender<Key>>,
}

impl Pushes {
    /// Whether there is a gateway.
    pub(crate) fn is_active(&self) -> bool {
        self.queue.get().is_some()
    }

    /// Wakes those of the devices that have no live stream. Never waits: what does not fit is dropped and counted.
    pub(crate) fn wake(&self, hub: &Hub, tenant: &TenantId, devices: &[DeviceId]) {
        let Some(queue) = self.queue.get() else { return };
        for device in devices {
            if !hub.is_live(tenant, *device) && queue.try_send((tenant.clone(), *device)).is_err() {
                tracing::warn!(%tenant, "the queue of pushes is full");
                return;
            }
        }
    }

    /// Sends pushes from now on; the task ends with the relay.
    pub(crate) fn start(app: &Arc<AppState>, gateway: Gateway) -> tokio::task::JoinHandle<()> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        // A relay starts once.
        let _ = app.push.queue.set(queue);
        tokio::spawn(run(Arc::downgrade(app), Arc::new(gateway), waiting))
    }
}

async fn run(app: Weak<AppState>, gateway: Arc<Gateway>, mut waiting: mpsc::Receiver<Key>) {
    let mut sending = JoinSet::new();
    // Under way; true: once more afterwards.
    let mut busy: HashMap<Key, bool> = HashMap::new();
    loop {
        let next = tokio::select! {
            key = waiting.recv(), if sending.len() < AT_ONCE => match key {
                Some(key) => Some(key),
                None => return,
            },
            Some(done) = sending.join_next(), if !sending.is_empty() => match done {
                Ok(key) => busy.remove(&key).unwrap_or(false).then_some(key),
                // A panic: nobody knows whose. What is lost is a hint.
                Err(_) => {
                    busy.clear();
                    None
                }
            },
        };
        let Some(key) = next else { continue };
        if let Some(again) = busy.get_mut(&key) {
            *again = true;
            continue;
        }
        busy.insert(key.clone(), false);
        let (app, gateway) = (app.clone(), Arc::clone(&gateway));
        sending.spawn(async move {
            push(&app, &gateway, &key).await;
            key
        });
    }
}

/// One push for one device, if it has a registration.
async fn push(app: &Weak<AppState>, gateway: &Gateway, key: &Key) {
    let (tenant, device) = key;
    let Some(strong) = app.upgrade() else { return };
    let targets = strong.storage.push_targets(tenant, &[*device]).await;
    drop(strong);
    let target = match targets {
        Ok(mut targets) => targets.pop(),
        Err(error) => {
            tracing::warn!(%tenant, %error, "a push target was not read");
            return;
        }
    };
    let Some((_, target)) = target else { return };
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(gateway.wait * 2_u32.pow(attempt - 1)).await;
        }
        let sent = match failpoints::pass(failpoints::PUSH_BEFORE_SEND) {
            Ok(()) => gateway.send(&target).await,
            Err(_) => Sent::Again(0),
        };
        let sent = failpoints::pass(failpoints::PUSH_AFTER_SEND).map_or(Sent::Again(0), |()| sent);
        match sent {
            Sent::Taken => return,
            Sent::Again(status) => tracing::warn!(%tenant, status, attempt, "the push gateway did not take a push"),
            Sent::Refused(status) => {
                tracing::warn!(%tenant, status, "the push gateway refused a push");
                return;
            }
            Sent::Gone => {
                let Some(app) = app.upgrade() else { return };
                if let Err(error) = forget(&app, tenant, *device, &target).await {
                    // The next push for it hears the same.
                    tracing::warn!(%tenant, %error, "a push target was not forgotten");
                }
                return;
            }
        }
    }
}

/// The installation is gone: nobody is woken there any more, unless the device has named another target meanwhile.
async fn forget(app: &AppState, tenant: &TenantId, device: DeviceId, target: &PushTarget) -> Result<(), StorageError> {
    failpoints::pass(failpoints::PUSH_BEFORE_FORGET)?;
    app.storage.forget_push(tenant, device, target).await?;
    failpoints::pass(failpoints::PUSH_AFTER_FORGET)
}

/// What the gateway made of a push. Statuses are 0 where there was none.
enum Sent {
    Taken,
    Again(u16),
    Refused(u16),
    /// The installation is gone.
    Gone,
}

/// The operator's push gateway.
pub(crate) struct Gateway {
    http: reqwest::Client,
    url: String,
    /// What the relay proves itself with; marked, so that no library prints it.
    bearer: Option<HeaderValue>,
    wait: Duration,
}

/// The body of a push. There is nothing more to say.
#[derive(Serialize)]
struct Body<'a> {
    target: &'a str,
    token: Blob,
}

impl Gateway {
    /// Does not connect yet.
    pub(crate) fn new(config: &PushConfig) -> Result<Self, crate::auth::JwksError> {
        let bearer = config.token.as_ref().and_then(|token| {
            // A token has no character that a header could not have.
            let text = Zeroizing::new(format!("Bearer {}", token.expose()));
            let mut value = HeaderValue::from_str(&text).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        Ok(Self {
            bearer,
            http: crate::auth::outward_client(&config.gateway, config.ca.as_deref(), config.timeout)?,
            url: config.gateway.clone(),
            wait: config.retry_wait,
        })
    }

    async fn send(&self, target: &PushTarget) -> Sent {
        let body = Body {
            target: &target.target,
            token: Blob(target.token.to_vec()),
        };
        let mut request = self.http.post(&self.url).json(&body);
        if let Some(bearer) = &self.bearer {
            request = request.header(AUTHORIZATION, bearer.clone());
        }
        match request.send().await {
            Err(_) => Sent::Again(0),
            Ok(answer) => match answer.status().as_u16() {
                200..=299 => Sent::Taken,
                // Not 404: a gateway that moved would end every registration, and no device would know.
                410 => Sent::Gone,
                status @ (408 | 429 | 500..=599) => Sent::Again(status),
                status => Sent::Refused(status),
            },
        }
    }
}
