//! Lock and unlock: what happens to key, database and memory in between, by the app's word, when the person has been away
//! for too long, and when the session is over.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use curo_store::repo::sign_in;
use curo_types::ErrorCode;
use tokio::sync::Mutex;

use super::Client;
use super::tasks::{Tasks, stop_tasks};
use crate::core::Core;
use crate::detached::detached;
use crate::error::{Error, Fault, Result};
use crate::guard::{Due, Guard, Turn};

/// The guard's clocks are looked at so often: a device that has slept does not wait for the rest of a long sleep.
const LOOK: Duration = Duration::from_secs(5);
/// The time is kept as seen so often.
const KEEP_MS: u64 = 5 * 60 * 1000;

impl Client {
    /// Stops, zeroizes the store's key and closes the database. Every call then fails with `locked` until
    /// [`Client::unlock`]. The client does it by itself after 15 minutes without [`Client::note_user_activity`], or what
    /// app or tenant have set below that.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client) -> curo::Result<()> {
    /// client.lock().await?;                  // the screen goes off
    /// assert!(client.conversations().await.is_err());
    /// client.unlock().await?;                // the person is back
    /// client.start().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The database's, where it could not be closed in good order; it is locked all the same.
    pub async fn lock(&self) -> Result<()> {
        let client = self.clone();
        // What is shown as locked becomes so, whatever becomes of the caller.
        detached(async move {
            let guard = &client.home.guard;
            let expired = guard.is_over();
            let turn = shown_locked(&client.core, guard, expired).await;
            client.home.suspended.store(false, Ordering::Release);
            Ok(lock(&client.core, &client.tasks, guard, expired, &turn).await?)
        })
        .await
    }

    /// Opens the store again with the vault's key. Call [`Client::start`] afterwards. Background work that runs meanwhile is
    /// ended first; what it had done stays done.
    ///
    /// # Errors
    /// As [`Client::open`]; `sign_in_needed` once the session has lasted 12 hours, or what app or tenant have set below that:
    /// then [`Client::sign_in`] unlocks too; `closed` after [`Client::close`].
    pub async fn unlock(&self) -> Result<()> {
        if let Some(code) = self.core.observe.ended() {
            return Err(Error::new(code));
        }
        let guard = &self.home.guard;
        if guard.is_over() {
            let turn = shown_locked(&self.core, guard, true).await;
            lock(&self.core, &self.tasks, guard, true, &turn).await?;
            return Err(Error::new(ErrorCode::SIGN_IN_NEEDED));
        }
        self.open_own().await
    }

    /// Opens the client's own store for a person who is there.
    pub(super) async fn open_own(&self) -> Result<()> {
        // Whoever still stands behind a door that should have been locked stays out meanwhile.
        let _unlocking = self.home.guard.unlocking();
        // A lock that has begun closes the store first, and not behind the person who has just unlocked.
        let _turn = self.home.guard.turn().await;
        self.home.open_own(self.core.db.store()).await.map_err(Fault::from)?;
        self.home.suspended.store(false, Ordering::Release);
        self.home.guard.unlocked();
        self.core.observe.session(|session| {
            session.expired = false;
            session.locked = self.core.db.store().is_locked();
        });
        Ok(())
    }

    /// Whether the store is locked.
    pub fn is_locked(&self) -> bool {
        self.core.db.store().is_locked()
    }

    /// Call this when the person touches the screen or types. Takes well under a microsecond, from any thread; once the idle
    /// time has run out it changes nothing.
    ///
    /// ```no_run
    /// # fn example(client: &curo::Client) {
    /// // From Activity.onUserInteraction, or a gesture recogniser on the window.
    /// client.note_user_activity();
    /// # }
    /// ```
    pub fn note_user_activity(&self) {
        self.home.guard.activity();
    }

    /// For an app that goes to the background: stops, waits for entered writes, folds the write-ahead log into the file and
    /// closes it, so that no file lock is held when the system suspends the process, and another process may open the store.
    /// Every call fails with `locked` until [`Client::resume`]. The idle time goes on.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client) -> curo::Result<()> {
    /// client.suspend().await?;               // before telling the system that all is done
    /// // … the app comes back to the front
    /// if client.resume().await.is_err_and(|error| error.code() == &curo::ErrorCode::LOCKED) {
    ///     // Away for too long: show the lock screen, then client.unlock().
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The database's, where it could not be closed in good order; it is closed all the same.
    pub async fn suspend(&self) -> Result<()> {
        let client = self.clone();
        detached(async move {
            let guard = &client.home.guard;
            let expired = guard.is_over();
            let turn = shown_locked(&client.core, guard, expired).await;
            // What was locked stays so.
            if !client.is_locked() {
                client.home.suspended.store(true, Ordering::Release);
            }
            Ok(lock(&client.core, &client.tasks, guard, expired, &turn).await?)
        })
        .await
    }

