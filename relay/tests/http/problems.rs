//! Every refusal is a problem document, whatever layer it comes from.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use curo_types::ErrorCode;
use curo_types::format::RequestContext;
use reqwest::{Method, Version};

use crate::device::Device;
use crate::world::{World, problem};

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let world = World::start().await;
    let anna = Device::new(&world, "anna").await;
    for path in [
        "/",
        "/v1",
        "/v2/session",
        "/v1/conversations/nonsense/entries?incarnation=1",
        "/v1/%ff/x",
    ] {
        let response = anna.request(&world, Method::GET, path).send().await.unwrap();
        assert_eq!(problem(response).await.code, ErrorCode::NOT_FOUND, "{path}");
    }
    let id = "00".repeat(16);
    let response = anna
        .request(
            &world,
            Method::POST,
            &format!("/v1/conversations/{id}/commits").replace(&id, "xyz"),
        )
        .json(&());
    assert_eq!(problem(response.send().await.unwrap()).await.code, ErrorCode::NOT_FOUND);
    let response = world.request(Method::DELETE, "/v1/session").send().await.unwrap();
    assert_eq!(response.headers()["allow"], "POST");
    assert_eq!(problem(response).await.code, ErrorCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn bodies_are_json_within_limits_and_are_never_quoted() {
    let world = World::start().await;
    let anna = Device::new(&world, "anna").await;
    let post = || anna.request(&world, Method::POST, "/v1/directory");
    let typed = |body: &'static str| post().header("content-type", "application/json").body(body);

    let no_type = post().body("{}").send().await.unwrap();
    assert_eq!(problem(no_type).await.code, ErrorCode::UNSUPPORTED_MEDIA_TYPE);
    let text = post()
        .header("content-type", "text/plain")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(problem(text).await.code, ErrorCode::UNSUPPORTED_MEDIA_TYPE);
    let packed = typed("{}").header("content-encoding", "gzip").send().await.unwrap();
    assert_eq!(problem(packed).await.code, ErrorCode::UNSUPPORTED_MEDIA_TYPE);
    for bad in [
        "",
        "{",
        "[]",
        "{\"users\": \"secret-canary\"}",
        "{\"users\": [\"secret-canary\"]}",
        "{\"users\": 1e999}",
    ] {
        let refused = problem(typed(bad).send().await.unwrap()).await;
        assert_eq!(refused.code, ErrorCode::MALFORMED, "{bad}");
        assert!(!refused.detail.unwrap().contains("canary"), "input is not quoted");
    }
    let large = post()
        .header("content-type", "application/json")
        .body(vec![b' '; 256 * 1024 + 1]);
    assert_eq!(problem(large.send().await.unwrap()).await.code, ErrorCode::TOO_LARGE);
    let deep = "[".repeat(100_000);
    let deep = post()
        .header("content-type", "application/json")
        .body(deep)
        .send()
        .await
        .unwrap();
    assert_eq!(problem(deep).await.code, ErrorCode::MALFORMED);
    let charset = post()
        .header("content-type", "Application/JSON; charset=utf-8")
        .body(format!("{{\"users\":[\"{}\"],\"later\":1}}", anna.user()));
    assert!(
        charset.send().await.unwrap().status().is_success(),
        "unknown members are ignored"
    );
}

#[tokio::test]
async fn the_request_context_must_be_there_and_of_a_known_version() {
    let world = World::start().await;
    let anna = Device::new(&world, "anna").await;
    let with = |value: Option<&str>| {
        let request = world
            .request(Method::POST, "/v1/sync")
            .bearer_auth(&anna.token)
            .json(&serde_json::json!({}));
        match value {
            Some(value) => request.header(RequestContext::HEADER, value),
            None => request,
        }
    };
    let code = async |value: Option<&str>| problem(with(value).send().await.unwrap()).await.code;
    assert_eq!(code(None).await, ErrorCode::MALFORMED);
    assert_eq!(code(Some("???")).await, ErrorCode::MALFORMED);
    assert_eq!(
        code(Some(&RequestContext::new(None).to_header())).await,
        ErrorCode::MALFORMED
    );
    // {0: 2}: version 2.
    assert_eq!(code(Some("oQAC")).await, ErrorCode::UNSUPPORTED_VERSION);
    // {0: 1, 1: its device, 3: {0: "treat"}}: not the form of a purpose.
    let mut bytes = vec![0xa3, 0x00, 0x01, 0x01, 0x50];
    bytes.extend(anna.id.0);
    bytes.extend(b"\x03\xa1\x00\x65treat");
    assert_eq!(code(Some(&URL_SAFE_NO_PAD.encode(&bytes))).await, ErrorCode::MALFORMED);
    let unknown = RequestContext::new(Some(curo_types::DeviceId::random())).to_header();
    assert_eq!(code(Some(&unknown)).await, ErrorCode::UNKNOWN_DEVICE);
}

#[tokio::test]
async fn a_device_before_its_session_is_not_known() {
    let world = World::start().await;
    let context = RequestContext::new(Some(curo_types::DeviceId::random())).to_header();
    let token = world.token("never-signed-in");
    let request = world
        .request(Method::POST, "/v1/sync")
        .bearer_auth(token)
        .header(RequestContext::HEADER, context);
    let response = request.json(&serde_json::json!({})).send().await.unwrap();
    assert_eq!(problem(response).await.code, ErrorCode::UNKNOWN_DEVICE);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_a_timeout() {
    let world = World::start_with(|config| config.limits.request_timeout = Duration::from_secs(3)).await;
    let anna = Device::new(&world, "anna").await;
    let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let request = anna
        .request(&world, Method::POST, "/v1/directory")
        .header("content-type", "application/json");
    let response = request.body(reqwest::Body::wrap_stream(never)).send().await.unwrap();
    let problem = problem(response).await;
    assert_eq!(problem.code, ErrorCode::TIMEOUT);
    assert!(problem.code.retryable());
}

#[tokio::test]
async fn both_versions_of_http_are_spoken() {
    let world = World::start().await;
    let response = world.request(Method::GET, "/healthz").send().await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(response.headers()["curo-request-id"].len(), 16);
    let old = world.http1().get(world.url("/healthz")).send().await.unwrap();
    assert_eq!(old.version(), Version::HTTP_11);
    let large = world
        .http1()
        .post(world.url("/v1/session"))
        .body(vec![b' '; 1024])
        .send()
        .await
        .unwrap();
    assert_eq!(
        problem(large).await.code,
        ErrorCode::UNAUTHENTICATED,
        "the token comes before the body"
    );
}
