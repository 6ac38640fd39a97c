//! Sign-in: binds the profile to the user whom the identity provider vouches for, and registers the device.
//!
//! Every step is durable before the next one is sent, and repeating the whole is harmless: a kill anywhere is mended by
//! signing in again.

use std::sync::Arc;

use curo_mls::Suite;
use curo_store::repo::account::{self, Account};
use curo_store::repo::sign_in;
use curo_types::api::{KeyPackageStock, Registered, SessionAnswer};
use curo_types::format::{Envelope, EnvelopeBody};
use curo_types::{ChainId, DeviceId, ErrorCode};

use crate::db::{Db, Tx};
use crate::directory::verify_suite;
use crate::error::Fault;
use crate::guard::Guard;
use crate::http::Relay;
use crate::{failpoints, key_packages, policy, recovery, suites};

/// Signs in, registering the device if it is new, and returns the account.
pub(crate) async fn sign_in(db: &Db, relay: &Relay, guard: &Arc<Guard>) -> Result<Account, Fault> {
    let session = relay.session(db.read(recovery::known).await?).await?;
    session.log_key.verify(&session.directory_key)?;
    if session.log_key.tenant != session.tenant {
        return Err(Fault::BadRelay("log key of another tenant"));
    }
    let guard = Arc::clone(guard);
    let account = db
        .write(move |tx| {
            let renewed = guard.renewed(sign_in::get(tx.conn)?.as_ref(), &session)?;
            let account = bind(tx, &session)?;
            recovery::keep_statement(tx.conn, &session)?;
            if let Some(policy) = &session.policy {
                policy::keep(tx.conn, policy)?;
            }
            sign_in::put(tx.conn, &renewed)?;
            Ok(account)
        })
        .await?;
    relay.set_device(account.device).await;
    if account.registered.is_some() {
        return Ok(account);
    }
    failpoints::hit(failpoints::REGISTER_BEFORE_SEND);
    let registered = register(relay, &account, &Envelope::from_bytes(&account.envelope)?).await;
    failpoints::hit(failpoints::REGISTER_AFTER_SEND);
    let registered = registered?;
    let account = db
        .write(move |tx| {
            account::set_registered(tx.conn, registered.version, registered.envelope.as_slice())?;
            account::get(tx.conn)?.ok_or(Fault::Code(ErrorCode::SIGN_IN_NEEDED))
        })
        .await?;
    // So that others can add this device from now on. What a kill keeps from happening, the first sync makes up for.
    let stock = account.keys.iter().map(|key| KeyPackageStock {
        suite: key.suite,
        one_time: 0,
        last_resort: false,
    });
    key_packages::refill(db, relay, &account, stock.collect()).await?;
    Ok(account)
}

/// Registers the device; what comes back is what was sent, with the relay's signature.
pub(crate) async fn register(relay: &Relay, account: &Account, ours: &Envelope) -> Result<Registered, Fault> {
    let registered = relay.register(ours.to_bytes()).await?;
    // The relay may only add its signature.
    let theirs = Envelope::from_bytes(registered.envelope.as_slice())?;
    if theirs.signed_bytes() != ours.signed_bytes() {
        return Err(Fault::BadRelay("another envelope came back"));
    }
    theirs.verify(&account.directory_key, &verify_suite, &|_, _| None)?;
    Ok(registered)
}

/// The account of this session: the bound one, or a new one with new keys.
fn bind(tx: &mut Tx<'_>, session: &SessionAnswer) -> Result<Account, Fault> {
    if let Some(account) = account::get(tx.conn)? {
        if account.relay_store != session.store {
            // A relay that was restored; one that begins anew, or another one, is told apart (rule 7.2).
            recovery::adopt(tx.conn, &account, session)?;
            return account::get(tx.conn)?.ok_or(Fault::Code(ErrorCode::SIGN_IN_NEEDED));
        }
        if account.tenant != session.tenant || account.user != session.user {
            return Err(Fault::Code(ErrorCode::WRONG_ACCOUNT));
        }
        if account.directory_key != session.directory_key {
            return Err(Fault::BadRelay("the directory key has changed"));
        }
        if account.log_key != session.log_key.log_key {
            // Vouched for by the pinned directory key, which was checked above.
            account::set_log_key(tx.conn, session.log_key.log_key)?;
            return account::get(tx.conn)?.ok_or(Fault::Code(ErrorCode::SIGN_IN_NEEDED));
        }
        return Ok(account);
    }
    let allowed = suites::usable(&session.suites);
    if allowed.is_empty() {
        return Err(Fault::Code(ErrorCode::UNSUPPORTED_VERSION));
    }
    let keys = suites::new_keys(tx, &allowed)?;
    let dpop_key = tx
        .mls
        .new_signature_key(&tx.kv, Suite::X25519_AES128GCM_SHA256_ED25519)?;
    let device = DeviceId::random();
    let audit_chain = ChainId::random();
    let body = EnvelopeBody::add(
        session.tenant.clone(),
        session.user,
        device,
        keys.clone(),
        Some(ed25519_jwk(&dpop_key)),
        Some(audit_chain),
    );
    let mut envelope = Envelope::new(body);
    suites::sign_own(tx, &mut envelope)?;
    let account = Account {
        tenant: session.tenant.clone(),
        user: session.user,
        device,
        suites: allowed,
        keys,
        rotation: None,
        read_suites: suites::supported(),
        dpop_key,
        audit_chain,
        relay_store: session.store,
        directory_key: session.directory_key,
        log_key: session.log_key.log_key,
        envelope: envelope.to_bytes(),
        registered: None,
        directory_version: 0,
        sync_token: None,
        inbox_ack: 0,
    };
    account::bind(tx.conn, &account)?;
    recovery::keep_lost(tx.conn, &session.lost)?;
    Ok(account)
}

/// An Ed25519 public key as the canonical JSON of RFC 7638 (members in order, no white space; RFC 8037).
fn ed25519_jwk(public_key: &[u8]) -> String {
    let x = serde_json::to_string(&curo_types::Blob(public_key.to_vec())).unwrap_or_default();
    format!(r#"{{"crv":"Ed25519","kty":"OKP","x":{x}}}"#)
}
