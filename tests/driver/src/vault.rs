//! A vault in files that can be told to fail as those of phones do.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use curo::{FileVault, KeyVault, ProfileId, StoreKey, VaultError, VaultMode};

use crate::args::{Outcome, bad};

/// A file vault with a mode, and with an answer of its own while it is told one.
pub(crate) struct Vault {
    files: FileVault,
    mode: VaultMode,
    refuses: Mutex<Option<VaultError>>,
}

impl Vault {
    /// A vault in the folder `keys`; the wrapping key is the file `wrapping.key` there.
    pub(crate) fn new(keys: &Path, mode: &str) -> Outcome<Self> {
        let mode = match mode {
            "background" => VaultMode::Background,
            "user_presence" => VaultMode::UserPresence,
            _ => return Err(bad("`mode` is background or user_presence")),
        };
        let no_vault = |error: std::io::Error| bad(format!("no vault: {error}"));
        std::fs::create_dir_all(keys).map_err(no_vault)?;
        let files = FileVault::with_key_file(keys, &keys.join("wrapping.key")).map_err(no_vault)?;
        Ok(Self {
            files,
            mode,
            refuses: Mutex::new(None),
        })
    }

    /// What it answers from now on: `key`, or one of the four errors.
    pub(crate) fn answer(&self, how: &str) -> Outcome<()> {
        let answer = match how {
            "key" => None,
            "not_ready" => Some(VaultError::NotReady),
            "user_auth_needed" => Some(VaultError::UserAuthNeeded),
            "invalidated" => Some(VaultError::Invalidated),
            "missing" => Some(VaultError::Missing),
            _ => {
                return Err(bad(
                    "`answers` is key, not_ready, user_auth_needed, invalidated or missing",
                ));
            }
        };
        *self.refuses.lock().unwrap_or_else(PoisonError::into_inner) = answer;
        Ok(())
    }

    fn look(&self) -> Result<(), VaultError> {
        match *self.refuses.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl KeyVault for Vault {
    fn mode(&self) -> VaultMode {
        self.mode
    }

    async fn load(&self, profile: &ProfileId) -> Result<StoreKey, VaultError> {
        self.look()?;
        self.files.load(profile).await
    }

    async fn create(&self, profile: &ProfileId) -> Result<StoreKey, VaultError> {
        self.look()?;
        self.files.create(profile).await
    }

    async fn destroy(&self, profile: &ProfileId) -> Result<(), VaultError> {
        self.look()?;
        self.files.destroy(profile).await
    }
}
