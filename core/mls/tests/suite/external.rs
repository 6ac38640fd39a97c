//! External commits: rules 3.5 and 4.4.

use curo_mls::{
    CommitPlan, External, JoinView, MemoryStore, MlsEngine as _, MlsError, MlsStore, PreparedExternal, Processed,
    Refusal, Rule, StoreFault, inspect,
};

use crate::failing::FailsOnce;
use crate::mallory::Mallory;
use crate::support::{Conversation, Device, GROUP, SUITE, identities, removing, welcome_yes, yes};

/// The GroupInfo of the current epoch, which the relay keeps; here `author` makes a commit for it.
fn group_info(conversation: &mut Conversation, author: usize) -> Vec<u8> {
    conversation.commit(author, &CommitPlan::default()).0.group_info
}

fn external(device: &mut Device, group_info: &[u8], tree: &[u8]) -> Result<PreparedExternal, MlsError> {
    let Device { store, engine, signer } = device;
    engine.prepare_external_commit(store, signer, group_info, tree, b"external aad", &mut welcome_yes)
}

/// The relay and everybody but `author` take the commit, then `author` applies its state.
fn accept(conversation: &mut Conversation, author: usize, prepared: &PreparedExternal) -> External {
    let staged = conversation.relay.stage(&prepared.commit).unwrap();
    assert_eq!(staged.aad, b"external aad");
    conversation.relay.accept(staged, &prepared.group_info).unwrap();
    let mut seen = None;
    for (index, device) in conversation.devices.iter_mut().enumerate() {
        if index != author {
            let outcome = device.follow(&prepared.commit);
            assert_eq!(outcome.aad, b"external aad");
            assert_eq!(outcome.updated, std::slice::from_ref(&outcome.sender));
            assert!(!outcome.self_removed && outcome.removed.is_empty());
            seen = outcome.external;
        }
    }
    let device = &mut conversation.devices[author];
    let joined = device
        .engine
        .apply_external_commit(&device.store, &prepared.state)
        .unwrap();
    assert_eq!((joined.group_id.as_slice(), joined.suite), (GROUP, SUITE));
    seen.unwrap()
}

/// What a damaged database leaves: a group that cannot be read.
fn destroy(device: &mut Device) {
    let key = GROUP_KEY;
    for table in ["tree", "epoch_secrets"] {
        assert!(device.store.get(table, key).unwrap().is_some(), "{table}");
        device.store.put(table, key, b"damaged").unwrap();
    }
    device.restart();
    assert!(device.engine.epoch(&device.store, GROUP).is_err());
}

/// The encoding of [`GROUP`] as a key: a map {"value": {"vec": [bytes]}}.
const GROUP_KEY: &[u8] = b"\x81\xa5value\x81\xa3vec\xdc\x00\x16a conversation's group";

#[test]
fn p4_4_a_device_whose_group_is_damaged_comes_back_by_itself() {
    let mut conversation = Conversation::of(&["anna", "ben", "cara"]);
    let info = group_info(&mut conversation, 0);
    let tree = conversation.relay.tree().unwrap();
    destroy(&mut conversation.devices[1]);
    let prepared = external(&mut conversation.devices[1], &info, &tree).unwrap();
    assert_eq!(prepared.epoch, conversation.relay.epoch());
    let external = accept(&mut conversation, 1, &prepared);
    assert_eq!(identities(&[external.replaced.unwrap()]), ["ben"]);
    conversation.agree();
    conversation.devices[1].restart();
    conversation.agree();
    // And it can commit again, like everybody.
    conversation.commit(1, &removing(&[2]));
}

#[test]
fn p4_4_preparing_writes_nothing_and_a_loser_goes_on_as_before() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let info = group_info(&mut conversation, 0);
    let tree = conversation.relay.tree().unwrap();
    // An own commit is pending: it stays so, because the external one may lose.
    let pending = conversation.devices[1].prepare(&CommitPlan::default()).unwrap();
    let Device { store, engine, signer } = &mut conversation.devices[1];
    let read_only = ReadOnly(store);
    let prepared = engine
        .prepare_external_commit(&read_only, signer, &info, &tree, b"", &mut welcome_yes)
        .unwrap();
    drop(prepared);
    conversation.accept(1, &pending);
    conversation.agree();
}

/// Nothing may be written here.
struct ReadOnly<'a>(&'a MemoryStore);

