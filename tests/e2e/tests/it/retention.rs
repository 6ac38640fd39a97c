//! A relay that keeps bodies for some days only (rule 5.8): nobody is lost, what is gone shows, nothing comes twice.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use curo::{ConversationId, DeliveryState, Entry, IntentStatus, PAGE_LIMIT};
use curo_kit::{Person, TestRelay, texts, until_delivery, until_text};
use curo_relay::ManualClock;
use serde_json::Value;

use crate::child::RelayProcess;
use crate::team::{group, people, read, same_everywhere, send, until_active, until_holds, until_sent, until_settled};
use crate::{SOON, api, logs};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

/// A relay that keeps bodies for ten days, and its clock, `ago` days back.
async fn forgetful(ago: u64) -> (TestRelay, Arc<ManualClock>) {
    logs();
    let clock = Arc::new(ManualClock::new(now_ms() - ago * DAY_MS));
    let relay = TestRelay::builder()
        .clock(clock.clone())
        // No commit has to be kept for the state of a group.
        .limits(|limits| limits.commits_per_checkpoint = 1)
        .tenant(|tenant| tenant.body_retention = Some(Duration::from_secs(10 * 24 * 60 * 60)))
        .start()
        .await
        .unwrap();
    (relay, clock)
}

async fn ask(relay: &TestRelay, person: &Person, id: ConversationId, what: &str) -> (u16, Value) {
    api::call(relay, person, &format!("/v1/conversations/{id}/{what}"), None).await
}

