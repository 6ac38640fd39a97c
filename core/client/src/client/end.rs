//! How a profile's opening ends: closed for others to open, or erased for good.

use std::path::Path;

use curo_store::{KeyVault, Store};
use curo_types::ProfileId;

use super::Client;
use crate::error::{Fault, Result};

impl Client {
    /// Destroys the profile: first the key in the vault, which makes the files unreadable, then the files. Unsent messages
    /// are lost. Harmless to repeat.
    ///
    /// # Errors
    /// `vault_not_ready`, `vault_user_auth_needed`, or the file system's; then repeat it.
    pub async fn erase(&self) -> Result<()> {
        self.core.observe.session(|session| session.locked = true);
        self.stop().await;
        let erased = self.core.db.store().erase(&*self.home.vault).await;
        self.core.db.forget_groups();
        if erased.is_ok() {
            self.core.observe.session(|session| session.wiped = true);
        }
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

    /// Stops and closes in good order, so that another process or client may open the store. This client is at its end:
    /// every call answers `closed`, and whoever watches is woken. Harmless to repeat.
    ///
    /// # Errors
    /// The database's.
    pub async fn close(&self) -> Result<()> {
        self.core.observe.session(|session| session.closed = true);
        self.stop().await;
        self.core.db.end();
        let closed = self.core.db.store().suspend().await;
        self.core.db.forget_groups();
        self.core.relay.forget_token().await;
        Ok(closed.map_err(Fault::from)?)
    }
}
