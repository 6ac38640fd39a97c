//! A new key and a new salt for a profile, in steps of which each may be the last one before a kill:
//!
//! 1. Leave a durable mark that names the next slot.
//! 2. Let the vault make that slot's key.
//! 3. Copy the database under it, page by page, and check the copy; seal the card again.
//! 4. Move the file `slot`: from now on the new pair is the profile's.
//! 5. Remove the old files, destroy the old key, remove the mark.
//!
//! Before step 4 an opening finds the old pair, after it the new one; either way the mark tells it what to remove.
//! `PRAGMA rekey` writes the one file in place, and in between neither key opens all of it.

use std::fs;
use std::io;

use curo_sqlite::{durable, recrypt_blocking};
use curo_types::ProfileId;

use crate::card::CardKey;
use crate::offload::offload;
use crate::profiles::Files;
use crate::slot::Slot;
use crate::{KeyVault, StoreError, schema};

/// Changes the keys of a store that nobody has open. The caller holds the lease.
pub(crate) async fn rekey(files: &Files, profile: &ProfileId, vault: &dyn KeyVault) -> Result<(), StoreError> {
    clean_up(files, profile, vault).await?;
    let changed = change(files, profile, vault).await;
    // Whatever happened, one of the two pairs is too many.
    let cleaned = clean_up(files, profile, vault).await;
    changed.and(cleaned)
}

async fn change(files: &Files, profile: &ProfileId, vault: &dyn KeyVault) -> Result<(), StoreError> {
    let old = files.current()?;
    let new = old.next()?;
    let old_key = vault.load(&old.key_id(profile)).await?;
    let ours = files.clone();
    offload(move || new.write(&ours.rekeying())).await??;
    fail::fail_point!("store.rekey.marked");
    let new_key = vault.create(&new.key_id(profile)).await?;
    let (ours, profile) = (files.clone(), *profile);
    offload(move || {
        recrypt_blocking(
            &ours.database(old),
            &ours.database(new),
            &old_key,
            &new_key,
            schema::APPLICATION_ID,
        )?;
        if let Some(card) = CardKey::of(&old_key).open(&ours.card(old), &profile)? {
            CardKey::of(&new_key).seal(&ours.card(new), &profile, &card)?;
        }
        fail::fail_point!("store.rekey.copied");
        new.write(&ours.slot())?;
        fail::fail_point!("store.rekey.switched");
        Ok(())
    })
    .await?
}

/// Removes what a change of keys has left, finished or not. Does nothing without its mark.
pub(crate) async fn clean_up(files: &Files, profile: &ProfileId, vault: &dyn KeyVault) -> Result<(), StoreError> {
    let Some(marked) = Slot::read(&files.rekeying())? else {
        return Ok(());
    };
    let current = files.current()?;
    let stale = match marked.previous() {
        _ if current < marked => marked,
        Some(previous) if current == marked => previous,
        _ => return Err(StoreError::Corrupt),
    };
    let ours = files.clone();
    offload(move || remove(&ours, stale)).await??;
    vault.destroy(&stale.key_id(profile)).await?;
    let mark = files.rekeying();
    offload(move || durable::remove(&mark)).await??;
    Ok(())
}

fn remove(files: &Files, slot: Slot) -> Result<(), StoreError> {
    let database = files.database(slot);
    let beside =
        ["-wal", "-shm", "-journal", ".check", ".check.tmp"].map(|suffix| durable::with_suffix(&database, suffix));
    let card = files.card(slot);
    // The database goes first: without it none of the others means anything.
    for path in [database]
        .into_iter()
        .chain(beside)
        .chain([durable::with_suffix(&card, ".tmp"), card])
    {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(durable::sync_parent(&files.slot())?)
}
