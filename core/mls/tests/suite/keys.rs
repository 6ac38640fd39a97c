//! Signature keys, KeyPackages, Welcomes by reference.

use curo_mls::{MlsEngine, MlsError, Rule, Suite, key_package_info, verify_signature, welcome_recipients};

use crate::support::{Conversation, Device, GROUP, adding};

#[test]
fn signatures_verify_for_their_key_message_and_suite_only() {
    for suite in Suite::SUPPORTED {
        let mut device = Device::with_suite("anna", suite);
        let key = device.signer.public_key.clone();
        let signature = device
            .engine
            .sign(&device.store, suite, &key, b"directory envelope")
            .unwrap();
        device.restart();
        verify_signature(suite, &key, b"directory envelope", &signature).unwrap();
        let other = device.engine.new_signature_key(&device.store, suite).unwrap();
        for (key, message) in [
            (&key, &b"another envelope"[..]),
            (&other, b"directory envelope"),
            (&vec![1, 2, 3], b"directory envelope"),
        ] {
            assert!(matches!(
                verify_signature(suite, key, message, &signature),
                Err(MlsError::BadAuthentication(_))
            ));
        }
        for bad in [&[][..], &[0; 64], &signature[1..]] {
            assert!(matches!(
                verify_signature(suite, &key, b"directory envelope", bad),
                Err(MlsError::BadAuthentication(_))
            ));
        }
    }
}

#[test]
fn what_mls_could_have_signed_is_not_signed_for_others() {
    let mut device = Device::new("anna");
    let key = device.signer.public_key.clone();
    let label = b"MLS 1.0 LeafNodeTBS";
    let mut forged = vec![label.len() as u8];
    forged.extend(label);
    forged.extend(b"\x05leaf!");
    let refused = device.engine.sign(&device.store, device.signer.suite, &key, &forged);
    assert!(matches!(
        refused,
        Err(MlsError::NotAllowed(Rule::ReservedSignatureContent))
    ));
    device
        .engine
        .sign(&device.store, device.signer.suite, &key, b"")
        .unwrap();
}

#[test]
fn a_key_that_is_not_in_the_store_does_not_sign() {
    let mut device = Device::new("anna");
    let suite = device.signer.suite;
    assert!(matches!(
        device.engine.sign(&device.store, suite, &[9; 32], b"m"),
        Err(MlsError::UnknownSignatureKey)
    ));
    let stranger = Device::new("ben").signer;
    assert!(matches!(
        device.engine.create(&device.store, &stranger, GROUP),
        Err(MlsError::UnknownSignatureKey)
    ));
    assert!(matches!(
        device.engine.new_key_packages(&device.store, &stranger, 1, false),
        Err(MlsError::UnknownSignatureKey)
    ));
}

#[test]
fn key_packages_say_who_they_are_for() {
    for suite in Suite::SUPPORTED {
        let mut device = Device::with_suite("anna", suite);
        for last_resort in [false, true] {
            let made = device
                .engine
                .new_key_packages(&device.store, &device.signer, 3, last_resort)
                .unwrap();
            assert_eq!(made.len(), 3);
            for key_package in &made {
                let info = key_package_info(&key_package.bytes).unwrap();
                assert_eq!(info.identity, device.signer.identity);
                assert_eq!(info.signature_key, device.signer.public_key);
                assert_eq!((info.suite, info.last_resort), (suite, last_resort));
                assert_eq!(info.hash_ref, key_package.hash_ref);
            }
        }
    }
    let mut device = Device::new("anna");
    assert!(
        device
            .engine
            .new_key_packages(&device.store, &device.signer, 0, false)
            .unwrap()
            .is_empty()
    );
    assert!(matches!(
        device
            .engine
            .new_key_packages(&device.store, &device.signer, 1_001, false),
        Err(MlsError::TooLarge(_))
    ));
}

#[test]
fn every_changed_byte_of_a_key_package_is_noticed() {
    let bytes = Device::new("anna").key_package();
    for index in 0..bytes.len() {
        let mut forged = bytes.clone();
        forged[index] ^= 0x01;
        assert!(key_package_info(&forged).is_err(), "byte {index}");
    }
}

#[test]
fn a_welcome_names_its_key_packages_and_the_follower_the_same_ones() {
    let mut conversation = Conversation::of(&["anna"]);
    let (mut ben, mut cleo) = (Device::new("ben"), Device::new("cleo"));
    let refs: Vec<_> = [&mut ben, &mut cleo]
        .map(|device| {
            device
                .engine
                .new_key_packages(&device.store, &device.signer, 1, false)
                .unwrap()
                .remove(0)
        })
        .into();
    let prepared = conversation.devices[0]
        .prepare(&adding(
            refs.iter().map(|key_package| key_package.bytes.clone()).collect(),
        ))
        .unwrap();
    let mut expected: Vec<_> = refs.into_iter().map(|key_package| key_package.hash_ref).collect();
    assert_eq!(
        conversation.relay.stage(&prepared.commit).unwrap().added_key_packages,
        expected
    );
    let mut named = welcome_recipients(&prepared.welcome.unwrap()).unwrap();
    named.sort();
    expected.sort();
    assert_eq!(named, expected);
    assert!(matches!(
        welcome_recipients(&prepared.commit),
        Err(MlsError::Malformed(_))
    ));
}

#[test]
fn a_deleted_key_package_joins_nothing() {
    let mut conversation = Conversation::of(&["anna"]);
    let mut ben = Device::new("ben");
    let made = ben
        .engine
        .new_key_packages(&ben.store, &ben.signer, 1, false)
        .unwrap()
        .remove(0);
    let rows = ben.store.len();
    ben.engine.delete_key_package(&ben.store, &made.hash_ref).unwrap();
    assert_eq!(ben.store.len(), rows - 1);
    ben.engine.delete_key_package(&ben.store, &made.hash_ref).unwrap();
    for bad in [&[][..], &[0; 64]] {
        assert!(matches!(
            ben.engine.delete_key_package(&ben.store, bad),
            Err(MlsError::Malformed(_))
        ));
    }
    let (prepared, _) = conversation.commit(0, &adding(vec![made.bytes]));
    let error = ben
        .join(&prepared.welcome.unwrap(), &conversation.relay.tree().unwrap())
        .unwrap_err();
    assert!(matches!(error, MlsError::NoMatchingKeyPackage), "{error:?}");
}

#[test]
fn leaves_and_key_packages_are_small() {
    for (identity, fits) in [(3000, true), (4000, false)] {
        let mut device = Device::new(&"x".repeat(identity));
        let made = device
            .engine
            .new_key_packages(&device.store, &device.signer, 1, false)
            .unwrap();
        let read = key_package_info(&made[0].bytes);
        if fits {
            assert_eq!(read.unwrap().identity.len(), identity);
        } else {
            assert!(matches!(read.unwrap_err(), MlsError::TooLarge("leaf")));
        }
    }
}
