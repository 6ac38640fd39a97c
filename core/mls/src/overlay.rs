//! Rows written over a store that is not touched: where an external commit is made, because OpenMLS stores and merges it at
//! once (rule 4.4). What was written becomes one opaque blob.
//!
//! Knows rows and labels, no MLS. Values are private keys, so they are wiped, and so is the blob.
//!
//! ```text
//! u8 version = 1; opaque group_id<V>; struct { opaque table<V>; opaque key<V>; opaque value<V> } rows[];
//! ```

use std::cell::RefCell;
use std::collections::BTreeMap;

use tls_codec::{Serialize, VLByteSlice};
use zeroize::Zeroizing;

use crate::error::MlsError;
use crate::store::{MlsStore, StoreFault, TABLES, table};
use crate::wire::Reader;

const VERSION: u8 = 1;
const WHAT: &str = "state of an external commit";

/// Reads see what was written here, and the signature keys of the store below; nothing else of it, so that no row of a
/// group that is replaced gets into the one that replaces it.
pub(crate) struct Overlay<'a> {
    below: &'a dyn MlsStore,
    rows: RefCell<Rows>,
}

/// By table and key.
type Rows = BTreeMap<(&'static str, Vec<u8>), Zeroizing<Vec<u8>>>;

impl<'a> Overlay<'a> {
    pub(crate) fn new(below: &'a dyn MlsStore) -> Self {
        Self {
            below,
            rows: RefCell::default(),
        }
    }

    /// The rows as bytes for [`replay`].
    pub(crate) fn save(&self, group_id: &[u8]) -> Result<Zeroizing<Vec<u8>>, MlsError> {
        let rows = self.rows.borrow();
        let each = rows
            .iter()
            .map(|((table, key), value)| table.len() + key.len() + value.len() + 3 * LENGTH);
        // As large as it will be: a vector that grows leaves keys behind.
        let size = 1 + group_id.len() + LENGTH + each.sum::<usize>();
        let mut blob = Zeroizing::new(Vec::with_capacity(size));
        blob.push(VERSION);
        put(&mut blob, group_id)?;
        for ((table, key), value) in rows.iter() {
            for part in [table.as_bytes(), key, value] {
                put(&mut blob, part)?;
            }
        }
        Ok(blob)
    }
}

/// The longest length before a vector of MLS (RFC 9420, 2.1.2).
const LENGTH: usize = 4;

fn put(blob: &mut Vec<u8>, part: &[u8]) -> Result<(), MlsError> {
    match VLByteSlice(part).tls_serialize(blob) {
        Ok(_) => Ok(()),
        Err(_) => Err(MlsError::TooLarge(WHAT)),
    }
}

/// The group that the blob is of.
pub(crate) fn group_id(blob: &[u8]) -> Result<&[u8], MlsError> {
    head(blob).map(|(group_id, _)| group_id)
}

/// Whether the blob can be read to its end.
pub(crate) fn check(blob: &[u8]) -> Result<(), MlsError> {
    each(blob, |_, _, _| Ok(()))
}

/// Writes the rows of a blob into a store. The caller has [checked](check) it.
pub(crate) fn replay(blob: &[u8], store: &dyn MlsStore) -> Result<(), MlsError> {
    each(blob, |table, key, value| Ok(store.put(table, key, value)?))
}

fn each(blob: &[u8], mut take: impl FnMut(&'static str, &[u8], &[u8]) -> Result<(), MlsError>) -> Result<(), MlsError> {
    let (_, mut reader) = head(blob)?;
    while !reader.is_empty() {
        let label = reader.vector()?;
        let table = TABLES
            .iter()
            .find(|table| table.as_bytes() == label)
            .ok_or_else(|| reader.malformed())?;
        take(table, reader.vector()?, reader.vector()?)?;
    }
    Ok(())
}

fn head(blob: &[u8]) -> Result<(&[u8], Reader<'_>), MlsError> {
    let mut reader = Reader::new(blob, WHAT);
    if reader.u8()? != VERSION {
        return Err(reader.malformed());
    }
    Ok((reader.vector()?, reader))
}

impl MlsStore for Overlay<'_> {
    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        if table == table::SIGNATURE_KEYS {
            return self.below.get(table, key);
        }
        let rows = self.rows.borrow();
        Ok(rows.get(&(table, key.to_vec())).map(|value| value.to_vec()))
    }

    fn put(&self, table: &'static str, key: &[u8], value: &[u8]) -> Result<(), StoreFault> {
        let value = Zeroizing::new(value.to_vec());
        self.rows.borrow_mut().insert((table, key.to_vec()), value);
        Ok(())
    }

    fn delete(&self, table: &'static str, key: &[u8]) -> Result<(), StoreFault> {
        self.rows.borrow_mut().remove(&(table, key.to_vec()));
        Ok(())
    }
}
