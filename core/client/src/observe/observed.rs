//! One thing that can be watched, and how its snapshots are made: read when asked, at most twenty times a second, once
//! for all who ask.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use curo_types::ErrorCode;
use tokio::time::Instant;

use super::changes::{Forget, Observe};
use crate::core::Core;
use crate::error::{Error, Fault, Result};

/// Between two readings of the same thing: at most twenty snapshots a second.
const PAUSE: Duration = Duration::from_millis(50);

/// A state and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot<T> {
    /// Give it to the next `next`. Numbers rise; they have no other meaning, and belong to one opening of the client.
    pub revision: u64,
    /// Whether the client is locked. The state is empty then, whatever there is to show.
    pub locked: bool,
    /// What to show.
    pub state: T,
}

/// Something that an app watches. Cheap to clone; every clone sees the same snapshots, and each collector keeps its own
/// place in them.
///
/// ```no_run
/// # async fn example(client: &curo::Client) -> curo::Result<()> {
/// let outbox = client.observe_outbox();
/// let mut seen = 0;
/// loop {
///     let snapshot = outbox.next(seen).await?; // the first comes at once
///     seen = snapshot.revision;
///     println!("{} waiting", snapshot.state.waiting);
/// #   break Ok(());
/// }
/// # }
/// ```
pub struct Observed<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Clone for Observed<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T> std::fmt::Debug for Observed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observed").finish_non_exhaustive()
    }
}

/// What a reading depends on: while it is the same, the last snapshot holds.
pub(crate) type Mark = (u64, u64);

/// How the states of one thing come about.
#[async_trait]
pub(crate) trait Source<T>: Send + Sync {
    /// Changes whenever another reading may give another state.
    fn mark(&self, observe: &Observe) -> Mark;

    /// Reads the state as it is now.
    async fn read(&self, core: &Core) -> Result<T, Fault>;

    /// What is shown while the client is locked; `None` for what holds nothing that people wrote and goes on.
    fn emptied(&self) -> Option<T>;

    /// Drops whatever it keeps between readings.
    fn forget(&self) {}
}

struct Shared<T> {
    core: Arc<Core>,
    source: Arc<dyn Source<T>>,
    /// One reads; the others take what it has read.
    turn: tokio::sync::Mutex<()>,
    held: Mutex<Held<T>>,
}

struct Held<T> {
    snapshot: Option<Snapshot<T>>,
    mark: Option<(u64, Mark)>,
    read_at: Option<Instant>,
}

impl<T: Clone + PartialEq + Send + Sync + 'static> Observed<T> {
    pub(crate) fn new(core: Arc<Core>, source: Arc<dyn Source<T>>) -> Self {
        let held = Held {
            snapshot: None,
            mark: None,
            read_at: None,
        };
        let shared = Arc::new(Shared {
            core,
            source,
            turn: tokio::sync::Mutex::new(()),
            held: Mutex::new(held),
        });
        shared.core.observe.hold(&shared);
        Self { shared }
    }

    /// The newest snapshot, as soon as it is another than that of revision `after`; 0 asks for the first, which comes at
    /// once. What changes in quick succession comes as one: at most twenty snapshots a second.
    ///
    /// Nothing is popped: dropping the future loses nothing, any number of callers may wait, and each gets the newest.
    /// Works before [`Client::start`](crate::Client::start) and while the client is locked, when snapshots are empty.
    ///
    /// # Errors
    /// `closed` once the client was closed, `store_missing` once it was erased: the end, which wakes all who wait. Others
    /// mean that this reading has failed (`busy`, `unknown`, `store_unreadable`); the next one may succeed.
    pub async fn next(&self, after: u64) -> Result<Snapshot<T>> {
        let observe = &self.shared.core.observe;
        let mut ticks = observe.ticks();
        let outlives = self.shared.source.emptied().is_none();
        loop {
            // Before the look: what changes during it is looked at again.
            ticks.borrow_and_update();
            let ended = observe.ended();
            if let Some(code) = ended.clone().filter(|_| !outlives) {
                return Err(Error::new(code));
            }
            {
                let snapshot = self.shared.look().await?;
                // A revision that this handle never gave out is another handle's.
                if snapshot.revision != after {
                    return Ok(snapshot);
                }
                // Who waits holds no snapshot: a lock could not take it away.
            }
            if let Some(code) = ended {
                return Err(Error::new(code));
            }
            if ticks.changed().await.is_err() {
                return Err(Error::new(ErrorCode::CLOSED));
            }
        }
    }
}

impl<T: Clone + PartialEq> Shared<T> {
    fn held(&self) -> MutexGuard<'_, Held<T>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state as it is now, read again only if it may be another.
    async fn look(&self) -> Result<Snapshot<T>, Fault> {
        let _turn = self.turn.lock().await;
        loop {
            let observe = &self.core.observe;
            let mark = (observe.epoch(), self.source.mark(observe));
            let read_at = {
                let held = self.held();
                match &held.snapshot {
                    Some(snapshot) if held.mark == Some(mark) => return Ok(snapshot.clone()),
                    _ => held.read_at,
                }
            };
            if observe.is_locked()
                && let Some(empty) = self.source.emptied()
            {
                match self.keep(mark, true, empty) {
                    Some(snapshot) => return Ok(snapshot),
                    None => continue,
                }
            }
            if let Some(at) = read_at
                && at.elapsed() < PAUSE
            {
                tokio::time::sleep_until(at + PAUSE).await;
                // Whatever has come meanwhile comes along.
                continue;
            }
            let (locked, state) = match self.source.read(&self.core).await {
                Ok(state) => (false, state),
                Err(fault) => match self.source.emptied() {
                    // Locked between two looks.
                    Some(empty) if fault.code() == ErrorCode::LOCKED => (true, empty),
                    _ => {
                        self.held().read_at = Some(Instant::now());
                        return Err(fault);
                    }
                },
            };
            if let Some(snapshot) = self.keep(mark, locked, state) {
                return Ok(snapshot);
            }
        }
    }

    /// Keeps what was read; `None` if the session has changed meanwhile: it may not be shown any more.
    fn keep(&self, mark: (u64, Mark), locked: bool, state: T) -> Option<Snapshot<T>> {
        let observe = &self.core.observe;
        let mut held = self.held();
        // Under the lock that `forget` takes: either this sees the new session, or `forget` sees this snapshot.
        if observe.epoch() != mark.0 {
            return None;
        }
        let same = held
            .snapshot
            .as_ref()
            .is_some_and(|before| before.locked == locked && before.state == state);
        if !same {
            held.snapshot = Some(Snapshot {
                revision: observe.next_revision(),
                locked,
                state,
            });
        }
        held.mark = Some(mark);
        held.read_at = Some(Instant::now());
        held.snapshot.clone()
    }
}

impl<T: Send + Sync> Forget for Shared<T> {
    fn forget(&self) {
        // What goes on while locked holds nothing that must go.
        if self.source.emptied().is_some() {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.snapshot = None;
            held.mark = None;
            self.source.forget();
        }
    }
}
