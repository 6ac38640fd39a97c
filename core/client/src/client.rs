//! The client: opens a profile's store, signs in, keeps it in step with the relay.

use std::path::Path;
use std::sync::Arc;

use curo_store::repo::{account, outbox};
use curo_store::{KeyVault, Profiles, Store, StoreError};
use curo_types::{DeviceId, ErrorCode, ProfileId, TenantId, UserId};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::core::{Core, now_ms};
use crate::db::Db;
use crate::error::{Error, Fault, Result};
use crate::http::Relay;
use crate::network::anew_on_change;
use crate::options::ClientOptions;
use crate::session;
use crate::state::ConnectionState;
use crate::sync::run::{self, Retry};
use crate::token::TokenProvider;

/// How long the outcome of an intent can be asked for: 30 days, by the device's clock.
const OUTCOMES_KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// Who a profile belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// This device.
    pub device: DeviceId,
}

/// What waits to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxState {
    /// Messages and intents on their way.
    pub waiting: u64,
    /// Messages and intents that have failed.
    pub failed: u64,
}

/// A profile's messaging. Cheap to clone; all clones are one client.
///
/// Reading and queuing work offline and before [`Client::start`]; calls that change state are durable when they return.
#[derive(Clone)]
pub struct Client {
    pub(crate) core: Arc<Core>,
    vault: Arc<dyn KeyVault>,
    profile: ProfileId,
    retry: Retry,
    tasks: Arc<Mutex<Option<Tasks>>>,
}

/// The background tasks; they end when this is dropped, with the last handle on the client.
struct Tasks {
    cancel: DropGuard,
    handles: Vec<JoinHandle<()>>,
}

impl Client {
    /// Opens a profile's store, or makes the first one. Does not touch the network.
    ///
    /// # Errors
    /// `invalid_argument` (the relay's address is not plain `https`, a proxy's not plain `http`, fewer than two different
    /// pins, or several profiles and none chosen), `busy` (in use
    /// by another process or client), `store_missing`, `store_unreadable`, `store_newer`, `storage_full`,
    /// `vault_not_ready`, `vault_user_auth_needed`. Whatever is refused is left as it was.
    pub async fn open(
        options: ClientOptions,
        vault: Arc<dyn KeyVault>,
        tokens: Arc<dyn TokenProvider>,
    ) -> Result<Self> {
        let relay = Relay::new(&options, tokens)?;
        let known = Profiles::list(&options.root).map_err(Fault::from)?;
        let (profile, is_new) = match (options.profile, known.as_slice()) {
            (Some(profile), known) => (profile, !known.contains(&profile)),
            (None, []) => (ProfileId::random(), true),
            (None, [only]) => (*only, false),
            (None, _) => return Err(Error::new(ErrorCode::INVALID_ARGUMENT)),
        };
        let store = if is_new {
            Store::create(&options.root, profile, &*vault).await
        } else {
            match Store::open(&options.root, profile, &*vault).await {
                // Killed while the file was being made: nothing was in it yet.
                Err(StoreError::Missing) => Store::create(&options.root, profile, &*vault).await,
                opened => opened,
            }
        }
        .map_err(Fault::from)?;
        let db = Db::new(store);
        let account = match look(&db).await {
            Ok(account) => account,
            Err(fault) => {
                // Whoever tries again at once shall not meet the lease of this attempt.
                let _ = db.store().suspend().await;
                return Err(fault.into());
            }
        };
        if let Some(account) = &account {
            relay.set_device(account.device).await;
        }
        Ok(Self {
            core: Arc::new(Core::new(db, relay, account)),
            vault,
            profile,
            retry: Retry {
                min: options.retry_min,
                max: options.retry_max,
            },
            tasks: Arc::default(),
        })
    }

    /// The profile that is open.
    pub const fn profile(&self) -> ProfileId {
        self.profile
    }

    /// The account that the profile is bound to; `None` before the first sign-in.
    pub async fn account(&self) -> Option<Account> {
        let account = self.core.account().await.ok()?;
        Some(Account {
            tenant: account.tenant,
            user: account.user,
            device: account.device,
        })
    }

    /// Signs in with a token of the provider and registers this device, if it is new. Harmless to repeat; needed once in a
    /// profile's life, and again after [`ConnectionState::SignInNeeded`].
    ///
    /// # Errors
    /// `offline`, `captive_portal`, `tls_failed`, `pin_mismatch`, `sign_in_needed` (no token, or the relay refuses it),
    /// `wrong_account` (the profile is bound to another user), `store_changed`, `bad_relay`, `rate_limited`, `locked`.
    pub async fn sign_in(&self) -> Result<Account> {
        self.core.relay.forget_token().await;
        let account = session::sign_in(&self.core.db, &self.core.relay).await?;
        self.core.set_account(account.clone()).await;
        self.core.signed_in.notify_one();
        self.core.outbox_work.notify_one();
        Ok(Account {
            tenant: account.tenant,
            user: account.user,
            device: account.device,
        })
    }

