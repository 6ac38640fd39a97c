//! Coming back by external commit: rules 3.5, 4.4, 7.1 and 7.4.

use curo::{ConversationId, ConversationState, DeliveryState, Entry, PAGE_LIMIT};
use curo_kit::{Person, TestRelay, until_delivery, until_text};

use crate::team::{group, people, read, same_everywhere, send, until_active, until_holds, until_sent};
use crate::{SOON, damage, logs};

/// What a person's timeline shows instead of messages.
async fn others(person: &Person, id: ConversationId) -> Vec<Entry> {
    let page = person.client().conversation(id).latest(PAGE_LIMIT).await.unwrap();
    let entries = page.items.into_iter().map(|item| item.entry);
    entries
        .filter(|entry| !matches!(entry, Entry::Message(_) | Entry::Members { .. } | Entry::Joined))
        .collect()
}

async fn until_gap(person: &Person, id: ConversationId) {
    until_holds(person, "a gap".into(), async || {
        others(person, id)
            .await
            .iter()
            .any(|entry| matches!(entry, Entry::Gap { .. }))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_4_p4_4_a_device_whose_groups_are_damaged_comes_back_by_itself_and_shows_the_gap() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben", "cara"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let quiet = group(&[&team[0], &team[1]]).await;
    send(&team[0], id, "one").await;
    same_everywhere(&[&team[0], &team[1], &team[2]], id, 1).await;

    team[1].close().await.unwrap();
    damage::groups(team[1].dir()).await;
    send(&team[0], id, "missed").await;
    send(&team[2], id, "missed too").await;
    same_everywhere(&[&team[0], &team[2]], id, 3).await;
    team[1].open().await.unwrap();
    let queued = send(&team[1], id, "written before it knew").await;
    team[1].go_online().await.unwrap();
    until_gap(&team[1], id).await;
    let ben = &team[1];
    until_active(ben, id).await;
    assert!(
        matches!(
            others(ben, id).await.as_slice(),
            [Entry::Gap {
                from: (1, 3),
                to: (1, 4)
            }]
        ),
        "{:?}",
        others(ben, id).await
    );
    until_sent(ben).await;
    for (person, text) in [(&team[0], "do you hear me?"), (ben, "yes"), (&team[2], "me too")] {
        send(person, id, text).await;
        until_sent(person).await;
        until_text(team[0].client(), id, text, SOON).await;
    }
    let now = ["written before it knew", "do you hear me?", "yes", "me too"];
    until_text(ben.client(), id, "me too", SOON).await;
    assert_eq!(read(ben, id).await, [&["one"], &now[..]].concat());
    let all = same_everywhere(&[&team[0], &team[2]], id, 7).await;
    assert_eq!(all[3..], now);
    let conversation = ben.client().conversation(id);
    until_delivery(
        ben.client(),
        id,
        queued,
        DeliveryState::Delivered { by: 2, of: 2 },
        SOON,
    )
    .await;
    let roster = conversation.info().await.unwrap().members;
    assert_eq!(roster.len(), 3);

    // The other one is mended when it is needed, and has missed nothing.
    send(ben, quiet, "still here?").await;
    until_text(team[0].client(), quiet, "still here?", SOON).await;
    send(&team[0], quiet, "sure").await;
    until_text(ben.client(), quiet, "sure", SOON).await;
    assert!(others(ben, quiet).await.is_empty());

    // From disk everything is as it was.
    team[1].reopen().await.unwrap();
    send(&team[2], id, "and now?").await;
    until_text(team[1].client(), id, "and now?", SOON).await;
    assert_eq!(others(&team[1], id).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_4_a_conversation_frozen_by_an_older_build_syncs_again_and_misses_nothing() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    send(&team[0], id, "one").await;
    same_everywhere(&[&team[0], &team[1]], id, 1).await;
    team[1].close().await.unwrap();
    damage::change(team[1].dir(), |conn| {
        let sql = "UPDATE conversation SET state = 'frozen', frozen_code = 'rejoin_needed'";
        assert_eq!(conn.execute(sql, []).unwrap(), 1);
    })
    .await;
    send(&team[0], id, "two").await;
    until_sent(&team[0]).await;
    team[1].open().await.unwrap();
    team[1].go_online().await.unwrap();
    until_text(team[1].client(), id, "two", SOON).await;
    send(&team[1], id, "three").await;
    same_everywhere(&[&team[0], &team[1]], id, 3).await;
    assert!(others(&team[1], id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_1_a_device_restored_from_a_backup_rejoins_everything_before_it_sends() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben"]).await;
    let (id, second) = (group(&[&team[0], &team[1]]).await, group(&[&team[1], &team[0]]).await);
    send(&team[0], id, "one").await;
    same_everywhere(&[&team[0], &team[1]], id, 1).await;
    // A message is queued when the backup is made, and sent afterwards.
    team[1].cable().cut();
    send(&team[1], id, "queued at the backup").await;
    team[1].close().await.unwrap();
    let backup = tempfile::tempdir().unwrap();
    damage::copy(team[1].dir(), backup.path());
    team[1].cable().restore();
    team[1].open().await.unwrap();
    team[1].go_online().await.unwrap();
    send(&team[1], id, "said after the backup").await;
    same_everywhere(&[&team[0], &team[1]], id, 3).await;
    send(&team[0], second, "not yet heard").await;
    until_text(team[1].client(), second, "not yet heard", SOON).await;
    team[1].close().await.unwrap();
    damage::restore(backup.path(), team[1].dir());

    team[1].open().await.unwrap();
    send(&team[1], id, "first words").await;
    send(&team[1], second, "and here").await;
    team[1].go_online().await.unwrap();
    for (place, text) in [(id, "first words"), (second, "and here")] {
        until_text(team[0].client(), place, text, SOON).await;
    }
    let ben = &team[1];
    until_sent(ben).await;
    assert_eq!(ben.client().outbox().await.unwrap().failed, 0);
    // What the backup knew is there once, in its place; what it did not know is shown as lost.
    assert_eq!(read(ben, id).await, ["one", "queued at the backup", "first words"]);
    assert!(others(ben, id).await.contains(&Entry::ContentLost));
    let all = ["one", "queued at the backup", "said after the backup", "first words"];
    assert_eq!(read(&team[0], id).await, all);
    // Both ways, everywhere.
    for place in [id, second] {
        send(&team[0], place, "do you hear me?").await;
        until_text(ben.client(), place, "do you hear me?", SOON).await;
        let state = ben.client().conversation(place).info().await.unwrap().state;
        assert_eq!(state, ConversationState::Active);
    }
    // Whoever invites gets a KeyPackage that opens.
    let cara = Person::online(&relay, "cara").await.unwrap();
    let third = group(&[&cara, ben]).await;
    send(&cara, third, "new here").await;
    until_text(ben.client(), third, "new here", SOON).await;
    assert!(others(ben, third).await.is_empty());
    // Each group has an epoch that the backup does not know: 2 is the first after it.
    let diagnostics = ben.client().diagnostics().await;
    assert_eq!(diagnostics.matches("epoch=2").count(), 2, "{diagnostics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_1_a_conversation_joined_after_the_backup_is_found_again_and_shows_the_gap() {
    logs();
    for speaks in [true, false] {
        let relay = TestRelay::start().await.unwrap();
        let mut team = people(&relay, &["ana", "ben"]).await;
        let id = group(&[&team[0], &team[1]]).await;
        send(&team[0], id, "one").await;
        same_everywhere(&[&team[0], &team[1]], id, 1).await;
        team[1].close().await.unwrap();
        let backup = tempfile::tempdir().unwrap();
        damage::copy(team[1].dir(), backup.path());
        team[1].open().await.unwrap();
        team[1].go_online().await.unwrap();
        let late = group(&[&team[0], &team[1]]).await;
        let message = send(&team[0], late, "heard once").await;
        // With the report of its cursor the relay has the acknowledgement of the Welcome, and forgets it.
        let heard = DeliveryState::Delivered { by: 1, of: 1 };
        until_delivery(team[0].client(), late, message, heard, SOON).await;
        if speaks {
            // Only then something tells the device, beyond the conversation that it does not know, that it was rolled back.
            for place in [id, late] {
                send(&team[1], place, "said after the backup").await;
                until_text(team[0].client(), place, "said after the backup", SOON).await;
            }
        }
        team[1].close().await.unwrap();
        damage::restore(backup.path(), team[1].dir());

        team[1].open().await.unwrap();
        team[1].go_online().await.unwrap();
        let ben = &team[1];
        until_active(ben, late).await;
        until_gap(ben, late).await;
        assert_eq!(read(ben, late).await, [""; 0]);
        for place in [late, id] {
            send(ben, place, "back again").await;
            until_text(team[0].client(), place, "back again", SOON).await;
            send(&team[0], place, "do you hear me?").await;
            until_text(ben.client(), place, "do you hear me?", SOON).await;
        }
        let roster = ben.client().conversation(late).info().await.unwrap().members;
        assert_eq!(roster.len(), 2);
        until_sent(ben).await;
        assert_eq!(ben.client().outbox().await.unwrap().failed, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_1_a_device_that_nobody_lets_in_comes_in_by_itself() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { unreachable!() };
    let (care, ward) = (group(&[ana, ben]).await, group(&[ben, ana]).await);
    send(ana, care, "before").await;
    same_everywhere(&[ana, ben], care, 1).await;
    // The only one that would add it is gone for good.
    ben.close().await.unwrap();
    let tablet = Person::online(&relay, "ben").await.unwrap();
    for place in [care, ward] {
        until_active(&tablet, place).await;
        send(&tablet, place, "from the tablet").await;
        until_text(ana.client(), place, "from the tablet", SOON).await;
        send(ana, place, "to the tablet").await;
        until_text(tablet.client(), place, "to the tablet", SOON).await;
        assert_eq!(read(&tablet, place).await, ["from the tablet", "to the tablet"]);
        let roster = tablet.client().conversation(place).info().await.unwrap().members;
        assert_eq!(roster.len(), 2);
    }
}
