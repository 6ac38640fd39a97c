//! Looking into a closed person's store with its own key, past the client: what a thief of an unlocked device could try.

use std::path::{Path, PathBuf};

use curo::{ConversationId, FileVault, ProfileId};
use curo_kit::Person;
use curo_mls::{MlsEngine as _, MlsError, MlsStore, OpenMlsEngine, Processed, Refusal, StoreFault};
use curo_store::repo::conversation;
use curo_store::rusqlite::{self, Connection, types::ValueRef};
use curo_store::{Store, StoreError, StoreTx};

use crate::error::PlayError;

struct Rows<'a>(&'a StoreTx<'a>);

impl MlsStore for Rows<'_> {
    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        self.0.mls_get(table, key).map_err(StoreFault::retryable)
    }

    fn put(&self, table: &'static str, key: &[u8], value: &[u8]) -> Result<(), StoreFault> {
        self.0.mls_put(table, key, value).map_err(StoreFault::retryable)
    }

    fn delete(&self, table: &'static str, key: &[u8]) -> Result<(), StoreFault> {
        self.0.mls_delete(table, key).map_err(StoreFault::retryable)
    }
}

/// The end of a transaction that must leave no trace.
enum Undone {
    Opened(Vec<u8>),
    Refused(String),
    Store(StoreError),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A device's files: its own, or a copy of them.
pub(super) struct Device {
    dir: PathBuf,
    profile: ProfileId,
}

impl Device {
    /// The files of a person, whose client must be closed.
    pub(super) fn of(person: &Person) -> Self {
        Self::copy(person, person.dir())
    }

    /// A copy of a person's files.
    pub(super) fn copy(person: &Person, dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            profile: person.client().profile(),
        }
    }

    async fn open(&self) -> Result<Store, PlayError> {
        let vault = FileVault::with_key_file(self.dir.join("keys"), &self.dir.join("wrapping.key"))?;
        Store::open(&self.dir.join("profiles"), self.profile, &vault)
            .await
            .map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> PlayError {
    PlayError::Proof(format!("a store cannot be looked into: {error}"))
}

/// Tries to open a stored ciphertext with a device's MLS state, and leaves that state as it was. Answers the plaintext, or why there is none.
pub(super) async fn decrypt(
    device: &Device,
    id: ConversationId,
    ciphertext: Vec<u8>,
) -> Result<Result<Vec<u8>, String>, PlayError> {
    let store = device.open().await?;
    let tried = store.write(move |tx| -> Result<(), Undone> {
        let Some(group) = conversation::get(tx, id)
            .map_err(StoreError::from)?
            .and_then(|row| row.group)
        else {
            return Err(Undone::Refused("no group".to_owned()));
        };
        let mut engine = OpenMlsEngine::new();
        let judge = &mut |_: &_| Err(Refusal::new(()));
        Err(match engine.process(&Rows(tx), group.as_bytes(), &ciphertext, judge) {
            Ok(Processed::Message { plaintext, .. }) => Undone::Opened(plaintext),
            Ok(Processed::Commit(_)) => Undone::Refused("a commit".to_owned()),
            Err(MlsError::Storage(fault)) => return Err(Undone::Refused(format!("no verdict: {fault}"))),
            Err(error) => Undone::Refused(error.to_string()),
        })
    });
    let tried = tried.await;
    store.lock().await.map_err(failed)?;
    match tried {
        Err(Undone::Opened(plaintext)) => Ok(Ok(plaintext)),
        Err(Undone::Refused(reason)) => Ok(Err(reason)),
        Err(Undone::Store(error)) => Err(failed(error)),
        Ok(()) => Err(failed("the transaction was not undone")),
    }
}

/// Every text and blob of every table of a device's store, decrypted.
pub(super) async fn all_values(device: &Device) -> Result<Vec<u8>, PlayError> {
    let store = device.open().await?;
    let values = store.read(|conn| Ok::<_, StoreError>(values(conn)?)).await;
    store.lock().await.map_err(failed)?;
    values.map_err(failed)
}

fn values(conn: &Connection) -> rusqlite::Result<Vec<u8>> {
    let mut values = Vec::new();
    let mut tables = conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let tables = tables.query_map((), |row| row.get::<_, String>(0))?;
    for table in tables {
        let name = table?.replace('"', "\"\"");
        let mut all = conn.prepare(&format!("SELECT * FROM \"{name}\""))?;
        let columns = all.column_count();
        let mut rows = all.query(())?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = row.get_ref(column)? {
                    values.extend_from_slice(bytes);
                    values.push(0);
                }
            }
        }
    }
    Ok(values)
}
