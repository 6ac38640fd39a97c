//! A store that fails once, at a chosen access, and one that measures what is written.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use curo_mls::{MemoryStore, MlsStore, StoreFault};

pub(crate) struct FailsOnce<'a> {
    inner: &'a MemoryStore,
    left: Cell<Option<usize>>,
    retryable: bool,
    later: Cell<usize>,
}

impl<'a> FailsOnce<'a> {
    /// Fails at access number `at`, counted from zero over reads, writes and deletes, and at no other.
    pub(crate) fn new(inner: &'a MemoryStore, at: usize, retryable: bool) -> Self {
        Self {
            inner,
            left: Cell::new(Some(at)),
            retryable,
            later: Cell::new(0),
        }
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.left.get().is_none()
    }

    /// How often the store was used after it had failed.
    pub(crate) fn used_later(&self) -> usize {
        self.later.get()
    }

    fn count(&self) -> Result<(), StoreFault> {
        match self.left.get() {
            Some(0) => {
                self.left.set(None);
                let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
                Err(if self.retryable {
                    StoreFault::retryable(full)
                } else {
                    StoreFault::permanent(full)
                })
            }
            Some(left) => {
                self.left.set(Some(left - 1));
                Ok(())
            }
            None => {
                self.later.set(self.later.get() + 1);
                Ok(())
            }
        }
    }
}

impl MlsStore for FailsOnce<'_> {
    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        self.count()?;
        self.inner.get(table, key)
    }

    fn put(&self, table: &'static str, key: &[u8], value: &[u8]) -> Result<(), StoreFault> {
        self.count()?;
        self.inner.put(table, key, value)
    }

    fn delete(&self, table: &'static str, key: &[u8]) -> Result<(), StoreFault> {
        self.count()?;
        self.inner.delete(table, key)
    }
}

/// Notes how long the last value written to each table was.
pub(crate) struct Measures<'a> {
    inner: &'a MemoryStore,
    lengths: RefCell<BTreeMap<&'static str, usize>>,
}

impl<'a> Measures<'a> {
    pub(crate) fn new(inner: &'a MemoryStore) -> Self {
        Self {
            inner,
            lengths: RefCell::default(),
        }
    }

    pub(crate) fn last(&self, table: &'static str) -> usize {
        self.lengths.borrow()[table]
    }
}

impl MlsStore for Measures<'_> {
    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        self.inner.get(table, key)
    }

    fn put(&self, table: &'static str, key: &[u8], value: &[u8]) -> Result<(), StoreFault> {
        self.lengths.borrow_mut().insert(table, value.len());
        self.inner.put(table, key, value)
    }

    fn delete(&self, table: &'static str, key: &[u8]) -> Result<(), StoreFault> {
        self.inner.delete(table, key)
    }
}
