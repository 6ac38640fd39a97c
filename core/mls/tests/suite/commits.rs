//! Own commits between preparation and verdict, and foreign commits before a judge.

use curo_mls::{CommitPlan, FramingKind, MlsEngine, MlsError, Refusal, inspect};

use crate::support::{Conversation, Device, GROUP, adding, identities, removing, yes};

#[test]
fn p4_3_an_own_commit_survives_a_restart_and_is_applied() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let mut cleo = Device::new("cleo");
    let prepared = conversation.devices[0]
        .prepare(&adding(vec![cleo.key_package()]))
        .unwrap();
    assert_eq!(prepared.epoch, 1);

    let anna = &mut conversation.devices[0];
    assert_eq!(anna.epoch(), 1);
    anna.restart();
    assert!(anna.engine.has_pending_commit(&anna.store, GROUP).unwrap());
    assert_eq!(anna.epoch(), 1);
    let outcome = conversation.accept(0, &prepared);
    assert_eq!((outcome.epoch, identities(&outcome.added)), (2, vec!["cleo"]));
    let anna = &mut conversation.devices[0];
    assert!(!anna.engine.has_pending_commit(&anna.store, GROUP).unwrap());
    cleo.join(&prepared.welcome.unwrap(), &conversation.relay.tree().unwrap())
        .unwrap();
    conversation.devices.push(cleo);
    conversation.agree();
}

#[test]
fn p4_2_an_own_commit_survives_a_restart_and_is_discarded() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let prepared = conversation.devices[0].prepare(&removing(&[1])).unwrap();
    let anna = &mut conversation.devices[0];
    anna.restart();
    anna.engine.discard_own_commit(&anna.store, GROUP).unwrap();
    assert!(!anna.engine.has_pending_commit(&anna.store, GROUP).unwrap());
    assert!(matches!(anna.apply(), Err(MlsError::NoPendingCommit)));
    // Without one it does nothing, and the group goes on in its epoch.
    anna.engine.discard_own_commit(&anna.store, GROUP).unwrap();
    assert_eq!(anna.epoch(), prepared.epoch);
    conversation.agree();
    conversation.commit(0, &CommitPlan::default());
    conversation.agree();
}

#[test]
fn a_second_commit_is_refused_while_one_is_pending() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let prepared = conversation.devices[0].prepare(&CommitPlan::default()).unwrap();
    for _ in 0..2 {
        let anna = &mut conversation.devices[0];
        assert!(matches!(anna.prepare(&removing(&[1])), Err(MlsError::CommitPending)));
        anna.restart();
    }
    conversation.accept(0, &prepared);
    conversation.agree();
}

#[test]
fn losing_to_another_commit_clears_the_own_one() {
    for restart in [false, true] {
        let mut conversation = Conversation::of(&["anna", "ben", "cleo"]);
        let lost = conversation.devices[0].prepare(&removing(&[2])).unwrap();
        if restart {
            conversation.devices[0].restart();
        }
        let won = conversation.devices[1].prepare(&CommitPlan::default()).unwrap();
        conversation.devices[0].follow(&won.commit);
        let anna = &mut conversation.devices[0];
        assert!(!anna.engine.has_pending_commit(&anna.store, GROUP).unwrap());
        assert!(matches!(anna.apply(), Err(MlsError::NoPendingCommit)));
        conversation.devices[1].apply().unwrap();
        conversation.devices[2].follow(&won.commit);
        let staged = conversation.relay.stage(&won.commit).unwrap();
        conversation.relay.accept(staged, &won.group_info).unwrap();
        conversation.agree();
        // The loser's bytes belong to an epoch that is over, for members and relay.
        let refused = conversation.devices[2].process(&lost.commit).unwrap_err();
        assert!(matches!(refused, MlsError::WrongEpoch { expected: 2, found: 1 }));
        assert!(matches!(
            conversation.relay.stage(&lost.commit),
            Err(MlsError::WrongEpoch { expected: 2, found: 1 })
        ));
        // The intent is made again in the new epoch.
        conversation.commit(0, &removing(&[2]));
        conversation.devices.remove(2);
        conversation.agree();
    }
}

