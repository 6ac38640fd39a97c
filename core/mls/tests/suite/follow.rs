//! The relay's follower: what it takes up, follows, keeps and refuses.

use curo_mls::{CommitPlan, Follower, MlsEngine, MlsError, Rule, Signer};
use openmls::prelude::{Extension, Extensions, MlsGroupCreateConfig, RequiredCapabilitiesExtension};

use crate::mallory::{Made, Mallory};
use crate::support::{Conversation, Device, GROUP, SUITE, adding, identities, removing};

#[test]
fn p3_4_the_follower_follows() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let mut cleo = Device::new("cleo");
    let plan = CommitPlan {
        add: vec![cleo.key_package()],
        remove: vec![1],
    };
    let prepared = conversation.devices[0].prepare(&plan).unwrap();
    let staged = conversation.relay.stage(&prepared.commit).unwrap();
    assert_eq!((staged.epoch, staged.aad.as_slice()), (2, &b"commit aad"[..]));
    assert_eq!(
        (staged.sender.index, &staged.added, &staged.removed),
        (0, &prepared.added, &prepared.removed)
    );
    assert_eq!(staged.updated.as_ref().unwrap().index, 0);
    assert_eq!(conversation.relay.epoch(), 1);
    let before = conversation.relay.tree_hash();
    conversation.relay.accept(staged, &prepared.group_info).unwrap();
    assert_eq!((conversation.relay.epoch(), conversation.relay.group_id()), (2, GROUP));
    assert_ne!(conversation.relay.tree_hash(), before);
    assert_eq!(identities(&conversation.relay.members().unwrap()), ["anna", "cleo"]);
}

#[test]
fn trap_the_follower_is_saved_and_loaded_and_never_rebuilt() {
    let mut conversation = Conversation::of(&["anna", "ben", "cleo"]);
    for round in 0..4 {
        let blob = conversation.relay.save().unwrap();
        let loaded = Follower::load(&blob).unwrap();
        assert_eq!(loaded.members().unwrap(), conversation.relay.members().unwrap());
        assert_eq!(loaded.tree().unwrap(), conversation.relay.tree().unwrap());
        assert_eq!(loaded.tree_hash(), conversation.relay.tree_hash());
        assert_eq!(loaded.save().unwrap(), blob);
        conversation.relay = loaded;
        conversation.commit(round % 3, &CommitPlan::default());
        conversation.agree();
    }
    // No blob, no state: neither of another version, nor cut short, nor with a foreign table.
    let blob = conversation.relay.save().unwrap();
    for cut in [0, 1, 2, blob.len() / 2, blob.len() - 1] {
        assert!(
            matches!(Follower::load(&blob[..cut]), Err(MlsError::Malformed(_))),
            "{cut}"
        );
    }
    let mut other = blob.clone();
    other[0] = 2;
    assert!(matches!(Follower::load(&other), Err(MlsError::Malformed(_))));
    let mut other = blob;
    other.extend(b"\x06secret\x00\x00");
    assert!(matches!(Follower::load(&other), Err(MlsError::Malformed(_))));
}

#[test]
fn a_staged_commit_is_accepted_on_its_own_state_only() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let lost = conversation.devices[0].prepare(&CommitPlan::default()).unwrap();
    let staged = conversation.relay.stage(&lost.commit).unwrap();
    let won = conversation.devices[1].prepare(&CommitPlan::default()).unwrap();
    let other = conversation.relay.stage(&won.commit).unwrap();
    conversation.relay.accept(other, &won.group_info).unwrap();
    let blob = conversation.relay.save().unwrap();
    assert!(matches!(
        conversation.relay.accept(staged, &lost.group_info),
        Err(MlsError::Invalid(_))
    ));
    assert_eq!(conversation.relay.save().unwrap(), blob);
}

