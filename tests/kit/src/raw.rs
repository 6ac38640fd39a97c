//! Requests past the client, as an attacker with a good token would make them.

use std::sync::Arc;

use curo_types::DeviceId;
use curo_types::api::Problem;
use curo_types::format::RequestContext;
use rustls::{ClientConfig, RootCertStore};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{KitError, Person, TestRelay};

/// What the relay has answered to a raw request.
#[derive(Clone, PartialEq, Eq)]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl RawAnswer {
    /// The answer, where the status says that all is well and the body is what it should be.
    pub fn answer<T: DeserializeOwned>(&self) -> Option<T> {
        let good = (200..300).contains(&self.status);
        good.then(|| serde_json::from_slice(&self.body).ok()).flatten()
    }

    /// The refusal, where it is one.
    pub fn problem(&self) -> Option<Problem> {
        let bad = self.status >= 400;
        bad.then(|| serde_json::from_slice(&self.body).ok()).flatten()
    }
}

impl std::fmt::Debug for RawAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RawAnswer({}, {} bytes)", self.status, self.body.len())
    }
}

impl TestRelay {
    /// Asks the relay straight, without cable and client: `GET` without a body, `POST` with one. `path` begins with `/`.
    ///
    /// # Errors
    /// [`KitError::NoAnswer`] if there was none; refusals of the relay are answers.
    pub async fn ask(
        &self,
        token: &str,
        device: Option<DeviceId>,
        path: &str,
        body: Option<&Value>,
    ) -> Result<RawAnswer, KitError> {
        let url = format!("{}{path}", self.url());
        let http = self.http()?;
        let request = match body {
            Some(body) => http.post(url).json(body),
            None => http.get(url),
        };
        let request = request
            .bearer_auth(token)
            .header(RequestContext::HEADER, RequestContext::new(device).to_header());
        let response = request.send().await.map_err(|_| KitError::NoAnswer)?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(|_| KitError::NoAnswer)?.to_vec();
        Ok(RawAnswer { status, body })
    }

    pub(crate) fn http(&self) -> Result<reqwest::Client, KitError> {
        let no_answer = |_| KitError::NoAnswer;
        let mut roots = RootCertStore::empty();
        roots.add(self.ca().root_der().to_vec().into()).map_err(no_answer)?;
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(rustls::DEFAULT_VERSIONS)
            .map_err(no_answer)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
        client.build().map_err(|_| KitError::NoAnswer)
    }
}

impl Person {
    /// Asks the relay with a good token of this person and as this device, past the client. Also while it is closed.
    ///
    /// # Errors
    /// As [`TestRelay::ask`].
    pub async fn ask(&self, relay: &TestRelay, path: &str, body: Option<&Value>) -> Result<RawAnswer, KitError> {
        let device = self.client().account().await.map(|account| account.device);
        relay.ask(&self.tokens().good(), device, path, body).await
    }
}
