//! `GET /metrics` on its own listener.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use curo_relay::{Relay, RunningRelay, ServiceConfig};
use curo_types::{ErrorCode, IntentId};
use reqwest::Method;

use crate::device::pair;
use crate::world::{World, problem};

/// A second relay, with metrics, to which the world's requests go from now on.
async fn observed(world: &mut World) -> (RunningRelay, SocketAddr) {
    let mut relay = world.config.clone();
    relay.data_dir = world.dir.path().join("observed");
    let metrics_listen = Some("127.0.0.1:0".parse().unwrap());
    let relay = Relay::start_service(ServiceConfig { relay, metrics_listen })
        .await
        .unwrap();
    world.move_to(&relay.addr().to_string());
    let addr = relay.metrics_addr().unwrap();
    (relay, addr)
}

async fn scrape(world: &World, addr: SocketAddr) -> String {
    let response = world.client.get(format!("http://{addr}/metrics")).send().await.unwrap();
    let media = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(
        media.starts_with("application/openmetrics-text; version=1.0.0"),
        "{media}"
    );
    response.text().await.unwrap()
}

#[tokio::test]
async fn what_happens_is_counted_and_nobody_is_named() {
    let mut world = World::start().await;
    let (relay, addr) = observed(&mut world).await;
    let (mut anna, _, talk, _) = pair(&world).await;
    let message = anna.encrypt(talk, IntentId::random(), 1, "canary-text");
    for _ in 0..2 {
        anna.send(&world, talk, vec![message.clone()]).await.unwrap();
    }
    let skipped = anna.encrypt(talk, IntentId::random(), 7, "canary-text");
    let refused = anna.send(&world, talk, vec![skipped]).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::STALE_COUNTER);
    let unknown = world.request(Method::GET, "/canary-path").send().await.unwrap();
    assert_eq!(problem(unknown).await.code, ErrorCode::NOT_FOUND);
    let mut stream = anna.request(&world, Method::GET, "/v1/stream").send().await.unwrap();
    stream.chunk().await.unwrap().unwrap();

    let text = scrape(&world, addr).await;
    let messages = "/v1/conversations/{id}/messages";
    for line in [
        format!("curo_relay_requests_total{{method=\"POST\",route=\"{messages}\",status=\"200\"}} 2"),
        format!("curo_relay_requests_total{{method=\"POST\",route=\"{messages}\",status=\"409\"}} 1"),
        format!("curo_relay_request_seconds_count{{route=\"{messages}\"}} 3"),
        format!("curo_relay_request_seconds_bucket{{le=\"+Inf\",route=\"{messages}\"}} 3"),
        "curo_relay_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1".into(),
        "curo_relay_refusals_total{code=\"stale_counter\"} 1".into(),
        "curo_relay_accepted_messages_total{tenant=\"st-mary\"} 1".into(),
        "curo_relay_accepted_commits_total{tenant=\"st-mary\"} 1".into(),
        "curo_relay_streams 1".into(),
        "curo_relay_connections 1".into(),
        format!("curo_relay_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    // Its value moves until the writer has let go of the last job.
    assert!(text.contains("\ncuro_relay_storage_waiting_writes "));
    let names: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.split_once('{')?.1.split_once("\"}"))
        .flat_map(|(labels, _)| labels.split("\","))
        .map(|label| label.split_once('=').unwrap().0)
        .collect();
    let allowed = BTreeSet::from(["code", "kind", "le", "method", "route", "status", "tenant", "version"]);
    assert!(names.is_subset(&allowed), "{names:?}");
    for secret in [
        "canary",
        "anna",
        &anna.id.to_string(),
        &anna.user().to_string(),
        &talk.id.to_string(),
    ] {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
    relay.shutdown().await;
    assert!(
        world.client.get(format!("http://{addr}/metrics")).send().await.is_err(),
        "it stops with the relay"
    );
}

#[tokio::test]
async fn metrics_and_calls_have_nothing_in_common() {
    let mut world = World::start().await;
    assert_eq!(world.relay.as_ref().unwrap().metrics_addr(), None, "off until told");
    let (_relay, addr) = observed(&mut world).await;
    let outside = world.request(Method::GET, "/metrics").send().await.unwrap();
    assert_eq!(problem(outside).await.code, ErrorCode::NOT_FOUND);
    for path in ["/healthz", "/v1/session", "/"] {
        let response = world.client.get(format!("http://{addr}{path}")).send().await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn an_address_that_the_internet_reaches_is_refused() {
    let world = World::start().await;
    let service = ServiceConfig {
        relay: world.config.clone(),
        metrics_listen: Some("0.0.0.0:0".parse().unwrap()),
    };
    let error = Relay::start_service(service).await.unwrap_err();
    assert!(error.to_string().contains("metrics_listen"), "{error}");
}
