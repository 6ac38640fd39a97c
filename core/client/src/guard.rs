//! The guard at the door of an open store: it knows when the person has been away for too long, and when the session is
//! over. It only answers and wakes; locking is done above it (`client/lock.rs`), and every call to the store asks it first
//! (`db.rs`), so that nothing is read late even where a timer was.
//!
//! 15 minutes and 12 hours hold for everybody; app and tenant can tighten them, never loosen.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use curo_store::repo::sign_in::SignIn;
use curo_types::ErrorCode;
use curo_types::api::SessionAnswer;
use tokio::sync::Notify;

use crate::clock::DeviceClock;
use crate::error::Fault;

const MINUTE: u64 = 60 * 1000;

/// How long things may last, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) idle: u64,
    pub(crate) session: u64,
}

impl Bounds {
    /// What nobody can loosen.
    pub(crate) const WIDEST: Self = Self {
        idle: 15 * MINUTE,
        session: 12 * 60 * MINUTE,
    };

    /// An app's wish; `None` if it is more than what holds for everybody, or nothing at all.
    pub(crate) fn wished(idle: Duration, session: Duration) -> Option<Self> {
        let within = |wish: Duration, widest: u64| {
            let wish = u64::try_from(wish.as_millis()).ok()?;
            (1..=widest).contains(&wish).then_some(wish)
        };
        Some(Self {
            idle: within(idle, Self::WIDEST.idle)?,
            session: within(session, Self::WIDEST.session)?,
        })
    }

    /// With a tenant's policy, of which only what is tighter counts.
    fn tightened(self, idle: Option<u64>, session: Option<u64>) -> Self {
        let tighter = |own: u64, policy: Option<u64>| {
            policy
                .filter(|policy| *policy > 0)
                .map_or(own, |policy| own.min(policy))
        };
        Self {
            idle: tighter(self.idle, idle),
            session: tighter(self.session, session),
        }
    }

    fn of(self, sign_in: Option<&SignIn>) -> Self {
        sign_in.map_or(self, |held| self.tightened(held.idle_lock_ms, held.session_limit_ms))
    }
}

/// Why the store must be locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nobody has been there for too long.
    Idle,
    /// The person must sign in again.
    SessionOver,
}

/// See the module.
pub(crate) struct Guard {
    clock: Arc<dyn DeviceClock>,
    own: Bounds,
    state: Mutex<State>,
    /// Somebody has met a door that must be locked, or the next moment to lock is another one.
    pub(crate) wake: Notify,
    /// Whoever locks or opens comes to the end before the next one begins.
    turn: tokio::sync::Mutex<()>,
}

/// The right to lock or to open the store, until dropped.
pub(crate) struct Turn<'a>(#[expect(dead_code, reason = "held")] tokio::sync::MutexGuard<'a, ()>);

struct State {
    bounds: Bounds,
    /// When somebody was there last, by both clocks.
    active: (u64, u64),
    session: Option<Session>,
    /// How many are opening the store for a person who is there.
    unlocking: usize,
}

/// The store is being opened for a person who is there, as long as this lives.
pub(crate) struct Unlocking<'g>(&'g Guard);

impl Drop for Unlocking<'_> {
    fn drop(&mut self) {
        self.0.state().unlocking -= 1;
    }
}

/// A running session: when it began, and the latest time seen together with the steady clock at that moment.
struct Session {
    began: u64,
    seen: u64,
    steady: u64,
}

impl Guard {
    pub(crate) fn new(clock: Arc<dyn DeviceClock>, own: Bounds) -> Self {
        let active = (clock.wall_ms(), clock.steady_ms());
        Self {
            clock,
            own,
            state: Mutex::new(State {
                bounds: own,
                active,
                session: None,
                unlocking: 0,
            }),
            wake: Notify::new(),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// Takes what the store holds, at opening and after a sign-in, which both count as somebody being there.
    pub(crate) fn begin(&self, sign_in: Option<&SignIn>) {
        let (wall, steady) = self.now();
        let mut state = self.state();
        state.bounds = self.own.of(sign_in);
        state.active = (wall, steady);
        state.session = sign_in.map(|held| Session {
            began: held.signed_in_ms,
            seen: held.seen_ms.max(wall),
            steady,
        });
        drop(state);
        self.wake.notify_one();
    }

    /// Somebody is there. Too late is too late: what is due stays due.
    pub(crate) fn activity(&self) {
        let now = self.now();
        let mut state = self.state();
        if state.due(now).is_none() {
            state.active = now;
        } else {
            self.wake.notify_one();
        }
    }

    /// Waits until whoever locks or opens is done, so that the last word is not undone by the end of an earlier one.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        Turn(self.turn.lock().await)
    }

    /// The same for who cannot wait: `None` while it is another's turn.
    pub(crate) fn turn_now(&self) -> Option<Turn<'_>> {
        self.turn.try_lock().ok().map(Turn)
    }

