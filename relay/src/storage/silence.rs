//! Arguments and outcomes around devices that were silent for long (`docs/protocol.md` 6.3).

use async_trait::async_trait;
use curo_types::{DeviceId, TenantId, UserId};

use super::error::StorageError;

/// When a device counts as silent (6.3).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Silence {
    /// How long the relay must have been there without a call of it.
    pub for_ms: u64,
    /// Users whose devices never count as silent: those whom the tenant's policy wants in every conversation.
    pub spared: Vec<UserId>,
}

/// What became of leaves of silent devices.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SilentMarked {
    /// How many wait to be removed from now on.
    pub marked: u64,
    /// Where the next page begins, if there may be more.
    pub next: Option<(u64, DeviceId)>,
}

/// The part of the relay's storage that knows who was silent.
#[async_trait]
pub trait Silences {
    /// Notes that the relay is there. Between two notes that lie an hour or more apart it was not, and nobody was silent then (6.3);
    /// unless the caller knows that it was there `all_along`.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn note_present(&self, all_along: bool, now_ms: u64) -> Result<(), StorageError>;

    /// Marks leaves of devices that have been silent for so long, and came in before that, as waiting to be removed (6.3): in live
    /// conversations, at most [`AuthenticatedData::NAMED_LIMIT`](curo_types::format::AuthenticatedData::NAMED_LIMIT) in each at a
    /// time. Looks at one page of devices, from where the answer before said. [`Storage::touch_device`](super::Storage::touch_device) takes a device's marks away.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn mark_silent(
        &self,
        tenant: &TenantId,
        silence: &Silence,
        after: Option<(u64, DeviceId)>,
        now_ms: u64,
    ) -> Result<SilentMarked, StorageError>;
}
