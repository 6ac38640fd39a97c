//! KeyPackages: so many one-time ones on the relay that others can always add this device, and one of last resort.

use curo_mls::{Signer, Suite};
use curo_store::repo::account::Account;
use curo_store::repo::key_package::{self, PendingUpload};
use curo_types::api::{KeyPackageStock, UploadKeyPackages, limits};
use curo_types::format::Credential;
use curo_types::{Blob, SuiteId};

use crate::db::{Db, Tx};
use crate::error::Fault;
use crate::failpoints;
use crate::http::Relay;

/// One-time KeyPackages to have on the relay.
const TARGET: u32 = 50;
/// Refill below this.
const LOW: u32 = 25;

/// What MLS calls need to sign as this device.
pub(crate) fn signer(account: &Account) -> Signer {
    Signer {
        suite: Suite(account.suite.0),
        identity: Credential::new(account.tenant.clone(), account.user, account.device).to_bytes(),
        public_key: account.signature_key.clone(),
    }
}

/// Tops up the relay's stock. The private keys are durable before anything is sent; what a kill keeps from being sent
/// goes with the next call.
pub(crate) async fn refill(db: &Db, relay: &Relay, account: &Account, stock: KeyPackageStock) -> Result<(), Fault> {
    let for_tx = account.clone();
    let pending = db
        .write(move |tx| {
            let mut pending = key_package::pending(tx.conn)?;
            let waiting = pending.iter().filter(|p| !p.last_resort).count() as u64;
            if u64::from(stock.one_time) + waiting < u64::from(LOW) {
                let missing = usize::try_from(u64::from(TARGET - stock.one_time.min(TARGET)) - waiting).unwrap_or(0);
                pending.extend(make(tx, &for_tx, missing, false)?);
            }
            if !stock.last_resort && !pending.iter().any(|p| p.last_resort) {
                pending.extend(make(tx, &for_tx, 1, true)?);
            }
            Ok(pending)
        })
        .await?;
    if pending.is_empty() {
        return Ok(());
    }
    failpoints::hit(failpoints::KEY_PACKAGES_BEFORE_SEND);
    for suite in [account.suite] {
        upload(
            db,
            relay,
            suite,
            pending.iter().filter(|p| p.suite == suite).cloned().collect(),
        )
        .await?;
    }
    Ok(())
}

fn make(tx: &mut Tx<'_>, account: &Account, count: usize, last_resort: bool) -> Result<Vec<PendingUpload>, Fault> {
    let made = tx.mls.new_key_packages(&tx.kv, &signer(account), count, last_resort)?;
    let made: Vec<_> = made
        .into_iter()
        .map(|p| PendingUpload {
            hash_ref: p.hash_ref,
            suite: account.suite,
            last_resort,
            bytes: p.bytes,
        })
        .collect();
    for upload in &made {
        key_package::add(tx.conn, upload)?;
    }
    Ok(made)
}

async fn upload(db: &Db, relay: &Relay, suite: SuiteId, pending: Vec<PendingUpload>) -> Result<(), Fault> {
    for chunk in pending.chunks(limits::KEY_PACKAGES_PER_UPLOAD) {
        let one_time = chunk
            .iter()
            .filter(|p| !p.last_resort)
            .map(|p| Blob(p.bytes.clone()))
            .collect();
        let last_resort = chunk.iter().find(|p| p.last_resort).map(|p| Blob(p.bytes.clone()));
        relay
            .upload_key_packages(&UploadKeyPackages {
                suite,
                one_time,
                last_resort,
            })
            .await?;
        failpoints::hit(failpoints::KEY_PACKAGES_AFTER_SEND);
        let refs: Vec<_> = chunk.iter().map(|p| p.hash_ref.clone()).collect();
        db.write(move |tx| {
            refs.iter()
                .try_for_each(|hash_ref| key_package::uploaded(tx.conn, hash_ref))?;
            Ok(())
        })
        .await?;
    }
    Ok(())
}
