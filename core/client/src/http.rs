//! HTTPS to the relay: one connection pool an account, TLS 1.2 or later with bundled web roots and the app's own, tokens
//! refreshed once per refusal, answers bounded.
//!
//! Knows JSON and problem documents, nothing of conversations; the typed calls stand in `http::calls`.

mod calls;
mod stream;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use curo_types::api::{Problem, limits};
use curo_types::format::RequestContext;
use curo_types::{DeviceId, ErrorCode};
use futures_util::StreamExt as _;
use reqwest::{Method, Response, StatusCode, Url, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, RwLock};

use crate::error::Fault;
use crate::options::ClientOptions;
use crate::token::{AccessToken, TokenProvider, TokenReason};

pub(crate) use stream::EventStream;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);

/// The relay, as one account sees it.
pub(crate) struct Relay {
    http: reqwest::Client,
    base: Url,
    timeout: Duration,
    tokens: Arc<dyn TokenProvider>,
    token: Mutex<Option<AccessToken>>,
    context: RwLock<String>,
}

impl Relay {
    pub(crate) fn new(options: &ClientOptions, tokens: Arc<dyn TokenProvider>) -> Result<Self, Fault> {
        let invalid = || Fault::Code(ErrorCode::INVALID_ARGUMENT);
        let base = Url::parse(&options.relay).map_err(|_| invalid())?;
        if base.scheme() != "https" || base.path() != "/" || base.query().is_some() || base.fragment().is_some() {
            return Err(invalid());
        }
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(&options.extra_roots)?)
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .http2_keep_alive_while_idle(false)
            .build()
            .map_err(|_| invalid())?;
        Ok(Self {
            http,
            base,
            timeout: options.request_timeout,
            tokens,
            token: Mutex::new(None),
            context: RwLock::new(RequestContext::new(None).to_header()),
        })
    }

    /// From now on requests name this device.
    pub(crate) async fn set_device(&self, device: DeviceId) {
        *self.context.write().await = RequestContext::new(Some(device)).to_header();
    }

    /// Forgets the token, so that the next request asks the app for one.
    pub(crate) async fn forget_token(&self) {
        *self.token.lock().await = None;
    }

    async fn token(&self, refused: Option<&AccessToken>) -> Result<AccessToken, Fault> {
        let mut held = self.token.lock().await;
        let reason = match (&*held, refused) {
            // Somebody else has refreshed it in the meantime.
            (Some(token), Some(refused)) if token.expose() != refused.expose() => {
                return Ok(token.clone());
            }
            (Some(token), None) => return Ok(token.clone()),
            (_, Some(_)) => TokenReason::Refused,
            (None, None) => TokenReason::First,
        };
        let token = tokio::time::timeout(TOKEN_TIMEOUT, self.tokens.token(reason)).await;
        let token = token
            .ok()
            .and_then(Result::ok)
            .ok_or(Fault::Code(ErrorCode::SIGN_IN_NEEDED))?;
        *held = Some(token.clone());
        Ok(token)
    }

    fn url(&self, path: &str) -> Result<Url, Fault> {
        self.base.join(path).map_err(|_| Fault::BadRelay("address"))
    }

    /// Sends a request, with a fresh token if the first one is refused as expired.
    async fn send(&self, method: Method, url: Url, body: Option<Vec<u8>>, timed: bool) -> Result<Response, Fault> {
        let body = body.map(bytes::Bytes::from);
        let mut refused = None;
        loop {
            let token = self.token(refused.as_ref()).await?;
            let mut request = self
                .http
                .request(method.clone(), url.clone())
                .bearer_auth(token.expose())
                .header(RequestContext::HEADER, self.context.read().await.clone())
                .header(header::ACCEPT, "application/json");
            if timed {
                request = request.timeout(self.timeout);
            }
            if let Some(body) = &body {
                request = request
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(body.clone());
            }
            let response = request.send().await.map_err(|error| offline(&error))?;
            if response.status().is_success() {
                return Ok(response);
            }
            let problem = read_problem(response).await?;
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

    async fn call<A: DeserializeOwned>(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<A, Fault> {
        let response = self.send(method, self.url(path)?, body, true).await?;
        let bytes = read_bounded(response).await?;
        serde_json::from_slice(&bytes).map_err(|_| Fault::BadRelay("answer"))
    }

    async fn post<A: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<A, Fault> {
        let body = serde_json::to_vec(body).map_err(|_| Fault::Code(ErrorCode::INVALID_ARGUMENT))?;
        self.call(Method::POST, path, Some(body)).await
    }

    async fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A, Fault> {
        self.call(Method::GET, path, None).await
    }
}

/// A body of at most [`limits::ANSWER_BYTES`].
async fn read_bounded(response: Response) -> Result<Vec<u8>, Fault> {
    let too_large = || Fault::BadRelay("answer too large");
    let announced = response.content_length().unwrap_or(0);
    if announced > limits::ANSWER_BYTES as u64 {
        return Err(too_large());
    }
    let mut body = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| offline(&error))?;
        if body.len() + chunk.len() > limits::ANSWER_BYTES {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The problem document of a refusal; whatever else answered is not the relay.
async fn read_problem(response: Response) -> Result<Problem, Fault> {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
        .map(|seconds| seconds.min(3600) * 1000);
    let body = read_bounded(response).await?;
    if let Ok(mut problem) = serde_json::from_slice::<Problem>(&body) {
        problem.retry_after_ms = problem.retry_after_ms.or(retry_after);
        return Ok(problem);
    }
    // A load balancer in front of the relay has its own way to say that it is overloaded.
    match status {
        StatusCode::TOO_MANY_REQUESTS => Ok(Problem {
            retry_after_ms: retry_after,
            ..Problem::new(ErrorCode::RATE_LIMITED)
        }),
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Ok(Problem {
            retry_after_ms: retry_after,
            ..Problem::new(ErrorCode::UNAVAILABLE)
        }),
        _ => Err(Fault::BadRelay("refusal without problem document")),
    }
}

/// Only the class of a transport error is kept: its text may hold addresses.
fn offline(error: &reqwest::Error) -> Fault {
    Fault::Offline(if error.is_timeout() {
        "time-out"
    } else if error.is_connect() {
        "no connection"
    } else {
        "connection broke"
    })
}
