//! Cipher suites (2.1): a tenant allows others, devices follow, conversations keep theirs.

use std::time::{Duration, Instant};

use curo::{ConversationId, IntentStatus};
use curo_kit::{Person, TestRelay, until_done, until_text};
use curo_types::format::{Action, Envelope};
use curo_types::{Blob, DeviceId, UserId};
use serde_json::json;

use crate::child::{Death, Mover};
use crate::mitm::Victim;
use crate::team::{group, people, send, until_active, until_holds, until_settled};
use crate::{SOON, logs, raw};

/// The suites of a person's conversations, ascending.
async fn suites_of(person: &Person) -> Vec<u16> {
    let text = person.client().diagnostics().await;
    let lines = text.lines().filter(|line| line.starts_with("conversation: "));
    let mut suites: Vec<u16> = lines
        .filter_map(|line| line.split(" suite=").nth(1)?.split(' ').next()?.parse().ok())
        .collect();
    suites.sort_unstable();
    suites
}

/// The suites that a device has keys of.
async fn keys_of(person: &Person) -> Vec<String> {
    let text = person.client().diagnostics().await;
    text.lines()
        .filter_map(|line| Some(line.strip_prefix("suite: ")?.to_owned()))
        .collect()
}

async fn until_keys(person: &Person, suites: &[&str]) {
    let wanted = suites.iter().map(|suite| (*suite).to_owned()).collect::<Vec<_>>();
    until_holds(person, format!("keys {suites:?}"), async move || {
        keys_of(person).await == wanted
    })
    .await;
}

/// A new conversation in which the creator has said something that the others have read.
async fn talk(creator: &Person, others: &[&Person], text: &str) -> ConversationId {
    let everybody: Vec<_> = std::iter::once(creator).chain(others.iter().copied()).collect();
    let id = group(&everybody).await;
    send(creator, id, text).await;
    for person in others {
        until_text(person.client(), id, text, SOON).await;
    }
    id
}

async fn add(person: &Person, id: ConversationId, whom: &Person) -> IntentStatus {
    let users = [whom.user().await];
    let intent = person.client().conversation(id).add(&users).await.unwrap();
    until_settled(person, id, intent).await
}

fn failed(status: &IntentStatus, wanted: &str) {
    match status {
        IntentStatus::Failed { code, .. } => assert_eq!(code.as_str(), wanted),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_1_a_newly_allowed_suite_is_used_where_all_devices_have_it() {
    logs();
    let mut relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "cy"]).await;
    let [ana, ben, cy] = [&team[0], &team[1], &team[2]];
    let old = talk(ana, &[ben], "in the old suite").await;
    assert_eq!(suites_of(ana).await, [1]);
    // Ben's device is away when the tenant allows another suite.
    ben.client().stop().await;
    relay.allow_suites(&[2, 1]).await.unwrap();
    for person in [ana, cy] {
        until_keys(person, &["1", "2"]).await;
    }
    let dan = Person::online(&relay, "dan").await.unwrap();
    assert_eq!(keys_of(&dan).await, ["1", "2"]);
    let new = talk(ana, &[cy, &dan], "in the new suite").await;
    assert_eq!(suites_of(ana).await, [1, 2]);
    // Who has no key of it cannot come in, and is told apart from who has no device.
    failed(&add(ana, new, ben).await, "no_common_suite");
    // With ben the suite is the one that all have.
    let (mixed, created) = ana
        .client()
        .create_conversation(&[ben.user().await, dan.user().await])
        .await
        .unwrap();
    until_done(ana.client(), mixed.id(), created, SOON).await;
    assert_eq!(suites_of(ana).await, [1, 1, 2]);
    // He comes back, gets his key, and is in everything.
    ben.client().start().await.unwrap();
    until_active(ben, mixed.id()).await;
    until_keys(ben, &["1", "2"]).await;
    let direct = ben.client().direct_conversation(ana.user().await).await.unwrap();
    until_active(ana, direct.id()).await;
    assert_eq!(suites_of(ben).await, [1, 1, 2]);
    assert!(matches!(add(ana, new, ben).await, IntentStatus::Done));
    send(ana, new, "welcome, ben").await;
    until_text(ben.client(), new, "welcome, ben", SOON).await;
    // Old conversations go on as they were.
    send(ben, old, "still here").await;
    until_text(ana.client(), old, "still here", SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_1_a_suite_that_is_allowed_no_longer_goes_on_where_it_is() {
    logs();
    let mut relay = TestRelay::builder().suites(&[1, 2]).start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "cy"]).await;
    let [ana, ben, cy] = [&team[0], &team[1], &team[2]];
    let old = talk(ana, &[ben], "before").await;
    assert_eq!(suites_of(ana).await, [1]);
    relay.allow_suites(&[2]).await.unwrap();
    let dan = Person::online(&relay, "dan").await.unwrap();
    assert_eq!(keys_of(&dan).await, ["2"]);
    // What is there goes on, and may invite whoever can run it.
    send(ben, old, "after").await;
    until_text(ana.client(), old, "after", SOON).await;
    assert!(matches!(add(ana, old, cy).await, IntentStatus::Done));
    send(ana, old, "cy too").await;
    until_text(cy.client(), old, "cy too", SOON).await;
    failed(&add(ana, old, &dan).await, "no_common_suite");
    // New ones take what is allowed.
    talk(ana, &[cy, &dan], "new").await;
    assert_eq!(suites_of(ana).await, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_1_a_suite_of_a_later_version_is_passed_over() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::new(&relay, "ana").await;
    ana.mitm.after_relay(|call, reply| {
        if call.is("/v1/session") || call.is("=/v1/sync") {
            reply.value()["suites"] = json!([0xf000, 1, 4]);
        }
    });
    ana.person.go_online().await.unwrap();
    let ben = Person::online(&relay, "ben").await.unwrap();
    assert_eq!(keys_of(&ana.person).await, ["1"]);
    talk(&ana.person, &[&ben], "as ever").await;
}

/// A relay offers what the tenant does not allow: it is asked once, and nothing else suffers.
#[tokio::test(flavor = "multi_thread")]
async fn p2_1_a_key_that_is_refused_costs_one_request() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    ana.mitm.after_relay(|call, reply| {
        if call.is("=/v1/sync") {
            reply.value()["suites"] = json!([2, 1]);
        }
    });
    let id = group(&[&ben, &ana.person]).await;
    ana.mitm
        .until(|exchange| exchange.path == "/v1/devices/keys" && exchange.status == 422)
        .await;
    for n in 0..3 {
        let text = format!("text {n}");
        send(&ben, id, &text).await;
        until_text(ana.person.client(), id, &text, SOON).await;
        ana.mitm.until_more("/v1/sync", 1).await;
    }
    assert_eq!(ana.mitm.exchanges("/v1/devices/keys").len(), 1);
    assert_eq!(keys_of(&ana.person).await, ["1"]);
    talk(&ana.person, &[&ben], "as ever").await;
}

