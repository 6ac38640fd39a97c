//! Revocations on the directory's word: of the device that asks for its own, of one too many, and by the operator.

use curo_types::format::{Action, Envelope, EnvelopeBody};
use curo_types::{DeviceId, Digest, TenantId};

use crate::backup;
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::keys::TenantSigner;
use crate::serve::open_storage;
use crate::storage::{DeviceRef, DeviceState, DirectoryChange, DirectoryLimits, DirectoryOutcome, Storage};

/// Attempts when other changes of the device come between.
const ATTEMPTS: usize = 5;

/// The change that revokes a device, signed by the tenant's directory key.
pub(crate) fn by_directory(signer: &TenantSigner, tenant: &TenantId, device: &DeviceState) -> DirectoryChange {
    let body = EnvelopeBody::revoke(tenant.clone(), device.user, device.device, device.envelope_hash);
    let mut envelope = Envelope::new(body);
    signer.sign_envelope(&mut envelope);
    let bytes = envelope.to_bytes();
    DirectoryChange {
        device: DeviceRef {
            user: device.user,
            device: device.device,
        },
        action: Action::Revoke,
        keys: Vec::new(),
        previous: Some(device.envelope_hash),
        request_hash: Digest::of(&bytes),
        envelope: bytes,
        approved_by: None,
    }
}

/// Why a device could not be revoked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// There is no data folder, or it cannot be used.
    #[error(transparent)]
    Start(#[from] crate::StartError),
    /// The configuration has no such tenant.
    #[error("the configuration has no such tenant")]
    Tenant,
    /// The tenant has no such device.
    #[error("the tenant has no such device")]
    Device,
    /// The storage is busy or broken; nothing was changed, or it was and the same call says so.
    #[error("the storage failed: {0}")]
    Storage(String),
}

/// Revokes a device of a tenant for good, by the operator's word: a lost or stolen phone. Works on the data folder, also
/// while a relay serves from it: calls of the device are refused at once, its live streams end with the next heartbeat.
/// Returns the directory version of the revocation, also of one that was there already.
///
/// # Errors
/// [`RevokeError`].
pub async fn revoke(config: &Config, tenant: &TenantId, device: DeviceId) -> Result<u64, RevokeError> {
    config.check().map_err(crate::StartError::from)?;
    if !config.tenants.iter().any(|known| known.id == *tenant) {
        return Err(RevokeError::Tenant);
    }
    if !config.data_dir.join(backup::DATABASE).is_file() {
        return Err(RevokeError::Device);
    }
    let storage = open_storage(config).await?;
    let version = revoke_in(storage.as_ref(), tenant, device).await;
    storage.close().await;
    version
}

async fn revoke_in(storage: &dyn Storage, tenant: &TenantId, device: DeviceId) -> Result<u64, RevokeError> {
    let failed = |error: &dyn std::fmt::Display| RevokeError::Storage(error.to_string());
    let now_ms = SystemClock.now_ms();
    let signer = TenantSigner::load(storage, tenant, now_ms)
        .await
        .map_err(|error| failed(&error))?;
    let bounds = DirectoryLimits {
        active: usize::MAX,
        additions_per_day: 0,
    };
    for _ in 0..ATTEMPTS {
        // No subject is empty: only the device is found.
        let found = storage.caller(tenant, "", Some(device)).await;
        let state = found.map_err(|error| failed(&error))?.device;
        let state = state.ok_or(RevokeError::Device)?;
        if !state.active {
            return Ok(state.version);
        }
        let change = by_directory(&signer, tenant, &state);
        let outcome = storage.change_directory(tenant, vec![change], bounds, now_ms).await;
        if let DirectoryOutcome::Accepted(versions) = outcome.map_err(|error| failed(&error))? {
            return versions.first().copied().ok_or(RevokeError::Device);
        }
    }
    Err(RevokeError::Storage("the device keeps changing".to_owned()))
}
