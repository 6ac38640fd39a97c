//! What every part of a running client shares: store, engine, relay, the signed-in account and the signals between tasks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use curo_store::repo::account::Account;
use curo_types::ErrorCode;
use tokio::sync::{Mutex, Notify, RwLock, watch};

use crate::db::Db;
use crate::error::Fault;
use crate::http::Relay;
use crate::state::ConnectionState;

/// Shared by the public handles and the background tasks.
pub(crate) struct Core {
    pub(crate) db: Db,
    pub(crate) relay: Relay,
    account: RwLock<Option<Account>>,
    /// One pass over the relay's news at a time.
    pub(crate) sync_lock: Mutex<()>,
    /// One pass over the outbox at a time: at most one batch in flight a conversation (rule 4.1).
    pub(crate) outbox_lock: Mutex<()>,
    /// There may be something to send.
    pub(crate) outbox_work: Notify,
    /// There may be something to tell the relay: cursors, inbox, KeyPackages.
    pub(crate) report_work: Notify,
    /// The app has signed in again.
    pub(crate) signed_in: Notify,
    /// Whether the relay has answered a sync since this opening: nothing is encrypted before (rule 4, queued).
    pub(crate) answered: AtomicBool,
    pub(crate) connection: watch::Sender<ConnectionState>,
    /// Rises whenever something that an app shows may have changed.
    pub(crate) revision: watch::Sender<u64>,
}

impl Core {
    pub(crate) fn new(db: Db, relay: Relay, account: Option<Account>) -> Self {
        Self {
            db,
            relay,
            account: RwLock::new(account),
            sync_lock: Mutex::new(()),
            outbox_lock: Mutex::new(()),
            outbox_work: Notify::new(),
            report_work: Notify::new(),
            signed_in: Notify::new(),
            answered: AtomicBool::new(false),
            connection: watch::Sender::new(ConnectionState::Stopped),
            revision: watch::Sender::new(1),
        }
    }

    /// The account; `sign_in_needed` before the first sign-in and until the device is registered.
    pub(crate) async fn account(&self) -> Result<Account, Fault> {
        self.account
            .read()
            .await
            .clone()
            .ok_or(Fault::Code(ErrorCode::SIGN_IN_NEEDED))
    }

    pub(crate) async fn set_account(&self, account: Account) {
        *self.account.write().await = Some(account);
    }

    pub(crate) fn changed(&self) {
        self.revision.send_modify(|revision| *revision += 1);
    }

    pub(crate) fn set_connection(&self, state: ConnectionState) {
        self.connection.send_if_modified(|held| {
            let other = *held != state;
            *held = state;
            other
        });
    }

    pub(crate) fn relay_has_answered(&self) -> bool {
        self.answered.load(Ordering::Acquire)
    }
}

/// The device's clock: claimed times only, no verdict depends on it. Before 1970 it counts as 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
