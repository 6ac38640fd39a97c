//! What the engine needs from a database: three calls on a transaction that the caller has open.
//!
//! Knows no database and no OpenMLS type: tables are labels, keys and values are bytes.

use std::error::Error;

/// Every table label that the engine uses, for stores that create or check tables up front.
///
/// The set is closed: a release that adds a label says so in its notes. Labels are stored, so they never change.
pub const TABLES: &[&str] = &[
    table::JOIN_CONFIG,
    table::OWN_LEAF_NODES,
    table::PROPOSALS,
    table::TREE,
    table::TRANSCRIPT_HASH,
    table::CONTEXT,
    table::CONFIRMATION_TAG,
    table::GROUP_STATE,
    table::MESSAGE_SECRETS,
    table::RESUMPTION_PSKS,
    table::OWN_LEAF_INDEX,
    table::EPOCH_SECRETS,
    table::SIGNATURE_KEYS,
    table::ENCRYPTION_KEYS,
    table::EPOCH_KEY_PAIRS,
    table::KEY_PACKAGES,
    table::PSKS,
];

/// Labels of the tables, one for each kind of row that OpenMLS keeps.
pub(crate) mod table {
    pub(crate) const JOIN_CONFIG: &str = "join_config";
    pub(crate) const OWN_LEAF_NODES: &str = "own_leaf_nodes";
    pub(crate) const PROPOSALS: &str = "proposals";
    pub(crate) const TREE: &str = "tree";
    pub(crate) const TRANSCRIPT_HASH: &str = "transcript_hash";
    pub(crate) const CONTEXT: &str = "context";
    pub(crate) const CONFIRMATION_TAG: &str = "confirmation_tag";
    pub(crate) const GROUP_STATE: &str = "group_state";
    pub(crate) const MESSAGE_SECRETS: &str = "message_secrets";
    pub(crate) const RESUMPTION_PSKS: &str = "resumption_psks";
    pub(crate) const OWN_LEAF_INDEX: &str = "own_leaf_index";
    pub(crate) const EPOCH_SECRETS: &str = "epoch_secrets";
    pub(crate) const SIGNATURE_KEYS: &str = "signature_keys";
    pub(crate) const ENCRYPTION_KEYS: &str = "encryption_keys";
    pub(crate) const EPOCH_KEY_PAIRS: &str = "epoch_key_pairs";
    pub(crate) const KEY_PACKAGES: &str = "key_packages";
    pub(crate) const PSKS: &str = "psks";
}

/// Key-value rows inside a transaction that the caller began and will commit or roll back.
///
/// Values hold private keys: an implementation keeps them in an encrypted database only, and never logs them. Within
/// the transaction, reads see earlier writes. `table` is always one of [`TABLES`].
pub trait MlsStore {
    /// The value under `key`, or `None`.
    ///
    /// # Errors
    /// Whatever the database reports; a missing row is not an error.
    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault>;

    /// Stores `value` under `key`, replacing what was there.
    ///
    /// # Errors
    /// Whatever the database reports.
    fn put(&self, table: &'static str, key: &[u8], value: &[u8]) -> Result<(), StoreFault>;

    /// Removes `key`. Removing what is not there is no error.
    ///
    /// # Errors
    /// Whatever the database reports.
    fn delete(&self, table: &'static str, key: &[u8]) -> Result<(), StoreFault>;
}

/// A failed read or write of the store, as the database told it.
#[derive(Debug, thiserror::Error)]
#[error("the key store failed")]
pub struct StoreFault {
    /// What the database reported. It must not contain values of rows.
    pub source: Box<dyn Error + Send + Sync>,
    /// Whether the same call may succeed later without anyone repairing anything (busy, disk full, locked).
    pub retryable: bool,
}

impl StoreFault {
    /// A fault that may pass: the transaction is rolled back and tried again.
    pub fn retryable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: source.into(),
            retryable: true,
        }
    }

    /// A fault that trying again does not cure, such as a damaged row.
    pub fn permanent(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: source.into(),
            retryable: false,
        }
    }
}
