//! Everything local works without a network: creating, sending, reading, paging. What was done offline happens in its
//! order once there is one.

use std::time::Duration;

use curo::{
    Conversation, ConversationState, Cursor, DeliveryState, Entry, ErrorCode, IntentStatus, Item, MessageId,
    PAGE_LIMIT, UserId,
};
use curo_kit::{Person, TestRelay, texts, until_delivery, until_done, until_text};
use proptest::test_runner::{Config, TestRunner};

use crate::lifecycle::code;
use crate::{SOON, logs};

async fn send(conversation: &Conversation, text: &str) -> MessageId {
    conversation.send_text(text.into(), MessageId::random()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_day_offline_is_local_and_happens_in_its_order_afterwards() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::new(&relay, "ana"), Person::online(&relay, "ben"));
    let (mut ana, ben) = (ana.unwrap(), ben.unwrap());
    let carol = Person::online(&relay, "carol").await.unwrap();
    ana.client().sign_in().await.unwrap();
    let people = ana.client().find_people(&["ben", "carol"]).await.unwrap();
    let (bens, carols) = (people[0].user, people[1].user);
    ana.close().await.unwrap();
    ana.cable().cut();

    // From disk, and never connected in this life.
    ana.open().await.unwrap();
    let client = ana.client();
    let mut known = client.find_people(&["carol", "ben"]).await.unwrap();
    known.sort_by_key(|person| person.subject.clone());
    assert!(known == people, "people who were looked up are known");
    assert_eq!(code(client.find_people(&["ben", "dave"]).await), ErrorCode::OFFLINE);
    assert_eq!(code(client.catch_up().await), ErrorCode::OFFLINE);
    let (team, created) = client.create_conversation(&[bens, carols]).await.unwrap();
    let direct = client.direct_conversation(bens).await.unwrap();
    assert_eq!(client.direct_conversation(bens).await.unwrap().id(), direct.id());
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(send(&team, &format!("team {n}")).await);
        send(&direct, &format!("direct {n}")).await;
    }
    let removed = team.remove(&[carols]).await.unwrap();
    let last = send(&team, "without carol").await;
    for started in [false, true] {
        if started {
            client.start().await.unwrap();
        }
        let info = team.info().await.unwrap();
        assert_eq!((info.state, info.frozen), (ConversationState::Creating, None));
        assert_eq!(team.delivery(ids[0]).await.unwrap(), DeliveryState::Queued);
        for intent in [created, removed] {
            assert_eq!(team.intent(intent).await.unwrap(), IntentStatus::Pending);
        }
        let outbox = client.outbox().await.unwrap();
        assert_eq!((outbox.waiting, outbox.failed), (2 + 1 + 5 + 5 + 1, 0));
        assert_eq!(
            texts(&direct).await.unwrap(),
            (0..5).map(|n| format!("direct {n}")).collect::<Vec<_>>()
        );
        let page = team.latest(2).await.unwrap();
        assert!(page.newer.is_none() && page.older.is_some());
        for item in &page.items {
            let Entry::Message(message) = &item.entry else {
                panic!("{item:?}")
            };
            assert!(message.own && item.accepted_ms.is_none() && message.claimed_ms.is_some());
            assert_eq!(message.delivery, Some(DeliveryState::Queued));
        }
        // The last active comes first.
        let list: Vec<_> = client
            .conversations()
            .await
            .unwrap()
            .into_iter()
            .map(|info| info.id)
            .collect();
        assert_eq!(list.len(), 2);
        assert!(list.contains(&team.id()) && list.contains(&direct.id()));
    }

    ana.cable().restore();
    until_done(client, team.id(), removed, SOON).await;
    until_text(ben.client(), team.id(), "without carol", SOON).await;
    until_text(ben.client(), direct.id(), "direct 4", SOON).await;
    until_delivery(client, team.id(), last, DeliveryState::Delivered { by: 1, of: 1 }, SOON).await;
    let all: Vec<_> = (0..5)
        .map(|n| format!("team {n}"))
        .chain(["without carol".to_owned()])
        .collect();
    assert_eq!(texts(&team).await.unwrap(), all);
    assert_eq!(texts(&ben.client().conversation(team.id())).await.unwrap(), all);
    until_text(carol.client(), team.id(), "team 4", SOON).await;
    curo_kit::until(carol.client(), "removed", SOON, async || {
        let info = carol.client().conversation(team.id()).info().await;
        info.is_ok_and(|info| info.state == ConversationState::Removed)
    })
    .await;
    assert_eq!(texts(&carol.client().conversation(team.id())).await.unwrap(), all[..5]);
    // Both name the same direct conversation without asking.
    let theirs = ben.client().direct_conversation(ana.user().await).await.unwrap();
    assert_eq!(theirs.id(), direct.id());
    send(&theirs, "and back").await;
    until_text(client, direct.id(), "and back", SOON).await;
    assert_eq!(direct.info().await.unwrap().members.len(), 2);
    for person in [ana, ben, carol] {
        person.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_active_conversation_comes_first() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let mut conversations = Vec::new();
    for n in 0..3 {
        let (conversation, _) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
        let last = send(&conversation, &format!("{n}")).await;
        until_delivery(
            ana.client(),
            conversation.id(),
            last,
            DeliveryState::Delivered { by: 1, of: 1 },
            SOON,
        )
        .await;
        conversations.push(conversation);
    }
    let last = send(&conversations[1], "again").await;
    until_delivery(
        ana.client(),
        conversations[1].id(),
        last,
        DeliveryState::Delivered { by: 1, of: 1 },
        SOON,
    )
    .await;
    for person in [&ana, &ben] {
        let first = person.client().conversations().await.unwrap().remove(0);
        assert_eq!(first.id, conversations[1].id(), "{person:?}");
        let page = person.client().conversation(first.id).latest(1).await.unwrap();
        assert_eq!(first.activity_ms, page.items[0].accepted_ms.unwrap());
    }
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

/// Pages from the newest item back, in pieces of the given sizes, then forward again.
async fn walk(conversation: &Conversation, sizes: &[usize]) -> (Vec<Item>, Vec<Item>) {
    let mut sizes = sizes.iter().copied().cycle();
    let mut size = || sizes.next().unwrap();
    let asked = size();
    let mut page = conversation.latest(asked).await.unwrap();
    assert!(page.newer.is_none() && page.items.len() <= asked);
    let mut back = page.items.clone();
    let mut oldest: Option<Cursor> = page.items.first().map(|item| item.cursor);
    while let Some(older) = page.older {
        assert_eq!(Some(older), oldest, "goes on at its first item");
        let asked = size();
        page = conversation.before(older, asked).await.unwrap();
        assert!((1..=asked).contains(&page.items.len()), "an empty page was promised");
        assert!(
            page.older.is_none() || page.items.len() == asked,
            "a page that was not filled is the last"
        );
        assert_eq!(page.newer, page.items.last().map(|item| item.cursor));
        oldest = page.items.first().map(|item| item.cursor);
        back.splice(0..0, page.items.clone());
    }
    let mut forward = page.items.clone();
    let mut newer = page.newer;
    while let Some(cursor) = newer {
        assert_eq!(forward.last().map(|item| item.cursor), Some(cursor));
        let asked = size();
        let page = conversation.after(cursor, asked).await.unwrap();
        assert!((1..=asked).contains(&page.items.len()), "an empty page was promised");
        assert_eq!(page.older, page.items.first().map(|item| item.cursor));
        forward.extend(page.items);
        newer = page.newer;
    }
    (back, forward)
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_1_pages_of_any_sizes_both_ways_equal_the_whole() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let (ward, _) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    // Own and other's messages, a change of members, then what waits unsent.
    for n in 0..30 {
        send(&ward, &format!("ana {n}")).await;
    }
    until_text(ben.client(), ward.id(), "ana 29", SOON).await;
    let theirs = ben.client().conversation(ward.id());
    for n in 0..30 {
        send(&theirs, &format!("ben {n}")).await;
    }
    until_text(ana.client(), ward.id(), "ben 29", SOON).await;
    ana.cable().cut();
    for n in 0..20 {
        send(&ward, &format!("waiting {n}")).await;
    }
    ward.renew_keys().await.unwrap();

    let whole = ward.latest(PAGE_LIMIT).await.unwrap();
    assert!(whole.older.is_none() && whole.newer.is_none());
    let whole = whole.items;
    let of = |name, count| (0..count).map(|n| format!("{name} {n}")).collect::<Vec<_>>();
    assert_eq!(
        texts(&ward).await.unwrap(),
        [of("ana", 30), of("ben", 30), of("waiting", 20)].concat()
    );
    assert!(
        whole.is_sorted_by(|a, b| a.cursor < b.cursor),
        "each has a place of its own"
    );
    let accepted = whole.iter().take_while(|item| item.accepted_ms.is_some()).count();
    assert_eq!((accepted, whole.len()), (61, 81), "with the change of members");

    let count = whole.len();
    for sizes in [
        vec![1],
        vec![2],
        vec![7],
        vec![count - 1],
        vec![count],
        vec![count + 1],
        vec![PAGE_LIMIT],
    ] {
        let (back, forward) = walk(&ward, &sizes).await;
        assert!(back == whole && forward == whole, "sizes {sizes:?}");
    }
    let runtime = tokio::runtime::Handle::current();
    let (sizes, from) = (proptest::collection::vec(1..=40_usize, 1..12), 0..count);
    let ward = &ward;
    tokio::task::block_in_place(|| {
        TestRunner::new(Config {
            cases: 48,
            failure_persistence: None,
            ..Config::default()
        })
        .run(&(sizes, from), |(sizes, from)| {
            let (back, forward) = runtime.block_on(walk(ward, &sizes));
            proptest::prop_assert!(back == whole && forward == whole);
            // From any item, so many before and after it.
            let cursor = whole[from].cursor;
            let before = runtime.block_on(ward.before(cursor, sizes[0])).unwrap();
            let start = from.saturating_sub(sizes[0]);
            proptest::prop_assert!(before.items == whole[start..from]);
            proptest::prop_assert_eq!(before.older.is_some(), start > 0);
            let after = runtime.block_on(ward.after(cursor, sizes[0])).unwrap();
            let end = (from + 1 + sizes[0]).min(count);
            proptest::prop_assert!(after.items == whole[from + 1..end]);
            proptest::prop_assert_eq!(after.newer.is_some(), end < count);
            Ok(())
        })
        .unwrap();
    });

    // A place among the unsent stays a place when they are sent: what stood before it stands before it.
    let cursor = whole[count - 5].cursor;
    ana.cable().restore();
    until_text(ben.client(), ward.id(), "waiting 19", SOON).await;
    let empty = async || ana.client().outbox().await.is_ok_and(|outbox| outbox.waiting == 0);
    curo_kit::until(ana.client(), "sent", SOON, empty).await;
    let before = ward.before(cursor, PAGE_LIMIT).await.unwrap();
    assert!(before.items.len() >= count - 5, "{} items", before.items.len());
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_read_from_the_network_and_nothing_waits_for_it() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let (ward, _) = ana.client().create_conversation(&[UserId::random()]).await.unwrap();
    // A network that swallows every answer is slower than none: a local call that waited for it would take the request's
    // time-out, ten seconds each.
    ana.cable().swallow_answers();
    let local = async {
        for n in 0..50 {
            send(&ward, &format!("{n}")).await;
            ward.latest(10).await.unwrap();
            ana.client().conversations().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), local).await.unwrap();
    ana.client().lock().await.unwrap();
    ana.client().unlock().await.unwrap();
    assert_eq!(ward.latest(PAGE_LIMIT).await.unwrap().items.len(), 50);
    ana.close().await.unwrap();
}