/// Asks until the relay answers that way.
async fn until_answer(what: &str, mut answered: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !answered().await {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(SOON, asking).await;
    in_time.unwrap_or_else(|_| panic!("{what}: not within {SOON:?}"));
}

/// Waits until the relay has dropped what it need not keep: everything up to entry `last`.
async fn until_dropped(relay: &TestRelay, person: &Person, id: ConversationId, last: u64) {
    until_answer("bodies are dropped", async || {
        let (status, info) = ask(relay, person, id, "group-info").await;
        assert_eq!(status, 200, "{info}");
        info["kept_from"].as_u64() == Some(last + 1)
    })
    .await;
}

async fn gaps(person: &Person, id: ConversationId) -> Vec<Entry> {
    let page = person.client().conversation(id).latest(PAGE_LIMIT).await.unwrap();
    let entries = page.items.into_iter().map(|item| item.entry);
    entries.filter(|entry| matches!(entry, Entry::Gap { .. })).collect()
}

async fn until_gap(person: &Person, id: ConversationId) {
    until_holds(person, "a gap".into(), async || !gaps(person, id).await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_8_who_was_away_longer_than_bodies_are_kept_comes_back_and_sees_a_gap() {
    let (mut relay, clock) = forgetful(0).await;
    let mut team = people(&relay, &["ana", "ben", "cara"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let quiet = group(&[&team[0], &team[1]]).await;
    send(&team[0], id, "one").await; // 2
    same_everywhere(&[&team[0], &team[1], &team[2]], id, 1).await;
    team[1].close().await.unwrap();
    send(&team[0], id, "two").await; // 3
    same_everywhere(&[&team[0], &team[2]], id, 2).await;
    clock.advance_ms(11 * DAY_MS);
    relay.restart().await.unwrap();
    until_dropped(&relay, &team[0], id, 3).await;
    assert_eq!(ask(&relay, &team[0], id, "entries?incarnation=1&after=2").await.0, 410);
    send(&team[2], id, "three").await; // 4
    same_everywhere(&[&team[0], &team[2]], id, 3).await;

    team[1].open().await.unwrap();
    let waiting = send(&team[1], id, "written before it knew").await;
    team[1].go_online().await.unwrap();
    let ben = &team[1];
    until_gap(ben, id).await;
    until_active(ben, id).await;
    let missed = gaps(ben, id).await;
    assert!(
        matches!(
            missed[..],
            [Entry::Gap {
                from: (1, 3),
                to: (1, 4)
            }]
        ),
        "{missed:?}"
    );
    until_text(team[0].client(), id, "written before it knew", SOON).await;
    send(&team[0], id, "four").await;
    until_text(ben.client(), id, "four", SOON).await;
    assert_eq!(read(ben, id).await, ["one", "written before it knew", "four"]);
    assert_eq!(
        read(&team[0], id).await,
        ["one", "two", "three", "written before it knew", "four"]
    );
    same_everywhere(&[&team[0], &team[2]], id, 5).await;
    until_delivery(
        ben.client(),
        id,
        waiting,
        DeliveryState::Delivered { by: 2, of: 2 },
        SOON,
    )
    .await;
    // Where it had read everything nothing is missing.
    send(ben, quiet, "still here").await;
    same_everywhere(&[ben, &team[0]], quiet, 1).await;
    assert_eq!(gaps(ben, quiet).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_8_who_is_invited_and_comes_too_late_for_the_first_messages_comes_in() {
    let (mut relay, clock) = forgetful(0).await;
    let mut team = people(&relay, &["ana", "ben"]).await;
    team[1].close().await.unwrap();
    let ben = team[1].user().await;
    let (talk, _) = team[0].client().create_conversation(&[ben]).await.unwrap();
    send(&team[0], talk.id(), "hello").await;
    until_sent(&team[0]).await;
    clock.advance_ms(11 * DAY_MS);
    relay.restart().await.unwrap();
    until_dropped(&relay, &team[0], talk.id(), 2).await;
    team[1].open().await.unwrap();
    team[1].go_online().await.unwrap();
    // The Welcome is kept (3.8).
    until_gap(&team[1], talk.id()).await;
    send(&team[0], talk.id(), "welcome").await;
    until_text(team[1].client(), talk.id(), "welcome", SOON).await;
    send(&team[1], talk.id(), "here I am").await;
    until_text(team[0].client(), talk.id(), "here I am", SOON).await;
    assert_eq!(read(&team[1], talk.id()).await, ["welcome", "here I am"]);
}

/// An answer was lost, and when the device asks again, the log does not show any more what it had sent.
#[tokio::test(flavor = "multi_thread")]
async fn p5_8_p3_1_what_was_accepted_is_known_when_its_body_is_gone() {
    for commit in [false, true] {
        let (mut relay, clock) = forgetful(0).await;
        let mut team = people(&relay, &["ana", "ben"]).await;
        let id = group(&[&team[0], &team[1]]).await;
        let log = api::log(&relay, &team[1], id).await.len();
        team[0].cable().swallow_answers();
        let swallowed = team[0].cable().swallowed();
        let talk = team[0].client().conversation(id);
        let intent = if commit {
            talk.renew_keys().await.unwrap()
        } else {
            send(&team[0], id, "in doubt").await.into()
        };
        team[0].cable().until_swallowed(swallowed).await;
        until_answer("accepted", async || api::log(&relay, &team[1], id).await.len() > log).await;
        team[0].close().await.unwrap();
        clock.advance_ms(11 * DAY_MS);
        relay.restart().await.unwrap();
        until_dropped(&relay, &team[1], id, 2).await;
        team[0].cable().restore();
        team[0].open().await.unwrap();
        team[0].go_online().await.unwrap();
        let ana = &team[0];
        until_gap(ana, id).await;
        if commit {
            assert_eq!(until_settled(ana, id, intent).await, IntentStatus::Done);
        }
        send(ana, id, "after").await;
        until_text(team[1].client(), id, "after", SOON).await;
        until_sent(ana).await;
        let outbox = ana.client().outbox().await.unwrap();
        assert_eq!((outbox.waiting, outbox.failed), (0, 0));
        let all = if commit {
            vec!["after"]
        } else {
            vec!["in doubt", "after"]
        };
        assert_eq!(read(ana, id).await, all);
        assert_eq!(read(&team[1], id).await, all);
    }
}

/// A relay that is killed before and amid its batches goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn p5_8_a_relay_killed_while_it_drops_bodies_goes_on() {
    let (mut relay, clock) = forgetful(40).await;
    let mut team = people(&relay, &["ana", "ben"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    team[1].close().await.unwrap();
    let talk = team[0].client().conversation(id);
    for n in 0..600 {
        talk.send_text(format!("{n}").into(), curo::MessageId::random())
            .await
            .unwrap();
    }
    until_sent(&team[0]).await;
    relay.stop().await;
    clock.set_ms(now_ms());
    let points = [
        "relay.bodies.before_drop",
        "relay.bodies.after_drop",
        "sqlite.after_commit",
    ];
    let process = RelayProcess::start(&relay, points.map(|point| (point.to_owned(), 1)), &[]);
    process.until_died(points.len()).await;
    until_dropped(&relay, &team[0], id, 601).await;
    send(&team[0], id, "after").await;
    until_sent(&team[0]).await;
    team[1].open().await.unwrap();
    team[1].go_online().await.unwrap();
    until_gap(&team[1], id).await;
    send(&team[0], id, "again").await;
    until_text(team[1].client(), id, "again", SOON).await;
    let all = texts(&talk).await.unwrap();
    assert_eq!(all.len(), 602);
    for person in team {
        person.close().await.unwrap();
    }
}
