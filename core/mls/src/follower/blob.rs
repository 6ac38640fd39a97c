//! A follower as one opaque blob: a version, the group's id and the rows.
//!
//! ```text
//! u8 version = 1; opaque group_id<V>; struct { opaque table<V>; opaque key<V>; opaque value<V> } rows[];
//! ```

use openmls::prelude::{GroupId, PublicGroup};
use openmls_traits::OpenMlsProvider as _;
use tls_codec::{Serialize, VLByteSlice};

use super::Follower;
use crate::error::MlsError;
use crate::memory::MemoryStore;
use crate::provider::Provider;
use crate::store::{MlsStore, TABLES};
use crate::wire::Reader;

const VERSION: u8 = 1;
const WHAT: &str = "follower blob";

impl Follower {
    /// The whole state as bytes for [`load`](Self::load). They hold no secret. A later version of this crate reads them.
    ///
    /// # Errors
    /// [`MlsError::TooLarge`] if a part is above a gigabyte.
    pub fn save(&self) -> Result<Vec<u8>, MlsError> {
        let mut blob = vec![VERSION];
        let mut result = put(&mut blob, self.group_id());
        self.rows.for_each(|table, key, value| {
            for part in [table.as_bytes(), key, value] {
                if result.is_ok() {
                    result = put(&mut blob, part);
                }
            }
        });
        result.map(|()| blob)
    }

    /// The state that [`save`](Self::save) gave.
    ///
    /// # Errors
    /// [`MlsError::Malformed`] if the blob is not one, or of an unknown version, or incomplete.
    pub fn load(blob: &[u8]) -> Result<Self, MlsError> {
        let mut reader = Reader::new(blob, WHAT);
        if reader.u8()? != VERSION {
            return Err(reader.malformed());
        }
        let group_id = GroupId::from_slice(reader.vector()?);
        let rows = MemoryStore::new();
        while !reader.is_empty() {
            let label = reader.vector()?;
            let table = TABLES
                .iter()
                .find(|table| table.as_bytes() == label)
                .ok_or_else(|| reader.malformed())?;
            rows.put(table, reader.vector()?, reader.vector()?)?;
        }
        let group = {
            let provider = Provider::new(&rows);
            let loaded = PublicGroup::load(provider.storage(), &group_id);
            // A row that does not decode is a fault of this blob, not of a database.
            match provider.settle(loaded.map_err(MlsError::from)) {
                Ok(Some(group)) if *group.group_id() == group_id => group,
                Ok(_) | Err(_) => return Err(MlsError::Malformed(WHAT)),
            }
        };
        Ok(Self { group, rows })
    }
}

fn put(blob: &mut Vec<u8>, part: &[u8]) -> Result<(), MlsError> {
    match VLByteSlice(part).tls_serialize(blob) {
        Ok(_) => Ok(()),
        Err(_) => Err(MlsError::TooLarge(WHAT)),
    }
}
