//! What most tests do: people in a conversation, who send and see the same.

use std::collections::HashSet;

use curo::{ConversationId, ConversationState, IntentId, IntentStatus, MessageId, Role, UserId};
use curo_kit::{Person, TestRelay, texts, until, until_done};

use crate::SOON;

/// New people, all live.
pub async fn people(relay: &TestRelay, names: &[&str]) -> Vec<Person> {
    let coming = names.iter().map(|name| Person::online(relay, name));
    futures_util::future::try_join_all(coming).await.unwrap()
}

/// A conversation of these, created by the first; all have joined.
pub async fn group(people: &[&Person]) -> ConversationId {
    let mut users = Vec::new();
    for person in &people[1..] {
        users.push(person.user().await);
    }
    let (conversation, created) = people[0].client().create_conversation(&users).await.unwrap();
    until_done(people[0].client(), conversation.id(), created, SOON).await;
    for person in people {
        until_active(person, conversation.id()).await;
    }
    conversation.id()
}

/// The first gives all others the role of admins; returns when it is in force with each.
pub async fn admins(people: &[&Person], id: ConversationId) {
    for person in &people[1..] {
        let user = person.user().await;
        let theirs = people[0].client().conversation(id);
        theirs.set_role(user, Role::admin()).await.unwrap();
    }
    for person in people {
        // Removing nobody is allowed to those who may remove.
        let theirs = person.client().conversation(id);
        until_holds(person, "admin".into(), async move || {
            theirs.remove(&[UserId([0xee; 16])]).await.is_ok()
        })
        .await;
    }
    for person in people {
        until_sent(person).await;
    }
}

pub async fn send(person: &Person, id: ConversationId, text: &str) -> MessageId {
    person
        .client()
        .conversation(id)
        .send_text(text.into(), MessageId::random())
        .await
        .unwrap()
}

pub async fn state(person: &Person, id: ConversationId) -> Option<ConversationState> {
    person
        .client()
        .conversation(id)
        .info()
        .await
        .ok()
        .map(|info| info.state)
}

/// State and code of a frozen conversation.
pub async fn frozen(person: &Person, id: ConversationId) -> Option<String> {
    let info = person.client().conversation(id).info().await.ok()?;
    (info.state == ConversationState::Frozen).then(|| info.frozen.unwrap().as_str().to_owned())
}

#[track_caller]
pub fn until_state(person: &Person, id: ConversationId, wanted: ConversationState) -> impl Future<Output = ()> {
    until_holds(person, format!("{wanted:?}"), async move || {
        state(person, id).await == Some(wanted)
    })
}

#[track_caller]
pub fn until_active(person: &Person, id: ConversationId) -> impl Future<Output = ()> {
    until_state(person, id, ConversationState::Active)
}

#[track_caller]
pub fn until_frozen(person: &Person, id: ConversationId, code: &'static str) -> impl Future<Output = ()> {
    until_holds(person, format!("frozen {code}"), async move || {
        frozen(person, id).await.as_deref() == Some(code)
    })
}

/// Until nothing waits in the outbox.
#[track_caller]
pub fn until_sent(person: &Person) -> impl Future<Output = ()> {
    until_holds(person, "empty outbox".into(), async move || {
        person.client().outbox().await.unwrap().waiting == 0
    })
}

/// Until so many texts are there, unsent ones included.
#[track_caller]
pub fn until_texts(person: &Person, id: ConversationId, count: usize) -> impl Future<Output = ()> {
    until_holds(person, format!("{count} texts"), async move || {
        read(person, id).await.len() >= count
    })
}

/// Until an intent has come to an end; which one.
#[track_caller]
pub fn until_settled(person: &Person, id: ConversationId, intent: IntentId) -> impl Future<Output = IntentStatus> {
    let conversation = person.client().conversation(id);
    let at_end = conversation.clone();
    let settled = until_holds(person, "settled intent".into(), async move || {
        conversation.intent(intent).await.unwrap() != IntentStatus::Pending
    });
    async move {
        settled.await;
        at_end.intent(intent).await.unwrap()
    }
}

#[track_caller]
pub fn until_holds(person: &Person, what: String, holds: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
    let what = format!("{}: {what}", person.subject());
    let place = std::panic::Location::caller();
    async move {
        let what = format!("{place}: {what}");
        until(person.client(), &what, SOON, holds).await;
    }
}

/// All texts in display order.
pub async fn read(person: &Person, id: ConversationId) -> Vec<String> {
    texts(&person.client().conversation(id)).await.unwrap()
}

/// Waits until all of them have sent everything and have so many texts; then all must have the same ones in the same
/// order, none twice (3.2, 4.6, 5.3). Texts must differ.
pub async fn same_everywhere(people: &[&Person], id: ConversationId, count: usize) -> Vec<String> {
    for person in people {
        until_sent(person).await;
        until_texts(person, id, count).await;
    }
    let all = read(people[0], id).await;
    assert_eq!(all.len(), count, "{all:?}");
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), count, "doubled: {all:?}");
    for person in &people[1..] {
        assert_eq!(read(person, id).await, all, "{person:?}");
    }
    all
}

/// What one of them sent is in the order in which it was sent.
pub fn in_order(all: &[String], wanted: impl IntoIterator<Item = String>, prefix: &str) {
    let own: Vec<_> = all.iter().filter(|text| text.starts_with(prefix)).cloned().collect();
    assert_eq!(own, wanted.into_iter().collect::<Vec<_>>());
}
