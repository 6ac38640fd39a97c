//! Lock and unlock: what happens to key, database and memory in between.

use super::Client;
use crate::error::{Error, Fault, Result};

impl Client {
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
        // First: from now on nothing is shown, and snapshots are forgotten.
        self.core.observe.session(|session| session.locked = true);
        self.stop().await;
        // The store first: a write that is still queued loads groups, and waiting for a token provider must not keep it open.
        let locked = self.core.db.store().lock().await;
        self.core.db.forget_groups();
        self.core.relay.forget_token().await;
        Ok(locked.map_err(Fault::from)?)
    }

    /// Opens the store again with the vault's key. Call [`Client::start`] afterwards.
    ///
    /// # Errors
    /// As [`Client::open`]; `closed` after [`Client::close`].
    pub async fn unlock(&self) -> Result<()> {
        if let Some(code) = self.core.observe.ended() {
            return Err(Error::new(code));
        }
        self.core.db.store().unlock(&*self.vault).await.map_err(Fault::from)?;
        self.core
            .observe
            .session(|session| session.locked = self.core.db.store().is_locked());
        Ok(())
    }

    /// Whether the store is locked.
    pub fn is_locked(&self) -> bool {
        self.core.db.store().is_locked()
    }
}
