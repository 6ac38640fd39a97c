//! Leaving, revocation and a user's several devices, as people meet them (rules 6.1, 6.2, 6.4, 6.6).

use curo::{
    ConnectionState, ConversationId, ConversationState, DeliveryState, Entry, ErrorCode, MessageId, PAGE_LIMIT, UserId,
};
use curo_kit::{Person, TestRelay, until, until_done, until_text};

use crate::team::{
    group, people, read, same_everywhere, send, state, until_active, until_holds, until_sent, until_state,
};
use crate::{SOON, logs};

async fn members(person: &Person, id: ConversationId) -> Vec<UserId> {
    person.client().conversation(id).info().await.unwrap().members
}

async fn until_left(person: &Person, id: ConversationId) {
    until_holds(person, "left".into(), async move || {
        person
            .client()
            .conversation(id)
            .info()
            .await
            .is_ok_and(|info| info.left)
    })
    .await;
}

/// Who has left and who was removed, as the timeline says.
async fn went(person: &Person, id: ConversationId) -> (Vec<UserId>, Vec<UserId>) {
    let (mut gone, mut thrown) = (Vec::new(), Vec::new());
    for item in person.client().conversation(id).latest(PAGE_LIMIT).await.unwrap().items {
        if let Entry::Members { left, removed, .. } = item.entry {
            gone.extend(left);
            thrown.extend(removed);
        }
    }
    (gone, thrown)
}

