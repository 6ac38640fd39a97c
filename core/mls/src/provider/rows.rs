//! Single rows: encoded, latched, wiped.
//!
//! Knows the store and the codec; which entity lies where is the business of the storage trait's implementation.

use openmls_traits::storage::{CURRENT_VERSION, Entity, Key};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::Storage;
use super::codec::{decode, encode};
use crate::store::{StoreFault, table};

/// What OpenMLS is told when the store fails. The fault itself is in the latch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key store failed")]
pub(crate) struct Latched;

pub(super) type Row<T> = Result<T, Latched>;

/// One row with everything that OpenMLS appends under a key, as the encodings of the items.
pub(super) type List<T> = Vec<T>;

impl Storage<'_> {
    /// Runs one access of the store, unless an earlier one failed, and latches the first fault.
    fn access<T>(&self, run: impl FnOnce() -> Result<T, StoreFault>) -> Row<T> {
        if self.latched.get() {
            return Err(Latched);
        }
        run().map_err(|fault| {
            self.latched.set(true);
            self.fault.replace(Some(fault));
            Latched
        })
    }

    pub(super) fn write(
        &self,
        table: &'static str,
        key: &impl Serialize,
        value: &(impl Serialize + ?Sized),
    ) -> Row<()> {
        self.access(|| self.store.put(table, &encode(key)?, &encode(value)?))
    }

    pub(super) fn read<T: DeserializeOwned>(&self, table: &'static str, key: &impl Serialize) -> Row<Option<T>> {
        self.access(|| match self.store.get(table, &encode(key)?)?.map(Zeroizing::new) {
            Some(bytes) => decode(&bytes).map(Some),
            None => Ok(None),
        })
    }

    pub(super) fn erase(&self, table: &'static str, key: &impl Serialize) -> Row<()> {
        self.access(|| self.store.delete(table, &encode(key)?))
    }

    /// Bytes of an item of a list row. Items are leaf nodes and proposals, which are public.
    pub(super) fn item(&self, value: &impl Serialize) -> Row<Vec<u8>> {
        self.access(|| encode(value).map(|bytes| bytes.to_vec()))
    }

    pub(super) fn open<T: DeserializeOwned>(&self, item: &[u8]) -> Row<T> {
        self.access(|| decode(item))
    }

    /// Queued proposals of a group with their references, as encodings.
    pub(super) fn proposals(&self, group_id: &impl Key<CURRENT_VERSION>) -> Row<List<(Vec<u8>, Vec<u8>)>> {
        Ok(self.read(table::PROPOSALS, group_id)?.unwrap_or_default())
    }

    /// Whether a row is there, for the few questions that OpenMLS does not answer itself.
    pub(crate) fn has_row(&self, table: &'static str, key: &impl Key<CURRENT_VERSION>) -> Row<bool> {
        self.access(|| Ok(self.store.get(table, &encode(key)?)?.map(Zeroizing::new).is_some()))
    }

    pub(crate) fn signature_row<E: Entity<CURRENT_VERSION>>(&self, key: &impl Key<CURRENT_VERSION>) -> Row<Option<E>> {
        self.read(table::SIGNATURE_KEYS, key)
    }
}
