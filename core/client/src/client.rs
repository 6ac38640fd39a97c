//! The client: opens a profile's store and signs in. What its life is made of stands in the modules below: the tasks, the
//! lock, the end, and what can be watched.

mod end;
mod lock;
mod rekey;
mod tasks;
mod watch;

use std::sync::Arc;

use curo_store::repo::{account, outbox};
use curo_store::{KeyVault, Profiles, Store, StoreError};
use curo_types::{DeviceId, ErrorCode, ProfileId, TenantId, UserId};
use tokio::sync::Mutex;

use crate::access::Access;
use crate::core::{Core, now_ms};
use crate::db::Db;
use crate::error::{Error, Fault, Result};
use crate::http::Relay;
use crate::options::ClientOptions;
use crate::session;
use crate::sync::run::Retry;
use crate::token::TokenProvider;

use tasks::Tasks;

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
    pub(crate) access: Access,
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
        let retry = Retry {
            min: options.retry_min,
            max: options.retry_max,
        };
        Ok(Self {
            core: Arc::new(Core::new(db, relay, account, retry)),
            vault,
            profile,
            retry,
            tasks: Arc::default(),
            access: None,
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
    /// profile's life, and again after [`ConnectionState::SignInNeeded`](crate::ConnectionState::SignInNeeded).
    ///
    /// # Errors
    /// `offline`, `captive_portal`, `tls_failed`, `pin_mismatch`, `sign_in_needed` (no token, or the relay refuses it),
    /// `wrong_account` (the profile is bound to another user), `store_changed`, `bad_relay`, `rate_limited`, `locked`.
    pub async fn sign_in(&self) -> Result<Account> {
        self.core.relay.forget_token().await;
        let account = session::sign_in(&self.core.db, &self.core.relay)
            .await
            .map_err(|fault| self.core.note(fault))?;
        self.core.set_account(account.clone()).await;
        self.core.signed_in.notify_one();
        self.core.outbox_work.notify_one();
        Ok(Account {
            tenant: account.tenant,
            user: account.user,
            device: account.device,
        })
    }

    /// What waits to be sent, and what has failed.
    ///
    /// # Errors
    /// `locked`.
    pub async fn outbox(&self) -> Result<OutboxState> {
        let (waiting, failed) = self.core.db.read(|conn| Ok(outbox::counts(conn)?)).await?;
        Ok(OutboxState { waiting, failed })
    }
}

/// What an opened store says of its account, once outcomes that nobody asks for any more are forgotten.
async fn look(db: &Db) -> std::result::Result<Option<account::Account>, Fault> {
    let old = now_ms().saturating_sub(OUTCOMES_KEPT_MS);
    db.write(move |tx| Ok(outbox::forget_done(tx.conn, old)?)).await?;
    let account = db.read(|conn| Ok(account::get(conn)?)).await?;
    Ok(account.filter(|account| account.registered.is_some()))
}
