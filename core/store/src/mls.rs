//! The MLS engine's rows. Opaque: a table is a label of the engine, keys and values are its bytes.

use rusqlite::OptionalExtension as _;

use crate::{StoreError, StoreTx};

impl StoreTx<'_> {
    /// The value stored under `key` in `table`.
    ///
    /// # Errors
    /// [`StoreError`] of the database; an absent row is `None`.
    pub fn mls_get(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.prepare_cached("SELECT value FROM mls WHERE tbl = ?1 AND key = ?2")?;
        Ok(statement.query_row((table, key), |row| row.get(0)).optional()?)
    }

    /// Stores `value` under `key` in `table`, replacing what was there.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn mls_put(&self, table: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let mut statement = self.prepare_cached(
            "INSERT INTO mls (tbl, key, value) VALUES (?1, ?2, ?3)
             ON CONFLICT (tbl, key) DO UPDATE SET value = excluded.value",
        )?;
        statement.execute((table, key, value))?;
        Ok(())
    }

    /// Removes `key` from `table`. An absent row is no error.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn mls_delete(&self, table: &str, key: &[u8]) -> Result<(), StoreError> {
        self.prepare_cached("DELETE FROM mls WHERE tbl = ?1 AND key = ?2")?
            .execute((table, key))?;
        Ok(())
    }
}
