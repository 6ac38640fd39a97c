//! A relay that lies: an HTTPS server between one client and the real relay that sees, holds, loses, refuses and rewrites
//! what passes. It has the relay's certificate and nothing else of it, so it cannot sign.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum_server::tls_rustls::RustlsConfig;
use curo::ClientOptions;
use curo_kit::{Person, TestRelay};
use curo_types::format::RequestContext;
use futures_util::{StreamExt as _, stream};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::api;

/// What a client asks.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    pub path: String,
    pub query: Option<String>,
    /// `Null` without a body.
    pub body: Value,
    headers: HeaderMap,
}

impl Call {
    /// What the client says of itself.
    pub fn context(&self) -> RequestContext {
        let value = self.headers.get(RequestContext::HEADER).unwrap();
        RequestContext::from_header(value.to_str().unwrap()).unwrap()
    }

    /// Whether the path contains `part` or, for a part that starts with `=`, is the rest of it.
    pub fn is(&self, part: &str) -> bool {
        match part.strip_prefix('=') {
            Some(whole) => self.path == whole,
            None => self.path.contains(part),
        }
    }
}

/// What the client gets: a whole answer, or one line of the live stream.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Payload,
}

#[derive(Clone, Debug)]
pub enum Payload {
    Json(Value),
    Bytes(Vec<u8>),
    /// These bytes again and again.
    Endless(Vec<u8>),
    /// The connection breaks; a line of the stream is left out.
    Lost,
}

impl Reply {
    pub fn json(status: u16, json: Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self {
            status,
            headers,
            body: Payload::Json(json),
        }
    }

    pub fn bytes(status: u16, media: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", media.to_owned())];
        Self {
            status,
            headers,
            body: Payload::Bytes(bytes.into()),
        }
    }

    pub fn problem(code: &str) -> Self {
        let problem = curo_types::api::Problem::new(curo::ErrorCode::from(code.to_owned()));
        let status = if problem.status == 0 { 422 } else { problem.status };
        Self::json(status, serde_json::to_value(problem).unwrap())
    }

    pub fn lost() -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: Payload::Lost,
        }
    }

    /// The answer's JSON; `Null` where there is none.
    pub fn value(&mut self) -> &mut Value {
        if !matches!(self.body, Payload::Json(_)) {
            self.body = Payload::Json(Value::Null);
        }
        match &mut self.body {
            Payload::Json(value) => value,
            _ => unreachable!("set above"),
        }
    }

    fn into_response(self) -> Response {
        let body = match self.body {
            Payload::Json(json) => Body::from(serde_json::to_vec(&json).unwrap()),
            Payload::Bytes(bytes) => Body::from(bytes),
            Payload::Endless(bytes) => {
                let bytes = Bytes::from(bytes);
                Body::from_stream(stream::repeat_with(move || Ok::<_, std::io::Error>(bytes.clone())))
            }
            Payload::Lost => Body::from_stream(stream::iter([Err::<Bytes, _>(std::io::Error::other("lost"))])),
        };
        let mut response = (StatusCode::from_u16(self.status).unwrap(), body).into_response();
        for (name, value) in self.headers {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        response
    }
}

/// A call that was answered.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub path: String,
    pub request: Value,
    pub status: u16,
    pub answer: Value,
}

type Before = dyn Fn(&mut Call) -> Option<Reply> + Send + Sync;
type After = dyn Fn(&Call, &mut Reply) + Send + Sync;

struct Held {
    part: &'static str,
    arrived: watch::Sender<usize>,
    open: watch::Receiver<bool>,
}

struct Shared {
    upstream: String,
    http: reqwest::Client,
    before: Mutex<Arc<Before>>,
    after: Mutex<Arc<After>>,
    held: Mutex<Vec<Arc<Held>>>,
    exchanges: watch::Sender<Vec<Exchange>>,
}

/// Calls that wait between client and relay. They go on when it is dropped.
pub struct Gate {
    arrived: watch::Receiver<usize>,
    _open: watch::Sender<bool>,
}

impl Gate {
    /// Waits until a call stands here.
    pub async fn arrived(&mut self) {
        self.arrived.wait_for(|calls| *calls > 0).await.unwrap();
    }
}

