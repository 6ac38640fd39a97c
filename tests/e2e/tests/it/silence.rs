//! Devices that were away for a month: their leaves go, their users stay members and come back (rule 6.3).

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use curo::{ConversationId, ConversationState, DeliveryState, Entry, IntentStatus, PAGE_LIMIT, UserId};
use curo_kit::{Person, TestRelay, until_delivery, until_done, until_text};
use curo_relay::ManualClock;

use crate::child::RelayProcess;
use crate::team::{
    frozen, group, people, read, same_everywhere, send, state, until_active, until_holds, until_sent, until_settled,
    until_state,
};
use crate::{SOON, logs};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A relay and its clock, `ago` days back.
async fn relay(ago: u64) -> (TestRelay, Arc<ManualClock>) {
    logs();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now_ms = u64::try_from(now.as_millis()).unwrap();
    let clock = Arc::new(ManualClock::new(now_ms - ago * DAY_MS));
    let relay = TestRelay::builder().clock(clock.clone()).start().await.unwrap();
    (relay, clock)
}

/// A commit that somebody makes, and whatever the relay wants before it.
async fn renew(person: &Person, id: ConversationId) {
    let talk = person.client().conversation(id);
    let intent = talk.renew_keys().await.unwrap();
    assert_eq!(until_settled(person, id, intent).await, IntentStatus::Done);
}

/// More than a month goes by, in which only these are there. The relay looks for silent devices when it starts.
async fn a_month_later(relay: &mut TestRelay, clock: &ManualClock, awake: &[&Person], id: ConversationId) {
    clock.advance_ms(20 * DAY_MS);
    relay.restart().await.unwrap();
    for person in awake {
        renew(person, id).await;
    }
    clock.advance_ms(11 * DAY_MS);
    relay.restart().await.unwrap();
}

/// Whether a user is on the roster, and dormant there.
async fn on_roster(person: &Person, id: ConversationId, user: UserId) -> Option<bool> {
    let info = person.client().conversation(id).info().await.unwrap();
    let found = info.roster.iter().find(|member| member.user == user);
    found.map(|member| member.dormant)
}

#[track_caller]
fn until_roster(person: &Person, id: ConversationId, user: UserId, wanted: Option<bool>) -> impl Future<Output = ()> {
    until_holds(person, format!("dormant: {wanted:?}"), async move || {
        on_roster(person, id, user).await == wanted
    })
}

/// Makes commits until the relay has looked and one of them removes the user's leaf.
async fn until_dormant(person: &Person, id: ConversationId, user: UserId) {
    let renewing = async {
        while on_roster(person, id, user).await != Some(true) {
            renew(person, id).await;
        }
    };
    tokio::time::timeout(SOON, renewing).await.unwrap();
}

