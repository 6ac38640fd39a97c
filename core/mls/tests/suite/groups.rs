//! Groups of one to four members, for every suite, and what survives a restart.

use curo_mls::{CommitPlan, MemoryStore, MlsEngine, MlsError, OpenMlsEngine, Suite, TABLES};

use crate::support::{Conversation, Device, GROUP, SUITE, identities, removing};

#[test]
fn two_to_four_members_talk_in_every_suite() {
    for suite in Suite::SUPPORTED {
        for names in [
            &["anna", "ben"][..],
            &["anna", "ben", "cleo"],
            &["anna", "ben", "cleo", "dan"],
        ] {
            let mut conversation = Conversation::with_suite(names, suite);
            conversation.agree();
            assert_eq!(identities(&conversation.relay.members().unwrap()), names);
            assert_eq!(conversation.relay.suite(), suite);
            for device in &mut conversation.devices {
                assert_eq!(device.engine.suite(&device.store, GROUP).unwrap(), suite);
                let own = device.engine.own_leaf(&device.store, GROUP).unwrap();
                assert_eq!(
                    (own.identity, own.signature_key),
                    (device.signer.identity.clone(), device.signer.public_key.clone())
                );
            }
        }
    }
}

#[test]
fn members_come_go_and_update() {
    let mut conversation = Conversation::of(&["anna", "ben", "cleo"]);
    let outcome = conversation.add(1, vec![Device::new("dan")]);
    assert_eq!(identities(&outcome.added), ["dan"]);
    assert_eq!(outcome.added[0].index, 3);
    conversation.agree();

    // Removing ben frees leaf 1, which the next one takes.
    let (_, outcome) = conversation.commit(2, &removing(&[1]));
    assert_eq!(identities(&outcome.removed), ["ben"]);
    let ben = conversation.devices.remove(1);
    conversation.agree();
    drop(ben);
    let outcome = conversation.add(0, vec![Device::new("eve")]);
    assert_eq!(outcome.added[0].index, 1);
    conversation.agree();

    // Remove and add at once: the free leaf is taken in the same commit, the other one is appended.
    let mut joiners = vec![Device::new("fred"), Device::new("gina")];
    let plan = CommitPlan {
        add: joiners.iter_mut().map(Device::key_package).collect(),
        remove: vec![1],
    };
    let author = 0;
    let (prepared, outcome) = conversation.commit(author, &plan);
    assert_eq!(prepared.added, outcome.added);
    assert_eq!(prepared.removed, outcome.removed);
    assert_eq!(outcome.added.iter().map(|leaf| leaf.index).collect::<Vec<_>>(), [1, 4]);
    conversation.devices.retain(|device| device.signer.identity != b"eve");
    for mut joiner in joiners {
        joiner
            .join(prepared.welcome.as_ref().unwrap(), &conversation.relay.tree().unwrap())
            .unwrap();
        conversation.devices.push(joiner);
    }
    conversation.agree();
    for leaf in &outcome.added {
        assert!(conversation.relay.members().unwrap().contains(leaf));
    }

    let (prepared, outcome) = conversation.commit(1, &CommitPlan::default());
    assert!(prepared.welcome.is_none() && outcome.added.is_empty() && outcome.removed.is_empty());
    assert_eq!(identities(&outcome.updated), ["cleo"]);
    conversation.agree();
}

#[test]
fn trap_a_removed_member_can_only_delete_the_group_and_no_key_of_it_is_left() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let prepared = conversation.devices[0].prepare(&removing(&[1])).unwrap();
    let ben = &mut conversation.devices[1];
    let signature_key_only = Device::new("nobody").store.len();
    let outcome = ben.follow(&prepared.commit);
    assert!(outcome.self_removed);
    for _ in 0..2 {
        assert!(matches!(
            ben.engine.encrypt(&ben.store, GROUP, b"", b"still here?"),
            Err(MlsError::Evicted)
        ));
        assert!(matches!(ben.prepare(&CommitPlan::default()), Err(MlsError::Evicted)));
        assert!(matches!(ben.process(&prepared.commit), Err(MlsError::Evicted)));
        assert!(matches!(ben.engine.own_leaf(&ben.store, GROUP), Err(MlsError::Evicted)));
        assert!(ben.engine.exists(&ben.store, GROUP).unwrap());
        ben.restart();
    }
    ben.engine.delete_group(&ben.store, GROUP).unwrap();
    // OpenMLS alone would leave private keys of the last epoch.
    assert_eq!(ben.store.len(), signature_key_only);
    assert!(!ben.engine.exists(&ben.store, GROUP).unwrap());
    assert!(matches!(
        ben.engine.epoch(&ben.store, GROUP),
        Err(MlsError::UnknownGroup)
    ));
}

#[test]
fn state_is_readable_after_a_reload_at_every_step() {
    let mut conversation = Conversation::of(&["anna", "ben", "cleo"]);
    for round in 0..3 {
        for device in &mut conversation.devices {
            device.restart();
        }
        conversation.agree();
        conversation.commit(round, &CommitPlan::default());
    }
    let tables: std::collections::BTreeSet<_> = TABLES.iter().collect();
    assert_eq!(tables.len(), TABLES.len());
}

#[test]
fn an_engine_with_a_warm_cache_and_one_without_agree() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    for text in [&b"one"[..], b"two", b"three"] {
        let bytes = conversation.devices[0].encrypt(text);
        // The reader reloads for each message, the writer never.
        conversation.devices[1].restart();
        assert_eq!(conversation.devices[1].read(&bytes), text);
    }
}

