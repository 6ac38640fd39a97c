//! The client: opens a profile's store and signs in. What its life is made of stands in the modules below: the tasks, the
//! lock, the end, and what can be watched.

mod background;
mod end;
mod lock;
mod profiles;
mod push;
mod rekey;
mod sign_out;
mod tasks;
mod watch;

use std::sync::Arc;

use curo_store::repo::{account, outbox, push as push_row, sign_in};
use curo_store::{FirstProfile, KeyVault, Profiles, Store, StoreError};
use curo_types::{DeviceId, ErrorCode, ProfileId, TenantId, UserId};
use tokio::sync::Mutex;

use crate::access::Access;
use crate::core::{Core, now_ms};
use crate::db::Db;
use crate::error::{Error, Fault, Result};
use crate::guard::{Bounds, Guard};
use crate::home::Home;
use crate::http::Relay;
use crate::knowledge;
use crate::options::ClientOptions;
use crate::session;
use crate::sync::retry::Retry;
use crate::token::TokenProvider;

use tasks::Tasks;

pub use background::{BackgroundOutcome, PushOutcome};
pub use profiles::{ProfileEntry, ProfileOwner};
pub use sign_out::{OnUnsent, SignOutOutcome};

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
    pub(crate) home: Arc<Home>,
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
        let bounds = Bounds::wished(options.idle_lock, options.session_limit)
            .ok_or_else(|| Error::new(ErrorCode::INVALID_ARGUMENT))?;
        let again = (options.clone(), Arc::clone(&vault), Arc::clone(&tokens));
        let relay = Relay::new(&options, tokens)?;
        let mut known = Profiles::list(&options.root).map_err(Fault::from)?;
        let mut first = None;
        if options.profile.is_none() && known.is_empty() {
            first = Some(FirstProfile::turn(&options.root).map_err(Fault::from)?);
            known = Profiles::list(&options.root).map_err(Fault::from)?;
        }
        let (profile, is_new) = match (options.profile, known.as_slice()) {
            (Some(profile), known) => (profile, !known.contains(&profile)),
            (None, []) => (ProfileId::random(), true),
            (None, [only]) => (*only, false),
            (None, _) => return Err(Error::new(ErrorCode::INVALID_ARGUMENT)),
        };
        let store = if is_new {
            Store::create_as(&options.root, profile, &*vault, options.footprint).await
        } else {
            match Store::open_as(&options.root, profile, &*vault, options.footprint).await {
                // Killed while the file was being made: nothing was in it yet.
                Err(StoreError::Missing) => Store::create_as(&options.root, profile, &*vault, options.footprint).await,
                opened => opened,
            }
        }
        .map_err(Fault::from)?;
        // Until here: another opening meanwhile made no second profile.
        drop(first);
        let guard = Arc::new(Guard::new(options.clock.get(), bounds));
        let db = Db::guarded(store, Arc::clone(&guard));
        let found = match look(&db, guard.seen_ms()).await {
            Ok(found) => found,
            Err(fault) => {
                // Whoever tries again at once shall not meet the lease of this attempt.
                let _ = db.store().suspend().await;
                return Err(fault.into());
            }
        };
        if let Some(account) = &found.account {
            relay.set_device(account.device).await;
        }
        guard.begin(found.sign_in.as_ref());
        let home = Home::new(options.root, profile, options.footprint, vault, guard);
        let retry = Retry {
            min: options.retry_min,
            max: options.retry_max,
        };
        let client = Self {
            core: Arc::new(Core::new(db, relay, found.account, retry)),
            home: Arc::new(home),
            retry,
            tasks: Arc::default(),
            access: None,
        };
        client.home.set_push_token(found.push);
        if found.signing_out {
            // A sign-out was killed. From its mark on nothing is left for anybody.
            client.erase().await?;
            return match again.0.profile {
                Some(_) => Err(Error::new(ErrorCode::STORE_MISSING)),
                None => Box::pin(Self::open(again.0, again.1, again.2)).await,
            };
        }
        if client.home.guard.is_over() {
            // Nothing was given out yet, and nothing will be before the person has signed in.
            client.lock().await?;
        } else if let Err(fault) = profiles::write_card(&client.core.db).await {
            client.close().await?;
            return Err(fault.into());
        }
        client.watch_guard();
        Ok(client)
    }

    /// Without a runtime the door is guarded all the same; only the key stays until somebody knocks.
    fn watch_guard(&self) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (core, tasks) = (Arc::downgrade(&self.core), Arc::downgrade(&self.tasks));
            runtime.spawn(lock::watch(core, tasks, Arc::clone(&self.home.guard)));
        }
    }

    /// The profile that is open.
    pub fn profile(&self) -> ProfileId {
        self.home.profile
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
    /// A session lasts 12 hours, or what app or tenant have set below that; then the client locks, and only this call opens
    /// it again. Called earlier it prolongs the session only where the identity provider says that the person has
    /// authenticated since (`auth_time` in the token).
    ///
    /// # Errors
    /// `offline`, `captive_portal`, `tls_failed`, `pin_mismatch`, `sign_in_needed` (no token, or the relay refuses it),
    /// `wrong_account` (the profile is bound to another user), `store_changed`, `bad_relay`, `rate_limited`, `locked`.
    pub async fn sign_in(&self) -> Result<Account> {
        if let Some(code) = self.core.observe.ended() {
            return Err(Error::new(code));
        }
        let (core, guard) = (&self.core, &self.home.guard);
        let over = guard.is_over();
        let account = if over {
            self.sign_in_again().await
        } else {
            core.relay.forget_token().await;
            sign_in(&core.db, &core.relay, guard).await
        };
        let account = account.map_err(|fault| core.note(fault))?;
        if over {
            self.open_own().await?;
        }
        self.core.set_account(account.clone()).await;
        profiles::write_card(&self.core.db).await?;
        self.core.signed_in.notify_one();
        self.core.outbox_work.notify_one();
        Ok(Account {
            tenant: account.tenant,
            user: account.user,
            device: account.device,
        })
    }

    /// Signs in while the store is locked and stays so until the person is known.
    async fn sign_in_again(&self) -> std::result::Result<account::Account, Fault> {
        // It is locked, whatever closing met.
        let _ = self.lock().await;
        self.core.relay.ask_person().await;
        self.home.interrupt();
        let (store, _turn) = self.home.open_aside().await?;
        let db = Db::new(store);
        let account = sign_in(&db, &self.core.relay, &self.home.guard).await;
        let _ = db.store().suspend().await;
        account
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

/// What stands in a store that was just opened.
struct Found {
    account: Option<account::Account>,
    sign_in: Option<sign_in::SignIn>,
    signing_out: bool,
    push: Option<[u8; 16]>,
}

/// What an opened store says of its account, once outcomes that nobody asks for any more are forgotten.
async fn look(db: &Db, seen_ms: u64) -> std::result::Result<Found, Fault> {
    let old = now_ms().saturating_sub(OUTCOMES_KEPT_MS);
    db.write(move |tx| {
        outbox::forget_done(tx.conn, old)?;
        Ok(sign_in::see(tx.conn, seen_ms)?)
    })
    .await?;
    knowledge::read_again(db).await?;
    db.read(|conn| {
        Ok(Found {
            account: account::get(conn)?.filter(|account| account.registered.is_some()),
            sign_in: sign_in::get(conn)?,
            signing_out: sign_in::is_signing_out(conn)?,
            push: push_row::get(conn)?.map(|push| push.token),
        })
    })
    .await
}

/// Signs in, and begins the session.
async fn sign_in(db: &Db, relay: &Relay, guard: &Arc<Guard>) -> std::result::Result<account::Account, Fault> {
    let account = session::sign_in(db, relay, guard).await?;
    let sign_in = db.read(|conn| Ok(sign_in::get(conn)?)).await?;
    guard.begin(sign_in.as_ref());
    Ok(account)
}
