//! More than 32 people: nobody says what they read unless somebody asks.

use curo::{Body, Entry};
use curo_kit::{Person, TestRelay, items, until, until_done};

use super::{read, reads, reference, until_stands};
use crate::mitm::Victim;
use crate::team::{group, people, send, until_active};
use crate::{SOON, logs};

#[tokio::test(flavor = "multi_thread")]
async fn p8_3_above_32_members_receipts_are_sent_when_somebody_asks() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ben = Victim::online(&relay, "ben").await;
    let team = people(&relay, &["ana"]).await;
    let ana = &team[0];
    // Thirty-one who have a device and are not there.
    let mut everybody = vec![ben.person.user().await];
    for n in 0..31 {
        let person = Person::new(&relay, &format!("quiet-{n}")).await.unwrap();
        everybody.push(person.client().sign_in().await.unwrap().user);
        person.close().await.unwrap();
    }
    let (care, created) = ana.client().create_conversation(&everybody).await.unwrap();
    let id = care.id();
    until_done(ana.client(), id, created, SOON).await;
    until_active(&ben.person, id).await;
    assert_eq!(care.info().await.unwrap().members.len(), 33);
    let written = || ben.mitm.exchanges("/receipt").len();

    let first = send(ana, id, "to the whole hospital").await;
    let second = send(ana, id, "the second call").await;
    reads(&ben.person, id, reference(ana, first).await).await;
    until_nothing_to_say(&ben).await;
    assert_eq!(written(), 0);

    // Asked: what was read, and then what is read of what was said before.
    let asked = care.request_receipts().await.unwrap().unwrap();
    until_done(ana.client(), id, asked, SOON).await;
    ben.mitm
        .until(|one| one.path.ends_with("/receipt") && one.status == 200)
        .await;
    // The relay wakes nobody for a slot in a conversation of this size; the next entry does.
    send(&ben.person, id, "on my way").await;
    until_stands(ana, id, first, read(1, 32)).await;
    reads(&ben.person, id, reference(ana, second).await).await;
    until_nothing_to_say(&ben).await;
    send(&ben.person, id, "and the second").await;
    until_stands(ana, id, second, read(1, 32)).await;
    assert_eq!(written(), 2);

    // All that was asked about is said: of what comes then nothing is.
    let third = send(ana, id, "the third call").await;
    reads(&ben.person, id, reference(ana, third).await).await;
    until_nothing_to_say(&ben).await;
    assert_eq!(written(), 2);
    // Nothing of the asking is shown.
    for person in [ana, &ben.person] {
        let shown = items(&person.client().conversation(id)).await.unwrap();
        let unknown = |entry: &Entry| matches!(entry, Entry::Message(one) if one.body == Body::Unsupported);
        assert!(!shown.iter().any(|item| unknown(&item.entry)));
    }

    // In a small one there is nothing to ask.
    let small = group(&[ana, &ben.person]).await;
    assert_eq!(ana.client().conversation(small).request_receipts().await.unwrap(), None);
}

async fn until_nothing_to_say(ben: &Victim) {
    let said = async || ben.client().diagnostics().await.contains("receipts_waiting: 0");
    until(ben.client(), "nothing to say", SOON, said).await;
}
