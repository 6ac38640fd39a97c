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
