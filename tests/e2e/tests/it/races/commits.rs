//! Commits that compete.

use curo::{ConversationState, IntentStatus};
use curo_kit::{Person, TestRelay, until_done, until_text};
use futures_util::future::join_all;

use super::{members, send_all};
use crate::mitm::{Reply, Victim};
use crate::team::{
    admins, group, people, same_everywhere, send, state, until_active, until_holds, until_sent, until_settled,
};
use crate::{SOON, api, logs};

#[tokio::test(flavor = "multi_thread")]
async fn p3_4_p4_lost_all_commit_at_once_and_each_intent_happens_once() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "eve", "max"]).await;
    let guests = people(&relay, &["kai", "lea"]).await;
    let team: Vec<_> = team.iter().collect();
    let id = group(&team).await;
    let [ana, ben, eve, max] = team[..] else { panic!("four") };
    let (kai, lea) = (guests[0].user().await, guests[1].user().await);
    let talk = |person: &Person| person.client().conversation(id);
    let (one, two, three, four, five) = tokio::join!(
        async { talk(ana).add(&[kai]).await.unwrap() },
        async { talk(ben).add(&[lea]).await.unwrap() },
        async { talk(eve).renew_keys().await.unwrap() },
        async { talk(max).renew_keys().await.unwrap() },
        async { talk(ana).renew_keys().await.unwrap() },
    );
    join_all(team.iter().map(|person| send_all(person, id, person.subject(), 5))).await;
    for (person, intent) in [(ana, one), (ben, two), (eve, three), (max, four), (ana, five)] {
        until_done(person.client(), id, intent, SOON).await;
    }
    same_everywhere(&team, id, 20).await;
    for guest in &guests {
        until_active(guest, id).await;
    }
    // One last message from each: whoever were in another epoch could neither send nor read.
    let all: Vec<_> = team.iter().copied().chain(&guests).collect();
    for person in &all {
        send(person, id, &format!("last of {}", person.subject())).await;
    }
    for reader in &all {
        for writer in &all {
            until_text(reader.client(), id, &format!("last of {}", writer.subject()), SOON).await;
        }
        assert_eq!(members(reader, id).await, 6, "{reader:?}");
    }
    let log = api::log(&relay, ana, id).await;
    assert_eq!(api::commits(&log), 1 + 5, "each commit once");
    for intent in [one, two, three, four, five] {
        assert_eq!(log.iter().filter(|entry| entry.intent == intent).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_4_p6_2_all_remove_each_other_at_once() {
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "eve", "max"]).await;
    let team: Vec<_> = team.iter().collect();
    let id = group(&team).await;
    admins(&team, id).await;
    // In a ring: everybody removes the next one.
    let removals = join_all((0..4).map(async |n| {
        let next = team[(n + 1) % 4].user().await;
        team[n].client().conversation(id).remove(&[next]).await.unwrap()
    }))
    .await;
    let mut done = 0;
    for (person, intent) in team.iter().zip(removals) {
        match until_settled(person, id, intent).await {
            IntentStatus::Done => done += 1,
            IntentStatus::Failed { code, .. } => assert_eq!(code.as_str(), "removed", "{person:?}"),
            pending => panic!("{pending:?}"),
        }
    }
    let log = api::log(&relay, team[0], id).await;
    // Whoever was removed before their own removal won has not removed anybody.
    assert!((2..=3).contains(&done), "{done} removals");
    let mut left = Vec::new();
    for person in &team {
        let mut settled = None;
        until_holds(person, "an agreed roster".into(), async || {
            settled = state(person, id).await;
            settled == Some(ConversationState::Removed) || members(person, id).await == 4 - done
        })
        .await;
        if settled == Some(ConversationState::Active) {
            left.push(*person);
        }
    }
    assert_eq!(left.len(), 4 - done, "{} entries", log.len());
    send(left[0], id, "who is left?").await;
    for person in left {
        until_text(person.client(), id, "who is left?", SOON).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_4_adding_and_removing_the_same_person_at_once_agrees() {
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "kai"]).await;
    let [ana, ben, kai] = &team[..] else { panic!("three") };
    let id = group(&[ana, ben]).await;
    admins(&[ana, ben], id).await;
    let user = kai.user().await;
    for round in 0..6 {
        let (adding, removing) = tokio::join!(
            async { ana.client().conversation(id).add(&[user]).await.unwrap() },
            async { ben.client().conversation(id).remove(&[user]).await.unwrap() },
        );
        until_done(ana.client(), id, adding, SOON).await;
        until_done(ben.client(), id, removing, SOON).await;
        let text = format!("after round {round}");
        send(ana, id, &text).await;
        until_text(ben.client(), id, &text, SOON).await;
        let in_it = members(ana, id).await == 3;
        assert_eq!(members(ben, id).await == 3, in_it);
        if in_it {
            until_text(kai.client(), id, &text, SOON).await;
        }
    }
    let entered = kai.client().conversation(id).info().await.ok().map(|info| info.state);
    assert_ne!(entered, Some(ConversationState::Frozen));
}