#[test]
fn trap_tags_that_the_relay_cannot_check_are_compared_with_the_group_info() {
    let (mut conversation, mut mallory) = Mallory::in_a_conversation();
    let made = mallory.update();
    // The bytes end with confirmation tag (32) and membership tag (32), each with its length; neither is signed.
    let length = made.commit.len();
    let mut confirmation = made.commit.clone();
    confirmation[length - 40] ^= 1;
    let staged = conversation.relay.stage(&confirmation).unwrap();
    let refused = conversation.relay.accept(staged, &made.group_info);
    assert!(
        matches!(
            refused,
            Err(MlsError::GroupInfoMismatch("GroupContext" | "confirmation tag"))
        ),
        "{refused:?}"
    );

    let mut membership = made.commit.clone();
    membership[length - 1] ^= 1;
    // This one the relay cannot see; members can, and a poisoned epoch needs a new incarnation (rule 3.9).
    conversation.relay.stage(&membership).unwrap();
    for forged in [&confirmation, &membership] {
        let error = conversation.devices[1].process(forged).unwrap_err();
        assert!(matches!(error, MlsError::BadAuthentication(_)), "{error:?}");
    }
    let staged = conversation.relay.stage(&made.commit).unwrap();
    conversation.relay.accept(staged, &made.group_info).unwrap();
    for device in &mut conversation.devices {
        device.follow(&made.commit);
    }
    conversation.agree();
}

#[test]
fn p3_4_a_group_info_that_says_something_else_is_refused_and_changes_nothing() {
    let (mut conversation, mut mallory) = Mallory::in_a_conversation();
    let [one, other] = [mallory.update(), mallory.update()];
    let with_tree = mallory.commit_with_tree(|builder| builder.force_self_update(true), true);
    let by_anna = conversation.devices[0].prepare(&CommitPlan::default()).unwrap();
    let blob = conversation.relay.save().unwrap();
    let mut refuse = |made: &Made, group_info: &[u8]| {
        let staged = conversation.relay.stage(&made.commit).unwrap();
        let error = conversation.relay.accept(staged, group_info).unwrap_err();
        assert_eq!(conversation.relay.save().unwrap(), blob);
        error
    };
    assert!(matches!(
        refuse(&one, &other.group_info),
        MlsError::GroupInfoMismatch("GroupContext")
    ));
    assert!(matches!(
        refuse(&one, &by_anna.group_info),
        MlsError::GroupInfoMismatch("signer")
    ));
    assert!(matches!(
        refuse(&with_tree, &with_tree.group_info),
        MlsError::NotAllowed(Rule::TreeInGroupInfo)
    ));
    assert!(matches!(refuse(&one, &one.commit), MlsError::Malformed(_)));
    let mut forged = one.group_info.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert!(matches!(
        refuse(&one, &forged),
        MlsError::BadAuthentication("signature")
    ));
    let staged = conversation.relay.stage(&one.commit).unwrap();
    conversation.relay.accept(staged, &one.group_info).unwrap();
    assert_eq!(conversation.relay.epoch(), 3);
}

#[test]
fn every_changed_byte_of_a_group_info_is_noticed() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let prepared = conversation.devices[0].prepare(&CommitPlan::default()).unwrap();
    let blob = conversation.relay.save().unwrap();
    for index in 0..prepared.group_info.len() {
        let mut forged = prepared.group_info.clone();
        forged[index] ^= 1;
        let mut relay = Follower::load(&blob).unwrap();
        let staged = relay.stage(&prepared.commit).unwrap();
        assert!(relay.accept(staged, &forged).is_err(), "byte {index}");
    }
}

#[test]
fn p3_7_only_new_groups_are_taken_up() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let prepared = conversation.devices[0].prepare(&CommitPlan::default()).unwrap();
    conversation.accept(0, &prepared);
    let tree = conversation.relay.tree().unwrap();
    let error = Follower::create(&prepared.group_info, &tree).unwrap_err();
    assert!(matches!(error, MlsError::NotAllowed(Rule::NotANewGroup)), "{error:?}");

    // A GroupInfo with another group's tree, and one with extensions.
    let mut cleo = Device::new("cleo");
    let own = cleo.engine.create(&cleo.store, &cleo.signer, GROUP).unwrap();
    assert!(matches!(
        Follower::create(&own.group_info, &tree),
        Err(MlsError::NotAllowed(Rule::NotANewGroup))
    ));
    let mut dan = Device::new("dan");
    let other = dan.engine.create(&dan.store, &dan.signer, GROUP).unwrap();
    let error = Follower::create(&own.group_info, &other.tree).unwrap_err();
    assert!(
        matches!(error, MlsError::TreeMismatch | MlsError::BadAuthentication(_)),
        "{error:?}"
    );

    let mut extended = Mallory::new();
    let (info, tree) = extended.create(|_| {
        let required = Extension::RequiredCapabilities(RequiredCapabilitiesExtension::new(&[], &[], &[]));
        MlsGroupCreateConfig::builder()
            .ciphersuite(openmls::prelude::Ciphersuite::try_from(SUITE.0).unwrap())
            .with_group_context_extensions(Extensions::single(required).unwrap())
            .build()
    });
    let error = Follower::create(&info, &tree).unwrap_err();
    assert!(
        matches!(error, MlsError::NotAllowed(Rule::GroupContextExtensions)),
        "{error:?}"
    );
}

