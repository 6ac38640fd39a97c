//! The list of conversations between real clients.

use curo::{Body, ConversationId, ConversationList, ConversationSummary, ConversationsState};

use super::*;

async fn until(
    list: &ConversationList,
    what: &str,
    holds: impl Fn(&Snapshot<ConversationsState>) -> bool,
) -> Snapshot<ConversationsState> {
    let looking = async {
        let mut seen = 0;
        loop {
            let snapshot = list.next(seen).await.unwrap();
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

fn row(state: &ConversationsState, id: ConversationId) -> Option<&ConversationSummary> {
    state.items.iter().find(|item| item.id == id).map(|item| &item.row)
}

fn last(state: &ConversationsState, id: ConversationId) -> Option<&str> {
    match &row(state, id)?.last.as_ref()?.body {
        Body::Text(text) => Some(text.as_str()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_comes_first_with_what_they_said() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "cho"]).await;
    let (ana, ben, cho) = (&team[0], &team[1], &team[2]);
    let (first, second) = (group(&[ana, ben]).await, group(&[ana, ben, cho]).await);
    let list = ana.client().conversation_list(50).unwrap();
    send(ben, first, "one").await;
    let shown = until(&list, "one", |shown| last(&shown.state, first) == Some("one")).await;
    assert_eq!(shown.state.items[0].id, first);
    let summary = row(&shown.state, first).unwrap();
    assert_eq!((summary.unread, summary.members, summary.people.len()), (1, 2, 1));
    assert_eq!(summary.last.as_ref().unwrap().sender, ben.user().await);
    send(cho, second, "two").await;
    let shown = until(&list, "two", |shown| last(&shown.state, second) == Some("two")).await;
    assert_eq!(shown.state.items[0].id, second);
    assert_eq!(row(&shown.state, second).unwrap().members, 3);
    // The same, read without a list.
    let infos = ana.client().conversations().await.unwrap();
    let order: Vec<_> = infos.iter().map(|info| info.id).collect();
    let listed: Vec<_> = shown.state.items.iter().map(|item| item.id).collect();
    assert_eq!(order, listed);

    ana.client().lock().await.unwrap();
    let locked = list.next(shown.revision).await.unwrap();
    assert!(locked.locked && locked.state.items.is_empty());
    assert_eq!(code(list.load_older().await), ErrorCode::LOCKED);
    ana.client().unlock().await.unwrap();
    until(&list, "back", |shown| last(&shown.state, second) == Some("two")).await;
    ana.client().close().await.unwrap();
    assert_eq!(code(list.next(0).await), ErrorCode::CLOSED);
    for page in [0, 301] {
        assert_eq!(code(ben.client().conversation_list(page)), ErrorCode::INVALID_ARGUMENT);
    }
}

/// What a user sends moves the conversation at once, with or without a network; what comes afterwards goes before it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_offline_comes_first_until_somebody_speaks() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let (ana, ben) = (&team[0], &team[1]);
    let (first, second) = (group(&[ana, ben]).await, group(&[ana, ben]).await);
    send(ben, second, "one").await;
    until_text(ana.client(), second, "one", SOON).await;
    let list = ana.client().conversation_list(50).unwrap();
    until(&list, "one", |shown| shown.state.items[0].id == second).await;

    ana.cable().cut();
    send(ana, first, "two").await;
    let infos = ana.client().conversations().await.unwrap();
    assert_eq!(infos[0].id, first);
    let shown = until(&list, "two", |shown| last(&shown.state, first) == Some("two")).await;
    assert_eq!(shown.state.items[0].id, first);

    send(ben, second, "three").await;
    until_text(ben.client(), second, "three", SOON).await;
    ana.cable().restore();
    until_text(ben.client(), first, "two", SOON).await;
    send(ben, second, "four").await;
    let shown = until(&list, "four", |shown| last(&shown.state, second) == Some("four")).await;
    assert_eq!(shown.state.items[0].id, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unread_is_counted_until_it_is_read_and_muted_is_left_out() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let (ana, ben) = (&team[0], &team[1]);
    let (first, second) = (group(&[ana, ben]).await, group(&[ana, ben]).await);
    let (unread, list) = (
        ana.client().observe_unread(),
        ana.client().conversation_list(50).unwrap(),
    );
    let counted = async |messages, conversations| {
        until_snapshot(&unread, "unread", SOON, |shown| {
            (shown.state.messages, shown.state.conversations) == (messages, conversations)
        })
        .await
    };
    counted(0, 0).await;
    send(ana, first, "own ones do not count").await;
    for (id, text) in [(first, "1"), (first, "2"), (first, "3"), (second, "4")] {
        send(ben, id, text).await;
    }
    counted(4, 2).await;
    let care = ana.client().conversation(first);
    ana.client().conversation(second).mute().await.unwrap();
    counted(3, 1).await;
    care.set_draft("not yet".into()).await.unwrap();
    let shown = until(&list, "draft", |shown| {
        row(&shown.state, first).is_some_and(|row| row.draft.is_some())
    })
    .await;
    assert!(row(&shown.state, second).unwrap().muted);

    // A timeline begins at the first that is not read.
    let timeline = care.timeline(curo::TimelineOptions::default()).unwrap();
    let shown = timeline.next(0).await.unwrap();
    let anchor = shown.state.anchor.unwrap();
    let at = |text: &str| {
        shown.state.items.iter().find_map(|item| match &item.item.entry {
            curo::Entry::Message(message) if matches!(&message.body, Body::Text(body) if body.as_str() == text) => {
                Some(message.reference())
            }
            _ => None,
        })
    };
    assert_eq!(anchor, at("1").unwrap().into());
    care.mark_read(at("2").unwrap()).await.unwrap();
    counted(1, 1).await;
    let again = care.timeline(curo::TimelineOptions::default()).unwrap();
    assert_eq!(again.next(0).await.unwrap().state.anchor, at("3").map(Into::into));
    care.mark_read(at("3").unwrap()).await.unwrap();
    let none = counted(0, 0).await;
    let again = care.timeline(curo::TimelineOptions::default()).unwrap();
    assert_eq!(again.next(0).await.unwrap().state.anchor, None);

    send(ben, first, "5").await;
    counted(1, 1).await;
    ana.client().lock().await.unwrap();
    let locked = unread.next(none.revision).await.unwrap();
    assert_eq!((locked.locked, locked.state.messages), (true, 0));
}
