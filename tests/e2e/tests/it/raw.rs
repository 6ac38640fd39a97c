//! Calls to the relay that no client made, with a person's good token.

use curo_kit::TestRelay;
use curo_types::DeviceId;
use curo_types::format::RequestContext;
use serde_json::Value;

use crate::api::http;

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

/// Status and JSON body of a `PUT`.
pub async fn put(relay: &TestRelay, token: &str, device: Option<DeviceId>, path: &str, body: &Value) -> (u16, Value) {
    let request = http(relay)
        .put(format!("{}{path}", relay.url()))
        .bearer_auth(token)
        .header(RequestContext::HEADER, RequestContext::new(device).to_header())
        .json(body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}
