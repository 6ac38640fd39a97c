//! Direct conversations: one for two, and for nobody else.

use curo::{ConversationId, ConversationState};
use curo_kit::{Person, TestRelay, until_live, until_text};
use curo_types::format::EntryKind;
use futures_util::future::join_all;
use serde_json::json;

use super::{members, numbered, send_all};
use crate::mitm::Victim;
use crate::team::{
    frozen, group, in_order, people, read, same_everywhere, send, state, until_active, until_frozen, until_holds,
    until_state,
};
use crate::{SOON, api, logs};

#[tokio::test(flavor = "multi_thread")]
async fn p3_2_both_talk_at_once_in_a_direct_conversation() {
    let relay = TestRelay::start().await.unwrap();
    let pair = people(&relay, &["ana", "ben"]).await;
    let id = pair[0]
        .client()
        .direct_conversation(pair[1].user().await)
        .await
        .unwrap()
        .id();
    until_active(&pair[1], id).await;
    join_all(pair.iter().map(|person| send_all(person, id, person.subject(), 30))).await;
    let all = same_everywhere(&[&pair[0], &pair[1]], id, 60).await;
    for person in &pair {
        in_order(&all, numbered(person.subject(), 30), person.subject());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_7_a_direct_conversation_from_both_sides_is_one() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    for round in 0..4 {
        let pair = people(&relay, &[&format!("ana-{round}"), &format!("ben-{round}")]).await;
        let (ana, ben) = (&pair[0], &pair[1]);
        let (hers, his) = (ana.user().await, ben.user().await);
        // Half of the rounds both write before either can reach the relay.
        if round % 2 == 0 {
            ana.client().stop().await;
            ben.client().stop().await;
        }
        let (one, other) = tokio::join!(
            async { ana.client().direct_conversation(his).await.unwrap().id() },
            async { ben.client().direct_conversation(hers).await.unwrap().id() },
        );
        assert_eq!(one, other);
        join_all(pair.iter().map(|person| send_all(person, one, person.subject(), 4))).await;
        if round % 2 == 0 {
            let (a, b) = tokio::join!(ana.client().start(), ben.client().start());
            a.and(b).unwrap();
        }
        let all = same_everywhere(&[ana, ben], one, 8).await;
        for person in &pair {
            in_order(&all, numbered(person.subject(), 4), person.subject());
            assert_eq!(state(person, one).await, Some(ConversationState::Active));
            assert_eq!(members(person, one).await, 2);
            assert_eq!(person.client().outbox().await.unwrap().failed, 0);
        }
        let seen = [api::log(&relay, ana, one).await, api::log(&relay, ben, one).await];
        // Whoever was welcomed does not see the creation.
        assert_eq!(seen.map(|log| api::commits(&log)).iter().sum::<usize>(), 1);
    }
}

/// Creates a conversation with somebody else's direct id, as a client that is not ours could.
async fn squat(relay: &TestRelay, id: ConversationId, with: &[&Person]) -> Victim {
    let mallory = Victim::online(relay, "mallory").await;
    mallory.mitm.before_relay(move |call| {
        if call.is("=/v1/conversations") {
            call.body["conversation"] = json!(id);
        }
        None
    });
    let mut users = Vec::new();
    for person in with {
        users.push(person.user().await);
    }
    mallory.client().create_conversation(&users).await.unwrap();
    mallory
        .mitm
        .until(|one| one.path == "/v1/conversations" && one.status == 200)
        .await;
    mallory
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_17_a_squatted_direct_conversation_is_frozen_and_nothing_is_sent() {
    let relay = TestRelay::start().await.unwrap();
    for case in ["welcomed before", "welcomed after", "not invited", "without the other"] {
        let names = [&format!("ana {case}"), &format!("ben {case}")];
        let pair = people(&relay, &[names[0], names[1]]).await;
        let (ana, ben) = (&pair[0], &pair[1]);
        let id = ConversationId::direct(relay.tenant(), ana.user().await, ben.user().await);
        let talk = ana.client().conversation(id);
        if case == "welcomed after" || case == "not invited" {
            ana.client().stop().await;
            ana.client().direct_conversation(ben.user().await).await.unwrap();
            send(ana, id, "for ben alone").await;
        }
        let invited = match case {
            "not invited" => vec![ben],
            "without the other" => vec![ana],
            _ => vec![ana, ben],
        };
        let _mallory = squat(&relay, id, &invited).await;
        ana.client().start().await.unwrap();
        until_live(ana.client(), SOON).await;
        if case == "not invited" {
            until_state(ana, id, ConversationState::Waiting).await;
        } else {
            if case != "welcomed after" {
                until_active(ana, id).await;
                ana.client().direct_conversation(ben.user().await).await.unwrap();
                send(ana, id, "for ben alone").await;
            }
            until_frozen(ana, id, "not_direct").await;
        }
        // Another conversation works, and whatever could be sent has been sent by then.
        let other = group(&[ana, ben]).await;
        send(ana, other, "elsewhere").await;
        until_text(ben.client(), other, "elsewhere", SOON).await;
        let messages =
            |log: &[curo_types::api::EntryRecord]| log.iter().filter(|e| e.kind == EntryKind::Message).count();
        assert_eq!(messages(&api::log(&relay, invited[0], id).await), 0, "{case}");
        let waiting = talk.latest(10).await.unwrap().items;
        assert!(!waiting.is_empty(), "{case}: what was written is still there");
        until_holds(ana, format!("one waits {case}"), async || {
            ana.client().outbox().await.unwrap().waiting == 1
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_17_nobody_is_added_to_a_direct_conversation() {
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "eve"]).await;
    let [ana, ben, eve] = &team[..] else { panic!("three") };
    let direct = ana.client().direct_conversation(ben.user().await).await.unwrap();
    until_active(ben, direct.id()).await;
    let third = eve.user().await;
    assert_eq!(direct.add(&[third]).await.unwrap_err().code().as_str(), "not_direct");
    // Ben has never opened it as a direct one, so his client lets him; hers freezes.
    send(ana, direct.id(), "between us").await;
    until_text(ben.client(), direct.id(), "between us", SOON).await;
    ben.client().conversation(direct.id()).add(&[third]).await.unwrap();
    until_frozen(ana, direct.id(), "not_direct").await;
    send(ana, direct.id(), "still between us").await;
    let other = group(&[ana, ben]).await;
    send(ana, other, "what was that?").await;
    until_text(ben.client(), other, "what was that?", SOON).await;
    assert!(!read(ben, direct.id()).await.contains(&"still between us".to_owned()));
    assert_eq!(frozen(ana, direct.id()).await.as_deref(), Some("not_direct"));
}
