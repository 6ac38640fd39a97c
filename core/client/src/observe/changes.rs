//! What has changed since when, and who holds snapshots that a lock must take away. Holds ids and numbers only.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use curo_types::{ConversationId, ErrorCode};
use tokio::sync::watch;

use super::session::{Session, SessionState};

/// Something that holds what people wrote, and drops it when it is told to.
pub(crate) trait Forget: Send + Sync {
    /// Drops it, at once.
    fn forget(&self);
}

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// Nobody knows what, or all of it.
    All,
    /// One conversation: its row, its members, its items, its part of the outbox.
    Conversation(ConversationId),
}

/// The hub between whatever changes the store and whoever watches.
pub(crate) struct Observe {
    /// Rises with every change.
    ticks: watch::Sender<u64>,
    /// Numbers for snapshots and items: one sequence for the whole client, so that a number taken from another handle can
    /// cost a needless snapshot but never hide one.
    revisions: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    clock: u64,
    /// The last change of anything.
    any: u64,
    /// The last change of everything.
    all: u64,
    /// The last change of each conversation since this opening: as many entries as there are conversations.
    by_conversation: HashMap<ConversationId, u64>,
    session: Session,
    /// Rises with every change of the session: what was read under another one is not shown.
    epoch: u64,
    holders: Vec<Weak<dyn Forget>>,
}

impl Observe {
    /// A new hub. `signed_in`: whether the profile has an account.
    pub(crate) fn new(signed_in: bool) -> Self {
        let inner = Inner {
            clock: 1,
            session: Session {
                signed_in,
                ..Session::default()
            },
            ..Inner::default()
        };
        Self {
            ticks: watch::Sender::new(1),
            revisions: AtomicU64::new(0),
            inner: Mutex::new(inner),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that something which an app may show has changed. Call it after the commit.
    pub(crate) fn touch(&self, what: Touched) {
        let clock = {
            let mut inner = self.inner();
            inner.clock += 1;
            let clock = inner.clock;
            inner.any = clock;
            match what {
                Touched::All => inner.all = clock,
                Touched::Conversation(id) => {
                    inner.by_conversation.insert(id, clock);
                }
            }
            clock
        };
        self.tick(clock);
    }

    /// Wakes whoever waits, for a change that only the waiting handle itself knows of.
    pub(crate) fn wake(&self) {
        let clock = {
            let mut inner = self.inner();
            inner.clock += 1;
            inner.clock
        };
        self.tick(clock);
    }

    fn tick(&self, clock: u64) {
        self.ticks.send_modify(|tick| *tick = (*tick).max(clock));
    }

    /// When something has changed last.
    pub(crate) fn changed_at(&self, what: Touched) -> u64 {
        let inner = self.inner();
        match what {
            Touched::All => inner.any,
            Touched::Conversation(id) => inner.by_conversation.get(&id).copied().unwrap_or(0).max(inner.all),
        }
    }

    /// The conversations that have changed since; `None` if it may be all.
    pub(crate) fn changed_since(&self, at: u64) -> Option<HashSet<ConversationId>> {
        let inner = self.inner();
        let changed = inner.by_conversation.iter().filter(|(_, when)| **when > at);
        (inner.all <= at).then(|| changed.map(|(id, _)| *id).collect())
    }

    /// The signal of every change.
    pub(crate) fn ticks(&self) -> watch::Receiver<u64> {
        self.ticks.subscribe()
    }

    /// The number of the last change.
    pub(crate) fn tick_now(&self) -> u64 {
        *self.ticks.borrow()
    }

    /// A number higher than any before.
    pub(crate) fn next_revision(&self) -> u64 {
        self.revisions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Changes the session. If it can no longer be read from, everything that was computed is dropped before this returns.
    pub(crate) fn session(&self, change: impl FnOnce(&mut Session)) {
        let holders = {
            let mut inner = self.inner();
            let before = inner.session.clone();
            change(&mut inner.session);
            if inner.session == before {
                return;
            }
            inner.epoch += 1;
            inner.clock += 1;
            inner.any = inner.clock;
            inner.all = inner.clock;
            if inner.session.readable() {
                Vec::new()
            } else {
                inner.holders.clone()
            }
        };
        for holder in holders.iter().filter_map(Weak::upgrade) {
            holder.forget();
        }
        let clock = self.inner().clock;
        self.tick(clock);
    }

    /// What the session is now.
    pub(crate) fn session_state(&self) -> SessionState {
        self.inner().session.state()
    }

    /// Whether nothing of what people wrote may be shown now.
    pub(crate) fn is_locked(&self) -> bool {
        !self.inner().session.readable()
    }

    /// The code of calls after the end: closed, or erased.
    pub(crate) fn ended(&self) -> Option<ErrorCode> {
        self.inner().session.ended()
    }

    /// See [`Inner::epoch`].
    pub(crate) fn epoch(&self) -> u64 {
        self.inner().epoch
    }

    /// Adds somebody whom a lock tells to forget.
    pub(crate) fn hold(&self, holder: &Arc<impl Forget + 'static>) {
        let weak: Weak<dyn Forget> = Arc::downgrade(&(Arc::clone(holder) as Arc<dyn Forget>));
        let mut inner = self.inner();
        if inner.holders.len() == inner.holders.capacity() {
            // Only when it would grow: the cost is that of growing.
            inner.holders.retain(|holder| holder.strong_count() > 0);
        }
        inner.holders.push(weak);
    }
}