/// The gaps that the timeline shows, and whether it shows that anybody came or went after the beginning.
async fn shown(person: &Person, id: ConversationId) -> (usize, Vec<UserId>) {
    let (mut gaps, mut went) = (0, Vec::new());
    for item in person.client().conversation(id).latest(PAGE_LIMIT).await.unwrap().items {
        match item.entry {
            Entry::Gap { .. } => gaps += 1,
            Entry::Members { left, removed, .. } => went.extend(left.into_iter().chain(removed)),
            _ => {}
        }
    }
    (gaps, went)
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_3_who_was_away_for_a_month_stays_a_member_and_comes_back() {
    let (mut relay, clock) = relay(0).await;
    let mut team = people(&relay, &["ana", "ben", "cho"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let ben = team[1].user().await;
    send(&team[0], id, "one").await;
    same_everywhere(&[&team[0], &team[1], &team[2]], id, 1).await;
    team[1].close().await.unwrap();
    a_month_later(&mut relay, &clock, &[&team[0], &team[2]], id).await;
    // Whoever sends next, with a right to remove or without.
    until_dormant(&team[2], id, ben).await;
    until_roster(&team[0], id, ben, Some(true)).await;
    let two = send(&team[0], id, "two").await;
    same_everywhere(&[&team[0], &team[2]], id, 2).await;
    // The message is for the one who is away, too.
    let delivered = DeliveryState::Delivered { by: 1, of: 2 };
    until_delivery(team[0].client(), id, two, delivered, SOON).await;

    team[1].open().await.unwrap();
    send(&team[1], id, "written before it knew").await;
    team[1].go_online().await.unwrap();
    until_text(team[0].client(), id, "written before it knew", SOON).await;
    until_active(&team[1], id).await;
    send(&team[2], id, "welcome back").await;
    until_text(team[1].client(), id, "welcome back", SOON).await;
    let theirs = read(&team[1], id).await;
    assert_eq!(theirs, ["one", "written before it knew", "welcome back"]);
    assert_eq!(shown(&team[1], id).await, (1, vec![]));
    for person in [&team[0], &team[2]] {
        until_roster(person, id, ben, Some(false)).await;
        assert_eq!(shown(person, id).await, (0, vec![]), "{person:?}");
        assert_eq!(frozen(person, id).await, None);
    }
    same_everywhere(&[&team[0], &team[2]], id, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_3_who_is_back_before_the_removal_is_not_removed() {
    let (mut relay, clock) = relay(0).await;
    let mut team = people(&relay, &["ana", "ben"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    let ben = team[1].user().await;
    team[1].close().await.unwrap();
    a_month_later(&mut relay, &clock, &[&team[0]], id).await;
    team[1].open().await.unwrap();
    team[1].go_online().await.unwrap();
    renew(&team[0], id).await;
    send(&team[0], id, "there you are").await;
    until_text(team[1].client(), id, "there you are", SOON).await;
    assert_eq!(on_roster(&team[0], id, ben).await, Some(false));
    assert_eq!(shown(&team[1], id).await, (0, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_3_a_dormant_member_who_is_removed_does_not_come_back() {
    let (mut relay, clock) = relay(0).await;
    let mut team = people(&relay, &["ana", "ben", "cho"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let ben = team[1].user().await;
    send(&team[0], id, "one").await;
    same_everywhere(&[&team[0], &team[1], &team[2]], id, 1).await;
    team[1].close().await.unwrap();
    a_month_later(&mut relay, &clock, &[&team[0], &team[2]], id).await;
    until_dormant(&team[0], id, ben).await;
    let talk = team[0].client().conversation(id);
    let removal = talk.remove(&[ben]).await.unwrap();
    until_done(team[0].client(), id, removal, SOON).await;
    for person in [&team[0], &team[2]] {
        until_roster(person, id, ben, None).await;
        assert_eq!(shown(person, id).await.1, [ben]);
    }
    team[1].open().await.unwrap();
    send(&team[1], id, "too late").await;
    team[1].go_online().await.unwrap();
    until_state(&team[1], id, ConversationState::Removed).await;
    assert_eq!(team[1].client().outbox().await.unwrap().waiting, 0);
    send(&team[2], id, "two").await;
    same_everywhere(&[&team[0], &team[2]], id, 2).await;

    // Asked back by somebody, the user is in as anybody.
    let back = talk.add(&[ben]).await.unwrap();
    until_done(team[0].client(), id, back, SOON).await;
    until_active(&team[1], id).await;
    until_roster(&team[2], id, ben, Some(false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_3_p6_5_who_comes_meanwhile_knows_who_is_dormant() {
    let (mut relay, clock) = relay(0).await;
    let mut team = people(&relay, &["ana", "ben"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    let ben = team[1].user().await;
    team[1].close().await.unwrap();
    a_month_later(&mut relay, &clock, &[&team[0]], id).await;
    until_dormant(&team[0], id, ben).await;
    let dora = Person::online(&relay, "dora").await.unwrap();
    let talk = team[0].client().conversation(id);
    let coming = talk.add(&[dora.user().await]).await.unwrap();
    until_done(team[0].client(), id, coming, SOON).await;
    until_active(&dora, id).await;
    until_roster(&dora, id, ben, Some(true)).await;

    team[1].open().await.unwrap();
    team[1].go_online().await.unwrap();
    until_roster(&dora, id, ben, Some(false)).await;
    send(&dora, id, "hello").await;
    until_text(team[1].client(), id, "hello", SOON).await;
    assert_eq!(shown(&dora, id).await, (0, vec![]));
    assert_eq!(frozen(&dora, id).await, None);
}

/// One of two devices is away: its user has another one, and stays what they are.
#[tokio::test(flavor = "multi_thread")]
async fn p6_3_a_user_with_another_device_is_not_dormant() {
    let (mut relay, clock) = relay(0).await;
    let mut team = people(&relay, &["ana", "ben", "ben"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    let ben = team[1].user().await;
    until_active(&team[2], id).await;
    team[2].close().await.unwrap();
    a_month_later(&mut relay, &clock, &[&team[0], &team[1]], id).await;
    send(&team[0], id, "to the one who is there").await;
    until_text(team[1].client(), id, "to the one who is there", SOON).await;
    renew(&team[1], id).await;
    until_roster(&team[0], id, ben, Some(false)).await;
    team[2].open().await.unwrap();
    // What it says comes when it is in again.
    send(&team[2], id, "here too").await;
    team[2].go_online().await.unwrap();
    until_text(team[0].client(), id, "here too", SOON).await;
    send(&team[0], id, "to both").await;
    until_text(team[2].client(), id, "to both", SOON).await;
    until_sent(&team[2]).await;
}

/// A new phone is all that somebody has who was away: nobody of the user's is there to add it.
#[tokio::test(flavor = "multi_thread")]
async fn p6_3_p6_4_a_new_device_of_a_dormant_user_comes_in_by_itself() {
    let (mut relay, clock) = relay(0).await;
    let mut team = people(&relay, &["ana", "ben"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    let ben = team[1].user().await;
    team[1].close().await.unwrap();
    a_month_later(&mut relay, &clock, &[&team[0]], id).await;
    until_dormant(&team[0], id, ben).await;
    let phone = Person::online(&relay, "ben").await.unwrap();
    until_active(&phone, id).await;
    until_roster(&team[0], id, ben, Some(false)).await;
    send(&phone, id, "my new phone").await;
    until_text(team[0].client(), id, "my new phone", SOON).await;
    // The old one turns up after all.
    team[1].open().await.unwrap();
    send(&team[1], id, "found it").await;
    team[1].go_online().await.unwrap();
    until_text(team[0].client(), id, "found it", SOON).await;
    send(&team[0], id, "both of them").await;
    for device in [&team[1], &phone] {
        until_text(device.client(), id, "both of them", SOON).await;
    }
    assert_eq!(shown(&team[0], id).await, (0, vec![]));
}

/// Somebody is added who is a member already, and dormant: no right is needed, and nothing of theirs is lost.
#[tokio::test(flavor = "multi_thread")]
async fn p6_3_a_dormant_member_who_is_added_again_is_in_with_a_welcome() {
    let (mut relay, clock) = relay(0).await;
    let mut team = people(&relay, &["ana", "ben", "cho"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let ben = team[1].user().await;
    send(&team[1], id, "before").await;
    same_everywhere(&[&team[0], &team[1], &team[2]], id, 1).await;
    team[1].close().await.unwrap();
    a_month_later(&mut relay, &clock, &[&team[0], &team[2]], id).await;
    until_dormant(&team[0], id, ben).await;
    team[1].open().await.unwrap();
    send(&team[1], id, "kept").await;
    until_roster(&team[2], id, ben, Some(true)).await;
    let back = team[2].client().conversation(id).add(&[ben]).await.unwrap();
    until_done(team[2].client(), id, back, SOON).await;
    until_roster(&team[0], id, ben, Some(false)).await;
    send(&team[0], id, "after").await;
    until_sent(&team[0]).await;
    team[1].go_online().await.unwrap();
    until_text(team[1].client(), id, "after", SOON).await;
    until_text(team[0].client(), id, "kept", SOON).await;
    until_sent(&team[1]).await;
    assert_eq!(read(&team[1], id).await, ["before", "after", "kept"]);
    for person in &team {
        assert_eq!(frozen(person, id).await, None, "{person:?}");
    }
}

/// Who has left while away is told apart from who was removed: the user comes in once more, and goes for good.
#[tokio::test(flavor = "multi_thread")]
async fn p6_3_p6_1_a_dormant_member_can_leave() {
    let (mut relay, clock) = relay(0).await;
    let mut team = people(&relay, &["ana", "ben", "cho"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let ben = team[1].user().await;
    team[1].close().await.unwrap();
    a_month_later(&mut relay, &clock, &[&team[0], &team[2]], id).await;
    until_dormant(&team[0], id, ben).await;
    team[1].open().await.unwrap();
    team[1].client().conversation(id).leave().await.unwrap();
    team[1].go_online().await.unwrap();
    until_state(&team[1], id, ConversationState::Removed).await;
    until_holds(&team[1], "left".to_owned(), async || {
        team[1].client().conversation(id).info().await.unwrap().left
    })
    .await;
    send(&team[2], id, "are you still there?").await;
    for person in [&team[0], &team[2]] {
        until_roster(person, id, ben, None).await;
        assert_eq!(shown(person, id).await.1, [ben], "{person:?}");
    }
}

/// A direct conversation with somebody who was away goes on, and is direct.
#[tokio::test(flavor = "multi_thread")]
async fn p6_3_a_direct_conversation_outlasts_silence() {
    let (mut relay, clock) = relay(0).await;
    let mut team = people(&relay, &["ana", "ben"]).await;
    let ben = team[1].user().await;
    let id = team[0].client().direct_conversation(ben).await.unwrap().id();
    send(&team[0], id, "one").await;
    until_text(team[1].client(), id, "one", SOON).await;
    team[1].close().await.unwrap();
    a_month_later(&mut relay, &clock, &[&team[0]], id).await;
    send(&team[0], id, "two").await;
    until_dormant(&team[0], id, ben).await;
    team[1].open().await.unwrap();
    send(&team[1], id, "three").await;
    team[1].go_online().await.unwrap();
    until_text(team[0].client(), id, "three", SOON).await;
    send(&team[0], id, "four").await;
    until_text(team[1].client(), id, "four", SOON).await;
    assert_eq!(read(&team[0], id).await, ["one", "two", "three", "four"]);
    assert_eq!(read(&team[1], id).await, ["one", "three", "four"]);
    assert_eq!(shown(&team[1], id).await, (1, vec![]));
}

/// A relay that has lost what made somebody dormant has it back, and takes nobody for silent because of its backup's age.
#[tokio::test(flavor = "multi_thread")]
async fn p6_3_p7_2_a_restored_relay_knows_who_is_dormant() {
    let (mut relay, clock) = relay(0).await;
    let mut team = people(&relay, &["ana", "ben", "cho"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let ben = team[1].user().await;
    send(&team[0], id, "one").await;
    same_everywhere(&[&team[0], &team[1], &team[2]], id, 1).await;
    team[1].close().await.unwrap();
    let backup = relay.dir().join("backup");
    relay.back_up(&backup).await.unwrap();
    a_month_later(&mut relay, &clock, &[&team[0], &team[2]], id).await;
    until_dormant(&team[0], id, ben).await;
    send(&team[0], id, "two").await;
    same_everywhere(&[&team[0], &team[2]], id, 2).await;
    team[2].close().await.unwrap();
    relay.restore(&backup).await.unwrap();
    send(&team[0], id, "three").await;
    until_sent(&team[0]).await;
    let cho = team[2].user().await;
    assert_eq!(
        on_roster(&team[0], id, cho).await,
        Some(false),
        "the relay was away, not she"
    );
    for away in [1, 2] {
        team[away].open().await.unwrap();
        team[away].go_online().await.unwrap();
    }
    until_roster(&team[0], id, ben, Some(false)).await;
    send(&team[1], id, "back").await;
    for person in [&team[0], &team[2]] {
        until_text(person.client(), id, "back", SOON).await;
        assert_eq!(read(person, id).await, ["one", "two", "three", "back"], "{person:?}");
        assert_eq!(shown(person, id).await, (0, vec![]));
    }
}

/// The last who is there goes: the conversation is over, for the one who is away too.
#[tokio::test(flavor = "multi_thread")]
async fn p6_3_p6_6_dormant_members_keep_no_conversation_open() {
    let (mut relay, clock) = relay(0).await;
    let mut team = people(&relay, &["ana", "ben"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    let ben = team[1].user().await;
    send(&team[0], id, "one").await;
    same_everywhere(&[&team[0], &team[1]], id, 1).await;
    team[1].close().await.unwrap();
    a_month_later(&mut relay, &clock, &[&team[0]], id).await;
    until_dormant(&team[0], id, ben).await;
    team[0].client().conversation(id).leave().await.unwrap();
    until_state(&team[0], id, ConversationState::Removed).await;
    team[1].open().await.unwrap();
    send(&team[1], id, "anybody?").await;
    team[1].go_online().await.unwrap();
    // What is here stays readable, and what waits says that it waits or why it failed.
    until_holds(&team[1], "knows".to_owned(), async || {
        state(&team[1], id).await != Some(ConversationState::Active)
    })
    .await;
    assert_eq!(read(&team[1], id).await[0], "one");
}

/// A relay that is killed before and after it has marked leaves goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn p6_3_a_relay_killed_while_it_marks_leaves_goes_on() {
    let (mut relay, clock) = relay(31).await;
    let mut team = people(&relay, &["ana", "ben"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    let ben = team[1].user().await;
    team[1].close().await.unwrap();
    clock.advance_ms(20 * DAY_MS);
    relay.restart().await.unwrap();
    renew(&team[0], id).await;
    // It is there until it stops: what it was not there for is no silence.
    clock.advance_ms(11 * DAY_MS);
    relay.stop().await;
    // From here on it has the real time, 31 days after the beginning.
    let points = ["relay.silence.before_mark", "relay.silence.after_mark"];
    let process = RelayProcess::start(&relay, points.map(|point| (point.to_owned(), 1)), &[]);
    process.until_died(points.len()).await;
    until_dormant(&team[0], id, ben).await;
    team[1].open().await.unwrap();
    team[1].go_online().await.unwrap();
    until_roster(&team[0], id, ben, Some(false)).await;
    send(&team[1], id, "back").await;
    until_text(team[0].client(), id, "back", SOON).await;
    for person in team {
        person.close().await.unwrap();
    }
}
