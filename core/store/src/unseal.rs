//! Opening in the order that keeps a refusal without effect: the lease, then the key, then the file, then the generation.

use curo_sqlite::{Database, Mode};
use curo_types::ProfileId;

use crate::lease::{self, Lease};
use crate::offload::offload;
use crate::profiles::Files;
use crate::{KeyVault, StoreError, schema};

/// An open database, and the generation under which this process took it.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) database: Database,
    pub(crate) generation: i64,
}

/// Opens or, with [`Mode::Create`], makes the profile's store. The lease goes with the database.
pub(crate) async fn unseal(
    files: &Files,
    profile: ProfileId,
    vault: &dyn KeyVault,
    mode: Mode,
) -> Result<Opened, StoreError> {
    let ours = files.clone();
    let (lease, exists) = offload(move || prepare(&ours, mode)).await??;
    // A key is made only where no file could need another one.
    let key = if exists {
        vault.load(&profile).await?
    } else {
        vault.create(&profile).await?
    };
    let database = Database::open_guarded(files.database(), &key, schema::options(mode), lease).await?;
    drop(key);
    match database.write(move |tx| schema::claim(tx, &profile)).await {
        Ok(generation) => Ok(Opened { database, generation }),
        Err(error) => {
            drop(database.close().await);
            Err(error)
        }
    }
}

/// Takes the lease; says whether there is a database file with anything in it.
fn prepare(files: &Files, mode: Mode) -> Result<(Lease, bool), StoreError> {
    if mode == Mode::Create {
        files.make_dir()?;
    } else if !has_content(files)? && !files.erasing().try_exists()? {
        return Err(StoreError::Missing);
    }
    let lease = lease::take(&files.lease())?;
    // Both are asked under the lease: an erase may just have run.
    if files.erasing().try_exists()? {
        return Err(StoreError::Erasing);
    }
    match has_content(files)? {
        false if mode == Mode::Existing => Err(StoreError::Missing),
        exists => Ok((lease, exists)),
    }
}

fn has_content(files: &Files) -> Result<bool, StoreError> {
    match std::fs::metadata(files.database()) {
        Ok(metadata) => Ok(metadata.len() > 0),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}
