//! A change of the store's keys, as an app asks for it.

use super::Client;
use crate::detached::detached;
use crate::error::{Fault, Result};

impl Client {
    /// Gives the store a new key and salt, for instance after a change of the device's passcode or by a tenant's schedule.
    /// The background tasks stop and start again; in between calls are refused with `locked`. Takes as long as copying the
    /// database does, and needs as much space again.
    ///
    /// Once called it runs to its end. A kill at any moment leaves the store with its old key or with its new one.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client) -> curo::Result<()> {
    /// client.rekey().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `locked`, `storage_full`, `vault_not_ready`, `vault_user_auth_needed`, `busy` (another process was quicker to take
    /// the store). The store is open with its old key then, or [`Client::is_locked`].
    pub async fn rekey(&self) -> Result<()> {
        let client = self.clone();
        detached(async move { client.rekey_now().await }).await
    }

    async fn rekey_now(&self) -> Result<()> {
        let started = self.tasks.lock().await.is_some();
        self.stop().await;
        let changed = self.core.db.store().rekey(&*self.home.vault).await;
        self.core.db.forget_groups();
        self.core
            .observe
            .session(|session| session.locked = self.core.db.store().is_locked());
        if started && !self.is_locked() {
            self.start().await?;
        }
        Ok(changed.map_err(Fault::from)?)
    }
}
