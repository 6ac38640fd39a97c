//! Crypto-erase: the key first, then the files; repeatable after a kill at any point.
//!
//! 1. Take the lease.
//! 2. Leave a durable mark: from now on the store only says [`StoreError::Erasing`].
//! 3. Destroy the keys (two, in the middle of a change of keys): from now on nothing can be read by anyone.
//! 4. Remove the files, the mark last, then the folder.

use std::path::Path;
use std::{fs, io};

use curo_sqlite::durable;
use curo_types::ProfileId;

use crate::lease::{self, Lease};
use crate::offload::offload;
use crate::profiles::Files;
use crate::slot::Slot;
use crate::{KeyVault, StoreError};

/// Nobody of this process may have the store open. Without a folder only the key is destroyed.
pub(crate) async fn erase(files: &Files, profile: &ProfileId, vault: &dyn KeyVault) -> Result<(), StoreError> {
    let ours = files.clone();
    let (lease, slots) = offload(move || mark(&ours)).await??;
    for slot in slots {
        vault.destroy(&slot.key_id(profile)).await?;
    }
    let ours = files.clone();
    offload(move || remove(&ours, lease)).await?
}

/// The lease, `None` where there is no folder to erase, and every slot that may have a key.
fn mark(files: &Files) -> Result<(Option<Lease>, Vec<Slot>), StoreError> {
    if !files.dir().try_exists()? {
        return Ok((None, vec![Slot::FIRST]));
    }
    let lease = lease::take(&files.lease())?;
    durable::replace(&files.erasing(), b"")?;
    Ok((Some(lease), Slot::all(files)?))
}

fn remove(files: &Files, lease: Option<Lease>) -> Result<(), StoreError> {
    if lease.is_none() {
        return Ok(());
    }
    let (mark, lease_file) = (files.erasing(), files.lease());
    for entry in fs::read_dir(files.dir())? {
        let path = entry?.path();
        if path != mark && path != lease_file {
            remove_any(&path)?;
        }
    }
    // What was removed must be gone for good before the mark goes.
    durable::sync_parent(&mark)?;
    durable::remove(&mark)?;
    durable::remove(&lease_file)?;
    drop(lease);
    // Another process may have begun a new store in the folder by now; then it stays.
    match fs::remove_dir(files.dir()) {
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => {
            Err(error.into())
        }
        _ => Ok(durable::sync_parent(files.dir())?),
    }
}

fn remove_any(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}
