#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Weak;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use curo_kit::TestRelay;
use curo_types::ErrorCode;

use super::*;
use crate::testing::{MemoryVault, SOON, Tokens, alone, cancelled_after, online, options, wait};
use crate::{
    Body, Entry, SessionState, Start, TimelineOptions, TokenReason, TokenReply, accounts, erase_profile,
    random_message_id,
};

fn code(error: CuroError) -> String {
    let CuroError::Failed { code, .. } = error;
    code
}

/// Everything that waits on a client of this kind is told the same.
fn is_closed<T>(result: Result<T>) -> bool {
    result.is_err_and(|error| code(error) == ErrorCode::CLOSED.as_str())
}

#[tokio::test]
async fn the_end_wakes_every_stream_and_lets_go_of_what_the_app_has_lent() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryVault::default());
    let relay = TestRelay::start().await.unwrap();
    let tokens = Arc::new(Tokens::of(&relay, "ana"));
    let (lent, lent_too) = (Arc::downgrade(&vault), Arc::downgrade(&tokens));
    let mut options = options(dir.path(), &relay.url());
    options.extra_roots = vec![relay.ca().root_der().to_vec()];
    let client = Client::open(options, vault, tokens).await.unwrap();
    assert_eq!(client.session().unwrap(), SessionState::SignInNeeded);
    client.sign_in().await.unwrap();

    let connection = client.observe_connection().unwrap();
    let outbox = client.observe_outbox().unwrap();
    let unread = client.observe_unread().unwrap();
    let devices = client.observe_waiting_devices().unwrap();
    let list = client.conversation_list(50).unwrap();
    // Each has drawn its first snapshot, and waits for the next one again and again.
    macro_rules! collector {
        ($stream:ident) => {{
            let mut seen = $stream.next(0).await.unwrap().revision;
            async move {
                loop {
                    match $stream.next(seen).await {
                        Ok(newer) => seen = newer.revision,
                        Err(error) => break code(error),
                    }
                }
            }
        }};
    }
    let (connection, outbox, unread) = (collector!(connection), collector!(outbox), collector!(unread));
    let (devices, list) = (collector!(devices), collector!(list));
    let waiting = tokio::spawn(async move { tokio::join!(connection, outbox, unread, devices, list) });
    let session = client.observe_session().unwrap();
    let first = session.next(0).await.unwrap();
    let (ended, again) = tokio::join!(client.end(), client.end());
    ended.unwrap();
    again.unwrap();
    let woken = tokio::time::timeout(SOON, waiting).await.unwrap().unwrap();
    let closed = || ErrorCode::CLOSED.as_str().to_owned();
    assert_eq!(woken, (closed(), closed(), closed(), closed(), closed()));
    let last = session.next(first.revision).await.unwrap();
    assert_eq!(last.state, SessionState::Closed);
    assert!(is_closed(session.next(last.revision).await));
    assert!(is_closed(client.conversations().await));
    assert!(is_closed(client.sign_in().await));
    let_go_of(&lent).await;
    let_go_of(&lent_too).await;
}

/// What an app has lent is let go of as soon as the last call of it has returned.
async fn let_go_of<T>(lent: &Weak<T>) {
    let gone = async {
        while lent.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(SOON, gone).await;
    assert!(in_time.is_ok(), "still held by a client that was ended");
}

#[tokio::test]
async fn a_stream_that_is_ended_wakes_its_own_waiters_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let client = alone(dir.path(), &Arc::default()).await.unwrap();
    let (one, other) = (client.observe_outbox().unwrap(), client.observe_outbox().unwrap());
    let seen = one.next(0).await.unwrap().revision;
    let theirs = other.next(0).await.unwrap().revision;
    let waiting = tokio::spawn({
        let one = Arc::clone(&one);
        async move { one.next(seen).await }
    });
    // Not only on this thread: on one that knows no runtime.
    wait(async { one.end() }).unwrap();
    one.end().unwrap();
    assert!(is_closed(waiting.await.unwrap()));
    assert!(is_closed(one.next(0).await));
    let again = other.next(0).await.unwrap();
    assert_eq!(again.revision, theirs);
    client.end().await.unwrap();
    other.end().unwrap();
}

