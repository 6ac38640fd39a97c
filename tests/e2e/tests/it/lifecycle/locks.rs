//! Locked, closed, started and stopped, in any order.

use super::*;

/// Every call of a client that is locked, closed or otherwise not to be used.
async fn refusals(client: &Client, id: ConversationId, message: MessageId, intent: IntentId) -> Vec<ErrorCode> {
    let conversation = client.conversation(id);
    let cursorless = conversation.latest(1).await;
    vec![
        code(client.conversations().await),
        code(client.outbox().await),
        code(client.start().await),
        code(client.catch_up().await),
        code(client.find_people(&["ben"]).await),
        code(client.create_conversation(&[UserId::random()]).await),
        code(client.direct_conversation(UserId::random()).await),
        code(client.sign_in().await),
        code(conversation.info().await),
        code(conversation.send_text("no".into(), MessageId::random()).await),
        code(conversation.add(&[UserId::random()]).await),
        code(conversation.remove(&[UserId::random()]).await),
        code(conversation.renew_keys().await),
        code(conversation.intent(intent).await),
        code(conversation.retry(intent).await),
        code(cursorless),
        code(conversation.delivery(message).await),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_or_closed_client_refuses_everything_and_comes_back_unharmed() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (mut ana, ben) = (ana.unwrap(), ben.unwrap());
    let (ward, created) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    let id = ward.id();
    let first = send(&ana, id, "first").await;
    until_text(ben.client(), id, "first", SOON).await;
    until_done(ana.client(), id, created, SOON).await;
    for (round, expected) in [("locked", ErrorCode::LOCKED), ("closed", ErrorCode::CLOSED)] {
        let queued = send(&ana, id, round).await;
        if round == "locked" {
            ana.client().lock().await.unwrap();
        } else {
            ana.client().close().await.unwrap();
        }
        assert!(ana.client().is_locked());
        assert_eq!(ana.client().connection(), ConnectionState::Stopped);
        for (n, refused) in refusals(ana.client(), id, first, created).await.into_iter().enumerate() {
            assert_eq!(refused, expected, "{round}, call {n}");
        }
        // Again is no error.
        if round == "locked" {
            ana.client().lock().await.unwrap();
            ana.client().stop().await;
            let revision = ana.client().revision();
            ana.client().unlock().await.unwrap();
            assert!(
                ana.client().next_revision(revision).await > revision,
                "watchers are told"
            );
        } else {
            ana.client().close().await.unwrap();
            ana.client().stop().await;
            // The end of this client, not of the store.
            assert_eq!(code(ana.client().unlock().await), ErrorCode::CLOSED);
            ana.open().await.unwrap();
        }
        // Unlocked is not started.
        assert_eq!(ana.client().connection(), ConnectionState::Stopped);
        ana.client().start().await.unwrap();
        until_text(ben.client(), id, round, SOON).await;
        until_delivery(
            ana.client(),
            id,
            queued,
            DeliveryState::Delivered { by: 1, of: 1 },
            SOON,
        )
        .await;
        send(&ben, id, &format!("after {round}")).await;
        until_text(ana.client(), id, &format!("after {round}"), SOON).await;
    }
    assert_eq!(
        texts(&ana.client().conversation(id)).await.unwrap(),
        ["first", "locked", "after locked", "closed", "after closed"]
    );
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn locking_in_the_middle_of_everything_loses_nothing() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let (ward, _) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    let mut expected = Vec::new();
    for n in 0..12 {
        for part in 0..3 {
            let text = format!("{n}.{part}");
            send(&ana, ward.id(), &text).await;
            expected.push(text);
        }
        if n % 4 == 1 {
            ward.renew_keys().await.unwrap();
        }
        // At once: what is under way is cut off wherever it stands.
        ana.client().lock().await.unwrap();
        ana.client().unlock().await.unwrap();
        ana.client().start().await.unwrap();
    }
    until_text(ben.client(), ward.id(), "11.2", SOON).await;
    assert_eq!(texts(&ben.client().conversation(ward.id())).await.unwrap(), expected);
    let empty = async || ana.client().outbox().await.is_ok_and(|outbox| outbox.waiting == 0);
    until(ana.client(), "outbox empty", SOON, empty).await;
    assert_eq!(texts(&ward).await.unwrap(), expected);
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

/// Enters a call and gives it up where it waits for the first time.
async fn give_up<T>(call: impl Future<Output = T>) {
    let mut call = std::pin::pin!(call);
    std::future::poll_fn(|context| {
        let _ = call.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_given_up_locks_and_who_unlocks_during_it_has_the_last_word() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let client = ana.client().clone();
    let shown = async || client.session() == SessionState::Locked;
    for _ in 0..20 {
        give_up(client.lock()).await;
        until(&client, "shown as locked", SOON, &shown).await;
        // The store may still be on its way to be closed.
        client.unlock().await.unwrap();
        client.conversations().await.unwrap();
        client.start().await.unwrap();
        assert_ne!(client.session(), SessionState::Locked);
    }
    give_up(client.lock()).await;
    let closed = async || client.is_locked();
    until(&client, "locked", SOON, closed).await;
    client.unlock().await.unwrap();
    for _ in 0..20 {
        give_up(client.suspend()).await;
        until(&client, "shown as locked", SOON, &shown).await;
        client.resume().await.unwrap();
        client.conversations().await.unwrap();
    }
    ana.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_are_woken_and_starting_and_stopping_may_be_repeated() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let client = ana.client().clone();
    client.start().await.unwrap();
    assert_eq!(client.connection(), ConnectionState::Live);
    let (revision, live) = (client.revision(), client.connection());
    let watched = client.clone();
    let connection = tokio::spawn(async move { watched.next_connection(&live).await });
    let watched = client.clone();
    let change = tokio::spawn(async move { watched.next_revision(revision).await });
    client.stop().await;
    client.stop().await;
    assert_ne!(connection.await.unwrap(), ConnectionState::Live);
    assert_eq!(client.connection(), ConnectionState::Stopped);
    client.create_conversation(&[UserId::random()]).await.unwrap();
    assert!(change.await.unwrap() > revision);
    for _ in 0..3 {
        client.start().await.unwrap();
        client.start().await.unwrap();
        until_live(&client, SOON).await;
        client.stop().await;
    }
    ana.close().await.unwrap();
}
