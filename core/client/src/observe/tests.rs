//! The machinery by itself: a source made for the test, and a clock that stands still.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use curo_store::repo::account::Account;
use curo_store::{FileVault, Store};
use curo_types::{ChainId, ConversationId, DeviceId, Digest, ErrorCode, ProfileId, StoreId, UserId};
use futures_util::FutureExt as _;
use tempfile::TempDir;
use tokio::sync::Notify;

use super::*;
use crate::core::Core;
use crate::db::Db;
use crate::error::Fault;
use crate::http::Relay;
use crate::options::ClientOptions;
use crate::sync::retry::Retry;
use crate::token::{AccessToken, NoToken, TokenProvider, TokenReason};

struct Nobody;

#[async_trait]
impl TokenProvider for Nobody {
    async fn token(&self, _: TokenReason) -> Result<AccessToken, NoToken> {
        Err(NoToken)
    }
}

/// The user and the device of [`core`].
pub(crate) const ME: UserId = UserId([1; 16]);
pub(crate) const MINE: DeviceId = DeviceId([0xd1; 16]);

/// A signed-in core with an empty store, and the folder that it is in.
pub(crate) async fn core() -> (Arc<Core>, TempDir) {
    let (core, dir) = nobodys_core().await;
    core.set_account(Account {
        tenant: "st-mary".parse().unwrap(),
        user: ME,
        device: MINE,
        suites: Vec::new(),
        keys: Vec::new(),
        rotation: None,
        read_suites: String::new(),
        dpop_key: Vec::new(),
        audit_chain: ChainId([3; 16]),
        relay_store: StoreId([4; 16]),
        directory_key: Digest::ZERO,
        log_key: Digest::ZERO,
        envelope: Vec::new(),
        registered: Some(1),
        directory_version: 1,
        sync_token: None,
        inbox_ack: 0,
    })
    .await;
    (core, dir)
}

/// The schema of today as one text, for a database in memory: one's own connection can count what a query costs.
pub(crate) async fn schema(core: &Core) -> String {
    let statements = core.db.read(|conn| {
        // What makes full-text search's own tables is the table that they belong to.
        let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT GLOB 'search_*' \
                   AND name NOT GLOB 'sqlite_*' ORDER BY rowid";
        let statements = conn
            .prepare(sql)?
            .query_map([], |row| row.get(0))?
            .collect::<Result<Vec<String>, _>>()?;
        Ok(statements)
    });
    statements.await.unwrap().join(";\n")
}

async fn nobodys_core() -> (Arc<Core>, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let vault = FileVault::with_key_file(dir.path(), &dir.path().join("wrapping.key")).unwrap();
    let root = dir.path().join("profiles");
    let store = Store::create(&root, ProfileId::random(), &vault).await.unwrap();
    let options = ClientOptions::new(root, "https://relay.example");
    let relay = Relay::new(&options, Arc::new(Nobody)).unwrap();
    let retry = Retry {
        min: options.retry_min,
        max: options.retry_max,
    };
    (Arc::new(Core::new(Db::new(store), relay, None, retry)), dir)
}

/// Shows a number; what it shows is kept alive by the snapshot alone.
#[derive(Default)]
struct Numbers {
    shown: AtomicU64,
    reads: AtomicU64,
    /// Where set, a reading says that it has begun and waits to go on.
    gate: Option<(Notify, Notify)>,
    fails: Mutex<Option<ErrorCode>>,
}

#[async_trait]
impl Source<Arc<u64>> for Numbers {
    fn mark(&self, observe: &Observe) -> Mark {
        (observe.changed_at(Touched::All), 0)
    }

    async fn read(&self, _: &Core) -> Result<Arc<u64>, Fault> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let shown = self.shown.load(Ordering::SeqCst);
        if let Some((begun, go_on)) = &self.gate {
            begun.notify_one();
            go_on.notified().await;
        }
        match self.fails.lock().unwrap().clone() {
            Some(code) => Err(Fault::Code(code)),
            None => Ok(Arc::new(shown)),
        }
    }

    fn emptied(&self) -> Option<Arc<u64>> {
        Some(Arc::new(0))
    }
}

