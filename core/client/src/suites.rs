//! The cipher suites of this device: which ones the tenant allows and this build can run, and the keys that it gets for them
//! (rule 2.1).
//!
//! A suite that the tenant newly allows gets a key by a rotation of the device's envelope: durable first, then sent; the same
//! bytes go again until there is an answer. A suite that the tenant allows no longer keeps its key: conversations of that suite
//! go on, new ones take another.

use std::sync::atomic::Ordering;

use curo_mls::Suite;
use curo_store::repo::account::{self, Account};
use curo_store::repo::directory as directory_rows;
use curo_types::format::{Envelope, EnvelopeBody, Signer, SuiteKey};
use curo_types::{Digest, ErrorCode, SuiteId};

use crate::core::Core;
use crate::db::Tx;
use crate::directory::verify_suite;
use crate::error::Fault;
use crate::failpoints;
use crate::sync::pull::of_account;

/// Those of the tenant's suites that this build can run, best first.
pub(crate) fn usable(offered: &[SuiteId]) -> Vec<SuiteId> {
    let mut usable = Vec::new();
    for suite in offered {
        if Suite(suite.0).is_supported() && !usable.contains(suite) {
            usable.push(*suite);
        }
    }
    usable
}

/// The suites that this build can run, as the account keeps them.
pub(crate) fn supported() -> String {
    let numbers: Vec<_> = Suite::SUPPORTED.iter().map(|suite| suite.0.to_string()).collect();
    numbers.join(",")
}

/// A new key for each of the suites; the private parts are in the store.
pub(crate) fn new_keys(tx: &mut Tx<'_>, suites: &[SuiteId]) -> Result<Vec<SuiteKey>, Fault> {
    suites
        .iter()
        .map(|suite| {
            Ok(SuiteKey {
                suite: *suite,
                public_key: tx.mls.new_signature_key(&tx.kv, Suite(suite.0))?,
            })
        })
        .collect()
}

/// Signs an envelope with each of its own keys.
pub(crate) fn sign_own(tx: &mut Tx<'_>, envelope: &mut Envelope) -> Result<(), Fault> {
    let message = envelope.signed_bytes();
    for key in envelope.body().keys.clone() {
        let signature = tx.mls.sign(&tx.kv, Suite(key.suite.0), &key.public_key, &message)?;
        envelope.push(Signer::Subject(key.suite), signature);
    }
    Ok(())
}

/// Notes what the tenant allows, and prepares keys for what is new in it. True: there is a rotation to send.
pub(crate) fn note_policy(tx: &mut Tx<'_>, offered: &[SuiteId]) -> Result<bool, Fault> {
    let me = account::get(tx.conn)?.ok_or(Fault::Code(ErrorCode::SIGN_IN_NEEDED))?;
    if me.read_suites != supported() {
        // Another build: envelopes may hold keys that the one before could not check. They are read again when they are needed.
        directory_rows::doubt(tx.conn)?;
        account::set_read_suites(tx.conn, &supported())?;
    }
    // A relay that says nothing has not changed its mind.
    let wanted = if offered.is_empty() {
        me.suites.clone()
    } else {
        usable(offered)
    };
    if wanted != me.suites {
        account::set_suites(tx.conn, &wanted)?;
    }
    if me.registered.is_none() {
        return Ok(false);
    }
    if me.rotation.is_some() {
        return Ok(true);
    }
    let missing: Vec<_> = wanted.into_iter().filter(|suite| me.key_of(*suite).is_none()).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    // Keys that an envelope was refused with are used again.
    let mut added = account::unpublished(tx.conn)?;
    added.retain(|key| missing.contains(&key.suite));
    let new: Vec<_> = missing
        .into_iter()
        .filter(|suite| !added.iter().any(|key| key.suite == *suite))
        .collect();
    added.extend(new_keys(tx, &new)?);
    let before = Envelope::from_bytes(&me.envelope)?;
    let keys = [me.keys.clone(), added.clone()].concat();
    let body = EnvelopeBody::rotate(before.body(), Digest::of(&me.envelope), keys);
    let mut envelope = Envelope::new(body);
    sign_own(tx, &mut envelope)?;
    account::prepare_rotation(tx.conn, &added, &envelope.to_bytes())?;
    Ok(true)
}

/// Whether [`note_policy`] has nothing to do.
fn settled(me: &Account, offered: &[SuiteId]) -> bool {
    me.rotation.is_none()
        && me.read_suites == supported()
        && (offered.is_empty() || me.suites == usable(offered))
        && me.suites.iter().all(|suite| me.key_of(*suite).is_some())
}

impl Core {
    /// Keeps the device's keys in step with what the tenant allows.
    pub(crate) async fn keep_suites(&self, me: &Account, offered: Vec<SuiteId>) -> Result<(), Fault> {
        if settled(me, &offered) || self.keys_refused.load(Ordering::Relaxed) {
            return Ok(());
        }
        if self.db.write(move |tx| note_policy(tx, &offered)).await? {
            self.add_keys().await?;
        }
        let account = self.fresh_account().await?;
        self.set_account(account).await;
        Ok(())
    }

    async fn add_keys(&self) -> Result<(), Fault> {
        let me = self.fresh_account().await?;
        let Some(rotation) = me.rotation else { return Ok(()) };
        failpoints::hit(failpoints::KEYS_BEFORE_SEND);
        let answer = self.relay.add_keys(rotation.clone()).await;
        failpoints::hit(failpoints::KEYS_AFTER_SEND);
        let added = match answer {
            // The tenant may have changed its mind again. The device goes on with the keys that it has, and asks again when
            // it is opened next.
            Err(Fault::Problem(problem)) if !problem.code.retryable() && !of_account(&problem.code) => {
                crate::log::event!(Warn, "keys_refused", code = problem.code);
                self.keys_refused.store(true, Ordering::Relaxed);
                return self.db.write(|tx| Ok(account::drop_rotation(tx.conn)?)).await;
            }
            answer => answer?,
        };
        let ours = Envelope::from_bytes(&rotation)?;
        let theirs = Envelope::from_bytes(added.envelope.as_slice())?;
        if theirs.signed_bytes() != ours.signed_bytes() {
            return Err(Fault::BadRelay("another envelope came back"));
        }
        theirs.verify(&me.directory_key, &verify_suite, &|_, _| None)?;
        self.db
            .write(move |tx| {
                let keys = &theirs.body().keys;
                Ok(account::set_rotated(
                    tx.conn,
                    added.version,
                    added.envelope.as_slice(),
                    keys,
                )?)
            })
            .await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn p2_1_suites_of_a_later_version_are_passed_over() {
        let offered = [0xf000, 2, 0xf001, 1, 2, 4].map(SuiteId);
        assert_eq!(usable(&offered), [SuiteId(2), SuiteId(1)]);
        assert!(usable(&[SuiteId(0xf000)]).is_empty());
        assert_eq!(supported(), "1,2,3");
    }
}