pub struct Mitm {
    addr: SocketAddr,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

impl Mitm {
    /// Stands before `relay`; honest at first.
    pub async fn before(relay: &TestRelay) -> Self {
        let shared = Arc::new(Shared {
            upstream: relay.url(),
            http: api::http(relay),
            before: Mutex::new(Arc::new(|_| None)),
            after: Mutex::new(Arc::new(|_, _| {})),
            held: Mutex::default(),
            exchanges: watch::Sender::new(Vec::new()),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let server =
            axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(tls(relay.tls())))).unwrap();
        let server = tokio::spawn(async move { server.serve(app.into_make_service()).await.unwrap() });
        Self { addr, shared, server }
    }

    /// Does something to each call before the relay sees it; an answer keeps it from the relay.
    pub fn before_relay(&self, f: impl Fn(&mut Call) -> Option<Reply> + Send + Sync + 'static) {
        *self.shared.before.lock().unwrap() = Arc::new(f);
    }

    /// Does something to each answer of the relay, and to each line of the live stream.
    pub fn after_relay(&self, f: impl Fn(&Call, &mut Reply) + Send + Sync + 'static) {
        *self.shared.after.lock().unwrap() = Arc::new(f);
    }

    /// From now on it only passes things on.
    pub fn honest(&self) {
        self.before_relay(|_| None);
        self.after_relay(|_, _| {});
    }

    /// Holds every call whose path contains `part`.
    pub fn hold(&self, part: &'static str) -> Gate {
        let (arrived, arrivals) = watch::channel(0);
        let (open, opened) = watch::channel(false);
        self.shared.held.lock().unwrap().push(Arc::new(Held {
            part,
            arrived,
            open: opened,
        }));
        Gate {
            arrived: arrivals,
            _open: open,
        }
    }

    /// The answered calls whose path contains `part`.
    pub fn exchanges(&self, part: &str) -> Vec<Exchange> {
        self.shared
            .exchanges
            .borrow()
            .iter()
            .filter(|one| one.path.contains(part))
            .cloned()
            .collect()
    }

    /// Waits until an exchange is as wanted.
    pub async fn until(&self, wanted: impl Fn(&Exchange) -> bool) {
        let mut exchanges = self.shared.exchanges.subscribe();
        let seen = exchanges.wait_for(|all| all.iter().any(&wanted));
        tokio::time::timeout(crate::SOON, seen)
            .await
            .expect("no such exchange")
            .unwrap();
    }

    /// Waits until `n` more calls than now were answered whose path contains `part`.
    pub async fn until_more(&self, part: &str, n: usize) {
        let count = |all: &[Exchange]| all.iter().filter(|one| one.path.contains(part)).count();
        let mut exchanges = self.shared.exchanges.subscribe();
        let than = count(&exchanges.borrow()) + n;
        let seen = exchanges.wait_for(|all| count(all) >= than);
        tokio::time::timeout(crate::SOON, seen)
            .await
            .expect("no such exchange")
            .unwrap();
    }
}

impl Drop for Mitm {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A person whose relay is not the real one.
pub struct Victim {
    pub person: Person,
    pub mitm: Mitm,
    _dir: TempDir,
}

impl Victim {
    /// Opened, not signed in.
    pub async fn new(relay: &TestRelay, subject: &str) -> Self {
        Self::with(relay, subject, |options| options).await
    }

    pub async fn with(relay: &TestRelay, subject: &str, change: impl FnOnce(ClientOptions) -> ClientOptions) -> Self {
        let mitm = Mitm::before(relay).await;
        let dir = tempfile::tempdir().unwrap();
        let millis = std::time::Duration::from_millis;
        let options = ClientOptions::new(dir.path().join("profiles"), format!("https://{}", mitm.addr))
            .extra_root(relay.ca().root_der())
            .request_timeout(millis(10_000))
            .retry_between(millis(20), millis(500));
        let person = Person::with_options(relay, subject, dir.path(), |_| change(options))
            .await
            .unwrap();
        Self {
            person,
            mitm,
            _dir: dir,
        }
    }

