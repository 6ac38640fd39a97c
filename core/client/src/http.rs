//! HTTPS to the relay: one connection pool an account, TLS 1.2 or later with bundled web roots and the app's own, tokens
//! refreshed once per refusal, answers bounded.
//!
//! Knows JSON and problem documents, nothing of conversations; the typed calls stand in `http::calls`.

mod answer;
mod calls;
mod failure;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod pool;
mod stream;
#[cfg(test)]
mod tests;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use curo_types::api::ClientVersion;
use curo_types::format::{AccessContext, RequestContext};
use curo_types::{DeviceId, ErrorCode};
use reqwest::{Method, Url, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, RwLock, watch};

use crate::error::Fault;
use crate::options::ClientOptions;
use crate::recent::Recent;
use crate::token::{AccessToken, TokenProvider, TokenReason};
use pool::{Connections, Pool, Sent, Timings};

pub(crate) use stream::EventStream;

const STREAM_PATH: &str = "/v1/stream";
const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a request is made, if the app has said so.
type Access<'a> = Option<&'a AccessContext>;

/// The token in use, and what the next one is asked for.
#[derive(Default)]
struct Held {
    token: Option<AccessToken>,
    session_over: bool,
}

/// The relay's address: `https`, a host, at most a port.
pub(crate) fn address(text: &str) -> Result<Url, Fault> {
    let invalid = || Fault::Code(ErrorCode::INVALID_ARGUMENT);
    let base = Url::parse(text).map_err(|_| invalid())?;
    if base.scheme() != "https" || base.path() != "/" || base.query().is_some() || base.fragment().is_some() {
        return Err(invalid());
    }
    Ok(base)
}

/// The relay, as one account sees it.
pub(crate) struct Relay {
    pool: Pool,
    base: Url,
    timeout: Duration,
    tokens: Arc<dyn TokenProvider>,
    token: Mutex<Held>,
    device: RwLock<Option<DeviceId>>,
    /// What went wrong last, for diagnostics.
    pub(crate) recent: Recent,
}

impl Relay {
    pub(crate) fn new(options: &ClientOptions, tokens: Arc<dyn TokenProvider>) -> Result<Self, Fault> {
        let timings = Timings {
            connect: options.connect_timeout,
            ping_every: Duration::from_secs(20),
            ping_answer: Duration::from_secs(10),
            silence: stream::SILENCE,
        };
        Self::with_timings(options, tokens, timings)
    }

    fn with_timings(options: &ClientOptions, tokens: Arc<dyn TokenProvider>, timings: Timings) -> Result<Self, Fault> {
        let base = address(&options.relay)?;
        Ok(Self {
            pool: Pool::new(options, timings)?,
            base,
            timeout: options.request_timeout,
            tokens,
            token: Mutex::new(Held::default()),
            device: RwLock::new(None),
            recent: Recent::default(),
        })
    }

    /// Gives up every connection; requests that wait for an answer go again on a new one.
    pub(crate) fn network_changed(&self) {
        self.pool.network_changed();
    }

    /// Another value with every [`Relay::network_changed`].
    pub(crate) fn network_changes(&self) -> watch::Receiver<Arc<Connections>> {
        self.pool.changes()
    }

    /// `2` for HTTP/2, `1` for HTTP/1.1, 0 before the first answer.
    pub(crate) fn http_version(&self) -> u8 {
        self.pool.http_version()
    }

    /// From now on requests name this device.
    pub(crate) async fn set_device(&self, device: DeviceId) {
        *self.device.write().await = Some(device);
    }

    /// Forgets the token, so that the next request asks the app for one.
    pub(crate) async fn forget_token(&self) {
        self.token.lock().await.token = None;
    }

    /// As [`Relay::forget_token`]: the next one must come from a person who has authenticated anew.
    pub(crate) async fn ask_person(&self) {
        *self.token.lock().await = Held {
            token: None,
            session_over: true,
        };
    }

    async fn token(&self, refused: Option<&AccessToken>) -> Result<AccessToken, Fault> {
        let mut held = self.token.lock().await;
        let reason = match (&held.token, refused) {
            // Somebody else has refreshed it in the meantime.
            (Some(token), Some(refused)) if token.expose() != refused.expose() => {
                return Ok(token.clone());
            }
            (Some(token), None) => return Ok(token.clone()),
            (_, Some(_)) => TokenReason::Refused,
            (None, None) if held.session_over => TokenReason::SessionOver,
            (None, None) => TokenReason::First,
        };
        let token = tokio::time::timeout(TOKEN_TIMEOUT, self.tokens.token(reason)).await;
        let token = token
            .ok()
            .and_then(Result::ok)
            .ok_or(Fault::Code(ErrorCode::SIGN_IN_NEEDED))?;
        *held = Held {
            token: Some(token.clone()),
            session_over: false,
        };
        Ok(token)
    }

