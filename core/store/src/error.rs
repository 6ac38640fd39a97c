//! What a store can refuse, in terms that the layer above acts on. Holds no path, no SQL and no value: may be logged.

use std::io;

use curo_sqlite::{DbError, OpenError};

use crate::VaultError;

/// Why a store could not be opened or used. When opening is refused, every file stays byte for byte as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store is locked or suspended: [`crate::Store::unlock`] first.
    #[error("the store is locked")]
    Locked,
    /// There is no finished store for this profile, or it was erased.
    #[error("there is no store for this profile")]
    Missing,
    /// [`crate::Store::create`] found a finished store.
    #[error("there is a store for this profile already")]
    Exists,
    /// An erase was begun and not finished: [`crate::Store::erase_profile`] again. Nothing can be read any more.
    #[error("an erase has begun and must be finished")]
    Erasing,
    /// The file is not this profile's store: another application's, another profile's, not encrypted, or no database.
    #[error("the file is not this profile's store")]
    Foreign,
    /// A newer release wrote this store.
    #[error("the store has version {found}, this release knows {known}")]
    Newer {
        /// The store's version.
        found: u32,
        /// The newest version that this release knows.
        known: u32,
    },
    /// The store is damaged.
    #[error("the store is damaged")]
    Corrupt,
    /// The vault's key is not this store's.
    #[error("the key does not fit this store")]
    WrongKey,
    /// The linked SQLite does not encrypt.
    #[error("the linked SQLite does not encrypt")]
    NoCipher,
    /// Another process, or another [`crate::Store`] of this one, holds the store or has taken it over.
    #[error("another process holds the store")]
    Busy,
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// The vault gave no key.
    #[error("the key vault gave no key: {0}")]
    Vault(#[from] VaultError),
    /// The file system failed.
    #[error("input or output failed ({0:?})")]
    Io(io::ErrorKind),
    /// Any other refusal by the database.
    #[error(transparent)]
    Db(DbError),
}

impl StoreError {
    /// Whether the same call may succeed later: after an unlock, with space on the disk, when the other process is done.
    ///
    /// `false` means that it will not; it never means that the data concerned may be skipped.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Locked | Self::Busy | Self::Full | Self::Io(_) => true,
            Self::Vault(error) => error.retryable(),
            Self::Db(error) => error.retryable(),
            _ => false,
        }
    }
}

impl From<DbError> for StoreError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Closed => Self::Locked,
            DbError::Busy => Self::Busy,
            DbError::Full => Self::Full,
            DbError::Corrupt => Self::Corrupt,
            DbError::Io { .. } => Self::Io(io::ErrorKind::Other),
            other => Self::Db(other),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        DbError::from(error).into()
    }
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Missing => Self::Missing,
            OpenError::Exists => Self::Exists,
            OpenError::Foreign(_) => Self::Foreign,
            OpenError::WrongKey => Self::WrongKey,
            OpenError::Corrupt => Self::Corrupt,
            OpenError::Newer { found, known } => Self::Newer { found, known },
            OpenError::NoCipher => Self::NoCipher,
            OpenError::Busy => Self::Busy,
            OpenError::Full => Self::Full,
            OpenError::Io(kind) => Self::Io(kind),
            OpenError::Migration { source, .. } | OpenError::Db(source) => Self::Db(source),
            // Options are ours and tested, and the enum is open: no input can lead here.
            _ => Self::Db(DbError::Sqlite {
                code: rusqlite::ffi::SQLITE_MISUSE,
            }),
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        OpenError::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_trouble_keeps_its_meaning_and_its_retry() {
        assert_eq!(StoreError::from(DbError::Closed), StoreError::Locked);
        assert_eq!(StoreError::from(DbError::Full), StoreError::Full);
        assert_eq!(StoreError::from(OpenError::Full), StoreError::Full);
        assert_eq!(StoreError::from(OpenError::NoCipher), StoreError::NoCipher);
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(StoreError::from(full), StoreError::Full);
        for retryable in [
            StoreError::Full,
            StoreError::Busy,
            StoreError::Locked,
            DbError::RolledBack.into(),
        ] {
            assert!(retryable.retryable(), "{retryable:?}");
        }
        for permanent in [
            StoreError::Corrupt,
            StoreError::WrongKey,
            StoreError::Erasing,
            DbError::NoRow.into(),
        ] {
            assert!(!permanent.retryable(), "{permanent:?}");
        }
    }
}
