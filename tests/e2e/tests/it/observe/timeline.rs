//! A screen's timeline between real clients.

use std::sync::Arc;

use curo::{
    Body, ConversationId, DeliveryState, Edge, Entry, ItemKey, Start, Timeline, TimelineItem, TimelineOptions,
    TimelineState,
};

use super::*;

fn open(person: &Person, id: ConversationId, start: Start) -> Timeline {
    let options = TimelineOptions { start, page: 20 };
    person.client().conversation(id).timeline(options).unwrap()
}

async fn until(
    timeline: &Timeline,
    what: &str,
    holds: impl Fn(&Snapshot<TimelineState>) -> bool,
) -> Snapshot<TimelineState> {
    let looking = async {
        let mut seen = 0;
        loop {
            let snapshot = timeline.next(seen).await.unwrap();
            if holds(&snapshot) {
                return snapshot;
            }
            seen = snapshot.revision;
        }
    };
    tokio::time::timeout(SOON, looking)
        .await
        .unwrap_or_else(|_| panic!("not in time: {what}"))
}

fn text(item: &TimelineItem) -> Option<&str> {
    match &item.item.entry {
        Entry::Message(message) => match &message.body {
            Body::Text(text) => Some(text.as_str()),
            _ => None,
        },
        _ => None,
    }
}

fn delivery(item: &TimelineItem) -> Option<&DeliveryState> {
    match &item.item.entry {
        Entry::Message(message) => message.delivery.as_ref(),
        _ => None,
    }
}

fn find<'a>(state: &'a TimelineState, wanted: &str) -> Option<&'a Arc<TimelineItem>> {
    state.items.iter().find(|item| text(item) == Some(wanted))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_one_item_from_queued_to_delivered() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let (ana, ben) = (&team[0], &team[1]);
    let id = group(&[ana, ben]).await;
    send(ben, id, "before").await;
    let (hers, his) = (open(ana, id, Start::Newest), open(ben, id, Start::Newest));
    until(&hers, "before", |shown| find(&shown.state, "before").is_some()).await;
    ana.cable().cut();
    let message = send(ana, id, "BP 118/76").await;
    let queued = until(&hers, "local echo", |shown| find(&shown.state, "BP 118/76").is_some()).await;
    let echo = Arc::clone(find(&queued.state, "BP 118/76").unwrap());
    assert_eq!(delivery(&echo), Some(&DeliveryState::Queued));
    assert_eq!(echo.key, ItemKey::new(ana.account().await.unwrap().device, message));
    let before = Arc::clone(find(&queued.state, "before").unwrap());
    ana.cable().restore();
    let all = DeliveryState::Delivered { by: 1, of: 1 };
    let delivered = until(&hers, "delivered", |shown| {
        // While it catches up there may be more.
        let caught_up = shown.state.newer == Edge::End;
        caught_up && find(&shown.state, "BP 118/76").is_some_and(|item| delivery(item) == Some(&all))
    })
    .await;
    let item = find(&delivered.state, "BP 118/76").unwrap();
    assert_eq!(item.key, echo.key);
    assert!(item.revision > echo.revision && item.item.accepted_ms.is_some());
    assert!(
        Arc::ptr_eq(&before, find(&delivered.state, "before").unwrap()),
        "nothing about it has changed"
    );
    let arrived = until(&his, "arrived", |shown| find(&shown.state, "BP 118/76").is_some()).await;
    assert_eq!(
        find(&arrived.state, "BP 118/76").unwrap().key,
        echo.key,
        "the same on both sides"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn elsewhere_arrivals_count_and_at_the_live_end_they_are_shown() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "cho"]).await;
    let (ana, ben, cho) = (&team[0], &team[1], &team[2]);
    let id = group(&[ana, ben]).await;
    for n in 0..60 {
        send(ben, id, &format!("{n}")).await;
    }
    curo_kit::until_text(ana.client(), id, "59", crate::SOON).await;
    let timeline = open(ana, id, Start::Newest);
    let shown = until(&timeline, "all", |shown| find(&shown.state, "59").is_some()).await;
    let (oldest, page) = (shown.state.items[0].key, shown.state.items.len());
    assert!(page >= 20 && shown.state.older == Edge::More);
    timeline.load_older().await.unwrap();
    let shown = until(&timeline, "older", |shown| shown.state.items.len() > page).await;
    assert!(shown.state.items.iter().any(|item| item.key == oldest));
    let early = find(&shown.state, "30").map(|item| item.key);
    timeline.jump_to(early.unwrap()).await.unwrap();
    let away = until(&timeline, "jump", |shown| shown.state.anchor == early).await;
    assert_eq!((&away.state.newer, away.state.new_below), (&Edge::More, 0));
    send(ben, id, "new").await;
    let counted = until(&timeline, "counted", |shown| shown.state.new_below == 1).await;
    assert_eq!(counted.state.items, away.state.items);
    timeline.jump_to_newest().await.unwrap();
    let back = until(&timeline, "newest", |shown| find(&shown.state, "new").is_some()).await;
    assert_eq!((&back.state.newer, back.state.new_below), (&Edge::End, 0));
    // Who comes is an item, too.
    let care = ana.client().conversation(id);
    care.add(&[cho.user().await]).await.unwrap();
    let user = cho.user().await;
    until(&timeline, "system event", |shown| {
        shown.state.items.iter().any(|item| match &item.item.entry {
            Entry::Members { added, .. } => added.contains(&user),
            _ => false,
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_empty_while_locked_and_ends_with_the_client() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let (care, _) = ana.client().create_conversation(&[UserId::random()]).await.unwrap();
    send(&ana, care.id(), "kept").await;
    let timeline = open(&ana, care.id(), Start::FirstUnread);
    let shown = until(&timeline, "kept", |shown| find(&shown.state, "kept").is_some()).await;
    let watching = timeline.clone();
    let watcher = tokio::spawn(async move { watching.next(shown.revision).await });
    ana.client().lock().await.unwrap();
    let locked = watcher.await.unwrap().unwrap();
    let locked = if locked.locked {
        locked
    } else {
        timeline.next(locked.revision).await.unwrap()
    };
    assert!(locked.locked && locked.state.items.is_empty());
    assert_eq!(code(timeline.load_older().await), ErrorCode::LOCKED);
    assert_eq!(code(timeline.jump_to_newest().await), ErrorCode::LOCKED);
    ana.client().unlock().await.unwrap();
    let back = until(&timeline, "back", |shown| !shown.locked).await;
    assert!(find(&back.state, "kept").is_some());
    let watchers: Vec<_> = (0..3)
        .map(|_| {
            let timeline = timeline.clone();
            tokio::spawn(async move {
                let mut seen = 0;
                while let Ok(snapshot) = timeline.next(seen).await {
                    seen = snapshot.revision;
                }
                timeline.next(seen).await
            })
        })
        .collect();
    ana.client().close().await.unwrap();
    for watcher in watchers {
        assert_eq!(code(watcher.await.unwrap()), ErrorCode::CLOSED);
    }
    assert_eq!(code(timeline.load_newer().await), ErrorCode::CLOSED);
    let elsewhere = ana.client().conversation(ConversationId::random());
    assert_eq!(
        code(elsewhere.timeline(TimelineOptions::default()).unwrap().next(0).await),
        ErrorCode::CLOSED
    );
}