impl MlsStore for ReadOnly<'_> {
    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        self.0.get(table, key)
    }

    fn put(&self, table: &'static str, _: &[u8], _: &[u8]) -> Result<(), StoreFault> {
        panic!("a row of {table} is written")
    }

    fn delete(&self, table: &'static str, _: &[u8]) -> Result<(), StoreFault> {
        panic!("a row of {table} is deleted")
    }
}

#[test]
fn p4_4_a_stale_group_gives_way_with_its_pending_commit() {
    let mut conversation = Conversation::of(&["anna", "ben", "cara"]);
    // Ben stays behind for two epochs, with a commit of his own that lost.
    let behind = conversation.devices[1].store.snapshot();
    group_info(&mut conversation, 0);
    let info = group_info(&mut conversation, 2);
    conversation.devices[1].store = behind;
    conversation.devices[1].restart();
    conversation.devices[1].prepare(&CommitPlan::default()).unwrap();
    let tree = conversation.relay.tree().unwrap();
    let prepared = external(&mut conversation.devices[1], &info, &tree).unwrap();
    accept(&mut conversation, 1, &prepared);
    assert!(!{
        let Device { store, engine, .. } = &mut conversation.devices[1];
        engine.has_pending_commit(store, GROUP).unwrap()
    });
    conversation.agree();
}

#[test]
fn p3_5_a_device_without_a_leaf_adds_itself_at_the_leftmost_free_place() {
    let mut conversation = Conversation::of(&["anna", "ben", "cara"]);
    conversation.commit(2, &removing(&[0]));
    let anna = conversation.devices.remove(0);
    let info = group_info(&mut conversation, 0);
    let tree = conversation.relay.tree().unwrap();
    conversation.devices.push(Device::new("dora"));
    let prepared = external(&mut conversation.devices[2], &info, &tree).unwrap();
    let framing = inspect(&prepared.commit).unwrap().commit.unwrap();
    assert_eq!((framing.sender_index, framing.removes.len()), (None, 0));
    let staged = conversation.relay.stage(&prepared.commit).unwrap();
    assert_eq!((identities(&staged.added), staged.sender.index), (vec!["dora"], 0));
    assert!(staged.added_key_packages.is_empty());
    assert_eq!(accept(&mut conversation, 2, &prepared).replaced, None);
    conversation.agree();

    // Whoever comes back takes the leftmost place too, which may be another than before.
    conversation.commit(1, &removing(&[0]));
    conversation.devices.remove(2);
    let info = group_info(&mut conversation, 0);
    let tree = conversation.relay.tree().unwrap();
    let prepared = external(&mut conversation.devices[1], &info, &tree).unwrap();
    let external = accept(&mut conversation, 1, &prepared);
    assert_eq!(external.replaced.unwrap().index, 2);
    assert_eq!(conversation.relay.members().unwrap()[0].identity, b"cara");
    conversation.agree();
    drop(anna);
}

#[test]
fn p3_5_the_device_that_is_replaced_learns_that_it_is_out() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let info = group_info(&mut conversation, 0);
    let tree = conversation.relay.tree().unwrap();
    // A copy of ben's database, on another phone.
    let mut copy = Device {
        store: conversation.devices[1].store.snapshot(),
        engine: curo_mls::OpenMlsEngine::new(),
        signer: conversation.devices[1].signer.clone(),
    };
    let prepared = external(&mut conversation.devices[1], &info, &tree).unwrap();
    let mut shown = None;
    let Processed::Commit(outcome) = copy
        .engine
        .process(&copy.store, GROUP, &prepared.commit, &mut |view| {
            shown = view.external.clone();
            Ok(())
        })
        .unwrap()
    else {
        panic!("no commit")
    };
    assert!(outcome.self_removed && shown.is_some());
    assert!(matches!(
        copy.engine.encrypt(&copy.store, GROUP, b"", b"still here?"),
        Err(MlsError::Evicted)
    ));
    accept(&mut conversation, 1, &prepared);
    conversation.agree();
}

