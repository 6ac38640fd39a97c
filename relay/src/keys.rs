//! A tenant's two Ed25519 keys: the directory key vouches for devices and for the log key, the log key signs tips.
//!
//! They are made at the tenant's first start and live in the encrypted database.

use curo_types::api::KnownAccount;
use curo_types::format::{AccountStatement, Envelope, LogKeyStatement, SignedTip};
use curo_types::{Blob, Digest, StoreId, TenantId, UserId};
use ed25519_dalek::SigningKey;

use crate::storage::{Storage, StorageError, TenantKeys, Tip};

/// What signs for one tenant. `SigningKey` wipes itself on drop.
pub(crate) struct TenantSigner {
    tenant: TenantId,
    directory: SigningKey,
    log: SigningKey,
}

/// Why the keys could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("the operating system gives no randomness")]
    Randomness,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl TenantSigner {
    /// The tenant's keys from the store, which keeps new ones at the first time.
    pub(crate) async fn load(storage: &dyn Storage, tenant: &TenantId, now_ms: u64) -> Result<Self, KeyError> {
        let mut fresh = TenantKeys {
            directory: [0; 32],
            log: [0; 32],
        };
        getrandom::fill(&mut fresh.directory).map_err(|_| KeyError::Randomness)?;
        getrandom::fill(&mut fresh.log).map_err(|_| KeyError::Randomness)?;
        let keys = storage.tenant_keys(tenant, fresh, now_ms).await?;
        Ok(Self {
            tenant: tenant.clone(),
            directory: SigningKey::from_bytes(&keys.directory),
            log: SigningKey::from_bytes(&keys.log),
        })
    }

    /// The public directory key, which devices pin.
    pub(crate) fn directory_key(&self) -> Digest {
        Digest(self.directory.verifying_key().to_bytes())
    }

    /// The public log key.
    pub(crate) fn log_public(&self) -> Digest {
        Digest(self.log.verifying_key().to_bytes())
    }

    /// The public log key, vouched for by the directory key.
    pub(crate) fn log_key(&self) -> LogKeyStatement {
        let log_key = self.log_public();
        LogKeyStatement::sign(&self.directory, self.tenant.clone(), log_key)
    }

    /// Vouches for who a subject is, in case this store is lost (2.23).
    pub(crate) fn account(&self, user: UserId, subject: &str) -> Blob {
        let tenant = &self.tenant;
        AccountStatement { tenant, user, subject }.sign(&self.directory)
    }

    /// Whether the subject was this user, on the directory key's own word.
    pub(crate) fn was(&self, known: &KnownAccount, subject: &str) -> bool {
        let statement = AccountStatement {
            tenant: &self.tenant,
            user: known.user,
            subject,
        };
        statement
            .verify(&self.directory_key(), known.statement.as_slice())
            .is_ok()
    }

    /// Vouches for an envelope.
    pub(crate) fn sign_envelope(&self, envelope: &mut Envelope) {
        envelope.sign_as_directory(&self.directory);
    }

    /// Signs the tip of an entry that is durable (2.6).
    pub(crate) fn sign_tip(&self, store: StoreId, tip: Tip, now_ms: u64) -> SignedTip {
        let Tip {
            conversation,
            incarnation,
            seq,
            h,
        } = tip;
        SignedTip::sign(
            &self.log,
            store,
            self.tenant.clone(),
            conversation,
            incarnation,
            seq,
            h,
            now_ms,
        )
    }
}