/// The envelopes of a user, in the order of their versions.
async fn envelopes(relay: &TestRelay, subject: &str, user: UserId, device: DeviceId) -> Vec<Envelope> {
    let token = relay.issuer().mint(relay.tenant(), subject, Duration::from_secs(60));
    let users = json!({ "users": [user] });
    let (status, page) = raw::post(relay, &token, Some(device), "/v1/directory", &users).await;
    assert_eq!(status, 200, "{page}");
    let records = page["records"].as_array().unwrap().iter();
    records
        .map(|record| {
            let bytes: Blob = serde_json::from_value(record["envelope"].clone()).unwrap();
            Envelope::from_bytes(bytes.as_slice()).unwrap()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_client_killed_while_it_gains_a_key_goes_on() {
    logs();
    let points: [Death; 4] = [
        (curo::failpoints::KEYS_BEFORE_SEND.to_owned(), 1),
        (curo::failpoints::KEYS_AFTER_SEND.to_owned(), 1),
        ("sqlite.before_commit".to_owned(), 40),
        (curo::failpoints::KEY_PACKAGES_BEFORE_SEND.to_owned(), 2),
    ];
    for (n, death) in points.into_iter().enumerate() {
        let mut relay = TestRelay::start().await.unwrap();
        let ana = Person::online(&relay, "ana").await.unwrap();
        let subject = format!("mover-{n}");
        let mut mover = Mover::new(&relay, &subject, [death.clone()]);
        mover.begin();
        relay.allow_suites(&[2, 1]).await.unwrap();
        until_keys(&ana, &["1", "2"]).await;
        let device: DeviceId = serde_json::from_value(mover.device.clone()).unwrap();
        let since = Instant::now();
        loop {
            // A dead process is found dead, and started again, when it is asked for something.
            mover.settled();
            if envelopes(&relay, &subject, mover.user, device).await.len() > 1 {
                break;
            }
            assert!(since.elapsed() < SOON, "{death:?}");
        }
        // It is alive again and can be invited in the suite.
        let care = mover.create(&[ana.user().await]);
        mover.send(care, "hello");
        mover.settled();
        until_text(ana.client(), care, "hello", SOON).await;
        assert_eq!(suites_of(&ana).await, [2], "{death:?}");
        let (ward, _) = ana.client().create_conversation(&[mover.user]).await.unwrap();
        send(&ana, ward.id(), "and back").await;
        mover.until_text(ward.id(), "and back");
        let all = envelopes(&relay, &subject, mover.user, device).await;
        let actions: Vec<_> = all.iter().map(|envelope| envelope.body().action).collect();
        assert_eq!(actions, [Action::Add, Action::Rotate], "{death:?}");
        assert_eq!(all[1].body().previous, Some(all[0].hash()));
        if !death.0.starts_with("sqlite") {
            assert_eq!(mover.deaths, 1, "{death:?}");
        }
        ana.close().await.unwrap();
        relay.stop().await;
    }
}