#[test]
fn p3_5_an_external_commit_replaces_its_own_identity_only() {
    let (mut conversation, mallory) = Mallory::in_a_conversation();
    let info = group_info(&mut conversation, 0);
    let tree = conversation.relay.tree().unwrap();
    for (name, made) in [
        // Her old leaf goes, and she comes in under another name.
        (b"anna".as_slice(), mallory.external(b"anna", &info, &tree)),
        // A second leaf for anna's device, with another key.
        (b"anna", Mallory::new().external(b"anna", &info, &tree)),
    ] {
        assert_eq!(
            inspect(&made.commit)
                .unwrap()
                .commit
                .unwrap()
                .path_leaf
                .unwrap()
                .identity,
            name
        );
        assert!(matches!(
            conversation.relay.stage(&made.commit),
            Err(MlsError::NotAllowed(Rule::ExternalCommit))
        ));
        let device = &mut conversation.devices[0];
        assert!(matches!(
            device.engine.process(&device.store, GROUP, &made.commit, &mut yes),
            Err(MlsError::NotAllowed(Rule::ExternalCommit))
        ));
        device.engine.forget_all();
    }
    // Her own leaf she may replace, and the judges see it.
    let made = mallory.external(b"mallory", &info, &tree);
    let staged = conversation.relay.stage(&made.commit).unwrap();
    assert_eq!(
        identities(&[staged.external.clone().unwrap().replaced.unwrap()]),
        ["mallory"]
    );
    conversation.relay.accept(staged, &made.group_info).unwrap();
    let device = &mut conversation.devices[1];
    let refused = device
        .engine
        .process(&device.store, GROUP, &made.commit, &mut |_| Err(Refusal::new(7_u8)));
    assert!(matches!(refused, Err(MlsError::Refused(why)) if why.downcast_ref::<u8>() == Some(&7)));
}

#[test]
fn p3_5_every_other_proposal_in_an_external_commit_is_refused_by_name() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let info = group_info(&mut conversation, 0);
    let tree = conversation.relay.tree().unwrap();
    let commit = external(&mut conversation.devices[1], &info, &tree).unwrap().commit;
    // The proposal list stands behind group id, epoch, sender type, data and content type.
    let at = 2 + 2 + 1 + GROUP.len() + 8 + 1 + 1 + b"external aad".len() + 1;
    assert_eq!(commit[at - 1], 3);
    // A length below 64 takes one byte, one below 16,384 two (RFC 9420, 2.1.2).
    let (head, length) = match commit[at] {
        short @ ..64 => (1, usize::from(short)),
        long => (2, usize::from(long & 0x3f) << 8 | usize::from(commit[at + 1])),
    };
    let list = &commit[at + head..at + head + length];
    let with = |more: &[u8]| {
        let list = [list, more].concat();
        let mut bytes = commit.clone();
        let written = match u16::try_from(list.len()).unwrap() {
            short @ ..64 => short.to_be_bytes()[1..].to_vec(),
            long => (0x4000 | long).to_be_bytes().to_vec(),
        };
        bytes.splice(at..at + head + length, [written, list].concat());
        bytes
    };
    for (more, rule) in [
        (&[1, 0x00, 0x01][..], Rule::ExternalCommit),
        (&[1, 0x00, 0x03, 0, 0, 0, 0], Rule::ExternalCommit),
        (&[1, 0x00, 0x06, 1, 9], Rule::ExternalCommit),
        (&[1, 0x00, 0x02], Rule::UpdateProposal),
        (&[1, 0x00, 0x04], Rule::PreSharedKey),
        (&[1, 0x00, 0x05], Rule::ReInit),
        (&[1, 0x00, 0x07], Rule::GroupContextExtensions),
        (&[1, 0x00, 0x0a], Rule::SelfRemove),
        (&[1, 0xf0, 0xaa], Rule::CustomProposal),
        (&[2, 1, 9], Rule::ProposalByReference),
    ] {
        let forged = with(more);
        assert!(
            matches!(inspect(&forged), Err(MlsError::NotAllowed(found)) if found == rule),
            "{rule:?}"
        );
        assert!(matches!(conversation.relay.stage(&forged), Err(MlsError::NotAllowed(found)) if found == rule));
        let device = &mut conversation.devices[0];
        let refused = device.engine.process(&device.store, GROUP, &forged, &mut yes);
        assert!(matches!(refused, Err(MlsError::NotAllowed(found)) if found == rule));
        device.engine.forget_all();
    }
    // Without any proposal it is no external commit at all.
    let mut none = commit.clone();
    none.splice(at..at + 1 + length, [0]);
    assert!(matches!(
        inspect(&none),
        Err(MlsError::NotAllowed(Rule::ExternalCommit))
    ));
}

