//! Where a client's profile lives and who guards it: what unlocking, background work and signing in need besides the core.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use curo_store::{Footprint, KeyVault, Store, StoreError};
use curo_types::ProfileId;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::error::Fault;
use crate::guard::Guard;

/// Shared by the clones of a client.
pub(crate) struct Home {
    pub(crate) root: PathBuf,
    pub(crate) profile: ProfileId,
    pub(crate) footprint: Footprint,
    pub(crate) vault: Arc<dyn KeyVault>,
    pub(crate) guard: Arc<Guard>,
    /// The store is closed because the app went to the background, and was not locked.
    pub(crate) suspended: AtomicBool,
    /// Held by whoever opens the profile aside, so that the lease is not in its own way.
    aside: Mutex<()>,
    /// What pushes for this profile bear; here too, because the store is closed when one comes.
    push: StdMutex<Option<[u8; 16]>>,
    /// Ends what is done aside when a person comes.
    interrupt: StdMutex<CancellationToken>,
}

impl Home {
    pub(crate) fn new(
        root: PathBuf,
        profile: ProfileId,
        footprint: Footprint,
        vault: Arc<dyn KeyVault>,
        guard: Arc<Guard>,
    ) -> Self {
        Self {
            root,
            profile,
            footprint,
            vault,
            guard,
            suspended: AtomicBool::new(false),
            aside: Mutex::new(()),
            push: StdMutex::default(),
            interrupt: StdMutex::default(),
        }
    }

    /// Opens the store beside the client's own, which is closed: none of the client's handles reaches it. One at a time;
    /// close it ([`Store::suspend`]) before the turn is dropped. The token is cancelled when a person wants the store.
    pub(crate) async fn open_aside(&self) -> Result<(Store, Turn<'_>), Fault> {
        let guard = self.aside.lock().await;
        let interrupted = CancellationToken::new();
        *self.interrupt.lock().unwrap_or_else(PoisonError::into_inner) = interrupted.clone();
        let store = Store::open_as(&self.root, self.profile, &*self.vault, self.footprint).await?;
        Ok((
            store,
            Turn {
                interrupted,
                _guard: guard,
            },
        ))
    }

    /// Whether a push that bears this token is for this profile.
    pub(crate) fn is_push_token(&self, token: &str) -> bool {
        let held = self.push.lock().unwrap_or_else(PoisonError::into_inner);
        held.is_some_and(|held| push_text(&held) == token)
    }

    /// The token that pushes bear from now on.
    pub(crate) fn set_push_token(&self, token: Option<[u8; 16]>) {
        *self.push.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }

    /// A person is there: what is done aside ends.
    pub(crate) fn interrupt(&self) {
        self.interrupt.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }

    /// Ends what is done aside, and opens `store`, the client's own.
    pub(crate) async fn open_own(&self, store: &Store) -> Result<(), StoreError> {
        self.interrupt();
        let _turn = self.aside.lock().await;
        store.unlock(&*self.vault).await
    }
}

/// Whose turn it is to open the profile aside.
pub(crate) struct Turn<'a> {
    pub(crate) interrupted: CancellationToken,
    _guard: tokio::sync::MutexGuard<'a, ()>,
}

/// A push token as text, as the gateway gets it: base64url without padding.
pub(crate) fn push_text(token: &[u8; 16]) -> String {
    URL_SAFE_NO_PAD.encode(token)
}
