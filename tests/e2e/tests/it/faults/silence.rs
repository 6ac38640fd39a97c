//! Pushes that are lost, and clients to whom nothing happens.

use std::time::Duration;

use curo::{ConnectionState, DeliveryState};
use curo_kit::{Person, TestRelay, until_delivery, until_text};

use crate::SOON;
use crate::mitm::{Reply, Victim};
use crate::team::{group, send};

/// The relay's push is lost; its next heartbeat tells.
#[tokio::test(flavor = "multi_thread")]
async fn p5_2_a_lost_push_is_noticed_by_the_heartbeat() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = group(&[&ben, &ana.person]).await;
    send(&ben, id, "first").await;
    until_text(ana.client(), id, "first", SOON).await;
    let (lost, mut seen) = tokio::sync::watch::channel(0);
    ana.mitm.after_relay(move |call, reply| {
        if call.is("/v1/stream") && reply.value()["event"] == "sync" {
            *reply = Reply::lost();
            lost.send_modify(|count| *count += 1);
        }
    });
    send(&ben, id, "pushed in vain").await;
    tokio::time::timeout(SOON, seen.wait_for(|count| *count > 0))
        .await
        .expect("no push")
        .unwrap();
    until_text(ana.client(), id, "pushed in vain", SOON).await;
    assert_eq!(
        ana.client().connection(),
        ConnectionState::Live,
        "without a new connection"
    );
}

/// A client to whom nothing happens asks nothing.
#[tokio::test(flavor = "multi_thread")]
async fn p5_2_an_idle_client_is_silent() {
    let relay = TestRelay::builder()
        .limits(|limits| limits.heartbeat = Duration::from_millis(150))
        .start()
        .await
        .unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = group(&[&ana.person, &ben]).await;
    let message = send(&ana.person, id, "good night").await;
    until_delivery(
        ana.client(),
        id,
        message,
        DeliveryState::Delivered { by: 1, of: 1 },
        SOON,
    )
    .await;
    // Heartbeats in a row without anything else: it has settled, unless something was slow. Then many more, and nothing was asked.
    let (beats, mut beaten) = tokio::sync::watch::channel(0);
    ana.mitm.after_relay(move |call, reply| {
        if call.is("/v1/stream") {
            let heartbeat = reply.value()["event"] == "heartbeat";
            beats.send_modify(|count| *count = if heartbeat { *count + 1 } else { 0 });
        }
    });
    let mut asked = Vec::new();
    for _ in 0..3 {
        tokio::time::timeout(SOON, beaten.wait_for(|count| *count >= 4))
            .await
            .expect("never idle")
            .unwrap();
        let before = ana.mitm.exchanges("/").len();
        let so_far = *beaten.borrow();
        tokio::time::timeout(SOON, beaten.wait_for(|count| *count >= so_far + 10))
            .await
            .expect("never idle")
            .unwrap();
        let exchanges = ana.mitm.exchanges("/");
        asked = exchanges.iter().skip(before).map(|one| one.path.clone()).collect();
        if asked.is_empty() {
            return;
        }
    }
    panic!("still asks: {asked:?}");
}