    /// Starts the background tasks: live sync and sending. Needs a Tokio runtime. A second call does nothing.
    ///
    /// # Errors
    /// `sign_in_needed` before the first sign-in, `locked`.
    pub async fn start(&self) -> Result<()> {
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
            let (sync, outbox) = (cancel.clone(), cancel.clone());
            let handles = vec![
                tokio::spawn(anew_on_change(Arc::clone(&core), {
                    let core = Arc::clone(&core);
                    move || run::sync(Arc::clone(&core), retry, sync.clone())
                })),
                tokio::spawn(anew_on_change(Arc::clone(&core), move || {
                    run::outbox(Arc::clone(&core), retry, outbox.clone())
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
        let tasks = self.tasks.lock().await.take();
        if let Some(tasks) = tasks {
            drop(tasks.cancel);
            for handle in tasks.handles {
                // A task that panicked has nothing more to stop.
                let _ = handle.await;
            }
        }
        // What follows is another opening: nothing is encrypted before the relay has answered it.
        self.core.forget_answer();
        self.core.set_connection(ConnectionState::Stopped);
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
        self.core.pull().await?;
        self.core.release_held();
        self.core.flush().await?;
        // What was sent may have moved cursors, and others may have answered.
        self.core.pull().await?;
        Ok(())
    }

    /// How the client stands with its relay now.
    pub fn connection(&self) -> ConnectionState {
        self.core.connection.borrow().clone()
    }

    /// Waits until the connection state is another than `than`, and returns it.
    pub async fn next_connection(&self, than: &ConnectionState) -> ConnectionState {
        let mut states = self.core.connection.subscribe();
        let next = states.wait_for(|state| state != than).await.map(|state| state.clone());
        next.unwrap_or(ConnectionState::Stopped)
    }

    /// A number that rises whenever something that an app shows may have changed.
    pub fn revision(&self) -> u64 {
        *self.core.revision.borrow()
    }

    /// Waits until the revision is above `after`, and returns it. Nothing is popped: cancelling loses nothing, and any
    /// number of callers may wait.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client, care: &curo::Conversation) -> curo::Result<()> {
    /// let mut seen = 0;
    /// loop {
    ///     seen = client.next_revision(seen).await;
    ///     let newest = care.latest(50).await?; // draw it
    /// #   if newest.items.is_empty() { break }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next_revision(&self, after: u64) -> u64 {
        let mut revisions: watch::Receiver<u64> = self.core.revision.subscribe();
        revisions
            .wait_for(|revision| *revision > after)
            .await
            .map_or(after, |revision| *revision)
    }

    /// What waits to be sent, and what has failed.
    ///
    /// # Errors
    /// `locked`.
    pub async fn outbox(&self) -> Result<OutboxState> {
        let (waiting, failed) = self.core.db.read(|conn| Ok(outbox::counts(conn)?)).await?;
        Ok(OutboxState { waiting, failed })
    }

    /// Stops, zeroizes the store's key and closes the database. Every call then fails with `locked` until
    /// [`Client::unlock`].
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
        self.stop().await;
        // The store first: a write that is still queued loads groups, and waiting for a token provider must not keep it open.
        let locked = self.core.db.store().lock().await;
        self.core.db.forget_groups();
        self.core.changed();
        self.core.relay.forget_token().await;
        Ok(locked.map_err(Fault::from)?)
    }

    /// Opens the store again with the vault's key. Call [`Client::start`] afterwards.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn unlock(&self) -> Result<()> {
        self.core.db.store().unlock(&*self.vault).await.map_err(Fault::from)?;
        self.core.changed();
        Ok(())
    }

    /// Whether the store is locked.
    pub fn is_locked(&self) -> bool {
        self.core.db.store().is_locked()
    }

    /// Destroys the profile: first the key in the vault, which makes the files unreadable, then the files. Unsent messages
    /// are lost. Harmless to repeat.
    ///
    /// # Errors
    /// `vault_not_ready`, `vault_user_auth_needed`, or the file system's; then repeat it.
    pub async fn erase(&self) -> Result<()> {
        self.stop().await;
        let erased = self.core.db.store().erase(&*self.vault).await;
        self.core.db.forget_groups();
        self.core.relay.forget_token().await;
        Ok(erased.map_err(Fault::from)?)
    }

    /// Destroys a profile that is not open: one whose key is gone, or whose erase was interrupted. Harmless to repeat.
    ///
    /// # Errors
    /// `busy` while it is open somewhere, `vault_not_ready`, `vault_user_auth_needed`, or the file system's.
    pub async fn erase_profile(root: &Path, profile: ProfileId, vault: &dyn KeyVault) -> Result<()> {
        Ok(Store::erase_profile(root, profile, vault).await.map_err(Fault::from)?)
    }

    /// Stops and closes in good order, so that another process or client may open the store.
    ///
    /// # Errors
    /// The database's.
    pub async fn close(&self) -> Result<()> {
        self.stop().await;
        let closed = self.core.db.store().suspend().await;
        self.core.db.forget_groups();
        self.core.relay.forget_token().await;
        Ok(closed.map_err(Fault::from)?)
    }
}

/// What an opened store says of its account, once outcomes that nobody asks for any more are forgotten.
async fn look(db: &Db) -> std::result::Result<Option<account::Account>, Fault> {
    let old = now_ms().saturating_sub(OUTCOMES_KEPT_MS);
    db.write(move |tx| Ok(outbox::forget_done(tx.conn, old)?)).await?;
    let account = db.read(|conn| Ok(account::get(conn)?)).await?;
    Ok(account.filter(|account| account.registered.is_some()))
}
