//! Where a store's key lives: a small trait for the platform's key store, and a file for tests and tools.

mod file;

use async_trait::async_trait;
use curo_types::ProfileId;

use crate::StoreKey;

pub use file::FileVault;

/// When a vault may be asked for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VaultMode {
    /// Whenever the device has been unlocked since it was started: also for background work while the app is locked.
    #[default]
    Background,
    /// Only with the user in front: asking may show a prompt, so background work does not ask.
    UserPresence,
}

/// Keeps a profile's [`StoreKey`]: AndroidKeyStore, Keychain, or a [`FileVault`].
///
/// A key's id is the profile's, or after a change of keys one that is derived from it; during the change there are two. The
/// store calls `create` and `destroy` only while it holds the profile's lease.
#[async_trait]
pub trait KeyVault: Send + Sync {
    /// When it may be asked. The same for the whole life of the value.
    fn mode(&self) -> VaultMode {
        VaultMode::Background
    }

    /// The stored key.
    ///
    /// # Errors
    /// See [`VaultError`].
    async fn load(&self, profile: &ProfileId) -> Result<StoreKey, VaultError>;

    /// Makes a new key and stores it durably before it returns. If one is stored already, returns that one and changes
    /// nothing, so that a creation which was killed half way can be repeated.
    ///
    /// # Errors
    /// See [`VaultError`]; a stored key that cannot be read is an error, never replaced.
    async fn create(&self, profile: &ProfileId) -> Result<StoreKey, VaultError>;

    /// Destroys the stored key for good. Without one, does nothing.
    ///
    /// # Errors
    /// See [`VaultError`]. On an error the key may still be there: call again.
    async fn destroy(&self, profile: &ProfileId) -> Result<(), VaultError>;
}

/// Why a vault gave no key. Only `Invalidated` and `Missing` mean that the key is gone, and thus that the app may offer
/// to erase and register anew; a vault that is unsure, for instance after an I/O error, answers `NotReady`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The vault cannot be read now, for instance before the first unlock after a boot. Retry later.
    #[error("the vault is not ready")]
    NotReady,
    /// The user must authenticate first.
    #[error("the user must authenticate")]
    UserAuthNeeded,
    /// The key was there and can never be read again.
    #[error("the key was invalidated")]
    Invalidated,
    /// No key is stored for this profile.
    #[error("no key is stored")]
    Missing,
}

impl VaultError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn retryable(self) -> bool {
        matches!(self, Self::NotReady | Self::UserAuthNeeded)
    }
}
