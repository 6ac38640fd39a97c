//! Locking, suspending, and the store's key.

use super::Client;
use crate::error::Result;
use crate::runtime::{change, contained};

#[uniffi::export]
impl Client {
    /// Wipes the key and empties every snapshot. Nothing is shown until unlock.
    pub async fn lock(&self) -> Result<()> {
        let client = self.inner();
        change(async move { client.lock().await }).await
    }

    /// Fetches the key from the vault and opens the store again. Fails with busy (another process has it), store_missing,
    /// vault_not_ready, vault_user_auth_needed, sign_in_needed (the session is over), closed.
    pub async fn unlock(&self) -> Result<()> {
        let client = self.inner();
        change(async move { client.unlock().await }).await
    }

    /// Whether it is locked now.
    pub fn is_locked(&self) -> Result<bool> {
        contained(|| Ok(self.inner.is_locked()))
    }

    /// Say so at each touch: the client locks by itself when there was none for long.
    pub fn note_user_activity(&self) -> Result<()> {
        contained(|| {
            self.inner.note_user_activity();
            Ok(())
        })
    }

    /// For an app that goes to the background: stops, waits for writes, and closes the store, so that no file lock is held when
    /// the system suspends the process. Every call fails with locked until resume.
    pub async fn suspend(&self) -> Result<()> {
        let client = self.inner();
        change(async move { client.suspend().await }).await
    }

    /// For an app that comes back to the front. Fails with locked where it has been away too long: then the person unlocks.
    pub async fn resume(&self) -> Result<()> {
        let client = self.inner();
        change(async move { client.resume().await }).await
    }

    /// Gives the whole store a new key. It finishes, or is finished at the next opening. Fails with busy, storage_full, locked,
    /// and for the vault.
    pub async fn rekey(&self) -> Result<()> {
        let client = self.inner();
        change(async move { client.rekey().await }).await
    }
}
