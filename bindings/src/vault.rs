//! The app's key vault: AndroidKeyStore, Keychain, or whatever else keeps a key.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use curo::{ProfileId, StoreKey, VaultError};
use curo_types::ErrorCode;
use zeroize::Zeroizing;

use crate::error::{CuroError, Result};
use crate::reply::{Asked, Slot};
use crate::runtime::contained;

/// How long a vault may take: a person may be looking for their glasses.
const DEADLINE: Duration = Duration::from_secs(120);

/// When a vault may be asked for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum VaultMode {
    /// Whenever the device has been unlocked since it was started: also for background work while the app is locked.
    Background,
    /// Only with the user in front: asking may show a prompt, so background work does not ask.
    UserPresence,
}

/// Why a vault gives no key. Only the last two mean that it is gone; a vault that is unsure says `NotReady`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum VaultFailure {
    /// It cannot be read now, for instance before the first unlock after a boot. Asked again later.
    NotReady,
    /// The user must authenticate first.
    UserAuthNeeded,
    /// The key was there and can never be read again.
    Invalidated,
    /// No key is stored under this name.
    Missing,
}

/// Keeps the keys of the stores on this device. The app implements it.
///
/// Every method returns at once and answers through its reply, once, from any thread and at any time within two minutes. A
/// reply that is let go of without an answer, and an exception, count as NotReady. Methods are called from threads of the
/// library, several at a time.
#[uniffi::export(foreign)]
pub trait KeyVault: Send + Sync {
    /// When it may be asked. Asked for once; always the same.
    fn mode(&self) -> Result<VaultMode>;

    /// Answers with the key of 48 bytes that is stored under this name.
    fn load_key(&self, name: ProfileId, reply: Arc<KeyReply>) -> Result<()>;

    /// Makes a new key (see new_store_key), stores it durably and answers with it. If one is stored under this name already,
    /// answers with that one and changes nothing; one that cannot be read is a failure and is never replaced.
    fn create_key(&self, name: ProfileId, reply: Arc<KeyReply>) -> Result<()>;

    /// Destroys the key that is stored under this name, for good. Without one, answers that it is done.
    fn destroy_key(&self, name: ProfileId, reply: Arc<DoneReply>) -> Result<()>;
}

/// Takes a vault's answer to being asked for a key.
#[derive(uniffi::Object)]
pub struct KeyReply(Slot<Result<StoreKey, VaultError>>);

#[uniffi::export]
impl KeyReply {
    /// Answers with the key. False: it came too late, or another answer was there before. Fails with invalid_argument where
    /// the key has not 48 bytes; another answer may then follow.
    pub fn complete(&self, key: Vec<u8>) -> Result<bool> {
        let key = Zeroizing::new(key);
        contained(|| {
            let bytes = <&[u8; StoreKey::LEN]>::try_from(key.as_slice()).map_err(|_| CuroError::invalid())?;
            Ok(self.0.answer(Ok(StoreKey::from_bytes(bytes))))
        })
    }

    /// Answers that there is no key. False: it came too late, or another answer was there before.
    pub fn fail(&self, reason: VaultFailure) -> Result<bool> {
        contained(|| Ok(self.0.answer(Err(reason.into()))))
    }
}

/// Takes a vault's answer to being asked to destroy a key.
#[derive(uniffi::Object)]
pub struct DoneReply(Slot<Result<(), VaultError>>);

#[uniffi::export]
impl DoneReply {
    /// Answers that it is done. False: it came too late, or another answer was there before.
    pub fn complete(&self) -> Result<bool> {
        contained(|| Ok(self.0.answer(Ok(()))))
    }

    /// Answers that it could not be done; the key may still be there. False: it came too late, or another answer was there
    /// before.
    pub fn fail(&self, reason: VaultFailure) -> Result<bool> {
        contained(|| Ok(self.0.answer(Err(reason.into()))))
    }
}

/// Makes a new random key of 48 bytes for a vault to keep.
#[uniffi::export]
pub fn new_store_key() -> Result<Vec<u8>> {
    contained(|| {
        let key = StoreKey::generate().map_err(|_| CuroError::new(&ErrorCode::INTERNAL))?;
        Ok(key.expose().to_vec())
    })
}

/// The app's vault as the client knows vaults.
pub(crate) struct AppVault {
    asked: Asked<dyn KeyVault>,
    mode: curo::VaultMode,
}

impl AppVault {
    pub(crate) async fn new(vault: Arc<dyn KeyVault>) -> Self {
        Self::with_deadline(vault, DEADLINE).await
    }

    pub(crate) async fn with_deadline(vault: Arc<dyn KeyVault>, deadline: Duration) -> Self {
        let for_mode = Arc::clone(&vault);
        let mode = tokio::time::timeout(deadline, tokio::task::spawn_blocking(move || for_mode.mode())).await;
        Self {
            asked: Asked::new(vault, deadline),
            mode: match mode {
                Ok(Ok(Ok(VaultMode::Background))) => curo::VaultMode::Background,
                // The stricter one, where it does not say.
                _ => curo::VaultMode::UserPresence,
            },
        }
    }

    pub(crate) fn end(&self) {
        self.asked.end();
    }

    async fn ask<T, C>(&self, call: C) -> Result<T, VaultError>
    where
        T: Send + 'static,
        C: FnOnce(&(dyn KeyVault + 'static), Slot<Result<T, VaultError>>) -> Result<()> + Send + 'static,
    {
        self.asked.ask(call).await.unwrap_or(Err(VaultError::NotReady))
    }
}

#[async_trait]
impl curo::KeyVault for AppVault {
    fn mode(&self) -> curo::VaultMode {
        self.mode
    }

    async fn load(&self, profile: &ProfileId) -> Result<StoreKey, VaultError> {
        let name = *profile;
        self.ask(move |app, slot| app.load_key(name, Arc::new(KeyReply(slot))))
            .await
    }

    async fn create(&self, profile: &ProfileId) -> Result<StoreKey, VaultError> {
        let name = *profile;
        self.ask(move |app, slot| app.create_key(name, Arc::new(KeyReply(slot))))
            .await
    }

    async fn destroy(&self, profile: &ProfileId) -> Result<(), VaultError> {
        let name = *profile;
        self.ask(move |app, slot| app.destroy_key(name, Arc::new(DoneReply(slot))))
            .await
    }
}

impl From<VaultFailure> for VaultError {
    fn from(failure: VaultFailure) -> Self {
        match failure {
            VaultFailure::NotReady => Self::NotReady,
            VaultFailure::UserAuthNeeded => Self::UserAuthNeeded,
            VaultFailure::Invalidated => Self::Invalidated,
            VaultFailure::Missing => Self::Missing,
        }
    }
}

#[cfg(test)]
mod tests;
