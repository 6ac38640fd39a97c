//! The idle lock and the session's limit: by the clock, by the tenant's policy, over restarts, and whatever people do to
//! the clock.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use curo::{AccessToken, DeviceClock, NoToken, TokenProvider, TokenReason};
use curo_relay::SessionPolicy;
use serde_json::json;

use super::*;

const MINUTE: u64 = 60 * 1000;
const HOUR: u64 = 60 * MINUTE;

/// A device's clocks that a test turns.
struct Hands {
    wall: AtomicU64,
    steady: AtomicU64,
}

impl Hands {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            wall: AtomicU64::new(1_800_000_000_000),
            steady: AtomicU64::new(0),
        })
    }

    fn pass(&self, ms: u64) {
        self.wall.fetch_add(ms, Ordering::SeqCst);
        self.steady.fetch_add(ms, Ordering::SeqCst);
    }

    /// The device sleeps: the steady clock stands still.
    fn sleep(&self, ms: u64) {
        self.wall.fetch_add(ms, Ordering::SeqCst);
    }

    fn set_back(&self, ms: u64) {
        self.wall.fetch_sub(ms, Ordering::SeqCst);
    }
}

impl DeviceClock for Hands {
    fn wall_ms(&self) -> u64 {
        self.wall.load(Ordering::SeqCst)
    }

    fn steady_ms(&self) -> u64 {
        self.steady.load(Ordering::SeqCst)
    }
}

async fn person(relay: &TestRelay, subject: &str, dir: &Path, clock: &Arc<Hands>) -> Person {
    let clock = Arc::clone(clock);
    Person::with_options(relay, subject, dir, |options| options.clock(clock))
        .await
        .unwrap()
}

