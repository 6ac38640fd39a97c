//! What a tenant may have at most, and what it has.

use async_trait::async_trait;
use curo_types::TenantId;

use super::StorageError;
use crate::config::Quota;

/// What a tenant has now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Conversations that not all have left.
    pub conversations: u64,
    /// Active devices.
    pub devices: u64,
    /// Bytes of messages and commits that are kept.
    pub stored_bytes: u64,
}

/// The part of the relay's storage that counts what tenants have. Nothing is accepted that would make it more than allowed, but
/// for commits.
#[async_trait]
pub trait Quotas {
    /// Sets what a tenant may have from now on. What it has beyond it stays.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn set_quota(&self, tenant: &TenantId, quota: Quota) -> Result<(), StorageError>;

    /// What a tenant has.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn usage(&self, tenant: &TenantId) -> Result<Usage, StorageError>;
}