    /// Signed in, started and live.
    pub async fn online(relay: &TestRelay, subject: &str) -> Self {
        let victim = Self::new(relay, subject).await;
        victim.person.go_online().await.unwrap();
        victim
    }

    pub fn client(&self) -> &curo::Client {
        self.person.client()
    }
}

/// A server with the certificate of these files.
pub fn tls(files: &curo_relay::TlsConfig) -> rustls::ServerConfig {
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    tls
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, 16 * 1024 * 1024).await else {
        return Reply::lost().into_response();
    };
    let mut call = Call {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        headers: parts.headers,
    };
    let held: Vec<_> = shared
        .held
        .lock()
        .unwrap()
        .iter()
        .filter(|held| call.is(held.part))
        .cloned()
        .collect();
    for held in held {
        held.arrived.send_modify(|calls| *calls += 1);
        // An error is the gate's end.
        let _ = held.open.clone().wait_for(|open| *open).await;
    }
    let before = Arc::clone(&shared.before.lock().unwrap());
    let mut reply = match before(&mut call) {
        Some(reply) => reply,
        None => match forward(&shared, &call).await {
            Ok(response) if call.is("/v1/stream") && response.status().is_success() => {
                return lines(&shared, call, response);
            }
            Ok(response) => {
                let mut reply = read(response).await;
                let after = Arc::clone(&shared.after.lock().unwrap());
                after(&call, &mut reply);
                reply
            }
            Err(_) => Reply::lost(),
        },
    };
    let answer = match &reply.body {
        Payload::Json(_) => reply.value().clone(),
        _ => Value::Null,
    };
    let exchange = Exchange {
        path: call.path,
        request: call.body,
        status: reply.status,
        answer,
    };
    shared.exchanges.send_modify(|all| all.push(exchange));
    reply.into_response()
}

async fn forward(shared: &Shared, call: &Call) -> reqwest::Result<reqwest::Response> {
    let query = call.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    let mut request = shared
        .http
        .request(call.method.clone(), format!("{}{}{query}", shared.upstream, call.path));
    for name in [
        header::AUTHORIZATION,
        header::ACCEPT,
        HeaderName::from_static("curo-context"),
    ] {
        if let Some(value) = call.headers.get(&name) {
            request = request.header(name, value);
        }
    }
    if !call.body.is_null() {
        request = request.json(&call.body);
    }
    request.send().await
}

async fn read(response: reqwest::Response) -> Reply {
    let status = response.status().as_u16();
    let media = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|media| media.to_str().ok());
    let headers = media
        .map(|media| ("content-type", media.to_owned()))
        .into_iter()
        .collect();
    let body = match response.bytes().await {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(json) => Payload::Json(json),
            Err(_) => Payload::Bytes(bytes.to_vec()),
        },
        Err(_) => Payload::Lost,
    };
    Reply { status, headers, body }
}

/// The live stream, each line on its own.
fn lines(shared: &Arc<Shared>, call: Call, response: reqwest::Response) -> Response {
    let exchange = Exchange {
        path: call.path.clone(),
        request: Value::Null,
        status: 200,
        answer: Value::Null,
    };
    shared.exchanges.send_modify(|all| all.push(exchange));
    let shared = Arc::clone(shared);
    let mut waiting = Vec::new();
    let lines = response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(std::io::Error::other)?;
        let mut out = Vec::new();
        for byte in chunk {
            waiting.push(byte);
            if byte != b'\n' {
                continue;
            }
            let mut reply = Reply::json(200, serde_json::from_slice(&waiting).unwrap());
            waiting.clear();
            let after = Arc::clone(&shared.after.lock().unwrap());
            after(&call, &mut reply);
            match reply.body {
                Payload::Json(json) => {
                    out.extend(serde_json::to_vec(&json).unwrap());
                    out.push(b'\n');
                }
                Payload::Bytes(bytes) => out.extend(bytes),
                Payload::Endless(_) | Payload::Lost => {}
            }
        }
        Ok::<_, std::io::Error>(Bytes::from(out))
    });
    (
        [(header::CONTENT_TYPE, "application/x-ndjson")],
        Body::from_stream(lines),
    )
        .into_response()
}
