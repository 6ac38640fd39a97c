//! Rule 5.5: a storage fault is reported as one, at whichever access it happens, and the replay works.

use curo_mls::{CommitPlan, MlsEngine, MlsError, MlsStore, OpenMlsEngine};

use crate::failing::FailsOnce;
use crate::support::{Conversation, Device, GROUP, adding, removing, welcome_yes, yes};

type Step<'a> = &'a dyn Fn(&mut OpenMlsEngine, &dyn MlsStore) -> Result<(), MlsError>;

/// Fails `step` at each of its accesses in turn: cold, and with the group loaded by `warm`.
fn fails_honestly(device: &Device, name: &str, step: Step<'_>) {
    for warm in [false, true] {
        for retryable in [true, false] {
            let mut at = 0;
            loop {
                let store = device.store.snapshot();
                let mut engine = OpenMlsEngine::new();
                if warm && engine.exists(&store, GROUP).unwrap() {
                    engine.epoch(&store, GROUP).unwrap();
                }
                store.begin();
                let failing = FailsOnce::new(&store, at, retryable);
                let result = step(&mut engine, &failing);
                if !failing.has_failed() {
                    result.unwrap_or_else(|error| panic!("{name} without a fault: {error:?}"));
                    break;
                }
                assert_eq!(failing.used_later(), 0, "{name} went on after {at}");
                match result {
                    Err(error @ MlsError::Storage(_)) => {
                        assert_eq!(error.retryable(), retryable, "{name} at {at}")
                    }
                    other => panic!("{name} at {at}, warm {warm}: {other:?}"),
                }
                store.rollback();
                // What one failed call touched is not kept loaded, so here it also works without.
                if retryable {
                    engine.forget_all();
                }
                step(&mut engine, &store).unwrap_or_else(|error| panic!("{name} replayed after {at}: {error:?}"));
                at += 1;
            }
            assert!(at > 0, "{name} does not touch the store");
        }
    }
}

#[test]
fn trap_p5_5_faults_in_keys_and_key_packages() {
    let device = Device::new("anna");
    let (suite, signer) = (device.signer.suite, &device.signer);
    fails_honestly(&device, "new key", &|engine, store| {
        engine.new_signature_key(store, suite).map(drop)
    });
    fails_honestly(&device, "sign", &|engine, store| {
        engine.sign(store, suite, &signer.public_key, b"m").map(drop)
    });
    fails_honestly(&device, "key packages", &|engine, store| {
        engine.new_key_packages(store, signer, 2, true).map(drop)
    });
    fails_honestly(&device, "delete", &|engine, store| {
        engine.delete_key_package(store, &[1; 32])
    });
    fails_honestly(&device, "create", &|engine, store| {
        engine.create(store, signer, GROUP).map(drop)
    });
}

#[test]
fn trap_p5_5_faults_in_own_steps() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let mut cleo = Device::new("cleo");
    let plan = CommitPlan {
        add: vec![cleo.key_package()],
        remove: vec![1],
    };
    let anna = &conversation.devices[0];
    fails_honestly(anna, "encrypt", &|engine, store| {
        engine.encrypt(store, GROUP, b"", b"text").map(drop)
    });
    fails_honestly(anna, "prepare", &|engine, store| {
        engine.prepare_commit(store, GROUP, &plan, b"").map(drop)
    });
    fails_honestly(anna, "delete group", &|engine, store| engine.delete_group(store, GROUP));
    conversation.devices[0].prepare(&plan).unwrap();
    let anna = &conversation.devices[0];
    fails_honestly(anna, "apply", &|engine, store| {
        engine.apply_own_commit(store, GROUP).map(drop)
    });
    fails_honestly(anna, "discard", &|engine, store| {
        engine.discard_own_commit(store, GROUP)
    });
}

#[test]
fn trap_p5_5_faults_in_foreign_messages_and_commits() {
    let mut conversation = Conversation::of(&["anna", "ben", "cleo"]);
    let message = conversation.devices[0].encrypt(b"text");
    let update = conversation.devices[0].prepare(&CommitPlan::default()).unwrap().commit;
    let removal = conversation.devices[1].prepare(&removing(&[2])).unwrap().commit;
    let cleo = &mut conversation.devices[2];
    // With an own commit pending, which the foreign one beats.
    cleo.prepare(&CommitPlan::default()).unwrap();
    for (name, bytes) in [("message", message), ("update", update), ("own removal", removal)] {
        fails_honestly(cleo, name, &|engine, store| {
            engine.process(store, GROUP, &bytes, &mut yes).map(drop)
        });
    }
}

#[test]
fn trap_p5_5_the_judge_is_not_asked_about_what_a_broken_store_made_up() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let update = conversation.devices[0].prepare(&CommitPlan::default()).unwrap().commit;
    let store = conversation.devices[1].store.snapshot();
    let mut at = 0;
    loop {
        let failing = FailsOnce::new(&store, at, true);
        let mut asked = false;
        store.begin();
        let result = OpenMlsEngine::new().process(&failing, GROUP, &update, &mut |_| {
            asked = true;
            assert!(!failing.has_failed());
            Ok(())
        });
        store.rollback();
        if !failing.has_failed() {
            assert!(asked && result.is_ok());
            break;
        }
        assert!(matches!(result, Err(MlsError::Storage(_))));
        at += 1;
    }
}

#[test]
fn trap_p5_5_faults_in_joins() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    // Once as a stranger, once over the rows of a group that it was removed from.
    let mut cleo = Device::new("cleo");
    let (prepared, _) = conversation.commit(0, &adding(vec![cleo.key_package()]));
    let (welcome, tree) = (prepared.welcome.unwrap(), conversation.relay.tree().unwrap());
    let step = |welcome: Vec<u8>, tree: Vec<u8>| {
        move |engine: &mut OpenMlsEngine, store: &dyn MlsStore| {
            engine.join(store, &welcome, &tree, &mut welcome_yes).map(drop)
        }
    };
    fails_honestly(&cleo, "join", &step(welcome.clone(), tree.clone()));
    cleo.join(&welcome, &tree).unwrap();
    conversation.commit(0, &removing(&[2]));
    let (prepared, _) = conversation.commit(0, &adding(vec![cleo.key_package()]));
    fails_honestly(
        &cleo,
        "join again",
        &step(prepared.welcome.unwrap(), conversation.relay.tree().unwrap()),
    );
}

#[test]
fn trap_p5_5_faults_in_questions() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    conversation.devices[0].prepare(&CommitPlan::default()).unwrap();
    let anna = &conversation.devices[0];
    let cold = |name: &str, step: Step<'_>| {
        let store = anna.store.snapshot();
        let mut at = 0;
        loop {
            let failing = FailsOnce::new(&store, at, true);
            let result = step(&mut OpenMlsEngine::new(), &failing);
            if !failing.has_failed() {
                result.unwrap();
                break;
            }
            assert!(matches!(result, Err(MlsError::Storage(_))), "{name} at {at}");
            at += 1;
        }
        assert!(at > 0);
    };
    cold("members", &|engine, store| engine.members(store, GROUP).map(drop));
    cold("epoch", &|engine, store| engine.epoch(store, GROUP).map(drop));
    cold("exists", &|engine, store| engine.exists(store, GROUP).map(drop));
    cold("pending", &|engine, store| {
        engine.has_pending_commit(store, GROUP).map(drop)
    });
    cold("export", &|engine, store| {
        engine.export_secret(store, GROUP, "label", b"", 32).map(drop)
    });
}
