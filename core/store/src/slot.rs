//! Which of a profile's keys and files are the ones in use. A change of keys makes the next ones beside them and then moves
//! one small file, so that a kill leaves the old pair or the new one, never a file without its key.
//!
//! Slot 0 is where a profile begins: its key is kept under the profile's own id, its files have no number. The file `slot`
//! (8 bytes `"curoslt"`, version 1, then the number as 4 bytes, big-endian) names a later one. `rekeying` has the same
//! format and names the slot that a change under way leads to: while it is there, one of two neighbours must be removed.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use curo_sqlite::durable;
use curo_types::ProfileId;
use sha2::{Digest as _, Sha256};

use crate::StoreError;
use crate::profiles::Files;

const MAGIC: &[u8; 8] = b"curoslt\x01";
const LEN: usize = MAGIC.len() + 4;

/// The number of a key and of the files that it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(u32);

impl Slot {
    /// Where a profile begins.
    pub(crate) const FIRST: Self = Self(0);

    /// The slot that a change of keys leads to.
    pub(crate) fn next(self) -> Result<Self, StoreError> {
        self.0.checked_add(1).map(Self).ok_or(StoreError::Corrupt)
    }

    /// The slot that it came from.
    pub(crate) fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }

    /// Under which id the vault keeps the key.
    pub(crate) fn key_id(self, profile: &ProfileId) -> ProfileId {
        if self == Self::FIRST {
            return *profile;
        }
        let digest = Sha256::new()
            .chain_update("curo key slot v1")
            .chain_update(profile.as_bytes())
            .chain_update(self.0.to_be_bytes())
            .finalize();
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(digest) {
            *to = from;
        }
        ProfileId(id)
    }

    /// `name`, with the number before its extension in every slot but the first.
    pub(crate) fn file_name(self, name: &str, extension: &str) -> String {
        if self == Self::FIRST {
            format!("{name}{extension}")
        } else {
            format!("{name}-{}{extension}", self.0)
        }
    }

    /// The slot that `path` names, `None` without the file.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let mut found = Vec::with_capacity(LEN + 1);
        match fs::File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?.take(LEN as u64 + 1).read_to_end(&mut found)?,
        };
        // Never taken for slot 0: its key is destroyed, and another one would be made for an empty file.
        let number = found.strip_prefix(MAGIC).and_then(|rest| rest.try_into().ok());
        number
            .map(|number| Some(Self(u32::from_be_bytes(number))))
            .ok_or(StoreError::Corrupt)
    }

    /// Makes `path` name this slot, durably.
    pub(crate) fn write(self, path: &Path) -> Result<(), StoreError> {
        let bytes = [MAGIC.as_slice(), &self.0.to_be_bytes()].concat();
        Ok(durable::replace(path, &bytes)?)
    }

    /// Every slot that may have a key or a file, for an erase: what the files name and what they are called.
    pub(crate) fn all(files: &Files) -> Result<Vec<Self>, StoreError> {
        let mut all = vec![Self::FIRST];
        for path in [files.slot(), files.rekeying()] {
            // A damaged one names nothing; the files below still do.
            if let Ok(Some(slot)) = Self::read(&path) {
                all.extend([Some(slot), slot.previous()].into_iter().flatten());
            }
        }
        for entry in fs::read_dir(files.dir())? {
            let name = entry?.file_name();
            let number = name
                .to_str()
                .and_then(|name| name.strip_prefix("store-")?.strip_suffix(".db")?.parse().ok());
            all.extend(number.map(Self));
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn slots_have_their_own_names_and_key_ids() {
        let profile = ProfileId([7; 16]);
        let second = Slot::FIRST.next().unwrap();
        assert_eq!(Slot::FIRST.key_id(&profile), profile);
        let id = second.key_id(&profile);
        assert_ne!(id, profile);
        assert_ne!(id, second.next().unwrap().key_id(&profile));
        assert_ne!(id, second.key_id(&ProfileId([8; 16])));
        assert_eq!(Slot::FIRST.file_name("store", ".db"), "store.db");
        assert_eq!(second.file_name("store", ".db"), "store-1.db");
        assert_eq!((second.previous(), Slot::FIRST.previous()), (Some(Slot::FIRST), None));
        assert!(Slot(u32::MAX).next().is_err());
    }

    #[test]
    fn a_damaged_slot_file_is_damage_and_not_the_first_slot() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("slot");
        assert_eq!(Slot::read(&path).unwrap(), None);
        Slot(3).write(&path).unwrap();
        assert_eq!(Slot::read(&path).unwrap(), Some(Slot(3)));
        let good = fs::read(&path).unwrap();
        assert_eq!(good.len(), LEN);
        for bad in [
            &good[..LEN - 1],
            &[&good[..], b"x"].concat(),
            b"",
            b"curoslt\x02\0\0\0\x01",
        ] {
            fs::write(&path, bad).unwrap();
            assert_eq!(Slot::read(&path).unwrap_err(), StoreError::Corrupt);
        }
    }
}
