//! OpenMLS's provider over a borrowed [`MlsStore`]: the process's crypto, and a storage that latches its first error.
//!
//! OpenMLS reports a failed read or write of the store as a broken message or a missing key, which would make a full disk
//! look like an attack. So the storage keeps its first fault, answers every later call with a failure, and
//! [`Provider::settle`] reads the latch before OpenMLS's own verdict (rule 5.5).

mod codec;
mod rows;
mod storage;

use std::cell::{Cell, RefCell};

use openmls_rust_crypto::RustCrypto;
use openmls_traits::OpenMlsProvider;

pub(crate) use rows::Latched;

use crate::error::MlsError;
use crate::store::{MlsStore, StoreFault};
use crate::suite::crypto;

/// What OpenMLS gets for the time of one call.
pub(crate) struct Provider<'a> {
    storage: Storage<'a>,
}

/// Storage provider over the caller's transaction.
pub(crate) struct Storage<'a> {
    store: &'a dyn MlsStore,
    fault: RefCell<Option<StoreFault>>,
    latched: Cell<bool>,
}

impl<'a> Provider<'a> {
    pub(crate) fn new(store: &'a dyn MlsStore) -> Self {
        Self {
            storage: Storage {
                store,
                fault: RefCell::new(None),
                latched: Cell::new(false),
            },
        }
    }

    /// The storage fault if there was one, whatever `result` says; otherwise `result`.
    pub(crate) fn settle<T>(&self, result: Result<T, MlsError>) -> Result<T, MlsError> {
        match self.storage.fault.take() {
            Some(fault) => Err(MlsError::Storage(fault)),
            None => result,
        }
    }

    /// Stops a call in the middle if the storage has failed: before a judge is asked, before a verdict is drawn.
    pub(crate) fn check(&self) -> Result<(), MlsError> {
        self.settle(Ok(()))
    }
}

impl<'a> OpenMlsProvider for Provider<'a> {
    type CryptoProvider = RustCrypto;
    type RandProvider = RustCrypto;
    type StorageProvider = Storage<'a>;

    fn storage(&self) -> &Self::StorageProvider {
        &self.storage
    }

    fn crypto(&self) -> &Self::CryptoProvider {
        crypto()
    }

    fn rand(&self) -> &Self::RandProvider {
        crypto()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use std::cell::Cell;

    use openmls::prelude::GroupId;

    use super::*;
    use crate::store::table;

    /// Fails its first two reads, each with its own text, and counts all.
    struct Flaky(Cell<u8>);

    impl MlsStore for Flaky {
        fn get(&self, _: &'static str, _: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
            self.0.set(self.0.get() + 1);
            match self.0.get() {
                1 => Err(StoreFault::retryable("first")),
                2 => Err(StoreFault::permanent("second")),
                _ => Ok(None),
            }
        }

        fn put(&self, _: &'static str, _: &[u8], _: &[u8]) -> Result<(), StoreFault> {
            Ok(())
        }

        fn delete(&self, _: &'static str, _: &[u8]) -> Result<(), StoreFault> {
            Ok(())
        }
    }

    #[test]
    fn trap_p5_5_the_first_fault_is_latched_and_the_store_is_left_alone() {
        let store = Flaky(Cell::new(0));
        let provider = Provider::new(&store);
        let id = GroupId::from_slice(b"id");
        for _ in 0..4 {
            assert!(provider.storage().has_row(table::TREE, &id).is_err());
        }
        assert_eq!(store.0.get(), 1);
        // Whether OpenMLS calls it a success or the sender's fault.
        let error = provider.settle(Ok(())).unwrap_err();
        assert!(error.retryable());
        let MlsError::Storage(fault) = error else {
            panic!("{error:?}")
        };
        assert_eq!(fault.source.to_string(), "first");
        // Told once; the store is still not touched in this call.
        assert!(matches!(
            provider.settle::<()>(Err(MlsError::Undecryptable)),
            Err(MlsError::Undecryptable)
        ));
        assert!(provider.storage().has_row(table::TREE, &id).is_err());
        assert_eq!(store.0.get(), 1);
    }
}
