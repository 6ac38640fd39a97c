//! The connections of one account: one over HTTP/2, dropped as a whole when the network changes.
//!
//! Knows requests and answers as bytes on the way; what they mean stands in `http`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use curo_types::ErrorCode;
use reqwest::{Client, RequestBuilder, Response, Version};
use rustls::ClientConfig;
use tokio::sync::{Mutex, watch};

use super::failure::{Unreached, unreached};
use super::tls;
use crate::error::Fault;
use crate::options::ClientOptions;

/// How long things may take before they count as dead. Apps choose the first; tests choose all.
#[derive(Clone, Copy)]
pub(crate) struct Timings {
    pub(crate) connect: Duration,
    /// HTTP/2 pings (RFC 9113 section 6.7) while something is open, so always while the live stream is.
    pub(crate) ping_every: Duration,
    pub(crate) ping_answer: Duration,
    /// Silence of the live stream.
    pub(crate) silence: Duration,
}

pub(super) struct Pool {
    tls: ClientConfig,
    proxy: Option<reqwest::Proxy>,
    timings: Timings,
    current: watch::Sender<Arc<Connections>>,
    version: AtomicU8,
}

/// The connections between two changes of the network. What is known of them lives and goes with them, so that nothing
/// that comes late from old ones is taken for news of the new ones.
pub(crate) struct Connections {
    client: Client,
    /// One was open when last seen.
    open: AtomicBool,
    /// Whoever finds none open opens it alone; the others wait and share what becomes of it: the connection, or the
    /// failure. Else they would try one after the other, each until its time-out.
    opening: Mutex<Option<Unreached>>,
    failures: AtomicU64,
}

impl Connections {
    fn new(client: Client) -> Arc<Self> {
        Arc::new(Self {
            client,
            open: AtomicBool::new(false),
            opening: Mutex::new(None),
            failures: AtomicU64::new(0),
        })
    }

    /// The connection may be gone: the next request tries it alone.
    pub(super) fn doubtful(&self) {
        self.open.store(false, Ordering::Release);
    }

    async fn send(&self, request: impl Fn(&Client) -> RequestBuilder) -> Result<Response, Unreached> {
        let failures = self.failures.load(Ordering::Acquire);
        let mut alone = None;
        if !self.open.load(Ordering::Acquire) {
            let guard = self.opening.lock().await;
            if let Some(unreached) = *guard
                && self.failures.load(Ordering::Acquire) != failures
            {
                return Err(unreached);
            }
            // Somebody else may have opened it meanwhile.
            alone = (!self.open.load(Ordering::Acquire)).then_some(guard);
            // A background task that a change of the network is about to drop is dropped here, before it has begun to
            // connect: dropped later, it would leave half a connection behind.
            tokio::task::yield_now().await;
        }
        match request(&self.client).send().await {
            Ok(response) => {
                self.open.store(true, Ordering::Release);
                Ok(response)
            }
            Err(error) => {
                self.doubtful();
                let unreached = unreached(&error);
                if let Some(shared) = &mut alone {
                    **shared = Some(unreached);
                    self.failures.fetch_add(1, Ordering::Release);
                }
                Err(unreached)
            }
        }
    }
}

/// An answer whose body is still to come, unless the network changes.
pub(super) struct Sent {
    pub(super) response: Response,
    pub(super) over: Arc<Connections>,
    changes: watch::Receiver<Arc<Connections>>,
}

impl Sent {
    /// Reads it with `read`, for as long as the network stays.
    pub(super) async fn read<T, R: Future<Output = Result<T, Fault>>>(
        mut self,
        read: impl FnOnce(Response) -> R,
    ) -> Result<T, Fault> {
        tokio::select! {
            read = read(self.response) => read.inspect_err(|_| self.over.doubtful()),
            _ = self.changes.changed() => Err(Fault::Offline("network changed")),
        }
    }
}

impl Pool {
    pub(super) fn new(options: &ClientOptions, timings: Timings) -> Result<Self, Fault> {
        let tls = tls::client_config(options)?;
        let proxy = options.proxy.as_ref().map(crate::Proxy::for_https).transpose()?;
        let client = build(tls.clone(), proxy.clone(), timings)?;
        Ok(Self {
            tls,
            proxy,
            timings,
            current: watch::Sender::new(Connections::new(client)),
            version: AtomicU8::new(0),
        })
    }

    pub(super) const fn timings(&self) -> Timings {
        self.timings
    }

    /// Another value with every change of the network.
    pub(super) fn changes(&self) -> watch::Receiver<Arc<Connections>> {
        self.current.subscribe()
    }

    /// `2` for HTTP/2, `1` for HTTP/1.1, 0 before the first answer.
    pub(super) fn http_version(&self) -> u8 {
        self.version.load(Ordering::Relaxed)
    }

    /// Gives up every connection: what waits for an answer is sent again on a new one.
    pub(super) fn network_changed(&self) {
        // It was built once from the same parts; if it cannot be now, the old connections find out by themselves.
        if let Ok(fresh) = build(self.tls.clone(), self.proxy.clone(), self.timings) {
            self.current.send_replace(Connections::new(fresh));
        }
    }

    /// Sends what `request` makes and returns the answer's head. Repeated on a change of the network, so requests must bear that.
    pub(super) async fn send(&self, request: impl Fn(&Client) -> RequestBuilder) -> Result<Sent, Fault> {
        let mut changes = self.current.subscribe();
        loop {
            let over = Arc::clone(&changes.borrow_and_update());
            let response = tokio::select! {
                biased;
                _ = changes.changed() => continue,
                sent = over.send(&request) => sent?,
            };
            let version = if response.version() == Version::HTTP_2 { 2 } else { 1 };
            self.version.store(version, Ordering::Relaxed);
            return Ok(Sent {
                response,
                over,
                changes,
            });
        }
    }
}

fn build(tls: ClientConfig, proxy: Option<reqwest::Proxy>, timings: Timings) -> Result<Client, Fault> {
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(true)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(timings.connect)
        .http2_keep_alive_interval(timings.ping_every)
        .http2_keep_alive_timeout(timings.ping_answer)
        .http2_keep_alive_while_idle(false);
    if let Some(proxy) = proxy {
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|_| Fault::Code(ErrorCode::INVALID_ARGUMENT))
}