#[test]
fn p5_6_a_rolled_back_batch_is_replayed_after_forget_all() {
    let mut conversation = Conversation::of(&["anna", "ben", "cleo"]);
    let first = conversation.devices[0].encrypt(b"first");
    let commit = conversation.devices[0].prepare(&removing(&[2])).unwrap().commit;
    conversation.devices[0].apply().unwrap();
    let second = conversation.devices[0].encrypt(b"second");

    let ben = &mut conversation.devices[1];
    ben.store.begin();
    assert_eq!(ben.read(&first), b"first");
    ben.follow(&commit);
    assert_eq!(ben.read(&second), b"second");
    ben.rollback();

    ben.store.begin();
    assert_eq!(ben.epoch(), 1);
    assert_eq!(ben.read(&first), b"first");
    ben.follow(&commit);
    assert_eq!(ben.read(&second), b"second");
    ben.store.commit();
    assert!(matches!(ben.process(&second), Err(MlsError::SecretReuse)));
    conversation.devices.remove(2);
    let [anna, ben] = &mut conversation.devices[..] else {
        panic!("two devices")
    };
    assert_eq!(anna.authenticator(), ben.authenticator());
}

#[test]
fn p5_6_own_steps_are_replayed_after_forget_all() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let anna = &mut conversation.devices[0];
    anna.store.begin();
    anna.encrypt(b"never sent");
    anna.prepare(&removing(&[1])).unwrap();
    anna.apply().unwrap();
    anna.rollback();
    assert_eq!(anna.epoch(), 1);
    assert!(!anna.engine.has_pending_commit(&anna.store, GROUP).unwrap());
    conversation.agree();
}

#[test]
fn p3_6_the_judge_sees_the_keys_that_come_and_its_refusal_leaves_the_group_alone() {
    #[derive(Debug, PartialEq)]
    struct UnknownKey(Vec<u8>);

    let mut conversation = Conversation::of(&["anna", "ben"]);
    let mut cleo = Device::new("cleo");
    let prepared = conversation.devices[0]
        .prepare(&adding(vec![cleo.key_package()]))
        .unwrap();
    let anna = conversation.devices[0].signer.clone();
    let ben = &mut conversation.devices[1];
    let mut seen = None;
    let refused = ben.engine.process(&ben.store, GROUP, &prepared.commit, &mut |view| {
        seen = Some(view.clone());
        Err(Refusal::new(UnknownKey(view.added[0].signature_key.clone())))
    });
    let Err(MlsError::Refused(reason)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        reason.downcast::<UnknownKey>().unwrap(),
        UnknownKey(cleo.signer.public_key.clone())
    );
    let seen = seen.unwrap();
    assert_eq!(
        (seen.epoch, seen.aad.as_slice(), seen.self_removed),
        (2, &b"commit aad"[..], false)
    );
    assert_eq!((seen.sender.index, &seen.sender.identity), (0, &anna.identity));
    assert_eq!(
        (seen.updated[0].index, &seen.updated[0].signature_key),
        (0, &anna.public_key)
    );
    assert_eq!(identities(&seen.added), ["cleo"]);

    assert_eq!(ben.epoch(), 1);
    ben.restart();
    assert_eq!(ben.epoch(), 1);
    // Judged again and let through, it applies.
    assert_eq!(ben.follow(&prepared.commit), seen);
    assert_eq!(ben.epoch(), 2);
}

#[test]
fn the_judge_is_not_asked_about_messages() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let bytes = conversation.devices[0].encrypt(b"hello");
    let ben = &mut conversation.devices[1];
    let processed = ben
        .engine
        .process(&ben.store, GROUP, &bytes, &mut |_| Err(Refusal::new("never asked")));
    assert!(processed.is_ok());
}

#[test]
fn trap_a_commit_cannot_remove_its_author() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    assert!(matches!(
        conversation.devices[0].prepare(&removing(&[0])),
        Err(MlsError::CannotRemoveSelf)
    ));
    assert!(matches!(
        conversation.devices[1].prepare(&removing(&[0, 1])),
        Err(MlsError::CannotRemoveSelf)
    ));
    conversation.agree();
}

#[test]
fn plans_that_cannot_work_are_refused_by_name_and_leave_nothing_pending() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let mut cleo = Device::new("cleo");
    let (once, again) = (cleo.key_package(), cleo.key_package());
    let anna = conversation.devices[0].key_package();
    let devices = &mut conversation.devices;
    let mut refuse = |plan: &CommitPlan| {
        let error = devices[0].prepare(plan).unwrap_err();
        assert!(!error.retryable());
        let Device { engine, store, .. } = &mut devices[0];
        assert!(!engine.has_pending_commit(store, GROUP).unwrap());
        error
    };
    assert!(matches!(refuse(&removing(&[9])), MlsError::UnknownLeaf(9)));
    assert!(matches!(refuse(&removing(&[1, 1])), MlsError::Invalid(_)));
    // The same KeyPackage, and the same signature key in two.
    assert!(matches!(
        refuse(&adding(vec![once.clone(), once.clone()])),
        MlsError::DuplicateKey
    ));
    assert!(matches!(
        refuse(&adding(vec![once.clone(), again])),
        MlsError::DuplicateKey
    ));
    // A device that is a member already.
    assert!(matches!(refuse(&adding(vec![anna])), MlsError::DuplicateKey));
    assert!(matches!(
        refuse(&adding(vec![b"no KeyPackage".to_vec()])),
        MlsError::Malformed(_)
    ));
    let mut forged = once.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert!(matches!(refuse(&adding(vec![forged])), MlsError::BadAuthentication(_)));
    conversation.agree();
}

