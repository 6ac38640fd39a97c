//! The main job: a care team talks, with one member offline, one added, one removed, one restarted from disk.

use curo::{Body, ConversationState, DeliveryState, Entry, MessageId};
use curo_kit::{Person, TestRelay, texts, until, until_delivery, until_done, until_text};

use crate::{SOON, logs};

async fn send(person: &Person, id: curo::ConversationId, text: &str) -> MessageId {
    person
        .client()
        .conversation(id)
        .send_text(text.into(), MessageId::random())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_care_team_talks() {
    talk(TestRelay::start().await.unwrap()).await;
}

/// The same with the curves that some hospitals must use.
#[tokio::test(flavor = "multi_thread")]
async fn p2_1_a_care_team_talks_with_p256() {
    talk(TestRelay::builder().suites(&[2]).start().await.unwrap()).await;
}

async fn talk(relay: TestRelay) {
    logs();
    let nurse = Person::online(&relay, "nurse-kim").await.unwrap();
    let mut physician = Person::online(&relay, "dr-lee").await.unwrap();
    let patient = Person::online(&relay, "pat-jones").await.unwrap();
    let pharmacist = Person::online(&relay, "ph-ada").await.unwrap();

    let people = nurse
        .client()
        .find_people(&["dr-lee", "pat-jones", "nobody"])
        .await
        .unwrap();
    assert_eq!(people.len(), 2);
    let users: Vec<_> = people.iter().map(|person| person.user).collect();
    let (care, created) = nurse.client().create_conversation(&users).await.unwrap();
    let id = care.id();
    let first = send(&nurse, id, "BP 118/76, afebrile").await;
    until_done(nurse.client(), id, created, SOON).await;
    for person in [&physician, &patient] {
        until_text(person.client(), id, "BP 118/76, afebrile", SOON).await;
    }
    until_delivery(
        nurse.client(),
        id,
        first,
        DeliveryState::Delivered { by: 2, of: 2 },
        SOON,
    )
    .await;

    // One is offline: what is sent meanwhile comes later.
    patient.client().stop().await;
    send(&physician, id, "Start the antibiotic tonight").await;
    until_text(nurse.client(), id, "Start the antibiotic tonight", SOON).await;

    // One is added, and reads only what comes after.
    let added = care.add(&[pharmacist.user().await]).await.unwrap();
    until_done(nurse.client(), id, added, SOON).await;
    send(&nurse, id, "Ada joins us for the dosage").await;
    until_text(pharmacist.client(), id, "Ada joins us for the dosage", SOON).await;
    let hers = pharmacist.client().conversation(id);
    assert_eq!(texts(&hers).await.unwrap(), ["Ada joins us for the dosage"]);
    send(&pharmacist, id, "500 mg twice a day").await;

    // One is restarted from disk.
    physician.reopen().await.unwrap();
    until_text(physician.client(), id, "500 mg twice a day", SOON).await;
    send(&physician, id, "Agreed").await;
    until_text(pharmacist.client(), id, "Agreed", SOON).await;

    patient.client().start().await.unwrap();
    until_text(patient.client(), id, "Agreed", SOON).await;

    // One is removed, and reads nothing that comes after.
    let removed = care.remove(&[pharmacist.user().await]).await.unwrap();
    until_done(nurse.client(), id, removed, SOON).await;
    send(&nurse, id, "Discharge on Friday").await;
    until_text(patient.client(), id, "Discharge on Friday", SOON).await;
    until(pharmacist.client(), "removed", SOON, async || {
        hers.info().await.unwrap().state == ConversationState::Removed
    })
    .await;
    assert!(!texts(&hers).await.unwrap().contains(&"Discharge on Friday".to_owned()));
    let refused = hers
        .send_text("still here?".into(), MessageId::random())
        .await
        .unwrap_err();
    assert_eq!(refused.code().as_str(), "removed");

    // Everybody sees the same, in the same order.
    let all = [
        "BP 118/76, afebrile",
        "Start the antibiotic tonight",
        "Ada joins us for the dosage",
        "500 mg twice a day",
        "Agreed",
        "Discharge on Friday",
    ];
    for person in [&nurse, &physician, &patient] {
        until_text(person.client(), id, "Discharge on Friday", SOON).await;
        assert_eq!(
            texts(&person.client().conversation(id)).await.unwrap(),
            all,
            "{person:?}"
        );
    }
    // The others may have the last message before its sender has the relay's answer.
    until(nurse.client(), "all settled", SOON, async || {
        nurse.client().outbox().await.unwrap().waiting == 0
    })
    .await;
    let page = care.latest(300).await.unwrap();
    let own = page.items.iter().filter_map(|item| match &item.entry {
        Entry::Message(message) if message.own => Some(message),
        _ => None,
    });
    for message in own {
        assert!(matches!(message.body, Body::Text(_)));
        assert!(matches!(
            message.delivery,
            Some(DeliveryState::Sent | DeliveryState::Delivered { .. })
        ));
    }
}
