//! Suites: what tenants allow, keys that devices gain, claims and conversations of a suite.

use curo_mls::{MlsEngine as _, Suite};
use curo_types::api::{ClaimAnswer, ClaimRequest, KeyPackageStock, SyncAnswer, UploadKeyPackages};
use curo_types::format::{Envelope, EnvelopeBody, Signer, SuiteKey, SuiteVerdict};
use curo_types::{Blob, ClaimId, Digest, ErrorCode, SuiteId};

use crate::device::{Device, SECOND, SUITE};
use crate::world::{World, other_tenant, tenant};

async fn both() -> World {
    World::start_with(|config| config.tenants[0].suites = vec![SECOND, SUITE]).await
}

fn verify_suite(suite: SuiteId, key: &[u8], message: &[u8], signature: &[u8]) -> SuiteVerdict {
    curo_mls::verify_signature(Suite(suite.0), key, message, signature)
        .is_ok()
        .into()
}

#[tokio::test]
async fn p2_1_tenants_of_one_relay_have_their_own_suites() {
    let world = World::start_with(|config| {
        config.tenants[0].suites = vec![SECOND, SUITE];
        config.tenants[1].suites = vec![SUITE];
    })
    .await;
    let anna = Device::new(&world, "anna").await;
    let mut luke = Device::of(&world, &other_tenant(), "anna").await;
    assert_eq!(anna.session.suites, [SECOND, SUITE]);
    assert_eq!(luke.session.suites, [SUITE]);
    let of = async |device: &Device| {
        let answer: SyncAnswer = device.sync(&world, None, 0).await.unwrap();
        answer.suites
    };
    assert_eq!((of(&anna).await, of(&luke).await), (vec![SECOND, SUITE], vec![SUITE]));
    let refused = luke.rotation(&world, SECOND).await;
    let refused = luke.add_keys(&world, &refused.to_bytes()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::REFUSED);
}

#[tokio::test]
async fn p2_2_a_device_gains_a_key_of_a_suite_that_its_tenant_allows() {
    let world = both().await;
    let mut anna = Device::new(&world, "anna").await;
    let before = anna.last_envelope(&world).await;
    let rotation = anna.rotation(&world, SECOND).await.to_bytes();
    let added = anna.add_keys(&world, &rotation).await.unwrap();
    let read = Envelope::from_bytes(added.envelope.as_slice()).unwrap();
    read.verify(&anna.session.directory_key, &verify_suite, &|_, _| None)
        .unwrap();
    read.verify_rotation(before.body(), &verify_suite).unwrap();
    assert_eq!(read.body().previous, Some(before.hash()));
    // The same again, also after another one.
    assert_eq!(anna.add_keys(&world, &rotation).await.unwrap(), added);
    assert_eq!(anna.last_envelope(&world).await, read);
    // The suite has its own stock from now on, and others are invited in it.
    let keys = read.body().keys.clone();
    let of_second = keys.iter().find(|key| key.suite == SECOND).unwrap();
    let signer = curo_mls::Signer {
        suite: Suite(SECOND.0),
        identity: anna.signer.identity.clone(),
        public_key: of_second.public_key.clone(),
    };
    let made = anna
        .engine
        .new_key_packages(&anna.store, &signer, 2, false)
        .unwrap()
        .into_iter()
        .map(|made| Blob(made.bytes))
        .collect();
    let upload = UploadKeyPackages {
        replace: false,
        suite: SECOND,
        one_time: made,
        last_resort: None,
    };
    let stock: KeyPackageStock = anna.post(&world, "/v1/key-packages", &upload).await.unwrap();
    assert_eq!((stock.suite, stock.one_time), (SECOND, 2));
    let ben = Device::new(&world, "ben").await;
    let claim = |suites| ClaimRequest {
        claim: ClaimId::random(),
        suites,
        users: vec![anna.user()],
    };
    let answer: ClaimAnswer = ben
        .post(&world, "/v1/key-packages/claim", &claim(vec![SECOND, SUITE]))
        .await
        .unwrap();
    assert_eq!((answer.suite, answer.claims.len()), (SECOND, 1));
    for (suites, code) in [(vec![], ErrorCode::MALFORMED), (vec![SUITE; 9], ErrorCode::TOO_LARGE)] {
        let refused = ben
            .post::<ClaimAnswer>(&world, "/v1/key-packages/claim", &claim(suites))
            .await
            .unwrap_err();
        assert_eq!(refused.code, code);
    }
}

