//! What the author sees of others' reading.

use curo::{ErrorCode, PersonReceipt, Start, TimelineOptions};
use curo_kit::{Person, TestRelay, until_done, until_text};

use super::{delivered, read, reads, reference, stands, until_stands};
use crate::lifecycle::code;
use crate::mitm::{Payload, Victim};
use crate::team::{group, people, send, until_active, until_holds, until_sent};
use crate::{SOON, damage, logs};

#[tokio::test(flavor = "multi_thread")]
async fn p8_2_p8_3_read_is_counted_by_people_and_shown_everywhere() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben", "cara", "ben"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    until_active(&team[3], id).await;
    let (ana, phone, cara, tablet) = (&team[0], &team[1], &team[2], &team[3]);
    let (ben_user, cara_user) = (phone.user().await, cara.user().await);
    let message = send(ana, id, "K+ 6.8").await;
    let it = reference(ana, message).await;
    until_stands(ana, id, message, delivered(2, 2)).await;
    reads(phone, id, it).await;
    until_stands(ana, id, message, read(1, 2)).await;
    let care = ana.client().conversation(id);
    let of = |people: &[PersonReceipt], user| *people.iter().find(|person| person.user == user).unwrap();
    let all = care.receipts(it).await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(of(&all, ben_user).delivered && of(&all, ben_user).read && of(&all, ben_user).read_by_ms.is_some());
    let of_cara = PersonReceipt {
        user: cara_user,
        delivered: true,
        read: false,
        read_by_ms: None,
    };
    assert_eq!(of(&all, cara_user), of_cara);
    // A person's second device adds nothing; everybody sees the same.
    reads(tablet, id, it).await;
    reads(cara, id, it).await;
    until_stands(ana, id, message, read(2, 2)).await;
    let theirs = cara.client().conversation(id);
    until_holds(cara, "ben has read it".into(), async || {
        let all = theirs.receipts(it).await.unwrap();
        all.len() == 2 && all.iter().all(|person| person.delivered && person.read)
    })
    .await;
    // What is shown: list and timeline.
    let newest = TimelineOptions {
        start: Start::Newest,
        ..TimelineOptions::default()
    };
    let timeline = care.timeline(newest).unwrap();
    let shown = timeline.next(0).await.unwrap().state;
    let Some(curo::Entry::Message(last)) = shown.items.last().map(|item| item.item.entry.clone()) else {
        panic!("{shown:?}");
    };
    assert_eq!(last.delivery, Some(read(2, 2)));
    let list = ana.client().conversation_list(10).unwrap().next(0).await.unwrap().state;
    let preview = list.items[0].row.last.clone().unwrap();
    assert_eq!(preview.delivery, Some(read(2, 2)));
    // A later one begins anew, and the timeline follows it.
    let later = send(ana, id, "5.9 now").await;
    until_stands(ana, id, later, delivered(2, 2)).await;
    let mut seen = timeline.next(0).await.unwrap();
    reads(cara, id, reference(ana, later).await).await;
    let watched = async {
        loop {
            let last = seen.state.items.last().unwrap();
            match &last.item.entry {
                curo::Entry::Message(last) if last.delivery == Some(read(1, 2)) => return,
                _ => seen = timeline.next(seen.revision).await.unwrap(),
            }
        }
    };
    tokio::time::timeout(SOON, watched).await.unwrap();

    // From disk it is as it was, without a network.
    team[0].close().await.unwrap();
    team[0].open().await.unwrap();
    let ana = &team[0];
    assert_eq!(stands(ana, id, message).await, read(2, 2));
    assert_eq!(stands(ana, id, later).await, read(1, 2));
    let care = ana.client().conversation(id);
    let all = care.receipts(it).await.unwrap();
    assert!(all.len() == 2 && all.iter().all(|person| person.read));
    let nothing = reference(ana, curo::MessageId::random()).await;
    assert_eq!(code(care.receipts(nothing).await), ErrorCode::UNKNOWN);
    let unsent = send(ana, id, "not on its way").await;
    assert!(care.receipts(reference(ana, unsent).await).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_3_a_slot_of_an_epoch_ahead_waits_until_it_is_reached() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben", "cara"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let message = send(&team[0], id, "before").await;
    until_stands(&team[0], id, message, delivered(2, 2)).await;
    let it = reference(&team[0], message).await;
    team[0].close().await.unwrap();
    for person in [&team[2], &team[1]] {
        let renewed = person.client().conversation(id).renew_keys().await.unwrap();
        until_done(person.client(), id, renewed, SOON).await;
    }
    send(&team[1], id, "in the third epoch").await;
    until_sent(&team[1]).await;
    // It stands at the relay before ana comes back: cara has it.
    reads(&team[1], id, it).await;
    let theirs = team[2].client().conversation(id);
    until_holds(&team[2], "ben has read it".into(), async || {
        theirs.receipts(it).await.unwrap().iter().filter(|one| one.read).count() == 1
    })
    .await;
    team[0].open().await.unwrap();
    team[0].go_online().await.unwrap();
    until_stands(&team[0], id, message, read(1, 2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_3_keys_of_earlier_epochs_open_the_slots_of_who_is_behind() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ben = Victim::online(&relay, "ben").await;
    let team = people(&relay, &["ana", "cara"]).await;
    let [ana, cara] = &team[..] else { unreachable!() };
    let id = group(&[ana, &ben.person, cara]).await;
    let message = send(ana, id, "before").await;
    until_stands(ana, id, message, delivered(2, 2)).await;
    // The lines of Ben's stream are lost, and he goes on reading in his epoch.
    ben.mitm.after_relay(|call, reply| {
        if call.is("/v1/stream") {
            reply.body = Payload::Lost;
        }
    });
    let renewed = cara.client().conversation(id).renew_keys().await.unwrap();
    until_done(cara.client(), id, renewed, SOON).await;
    send(cara, id, "in the next epoch").await;
    until_text(ana.client(), id, "in the next epoch", SOON).await;
    reads(&ben.person, id, reference(ana, message).await).await;
    until_stands(ana, id, message, read(1, 2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_3_who_came_back_from_outside_says_what_they_read_from_then_on() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben", "cara"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let before = send(&team[0], id, "before").await;
    reads(&team[1], id, reference(&team[0], before).await).await;
    until_stands(&team[0], id, before, read(1, 2)).await;
    team[1].close().await.unwrap();
    damage::groups(team[1].dir()).await;
    let missed = send(&team[0], id, "missed").await;
    until_stands(&team[0], id, missed, delivered(1, 2)).await;
    team[1].open().await.unwrap();
    team[1].go_online().await.unwrap();
    let (ana, ben) = (&team[0], &team[1]);
    send(ben, id, "I am back").await;
    until_sent(ben).await;
    let after = send(ana, id, "after").await;
    reads(ben, id, reference(ana, after).await).await;
    until_stands(ana, id, after, read(1, 2)).await;
    // His mark is behind what he missed, which is not read for all that.
    assert_eq!(stands(ana, id, missed).await, delivered(1, 2));
    assert_eq!(stands(ana, id, before).await, read(1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_2_a_persons_later_device_has_not_read_what_came_before_it() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { unreachable!() };
    let id = group(&[ana, ben]).await;
    let message = send(ana, id, "for the phone").await;
    until_stands(ana, id, message, delivered(1, 1)).await;
    let tablet = Person::online(&relay, "ben").await.unwrap();
    until_active(&tablet, id).await;
    let later = send(ana, id, "for both").await;
    reads(&tablet, id, reference(ana, later).await).await;
    until_stands(ana, id, later, read(1, 1)).await;
    assert_eq!(stands(ana, id, message).await, delivered(1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_3_a_slot_that_comes_with_the_welcome_waits_for_it() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { unreachable!() };
    let mut cara = Person::new(&relay, "cara").await.unwrap();
    let (cara_user, ben_user) = (cara.user().await, ben.user().await);
    cara.close().await.unwrap();
    let id = group(&[ana, ben]).await;
    let care = ana.client().conversation(id);
    let added = care.add(&[cara_user]).await.unwrap();
    until_done(ana.client(), id, added, SOON).await;
    let message = send(ana, id, "for the three of us").await;
    let it = reference(ana, message).await;
    reads(ben, id, it).await;
    until_stands(ana, id, message, read(1, 2)).await;
    cara.open().await.unwrap();
    cara.go_online().await.unwrap();
    until_active(&cara, id).await;
    let theirs = cara.client().conversation(id);
    until_holds(&cara, "ben has read it".into(), async || {
        let all = theirs.receipts(it).await.unwrap_or_default();
        all.iter().any(|person| person.user == ben_user && person.read)
    })
    .await;
    // Of herself she knows more than she was told.
    let own = async || {
        let all = theirs.receipts(it).await.unwrap();
        *all.iter().find(|person| person.user == cara_user).unwrap()
    };
    assert!(own().await.delivered && !own().await.read);
    theirs.mark_read(it).await.unwrap();
    assert!(own().await.read);
    until_stands(ana, id, message, read(2, 2)).await;
}
