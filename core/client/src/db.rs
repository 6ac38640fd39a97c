//! The one way to the store: every write is a transaction that sees both the rows and the MLS engine, so that MLS state,
//! message, outbox and cursor commit together (design: one transaction an effect).
//!
//! The engine's loaded groups mirror the rows of the last commit. After any rollback they are dropped (rule 5.6).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use curo_mls::{MlsEngine, MlsStore, OpenMlsEngine, StoreFault};
use curo_store::{Stamp, Store, StoreTx};
use curo_types::ErrorCode;
use rusqlite::Connection;

use crate::error::Fault;
use crate::guard::Guard;

struct Slot {
    engine: Box<dyn MlsEngine>,
    stamp: Option<Stamp>,
}

/// Store and engine of one profile.
#[derive(Clone)]
pub(crate) struct Db {
    store: Store,
    slot: Arc<Mutex<Slot>>,
    ended: Arc<AtomicBool>,
    guard: Option<Arc<Guard>>,
}

/// An open write transaction.
pub(crate) struct Tx<'a> {
    /// The rows.
    pub(crate) conn: &'a Connection,
    /// The engine; give it [`Tx::kv`].
    pub(crate) mls: &'a mut dyn MlsEngine,
    /// The engine's rows in the same transaction.
    pub(crate) kv: Kv<'a>,
}

/// The engine's view of the transaction.
pub(crate) struct Kv<'a>(&'a StoreTx<'a>);

impl MlsStore for Kv<'_> {
    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        self.0.mls_get(table, key).map_err(fault)
    }

    fn put(&self, table: &'static str, key: &[u8], value: &[u8]) -> Result<(), StoreFault> {
        self.0.mls_put(table, key, value).map_err(fault)
    }

    fn delete(&self, table: &'static str, key: &[u8]) -> Result<(), StoreFault> {
        self.0.mls_delete(table, key).map_err(fault)
    }
}

fn fault(error: curo_store::StoreError) -> StoreFault {
    let retryable = error.retryable();
    StoreFault {
        source: Box::new(error),
        retryable,
    }
}

/// What a write gave, with what is to be done when it has been committed. An answer that nobody waits for is dropped after the
/// commit: then it is done there.
struct Then<T, F: FnOnce(&T)> {
    value: Option<T>,
    then: Option<F>,
}

impl<T, F: FnOnce(&T)> Then<T, F> {
    fn act(&mut self) {
        if let (Some(value), Some(then)) = (&self.value, self.then.take()) {
            then(value);
        }
    }

    fn finish(mut self) -> Option<T> {
        self.act();
        self.value.take()
    }
}

impl<T, F: FnOnce(&T)> Drop for Then<T, F> {
    fn drop(&mut self) {
        self.act();
    }
}

impl Db {
    pub(crate) fn new(store: Store) -> Self {
        let slot = Slot {
            engine: Box::new(OpenMlsEngine::new()),
            stamp: None,
        };
        Self {
            store,
            slot: Arc::new(Mutex::new(slot)),
            ended: Arc::default(),
            guard: None,
        }
    }

    /// With a guard at the door, whom every call asks.
    pub(crate) fn guarded(store: Store, guard: Arc<Guard>) -> Self {
        Self {
            guard: Some(guard),
            ..Self::new(store)
        }
    }

    /// From now on every call answers `closed`.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    fn open(&self) -> Result<(), Fault> {
        if self.ended.load(Ordering::Acquire) {
            return Err(Fault::Code(ErrorCode::CLOSED));
        }
        self.guard.as_ref().map_or(Ok(()), |guard| guard.check())
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// Drops every loaded group: they hold keys.
    pub(crate) fn forget_groups(&self) {
        self.slot
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .engine
            .forget_all();
    }

    /// Runs `f` in a write transaction; an error rolls it back. Once called it runs to its end, also if the caller goes.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.open()?;
        let slot = Arc::clone(&self.slot);
        self.store
            .write(move |stx: &StoreTx<'_>| {
                // A panic in an earlier transaction poisons the lock; it also rolled back, so the groups are dropped below.
                let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
                if slot.stamp != Some(stx.stamp()) {
                    slot.engine.forget_all();
                    slot.stamp = Some(stx.stamp());
                }
                f(&mut Tx {
                    conn: stx,
                    mls: slot.engine.as_mut(),
                    kv: Kv(stx),
                })
            })
            .await
    }

    /// As [`Db::write`], and calls `then` with what `f` gave once it is durable, also if the caller has gone meanwhile: who wakes
    /// others after a write wakes them with this. `then` is short and does not wait: it may run on the store's thread. Where
    /// the commit fails it may run as well.
    pub(crate) async fn write_then<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T, Fault> + Send + 'static,
        then: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, Fault> {
        let written = self.write(move |tx| {
            Ok(Then {
                value: Some(f(tx)?),
                then: Some(then),
            })
        });
        written.await?.finish().ok_or(Fault::Code(ErrorCode::CLOSED))
    }

    /// Runs `f` on a reading connection.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.open()?;
        self.store.read(f).await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
