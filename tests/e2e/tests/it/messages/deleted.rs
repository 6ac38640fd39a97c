//! Deleted is deleted: in every store that learns of it, to whoever has its key.

use curo::KeyVault as _;

use super::*;
use crate::canary::{contains, decrypt};

async fn stored(person: &Person, secret: &str) -> bool {
    let key = person.vault().load(&person.client().profile()).await.unwrap();
    contains(&decrypt(&person.database(), key.expose()), secret.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_4_a_deleted_message_is_gone_from_every_store_and_they_say_so() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben", "kim"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let [ana, ben, kim] = &team[..] else { panic!() };
    let ward = |person: &Person| person.client().conversation(id);
    let (secret, edited) = (MessageId::random().to_string(), MessageId::random().to_string());
    let message = reference(ana, send(ana, id, &secret).await).await;
    until_texts(ben, id, 1).await;
    until_texts(kim, id, 1).await;
    ward(ana).edit(message, edited.as_str().into(), &[]).await.unwrap();
    ward(ben).react(message, "👍").await.unwrap();
    for person in &team {
        let done = |message: &Message| message.edited_ms.is_some() && message.reactions.len() == 1;
        until_sees(person, id, message, "edited", done).await;
        assert_eq!(person.client().search(&edited, None, 9).await.unwrap().hits.len(), 1);
        assert!(
            stored(person, &secret).await && stored(person, &edited).await,
            "the search is good"
        );
    }
    assert_eq!(code(ward(ana).purge(message).await), ErrorCode::UNKNOWN, "it is there");

    // Kim is away; she learns of it later.
    kim.cable().cut();
    ward(ana).delete(message).await.unwrap();
    until_sees(ben, id, message, "deleted", |message| message.body == Body::Deleted).await;
    until_holds(ana, "purged by one of two".into(), async || {
        ward(ana).purge(message).await.is_ok_and(|purge| purge.by == 1)
    })
    .await;
    let purge = ward(ana).purge(message).await.unwrap();
    let bens = ben.account().await.unwrap();
    assert_eq!((purge.of, purge.devices), (2, vec![(bens.user, bens.device)]));
    assert!(text_of(kim, id, message).await.is_some(), "she has it still");
    kim.cable().restore();
    until_holds(ana, "purged by both".into(), async || {
        ward(ana)
            .purge(message)
            .await
            .is_ok_and(|purge| purge.by == 2 && purge.of == 2)
    })
    .await;
    for person in &team {
        until_sees(person, id, message, "deleted", |message| message.body == Body::Deleted).await;
        let seen = see(person, id, message).await.unwrap();
        assert!(seen.reactions.is_empty() && !seen.edited);
        assert!(person.client().search(&edited, None, 9).await.unwrap().hits.is_empty());
        // Nothing can be said about it any more.
        assert_eq!(code(ward(person).react(message, "x").await), ErrorCode::UNKNOWN);
        until_sent(person).await;
        assert_eq!(person.client().outbox().await.unwrap().failed, 0);
    }
    assert_eq!(code(ward(ana).edit(message, "x".into(), &[]).await), ErrorCode::UNKNOWN);
    assert_eq!(code(ward(ana).delete(message).await), ErrorCode::UNKNOWN);
    for person in &mut team {
        person.close().await.unwrap();
        assert!(
            !stored(person, &secret).await && !stored(person, &edited).await,
            "{person:?}"
        );
        person.open().await.unwrap();
        assert_eq!(see(person, id, message).await.unwrap().body, Body::Deleted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_deletes_are_answered_by_few_receipts() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { panic!() };
    let id = group(&[ana, ben]).await;
    let ward = ana.client().conversation(id);
    let mut messages = Vec::new();
    for n in 0..40 {
        messages.push(reference(ana, send(ana, id, &format!("text {n}")).await).await);
    }
    until_texts(ben, id, 40).await;
    ben.cable().cut();
    for message in &messages {
        ward.delete(*message).await.unwrap();
    }
    until_sent(ana).await;
    ben.cable().restore();
    for message in &messages {
        until_holds(ana, "purged".into(), async || {
            ward.purge(*message).await.is_ok_and(|purge| purge.by == 1)
        })
        .await;
    }
    // 40 texts, 40 deletes, and far fewer receipts than deletes.
    let bens = ben.account().await.unwrap().device;
    let log = crate::api::log(&relay, ana, id).await;
    let receipts = log.iter().filter(|entry| entry.sender == bens).count();
    assert!((1..=10).contains(&receipts), "{receipts}");
}

/// The receipt is owed from the transaction that purges: a client that ends between the two sends it in its next life, once.
#[tokio::test(flavor = "multi_thread")]
async fn p8_4_a_receipt_that_was_interrupted_is_sent_once() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let mut ben = crate::mitm::Victim::online(&relay, "ben").await;
    let id = group(&[&ana, &ben.person]).await;
    let ward = ana.client().conversation(id);
    let message = reference(&ana, send(&ana, id, "secret").await).await;
    until_texts(&ben.person, id, 1).await;
    let mut gate = ben.mitm.hold("/messages");
    ward.delete(message).await.unwrap();
    gate.arrived().await;
    assert_eq!(see(&ben.person, id, message).await.unwrap().body, Body::Deleted);
    ben.person.close().await.unwrap();
    drop(gate);
    ben.person.open().await.unwrap();
    ben.person.client().start().await.unwrap();
    until_holds(&ana, "purged by ben".into(), async || {
        ward.purge(message).await.is_ok_and(|purge| purge.by == 1)
    })
    .await;
    until_sent(&ben.person).await;
    let bens = ben.person.account().await.unwrap().device;
    let log = crate::api::log(&relay, &ana, id).await;
    assert_eq!(log.iter().filter(|entry| entry.sender == bens).count(), 1);
}
