//! A running relay with its identity provider, clock and folder, and an HTTP client that trusts its certificate.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use curo_relay::{
    Clock, Config, DatabaseKey, DevIssuer, Limits, ManualClock, Relay, RunningRelay, StartError, TlsConfig,
};
use curo_types::TenantId;
use curo_types::api::{PROBLEM_MEDIA_TYPE, Problem};
use reqwest::{Method, Response};
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub const HOUR: Duration = Duration::from_secs(3600);

pub struct World {
    pub issuer: DevIssuer,
    pub clock: Arc<ManualClock>,
    pub client: reqwest::Client,
    pub config: Config,
    pub relay: Option<RunningRelay>,
    base: String,
    certificate: CertificateDer<'static>,
    pub dir: tempfile::TempDir,
}

pub fn tenant() -> TenantId {
    TenantId::new("st-mary").unwrap()
}

pub fn other_tenant() -> TenantId {
    TenantId::new("st-luke").unwrap()
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let clock = Arc::new(ManualClock::new(u64::try_from(now).unwrap()));
        let loopback = "127.0.0.1:0".parse().unwrap();
        let issuer = DevIssuer::start_with_clock(loopback, clock.clone()).await.unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
        let tls = TlsConfig {
            cert: dir.path().join("cert.pem"),
            key: dir.path().join("key.pem"),
        };
        std::fs::write(&tls.cert, made.cert.pem()).unwrap();
        std::fs::write(&tls.key, made.signing_key.serialize_pem()).unwrap();
        let mut config = Config {
            listen: loopback,
            tls,
            data_dir: dir.path().join("data"),
            database_key: DatabaseKey::new([7; 32], [8; 16]),
            tenants: vec![issuer.tenant(&tenant()), issuer.tenant(&other_tenant())],
            limits: Limits {
                heartbeat: Duration::from_millis(200),
                ..Limits::default()
            },
            min_client_version: None,
            push: None,
        };
        change(&mut config);
        let certificate = made.cert.der().clone();
        let client = client(&certificate, false);
        let relay = Relay::start_with_clock(config.clone(), clock.clone()).await.unwrap();
        let base = format!("https://{}", relay.addr());
        Self {
            issuer,
            clock,
            client,
            config,
            relay: Some(relay),
            base,
            certificate,
            dir,
        }
    }

    /// Stops the relay and starts it again over the same folder.
    pub async fn restart(&mut self) {
        self.relay.take().unwrap().shutdown().await;
        self.restart_stopped().await;
    }

    /// Starts a relay that was shut down.
    pub async fn restart_stopped(&mut self) {
        self.try_start().await.unwrap();
    }

    pub async fn try_start(&mut self) -> Result<(), StartError> {
        let relay = Relay::start_with_clock(self.config.clone(), self.clock.clone()).await?;
        self.base = format!("https://{}", relay.addr());
        self.relay = Some(relay);
        Ok(())
    }

    /// From now on requests go to another relay with the same certificate.
    pub fn move_to(&mut self, addr: &str) {
        self.base = format!("https://{addr}");
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A client that speaks only HTTP/1.1.
    pub fn http1(&self) -> reqwest::Client {
        client(&self.certificate, true)
    }

    pub fn token(&self, subject: &str) -> String {
        self.issuer.mint(&tenant(), subject, HOUR)
    }

    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub async fn post<T: DeserializeOwned>(&self, token: &str, path: &str, body: &impl Serialize) -> Answer<T> {
        let request = self.request(Method::POST, path).bearer_auth(token).json(body);
        answer(request.send().await.unwrap()).await
    }
}

/// What the relay said: the answer, or a problem.
pub type Answer<T> = Result<T, Problem>;

pub async fn answer<T: DeserializeOwned>(response: Response) -> Answer<T> {
    if response.status().is_success() {
        return Ok(response.json().await.unwrap());
    }
    Err(problem(response).await)
}

/// Reads a problem document and checks what every one of them must be.
pub async fn problem(response: Response) -> Problem {
    let status = response.status().as_u16();
    let media = response.headers()["content-type"].to_str().unwrap().to_owned();
    let retry_after = response
        .headers()
        .get("retry-after")
        .map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(response.headers()["cache-control"], "no-store");
    let problem: Problem = response.json().await.unwrap();
    assert_eq!(media, PROBLEM_MEDIA_TYPE);
    assert_eq!(problem.status, status);
    assert_eq!(problem.code.status(), status, "{problem:?}");
    assert_eq!(problem.kind, format!("urn:curo:problem:{}", problem.code));
    assert_eq!(
        retry_after,
        problem.retry_after_ms.map(|ms| ms.div_ceil(1000).to_string())
    );
    problem
}

fn client(certificate: &CertificateDer<'static>, http1: bool) -> reqwest::Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(rustls::DEFAULT_VERSIONS)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    // reqwest leaves a ready-made TLS configuration as it is.
    tls.alpn_protocols = if http1 {
        vec![b"http/1.1".to_vec()]
    } else {
        vec![b"h2".to_vec()]
    };
    let builder = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
    if http1 { builder.http1_only() } else { builder }.build().unwrap()
}
