//! What a write job of the store gets.

use std::ops::Deref;

use curo_sqlite::WriteTx;
use rusqlite::Connection;

use crate::{StoreError, schema};

/// A write transaction that proved that this process still holds the store. Undone by returning an error.
#[derive(Debug)]
pub struct StoreTx<'a> {
    tx: &'a WriteTx<'a>,
    generation: i64,
}

/// Identifies the state that memory may mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    generation: i64,
    rollbacks: u64,
}

impl<'a> StoreTx<'a> {
    /// # Errors
    /// [`StoreError::Busy`] if another process has taken the store since.
    pub(crate) fn new(tx: &'a WriteTx<'a>, generation: i64) -> Result<Self, StoreError> {
        if schema::generation(tx)? == generation {
            Ok(Self { tx, generation })
        } else {
            Err(StoreError::Busy)
        }
    }

    /// Equal to the stamp of an earlier job if nothing was rolled back and nobody else has held the store in between.
    /// Whoever mirrors rows in memory (loaded MLS groups, `protocol.md` 5.6) compares it at the start of each job and
    /// drops the mirror when it differs.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        Stamp {
            generation: self.generation,
            rollbacks: self.tx.rollbacks(),
        }
    }

    /// How often anything was rolled back in this opening. [`StoreTx::stamp`] also covers what happened between openings.
    #[must_use]
    pub fn rollbacks(&self) -> u64 {
        self.tx.rollbacks()
    }
}

impl Deref for StoreTx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.tx
    }
}
