//! The background tasks: started, stopped, or one pass instead of them.

use std::sync::Arc;

use curo_types::ErrorCode;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Client, push};
use crate::core::Core;
use crate::error::{Error, Fault, Result};
use crate::network::anew_on_change;
use crate::receipts;
use crate::state::ConnectionState;
use crate::sync::run;

/// The background tasks; they end when this is dropped, with the last handle on the client.
pub(super) struct Tasks {
    cancel: DropGuard,
    handles: Vec<JoinHandle<()>>,
}

impl Client {
    /// Starts the background tasks: live sync and sending. Needs a Tokio runtime. A second call does nothing.
    ///
    /// # Errors
    /// `sign_in_needed` before the first sign-in, `locked`, `closed`.
    pub async fn start(&self) -> Result<()> {
        if let Some(code) = self.core.observe.ended() {
            return Err(Error::new(code));
        }
        self.core.account().await?;
        if self.is_locked() {
            return Err(Error::new(ErrorCode::LOCKED));
        }
        let mut tasks = self.tasks.lock().await;
        // A task that has ended by itself has panicked: both begin anew.
        if tasks
            .as_ref()
            .is_none_or(|tasks| tasks.handles.iter().any(JoinHandle::is_finished))
        {
            let cancel = CancellationToken::new();
            self.core.set_connection(ConnectionState::CatchingUp);
            let (retry, core) = (self.retry, Arc::clone(&self.core));
            let (sync, outbox, receipts) = (cancel.clone(), cancel.clone(), cancel.clone());
            let handles = vec![
                tokio::spawn(anew_on_change(Arc::clone(&core), {
                    let core = Arc::clone(&core);
                    move || run::sync(Arc::clone(&core), retry, sync.clone())
                })),
                tokio::spawn(anew_on_change(Arc::clone(&core), {
                    let core = Arc::clone(&core);
                    move || run::outbox(Arc::clone(&core), retry, outbox.clone())
                })),
                tokio::spawn(anew_on_change(Arc::clone(&core), move || {
                    receipts::run::run(Arc::clone(&core), retry, receipts.clone())
                })),
            ];
            *tasks = Some(Tasks {
                cancel: cancel.drop_guard(),
                handles,
            });
        }
        Ok(())
    }

    /// Stops the background tasks. What they had written stays; what they were waiting for is asked again after a start.
    pub async fn stop(&self) {
        stop_tasks(&self.core, &self.tasks).await;
    }

    /// Brings everything up to date once: fetches what is new and sends what waits. For background work; [`Client::start`]
    /// does the same for as long as the app is in front.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client) -> curo::Result<()> {
    /// // A background task: twenty seconds, then the system takes the app away.
    /// let limit = std::time::Duration::from_secs(20);
    /// let _ = tokio::time::timeout(limit, client.catch_up()).await;
    /// client.close().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `offline`, `captive_portal`, `tls_failed`, `pin_mismatch`, `sign_in_needed`, `locked`, and whatever the relay
    /// answers. What was done until then stays done.
    pub async fn catch_up(&self) -> Result<()> {
        Ok(one_pass(&self.core, true)
            .await
            .map_err(|fault| self.core.note(fault))?)
    }
}

/// Fetches and sends once. May be dropped at any await. `unlocked`: read receipts are sent too; while the client is locked
/// nobody is told that anybody reads.
pub(super) async fn one_pass(core: &Arc<Core>, unlocked: bool) -> std::result::Result<(), Fault> {
    core.pull().await?;
    push::settle(core).await?;
    core.holds.release_all();
    core.flush().await?;
    if unlocked {
        core.send_receipts().await?;
    }
    // What was sent may have moved cursors, and others may have answered.
    core.pull().await
}

/// See [`Client::stop`].
pub(super) async fn stop_tasks(core: &Core, tasks: &Mutex<Option<Tasks>>) {
    let tasks = tasks.lock().await.take();
    if let Some(tasks) = tasks {
        drop(tasks.cancel);
        for handle in tasks.handles {
            // A task that panicked has nothing more to stop.
            let _ = handle.await;
        }
    }
    // What follows is another opening: nothing is encrypted before the relay has answered it.
    core.forget_answer();
    core.set_connection(ConnectionState::Stopped);
}
