//! Start, stop, restart, and what a start refuses.

use std::time::Duration;

use curo_relay::{DatabaseKey, JwksSource, Relay, StartError};
use curo_types::IntentId;
use reqwest::Method;

use crate::device::pair;
use crate::world::World;

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let mut world = World::start().await;
    let (mut anna, mut ben, talk, _) = pair(&world).await;
    let token = ben.sync(&world, None, 1).await.unwrap().token;
    let message = anna.encrypt(talk, IntentId::random(), 1, "before");
    let sent = anna.send(&world, talk, vec![message.clone()]).await.unwrap();
    world.restart().await;
    let session: curo_types::api::SessionAnswer = world.post(&anna.token, "/v1/session", &()).await.unwrap();
    assert_eq!(session, anna.session, "same store, same keys, same user");
    let again = anna.send(&world, talk, vec![message]).await.unwrap();
    assert!(again.accepted[0].duplicate);
    assert_eq!(again.accepted[0].h, sent.accepted[0].h);
    let news = ben.sync(&world, Some(&token), 1).await.unwrap();
    assert_eq!(ben.read(talk, &news.conversations[0].entries[0].body.0), "before");
}

#[tokio::test]
async fn it_is_ready_once_it_answers_and_plain_http_is_no_way_in() {
    let world = World::start().await;
    for path in ["/healthz", "/readyz"] {
        assert!(
            world
                .request(Method::GET, path)
                .send()
                .await
                .unwrap()
                .status()
                .is_success(),
            "{path}"
        );
    }
    let addr = world.relay.as_ref().unwrap().addr();
    let plain = world.client.get(format!("http://{addr}/healthz")).send().await;
    assert!(plain.is_err(), "{plain:?}");
}

#[tokio::test]
async fn a_start_that_cannot_work_fails_with_the_reason() {
    let mut world = World::start().await;
    world.relay.take().unwrap().shutdown().await;
    let start = async |change: &dyn Fn(&mut curo_relay::Config)| {
        let mut config = world.config.clone();
        change(&mut config);
        Relay::start(config).await.unwrap_err()
    };
    let wrong_key = start(&|config| config.database_key = DatabaseKey::new([9; 32], [8; 16])).await;
    assert!(matches!(wrong_key, StartError::Database(_)), "{wrong_key:?}");
    let no_cert = start(&|config| config.tls.cert = "/nonexistent.pem".into()).await;
    assert!(matches!(no_cert, StartError::Tls { .. }), "{no_cert:?}");
    let swapped = start(&|config| std::mem::swap(&mut config.tls.cert, &mut config.tls.key)).await;
    assert!(matches!(swapped, StartError::Tls { .. }), "{swapped:?}");
    let no_keys = start(&|config| config.tenants[0].jwks = JwksSource::File("/nonexistent.json".into())).await;
    assert!(matches!(no_keys, StartError::Identity { .. }), "{no_keys:?}");
    let no_tenant = start(&|config| config.tenants.clear()).await;
    assert!(matches!(no_tenant, StartError::Config(_)), "{no_tenant:?}");
    let elsewhere = start(&|config| config.listen = "192.0.2.1:0".parse().unwrap()).await;
    assert!(matches!(elsewhere, StartError::Listen { .. }), "{elsewhere:?}");
    // None of the failures left the store in use or changed.
    world.restart_stopped().await;
    assert!(
        world
            .request(Method::GET, "/readyz")
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
}

#[tokio::test]
async fn a_relay_that_is_dropped_can_be_started_again_over_the_same_folder() {
    let mut world = World::start().await;
    let (mut anna, _, talk, _) = pair(&world).await;
    let message = anna.encrypt(talk, IntentId::random(), 1, "durable");
    let sent = anna.send(&world, talk, vec![message.clone()]).await.unwrap();
    drop(world.relay.take());
    // What it had entered is still being written: nobody waits for that.
    let starting = async {
        loop {
            match world.try_start().await {
                Err(StartError::Database(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
                started => break started.unwrap(),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), starting).await.unwrap();
    let again = anna.send(&world, talk, vec![message]).await.unwrap();
    assert_eq!(again.accepted[0].h, sent.accepted[0].h);
    assert!(again.accepted[0].duplicate);
}
