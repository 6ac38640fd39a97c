//! The kit keeps its promises: what tests stand on is tested itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::time::Duration;

use curo::{ConnectionState, DeliveryState, ErrorCode, MessageId};
use curo_kit::{
    Person, TestRelay, Validity, texts, try_until, until, until_connection, until_delivery, until_done, until_live,
    until_text,
};

const SOON: Duration = Duration::from_secs(30);

async fn ask_for_sync(person: &Person) -> curo::Result<()> {
    person.client().catch_up().await
}

fn code(result: curo::Result<impl Sized>) -> ErrorCode {
    result.map(|_| ()).unwrap_err().code().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_talk_and_the_relay_comes_back_on_the_same_port_with_its_data() {
    let mut relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let mut ben = Person::online(&relay, "ben").await.unwrap();
    let (ward, created) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    until_done(ana.client(), ward.id(), created, SOON).await;
    let first = ward.send_text("first".into(), MessageId::random()).await.unwrap();
    until_text(ben.client(), ward.id(), "first", SOON).await;
    let delivered = DeliveryState::Delivered { by: 1, of: 1 };
    until_delivery(ana.client(), ward.id(), first, delivered.clone(), SOON).await;

    let addr = relay.addr();
    for killed in [false, true] {
        if killed {
            relay.kill();
        } else {
            relay.stop().await;
        }
        assert!(!relay.is_running());
        let text = format!("while the relay was away ({killed})");
        let sent = ward.send_text(text.as_str().into(), MessageId::random()).await.unwrap();
        assert_eq!(ward.delivery(sent).await.unwrap(), DeliveryState::Queued);
        relay.start_again().await.unwrap();
        assert_eq!(relay.addr(), addr);
        until_text(ben.client(), ward.id(), &text, SOON).await;
        until_delivery(ana.client(), ward.id(), sent, delivered.clone(), SOON).await;
    }

    let before = texts(&ben.client().conversation(ward.id())).await.unwrap();
    assert_eq!(before.len(), 3);
    ben.reopen().await.unwrap();
    until_live(ben.client(), SOON).await;
    assert_eq!(texts(&ben.client().conversation(ward.id())).await.unwrap(), before);
    assert!(std::fs::metadata(ben.database()).unwrap().len() > 0);
    assert!(relay.data_dir().join("relay.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_cable_is_offline_and_a_restored_one_delivers_what_waited() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let ben = Person::online(&relay, "ben").await.unwrap();
    let ward = ana.client().direct_conversation(ben.user().await).await.unwrap();
    ward.send_text("before".into(), MessageId::random()).await.unwrap();
    until_text(ben.client(), ward.id(), "before", SOON).await;

    ben.cable().cut();
    assert!(ben.cable().is_cut());
    let offline = |state: &ConnectionState| {
        *state
            == ConnectionState::Waiting {
                code: ErrorCode::OFFLINE,
            }
    };
    until_connection(ben.client(), "offline", SOON, offline).await;
    let sent = ward.send_text("meanwhile".into(), MessageId::random()).await.unwrap();
    until_delivery(ana.client(), ward.id(), sent, DeliveryState::Sent, SOON).await;
    assert_eq!(texts(&ben.client().conversation(ward.id())).await.unwrap(), ["before"]);

    ben.cable().restore();
    until_text(ben.client(), ward.id(), "meanwhile", SOON).await;
    until_delivery(
        ana.client(),
        ward.id(),
        sent,
        DeliveryState::Delivered { by: 1, of: 1 },
        SOON,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swallowed_answer_is_a_time_out_though_the_relay_has_the_message() {
    let relay = TestRelay::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let hasty = Person::with_options(&relay, "ana", dir.path(), |options| {
        options.request_timeout(Duration::from_secs(5))
    });
    let ana = hasty.await.unwrap();
    ana.go_online().await.unwrap();
    let ben = Person::online(&relay, "ben").await.unwrap();
    let ward = ana.client().direct_conversation(ben.user().await).await.unwrap();
    let before = ward.send_text("before".into(), MessageId::random()).await.unwrap();
    // Else the answer that settles this message could be swallowed, and the next one would wait for it.
    let delivered = DeliveryState::Delivered { by: 1, of: 1 };
    until_delivery(ana.client(), ward.id(), before, delivered, SOON).await;

    ana.cable().swallow_answers();
    let sent = ward.send_text("swallowed".into(), MessageId::random()).await.unwrap();
    ana.cable().until_swallowed(0).await;
    until_text(ben.client(), ward.id(), "swallowed", SOON).await;
    assert_eq!(ward.delivery(sent).await.unwrap(), DeliveryState::Queued);
    assert!(ana.cable().swallowed() > 0);

    ana.cable().restore();
    until_delivery(
        ana.client(),
        ward.id(),
        sent,
        DeliveryState::Delivered { by: 1, of: 1 },
        SOON,
    )
    .await;
    assert_eq!(
        texts(&ben.client().conversation(ward.id())).await.unwrap(),
        ["before", "swallowed"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn swallowing_lets_a_fresh_connection_come_up() {
    let relay = TestRelay::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let hasty = Person::with_options(&relay, "ana", dir.path(), |options| {
        options.request_timeout(Duration::from_secs(5))
    });
    let ana = hasty.await.unwrap();
    ana.cable().swallow_answers();
    assert_eq!(code(ana.client().sign_in().await), ErrorCode::OFFLINE);
    // The request was taken: others find the subject, though its own device was never told.
    let ben = Person::online(&relay, "ben").await.unwrap();
    until(ben.client(), "ana is known", SOON, async || {
        !ben.client().find_people(&["ana"]).await.unwrap().is_empty()
    })
    .await;
    ana.cable().restore();
    // The first request may still meet the broken connection.
    let signing_in = async { while ana.client().sign_in().await.is_err() {} };
    tokio::time::timeout(SOON, signing_in).await.unwrap();
    ana.go_online().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_go_bad_in_every_way() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::new(&relay, "ana").await.unwrap();
    ana.tokens().set(Validity::Expired);
    assert_eq!(code(ana.client().sign_in().await), ErrorCode::TOKEN_EXPIRED);
    for bad in [Validity::Refused, Validity::Nobody] {
        ana.tokens().set(bad);
        assert_eq!(code(ana.client().sign_in().await), ErrorCode::SIGN_IN_NEEDED, "{bad:?}");
    }
    let asked = ana.tokens().asked();
    ana.tokens().set(Validity::Stale);
    ana.client().sign_in().await.unwrap();
    assert_eq!(ana.tokens().asked(), asked + 2);
    ask_for_sync(&ana).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_come_about_is_reported_with_the_clients_state() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::new(&relay, "ana").await.unwrap();
    let never = try_until(ana.client(), "a miracle", Duration::from_millis(1), async || false).await;
    let text = never.unwrap_err().to_string();
    assert_eq!(
        text,
        "a miracle: not within 1ms (connection Stopped, outbox 0 waiting, 0 failed)"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_folder_keeps_the_relays_data_across_values() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = TestRelay::builder().dir(dir.path()).start().await.unwrap();
    let ana = Person::online(&first, "ana").await.unwrap().user().await;
    first.stop().await;
    let second = TestRelay::builder().dir(dir.path()).start().await.unwrap();
    let again = Person::online(&second, "ben").await.unwrap();
    let found = again.client().find_people(&["ana"]).await.unwrap();
    assert_eq!(found.first().map(|person| person.user), Some(ana));
}