#[test]
fn a_device_is_replaced_by_itself_with_a_new_key_package_in_one_commit() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let mut ben = conversation.devices.pop().unwrap();
    let plan = CommitPlan {
        add: vec![ben.key_package()],
        remove: vec![1],
    };
    let (prepared, outcome) = conversation.commit(0, &plan);
    assert_eq!(
        (identities(&outcome.added), identities(&outcome.removed)),
        (vec!["ben"], vec!["ben"])
    );
    ben.join(&prepared.welcome.unwrap(), &conversation.relay.tree().unwrap())
        .unwrap();
    conversation.devices.push(ben);
    conversation.agree();
}

#[test]
fn trap_own_messages_and_commits_are_typed_errors() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let message = conversation.devices[0].encrypt(b"mine");
    assert!(matches!(
        conversation.devices[0].process(&message),
        Err(MlsError::OwnMessage)
    ));
    let prepared = conversation.devices[0].prepare(&CommitPlan::default()).unwrap();
    // As the pending commit, and as one that is not pending any more.
    assert!(matches!(
        conversation.devices[0].process(&prepared.commit),
        Err(MlsError::OwnMessage)
    ));
    let anna = &mut conversation.devices[0];
    anna.engine.discard_own_commit(&anna.store, GROUP).unwrap();
    assert!(matches!(anna.process(&prepared.commit), Err(MlsError::OwnMessage)));
    assert_eq!(anna.epoch(), 1);
}

#[test]
fn a_commit_by_who_had_this_leaf_before_is_not_taken_for_an_own_one() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let late = conversation.devices[1].prepare(&CommitPlan::default()).unwrap();
    conversation.commit(0, &removing(&[1]));
    conversation.devices.pop();
    conversation.add(0, vec![Device::new("cleo")]);
    let cleo = &mut conversation.devices[1];
    assert_eq!(cleo.engine.own_leaf(&cleo.store, GROUP).unwrap().index, 1);
    assert!(matches!(
        cleo.process(&late.commit),
        Err(MlsError::WrongEpoch { expected: 3, found: 1 })
    ));
}

#[test]
fn p2_8_handshakes_are_public_with_proposals_by_value_and_a_path() {
    let mut conversation = Conversation::of(&["anna", "ben", "cleo"]);
    let mut dan = Device::new("dan");
    let plan = CommitPlan {
        add: vec![dan.key_package()],
        remove: vec![2],
    };
    let prepared = conversation.devices[0].prepare(&plan).unwrap();
    let framing = inspect(&prepared.commit).unwrap();
    assert_eq!(
        (framing.group_id.as_slice(), framing.epoch, framing.kind),
        (GROUP, 1, FramingKind::Commit)
    );
    assert_eq!(framing.aad, b"commit aad");
    let commit = framing.commit.unwrap();
    assert_eq!((commit.sender_index, commit.removes.as_slice()), (Some(0), &[2][..]));
    assert_eq!(commit.adds.len(), 1);
    assert_eq!(
        (&commit.adds[0].identity, &commit.adds[0].signature_key),
        (&dan.signer.identity, &dan.signer.public_key)
    );
    assert_eq!(commit.adds[0].suite, Some(dan.signer.suite));
    let path_leaf = commit.path_leaf.unwrap();
    let anna = &conversation.devices[0].signer;
    assert_eq!(
        (&path_leaf.identity, &path_leaf.signature_key, path_leaf.suite),
        (&anna.identity, &anna.public_key, None)
    );
}

#[test]
fn a_commit_for_another_group_is_refused() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let mut other = Conversation::of(&["cleo", "dan"]);
    let commit = other.devices[0].prepare(&CommitPlan::default()).unwrap().commit;
    // Both groups have the same id here; what differs is the state.
    let error = conversation.devices[1].process(&commit).unwrap_err();
    assert!(matches!(error, MlsError::BadAuthentication(_)), "{error:?}");
    let Device { engine, store, signer } = &mut other.devices[0];
    engine.create(store, signer, b"another group").unwrap();
    let commit = engine
        .prepare_commit(store, b"another group", &CommitPlan::default(), b"")
        .unwrap()
        .commit;
    let ben = &mut conversation.devices[1];
    assert!(matches!(
        ben.engine.process(&ben.store, GROUP, &commit, &mut yes),
        Err(MlsError::WrongGroup)
    ));
}
