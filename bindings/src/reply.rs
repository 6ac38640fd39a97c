//! Asking what the app implements: never on a thread that matters, answered once, not for ever.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::error::Result;

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
    ended: CancellationToken,
    deadline: Duration,
}

impl<A: ?Sized + Send + Sync + 'static> Asked<A> {
    pub(crate) fn new(app: Arc<A>, deadline: Duration) -> Self {
        Self {
            app: Mutex::new(Some(app)),
            ended: CancellationToken::new(),
            deadline,
        }
    }

    /// Lets go of the app's object and wakes whoever waits for an answer of it. Harmless to repeat.
    pub(crate) fn end(&self) {
        self.ended.cancel();
        // Dropped outside the lock: its end is the app's code.
        let app = self.app.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(app);
    }

    /// Calls the app on a thread that may block, and waits for the answer. `None`: it threw, dropped the reply, took longer
    /// than the deadline, or was let go of. No lock is held meanwhile, so the app may call the client.
    pub(crate) async fn ask<T, C>(&self, call: C) -> Option<T>
    where
        T: Send + 'static,
        C: FnOnce(&A, Slot<T>) -> Result<()> + Send + 'static,
    {
        let app = self.app.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let (slot, receiver) = Slot::new();
        let calling = tokio::task::spawn_blocking(move || call(&app, slot));
        let thrown = async {
            // One that has returned in peace may answer later.
            if matches!(calling.await, Ok(Ok(()))) {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = self.ended.cancelled() => None,
            answer = receiver => answer.ok(),
            () = thrown => None,
            () = tokio::time::sleep(self.deadline) => None,
        }
    }
}
