//! A relay that was restored from a backup (rule 7.2): people and devices that came after the backup, and those that went.

use curo::{ConnectionState, ErrorCode};
use curo_kit::{Person, TestRelay, until_done, until_text};

use super::{Vaults, talk};
use crate::child::Mover;
use crate::team::{group, people, same_everywhere, send, until_active, until_holds, until_sent};
use crate::{SOON, logs};

async fn until_failed(person: &Person, code: ErrorCode) {
    until_holds(person, format!("failed with {code}"), async || {
        person.client().connection() == ConnectionState::Failed { code: code.clone() }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_2_people_and_devices_that_came_after_the_backup_are_who_they_were() {
    logs();
    let (mut relay, vaults) = (TestRelay::start().await.unwrap(), Vaults::new());
    let team = people(&relay, &["ana", "ben"]).await;
    let early = group(&[&team[0], &team[1]]).await;
    talk(&[&team[0], &team[1]], early, "before").await;
    vaults.save(&relay, "monday").await;
    // A person who is new, and a further device of one who was there.
    let cara = Person::online(&relay, "cara").await.unwrap();
    let tablet = Person::online(&relay, "ben").await.unwrap();
    until_active(&tablet, early).await;
    let added = team[0]
        .client()
        .conversation(early)
        .add(&[cara.user().await])
        .await
        .unwrap();
    until_done(team[0].client(), early, added, SOON).await;
    until_active(&cara, early).await;
    let late = group(&[&cara, &team[0]]).await;
    for (id, speaker) in [(early, &tablet), (early, &cara), (late, &cara)] {
        send(speaker, id, "lost").await;
        until_sent(speaker).await;
        until_text(team[0].client(), id, "lost", SOON).await;
    }
    let everybody = [&team[0], &team[1], &cara, &tablet];
    let mut accounts = Vec::new();
    for person in everybody {
        accounts.push(person.account().await.unwrap());
    }
    vaults.restore(&mut relay, "monday").await;
    for (n, speaker) in everybody.into_iter().enumerate() {
        let text = format!("after {n}");
        send(speaker, early, &text).await;
        for hearer in everybody {
            until_text(hearer.client(), early, &text, SOON).await;
        }
    }
    talk(&[&cara, &team[0]], late, "goes on").await;
    // Somebody new judges all of them by what the relay has now, and they her.
    let dora = Person::online(&relay, "dora").await.unwrap();
    for (id, inviter) in [(early, &cara), (late, &team[0])] {
        let added = inviter
            .client()
            .conversation(id)
            .add(&[dora.user().await])
            .await
            .unwrap();
        until_done(inviter.client(), id, added, SOON).await;
        until_active(&dora, id).await;
        send(&dora, id, "dora is here").await;
        until_text(cara.client(), id, "dora is here", SOON).await;
    }
    until_text(tablet.client(), early, "dora is here", SOON).await;
    for (person, account) in everybody.into_iter().zip(accounts) {
        assert_eq!(person.account().await.unwrap(), account);
        until_active(person, early).await;
    }
    // The same backup once more: no version is used twice.
    vaults.restore(&mut relay, "monday").await;
    send(&dora, early, "still here").await;
    for person in everybody {
        until_text(person.client(), early, "still here", SOON).await;
    }
    // All of them are back: before that the relay knows no device of Dora's.
    let eli = Person::online(&relay, "eli").await.unwrap();
    let third = group(&[&eli, &cara, &dora, &team[1]]).await;
    talk(&[&eli, &cara, &dora, &team[1]], third, "once more").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_2_a_device_that_was_revoked_after_the_backup_does_not_come_back() {
    logs();
    let (mut relay, vaults) = (TestRelay::start().await.unwrap(), Vaults::new());
    let team = people(&relay, &["ana", "ben"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    let (old, phone) = (&team[1], Person::online(&relay, "ben").await.unwrap());
    until_active(&phone, id).await;
    talk(&[&team[0], &phone], id, "before").await;
    vaults.save(&relay, "monday").await;
    // One that came before the backup goes, and one that came after it.
    let stolen = Person::online(&relay, "ben").await.unwrap();
    until_active(&stolen, id).await;
    for gone in [old, &stolen] {
        let device = gone.account().await.unwrap().device;
        phone.client().revoke_device(device).await.unwrap();
        until_failed(gone, ErrorCode::DEVICE_REVOKED).await;
        gone.client().stop().await;
    }
    send(&phone, id, "they are out").await;
    until_text(team[0].client(), id, "they are out", SOON).await;
    phone.client().stop().await;
    // Ana alone brings it back: she has judged those removals.
    vaults.restore(&mut relay, "monday").await;
    send(&team[0], id, "after").await;
    until_sent(&team[0]).await;
    for gone in [old, &stolen] {
        gone.client().start().await.unwrap();
        gone.client().sign_in().await.unwrap();
        until_failed(gone, ErrorCode::DEVICE_REVOKED).await;
    }
    phone.client().start().await.unwrap();
    talk(&[&team[0], &phone], id, "at last").await;
    same_everywhere(&[&team[0], &phone], id, 6).await;
    for device in phone.client().devices().await.unwrap() {
        assert_eq!(device.revoked, !device.current, "{device:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_2_a_device_that_is_killed_while_it_comes_back_is_who_it_was() {
    logs();
    let (mut relay, vaults) = (TestRelay::start().await.unwrap(), Vaults::new());
    let ana = Person::online(&relay, "ana").await.unwrap();
    for (n, point) in ["store_adopted", "directory_offered", "store_settled"]
        .iter()
        .enumerate()
    {
        let name = format!("backup-{n}");
        vaults.save(&relay, &name).await;
        let mut mover = Mover::new(&relay, &format!("mover-{n}"), [(format!("client.recovery.{point}"), 1)]);
        mover.begin();
        let (talk, _) = ana.client().create_conversation(&[mover.user]).await.unwrap();
        let id = talk.id();
        send(&ana, id, "lost").await;
        mover.until_text(id, "lost");
        ana.client().stop().await;
        vaults.restore(&mut relay, &name).await;
        mover.send(id, "after");
        ana.client().start().await.unwrap();
        mover.settled();
        until_text(ana.client(), id, "after", SOON).await;
        send(&ana, id, "at last").await;
        mover.until_text(id, "at last");
        assert_eq!(mover.texts(id), ["lost", "after", "at last"], "{point}");
        assert_eq!(mover.deaths, 1, "{point}");
    }
}
