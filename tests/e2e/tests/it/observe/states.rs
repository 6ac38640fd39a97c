//! Session, connection, outbox and one conversation's head.

use super::*;

async fn until_session(observed: &Observed<SessionState>, state: SessionState) -> Snapshot<SessionState> {
    until_snapshot(observed, "session", SOON, |snapshot| snapshot.state == state).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_says_which_screen_to_show() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::new(&relay, "ana").await.unwrap();
    let client = ana.client();
    let session = client.observe_session();
    assert_eq!(session.next(0).await.unwrap().state, SessionState::SignInNeeded);
    // The provider gives no token: the same, and the call says so.
    ana.tokens().set(Validity::Nobody);
    assert_eq!(code(client.sign_in().await), ErrorCode::SIGN_IN_NEEDED);
    ana.tokens().set(Validity::Good);
    ana.go_online().await.unwrap();
    until_session(&session, SessionState::Active).await;

    client.lock().await.unwrap();
    assert_eq!(client.session(), SessionState::Locked);
    let locked = until_session(&session, SessionState::Locked).await;
    assert!(!locked.locked, "the session itself is nothing to hide");
    client.unlock().await.unwrap();
    until_session(&session, SessionState::Active).await;

    // Signed out at the provider: the next connection cannot be made.
    ana.tokens().set(Validity::Nobody);
    client.stop().await;
    client.lock().await.unwrap();
    client.unlock().await.unwrap();
    client.start().await.unwrap();
    until_session(&session, SessionState::SignInNeeded).await;
    ana.tokens().set(Validity::Good);
    client.sign_in().await.unwrap();
    until_session(&session, SessionState::Active).await;

    let seen = session.next(0).await.unwrap().revision;
    let watchers = waiting(&session, seen);
    client.close().await.unwrap();
    for watcher in watchers {
        assert_eq!(watcher.await.unwrap().unwrap().state, SessionState::Closed);
    }
    let last = session.next(0).await.unwrap().revision;
    assert_eq!(code(session.next(last).await), ErrorCode::CLOSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_profile_says_so() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let (session, outbox) = (ana.client().observe_session(), ana.client().observe_outbox());
    let seen = outbox.next(0).await.unwrap().revision;
    ana.client().erase().await.unwrap();
    until_session(&session, SessionState::Wiped).await;
    // Emptied at first, then at the end.
    let shown = outbox.next(seen).await;
    assert_eq!(code(shown), ErrorCode::STORE_MISSING);
}

#[tokio::test(flavor = "multi_thread")]
async fn outbox_and_connection_follow_the_cable() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let (ana, ben) = (&team[0], &team[1]);
    let id = group(&[ana, ben]).await;
    let (outbox, connection) = (ana.client().observe_outbox(), ana.client().observe_connection());
    until_snapshot(&connection, "live", SOON, |shown| shown.state == ConnectionState::Live).await;
    until_snapshot(&outbox, "empty", SOON, |shown| shown.state.waiting == 0).await;
    ana.cable().cut();
    send(ana, id, "queued").await;
    until_snapshot(&outbox, "one waits", SOON, |shown| shown.state.waiting == 1).await;
    until_snapshot(&connection, "offline", SOON, |shown| {
        matches!(shown.state, ConnectionState::Waiting { .. })
    })
    .await;
    ana.cable().restore();
    until_snapshot(&connection, "live again", SOON, |shown| {
        shown.state == ConnectionState::Live
    })
    .await;
    let empty = until_snapshot(&outbox, "sent", SOON, |shown| shown.state.waiting == 0).await;

    // What is written from now on stays here.
    ana.cable().cut();
    let watchers = waiting(&outbox, empty.revision);
    send(ana, id, "locked in").await;
    ana.client().lock().await.unwrap();
    for watcher in watchers {
        watcher.await.unwrap().unwrap();
    }
    let locked = outbox.next(0).await.unwrap();
    assert_eq!((locked.locked, locked.state.waiting), (true, 0));
    ana.client().unlock().await.unwrap();
    until_snapshot(&outbox, "back", SOON, |shown| !shown.locked && shown.state.waiting == 1).await;
    let seen = outbox.next(0).await.unwrap().revision;
    let watchers = waiting(&outbox, seen);
    ana.client().close().await.unwrap();
    for watcher in watchers {
        assert_eq!(code(watcher.await.unwrap()), ErrorCode::CLOSED);
    }
    assert_eq!(code(outbox.next(0).await), ErrorCode::CLOSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversations_head_follows_its_members_and_only_its_own() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "cho"]).await;
    let (ana, ben, cho) = (&team[0], &team[1], &team[2]);
    let id = group(&[ana, ben]).await;
    let care = ana.client().conversation(id);
    let head = care.observe();
    let two = until_snapshot(&head, "two members", SOON, |shown| {
        shown.state.as_ref().is_some_and(|info| info.members.len() == 2)
    })
    .await;
    let added = care.add(&[cho.user().await]).await.unwrap();
    let three = until_snapshot(&head, "three members", SOON, |shown| {
        shown.state.as_ref().is_some_and(|info| info.members.len() == 3)
    })
    .await;
    assert!(three.revision > two.revision);
    curo_kit::until_done(ana.client(), id, added, SOON).await;
    ana.client().lock().await.unwrap();
    let locked = head.next(three.revision).await.unwrap();
    assert_eq!((locked.locked, locked.state), (true, None));
    ana.client().unlock().await.unwrap();
    let unknown = ana.client().conversation(curo::ConversationId::random());
    assert_eq!(code(unknown.observe().next(0).await), ErrorCode::UNKNOWN);
}
