//! Requests and answers that are lost, and relays that die.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use curo::{ConnectionState, DeliveryState};
use curo_kit::{Person, TestRelay, until, until_connection, until_done, until_text};
use serde_json::{Value, json};

use super::numbered;
use crate::mitm::{Reply, Victim};
use crate::team::{group, in_order, people, read, same_everywhere, send, until_active, until_sent, until_texts};
use crate::{SOON, api, logs};

/// Each of three people sends so many and renews keys in between; one after another, so that faults fall into the middle.
async fn workload(team: &[Person], id: curo::ConversationId, count: usize) {
    futures_util::future::join_all(team.iter().map(async |person| {
        let talk = person.client().conversation(id);
        for (n, text) in numbered(person.subject(), count).into_iter().enumerate() {
            let message = send(person, id, &text).await;
            until(person.client(), "sent", SOON, async || {
                !matches!(talk.delivery(message).await, Ok(DeliveryState::Queued))
            })
            .await;
            if n % 5 == 4 {
                talk.renew_keys().await.unwrap();
            }
        }
    }))
    .await;
}

async fn check(team: &[Person], relay: &TestRelay, id: curo::ConversationId, count: usize) {
    let all = same_everywhere(&[&team[0], &team[1], &team[2]], id, 3 * count).await;
    for person in team {
        in_order(&all, numbered(person.subject(), count), person.subject());
        assert_eq!(person.client().outbox().await.unwrap().failed, 0);
    }
    let log = api::log(relay, &team[0], id).await;
    let commits = 1 + 3 * (count / 5);
    assert_eq!((api::commits(&log), log.len()), (commits, commits + 3 * count));
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_1_a_relay_that_dies_again_and_again_loses_and_doubles_nothing() {
    logs();
    let mut relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "eve"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let deaths = async {
        for death in 1..=6 {
            until_texts(&team[0], id, death * 8).await;
            if death % 2 == 0 {
                relay.restart().await.unwrap();
            } else {
                relay.kill();
                relay.start_again().await.unwrap();
            }
        }
    };
    tokio::join!(workload(&team, id, 20), deaths);
    check(&team, &relay, id, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_1_a_cable_that_is_cut_again_and_again_loses_and_doubles_nothing() {
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "eve"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let cuts = async {
        for cut in 1..=9 {
            until_texts(&team[0], id, cut * 5).await;
            let person = &team[cut % 3];
            person.cable().cut();
            until_connection(person.client(), "broken", SOON, |state| *state != ConnectionState::Live).await;
            person.cable().restore();
        }
    };
    tokio::join!(workload(&team, id, 20), cuts);
    check(&team, &relay, id, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_1_p4_unknown_a_swallowed_answer_doubles_nothing() {
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { panic!("two") };
    let id = group(&[ana, ben]).await;
    for round in 0..3 {
        ana.cable().swallow_answers();
        let before = ana.cable().swallowed();
        let text = format!("round {round}");
        send(ana, id, &text).await;
        until_text(ben.client(), id, &text, SOON).await;
        ana.cable().until_swallowed(before).await;
        ana.cable().restore();
        until_sent(ana).await;
    }
    assert_eq!(read(ana, id).await, ["round 0", "round 1", "round 2"]);
    assert_eq!(read(ben, id).await, read(ana, id).await);
    assert_eq!(api::log(&relay, ana, id).await.len(), 4);
}

/// The calls of a whole life: sign-in, invitation, creation, commits, messages, sync.
const CALLS: &[&str] = &[
    "=/v1/session",
    "=/v1/devices",
    "=/v1/key-packages",
    "=/v1/key-packages/claim",
    "=/v1/directory",
    "=/v1/conversations",
    "/commits",
    "/messages",
    "/entries",
    "/trees/",
    "=/v1/sync",
    "=/v1/stream",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The request does not reach the relay.
    Before,
    /// The request reaches it, the answer does not come back.
    After,
    /// The relay says that it cannot serve.
    Unavailable,
    /// Something else answers.
    Html,
}

/// A whole life where the first two calls of each kind go wrong.
#[tokio::test(flavor = "multi_thread")]
async fn p3_1_p4_unknown_every_call_may_be_lost_and_is_repeated() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    for (round, fault) in [Fault::Before, Fault::After, Fault::Unavailable, Fault::Html]
        .into_iter()
        .enumerate()
    {
        let friends = people(&relay, &[&format!("ben-{round}"), &format!("kai-{round}")]).await;
        let [ben, kai] = &friends[..] else { panic!("two") };
        let ana = Victim::new(&relay, &format!("ana-{round}")).await;
        let counts: Arc<Vec<AtomicUsize>> = Arc::new(CALLS.iter().map(|_| AtomicUsize::new(0)).collect());
        let spoiled = {
            let counts = Arc::clone(&counts);
            move |call: &crate::mitm::Call| {
                let kind = CALLS.iter().position(|part| call.is(part));
                kind.is_some_and(|kind| counts[kind].fetch_add(1, Ordering::SeqCst) < 2)
            }
        };
        match fault {
            Fault::After => ana.mitm.after_relay(move |call, reply| {
                // One line of the stream is not the end of it: that is another test.
                if !call.is("/v1/stream") && spoiled(call) {
                    *reply = Reply::lost();
                }
            }),
            _ => ana.mitm.before_relay(move |call| {
                spoiled(call).then(|| match fault {
                    Fault::Unavailable => Reply::problem("unavailable"),
                    Fault::Html => Reply::bytes(200, "text/html", "<html>Please sign in to the guest network"),
                    _ => Reply::lost(),
                })
            }),
        }
        let mut tries = 0;
        while let Err(error) = ana.client().sign_in().await {
            tries += 1;
            assert!(tries < 12, "{fault:?}: {error:?}");
            let expected: &[&str] = match fault {
                Fault::Before | Fault::After => &["offline"],
                Fault::Unavailable => &["unavailable"],
                Fault::Html => &["captive_portal"],
            };
            assert!(expected.contains(&error.code().as_str()), "{fault:?}: {error:?}");
        }
        ana.client().start().await.unwrap();
        let his = ben.user().await;
        let (talk, created) = ana.client().create_conversation(&[his]).await.unwrap();
        let id = talk.id();
        send(&ana.person, id, "one").await;
        let added = talk.add(&[kai.user().await]).await.unwrap();
        send(&ana.person, id, "two").await;
        until_done(ana.client(), id, created, SOON).await;
        until_done(ana.client(), id, added, SOON).await;
        until_text(kai.client(), id, "two", SOON).await;
        // And the other way: she is welcomed by somebody else.
        let other = group(&[kai, ben, &ana.person]).await;
        send(ben, other, "three").await;
        until_text(ana.client(), other, "three", SOON).await;
        let removed = talk.remove(&[kai.user().await]).await.unwrap();
        until_done(ana.client(), id, removed, SOON).await;
        assert_eq!(
            same_everywhere(&[&ana.person, ben], id, 2).await,
            ["one", "two"],
            "{fault:?}"
        );
        let log = api::log(&relay, &ana.person, id).await;
        // Three commits, two texts, and what kai was told of the conversation.
        assert_eq!((log.len(), api::commits(&log)), (6, 3), "{fault:?}");
        let state = ana.client().conversation(other).info().await.unwrap().state;
        assert_eq!(state, curo::ConversationState::Active);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_1_a_lost_answer_brings_the_same_bytes_and_a_duplicate() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = group(&[&ana.person, &ben]).await;
    for part in ["/messages", "/commits"] {
        // Everything about this conversation is lost: she cannot learn it in another way.
        let lost = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&lost);
        ana.mitm.after_relay(move |call, reply| {
            let first = count.load(Ordering::SeqCst) == 0;
            if call.is(part) && first {
                count.store(1, Ordering::SeqCst);
                *reply = Reply::lost();
            } else if first && (call.is("/v1/sync") || call.is("/v1/stream")) {
                reply.value()["conversations"] = json!([]);
            }
        });
        if part == "/messages" {
            send(&ana.person, id, "once").await;
        } else {
            let renewed = ana.client().conversation(id).renew_keys().await.unwrap();
            until_done(ana.client(), id, renewed, SOON).await;
        }
        until_sent(&ana.person).await;
        assert_eq!(lost.load(Ordering::SeqCst), 1);
    }
    ana.mitm.honest();
    assert_eq!(read(&ana.person, id).await, ["once"]);
    let log = api::log(&relay, &ana.person, id).await;
    assert_eq!((log.len(), api::commits(&log)), (3, 2));
}

/// What a proxy kept arrives hours late.
#[tokio::test(flavor = "multi_thread")]
async fn p3_1_late_duplicates_change_nothing() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let team = people(&relay, &["ben", "kai"]).await;
    let [ben, kai] = &team[..] else { panic!("two") };
    let id = group(&[&ana.person, ben]).await;
    send(&ana.person, id, "one").await;
    until_sent(&ana.person).await;
    let talk = ana.client().conversation(id);
    until_done(ana.client(), id, talk.add(&[kai.user().await]).await.unwrap(), SOON).await;
    until_active(kai, id).await;
    until_done(ana.client(), id, talk.remove(&[kai.user().await]).await.unwrap(), SOON).await;
    send(&ana.person, id, "two").await;
    until_sent(&ana.person).await;
    send(ben, id, "three").await;
    let before = same_everywhere(&[&ana.person, ben], id, 3).await;
    let log = api::log(&relay, &ana.person, id).await;
    for part in ["/v1/conversations", "/v1/key-packages", "/v1/devices", "/v1/sync"] {
        for late in ana.mitm.exchanges(part) {
            if late.request.is_null() || late.status != 200 {
                continue;
            }
            let (status, answer) = api::call(&relay, &ana.person, &late.path, Some(&late.request)).await;
            assert_eq!(status, 200, "{}: {answer}", late.path);
            let accepted: Vec<&Value> = match answer["accepted"].as_array() {
                Some(all) => all.iter().collect(),
                None if late.path.starts_with("/v1/conversations") => vec![&answer],
                None => Vec::new(),
            };
            assert!(
                accepted.iter().all(|one| one["duplicate"] == true),
                "{}: {answer}",
                late.path
            );
        }
    }
    // The same intent with other bytes is refused.
    let mut forged = ana.mitm.exchanges("/messages")[0].clone();
    let later = ana.mitm.exchanges("/messages").last().unwrap().request["messages"][0].clone();
    let mut bytes = forged.request["messages"][0].as_str().unwrap().to_owned().into_bytes();
    let place = bytes.len() - 3;
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    let bytes = String::from_utf8(bytes).unwrap();
    forged.request["messages"] = json!([bytes, later]);
    let (status, answer) = api::call(&relay, &ana.person, &forged.path, Some(&forged.request)).await;
    assert_eq!((status, &answer["code"]), (409, &json!("intent_reused")));
    assert_eq!(api::log(&relay, &ana.person, id).await, log, "the log has changed");
    send(ben, id, "four").await;
    let after = same_everywhere(&[&ana.person, ben], id, 4).await;
    assert_eq!(after[..3], before);
}
