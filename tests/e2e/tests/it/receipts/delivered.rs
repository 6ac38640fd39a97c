//! Delivery is never claimed of somebody who cannot have it.

use curo_kit::{Person, TestRelay, until_delivery, until_done};

use super::delivered;
use crate::team::{group, people, send, until_active, until_sent};
use crate::{SOON, damage, logs};

#[tokio::test(flavor = "multi_thread")]
async fn p8_2_who_comes_back_with_another_device_does_not_have_what_was_said_before() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "cara"]).await;
    let [ana, ben, cara] = &team[..] else { unreachable!() };
    let id = group(&[ana, ben, cara]).await;
    let care = ana.client().conversation(id);
    ben.close().await.unwrap();
    let missed = send(ana, id, "ben's phone is off").await;
    until_delivery(ana.client(), id, missed, delivered(1, 2), SOON).await;

    let removed = care.remove(&[ben.user().await]).await.unwrap();
    until_done(ana.client(), id, removed, SOON).await;
    let between = send(ana, id, "ben is out").await;
    until_delivery(ana.client(), id, between, delivered(1, 1), SOON).await;
    let other = Person::online(&relay, "ben").await.unwrap();
    let added = care.add(&[ben.user().await]).await.unwrap();
    until_done(ana.client(), id, added, SOON).await;
    until_active(&other, id).await;
    let heard = send(ana, id, "ben has another phone").await;
    until_delivery(ana.client(), id, heard, delivered(2, 2), SOON).await;
    // The other phone has reported an entry behind the first message, and never had it.
    assert_eq!(care.delivery(missed).await.unwrap(), delivered(1, 2));
    assert_eq!(care.delivery(between).await.unwrap(), delivered(1, 1));
    // Nor does it follow from what it says itself.
    let said = send(&other, id, "hello").await;
    until_delivery(other.client(), id, said, delivered(2, 2), SOON).await;
    assert_eq!(care.delivery(missed).await.unwrap(), delivered(1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_2_who_has_a_gap_does_not_have_what_was_said_in_it() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben", "cara"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let before = send(&team[0], id, "before").await;
    until_delivery(team[0].client(), id, before, delivered(2, 2), SOON).await;
    team[1].close().await.unwrap();
    damage::groups(team[1].dir()).await;
    let missed = send(&team[0], id, "missed").await;
    until_delivery(team[0].client(), id, missed, delivered(1, 2), SOON).await;
    team[1].open().await.unwrap();
    team[1].go_online().await.unwrap();
    let (ana, ben) = (&team[0], &team[1]);
    send(ben, id, "I am back").await;
    until_sent(ben).await;
    let after = send(ana, id, "after").await;
    until_delivery(ana.client(), id, after, delivered(2, 2), SOON).await;
    let care = ana.client().conversation(id);
    assert_eq!(care.delivery(missed).await.unwrap(), delivered(1, 2));
    assert_eq!(care.delivery(before).await.unwrap(), delivered(2, 2));
}