#[tokio::test]
async fn p2_2_a_rotation_does_nothing_but_add_keys() {
    let world = both().await;
    let mut anna = Device::new(&world, "anna").await;
    let ben = Device::new(&world, "ben").await;
    let before = anna.last_envelope(&world).await;
    let good = anna.rotation(&world, SECOND).await;
    let keys = good.body().keys.clone();
    let rotate = |previous, keys| EnvelopeBody::rotate(before.body(), previous, keys);
    let with = |suite: u16| {
        let public_key = vec![5; 32];
        let suite = SuiteId(suite);
        [before.body().keys.clone(), vec![SuiteKey { suite, public_key }]].concat()
    };
    let third = anna
        .engine
        .new_signature_key(&anna.store, Suite::X25519_CHACHA20POLY1305_SHA256_ED25519)
        .unwrap();
    let third = SuiteKey {
        suite: SuiteId(3),
        public_key: third,
    };
    let mut other_chain = rotate(before.hash(), keys.clone());
    other_chain.audit_chain = Some(curo_types::ChainId([7; 16]));
    let mut of_ben = rotate(before.hash(), keys.clone());
    of_ben.device = ben.id;
    let mut unproved = good.clone();
    unproved.signatures.retain(|s| s.signer == Signer::Subject(SUITE));
    let mut approved = good.clone();
    approved.push(Signer::Directory, vec![0; 64]);
    let cases = [
        ("no proof of the new key", unproved, ErrorCode::REFUSED),
        ("a signature too many", approved, ErrorCode::REFUSED),
        (
            "a suite that the relay cannot check",
            Envelope::new(rotate(before.hash(), with(0xf000))),
            ErrorCode::REFUSED,
        ),
        (
            "a suite that the tenant does not allow",
            anna.sign_all(rotate(before.hash(), [keys.clone(), vec![third]].concat())),
            ErrorCode::REFUSED,
        ),
        (
            "no new key",
            anna.sign_all(rotate(before.hash(), before.body().keys.clone())),
            ErrorCode::REFUSED,
        ),
        (
            "the old key gone",
            anna.sign_all(rotate(before.hash(), vec![keys[1].clone()])),
            ErrorCode::REFUSED,
        ),
        ("another audit chain", anna.sign_all(other_chain), ErrorCode::REFUSED),
        (
            "not behind the last envelope",
            anna.sign_all(rotate(Digest::of(b"another"), keys.clone())),
            ErrorCode::DIRECTORY_CHANGED,
        ),
        ("another device", anna.sign_all(of_ben), ErrorCode::FORBIDDEN),
        ("an addition", anna.envelope(), ErrorCode::REFUSED),
        (
            "a revocation",
            Envelope::new(EnvelopeBody::revoke(tenant(), anna.user(), anna.id, before.hash())),
            ErrorCode::REFUSED,
        ),
    ];
    for (what, envelope, code) in cases {
        let refused = anna.add_keys(&world, &envelope.to_bytes()).await.unwrap_err();
        assert_eq!(refused.code, code, "{what}: {refused:?}");
    }
    let refused = anna.add_keys(&world, b"garbage").await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::MALFORMED);
    let refused = anna.add_keys(&world, &[0; 3000]).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::TOO_LARGE);
    assert_eq!(anna.last_envelope(&world).await, before, "nothing was appended");
    anna.add_keys(&world, &good.to_bytes()).await.unwrap();
}