#[test]
fn deleting_a_group_leaves_no_row_of_it() {
    let mut device = Device::new("anna");
    let before = device.store.len();
    device.engine.create(&device.store, &device.signer, GROUP).unwrap();
    device.prepare(&CommitPlan::default()).unwrap();
    device.apply().unwrap();
    device.prepare(&CommitPlan::default()).unwrap();
    assert!(device.store.len() > before);
    device.engine.delete_group(&device.store, GROUP).unwrap();
    assert_eq!(device.store.len(), before);
}

#[test]
fn creating_twice_is_refused_and_creating_after_a_rollback_is_not() {
    let mut device = Device::new("anna");
    device.store.begin();
    device.engine.create(&device.store, &device.signer, GROUP).unwrap();
    assert!(matches!(
        device.engine.create(&device.store, &device.signer, GROUP),
        Err(MlsError::GroupExists)
    ));
    device.rollback();
    device.engine.create(&device.store, &device.signer, GROUP).unwrap();
    assert_eq!(device.epoch(), 0);
}

#[test]
fn unknown_groups_and_damaged_rows_are_told_apart() {
    let mut device = Device::new("anna");
    assert!(matches!(
        device.engine.members(&device.store, b"nowhere"),
        Err(MlsError::UnknownGroup)
    ));
    device.engine.create(&device.store, &device.signer, GROUP).unwrap();
    for table in [
        "tree",
        "context",
        "message_secrets",
        "epoch_secrets",
        "own_leaf_index",
        "join_config",
    ] {
        let damaged = Damaged {
            inner: device.store.snapshot(),
            table,
            value: None,
        };
        let error = OpenMlsEngine::new().members(&damaged, GROUP).unwrap_err();
        assert!(
            matches!(error, MlsError::Storage(_)) && !error.retryable(),
            "{table}: {error}"
        );
        let damaged = Damaged {
            value: Some(b"\xc1 not MessagePack".to_vec()),
            ..damaged
        };
        let error = OpenMlsEngine::new().members(&damaged, GROUP).unwrap_err();
        assert!(
            matches!(error, MlsError::Storage(_)) && !error.retryable(),
            "{table}: {error}"
        );
    }
}

/// A store in which one table's rows read as something else.
struct Damaged {
    inner: MemoryStore,
    table: &'static str,
    value: Option<Vec<u8>>,
}

impl curo_mls::MlsStore for Damaged {
    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, curo_mls::StoreFault> {
        if table == self.table {
            Ok(self.value.clone())
        } else {
            self.inner.get(table, key)
        }
    }

    fn put(&self, table: &'static str, key: &[u8], value: &[u8]) -> Result<(), curo_mls::StoreFault> {
        self.inner.put(table, key, value)
    }

    fn delete(&self, table: &'static str, key: &[u8]) -> Result<(), curo_mls::StoreFault> {
        self.inner.delete(table, key)
    }
}

#[test]
fn exported_secrets_are_shared_and_change_with_the_epoch() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let export = |device: &mut Device, label: &str, context: &[u8], length| {
        device
            .engine
            .export_secret(&device.store, GROUP, label, context, length)
    };
    let [anna, ben] = &mut conversation.devices[..] else {
        panic!("two devices")
    };
    let secret = export(anna, "receipts", b"1", 32).unwrap();
    assert_eq!(secret.len(), 32);
    assert_eq!(*secret, *export(ben, "receipts", b"1", 32).unwrap());
    assert_ne!(*secret, *export(ben, "receipts", b"2", 32).unwrap());
    assert_ne!(*secret, *export(ben, "other", b"1", 32).unwrap());
    assert!(matches!(
        export(anna, "receipts", b"1", 8_161),
        Err(MlsError::TooLarge(_))
    ));
    assert_eq!(export(anna, "receipts", b"1", 8_160).unwrap().len(), 8_160);
    conversation.commit(0, &CommitPlan::default());
    assert_ne!(
        *secret,
        *export(&mut conversation.devices[1], "receipts", b"1", 32).unwrap()
    );
}

#[test]
fn a_suite_that_this_build_cannot_run_is_a_typed_error_everywhere() {
    let mut device = Device::new("anna");
    let unknown = Suite(0x0007);
    assert!(matches!(
        device.engine.new_signature_key(&device.store, unknown),
        Err(MlsError::UnsupportedSuite(7))
    ));
    let signer = curo_mls::Signer {
        suite: unknown,
        ..device.signer.clone()
    };
    assert!(matches!(
        device.engine.create(&device.store, &signer, GROUP),
        Err(MlsError::UnsupportedSuite(7))
    ));
    assert!(matches!(
        device.engine.new_key_packages(&device.store, &signer, 1, false),
        Err(MlsError::UnsupportedSuite(7))
    ));
    let another = crate::support::another_suite();
    // A key of another suite is not found, whatever its bytes.
    let signer = curo_mls::Signer {
        suite: another,
        ..device.signer.clone()
    };
    assert!(matches!(
        device.engine.create(&device.store, &signer, GROUP),
        Err(MlsError::UnknownSignatureKey)
    ));
    // Nor is a KeyPackage of another suite let into a group.
    device.engine.create(&device.store, &device.signer, GROUP).unwrap();
    let stranger = Device::with_suite("ben", another).key_package();
    assert!(matches!(
        device.prepare(&crate::support::adding(vec![stranger])),
        Err(MlsError::WrongSuite { expected, found }) if expected == SUITE.0 && found == another.0
    ));
}

#[test]
fn types_can_move_between_threads() {
    fn sendable<T: Send + 'static>() {}
    fn shareable<T: Sync>() {}
    sendable::<OpenMlsEngine>();
    sendable::<Box<dyn MlsEngine>>();
    sendable::<curo_mls::Follower>();
    shareable::<curo_mls::Follower>();
    sendable::<curo_mls::StagedFollow>();
    sendable::<MlsError>();
    shareable::<MlsError>();
}
