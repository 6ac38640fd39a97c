//! Signatures that must not hold.

use curo_types::format::{
    Approval, Envelope, EnvelopeBody, LogKeyStatement, SignedTip, Signer, SuiteKey, SuiteVerdict,
};
use curo_types::{Blob, DeviceId, Digest, FormatError, SuiteId};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::file::{Vectors, bytes, id, number, tenant};

/// Ed25519 as the one suite of the vectors uses it.
pub fn ed25519(suite: SuiteId, key: &[u8], message: &[u8], signature: &[u8]) -> SuiteVerdict {
    if suite != SuiteId::MLS_128_X25519_AES128GCM_SHA256_ED25519 {
        return SuiteVerdict::UnknownSuite;
    }
    let Ok(key) = <[u8; 32]>::try_from(key) else {
        return SuiteVerdict::Wrong;
    };
    let (Ok(key), Ok(signature)) = (VerifyingKey::from_bytes(&key), Signature::from_slice(signature)) else {
        return SuiteVerdict::Wrong;
    };
    key.verify_strict(message, &signature).is_ok().into()
}

/// The directory of the vectors: the phone's key, which approves the tablet.
pub fn verify(file: &Vectors, envelope: &Envelope) -> Result<(), FormatError> {
    let phone: DeviceId = id(&file.of("directory_envelope")[0]["fields"]["device"]);
    let phone_key = file.public_key("phone").0.to_vec();
    let known = |device: DeviceId, _: SuiteId| (device == phone).then(|| phone_key.clone());
    envelope.verify(&file.public_key("directory"), &ed25519, &known)
}

fn envelope(file: &Vectors, index: usize) -> Envelope {
    Envelope::from_bytes(&bytes(&file.of("directory_envelope")[index]["bytes"])).unwrap()
}

fn refused(file: &Vectors, envelope: &Envelope) {
    assert!(
        matches!(verify(file, envelope), Err(FormatError::BadSignature { .. })),
        "{envelope:?}"
    );
}

#[test]
fn p2_2_no_changed_envelope_verifies() {
    let file = Vectors::read();
    for index in 0..3 {
        let genuine = bytes(&file.of("directory_envelope")[index]["bytes"]);
        for at in 0..genuine.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = genuine.clone();
                changed[at] ^= change;
                if let Ok(envelope) = Envelope::from_bytes(&changed) {
                    assert!(verify(&file, &envelope).is_err(), "envelope {index}, byte {at}");
                }
            }
        }
    }
}

#[test]
fn p2_2_every_signature_is_needed() {
    let file = Vectors::read();
    for index in 0..3 {
        for left_out in 0..envelope(&file, index).signatures.len() {
            let mut envelope = envelope(&file, index);
            envelope.signatures.remove(left_out);
            refused(&file, &envelope);
        }
    }
}

#[test]
fn p2_2_the_body_names_who_must_approve() {
    let file = Vectors::read();
    // The directory signs what a device should have approved.
    let mut by_directory = envelope(&file, 1);
    by_directory
        .signatures
        .retain(|s| matches!(s.signer, Signer::Subject(_)));
    by_directory.sign_as_directory(&file.key("directory"));
    refused(&file, &by_directory);
    // A device signs what the directory should have approved.
    let mut by_device = envelope(&file, 0);
    by_device.signatures.retain(|s| matches!(s.signer, Signer::Subject(_)));
    let signature = file.key("tablet").sign(&by_device.signed_bytes()).to_vec();
    by_device.push(Signer::Device(DeviceId([7; 16]), SuiteId(1)), signature);
    refused(&file, &by_device);
}

#[test]
fn p2_2_a_device_cannot_approve_itself() {
    let file = Vectors::read();
    let phone: DeviceId = id(&file.of("directory_envelope")[0]["fields"]["device"]);
    let mut body = envelope(&file, 0).body().clone();
    body.approval = Approval::Device(phone, SuiteId(1));
    let mut envelope = Envelope::new(body);
    for signer in [Signer::Subject(SuiteId(1)), Signer::Device(phone, SuiteId(1))] {
        let signature = file.key("phone").sign(&envelope.signed_bytes()).to_vec();
        envelope.push(signer, signature);
    }
    envelope.verify_possession(&ed25519).unwrap();
    refused(&file, &envelope);
}

#[test]
fn p2_2_a_device_that_the_directory_does_not_know_cannot_approve() {
    let file = Vectors::read();
    let envelope = envelope(&file, 1);
    let nobody = |_: DeviceId, _: SuiteId| None;
    assert!(
        envelope
            .verify(&file.public_key("directory"), &ed25519, &nobody)
            .is_err()
    );
}

#[test]
fn p2_6_no_changed_tip_verifies() {
    let file = Vectors::read();
    let fields = &file.of("signed_tip")[0]["fields"];
    let genuine = SignedTip {
        store: id(&fields["store"]),
        tenant: tenant(fields),
        conversation: id(&fields["conversation"]),
        incarnation: number(&fields["incarnation"]),
        seq: number(&fields["seq"]),
        h: id(&fields["h"]),
        time_ms: number(&fields["time_ms"]),
        signature: Blob(bytes(&fields["signature"])),
    };
    let log_key = file.public_key("log");
    genuine.verify(&log_key).unwrap();
    let changes: [fn(&mut SignedTip); 9] = [
        |tip| tip.store.0[0] ^= 1,
        |tip| tip.tenant = "st-luke".parse().unwrap(),
        |tip| tip.conversation.0[15] ^= 1,
        |tip| tip.incarnation += 1,
        |tip| tip.seq += 1,
        |tip| tip.h.0[31] ^= 1,
        |tip| tip.time_ms += 1,
        |tip| tip.signature.0[0] ^= 1,
        |tip| tip.signature.0.truncate(63),
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut changed = genuine.clone();
        change(&mut changed);
        assert!(
            matches!(changed.verify(&log_key), Err(FormatError::BadSignature { .. })),
            "change {index}"
        );
    }
    assert!(genuine.verify(&file.public_key("directory")).is_err(), "another key");
}

