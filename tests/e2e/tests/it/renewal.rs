//! A commit that members cannot process: the conversation goes on in its next incarnation (rules 3.7, 3.9, 7.3).

use curo::{Body, ConversationId, ConversationState, Entry, MessageId, MessageRef, NewMessage, Priority};
use curo_kit::{Person, TestRelay, until_delivery, until_done, until_text};
use curo_types::Blob;
use curo_types::api::{EntriesPage, IncarnationsAnswer};
use serde_json::json;

use crate::child::Mover;
use crate::mitm::{Call, Reply, Victim};
use crate::team::{frozen, group, people, same_everywhere, send, until_active, until_holds, until_sent, until_texts};
use crate::{SOON, api, logs};

/// Spoils the membership tag of each commit on its way: the relay takes it, and no member can.
pub fn poison(call: &mut Call) -> Option<Reply> {
    if call.is("/commits") {
        let mut commit: Blob = serde_json::from_value(call.body["commit"].clone()).unwrap();
        *commit.0.last_mut().unwrap() ^= 1;
        call.body["commit"] = serde_json::to_value(commit).unwrap();
    }
    None
}

fn not_hers(call: &mut Call) -> Option<Reply> {
    let later = json!({ "yours": false, "for_ms": 100 });
    call.is("/duty").then(|| Reply::json(200, later))
}

pub async fn incarnation(person: &Person, id: ConversationId) -> u64 {
    let newest = person.client().conversation(id).latest(100).await.unwrap();
    let numbers = newest.items.iter().filter_map(|item| match item.entry {
        Entry::Incarnation { number } => Some(number),
        _ => None,
    });
    numbers.max().unwrap_or(1)
}

pub async fn until_incarnation(person: &Person, id: ConversationId, wanted: u64) {
    until_holds(person, format!("incarnation {wanted}"), async || {
        incarnation(person, id).await == wanted
    })
    .await;
    until_active(person, id).await;
}