#[test]
fn objects_are_used_and_let_go_of_on_threads_that_know_no_runtime() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryVault::default());
    let client = wait(alone(dir.path(), &vault)).unwrap();
    let profile = client.profile().unwrap();
    let list = client.conversation_list(10).unwrap();
    let conversation = client.conversation(curo::ConversationId::random()).unwrap();
    let timeline = conversation
        .timeline(TimelineOptions {
            start: Start::Newest,
            page: 10,
        })
        .unwrap();
    client.network_changed().unwrap();
    client.note_user_activity().unwrap();
    assert!(!client.is_locked().unwrap());
    let busy = wait(alone(dir.path(), &vault)).map(drop).unwrap_err();
    assert_eq!(code(busy), "busy");
    // The client first, without its end; then what came from it.
    let weak = Arc::downgrade(&client);
    drop(client);
    assert!(Weak::upgrade(&weak).is_none());
    drop(timeline);
    drop(list);
    drop(conversation);
    // The last of them closes the store, on a thread of ours.
    let began = Instant::now();
    let again = loop {
        match wait(alone(dir.path(), &vault)) {
            Ok(client) => break client,
            Err(error) => assert_eq!(code(error), "busy"),
        }
        assert!(began.elapsed() < SOON, "the store is still open");
        std::thread::sleep(Duration::from_millis(1));
    };
    assert_eq!(again.profile().unwrap(), profile);
    wait(again.end()).unwrap();
    drop(again);
    wait(erase_profile(
        dir.path().to_str().unwrap().to_owned(),
        profile,
        vault.clone(),
    ))
    .unwrap();
    assert!(
        wait(accounts(dir.path().to_str().unwrap().to_owned(), vault))
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_refused_opening_holds_nothing_of_the_app() {
    let dir = tempfile::tempdir().unwrap();
    for relay in ["http://relay.example", "relay", "", "https://relay.example/path"] {
        let (vault, tokens) = (Arc::new(MemoryVault::default()), Arc::new(Tokens::none()));
        let lent = (Arc::downgrade(&vault), Arc::downgrade(&tokens));
        let refused = Client::open(options(dir.path(), relay), vault, tokens).await;
        assert_eq!(code(refused.map(drop).unwrap_err()), "invalid_argument", "{relay}");
        let_go_of(&lent.0).await;
        let_go_of(&lent.1).await;
    }
}

#[tokio::test]
async fn arguments_out_of_range_are_refused_and_nothing_wraps() {
    let dir = tempfile::tempdir().unwrap();
    let client = alone(dir.path(), &Arc::default()).await.unwrap();
    let care = client.conversation(curo::ConversationId::random()).unwrap();
    for bad in [-1, i64::MIN] {
        assert_eq!(
            code(client.conversation_list(bad).map(drop).unwrap_err()),
            "invalid_argument"
        );
        assert_eq!(code(care.latest(bad).await.map(drop).unwrap_err()), "invalid_argument");
        assert_eq!(code(client.run_background(bad).await.unwrap_err()), "invalid_argument");
        let outbox = client.observe_outbox().unwrap();
        assert_eq!(code(outbox.next(bad).await.map(drop).unwrap_err()), "invalid_argument");
    }
    for far in [0, 301, i64::MAX] {
        let options = TimelineOptions {
            start: Start::FirstUnread,
            page: far,
        };
        assert_eq!(code(care.timeline(options).map(drop).unwrap_err()), "invalid_argument");
    }
    assert_eq!(
        code(client.run_background(i64::MAX).await.unwrap_err()),
        "sign_in_needed"
    );
    assert_eq!(code(care.info().await.map(drop).unwrap_err()), "unknown");
    let role = care.set_role(curo::UserId::random(), String::new()).await;
    assert_eq!(code(role.unwrap_err()), "invalid_argument");
    client.end().await.unwrap();
}

/// Asks the client for things while the client asks for a token, and waits for the answers on the calling thread.
struct Reenters {
    client: std::sync::Mutex<Weak<Client>>,
    tokens: Tokens,
    asked: mpsc::Sender<SessionState>,
}

impl TokenProvider for Reenters {
    fn token(&self, reason: TokenReason, reply: Arc<TokenReply>) -> Result<()> {
        if let Some(client) = self.client.lock().unwrap().upgrade() {
            let _ = self.asked.send(client.session()?);
            wait(client.outbox())?;
            wait(client.conversations())?;
            client.network_changed()?;
        }
        self.tokens.token(reason, reply)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_app_implements_may_call_the_client_and_messages_arrive() {
    let relay = TestRelay::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (asked, calls) = mpsc::channel();
    let tokens = Arc::new(Reenters {
        client: std::sync::Mutex::new(Weak::new()),
        tokens: Tokens::of(&relay, "ana"),
        asked,
    });
    let mut options = options(&dir.path().join("ana"), &relay.url());
    options.extra_roots = vec![relay.ca().root_der().to_vec()];
    let ana = Client::open(options, Arc::new(MemoryVault::default()), tokens.clone())
        .await
        .unwrap();
    *tokens.client.lock().unwrap() = Arc::downgrade(&ana);
    ana.sign_in().await.unwrap();
    assert_eq!(calls.recv().unwrap(), SessionState::SignInNeeded);
    ana.start().await.unwrap();

    let ben = online(&relay, "ben", &dir.path().join("ben")).await;
    let people = ana.find_people(vec!["ben".to_owned()]).await.unwrap();
    let created = ana
        .create_conversation(vec![people.first().unwrap().user])
        .await
        .unwrap();
    let care = ana.conversation(created.id).unwrap();
    let id = random_message_id().unwrap();
    // Cancelled at its first wait: it is sent all the same, once.
    let _ = cancelled_after(1, care.send_text("BP 118/76".to_owned(), id));
    assert_eq!(care.send_text("BP 118/76".to_owned(), id).await.unwrap(), id);

    let theirs = ben.conversation(created.id).unwrap();
    let arrived = tokio::time::timeout(SOON, async {
        let timeline = loop {
            if theirs.info().await.is_ok() {
                break theirs
                    .timeline(TimelineOptions {
                        start: Start::Newest,
                        page: 50,
                    })
                    .unwrap();
            }
            tokio::task::yield_now().await;
        };
        let mut seen = 0;
        loop {
            // A reader that goes away at any wait loses nothing.
            let _ = cancelled_after(2, timeline.next(seen));
            let snapshot = timeline.next(seen).await.unwrap();
            seen = snapshot.revision;
            let texts: Vec<_> = snapshot.items.into_iter().filter_map(text).collect();
            if !texts.is_empty() {
                break texts;
            }
        }
    });
    assert_eq!(arrived.await.unwrap(), ["BP 118/76"]);
    ana.end().await.unwrap();
    ben.end().await.unwrap();
}

fn text(item: crate::TimelineItem) -> Option<String> {
    match item.item.entry {
        Entry::Posted { message } => match message.body {
            Body::Text { text } => Some(text),
            _ => None,
        },
        _ => None,
    }
}

#[tokio::test]
async fn changes_that_were_cancelled_at_any_wait_are_done_and_reads_harm_nothing() {
    let relay = TestRelay::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let client = online(&relay, "ana", &dir.path().join("ana")).await;
    client.stop().await.unwrap();
    let _ben = online(&relay, "ben", &dir.path().join("ben")).await;
    let people = client.find_people(vec!["ben".to_owned()]).await.unwrap();
    let created = client
        .create_conversation(vec![people.first().unwrap().user])
        .await
        .unwrap();
    let care = client.conversation(created.id).unwrap();
    for polls in 1..12 {
        let id = random_message_id().unwrap();
        let _ = cancelled_after(polls, care.send_text(format!("text {polls}"), id));
        let _ = cancelled_after(polls, care.latest(50));
        let _ = cancelled_after(polls, client.conversations());
        let _ = cancelled_after(polls, care.set_draft(format!("draft {polls}")));
    }
    let all = tokio::time::timeout(SOON, async {
        loop {
            let page = care.latest(50).await.unwrap();
            let sent = page
                .items
                .iter()
                .filter(|item| matches!(item.entry, Entry::Posted { .. }))
                .count();
            let draft = care.draft().await.unwrap();
            if sent >= 11 && draft.is_some() {
                break sent;
            }
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(all.await.unwrap(), 11);
    client.end().await.unwrap();
}