#[test]
fn commits_of_strangers_and_former_members_are_refused() {
    let mut conversation = Conversation::of(&["anna", "ben", "cleo"]);
    let late = conversation.devices[2].prepare(&CommitPlan::default()).unwrap();
    conversation.commit(0, &removing(&[2]));
    assert!(matches!(
        conversation.relay.stage(&late.commit),
        Err(MlsError::WrongEpoch { .. })
    ));
    // A group of the same id and epoch that was never this one.
    let mut impostor = Conversation::of(&["anna", "ben", "cleo"]);
    impostor.commit(0, &CommitPlan::default());
    let forged = impostor.devices[2].prepare(&CommitPlan::default()).unwrap();
    assert!(matches!(
        conversation.relay.stage(&forged.commit),
        Err(MlsError::UnknownLeaf(2))
    ));
    let forged = impostor.devices[1].prepare(&CommitPlan::default()).unwrap();
    assert!(matches!(
        conversation.relay.stage(&forged.commit),
        Err(MlsError::BadAuthentication(_))
    ));

    let mut other = Device::new("dan");
    other
        .engine
        .create(&other.store, &other.signer, b"another group")
        .unwrap();
    let commit = other
        .engine
        .prepare_commit(&other.store, b"another group", &CommitPlan::default(), b"")
        .unwrap()
        .commit;
    assert!(matches!(conversation.relay.stage(&commit), Err(MlsError::WrongGroup)));
    let text = conversation.devices[0].encrypt(b"no commit");
    assert!(matches!(conversation.relay.stage(&text), Err(MlsError::Malformed(_))));
}

#[test]
fn identities_are_opaque() {
    let mut device = Device::new("anna");
    for identity in [Vec::new(), vec![0; 1], vec![0xff; 300], b"\xf0\x9f".to_vec()] {
        let signer = Signer {
            identity: identity.clone(),
            ..device.signer.clone()
        };
        let group_id = [&b"group "[..], &identity].concat();
        let created = device.engine.create(&device.store, &signer, &group_id).unwrap();
        let relay = Follower::create(&created.group_info, &created.tree).unwrap();
        assert_eq!(relay.members().unwrap()[0].identity, identity);
        assert_eq!(relay.group_id(), group_id);
    }
}

#[test]
fn p9_2_an_earlier_state_and_the_log_lead_to_the_same_state() {
    let mut conversation = Conversation::of(&["anna", "ben", "cara"]);
    let checkpoint = conversation.relay.save().unwrap();
    let mut dan = Device::new("dan");
    let mut commits = vec![conversation.commit(1, &CommitPlan::default()).0.commit];
    let (prepared, _) = conversation.commit(0, &adding(vec![dan.key_package()]));
    commits.push(prepared.commit);
    commits.push(conversation.commit(0, &removing(&[1])).0.commit);
    let mut replayed = Follower::load(&checkpoint).unwrap();
    for commit in &commits {
        replayed.replay(commit).unwrap();
        // One that was applied already, or that belongs further on, is refused and changes nothing.
        let before = replayed.save().unwrap();
        assert!(matches!(replayed.replay(commit), Err(MlsError::WrongEpoch { .. })));
        assert_eq!(replayed.save().unwrap(), before);
    }
    assert_eq!(replayed.epoch(), conversation.relay.epoch());
    assert_eq!(replayed.tree().unwrap(), conversation.relay.tree().unwrap());
    assert_eq!(replayed.save().unwrap(), conversation.relay.save().unwrap());
    // And it judges the next one as the other does.
    let next = conversation.devices[0].prepare(&CommitPlan::default()).unwrap();
    let staged = replayed.stage(&next.commit).unwrap();
    replayed.accept(staged, &next.group_info).unwrap();
}
