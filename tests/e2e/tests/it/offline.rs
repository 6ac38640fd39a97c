//! Away for long: much to send, much to catch up with, much at once.

use curo::{DeliveryState, MessageId, Text};
use curo_kit::{Person, TestRelay, until_delivery, until_done, until_text};
use curo_types::api::limits;
use curo_types::format::Content;

use crate::mitm::{Reply, Victim};
use crate::team::{group, in_order, people, read, same_everywhere, send, until_active, until_sent, until_texts};
use crate::{SOON, api, logs};

/// Bytes of the messages of a request, and how many they are.
fn batch(request: &serde_json::Value) -> (usize, usize) {
    let messages = request["messages"].as_array().unwrap();
    // Unpadded base64url.
    (
        messages
            .iter()
            .map(|message| message.as_str().unwrap().len() * 3 / 4)
            .sum(),
        messages.len(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_1_a_thousand_messages_queued_offline_arrive_in_order_once() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = group(&[&ana.person, &ben]).await;
    ana.client().stop().await;
    let texts: Vec<_> = (0..1000).map(|n| format!("note {n:04}")).collect();
    let talk = ana.client().conversation(id);
    let queued = texts
        .iter()
        .map(|text| talk.send_text(text.as_str().into(), MessageId::random()));
    // In their order: each is durable before the next is handed over.
    let mut last = None;
    for one in queued {
        last = Some(one.await.unwrap());
    }
    assert_eq!(ana.client().outbox().await.unwrap().waiting, 1000);
    // The app was restarted in the meantime.
    ana.person.close().await.unwrap();
    ana.person.open().await.unwrap();
    ana.client().start().await.unwrap();
    let all = same_everywhere(&[&ana.person, &ben], id, 1000).await;
    assert_eq!(all, texts);
    until_delivery(
        ana.client(),
        id,
        last.unwrap(),
        DeliveryState::Delivered { by: 1, of: 1 },
        SOON,
    )
    .await;
    let batches: Vec<_> = ana
        .mitm
        .exchanges("/messages")
        .iter()
        .map(|one| batch(&one.request).1)
        .collect();
    assert!(
        batches.iter().all(|size| *size <= limits::MESSAGES_PER_BATCH),
        "{batches:?}"
    );
    assert_eq!(batches.iter().sum::<usize>(), 1000, "each was sent once: {batches:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p14_texts_up_to_the_limit_arrive_and_larger_ones_are_refused() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = group(&[&ana.person, &ben]).await;
    let talk = ana.client().conversation(id);
    let text = |n: usize| format!("{n} {}", "é".repeat((Content::TEXT_LIMIT - 2) / 2));
    let too_large = Text::from("x".repeat(Content::TEXT_LIMIT + 1));
    let error = talk.send_text(too_large, MessageId::random()).await.unwrap_err();
    assert_eq!((error.code().as_str(), error.retryable()), ("too_large", false));
    let error = talk.send_text("".into(), MessageId::random()).await.unwrap_err();
    assert_eq!(error.code().as_str(), "invalid_argument");
    // Nine together are over two requests; small ones among them keep their place.
    ana.client().stop().await;
    let mut sent = Vec::new();
    for n in 0..9 {
        sent.push(text(n));
        sent.push(format!("after {n}"));
    }
    assert_eq!(sent[0].len(), Content::TEXT_LIMIT);
    for text in &sent {
        send(&ana.person, id, text).await;
    }
    ana.client().start().await.unwrap();
    let all = same_everywhere(&[&ana.person, &ben], id, sent.len()).await;
    assert!(all == sent, "another order or other texts");
    let batches: Vec<_> = ana
        .mitm
        .exchanges("/messages")
        .iter()
        .map(|one| batch(&one.request))
        .collect();
    assert!(
        batches.iter().all(|(bytes, _)| *bytes <= limits::BATCH_BYTES),
        "{batches:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_3_p3_6_whoever_was_away_for_forty_epochs_reads_everything() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "kai", "lea"]).await;
    let [ana, ben, kai, lea] = &team[..] else {
        panic!("four")
    };
    let mut eve = Victim::online(&relay, "eve").await;
    let id = group(&[ana, ben, &eve.person]).await;
    eve.client().stop().await;
    let mut expected = Vec::new();
    for round in 0..10 {
        for (person, name) in [(ana, "ana"), (ben, "ben")] {
            let text = format!("{name} in round {round}");
            send(person, id, &text).await;
            until_sent(person).await;
            let renewed = person.client().conversation(id).renew_keys().await.unwrap();
            until_done(person.client(), id, renewed, SOON).await;
            expected.push(text);
        }
        // People whom she does not know come, speak and go.
        let (guest, name) = if round % 2 == 0 { (kai, "kai") } else { (lea, "lea") };
        let user = [guest.user().await];
        let came = ana.client().conversation(id).add(&user).await.unwrap();
        until_done(ana.client(), id, came, SOON).await;
        until_active(guest, id).await;
        let text = format!("{name} in round {round}");
        send(guest, id, &text).await;
        until_text(ben.client(), id, &text, SOON).await;
        expected.push(text);
        let gone = ana.client().conversation(id).remove(&user).await.unwrap();
        until_done(ana.client(), id, gone, SOON).await;
    }
    let log = api::log(&relay, ana, id).await;
    // Each guest was told what the conversation is about.
    assert_eq!((api::commits(&log), log.len()), (41, 71 + 10));
    send(&eve.person, id, "what did I miss?").await;
    eve.person.close().await.unwrap();
    eve.person.open().await.unwrap();
    let asked = eve.mitm.exchanges("/v1/directory").len();
    eve.client().start().await.unwrap();
    expected.push("what did I miss?".to_owned());
    let all = same_everywhere(&[&eve.person, ana, ben], id, expected.len()).await;
    assert_eq!(all, expected);
    assert!(
        eve.mitm.exchanges("/v1/directory").len() > asked,
        "newcomers were judged without their keys"
    );
}

/// What was encrypted before a long absence can never be accepted; its intent is.
#[tokio::test(flavor = "multi_thread")]
async fn p4_lost_messages_prepared_before_a_long_absence_arrive_once() {
    let relay = TestRelay::start().await.unwrap();
    let mut ana = Victim::online(&relay, "ana").await;
    let team = people(&relay, &["ben", "eve"]).await;
    let [ben, eve] = &team[..] else { panic!("two") };
    let id = group(&[&ana.person, ben, eve]).await;
    ana.mitm.before_relay(|call| call.is("/messages").then(Reply::lost));
    let mine: Vec<_> = (0..10).map(|n| format!("ana {n}")).collect();
    for text in &mine {
        send(&ana.person, id, text).await;
    }
    ana.mitm.until_more("/messages", 1).await;
    ana.person.close().await.unwrap();
    for round in 0..15 {
        for person in [ben, eve] {
            let renewed = person.client().conversation(id).renew_keys().await.unwrap();
            until_done(person.client(), id, renewed, SOON).await;
        }
        send(ben, id, &format!("ben {round}")).await;
    }
    ana.mitm.honest();
    ana.person.open().await.unwrap();
    ana.client().start().await.unwrap();
    let all = same_everywhere(&[&ana.person, ben, eve], id, 25).await;
    in_order(&all, mine, "ana");
}

/// More news than one answer takes, in several conversations at once.
#[tokio::test(flavor = "multi_thread")]
async fn p5_1_more_news_than_one_answer_takes_are_brought_in_pieces() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(group(&[&ben, &ana.person]).await);
    }
    ana.client().stop().await;
    for n in 0..200 {
        for id in &ids {
            send(&ben, *id, &format!("ben {n:03}")).await;
        }
    }
    until_sent(&ben).await;
    ana.client().start().await.unwrap();
    for id in &ids {
        until_texts(&ana.person, *id, 200).await;
        assert_eq!(read(&ana.person, *id).await, read(&ben, *id).await);
    }
    let answers = ana.mitm.exchanges("/v1/sync");
    assert!(
        answers.iter().any(|one| one.answer["more"] == true),
        "one answer was enough: nothing was proved"
    );
}

/// Conversations created, filled and abandoned while offline come into being in their order.
#[tokio::test(flavor = "multi_thread")]
async fn p4_1_whole_conversations_made_offline_arrive() {
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "eve"]).await;
    let [ana, ben, eve] = &team[..] else { panic!("three") };
    ana.cable().cut();
    let (his, hers) = (ben.user().await, eve.user().await);
    let mut ids = Vec::new();
    for n in 0..5 {
        let (talk, _) = ana.client().create_conversation(&[his]).await.unwrap();
        send(ana, talk.id(), &format!("first in {n}")).await;
        talk.add(&[hers]).await.unwrap();
        send(ana, talk.id(), &format!("second in {n}")).await;
        talk.remove(&[hers]).await.unwrap();
        send(ana, talk.id(), &format!("third in {n}")).await;
        ids.push(talk.id());
    }
    ana.cable().restore();
    for (n, id) in ids.into_iter().enumerate() {
        until_text(ben.client(), id, &format!("third in {n}"), SOON).await;
        let wanted = ["first", "second", "third"].map(|which| format!("{which} in {n}"));
        assert_eq!(read(ben, id).await, wanted);
        until_text(eve.client(), id, &wanted[1], SOON).await;
        assert_eq!(read(eve, id).await, [wanted[1].clone()]);
    }
}
