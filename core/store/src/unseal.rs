//! Opening in the order that keeps a refusal without effect: the lease, then the key, then the file, then the generation.

use std::sync::Arc;

use curo_sqlite::{Database, Mode};
use curo_types::ProfileId;

use crate::card::CardKey;
use crate::lease::{self, Lease};
use crate::offload::offload;
use crate::profiles::Files;
use crate::schema::Footprint;
use crate::slot::Slot;
use crate::{KeyVault, StoreError, rekey, schema};

/// An open database, the generation under which this process took it, and what opens the profile's card.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) database: Database,
    pub(crate) generation: i64,
    pub(crate) slot: Slot,
    pub(crate) card: Arc<CardKey>,
}

/// Opens or, with [`Mode::Create`], makes the profile's store. The lease goes with the database.
pub(crate) async fn unseal(
    files: &Files,
    profile: ProfileId,
    vault: &dyn KeyVault,
    mode: Mode,
    footprint: Footprint,
) -> Result<Opened, StoreError> {
    let ours = files.clone();
    let lease = offload(move || prepare(&ours, mode)).await??;
    unseal_leased(files, profile, vault, mode, footprint, lease).await
}

/// As [`unseal`], for who holds the lease already.
pub(crate) async fn unseal_leased(
    files: &Files,
    profile: ProfileId,
    vault: &dyn KeyVault,
    mode: Mode,
    footprint: Footprint,
    lease: Lease,
) -> Result<Opened, StoreError> {
    let ours = files.clone();
    let (slot, exists, changing) = offload(move || look(&ours, mode)).await??;
    // A key is made only where no file could need another one.
    let key = if exists {
        vault.load(&slot.key_id(&profile)).await?
    } else {
        vault.create(&slot.key_id(&profile)).await?
    };
    let options = schema::options(mode, footprint);
    let database = Database::open_guarded(files.database(slot), &key, options, lease).await?;
    let card = Arc::new(CardKey::of(&key));
    drop(key);
    let generation = match database.write(move |tx| schema::claim(tx, &profile)).await {
        Ok(generation) => generation,
        Err(error) => {
            drop(database.close().await);
            return Err(error);
        }
    };
    if changing {
        // What a killed change of keys has left is no reason to refuse the store; the next opening tries again.
        drop(rekey::clean_up(files, &profile, vault).await);
    }
    Ok(Opened {
        database,
        generation,
        slot,
        card,
    })
}

/// Takes the lease, unless there is nothing to open.
fn prepare(files: &Files, mode: Mode) -> Result<Lease, StoreError> {
    if mode == Mode::Create {
        files.make_dir()?;
    } else if !has_content(files, files.current()?)? && !files.erasing().try_exists()? {
        return Err(StoreError::Missing);
    }
    lease::take(&files.lease())
}

/// Under the lease, because an erase or a change of keys may just have run: the slot in use, whether its database has
/// anything in it, and whether a change of keys was begun.
fn look(files: &Files, mode: Mode) -> Result<(Slot, bool, bool), StoreError> {
    if files.erasing().try_exists()? {
        return Err(StoreError::Erasing);
    }
    let slot = files.current()?;
    match has_content(files, slot)? {
        false if mode == Mode::Existing => Err(StoreError::Missing),
        // A database of another slot is here, so this is not a creation that was killed: nothing new is made in its place.
        false if Slot::all(files)?.len() > 1 => Err(StoreError::Corrupt),
        exists => Ok((slot, exists, files.rekeying().try_exists()?)),
    }
}

fn has_content(files: &Files, slot: Slot) -> Result<bool, StoreError> {
    match std::fs::metadata(files.database(slot)) {
        Ok(metadata) => Ok(metadata.len() > 0),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}
