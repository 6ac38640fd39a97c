//! Joining by Welcome: once, again, with the wrong tree, before a judge.

use curo_mls::{CommitPlan, Created, Follower, MlsEngine, MlsError, Refusal};

use crate::support::{Conversation, Device, GROUP, adding, identities, removing};

#[test]
fn the_judge_sees_every_leaf_before_the_join() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let mut cleo = Device::new("cleo");
    let (prepared, _) = conversation.commit(1, &adding(vec![cleo.key_package()]));
    let (welcome, tree) = (prepared.welcome.unwrap(), conversation.relay.tree().unwrap());
    cleo.store.begin();
    let refused = cleo.engine.join(&cleo.store, &welcome, &tree, &mut |view| {
        assert_eq!(
            (view.group_id.as_slice(), view.epoch, view.suite),
            (GROUP, 2, conversation.relay.suite())
        );
        assert_eq!(view.leaves, conversation.relay.members().unwrap());
        assert_eq!((view.own_index, view.sender.index), (2, 1));
        assert_eq!(identities(std::slice::from_ref(&view.sender)), ["ben"]);
        Err(Refusal::new(17_u8))
    });
    let Err(MlsError::Refused(reason)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(reason.downcast_ref::<u8>(), Some(&17));
    assert!(reason.downcast::<String>().is_err());
    assert!(!cleo.engine.exists(&cleo.store, GROUP).unwrap());
    cleo.rollback();
    let joined = cleo.join(&welcome, &tree).unwrap();
    assert_eq!((joined.group_id.as_slice(), joined.epoch), (GROUP, 2));
    assert_eq!(joined.members, conversation.relay.members().unwrap());
    conversation.devices.push(cleo);
    conversation.agree();
}

#[test]
fn trap_a_failed_join_costs_the_key_package_unless_it_is_rolled_back() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let stale_tree = conversation.relay.tree().unwrap();
    let mut cleo = Device::new("cleo");
    let (prepared, _) = conversation.commit(0, &adding(vec![cleo.key_package()]));
    let (welcome, tree) = (prepared.welcome.unwrap(), conversation.relay.tree().unwrap());

    cleo.store.begin();
    let error = cleo.join(&welcome, &stale_tree).unwrap_err();
    assert!(matches!(error, MlsError::TreeMismatch), "{error:?}");
    // The trap: the KeyPackage is gone already.
    assert!(matches!(
        cleo.join(&welcome, &tree),
        Err(MlsError::NoMatchingKeyPackage)
    ));
    cleo.rollback();
    cleo.join(&welcome, &tree).unwrap();
    conversation.devices.push(cleo);
    conversation.agree();
}

#[test]
fn a_welcome_works_once_and_a_last_resort_key_package_again() {
    let mut conversation = Conversation::of(&["anna"]);
    let mut ben = Device::new("ben");
    let last_resort = ben
        .engine
        .new_key_packages(&ben.store, &ben.signer, 1, true)
        .unwrap()
        .remove(0)
        .bytes;
    for _ in 0..2 {
        let (prepared, _) = conversation.commit(0, &adding(vec![last_resort.clone()]));
        let (welcome, tree) = (prepared.welcome.unwrap(), conversation.relay.tree().unwrap());
        ben.restart();
        ben.join(&welcome, &tree).unwrap();
        let text = ben.encrypt(b"here again");
        assert_eq!(conversation.devices[0].read(&text), b"here again");
        conversation.commit(0, &removing(&[1]));
    }
    let once = ben.key_package();
    let (prepared, _) = conversation.commit(0, &adding(vec![once]));
    let (welcome, tree) = (prepared.welcome.unwrap(), conversation.relay.tree().unwrap());
    ben.join(&welcome, &tree).unwrap();
    assert!(matches!(ben.join(&welcome, &tree), Err(MlsError::NoMatchingKeyPackage)));
}

#[test]
fn trap_a_member_that_was_removed_is_added_again_over_its_old_group() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let rows = conversation.devices[1].store.len();
    for told in [true, false, true] {
        let mut ben = conversation.devices.pop().unwrap();
        let (prepared, _) = conversation.commit(0, &removing(&[1]));
        if told {
            assert!(ben.follow(&prepared.commit).self_removed);
        } else {
            // It never saw its removal and has a commit of its own pending.
            ben.prepare(&CommitPlan::default()).unwrap();
        }
        conversation.add(0, vec![ben]);
        conversation.agree();
        let ben = &mut conversation.devices[1];
        assert!(!ben.engine.has_pending_commit(&ben.store, GROUP).unwrap());
        // Nothing of the old group is left beside the new one.
        assert_eq!(ben.store.len(), rows);
    }
}

#[test]
fn a_welcome_for_others_is_not_for_this_device() {
    let mut conversation = Conversation::of(&["anna"]);
    let (mut ben, mut cleo) = (Device::new("ben"), Device::new("cleo"));
    cleo.key_package();
    let (prepared, _) = conversation.commit(0, &adding(vec![ben.key_package()]));
    let error = cleo
        .join(&prepared.welcome.unwrap(), &conversation.relay.tree().unwrap())
        .unwrap_err();
    assert!(matches!(error, MlsError::NoMatchingKeyPackage), "{error:?}");
    assert!(!error.retryable());
}

#[test]
fn p3_8_group_info_and_welcome_carry_no_tree() {
    // Sizes tell: what is constant does not hold a tree of more and more members.
    let sizes = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("device {number:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut conversation = Conversation::of(&names);
        let mut joiner = Device::new("joiner");
        let prepared = conversation.devices[0]
            .prepare(&adding(vec![joiner.key_package()]))
            .unwrap();
        (
            prepared.group_info.len(),
            prepared.welcome.unwrap().len(),
            conversation.relay.tree().unwrap().len(),
        )
    };
    let (small, large) = (sizes(2), sizes(8));
    assert!(large.2 > small.2 + 1_000);
    // A signature in DER is now and then a byte shorter.
    assert!(large.0.abs_diff(small.0) < 8, "{small:?} {large:?}");
    assert!(large.1.abs_diff(small.1) < 16, "{small:?} {large:?}");
}

#[test]
fn trap_group_info_of_a_new_group_and_of_a_commit_has_external_pub() {
    // The follower insists on it, in both places.
    let mut conversation = Conversation::of(&["anna"]);
    let Created { group_info, tree } = {
        let Device { store, engine, signer } = &mut conversation.devices[0];
        engine.create(store, signer, b"another").unwrap()
    };
    Follower::create(&group_info, &tree).unwrap();
    conversation.commit(0, &CommitPlan::default());
    assert_eq!(conversation.relay.epoch(), 1);
}