/// A message waits between client and relay while its epoch ends.
#[tokio::test(flavor = "multi_thread")]
async fn p4_lost_a_message_of_an_epoch_that_ended_is_encrypted_again() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = group(&[&ana.person, &ben]).await;
    let mut gate = ana.mitm.hold("/messages");
    let sent = [
        send(&ana.person, id, "first").await,
        send(&ana.person, id, "second").await,
    ];
    gate.arrived().await;
    let renewed = ben.client().conversation(id).renew_keys().await.unwrap();
    until_done(ben.client(), id, renewed, SOON).await;
    send(&ben, id, "from the next epoch").await;
    until_sent(&ben).await;
    drop(gate);
    same_everywhere(&[&ana.person, &ben], id, 3).await;
    let log = api::log(&relay, &ben, id).await;
    for message in sent {
        let entries: Vec<_> = log.iter().filter(|entry| entry.intent == message.into()).collect();
        assert_eq!(
            (entries.len(), entries[0].epoch),
            (1, 2),
            "the same intent, in the next epoch"
        );
    }
    let tries = ana.mitm.exchanges("/messages");
    assert!(
        tries.iter().any(|one| one.answer["code"] == "stale_epoch"),
        "it was not refused: nothing was proved"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_lost_a_commit_that_lost_its_epoch_is_built_again_with_the_same_intent() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let team = people(&relay, &["ben", "kai", "lea"]).await;
    let [ben, kai, lea] = &team[..] else { panic!("three") };
    let id = group(&[&ana.person, ben]).await;
    // Both add kai, ana lea too: of hers, only lea is left to do when she has lost.
    let mut gate = ana.mitm.hold("/commits");
    let hers = ana
        .client()
        .conversation(id)
        .add(&[kai.user().await, lea.user().await])
        .await
        .unwrap();
    let then = send(&ana.person, id, "welcome to you both").await;
    gate.arrived().await;
    let his = ben.client().conversation(id).add(&[kai.user().await]).await.unwrap();
    until_done(ben.client(), id, his, SOON).await;
    drop(gate);
    until_done(ana.client(), id, hers, SOON).await;
    for guest in [kai, lea] {
        until_text(guest.client(), id, "welcome to you both", SOON).await;
    }
    let log = api::log(&relay, ben, id).await;
    let of = |intent| {
        log.iter()
            .filter(|entry| entry.intent == intent)
            .map(|entry| entry.epoch)
            .collect::<Vec<_>>()
    };
    assert_eq!((of(his), of(hers), of(then.into())), (vec![1], vec![2], vec![3]));
    assert!(
        ana.mitm
            .exchanges("/commits")
            .iter()
            .any(|one| one.answer["code"] == "epoch_taken")
    );
}

/// The other member has done all of it already: nothing is left to do.
#[tokio::test(flavor = "multi_thread")]
async fn p4_lost_a_commit_with_nothing_left_to_do_is_done() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let team = people(&relay, &["ben", "kai"]).await;
    let [ben, kai] = &team[..] else { panic!("two") };
    let id = group(&[&ana.person, ben]).await;
    let mut gate = ana.mitm.hold("/commits");
    let hers = ana.client().conversation(id).add(&[kai.user().await]).await.unwrap();
    gate.arrived().await;
    let his = ben.client().conversation(id).add(&[kai.user().await]).await.unwrap();
    until_done(ben.client(), id, his, SOON).await;
    drop(gate);
    until_done(ana.client(), id, hers, SOON).await;
    assert_eq!(api::commits(&api::log(&relay, &ana.person, id).await), 2);
    assert_eq!(members(&ana.person, id).await, 3);
}

/// "Nobody won" is no verdict (4.2): the staged commit stays and the same bytes go again.
#[tokio::test(flavor = "multi_thread")]
async fn p4_2_a_commit_stays_while_nobody_has_won_its_epoch() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let team = people(&relay, &["ben", "kai"]).await;
    let [ben, kai] = &team[..] else { panic!("two") };
    let id = group(&[&ana.person, ben]).await;
    ana.mitm
        .before_relay(|call| call.is("/commits").then(|| Reply::problem("epoch_taken")));
    let hers = ana.client().conversation(id).add(&[kai.user().await]).await.unwrap();
    ana.mitm
        .until(|one| one.path.contains("/winner") && one.status == 404)
        .await;
    ana.mitm.honest();
    until_done(ana.client(), id, hers, SOON).await;
    let tries = ana.mitm.exchanges("/commits");
    let all: Vec<_> = ana
        .mitm
        .exchanges("/")
        .iter()
        .map(|one| (one.path.clone(), one.status))
        .collect();
    assert!(tries.len() > 1, "{all:?}");
    assert!(
        tries.iter().all(|one| one.request == tries[0].request),
        "the same bytes each time"
    );
    send(&ana.person, id, "there you are").await;
    until_text(kai.client(), id, "there you are", SOON).await;
}
