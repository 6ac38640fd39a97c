//! What a store does with its keys while it is open: changes them, and seals the profile's card.

use curo_sqlite::Mode;
use zeroize::Zeroizing;

use super::{Inner, State, Store};
use crate::offload::offload;
use crate::unseal::{Opened, unseal_leased};
use crate::{KeyVault, StoreError, lease, rekey};

impl Store {
    /// Gives the store a new key and a new salt, and opens it with them. Until then calls are refused with
    /// [`StoreError::Locked`], as entered ones finish. Needs as much space again as the database has.
    ///
    /// A kill at any moment leaves the store with its old key or with its new one; the next opening removes the other.
    /// Dropping the future is such a kill, except that the store is locked.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Full`], [`StoreError::Vault`], [`StoreError::Busy`] if another process was
    /// quicker to take the store; otherwise as [`Store::open`]. Ask [`Store::is_locked`] whether it is open again; the key
    /// may have been changed all the same.
    pub async fn rekey(&self, vault: &dyn KeyVault) -> Result<(), StoreError> {
        let _turn = self.inner.transitions.lock().await;
        drop(self.opened()?);
        let Some(database) = self.take() else {
            return Err(StoreError::Locked);
        };
        // Whatever the last checkpoint met, the WAL is beside the file and the copy reads both.
        drop(database.close().await);
        drop(database);
        self.inner.closed();
        let Inner {
            files,
            profile,
            footprint,
            ..
        } = &*self.inner;
        let lease_file = files.lease();
        let lease = offload(move || lease::take(&lease_file)).await??;
        let changed = rekey::rekey(files, profile, vault).await;
        let opened = unseal_leased(files, *profile, vault, Mode::Existing, *footprint, lease).await;
        if let Ok(opened) = &opened {
            *self.inner.state() = State::Open(opened.clone());
        }
        changed.and(opened.map(drop))
    }

    /// What the profile's card says; `None` without one.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Io`].
    pub async fn card(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let Opened { slot, card, .. } = self.opened()?;
        let (path, profile) = (self.inner.files.card(slot), self.inner.profile);
        offload(move || card.open(&path, &profile)).await?
    }

    /// Replaces the profile's card, at most 510 bytes, which [`Profiles::card`](crate::Profiles::card) reads without
    /// opening the store. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::Locked`]; [`StoreError::Io`], also for a text that is too long.
    pub async fn set_card(&self, text: Vec<u8>) -> Result<(), StoreError> {
        let _turn = self.inner.transitions.lock().await;
        let Opened { slot, card, .. } = self.opened()?;
        let (path, profile) = (self.inner.files.card(slot), self.inner.profile);
        offload(move || card.seal(&path, &profile, &text)).await?
    }
}