async fn numbers() -> (Arc<Core>, TempDir, Arc<Numbers>, Observed<Arc<u64>>) {
    let (core, dir) = nobodys_core().await;
    let source = Arc::new(Numbers::default());
    let observed = Observed::new(Arc::clone(&core), source.clone());
    (core, dir, source, observed)
}

fn show(core: &Core, source: &Numbers, number: u64) {
    source.shown.store(number, Ordering::SeqCst);
    core.changed();
}

#[tokio::test(start_paused = true)]
async fn the_first_comes_at_once_and_the_next_waits_for_a_change_that_shows() {
    let (core, _dir, source, observed) = numbers().await;
    let first = observed.next(0).await.unwrap();
    assert_eq!((first.locked, *first.state), (false, 0));
    assert!(observed.next(first.revision).now_or_never().is_none());
    // A change that changes nothing here is looked at, but is no news.
    core.changed();
    let waiting = tokio::spawn({
        let observed = observed.clone();
        async move { observed.next(first.revision).await }
    });
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!waiting.is_finished());
    show(&core, &source, 7);
    let second = waiting.await.unwrap().unwrap();
    assert_eq!(*second.state, 7);
    assert!(second.revision > first.revision);
    // Asked again, the same; and for whoever comes late, too. Nothing was popped.
    assert_eq!(observed.next(first.revision).await.unwrap(), second);
    assert_eq!(observed.clone().next(0).await.unwrap(), second);
}

