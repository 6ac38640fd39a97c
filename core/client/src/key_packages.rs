//! KeyPackages: so many one-time ones on the relay that others can always add this device, and one of last resort.

use curo_mls::{Signer, Suite};
use curo_store::repo::account::Account;
use curo_store::repo::key_package::{self, PendingUpload};
use curo_types::api::{KeyPackageStock, UploadKeyPackages, limits};
use curo_types::format::Credential;
use curo_types::{Blob, ErrorCode, SuiteId};

use crate::db::{Db, Tx};
use crate::error::Fault;
use crate::failpoints;
use crate::http::Relay;

/// One-time KeyPackages to have on the relay.
const TARGET: u32 = 50;
/// Refill below this.
const LOW: u32 = 25;

/// What MLS calls need to sign as this device in a suite.
///
/// # Errors
/// `no_common_suite` if the device has no key of the suite.
pub(crate) fn signer(account: &Account, suite: SuiteId) -> Result<Signer, Fault> {
    let key = account.key_of(suite).ok_or(Fault::Code(ErrorCode::NO_COMMON_SUITE))?;
    Ok(Signer {
        suite: Suite(suite.0),
        identity: Credential::new(account.tenant.clone(), account.user, account.device).to_bytes(),
        public_key: key.to_vec(),
    })
}

/// Tops up the relay's stock of each suite that this device has a key of. The private keys are durable before anything is sent; what a kill keeps from being sent
/// goes with the next call.
pub(crate) async fn refill(
    db: &Db,
    relay: &Relay,
    account: &Account,
    stocks: Vec<KeyPackageStock>,
) -> Result<(), Fault> {
    let for_tx = account.clone();
    let pending = db
        .write(move |tx| {
            let mut pending = key_package::pending(tx.conn)?;
            for stock in stocks.into_iter().filter(|stock| for_tx.key_of(stock.suite).is_some()) {
                let of_suite = |p: &&PendingUpload| p.suite == stock.suite;
                let waiting = pending.iter().filter(of_suite).filter(|p| !p.last_resort).count() as u64;
                let has_last_resort = pending.iter().filter(of_suite).any(|p| p.last_resort);
                if u64::from(stock.one_time) + waiting < u64::from(LOW) {
                    let here = u64::from(stock.one_time) + waiting;
                    let missing = usize::try_from(u64::from(TARGET) - here).unwrap_or(0);
                    pending.extend(make(tx, &for_tx, stock.suite, missing, false)?);
                }
                if !stock.last_resort && !has_last_resort {
                    pending.extend(make(tx, &for_tx, stock.suite, 1, true)?);
                }
            }
            Ok(pending)
        })
        .await?;
    if pending.is_empty() {
        return Ok(());
    }
    failpoints::hit(failpoints::KEY_PACKAGES_BEFORE_SEND);
    for key in &account.keys {
        let of_suite = pending.iter().filter(|p| p.suite == key.suite).cloned().collect();
        upload(db, relay, key.suite, of_suite, false).await?;
    }
    Ok(())
}

/// Replaces the relay's stock: it may hold KeyPackages whose private keys went with a later life of this device (rule 7.1).
pub(crate) async fn replace(db: &Db, relay: &Relay, account: &Account) -> Result<(), Fault> {
    for key in &account.keys {
        let (for_tx, suite) = (account.clone(), key.suite);
        let made = db
            .write(move |tx| {
                let count = usize::try_from(TARGET).unwrap_or(0);
                let mut made = make(tx, &for_tx, suite, count, false)?;
                made.extend(make(tx, &for_tx, suite, 1, true)?);
                Ok(made)
            })
            .await?;
        failpoints::hit(failpoints::KEY_PACKAGES_BEFORE_SEND);
        upload(db, relay, suite, made, true).await?;
    }
    Ok(())
}

fn make(
    tx: &mut Tx<'_>,
    account: &Account,
    suite: SuiteId,
    count: usize,
    last_resort: bool,
) -> Result<Vec<PendingUpload>, Fault> {
    let made = tx
        .mls
        .new_key_packages(&tx.kv, &signer(account, suite)?, count, last_resort)?;
    let made: Vec<_> = made
        .into_iter()
        .map(|p| PendingUpload {
            hash_ref: p.hash_ref,
            suite,
            last_resort,
            bytes: p.bytes,
        })
        .collect();
    for upload in &made {
        key_package::add(tx.conn, upload)?;
    }
    Ok(made)
}

/// With `replace` there is one chunk.
async fn upload(
    db: &Db,
    relay: &Relay,
    suite: SuiteId,
    pending: Vec<PendingUpload>,
    replace: bool,
) -> Result<(), Fault> {
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
                replace,
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