    /// A person is unlocking: doors stay shut, and nobody locks the store behind the back of who opens it.
    pub(crate) fn unlocking(&self) -> Unlocking<'_> {
        self.state().unlocking += 1;
        Unlocking(self)
    }

    /// The person has unlocked.
    pub(crate) fn unlocked(&self) {
        let now = self.now();
        self.state().active = now;
        self.wake.notify_one();
    }

    /// Whether the store must be locked now, and why.
    pub(crate) fn due(&self) -> Option<Due> {
        let now = self.now();
        self.state().due(now)
    }

    /// As [`Guard::due`], for who locks an open store. Look first whether it is open: it may be since a moment, for a person of
    /// whom the guard has not heard yet.
    pub(crate) fn due_to_lock(&self) -> Option<Due> {
        let now = self.now();
        let mut state = self.state();
        match state.due(now) {
            Some(Due::Idle) if state.unlocking > 0 => None,
            due => due,
        }
    }

    /// As [`Guard::due`], for the door: wakes who locks.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if self.due().is_none() {
            return Ok(());
        }
        self.wake.notify_one();
        Err(Fault::Code(ErrorCode::LOCKED))
    }

    /// Whether the session is over: only a sign-in helps.
    pub(crate) fn is_over(&self) -> bool {
        self.due() == Some(Due::SessionOver)
    }

    /// How long until something is due if nobody comes and no clock jumps.
    pub(crate) fn wait(&self) -> Duration {
        let now = self.now();
        let mut state = self.state();
        let idle = state.bounds.idle.saturating_sub(state.idle(now));
        let bound = state.bounds.session;
        let session = match &mut state.session {
            Some(session) => bound.saturating_sub(session.age(now)),
            None => idle,
        };
        Duration::from_millis(idle.min(session))
    }

    /// The time to keep as seen.
    pub(crate) fn seen_ms(&self) -> u64 {
        let now = self.now();
        self.state().session.as_mut().map_or(now.0, |session| session.see(now))
    }

    /// The sign-in that stands after the relay's answer. A running session goes on from where it began, unless the identity
    /// provider says that the person has authenticated since; one that is over begins anew.
    ///
    /// # Errors
    /// `sign_in_needed` if the provider says that the person authenticated too long ago.
    pub(crate) fn renewed(&self, old: Option<&SignIn>, answer: &SessionAnswer) -> Result<SignIn, Fault> {
        let now = old.map_or(0, |old| old.seen_ms).max(self.seen_ms());
        let limit = self.own.tightened(answer.idle_lock_ms, answer.session_limit_ms).session;
        let held = old.map(|old| old.signed_in_ms);
        let signed_in_ms = match answer.authenticated_ms_ago {
            Some(ago) => now.saturating_sub(ago).max(held.unwrap_or(0)),
            None => held.filter(|began| now.saturating_sub(*began) < limit).unwrap_or(now),
        };
        if now.saturating_sub(signed_in_ms) >= limit {
            return Err(Fault::Code(ErrorCode::SIGN_IN_NEEDED));
        }
        Ok(SignIn {
            signed_in_ms,
            seen_ms: now,
            idle_lock_ms: answer.idle_lock_ms,
            session_limit_ms: answer.session_limit_ms,
        })
    }

    fn now(&self) -> (u64, u64) {
        (self.clock.wall_ms(), self.clock.steady_ms())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn due(&mut self, now: (u64, u64)) -> Option<Due> {
        if self
            .session
            .as_mut()
            .is_some_and(|session| session.age(now) >= self.bounds.session)
        {
            Some(Due::SessionOver)
        } else if self.idle(now) >= self.bounds.idle {
            Some(Due::Idle)
        } else {
            None
        }
    }

    /// By the clock that says more: one stands still while the device sleeps, the other can be set back.
    fn idle(&self, (wall, steady): (u64, u64)) -> u64 {
        wall.saturating_sub(self.active.0)
            .max(steady.saturating_sub(self.active.1))
    }
}

impl Session {
    /// The time, never earlier than one that was seen.
    fn see(&mut self, (wall, steady): (u64, u64)) -> u64 {
        self.seen = wall.max(self.seen.saturating_add(steady.saturating_sub(self.steady)));
        self.steady = steady;
        self.seen
    }

    fn age(&mut self, now: (u64, u64)) -> u64 {
        self.see(now).saturating_sub(self.began)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
