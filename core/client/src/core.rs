//! What every part of a running client shares: store, engine, relay, the signed-in account and the signals between tasks.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as StdMutex};
use std::time::{SystemTime, UNIX_EPOCH};

use curo_store::repo::account::Account;
use curo_types::{ConversationId, ErrorCode, IntentId, StoreId};
use tokio::sync::{Mutex, Notify, RwLock, watch};

use crate::db::Db;
use crate::error::Fault;
use crate::failpoints;
use crate::holds::Holds;
use crate::http::Relay;
use crate::observe::{Observe, Refused, Touched};
use crate::receipts::send::Pace;
use crate::rejoin::waiting::Patience;
use crate::state::ConnectionState;
use crate::sync::retry::Retry;

/// Shared by the public handles and the background tasks.
pub(crate) struct Core {
    pub(crate) db: Db,
    pub(crate) relay: Arc<Relay>,
    account: RwLock<Option<Account>>,
    /// One pass over the relay's news at a time.
    pub(crate) sync_lock: Mutex<()>,
    /// One pass over the outbox at a time: at most one batch in flight a conversation (rule 4.1).
    pub(crate) outbox_lock: Mutex<()>,
    /// One change of the push registration at a time.
    pub(crate) push_lock: Mutex<()>,
    /// There may be something to send.
    pub(crate) outbox_work: Notify,
    /// There may be a read receipt to send.
    pub(crate) receipt_work: Notify,
    /// When read receipts may be sent.
    pub(crate) pace: Pace,
    /// There may be something to tell the relay: cursors, inbox, KeyPackages.
    pub(crate) report_work: Notify,
    /// The app has signed in again.
    pub(crate) signed_in: Notify,
    /// The relay has refused the whole account while something was sent, and its store at that time: the live stream is of no
    /// use any more.
    pub(crate) account_refused: watch::Sender<Option<(ErrorCode, StoreId)>>,
    /// Whether the relay has answered a sync since this opening: nothing is encrypted before (rule 4, queued).
    pub(crate) answered: AtomicBool,
    /// Whether the relay has refused keys of further suites since this opening.
    pub(crate) keys_refused: AtomicBool,
    /// Whether a whole pass over the relay's news has ended well since this opening: the inbox is dealt with (rule 5.7).
    pub(crate) drained: AtomicBool,
    /// External commits that this opening has made and of which nothing was sent. A Welcome takes its turn against them.
    pub(crate) unsent_rejoins: Mutex<HashSet<IntentId>>,
    /// Recoveries of a restored relay since a pass of sync has ended well.
    pub(crate) recoveries: AtomicUsize,
    /// Waits between attempts.
    pub(crate) retry: Retry,
    /// Conversations in which the relay has asked to wait before the next try; the others do not wait with them.
    pub(crate) holds: Holds,
    /// Conversations whose Welcome is waited for.
    pub(crate) patience: StdMutex<Patience>,
    pub(crate) connection: watch::Sender<ConnectionState>,
    /// What has changed, the session, and who watches.
    pub(crate) observe: Observe,
}

impl Core {
    pub(crate) fn new(db: Db, relay: impl Into<Arc<Relay>>, account: Option<Account>, retry: Retry) -> Self {
        Self {
            observe: Observe::new(account.is_some()),
            db,
            relay: relay.into(),
            account: RwLock::new(account),
            sync_lock: Mutex::new(()),
            outbox_lock: Mutex::new(()),
            push_lock: Mutex::new(()),
            outbox_work: Notify::new(),
            receipt_work: Notify::new(),
            pace: Pace::default(),
            report_work: Notify::new(),
            signed_in: Notify::new(),
            account_refused: watch::Sender::new(None),
            answered: AtomicBool::new(false),
            keys_refused: AtomicBool::new(false),
            drained: AtomicBool::new(false),
            unsent_rejoins: Mutex::default(),
            recoveries: AtomicUsize::new(0),
            retry,
            holds: Holds::default(),
            patience: StdMutex::default(),
            connection: watch::Sender::new(ConnectionState::Stopped),
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
        self.observe.session(|session| {
            session.signed_in = true;
            session.refused = None;
        });
    }

    /// Something that an app may show has changed, and nobody knows in which conversation. Call it after the commit.
    pub(crate) fn changed(&self) {
        self.observe.touch(Touched::All);
    }

    /// One conversation has changed: its row, members, items or intents. Call it after the commit.
    pub(crate) fn changed_in(&self, id: ConversationId) {
        self.observe.touch(Touched::Conversation(id));
    }

    /// What an app asked for in this conversation is durable: shows it and wakes the outbox. Give it to
    /// [`Db::write_then`]: a caller who gives up between the commit and this must not leave it lying.
    pub(crate) fn queued_in(self: &Arc<Self>, id: ConversationId) -> impl FnOnce() + Send + 'static {
        self.queued(Touched::Conversation(id))
    }

    /// As [`Core::queued_in`], of whatever has changed.
    pub(crate) fn queued(self: &Arc<Self>, what: Touched) -> impl FnOnce() + Send + 'static {
        self.afterwards(move |core| {
            failpoints::hit(failpoints::INTENT_QUEUED);
            core.observe.touch(what);
            core.outbox_work.notify_one();
        })
    }

    /// Whom to wake after a write, for [`Db::write_then`].
    pub(crate) fn afterwards(
        self: &Arc<Self>,
        wake: impl FnOnce(&Self) + Send + 'static,
    ) -> impl FnOnce() + Send + 'static {
        // Nobody has to be woken once the core is gone, and a write that waits does not keep it.
        let core = Arc::downgrade(self);
        move || {
            if let Some(core) = core.upgrade() {
                wake(&core);
            }
        }
    }

    /// The relay has refused something. Shows it where it is a word on the whole account; returns what it was given.
    pub(crate) fn note(&self, fault: Fault) -> Fault {
        if let Some(refused) = Refused::by(&fault.code()) {
            self.observe.session(|session| session.refused = Some(refused));
        }
        fault
    }

    pub(crate) fn set_connection(&self, state: ConnectionState) {
        let other = *self.connection.borrow() != state;
        match &state {
            ConnectionState::Waiting { code } | ConnectionState::Failed { code } => {
                self.relay.recent.note("connection", code);
                crate::log::event!(Info, "connection", state = state.name(), code = code.clone());
            }
            _ if other => crate::log::event!(Info, "connection", state = state.name()),
            _ => {}
        }
        self.observe.session(|session| session.see(&state));
        let changed = self.connection.send_if_modified(|held| {
            let other = *held != state;
            *held = state;
            other
        });
        if changed {
            self.changed();
        }
    }

    pub(crate) fn forget_answer(&self) {
        self.answered.store(false, Ordering::Release);
        self.drained.store(false, Ordering::Release);
    }

    pub(crate) fn inbox_is_drained(&self) -> bool {
        self.drained.load(Ordering::Acquire)
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