async fn known(relay: &TestRelay, person: &Person, id: ConversationId) -> IncarnationsAnswer {
    let path = format!("/v1/conversations/{id}/incarnations");
    let (status, answer) = api::call(relay, person, &path, None).await;
    assert_eq!(status, 200, "{answer}");
    serde_json::from_value(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_9_p7_3_a_poisoned_commit_costs_an_incarnation_and_no_message() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let others = people(&relay, &["ben", "carl"]).await;
    let (ben, carl) = (&others[0], &others[1]);
    let everybody = [&ana.person, ben, carl];
    let id = group(&everybody).await;
    let mut before = Vec::new();
    for (n, person) in everybody.iter().enumerate() {
        before.push(send(person, id, &format!("before {n}")).await);
        until_sent(person).await;
    }
    same_everywhere(&everybody, id, 3).await;
    let everywhere = curo::DeliveryState::Delivered { by: 2, of: 2 };
    until_delivery(ana.client(), id, before[0], everywhere, SOON).await;
    // Carl is away; what he writes waits.
    carl.client().stop().await;
    send(carl, id, "written while away").await;
    ana.mitm.before_relay(poison);
    ana.client().conversation(id).renew_keys().await.unwrap();
    // One who cannot process it is no reason yet: Ben comes in again from outside, and what he says there does not stand.
    until_holds(ben, "gap".into(), async || {
        let newest = ben.client().conversation(id).latest(100).await.unwrap();
        newest.items.iter().any(|item| matches!(item.entry, Entry::Gap { .. }))
    })
    .await;
    ana.mitm.honest();
    until_active(ben, id).await;
    send(ben, id, "written in between").await;
    until_sent(ben).await;
    assert_eq!(known(&relay, ben, id).await.incarnations.len(), 1);
    carl.client().start().await.unwrap();
    for person in everybody {
        until_incarnation(person, id, 2).await;
    }
    let after = send(&ana.person, id, "after").await;
    // What was said again stands where it was said again, for those too who had read it before (8.1).
    let all = same_everywhere(&everybody, id, 6).await;
    assert!(all[..3].iter().all(|text| text.starts_with("before")), "{all:?}");
    // What is read in the new one is said there, and behind what was said in the old one (8.3).
    let sender = ana.person.account().await.unwrap().device;
    let read_up_to = curo::MessageRef { sender, message: after };
    carl.client().conversation(id).mark_read(read_up_to).await.unwrap();
    let read = curo::DeliveryState::Read { by: 1, of: 2 };
    for message in [after, before[0]] {
        until_delivery(ana.client(), id, message, read.clone(), SOON).await;
    }
    let known = known(&relay, ben, id).await;
    let over: Vec<_> = known.incarnations.iter().map(|one| one.over.as_deref()).collect();
    assert_eq!(over, [Some("commit"), None]);
    assert_eq!(known.users.len(), 3);
    // The old log is there still; the new one begins anew.
    let path = format!("/v1/conversations/{id}/entries?incarnation=2&after=0");
    let (_, page) = api::call(&relay, ben, &path, None).await;
    let page: EntriesPage = serde_json::from_value(page).unwrap();
    assert!(page.entries.iter().all(|entry| entry.incarnation == 2));
    for person in everybody {
        let info = person.client().conversation(id).info().await.unwrap();
        assert_eq!(
            (info.state, info.members.len()),
            (ConversationState::Active, 3),
            "{person:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_9_between_two_one_report_is_enough() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = group(&[&ana.person, &ben]).await;
    send(&ana.person, id, "one").await;
    until_text(ben.client(), id, "one", SOON).await;
    ana.mitm.before_relay(poison);
    ana.client().conversation(id).renew_keys().await.unwrap();
    until_incarnation(&ben, id, 2).await;
    until_incarnation(&ana.person, id, 2).await;
    ana.mitm.honest();
    send(&ben, id, "two").await;
    until_texts(&ana.person, id, 2).await;
    send(&ana.person, id, "three").await;
    same_everywhere(&[&ana.person, &ben], id, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_9_a_member_killed_at_each_step_of_it_goes_on() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let points = curo::failpoints::ALL
        .iter()
        .filter(|point| point.starts_with("client.renewal."));
    let mut tried = 0;
    for point in points {
        tried += 1;
        let ana = Victim::online(&relay, &format!("ana-{tried}")).await;
        let plan = [((*point).to_owned(), 1)];
        let mut mover = Mover::new(&relay, &format!("mover-{tried}"), plan);
        mover.begin();
        let (talk, _) = ana.client().create_conversation(&[mover.user]).await.unwrap();
        let id = talk.id();
        send(&ana.person, id, "before").await;
        mover.until_text(id, "before");
        // Who opens the next incarnation is the mover: Ana is told that it is another's turn.
        ana.mitm.before_relay(|call| poison(call).or_else(|| not_hers(call)));
        talk.renew_keys().await.unwrap();
        until_holds(&ana.person, "frozen".into(), async || {
            frozen(&ana.person, id).await.is_some()
        })
        .await;
        ana.mitm.before_relay(not_hers);
        mover.send(id, "mine");
        mover.settled();
        until_text(ana.client(), id, "mine", SOON).await;
        send(&ana.person, id, "after").await;
        mover.until_text(id, "after");
        assert_eq!(mover.texts(id), ["before", "mine", "after"], "{point}");
        assert_eq!(
            crate::team::read(&ana.person, id).await,
            ["before", "mine", "after"],
            "{point}"
        );
        assert_eq!(mover.deaths, 1, "{point}");
        ana.person.close().await.unwrap();
    }
    assert_eq!(tried, 4);
}

/// What is shown of each message, in order: what it says, whether it was edited, reactions, who has taken note.
async fn shown(person: &Person, id: ConversationId) -> Vec<String> {
    let page = person.client().conversation(id).latest(100).await.unwrap();
    let messages = page.items.into_iter().filter_map(|item| match item.entry {
        Entry::Message(message) => Some(*message),
        _ => None,
    });
    messages
        .map(|message| {
            let text = match &message.body {
                Body::Text(text) => text.as_str().to_owned(),
                other => format!("{other:?}"),
            };
            let reactions: Vec<_> = message
                .reactions
                .iter()
                .map(|one| (one.emoji.as_str().to_owned(), one.users.clone()))
                .collect();
            format!("{text} {} {reactions:?} {:?}", message.edited, message.acknowledged_by)
        })
        .collect()
}

async fn reference(person: &Person, id: ConversationId, text: &str) -> MessageRef {
    let page = person.client().conversation(id).latest(100).await.unwrap();
    let found = page.items.into_iter().find_map(|item| match item.entry {
        Entry::Message(message) if message.body == Body::Text(text.into()) => Some(message.reference()),
        _ => None,
    });
    found.unwrap()
}

/// Edits, reactions, acknowledgements and deletes of an incarnation that was abandoned are said again, in their order.
#[tokio::test(flavor = "multi_thread")]
async fn p7_3_p8_1_what_was_said_about_messages_is_said_again_and_all_show_the_same() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let others = people(&relay, &["ben", "carl"]).await;
    let (ben, carl) = (&others[0], &others[1]);
    let everybody = [&ana.person, ben, carl];
    let id = group(&everybody).await;
    let urgent = NewMessage {
        priority: Priority::Urgent,
        ..NewMessage::text("urgent")
    };
    ana.client()
        .conversation(id)
        .send(urgent, MessageId::random())
        .await
        .unwrap();
    for (n, person) in everybody.iter().enumerate() {
        until_texts(person, id, n + 1).await;
        send(person, id, &format!("before {n}")).await;
        until_sent(person).await;
    }
    send(ben, id, "wrong").await;
    same_everywhere(&everybody, id, 5).await;
    let talk = ben.client().conversation(id);
    talk.react(reference(ben, id, "before 2").await, "+1").await.unwrap();
    until_sent(ben).await;
    until_holds(carl, "a reaction".into(), async || {
        shown(carl, id).await == shown(ben, id).await
    })
    .await;
    carl.client().stop().await;

    ana.mitm.before_relay(poison);
    ana.client().conversation(id).renew_keys().await.unwrap();
    until_holds(ben, "gap".into(), async || {
        let newest = talk.latest(100).await.unwrap();
        newest.items.iter().any(|item| matches!(item.entry, Entry::Gap { .. }))
    })
    .await;
    ana.mitm.honest();
    until_active(ben, id).await;
    // None of this stands.
    talk.edit(reference(ben, id, "before 1").await, "before 1, edited".into(), &[])
        .await
        .unwrap();
    talk.acknowledge(reference(ben, id, "urgent").await).await.unwrap();
    talk.react(reference(ben, id, "before 0").await, "ok").await.unwrap();
    talk.unreact(reference(ben, id, "before 2").await, "+1").await.unwrap();
    talk.delete(reference(ben, id, "wrong").await).await.unwrap();
    send(ben, id, "in between").await;
    until_sent(ben).await;
    assert_eq!(known(&relay, ben, id).await.incarnations.len(), 1);

    carl.client().start().await.unwrap();
    for person in everybody {
        until_incarnation(person, id, 2).await;
    }
    send(carl, id, "after").await;
    for person in everybody {
        until_sent(person).await;
        until_text(person.client(), id, "after", SOON).await;
        until_text(person.client(), id, "in between", SOON).await;
    }
    until_holds(carl, "everything".into(), async || {
        let all = shown(carl, id).await;
        all == shown(&ana.person, id).await && all == shown(ben, id).await
    })
    .await;
    let all = shown(carl, id).await;
    let user = ben.user().await;
    assert_eq!(all.len(), 7, "{all:?}");
    assert!(all.contains(&"before 1, edited true [] []".to_owned()), "{all:?}");
    assert!(
        all.contains(&format!("before 0 false [(\"ok\", [{user:?}])] []")),
        "{all:?}"
    );
    assert!(all.contains(&"before 2 false [] []".to_owned()), "{all:?}");
    assert!(all.contains(&format!("urgent false [] [{user:?}]")), "{all:?}");
    assert!(all.contains(&"Deleted false [] []".to_owned()), "{all:?}");
}

/// Keys are renewed again and again; the list of conversations is in the order of what people have said.
#[tokio::test(flavor = "multi_thread")]
async fn p8_1_renewed_keys_do_not_move_a_conversation_in_the_list() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let (ana, ben) = (&team[0], &team[1]);
    let (quiet, busy) = (group(&[ana, ben]).await, group(&[ana, ben]).await);
    for (id, text) in [(quiet, "first"), (busy, "second")] {
        send(ana, id, text).await;
        same_everywhere(&[ana, ben], id, 1).await;
    }
    let order = async |person: &Person| -> Vec<_> {
        let list = person.client().conversations().await.unwrap();
        list.into_iter().map(|info| info.id).collect()
    };
    assert_eq!(order(ben).await, [busy, quiet]);
    let renewed = ana.client().conversation(quiet).renew_keys().await.unwrap();
    until_done(ana.client(), quiet, renewed, SOON).await;
    let log = api::log(&relay, ana, quiet).await;
    until_holds(ben, "the commit".into(), async || {
        let path = format!("/v1/conversations/{quiet}/entries?incarnation=1&after=0");
        let (_, page) = api::call(&relay, ben, &path, None).await;
        let page: EntriesPage = serde_json::from_value(page).unwrap();
        page.tip.seq == log.len() as u64
    })
    .await;
    send(ana, quiet, "third").await;
    until_text(ben.client(), quiet, "third", SOON).await;
    assert_eq!(order(ben).await, [quiet, busy]);
    let renewed = ben.client().conversation(busy).renew_keys().await.unwrap();
    until_done(ben.client(), busy, renewed, SOON).await;
    assert_eq!(
        (order(ben).await, order(ana).await),
        (vec![quiet, busy], vec![quiet, busy])
    );
}