async fn until_session(client: &Client, wanted: SessionState) {
    until(client, &format!("{wanted:?}"), SOON, async || {
        client.session() == wanted
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_for_fifteen_minutes_locks_awake_or_asleep() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (dir, clock) = (tempfile::tempdir().unwrap(), Hands::new());
    let ana = person(&relay, "ana", dir.path(), &clock).await;
    ana.go_online().await.unwrap();
    let (ward, _) = ana.client().create_conversation(&[UserId::random()]).await.unwrap();
    let message = send(&ana, ward.id(), "kept").await;
    for asleep in [false, true] {
        let pass = |ms| if asleep { clock.sleep(ms) } else { clock.pass(ms) };
        for _ in 0..3 {
            pass(15 * MINUTE - 1);
            ana.client().note_user_activity();
            assert_eq!(texts(&ward).await.unwrap(), ["kept"]);
        }
        pass(15 * MINUTE);
        // From this moment on nothing is read, and no touch comes in time any more.
        ana.client().note_user_activity();
        assert_eq!(code(ward.latest(1).await), ErrorCode::LOCKED);
        assert_eq!(code(ward.delivery(message).await), ErrorCode::LOCKED);
        assert_eq!(code(ana.client().conversations().await), ErrorCode::LOCKED);
        until_session(ana.client(), SessionState::Locked).await;
        until(ana.client(), "the key is gone", SOON, async || ana.client().is_locked()).await;
        assert_eq!(ana.client().connection(), ConnectionState::Stopped);
        ana.client().unlock().await.unwrap();
        assert_eq!(ana.client().session(), SessionState::Active);
        assert_eq!(texts(&ward).await.unwrap(), ["kept"]);
        ana.client().start().await.unwrap();
        until_live(ana.client(), SOON).await;
    }
    ana.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timer_locks_by_itself() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    // It runs while the client is opened, too.
    let idle = Duration::from_secs(3);
    let ana = Person::with_options(&relay, "ana", dir.path(), |options| options.idle_lock(idle))
        .await
        .unwrap();
    let session = ana.client().observe_session();
    let mut seen = 0;
    loop {
        let snapshot = session.next(seen).await.unwrap();
        seen = snapshot.revision;
        if snapshot.state == SessionState::Locked {
            break;
        }
    }
    until(ana.client(), "the key is gone", SOON, async || ana.client().is_locked()).await;
    ana.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lasts_twelve_hours_over_restarts_and_clocks_that_are_set_back() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (dir, clock) = (tempfile::tempdir().unwrap(), Hands::new());
    let mut ana = person(&relay, "ana", dir.path(), &clock).await;
    ana.go_online().await.unwrap();
    let (ward, _) = ana.client().create_conversation(&[UserId::random()]).await.unwrap();
    send(&ana, ward.id(), "kept").await;
    for _ in 0..71 {
        clock.pass(10 * MINUTE);
        ana.client().note_user_activity();
    }
    // Eleven hours and fifty minutes. Signing in without having authenticated prolongs nothing, nor does a restart, nor a
    // clock that is set back by a day.
    ana.client().sign_in().await.unwrap();
    ana.reopen().await.unwrap();
    clock.set_back(24 * HOUR);
    ana.reopen().await.unwrap();
    assert_eq!(texts(&ana.client().conversation(ward.id())).await.unwrap(), ["kept"]);
    clock.pass(10 * MINUTE);
    assert_eq!(code(ana.client().conversations().await), ErrorCode::LOCKED);
    until_session(ana.client(), SessionState::SignInNeeded).await;
    for _ in 0..2 {
        assert_eq!(code(ana.client().unlock().await), ErrorCode::SIGN_IN_NEEDED);
        assert_eq!(code(ana.client().start().await), ErrorCode::LOCKED);
        assert_eq!(code(ana.client().conversations().await), ErrorCode::LOCKED);
        // Also after a restart nothing is read first.
        ana.close().await.unwrap();
        ana.open().await.unwrap();
        assert_eq!(ana.client().session(), SessionState::SignInNeeded);
        assert!(ana.client().is_locked());
    }
    // Nobody signs in: it stays so.
    ana.tokens().set(Validity::Nobody);
    assert_eq!(code(ana.client().sign_in().await), ErrorCode::SIGN_IN_NEEDED);
    assert_eq!(code(ana.client().conversations().await), ErrorCode::LOCKED);
    ana.tokens().set(Validity::Good);
    ana.client().sign_in().await.unwrap();
    assert_eq!(ana.client().session(), SessionState::Active);
    assert_eq!(texts(&ana.client().conversation(ward.id())).await.unwrap(), ["kept"]);
    ana.client().start().await.unwrap();
    until_live(ana.client(), SOON).await;
    ana.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_person_does_not_open_what_a_session_that_is_over_has_locked() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (dir, clock) = (tempfile::tempdir().unwrap(), Hands::new());
    let ana = person(&relay, "ana", dir.path(), &clock).await;
    ana.client().sign_in().await.unwrap();
    let profile = ana.client().profile();
    ana.close().await.unwrap();
    clock.pass(12 * HOUR);
    let options = ana.options().clone().profile(profile);
    let client = Client::open(options, Arc::clone(ana.vault()) as _, tokens(&relay, "eve"))
        .await
        .unwrap();
    assert_eq!(code(client.sign_in().await), ErrorCode::WRONG_ACCOUNT);
    assert!(client.is_locked());
    assert_eq!(code(client.unlock().await), ErrorCode::SIGN_IN_NEEDED);
    assert_eq!(code(client.conversations().await), ErrorCode::LOCKED);
    client.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_and_app_tighten_and_nobody_loosens() {
    logs();
    let policy = SessionPolicy {
        idle_lock: Some(Duration::from_secs(120)),
        limit: Some(Duration::from_secs(3600)),
    };
    let relay = TestRelay::builder()
        .tenant(move |tenant| tenant.session = policy)
        .start()
        .await
        .unwrap();
    let (dir, clock) = (tempfile::tempdir().unwrap(), Hands::new());
    let mut ana = person(&relay, "ana", dir.path(), &clock).await;
    for looser in [
        ana.options().clone().idle_lock(Duration::from_secs(901)),
        ana.options().clone().session_limit(Duration::from_secs(12 * 3600 + 1)),
        ana.options().clone().idle_lock(Duration::ZERO),
    ] {
        let refused = Client::open(looser, Arc::clone(ana.vault()) as _, tokens(&relay, "ana")).await;
        assert_eq!(code(refused), ErrorCode::INVALID_ARGUMENT);
    }
    ana.client().sign_in().await.unwrap();
    clock.pass(2 * MINUTE);
    assert_eq!(code(ana.client().conversations().await), ErrorCode::LOCKED);
    ana.client().unlock().await.unwrap();
    // The policy holds offline and after a restart too.
    ana.close().await.unwrap();
    ana.open().await.unwrap();
    clock.pass(2 * MINUTE - 1);
    ana.client().conversations().await.unwrap();
    clock.pass(1);
    assert_eq!(code(ana.client().conversations().await), ErrorCode::LOCKED);
    for _ in 0..56 {
        clock.pass(MINUTE);
    }
    assert_eq!(code(ana.client().unlock().await), ErrorCode::SIGN_IN_NEEDED);
    ana.close().await.unwrap();
}

/// Tokens of a person who has authenticated so many seconds ago.
struct Authenticated {
    relay: Arc<curo_relay::DevIssuer>,
    tenant: curo::TenantId,
    ago: AtomicU64,
    reasons: Mutex<Vec<TokenReason>>,
}

#[async_trait]
impl TokenProvider for Authenticated {
    async fn token(&self, reason: TokenReason) -> Result<AccessToken, NoToken> {
        self.reasons.lock().unwrap().push(reason);
        let mut token = self.relay.claims(&self.tenant, "ana", Duration::from_secs(3600));
        let now = token.claims["iat"].as_u64().unwrap();
        token.claims["auth_time"] = json!(now - self.ago.load(Ordering::SeqCst));
        Ok(AccessToken::new(self.relay.sign(&token)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_refreshed_in_silence_does_not_begin_a_session() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (dir, clock) = (tempfile::tempdir().unwrap(), Hands::new());
    let ana = person(&relay, "ana", dir.path(), &clock).await;
    ana.close().await.unwrap();
    let tokens = Arc::new(Authenticated {
        relay: Arc::clone(relay.issuer()),
        tenant: relay.tenant().clone(),
        ago: AtomicU64::new(13 * 3600),
        reasons: Mutex::default(),
    });
    let client = Client::open(ana.options().clone(), Arc::clone(ana.vault()) as _, tokens.clone())
        .await
        .unwrap();
    assert_eq!(code(client.sign_in().await), ErrorCode::SIGN_IN_NEEDED);
    assert!(client.account().await.is_none(), "nothing was registered");
    tokens.ago.store(11 * 3600, Ordering::SeqCst);
    client.sign_in().await.unwrap();
    // One hour is left of the twelve.
    for _ in 0..6 {
        clock.pass(10 * MINUTE);
        client.note_user_activity();
    }
    assert_eq!(code(client.conversations().await), ErrorCode::LOCKED);
    until_session(&client, SessionState::SignInNeeded).await;
    tokens.ago.store(12 * 3600, Ordering::SeqCst);
    assert_eq!(code(client.sign_in().await), ErrorCode::SIGN_IN_NEEDED);
    assert_eq!(tokens.reasons.lock().unwrap().last(), Some(&TokenReason::SessionOver));
    tokens.ago.store(5, Ordering::SeqCst);
    client.sign_in().await.unwrap();
    client.conversations().await.unwrap();
    client.close().await.unwrap();
}
