//! The client: its opening and its end. Everything else that it can do stands in the modules below, by task.

mod background;
mod conversations;
mod devices;
mod lock;
mod people;
mod session;
mod watch;

use std::sync::Arc;

use crate::access::AccessContext;
use crate::error::{CuroError, Result};
use crate::held::Held;
use crate::options::ClientOptions;
use crate::runtime::{change, contained};
use crate::tokens::{AppTokens, TokenProvider};
use crate::vault::{AppVault, KeyVault};

/// A profile's messaging. Reading and queuing work offline and before start; calls that change something are durable when
/// they return, and finish once entered, whatever becomes of their caller.
#[derive(uniffi::Object)]
pub struct Client {
    inner: Held<curo::Client>,
    app: Arc<App>,
}

/// What the app has lent to the client, until its end.
struct App {
    vault: Arc<AppVault>,
    tokens: Arc<AppTokens>,
}

impl App {
    fn end(&self) {
        self.vault.end();
        self.tokens.end();
    }
}

#[uniffi::export]
impl Client {
    /// Opens a profile's store, or makes the first one. Does not touch the network.
    ///
    /// Fails with invalid_argument (the relay's address is not plain https, a proxy's not plain http, fewer than two different
    /// pins, several profiles and none chosen), busy (in use by another process or client), store_missing, store_unreadable,
    /// store_newer, storage_full, vault_not_ready, vault_user_auth_needed. Whatever is refused is left as it was.
    #[uniffi::constructor]
    pub async fn open(
        options: ClientOptions,
        vault: Arc<dyn KeyVault>,
        tokens: Arc<dyn TokenProvider>,
    ) -> Result<Arc<Self>> {
        change(async move {
            let options = options.into_core()?;
            let app = Arc::new(App {
                vault: Arc::new(AppVault::new(vault).await),
                tokens: Arc::new(AppTokens::new(tokens)),
            });
            let (for_store, for_relay) = (Arc::clone(&app.vault), Arc::clone(&app.tokens));
            match curo::Client::open(options, for_store, for_relay).await {
                Ok(client) => Ok(Arc::new(Self {
                    inner: Held::new(client),
                    app,
                })),
                Err(error) => {
                    app.end();
                    Err(CuroError::from(error))
                }
            }
        })
        .await
    }

    /// Stops and closes in good order, so that another process or client may open the store. Lets go of the vault and the
    /// token provider, and wakes whoever waits; from then on every call fails with closed. Harmless to repeat.
    pub async fn end(&self) -> Result<()> {
        let (client, app) = (self.inner(), Arc::clone(&self.app));
        change(async move {
            // First, or a call that waits for an answer of the app would hold up the end.
            app.end();
            client.close().await
        })
        .await
    }

    /// Destroys the profile: first the key in the vault, which makes the files unreadable, then the files. What is not sent is
    /// lost. Harmless to repeat. Fails with vault_not_ready, vault_user_auth_needed, or for the file system; then repeat it.
    pub async fn erase(&self) -> Result<()> {
        let client = self.inner();
        change(async move { client.erase().await }).await
    }

    /// The same client for calls that are made for another reason than treatment, in a role, for somebody else, or to
    /// disclose. Handles that come from it carry the same reason. Fails with invalid_argument where a text is over its limit.
    pub fn with_access(&self, access: AccessContext) -> Result<Arc<Self>> {
        contained(|| {
            Ok(Arc::new(Self {
                inner: Held::new(self.inner.with_access(access.into_core()?)?),
                app: Arc::clone(&self.app),
            }))
        })
    }

    /// The reason that calls on this handle are made for; none counts as treatment.
    pub fn access(&self) -> Result<Option<AccessContext>> {
        contained(|| Ok(self.inner.access().map(AccessContext::from)))
    }
}

impl Client {
    /// A handle for a task of its own.
    pub(crate) fn inner(&self) -> curo::Client {
        curo::Client::clone(&self.inner)
    }
}

#[cfg(test)]
mod tests;