    /// Opens the store again after [`Client::suspend`], if the person has not been away for too long. Does nothing to an open
    /// one. Call [`Client::start`] afterwards.
    ///
    /// # Errors
    /// `locked` if the client was locked, or should be by now; `sign_in_needed` if the session is over; `busy` while another
    /// process has the store; otherwise as [`Client::open`].
    pub async fn resume(&self) -> Result<()> {
        if let Some(code) = self.core.observe.ended() {
            return Err(Error::new(code));
        }
        // A suspension that has begun comes to its end first.
        let turn = self.home.guard.turn().await;
        let due = self.home.guard.due();
        if due.is_none() && !self.is_locked() {
            return Ok(());
        }
        if let Some(due) = due {
            self.home.suspended.store(false, Ordering::Release);
            let over = due == Due::SessionOver;
            lock(&self.core, &self.tasks, &self.home.guard, over, &turn).await?;
            return Err(Error::new(code(due)));
        }
        if !self.home.suspended.load(Ordering::Acquire) {
            return Err(Error::new(ErrorCode::LOCKED));
        }
        self.home.open_own(self.core.db.store()).await.map_err(Fault::from)?;
        self.home.suspended.store(false, Ordering::Release);
        self.core
            .observe
            .session(|session| session.locked = self.core.db.store().is_locked());
        Ok(())
    }
}

const fn code(due: Due) -> ErrorCode {
    match due {
        Due::Idle => ErrorCode::LOCKED,
        Due::SessionOver => ErrorCode::SIGN_IN_NEEDED,
    }
}

/// From now on nothing is shown, and snapshots are forgotten.
fn show_locked(core: &Core, expired: bool) {
    core.observe.session(|session| {
        session.locked = true;
        session.expired |= expired;
    });
}

/// Shows that it is locked, and waits for the turn to make it so.
async fn shown_locked<'a>(core: &Core, guard: &'a Guard, expired: bool) -> Turn<'a> {
    // Taken before it is shown: an unlock of who has seen it comes after this.
    let turn = guard.turn_now();
    show_locked(core, expired);
    match turn {
        Some(turn) => turn,
        None => guard.turn().await,
    }
}

/// Locks, in its turn; harmless to repeat. `expired` says that only a sign-in helps.
async fn lock(
    core: &Core,
    tasks: &Mutex<Option<Tasks>>,
    guard: &Guard,
    expired: bool,
    _: &Turn<'_>,
) -> std::result::Result<(), Fault> {
    // First, and again where somebody has unlocked meanwhile.
    show_locked(core, expired);
    stop_tasks(core, tasks).await;
    let seen = guard.seen_ms();
    // Not through the guarded door. What is not noted is noted at the next opening.
    let _ = core
        .db
        .store()
        .write(move |tx| sign_in::see(tx, seen).map_err(curo_store::StoreError::from))
        .await;
    // The store first: a write that is still queued loads groups, and waiting for a token provider must not keep it open.
    let locked = core.db.store().lock().await;
    core.db.forget_groups();
    core.relay.forget_token().await;
    // Only now is all of it true that an app may look at.
    core.changed();
    Ok(locked?)
}

/// Locks when the guard says so, for as long as there is a client.
pub(super) async fn watch(core: Weak<Core>, tasks: Weak<Mutex<Option<Tasks>>>, guard: Arc<Guard>) {
    let (mut kept, mut open) = (guard.seen_ms(), true);
    loop {
        let wait = if open { guard.wait().min(LOOK) } else { LOOK };
        tokio::select! {
            () = guard.wake.notified() => {}
            () = tokio::time::sleep(wait.max(Duration::from_millis(1))) => {}
        }
        let (Some(core), Some(tasks)) = (core.upgrade(), tasks.upgrade()) else {
            return;
        };
        open = !core.db.store().is_locked();
        let due = guard.due_to_lock();
        if open && due.is_some() {
            let turn = guard.turn().await;
            // Not behind a person who has unlocked meanwhile.
            if let Some(due) = guard.due_to_lock() {
                crate::log::event!(Info, "locked_by_guard", session_over = due == Due::SessionOver);
                // It is locked, whatever closing met.
                let _ = lock(&core, &tasks, &guard, due == Due::SessionOver, &turn).await;
                open = false;
            }
        } else if due == Some(Due::SessionOver) {
            core.observe.session(|session| session.expired = true);
        } else if open && guard.seen_ms().saturating_sub(kept) >= KEEP_MS {
            kept = guard.seen_ms();
            let _ = core.db.write(move |tx| Ok(sign_in::see(tx.conn, kept)?)).await;
        }
    }
}
