use std::sync::atomic::{AtomicU64, Ordering};

use curo_types::format::LogKeyStatement;
use curo_types::{Blob, Digest, StoreId, TenantId, UserId};

use super::*;

#[derive(Default)]
struct Hands {
    wall: AtomicU64,
    steady: AtomicU64,
}

impl Hands {
    /// Time passes; while the device sleeps the steady clock stands still.
    fn pass(&self, ms: u64, asleep: bool) {
        self.wall.fetch_add(ms, Ordering::SeqCst);
        if !asleep {
            self.steady.fetch_add(ms, Ordering::SeqCst);
        }
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

const BOUNDS: Bounds = Bounds {
    idle: 1_000,
    session: 10_000,
};

fn guard() -> (Guard, Arc<Hands>) {
    let clock = Arc::new(Hands::default());
    clock.wall.store(1_000_000, Ordering::SeqCst);
    let guard = Guard::new(clock.clone(), BOUNDS);
    (guard, clock)
}

fn signed_in(at: u64) -> SignIn {
    SignIn {
        signed_in_ms: at,
        seen_ms: at,
        idle_lock_ms: None,
        session_limit_ms: None,
    }
}

#[test]
fn idle_time_counts_awake_asleep_and_with_a_clock_that_is_set_back() {
    let (guard, clock) = guard();
    for asleep in [false, true] {
        clock.pass(999, asleep);
        assert_eq!(guard.due(), None);
        assert_eq!(guard.wait(), Duration::from_millis(1));
        guard.activity();
        clock.pass(1_000, asleep);
        assert_eq!(guard.due(), Some(Due::Idle));
        assert!(guard.check().is_err());
        guard.activity();
        assert_eq!(guard.due(), Some(Due::Idle), "too late is too late");
        guard.unlocked();
        assert_eq!(guard.due(), None);
    }
    clock.pass(500, false);
    clock.set_back(900_000);
    clock.pass(500, false);
    assert_eq!(guard.due(), Some(Due::Idle));
}

#[test]
fn nobody_locks_behind_the_back_of_a_person_who_unlocks() {
    let (guard, clock) = guard();
    clock.pass(1_000, false);
    assert_eq!(guard.due_to_lock(), Some(Due::Idle));
    let (one, another) = (guard.unlocking(), guard.unlocking());
    assert_eq!(guard.due_to_lock(), None);
    assert!(
        guard.check().is_err(),
        "the door is shut until the guard has heard of the person"
    );
    drop(another);
    assert_eq!(guard.due_to_lock(), None);
    // The store could not be opened.
    drop(one);
    assert_eq!(guard.due_to_lock(), Some(Due::Idle));
    let unlocking = guard.unlocking();
    guard.unlocked();
    drop(unlocking);
    assert_eq!((guard.due_to_lock(), guard.check().is_ok()), (None, true));
    // A session that is over is over.
    guard.begin(Some(&signed_in(clock.wall_ms())));
    clock.pass(10_000, false);
    let _unlocking = guard.unlocking();
    assert_eq!(guard.due_to_lock(), Some(Due::SessionOver));
}

#[test]
fn a_session_ends_whatever_the_person_does_and_whatever_the_clock_says() {
    let (guard, clock) = guard();
    let began = clock.wall_ms();
    guard.begin(Some(&signed_in(began)));
    for _ in 0..19 {
        clock.pass(500, false);
        guard.activity();
        assert_eq!(guard.due(), None);
    }
    clock.pass(100, true);
    assert_eq!(guard.due(), None);
    clock.set_back(400_000);
    assert_eq!(guard.due(), None, "what the device has slept stays counted");
    clock.pass(399, false);
    assert_eq!(guard.due(), None);
    clock.pass(1, false);
    assert_eq!(guard.due(), Some(Due::SessionOver));
    clock.set_back(1_000);
    assert_eq!(guard.due(), Some(Due::SessionOver));
    guard.unlocked();
    assert_eq!(guard.due(), Some(Due::SessionOver), "unlocking does not prolong it");
    assert_eq!(guard.seen_ms(), began + 10_000);

    // Opened again with the clock still set back: the time that was seen counts.
    let seen = SignIn {
        seen_ms: guard.seen_ms(),
        ..signed_in(began)
    };
    guard.begin(Some(&seen));
    assert!(guard.is_over());
}

#[test]
fn only_what_is_tighter_counts() {
    let minute = Duration::from_secs(60);
    assert!(Bounds::wished(15 * minute, 12 * 60 * minute).is_some());
    for (idle, session) in [
        (15 * minute + Duration::from_millis(1), minute),
        (minute, 12 * 60 * minute + Duration::from_millis(1)),
        (Duration::ZERO, minute),
        (minute, Duration::ZERO),
        (Duration::MAX, Duration::MAX),
    ] {
        assert!(Bounds::wished(idle, session).is_none(), "{idle:?} {session:?}");
    }
    let (guard, clock) = guard();
    let policy = |idle, session| {
        guard.begin(Some(&SignIn {
            idle_lock_ms: idle,
            session_limit_ms: session,
            ..signed_in(clock.wall_ms())
        }));
        guard.wait()
    };
    assert_eq!(policy(Some(300), None), Duration::from_millis(300));
    assert_eq!(policy(Some(5_000), Some(0)), Duration::from_millis(1_000));
    assert_eq!(policy(None, Some(200)), Duration::from_millis(200));
    assert_eq!(policy(Some(u64::MAX), Some(u64::MAX)), Duration::from_millis(1_000));
}

#[test]
fn a_sign_in_prolongs_only_what_the_person_did() {
    let (guard, clock) = guard();
    let answer = |ago| SessionAnswer {
        tenant: TenantId::new("t").unwrap(),
        user: UserId([1; 16]),
        store: StoreId([1; 16]),
        directory_key: Digest([1; 32]),
        log_key: LogKeyStatement {
            tenant: TenantId::new("t").unwrap(),
            log_key: Digest([1; 32]),
            signature: Blob(Vec::new()),
        },
        suites: Vec::new(),
        idle_lock_ms: None,
        session_limit_ms: Some(8_000),
        authenticated_ms_ago: ago,
        policy: None,
        account: None,
        lost: Vec::new(),
    };
    let now = clock.wall_ms();
    let began = |old: Option<u64>, ago| {
        let old = old.map(signed_in);
        guard
            .renewed(old.as_ref(), &answer(ago))
            .map(|new| new.signed_in_ms)
            .map_err(|fault| fault.code())
    };
    assert_eq!(began(None, None), Ok(now));
    assert_eq!(
        began(Some(now - 5_000), None),
        Ok(now - 5_000),
        "a call alone prolongs nothing"
    );
    assert_eq!(began(Some(now - 8_000), None), Ok(now), "over: it begins anew");
    assert_eq!(began(Some(now - 5_000), Some(1_000)), Ok(now - 1_000));
    assert_eq!(began(Some(now - 500), Some(1_000)), Ok(now - 500));
    assert_eq!(began(None, Some(7_999)), Ok(now - 7_999));
    for too_long in [8_000, u64::MAX] {
        assert_eq!(began(None, Some(too_long)), Err(ErrorCode::SIGN_IN_NEEDED));
        assert_eq!(began(Some(now - 9_000), Some(too_long)), Err(ErrorCode::SIGN_IN_NEEDED));
    }
}