    fn url(&self, path: &str) -> Result<Url, Fault> {
        self.base.join(path).map_err(|_| Fault::BadRelay("address"))
    }

    /// Sends a request and notes what goes wrong.
    async fn send(&self, method: Method, url: Url, body: Option<Vec<u8>>, access: Access<'_>) -> Result<Sent, Fault> {
        let sent = self.send_with_token(method, url, body, access).await;
        if let Err(fault) = &sent {
            self.recent.note("request", &fault.code());
        }
        sent
    }

    /// Sends a request, with a fresh token if the first one is refused as expired. What comes back is the relay's.
    async fn send_with_token(
        &self,
        method: Method,
        url: Url,
        body: Option<Vec<u8>>,
        access: Access<'_>,
    ) -> Result<Sent, Fault> {
        let body = body.map(bytes::Bytes::from);
        let is_stream = url.path() == STREAM_PATH;
        let mut refused = None;
        loop {
            let token = self.token(refused.as_ref()).await?;
            let mut context = RequestContext::new(*self.device.read().await);
            if let Some(access) = access {
                context = context.with_access(access);
            }
            let context = context.to_header();
            let sending = self.pool.send(|http| {
                let mut request = http
                    .request(method.clone(), url.clone())
                    .bearer_auth(token.expose())
                    .header(RequestContext::HEADER, context.as_str())
                    .header(ClientVersion::HEADER, env!("CARGO_PKG_VERSION"))
                    .header(header::ACCEPT, "application/json");
                if !is_stream {
                    request = request.timeout(self.timeout);
                }
                if let Some(body) = &body {
                    request = request
                        .header(header::CONTENT_TYPE, "application/json")
                        .body(body.clone());
                }
                request
            });
            let sent = if is_stream {
                // Open for ever, but not for ever on its way.
                let opened = tokio::time::timeout(self.timeout, sending).await;
                opened.map_err(|_| Fault::Offline("time-out"))??
            } else {
                sending.await?
            };
            if sent.response.status().is_success() {
                if answer::is_relay(&sent.response) {
                    return Ok(sent);
                }
                return Err(Fault::Code(ErrorCode::CAPTIVE_PORTAL));
            }
            let reading = sent.read(answer::read_problem);
            let problem = tokio::time::timeout(self.timeout, reading).await;
            let problem = problem.map_err(|_| Fault::Offline("time-out"))??;
            let expired = problem.code == ErrorCode::TOKEN_EXPIRED || problem.code == ErrorCode::UNAUTHENTICATED;
            if !expired || refused.is_some() {
                if problem.code == ErrorCode::UNAUTHENTICATED {
                    return Err(Fault::Code(ErrorCode::SIGN_IN_NEEDED));
                }
                return Err(problem.into());
            }
            refused = Some(token);
        }
    }

    async fn call<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        access: Access<'_>,
    ) -> Result<A, Fault> {
        let sent = self.send(method, self.url(path)?, body, access).await?;
        let bytes = sent.read(answer::read_bounded).await.inspect_err(|fault| {
            self.recent.note("answer", &fault.code());
        })?;
        serde_json::from_slice(&bytes).map_err(|_| Fault::BadRelay("answer"))
    }

    async fn post<A: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<A, Fault> {
        self.post_in(path, body, None).await
    }

    /// Posts what somebody administers, with the reason that the app has given.
    async fn post_in<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        access: Access<'_>,
    ) -> Result<A, Fault> {
        let body = serde_json::to_vec(body).map_err(|_| Fault::Code(ErrorCode::INVALID_ARGUMENT))?;
        self.call(Method::POST, path, Some(body), access).await
    }

    async fn put<A: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<A, Fault> {
        let body = serde_json::to_vec(body).map_err(|_| Fault::Code(ErrorCode::INVALID_ARGUMENT))?;
        self.call(Method::PUT, path, Some(body), None).await
    }

    async fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A, Fault> {
        self.call(Method::GET, path, None, None).await
    }

    async fn open_stream(&self, token: &str, inbox_ack: u64) -> Result<EventStream, Fault> {
        let mut url = self.url(STREAM_PATH)?;
        url.query_pairs_mut()
            .append_pair("token", token)
            .append_pair("inbox_ack", &inbox_ack.to_string());
        let sent = self.send(Method::GET, url, None, None).await?;
        let silence = self.pool.timings().silence;
        Ok(EventStream::new(sent.response, silence, sent.over))
    }
}
