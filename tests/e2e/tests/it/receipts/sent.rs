//! When a device says how far its user has read, and when it does not.

use std::time::Duration;

use curo_kit::{TestRelay, until_live};

use super::{delivered, read, reads, reference, stands, until_stands};
use crate::mitm::Victim;
use crate::team::{group, people, send, until_sent, until_texts};
use crate::{SOON, logs};

#[tokio::test(flavor = "multi_thread")]
async fn p8_3_what_was_read_offline_is_said_later_whatever_happens_in_between() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    let mut sent = Vec::new();
    for text in ["one", "two", "three"] {
        sent.push(send(&team[0], id, text).await);
    }
    until_texts(&team[1], id, 3).await;
    team[1].cable().cut();
    for message in &sent[..2] {
        reads(&team[1], id, reference(&team[0], *message).await).await;
    }
    team[1].close().await.unwrap();
    team[1].open().await.unwrap();
    team[1].client().start().await.unwrap();
    assert_ne!(stands(&team[0], id, sent[0]).await, read(1, 1));
    team[1].cable().restore();
    until_stands(&team[0], id, sent[1], read(1, 1)).await;
    assert_eq!(stands(&team[0], id, sent[0]).await, read(1, 1));
    assert_eq!(stands(&team[0], id, sent[2]).await, delivered(1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_3_marks_that_follow_each_other_are_said_together() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ben = Victim::online(&relay, "ben").await;
    let team = people(&relay, &["ana"]).await;
    let ana = &team[0];
    let id = group(&[ana, &ben.person]).await;
    let mut sent = Vec::new();
    for n in 0..10 {
        sent.push(reference(ana, send(ana, id, &format!("text {n}")).await).await);
    }
    until_texts(&ben.person, id, 10).await;
    // The first is on its way while he reads on.
    let mut gate = ben.mitm.hold("/receipt");
    reads(&ben.person, id, sent[0]).await;
    gate.arrived().await;
    for it in &sent[1..] {
        reads(&ben.person, id, *it).await;
    }
    tokio::join!(ben.mitm.until_more("/receipt", 2), async { drop(gate) });
    until_stands(ana, id, sent[9].message, read(1, 1)).await;
    // The others are said together, and not before the relay takes it.
    let slots = ben.mitm.exchanges("/receipt");
    let taken = slots.iter().all(|one| one.status == 200);
    assert!(slots.len() == 2 && taken, "{slots:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_3_who_has_turned_receipts_off_says_nothing() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut ben = Victim::online(&relay, "ben").await;
    let team = people(&relay, &["ana"]).await;
    let ana = &team[0];
    let id = group(&[ana, &ben.person]).await;
    assert!(ben.client().sends_read_receipts().await.unwrap());
    ben.client().send_read_receipts(false).await.unwrap();
    let first = send(ana, id, "first").await;
    reads(&ben.person, id, reference(ana, first).await).await;
    // Kept over a restart.
    ben.person.reopen().await.unwrap();
    until_live(ben.client(), SOON).await;
    assert!(!ben.client().sends_read_receipts().await.unwrap());
    send(&ben.person, id, "understood").await;
    until_sent(&ben.person).await;
    until_stands(ana, id, first, delivered(1, 1)).await;
    assert!(ben.mitm.exchanges("/receipt").is_empty());

    // It is the user's own: what others say is shown all the same.
    let own = send(&ben.person, id, "have you read this?").await;
    reads(ana, id, reference(&ben.person, own).await).await;
    until_stands(&ben.person, id, own, read(1, 1)).await;

    ben.client().send_read_receipts(true).await.unwrap();
    let second = send(ana, id, "second").await;
    reads(&ben.person, id, reference(ana, second).await).await;
    until_stands(ana, id, second, read(1, 1)).await;
    assert_eq!(stands(ana, id, first).await, read(1, 1));
    // Ana may hear of it before Ben has his answer.
    ben.mitm.until(|one| one.path.contains("/receipt")).await;
    assert_eq!(ben.mitm.exchanges("/receipt").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_3_nothing_is_said_while_locked() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ben = Victim::online(&relay, "ben").await;
    let team = people(&relay, &["ana"]).await;
    let ana = &team[0];
    let id = group(&[ana, &ben.person]).await;
    let message = send(ana, id, "seen in the lift").await;
    until_texts(&ben.person, id, 1).await;
    ben.client().stop().await;
    reads(&ben.person, id, reference(ana, message).await).await;
    ben.client().lock().await.unwrap();
    let outcome = ben.client().run_background(Duration::from_secs(30)).await.unwrap();
    assert!(outcome.complete, "{outcome:?}");
    assert!(ben.mitm.exchanges("/receipt").is_empty());
    ben.client().unlock().await.unwrap();
    ben.client().catch_up().await.unwrap();
    until_stands(ana, id, message, read(1, 1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_3_a_slot_that_the_relay_does_not_take_is_written_again() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ben = Victim::online(&relay, "ben").await;
    let team = people(&relay, &["ana"]).await;
    let ana = &team[0];
    let id = group(&[ana, &ben.person]).await;
    let message = send(ana, id, "one").await;
    let refused = std::sync::atomic::AtomicUsize::new(0);
    ben.mitm.before_relay(move |call| {
        if !call.is("/receipt") {
            return None;
        }
        match refused.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Some(crate::mitm::Reply::problem("unavailable")),
            1 => Some(crate::mitm::Reply::lost()),
            2 => Some(crate::mitm::Reply::problem("rate_limited")),
            3 => Some(crate::mitm::Reply::json(200, serde_json::json!({ "next": "never" }))),
            _ => None,
        }
    });
    reads(&ben.person, id, reference(ana, message).await).await;
    until_stands(ana, id, message, read(1, 1)).await;
    // The fifth is with the relay; whether Ben has its answer by now is another matter.
    assert!(ben.mitm.exchanges("/receipt").len() >= 4);
    // Refused for good: it is not asked again, and the next one is.
    ben.mitm
        .before_relay(|call| call.is("/receipt").then(|| crate::mitm::Reply::problem("refused")));
    let second = send(ana, id, "two").await;
    reads(&ben.person, id, reference(ana, second).await).await;
    ben.mitm
        .until(|one| one.path.ends_with("/receipt") && one.status == 422)
        .await;
    ben.mitm.honest();
    let third = send(ana, id, "three").await;
    reads(&ben.person, id, reference(ana, third).await).await;
    until_stands(ana, id, third, read(1, 1)).await;
}