#[test]
fn p2_6_a_log_key_needs_the_directory_key() {
    let file = Vectors::read();
    let (directory, log_key) = (file.public_key("directory"), file.public_key("log"));
    let statement = LogKeyStatement::sign(&file.key("directory"), "st-mary".parse().unwrap(), log_key);
    statement.verify(&directory).unwrap();
    let other_tenant = LogKeyStatement {
        tenant: "st-luke".parse().unwrap(),
        ..statement.clone()
    };
    assert!(other_tenant.verify(&directory).is_err());
    let other_key = LogKeyStatement {
        log_key: file.public_key("phone"),
        ..statement
    };
    assert!(other_key.verify(&directory).is_err());
    let self_signed = LogKeyStatement::sign(&file.key("log"), "st-mary".parse().unwrap(), log_key);
    assert!(self_signed.verify(&directory).is_err());
}

/// With a key of small order a signature can hold for many messages.
#[test]
fn p2_6_keys_of_small_order_are_refused() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let mut tip = SignedTip::sign(
        &SigningKey::from_bytes(&[7; 32]),
        id(&serde_json::json!("00".repeat(16))),
        "st-mary".parse().unwrap(),
        id(&serde_json::json!("00".repeat(16))),
        1,
        1,
        Digest::ZERO,
        0,
    );
    tip.signature = Blob(signature.to_vec());
    // The forgery is a good one: the lax rules take it.
    let key = VerifyingKey::from_bytes(&identity).unwrap();
    let lax = ed25519_dalek::Verifier::verify(&key, &tip.signed_bytes(), &Signature::from_bytes(&signature));
    assert!(lax.is_ok());
    assert!(tip.verify(&Digest(identity)).is_err());
}

/// A later suite's key, of which this reader can check nothing.
fn of_later_suite() -> SuiteKey {
    SuiteKey {
        suite: SuiteId(0xf000),
        public_key: vec![9; 1000],
    }
}

/// A device's envelope with these keys, signed by those of them whose name is given, and by the directory.
fn signed(file: &Vectors, body: EnvelopeBody, by: &[(&str, Signer)]) -> Envelope {
    let mut envelope = Envelope::new(body);
    for (name, signer) in by {
        let signature = file.key(name).sign(&envelope.signed_bytes()).to_vec();
        envelope.push(*signer, signature);
    }
    envelope.sign_as_directory(&file.key("directory"));
    envelope
}

#[test]
fn p2_1_keys_of_a_later_suite_are_passed_over_and_never_taken_as_approval() {
    let file = Vectors::read();
    let mut body = envelope(&file, 0).body().clone();
    body.keys.push(of_later_suite());
    let own = [("phone", Signer::Subject(SuiteId(1)))];
    let known = signed(&file, body.clone(), &own);
    let read = Envelope::from_bytes(&known.to_bytes()).unwrap();
    verify(&file, &read).unwrap();
    // The one that can be checked must hold all the same.
    refused(&file, &signed(&file, body.clone(), &[]));
    // An approval by a key of such a suite is none: anybody could claim it.
    body.approval = Approval::Device(DeviceId([7; 16]), SuiteId(0xf000));
    let mut approved = signed(&file, body, &own);
    approved.push(Signer::Device(DeviceId([7; 16]), SuiteId(0xf000)), vec![1; 64]);
    let all = |_: DeviceId, _: SuiteId| Some(vec![9; 1000]);
    let verdict = approved.verify(&file.public_key("directory"), &ed25519, &all);
    assert!(matches!(verdict, Err(FormatError::BadSignature { .. })));
}

#[test]
fn p2_2_a_directory_cannot_give_a_device_keys_that_the_device_did_not_sign_for() {
    let file = Vectors::read();
    let phone = envelope(&file, 0);
    let device = phone.body().device;
    let key = |name: &str| SuiteKey {
        suite: SuiteId(1),
        public_key: file.public_key(name).0.to_vec(),
    };
    let rotation = |keys, by: &[(&str, Signer)]| {
        let body = EnvelopeBody::rotate(phone.body(), phone.hash(), keys);
        let rotation = signed(&file, body, by);
        verify(&file, &rotation).unwrap();
        rotation.verify_rotation(phone.body(), &ed25519).is_ok()
    };
    let own = Signer::Subject(SuiteId(1));
    let before = Signer::Device(device, SuiteId(1));
    let both = vec![key("phone"), of_later_suite()];
    assert!(rotation(both, &[("phone", own)]), "its key stays");
    let other = || vec![key("tablet")];
    assert!(
        rotation(other(), &[("tablet", own), ("phone", before)]),
        "its key goes, and says so"
    );
    assert!(!rotation(other(), &[("tablet", own)]), "the device knows nothing of it");
    assert!(
        !rotation(other(), &[("tablet", own), ("tablet", before)]),
        "not its key"
    );
    let another = Signer::Device(DeviceId([7; 16]), SuiteId(1));
    assert!(
        !rotation(other(), &[("tablet", own), ("phone", another)]),
        "not in its name"
    );
    // Of a device with keys of later suites alone nothing can be said.
    let unreadable = EnvelopeBody::rotate(phone.body(), phone.hash(), vec![of_later_suite()]);
    let next = signed(
        &file,
        EnvelopeBody::rotate(&unreadable, phone.hash(), vec![key("phone")]),
        &[("phone", own)],
    );
    next.verify_rotation(&unreadable, &ed25519).unwrap();
}