#[tokio::test(start_paused = true)]
async fn cancelling_loses_nothing_and_every_collector_gets_the_last() {
    let (core, _dir, source, observed) = numbers().await;
    let collectors: Vec<_> = (0..3)
        .map(|n| {
            let observed = observed.clone();
            tokio::spawn(async move {
                let (mut seen, mut got) = (0, Vec::new());
                loop {
                    // Two of three give up all the time.
                    let patience = Duration::from_millis([1, 20, 1_000_000][n]);
                    if let Ok(snapshot) = tokio::time::timeout(patience, observed.next(seen)).await {
                        let snapshot = snapshot.unwrap();
                        assert!(snapshot.revision > seen);
                        seen = snapshot.revision;
                        got.push(*snapshot.state);
                        if *snapshot.state == 200 {
                            return got;
                        }
                    }
                }
            })
        })
        .collect();
    for number in 1..=200 {
        show(&core, &source, number);
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    for collector in collectors {
        let got = collector.await.unwrap();
        assert!(got.is_sorted(), "{got:?}");
        assert_eq!(got.last(), Some(&200));
    }
}

#[tokio::test(start_paused = true)]
async fn at_most_twenty_a_second_whatever_happens() {
    let (core, _dir, source, observed) = numbers().await;
    let mut collectors = Vec::new();
    for _ in 0..2 {
        let observed = observed.clone();
        collectors.push(tokio::spawn(async move {
            let (mut seen, mut count) = (0, 0);
            loop {
                let snapshot = observed.next(seen).await.unwrap();
                (seen, count) = (snapshot.revision, count + 1);
                if *snapshot.state == 10_000 {
                    return count;
                }
            }
        }));
    }
    // Ten seconds, a change every millisecond.
    for number in 1..=10_000 {
        show(&core, &source, number);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for collector in collectors {
        let count = collector.await.unwrap();
        assert!((100..=202).contains(&count), "{count} snapshots in ten seconds");
    }
    assert!(source.reads.load(Ordering::SeqCst) <= 203, "read once for both");
}

#[tokio::test(start_paused = true)]
async fn a_lock_empties_what_is_held_and_wakes_and_unlocking_brings_it_back() {
    let (core, _dir, source, observed) = numbers().await;
    show(&core, &source, 42);
    let shown = observed.next(0).await.unwrap();
    let held = Arc::downgrade(&shown.state);
    let revision = shown.revision;
    drop(shown);
    assert!(held.upgrade().is_some(), "the machinery holds it");
    let waiting = tokio::spawn({
        let observed = observed.clone();
        async move { observed.next(revision).await }
    });
    tokio::task::yield_now().await;
    core.observe.session(|session| session.locked = true);
    assert!(held.upgrade().is_none(), "nothing of it is left in memory");
    let locked = waiting.await.unwrap().unwrap();
    assert_eq!((locked.locked, *locked.state), (true, 0));
    let reads = source.reads.load(Ordering::SeqCst);
    show(&core, &source, 43);
    assert!(observed.next(locked.revision).now_or_never().is_none());
    assert_eq!(
        source.reads.load(Ordering::SeqCst),
        reads,
        "a locked client is not read"
    );
    core.observe.session(|session| session.locked = false);
    let back = observed.next(locked.revision).await.unwrap();
    assert_eq!((back.locked, *back.state), (false, 43));
}

#[tokio::test(start_paused = true)]
async fn what_is_being_read_when_the_lock_comes_is_not_shown() {
    let (core, _dir) = core().await;
    let source = Arc::new(Numbers {
        gate: Some(Default::default()),
        ..Numbers::default()
    });
    let observed = Observed::new(Arc::clone(&core), source.clone());
    show(&core, &source, 42);
    let reading = tokio::spawn({
        let observed = observed.clone();
        async move { observed.next(0).await }
    });
    let (begun, go_on) = source.gate.as_ref().unwrap();
    begun.notified().await;
    core.observe.session(|session| session.locked = true);
    go_on.notify_one();
    let snapshot = reading.await.unwrap().unwrap();
    assert_eq!((snapshot.locked, *snapshot.state), (true, 0));
}

#[tokio::test(start_paused = true)]
async fn closing_wakes_all_and_the_session_says_why() {
    let (core, _dir, _source, observed) = numbers().await;
    let session = Observed::new(Arc::clone(&core), Arc::new(sources::SessionSource));
    let first = session.next(0).await.unwrap();
    assert_eq!(first.state, SessionState::SignInNeeded, "no account yet");
    let revision = observed.next(0).await.unwrap().revision;
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let observed = observed.clone();
            tokio::spawn(async move { observed.next(revision).await })
        })
        .collect();
    let at_end = tokio::spawn({
        let session = session.clone();
        async move { session.next(first.revision).await }
    });
    tokio::task::yield_now().await;
    core.observe.session(|session| session.closed = true);
    for one in waiting {
        assert_eq!(*one.await.unwrap().unwrap_err().code(), ErrorCode::CLOSED);
    }
    assert_eq!(*observed.next(0).await.unwrap_err().code(), ErrorCode::CLOSED);
    let last = at_end.await.unwrap().unwrap();
    assert_eq!(last.state, SessionState::Closed);
    assert_eq!(
        *session.next(last.revision).await.unwrap_err().code(),
        ErrorCode::CLOSED
    );
    assert_eq!(session.next(0).await.unwrap(), last, "who asks late is told too");
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_fails_is_an_error_and_the_next_one_may_succeed() {
    let (core, _dir, source, observed) = numbers().await;
    *source.fails.lock().unwrap() = Some(ErrorCode::BUSY);
    assert_eq!(*observed.next(0).await.unwrap_err().code(), ErrorCode::BUSY);
    *source.fails.lock().unwrap() = None;
    show(&core, &source, 3);
    assert_eq!(*observed.next(0).await.unwrap().state, 3);
    // The store was locked, though nobody has said so yet.
    *source.fails.lock().unwrap() = Some(ErrorCode::LOCKED);
    show(&core, &source, 4);
    let shown = observed.next(0).await.unwrap();
    assert_eq!((shown.locked, *shown.state), (true, 0));
}

#[tokio::test]
async fn a_change_of_one_conversation_is_none_of_another() {
    let (core, _dir) = core().await;
    let (one, other) = (ConversationId::random(), ConversationId::random());
    let at = |id| core.observe.changed_at(Touched::Conversation(id));
    let before = (at(one), at(other));
    core.changed_in(one);
    assert!(at(one) > before.0);
    assert_eq!(at(other), before.1);
    core.changed();
    assert!(at(other) > before.1);
    assert_eq!(core.observe.changed_at(Touched::All), at(one));
}