async fn until_revoked(person: &Person) {
    let revoked = ConnectionState::Failed {
        code: ErrorCode::DEVICE_REVOKED,
    };
    let held = async || person.client().connection() == revoked;
    until(person.client(), "revoked", SOON, held).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_1_who_leaves_is_out_and_the_next_sender_removes_them() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "cho"]).await;
    let [ana, ben, cho] = &team[..] else { unreachable!() };
    let id = group(&[ana, ben, cho]).await;
    send(ana, id, "before").await;
    same_everywhere(&[ana, ben, cho], id, 1).await;

    let conversation = ben.client().conversation(id);
    conversation.leave().await.unwrap();
    conversation.leave().await.unwrap();
    let refused = conversation.send_text("too late".into(), MessageId::random()).await;
    assert_eq!(refused.unwrap_err().code().as_str(), "removed");
    until_left(ben, id).await;
    assert_eq!(state(ben, id).await, Some(ConversationState::Removed));

    // Two send at once; nothing is lost, and the one who left is gone for both.
    tokio::join!(send(ana, id, "from ana"), send(cho, id, "from cho"));
    same_everywhere(&[ana, cho], id, 3).await;
    let ben_user = ben.user().await;
    for person in [ana, cho] {
        assert!(!members(person, id).await.contains(&ben_user));
        assert_eq!(went(person, id).await, (vec![ben_user], vec![]), "{person:?}");
    }
    assert_eq!(read(ben, id).await, ["before"]);

    // Added again, the user is back, and the old request takes them out no more.
    let back = ana.client().conversation(id).add(&[ben_user]).await.unwrap();
    until_done(ana.client(), id, back, SOON).await;
    until_active(ben, id).await;
    assert!(!conversation.info().await.unwrap().left);
    send(ben, id, "back").await;
    until_text(cho.client(), id, "back", SOON).await;
    send(cho, id, "welcome").await;
    until_text(ben.client(), id, "welcome", SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_1_leaving_works_offline_and_what_waits_fails() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { unreachable!() };
    let id = group(&[ana, ben]).await;
    ben.cable().cut();
    let unsent = send(ben, id, "unsent").await;
    let conversation = ben.client().conversation(id);
    conversation.leave().await.unwrap();
    assert!(!conversation.info().await.unwrap().left);
    ben.cable().restore();
    ben.client().network_changed();
    until_left(ben, id).await;
    let failed = conversation.delivery(unsent).await.unwrap();
    assert_eq!(failed.to_string(), "failed (removed)");
    send(ana, id, "alone").await;
    until_holds(ana, "alone".into(), async move || members(ana, id).await.len() == 1).await;
    assert_eq!(read(ana, id).await, ["alone"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_6_the_last_one_closes_the_conversation() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { unreachable!() };
    let id = group(&[ana, ben]).await;
    for person in [ana, ben] {
        person.client().conversation(id).leave().await.unwrap();
    }
    until_left(ana, id).await;
    until_left(ben, id).await;
    // Elsewhere they go on.
    let other = group(&[ben, ana]).await;
    send(ben, other, "hello").await;
    until_text(ana.client(), other, "hello", SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_4_a_new_device_comes_into_its_users_conversations() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { unreachable!() };
    let (care, ward) = (group(&[ana, ben]).await, group(&[ben, ana]).await);
    send(ana, care, "before").await;
    until_text(ben.client(), care, "before", SOON).await;

    // Nobody who could add it is there: it waits, and says so.
    ben.cable().cut();
    let tablet = Person::online(&relay, "ben").await.unwrap();
    assert_eq!(tablet.user().await, ben.user().await);
    until_state(&tablet, care, ConversationState::Waiting).await;
    ben.cable().restore();
    ben.client().network_changed();
    until_active(&tablet, care).await;
    until_active(&tablet, ward).await;

    // Both devices get everything from now on, and both speak for the user.
    send(ana, care, "to both").await;
    send(ben, ward, "from the phone").await;
    send(&tablet, ward, "from the tablet").await;
    for device in [ben, &tablet] {
        until_text(device.client(), care, "to both", SOON).await;
        until_text(device.client(), ward, "from the phone", SOON).await;
        until_text(device.client(), ward, "from the tablet", SOON).await;
        let page = device.client().conversation(ward).latest(PAGE_LIMIT).await.unwrap();
        let own = page
            .items
            .iter()
            .filter(|item| matches!(&item.entry, Entry::Message(message) if message.own));
        assert_eq!(own.count(), 2);
    }
    assert_eq!(read(&tablet, care).await, ["to both"]);
    // To the others nobody has come or gone.
    assert_eq!(members(ana, care).await.len(), 2);
    let page = ana.client().conversation(care).latest(PAGE_LIMIT).await.unwrap();
    let changes = page
        .items
        .iter()
        .filter(|item| matches!(item.entry, Entry::Members { .. }));
    assert_eq!(changes.count(), 1, "the creation's");

    // A conversation that one of them creates has the other in it at once.
    let (new, created) = tablet.client().create_conversation(&[ana.user().await]).await.unwrap();
    until_done(tablet.client(), new.id(), created, SOON).await;
    until_active(ben, new.id()).await;

    // Leaving is for all devices of the user.
    tablet.client().conversation(ward).leave().await.unwrap();
    until_left(&tablet, ward).await;
    until_left(ben, ward).await;
    send(ana, ward, "alone").await;
    until_holds(ana, "alone".into(), async move || members(ana, ward).await.len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_1_a_lost_phone_is_revoked_from_another_device() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, phone] = &team[..] else { unreachable!() };
    let tablet = Person::online(&relay, "ben").await.unwrap();
    let id = group(&[ana, phone]).await;
    until_active(&tablet, id).await;
    let lost = phone.account().await.unwrap().device;
    let list = tablet.client().devices().await.unwrap();
    assert_eq!(list.len(), 2);
    assert!(
        list.iter()
            .all(|device| !device.revoked && device.current == (device.device != lost))
    );

    tablet.client().revoke_device(lost).await.unwrap();
    tablet.client().revoke_device(lost).await.unwrap();
    until_revoked(phone).await;
    let list = tablet.client().devices().await.unwrap();
    assert!(list.iter().all(|device| device.revoked == (device.device == lost)));
    let stranger = ana.account().await.unwrap().device;
    let refused = tablet.client().revoke_device(stranger).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "unknown");

    // The first to send removes the leaf. The user stays.
    send(ana, id, "without the phone").await;
    same_everywhere(&[ana, &tablet], id, 1).await;
    assert_eq!(members(ana, id).await.len(), 2);
    assert_eq!(went(ana, id).await, (vec![], vec![]));
    assert!(read(phone, id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_1_a_device_revokes_itself_and_its_user_is_removed_by_the_next_sender() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "cho"]).await;
    let [ana, ben, cho] = &team[..] else { unreachable!() };
    let id = group(&[ana, ben, cho]).await;
    send(ana, id, "before").await;
    same_everywhere(&[ana, ben, cho], id, 1).await;
    let device = ben.account().await.unwrap().device;
    ben.client().revoke_device(device).await.unwrap();
    until_revoked(ben).await;
    // A commit of somebody else's waits for the removal too.
    let dan = Person::online(&relay, "dan").await.unwrap();
    let added = cho.client().conversation(id).add(&[dan.user().await]).await.unwrap();
    until_done(cho.client(), id, added, SOON).await;
    until_active(&dan, id).await;
    send(&dan, id, "new here").await;
    same_everywhere(&[ana, cho], id, 2).await;
    assert!(!members(ana, id).await.contains(&ben.user().await));
    assert_eq!(read(ben, id).await, ["before"], "what it has stays readable");
}

/// Two people who have both left their direct conversation talk again: it goes on as its next incarnation.
#[tokio::test(flavor = "multi_thread")]
async fn p6_6_a_closed_direct_conversation_opens_its_next_incarnation() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben"]).await;
    let (to_ana, to_ben) = (team[0].user().await, team[1].user().await);
    let talk = team[0].client().direct_conversation(to_ben).await.unwrap();
    let id = talk.id();
    send(&team[0], id, "before").await;
    until_text(team[1].client(), id, "before", SOON).await;
    for person in &team {
        person.client().conversation(id).leave().await.unwrap();
        until_left(person, id).await;
    }
    assert_eq!(team[0].client().direct_conversation(to_ben).await.unwrap().id(), id);
    send(&team[0], id, "again").await;
    until_text(team[1].client(), id, "again", SOON).await;
    // For the other one it is the same one.
    assert_eq!(team[1].client().direct_conversation(to_ana).await.unwrap().id(), id);
    send(&team[1], id, "good to hear").await;
    for person in &team {
        until_text(person.client(), id, "good to hear", SOON).await;
        until_sent(person).await;
        let info = person.client().conversation(id).info().await.unwrap();
        assert_eq!(
            (info.state, info.left, info.members.len()),
            (ConversationState::Active, false, 2),
            "{person:?}"
        );
        assert_eq!(read(person, id).await, ["before", "again", "good to hear"]);
    }
    // Both at once, after both have left again: one wins, both are in it.
    for person in &team {
        person.client().conversation(id).leave().await.unwrap();
        until_left(person, id).await;
    }
    let (ana, ben) = (team[0].client(), team[1].client());
    let (one, two) = tokio::join!(ana.direct_conversation(to_ben), ben.direct_conversation(to_ana));
    assert_eq!((one.unwrap().id(), two.unwrap().id()), (id, id));
    send(&team[0], id, "from ana").await;
    send(&team[1], id, "from ben").await;
    for person in &team {
        until_text(person.client(), id, "from ana", SOON).await;
        until_text(person.client(), id, "from ben", SOON).await;
    }
    assert_eq!(read(&team[0], id).await, read(&team[1], id).await);
    // From disk the same.
    team[0].reopen().await.unwrap();
    send(&team[0], id, "still here").await;
    until_text(team[1].client(), id, "still here", SOON).await;
}

/// While the other one is still in it, nobody comes back by himself.
#[tokio::test(flavor = "multi_thread")]
async fn p6_6_a_direct_conversation_that_is_not_closed_is_not_opened_again() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let to_ben = team[1].user().await;
    let talk = team[0].client().direct_conversation(to_ben).await.unwrap();
    let id = talk.id();
    send(&team[0], id, "before").await;
    until_text(team[1].client(), id, "before", SOON).await;
    talk.leave().await.unwrap();
    until_left(&team[0], id).await;
    team[0].client().direct_conversation(to_ben).await.unwrap();
    let message = send(&team[0], id, "let me in").await;
    until_holds(&team[0], "refused".into(), async || {
        matches!(talk.delivery(message).await, Ok(DeliveryState::Failed { .. }))
    })
    .await;
    assert_eq!(read(&team[1], id).await, ["before"]);
}
