//! A store in memory: for tests of anything above the engine, and for the public state that a follower keeps.
//!
//! Not for private keys outside tests: nothing is encrypted.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::{MlsStore, StoreFault};

type Rows = BTreeMap<(&'static str, Vec<u8>), Vec<u8>>;

/// Rows in memory, with transactions by snapshot so that tests keep the discipline of a database.
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Default, Clone)]
struct State {
    rows: Rows,
    before: Option<Rows>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a transaction. Beginning again forgets the earlier beginning.
    pub fn begin(&self) {
        let mut state = self.state();
        state.before = Some(state.rows.clone());
    }

    /// Keeps what was written since [`begin`](Self::begin).
    pub fn commit(&self) {
        self.state().before = None;
    }

    /// Drops what was written since [`begin`](Self::begin); without one, nothing happens.
    pub fn rollback(&self) {
        let mut state = self.state();
        if let Some(before) = state.before.take() {
            state.rows = before;
        }
    }

    /// A copy with the rows as they are now: what a process would find after a crash, or a restored backup.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self {
            state: Mutex::new(State {
                rows: self.state().rows.clone(),
                before: None,
            }),
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.state().rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shows every row in the order of table and key.
    pub(crate) fn for_each(&self, mut show: impl FnMut(&'static str, &[u8], &[u8])) {
        for ((table, key), value) in &self.state().rows {
            show(table, key, value);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is a single call on the map, so a panic elsewhere cannot leave it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MlsStore for MemoryStore {
    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        Ok(self.state().rows.get(&(table, key.to_vec())).cloned())
    }

    fn put(&self, table: &'static str, key: &[u8], value: &[u8]) -> Result<(), StoreFault> {
        self.state().rows.insert((table, key.to_vec()), value.to_vec());
        Ok(())
    }

    fn delete(&self, table: &'static str, key: &[u8]) -> Result<(), StoreFault> {
        self.state().rows.remove(&(table, key.to_vec()));
        Ok(())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} rows)", self.len())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_undoes_writes_and_deletes() {
        let store = MemoryStore::new();
        store.put("tree", b"a", b"1").unwrap();
        store.begin();
        store.put("tree", b"a", b"2").unwrap();
        store.put("context", b"a", b"3").unwrap();
        store.rollback();
        assert_eq!(store.get("tree", b"a").unwrap().unwrap(), b"1");
        assert_eq!(store.get("context", b"a").unwrap(), None);
        store.begin();
        store.delete("tree", b"a").unwrap();
        store.commit();
        store.rollback();
        assert!(store.is_empty());
    }
}
