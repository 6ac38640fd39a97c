//! Asking what the app implements: never on a thread that matters, answered once, not for ever.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::held::Held;

/// How many calls of one object of the app may stand at once. One that breaks the promise to return at once keeps its thread: the
/// library must have others left, in a notification extension too.
const CALLS: usize = 2;

/// Where one answer goes. The first counts; dropped without one, whoever waits is told so.
pub(crate) struct Slot<T>(Mutex<Option<oneshot::Sender<T>>>);

impl<T> Slot<T> {
    pub(crate) fn new() -> (Self, oneshot::Receiver<T>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Mutex::new(Some(sender))), receiver)
    }

    /// Whether this answer is the one that counts: not one after another one, nor after the deadline.
    pub(crate) fn answer(&self, answer: T) -> bool {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        sender.is_some_and(|sender| sender.send(answer).is_ok())
    }
}

/// Something that the app implements, until the client lets go of it.
pub(crate) struct Asked<A: ?Sized> {
    app: Mutex<Option<Arc<A>>>,
    calls: Arc<Semaphore>,
    ended: CancellationToken,
    deadline: Duration,
}

impl<A: ?Sized + Send + Sync + 'static> Asked<A> {
    pub(crate) fn new(app: Arc<A>, deadline: Duration) -> Self {
        Self {
            app: Mutex::new(Some(app)),
            calls: Arc::new(Semaphore::new(CALLS)),
            ended: CancellationToken::new(),
            deadline,
        }
    }

    /// Lets go of the app's object and wakes whoever waits for an answer of it. Harmless to repeat.
    pub(crate) fn end(&self) {
        self.ended.cancel();
        let app = self.app.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Its end is the app's code, which may wait: outside the lock, and on a thread for such.
        drop(app.map(Held::new));
    }

    /// Calls the app on a thread that may block, and waits for the answer. `None`: it threw, dropped the reply, took longer
    /// than the deadline, or was let go of. No lock is held meanwhile, so the app may call the client.
    pub(crate) async fn ask<T, C>(&self, call: C) -> Option<T>
    where
        T: Send + 'static,
        C: FnOnce(&A, Slot<T>) -> Result<()> + Send + 'static,
    {
        let (slot, mut receiver) = Slot::new();
        let called_in_vain = async {
            // One that has returned in peace may answer later.
            if self.call(move |app| call(app, slot)).await {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = self.ended.cancelled() => return None,
            answer = &mut receiver => return answer.ok(),
            () = called_in_vain => {}
            () = tokio::time::sleep(self.deadline) => {}
        }
        // From here on an answer is told that it does not count. One that was told that it does has come just now.
        receiver.close();
        receiver.try_recv().ok()
    }

    /// Whether the app was called and returned in peace.
    async fn call(&self, call: impl FnOnce(&A) -> Result<()> + Send + 'static) -> bool {
        let Ok(permit) = Arc::clone(&self.calls).acquire_owned().await else {
            return false;
        };
        let Some(app) = self.app.lock().unwrap_or_else(PoisonError::into_inner).clone() else {
            return false;
        };
        let called = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            call(&app)
        });
        matches!(called.await, Ok(Ok(())))
    }
}
