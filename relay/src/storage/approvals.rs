//! Arguments and outcomes around devices that wait for an approval.

use async_trait::async_trait;
use curo_types::{DeviceId, TenantId, UserId};

use super::StorageError;
use super::directory::{DeviceRef, DirectoryLimits};

/// A device that asks to be approved by another one of its user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AskingDevice {
    /// The device.
    pub device: DeviceRef,
    /// When it asked first.
    pub asked_ms: u64,
    /// The envelope as it has submitted it.
    pub envelope: Vec<u8>,
}

/// What became of asking.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ApprovalOutcome {
    /// It waits.
    Waiting {
        /// Devices that have news now; none of a repetition.
        wake: Vec<DeviceId>,
    },
    /// Another device of the user has refused it.
    Refused,
    /// The device id is taken by other bytes.
    DeviceExists,
    /// Too many have asked in 24 hours.
    RateLimited {
        /// Milliseconds until there is room for one more.
        retry_after_ms: u64,
    },
}

/// The part of the relay's storage that keeps devices which wait for an approval.
#[async_trait]
pub trait Approvals {
    /// The directory version after which a later device of a user needs the approval of another one (2.11). With `require`
    /// the tenant asks for it from now on, unless it did before; it never ends.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn approval_since(&self, tenant: &TenantId, require: bool) -> Result<Option<u64>, StorageError>;

    /// Notes that a device asks for an approval, and tells the other devices of its user, the first time.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn ask_approval(
        &self,
        tenant: &TenantId,
        asking: AskingDevice,
        limits: DirectoryLimits,
    ) -> Result<ApprovalOutcome, StorageError>;

    /// The devices of a user that wait for an approval, by time of asking.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn waiting_devices(&self, tenant: &TenantId, user: UserId) -> Result<Vec<AskingDevice>, StorageError>;

    /// Refuses a waiting device for good. False: the user has none of that name.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn refuse_device(&self, tenant: &TenantId, device: DeviceRef) -> Result<bool, StorageError>;
}
