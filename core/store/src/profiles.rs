//! Which profiles there are, and where each keeps its files.

use std::path::{Path, PathBuf};
use std::{fs, io};

use curo_types::ProfileId;
use zeroize::Zeroizing;

use crate::card::CardKey;
use crate::offload::offload;
use crate::slot::Slot;
use crate::{KeyVault, StoreError};

/// The profiles below a root folder.
#[derive(Debug)]
pub struct Profiles;

impl Profiles {
    /// Every profile below `root` that has a store, also one whose creation or erase was interrupted, in order of id.
    /// A root that does not exist has none. Blocks; opens nothing and needs no key.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn list(root: &Path) -> Result<Vec<ProfileId>, StoreError> {
        let entries = match fs::read_dir(root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut profiles = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let Some(profile) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            if !entry.path().is_dir() {
                continue;
            }
            let files = Files::new(root, &profile);
            if files.database(Slot::FIRST).try_exists()?
                || files.slot().try_exists()?
                || files.erasing().try_exists()?
            {
                profiles.push(profile);
            }
        }
        profiles.sort_unstable();
        Ok(profiles)
    }

    /// What [`Store::set_card`](crate::Store::set_card) left, without opening the store and whoever holds it; `None` where
    /// nothing was left, or nothing that the key in `vault` opens.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Erasing`], [`StoreError::Vault`], [`StoreError::Io`].
    pub async fn card(
        root: &Path,
        profile: ProfileId,
        vault: &dyn KeyVault,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let files = Files::new(root, &profile);
        let ours = files.clone();
        let slot = offload(move || {
            if ours.erasing().try_exists()? {
                return Err(StoreError::Erasing);
            }
            let slot = ours.current()?;
            if ours.database(slot).try_exists()? {
                Ok(slot)
            } else {
                Err(StoreError::Missing)
            }
        })
        .await??;
        let key = CardKey::of(&vault.load(&slot.key_id(&profile)).await?);
        offload(move || key.open(&files.card(slot), &profile)).await?
    }
}

/// The paths of one profile.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    dir: PathBuf,
}

impl Files {
    pub(crate) fn new(root: &Path, profile: &ProfileId) -> Self {
        Self {
            dir: root.join(profile.to_string()),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn database(&self, slot: Slot) -> PathBuf {
        self.dir.join(slot.file_name("store", ".db"))
    }

    pub(crate) fn card(&self, slot: Slot) -> PathBuf {
        self.dir.join(slot.file_name("card", ""))
    }

    /// Names the slot in use; absent in the first one.
    pub(crate) fn slot(&self) -> PathBuf {
        self.dir.join("slot")
    }

    /// The mark that a change of keys is under way.
    pub(crate) fn rekeying(&self) -> PathBuf {
        self.dir.join("rekeying")
    }

    /// The slot in use. Read it while holding the lease, or be ready for another one.
    pub(crate) fn current(&self) -> Result<Slot, StoreError> {
        Ok(Slot::read(&self.slot())?.unwrap_or(Slot::FIRST))
    }

    pub(crate) fn lease(&self) -> PathBuf {
        self.dir.join("lease")
    }

    /// The mark that an erase has begun.
    pub(crate) fn erasing(&self) -> PathBuf {
        self.dir.join("erasing")
    }

    /// Makes the folder, readable by its owner only, durably.
    pub(crate) fn make_dir(&self) -> io::Result<()> {
        private_folder(&self.dir)?;
        curo_sqlite::durable::sync_parent(&self.dir)
    }
}

/// Makes a folder and those above it that are missing, readable by their owner only.
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
