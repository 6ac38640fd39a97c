//! Calls to the relay that no client made, with a person's good token.

use std::sync::Arc;

use curo_kit::TestRelay;
use curo_types::DeviceId;
use curo_types::format::RequestContext;
use serde_json::Value;

/// An HTTPS client that trusts the test relay and nobody else.
pub fn http(relay: &TestRelay) -> reqwest::Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(relay.ca().root_der().to_vec().into()).unwrap();
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .build()
        .unwrap()
}

/// Status and JSON body of a `POST`.
pub async fn post(relay: &TestRelay, token: &str, device: Option<DeviceId>, path: &str, body: &Value) -> (u16, Value) {
    let request = http(relay)
        .post(format!("{}{path}", relay.url()))
        .bearer_auth(token)
        .header(RequestContext::HEADER, RequestContext::new(device).to_header())
        .json(body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}