#[test]
fn p4_4_a_hostile_group_info_or_tree_is_refused_and_nothing_changes() {
    let mut conversation = Conversation::of(&["anna", "ben", "cara"]);
    let old_tree = conversation.relay.tree().unwrap();
    let info = group_info(&mut conversation, 0);
    let tree = conversation.relay.tree().unwrap();
    let other = Conversation::of(&["anna", "ben"]);
    let other_tree = other.relay.tree().unwrap();
    let before = conversation.devices[1].store.len();
    for bad in [&old_tree, &other_tree] {
        let refused = external(&mut conversation.devices[1], &info, bad);
        // In the other group another key stands where the signer's should.
        assert!(
            matches!(
                refused,
                Err(MlsError::TreeMismatch | MlsError::BadAuthentication("signature"))
            ),
            "{refused:?}"
        );
    }
    let mut unsigned = info.clone();
    *unsigned.last_mut().unwrap() ^= 1;
    assert!(matches!(
        external(&mut conversation.devices[1], &unsigned, &tree),
        Err(MlsError::BadAuthentication("signature"))
    ));
    for at in 0..info.len() {
        let mut bad = info.clone();
        bad[at] ^= 0x40;
        assert!(external(&mut conversation.devices[1], &bad, &tree).is_err(), "{at}");
        assert!(external(&mut conversation.devices[1], &info[..at], &tree).is_err());
    }
    for at in 0..tree.len() {
        assert!(external(&mut conversation.devices[1], &info, &tree[..at]).is_err());
    }
    // Another suite than the signer's, and a judge that says no.
    let mut elsewhere = Device::with_suite("ben", crate::support::another_suite());
    assert!(matches!(
        external(&mut elsewhere, &info, &tree),
        Err(MlsError::WrongSuite { .. })
    ));
    let Device { store, engine, signer } = &mut conversation.devices[1];
    let mut judge = |view: &JoinView| {
        assert_eq!(identities(&view.leaves), ["anna", "ben", "cara"]);
        assert_eq!(
            (view.sender.identity.as_slice(), view.own_index),
            (b"anna".as_slice(), 1)
        );
        Err(Refusal::new(1_u8))
    };
    assert!(matches!(
        engine.prepare_external_commit(store, signer, &info, &tree, b"", &mut judge),
        Err(MlsError::Refused(_))
    ));
    assert_eq!(conversation.devices[1].store.len(), before);
    conversation.agree();
}

#[test]
fn a_leaf_with_another_key_is_left_to_the_members() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let info = group_info(&mut conversation, 0);
    let tree = conversation.relay.tree().unwrap();
    let mut reinstalled = Device::new("ben");
    assert!(matches!(
        external(&mut reinstalled, &info, &tree),
        Err(MlsError::Invalid("the device's leaf has another key"))
    ));
}

#[test]
fn p4_4_a_state_that_is_not_one_is_refused_before_anything_is_written() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let info = group_info(&mut conversation, 0);
    let tree = conversation.relay.tree().unwrap();
    let state = external(&mut conversation.devices[1], &info, &tree).unwrap().state;
    for cut in [0, 1, 5, state.len() / 2, state.len() - 1] {
        let mut device = Device::new("ben");
        let rows = device.store.len();
        let refused = device.engine.apply_external_commit(&device.store, &state[..cut]);
        assert!(matches!(refused, Err(MlsError::Malformed(_))), "{cut}");
        assert_eq!(device.store.len(), rows);
    }
}

#[test]
fn p5_5_a_store_that_fails_while_the_state_is_applied_is_told_and_the_state_applies_later() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let info = group_info(&mut conversation, 0);
    let tree = conversation.relay.tree().unwrap();
    let prepared = external(&mut conversation.devices[1], &info, &tree).unwrap();
    let device = &mut conversation.devices[1];
    let mut at = 0;
    loop {
        device.store.begin();
        let failing = FailsOnce::new(&device.store, at, true);
        let applied = device.engine.apply_external_commit(&failing, &prepared.state);
        if !failing.has_failed() {
            applied.unwrap();
            device.store.commit();
            break;
        }
        assert!(
            matches!(applied, Err(MlsError::Storage(fault)) if fault.retryable),
            "{at}"
        );
        device.rollback();
        at += 1;
    }
    assert!(at > 20);
    let staged = conversation.relay.stage(&prepared.commit).unwrap();
    conversation.relay.accept(staged, &prepared.group_info).unwrap();
    conversation.devices[0].follow(&prepared.commit);
    conversation.agree();
}
