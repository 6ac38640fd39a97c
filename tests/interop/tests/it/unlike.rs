//! What `mls-rs` does by default and our configuration forbids: refused by name, at the relay and by members.

use curo_mls::{Follower, MlsError, Rule, Suite, key_package_info};

use crate::member::{Made, Member};
use crate::ours::Ours;
use crate::theirs::{self, Setup};

/// The extension of rule 2.7 for policy.
const POLICY: u16 = 0xF0C0;

const SUITE: Suite = Suite::X25519_AES128GCM_SHA256_ED25519;

/// A group that ours has begun, after theirs, set up like this, has joined and made a commit that adds one of ours.
fn commit_of_theirs(setup: Setup) -> (Ours, Follower, Made) {
    let (mut ours, mut theirs) = (Ours::new(1, SUITE), theirs::member(2, SUITE, setup));
    let (group_info, tree) = ours.create();
    let mut relay = Follower::create(&group_info, &tree).unwrap();
    let added = ours.commit(&[theirs.key_package()], &[], b"");
    let staged = relay.stage(&added.commit).unwrap();
    relay.accept(staged, &added.group_info).unwrap();
    ours.apply();
    theirs.join(&added.welcome.unwrap(), &relay.tree().unwrap());
    let made = theirs.commit(&[Ours::new(3, SUITE).key_package()], &[], b"");
    (ours, relay, made)
}

fn assert_refused(result: Result<(), MlsError>, rule: Rule) {
    match result {
        Err(MlsError::NotAllowed(found)) => assert_eq!(found, rule),
        other => panic!("{other:?} in place of a refusal by {rule:?}"),
    }
}

#[test]
fn as_we_ask_it_is_taken() {
    let (mut ours, mut relay, made) = commit_of_theirs(Setup::OURS);
    ours.process(&made.commit).unwrap();
    let staged = relay.stage(&made.commit).unwrap();
    relay.accept(staged, &made.group_info).unwrap();
}

#[test]
fn p2_8_an_encrypted_handshake_is_refused() {
    let (mut ours, relay, made) = commit_of_theirs(Setup {
        encrypted_handshakes: true,
        ..Setup::OURS
    });
    assert_refused(relay.stage(&made.commit).map(|_| ()), Rule::EncryptedHandshake);
    assert_refused(ours.process(&made.commit).map(|_| ()), Rule::EncryptedHandshake);
}

#[test]
fn p3_4_a_commit_without_a_path_is_refused() {
    let (mut ours, relay, made) = commit_of_theirs(Setup {
        path_always: false,
        ..Setup::OURS
    });
    assert_refused(relay.stage(&made.commit).map(|_| ()), Rule::NoPath);
    assert_refused(ours.process(&made.commit).map(|_| ()), Rule::NoPath);
}

#[test]
fn p3_8_a_tree_inside_the_group_info_or_the_welcome_is_refused() {
    let (_, mut relay, made) = commit_of_theirs(Setup {
        tree_inside: true,
        ..Setup::OURS
    });
    let staged = relay.stage(&made.commit).unwrap();
    assert_refused(relay.accept(staged, &made.group_info), Rule::TreeInGroupInfo);

    let mut theirs = theirs::member(
        1,
        SUITE,
        Setup {
            tree_inside: true,
            ..Setup::OURS
        },
    );
    let (group_info, tree) = theirs.create();
    assert_refused(Follower::create(&group_info, &tree).map(|_| ()), Rule::TreeInGroupInfo);
    let mut invited = Ours::new(2, SUITE);
    let made = theirs.commit(&[invited.key_package()], &[], b"");
    theirs.apply();
    let welcome = made.welcome.unwrap();
    assert_refused(invited.try_join(&welcome, &theirs.tree_now()), Rule::TreeInGroupInfo);
}

#[test]
fn p3_4_extensions_of_the_group_context_are_refused_until_there_are_any() {
    let mut theirs = theirs::member(1, SUITE, Setup::OURS);
    let (group_info, tree) = theirs.create_with(POLICY);
    assert_refused(
        Follower::create(&group_info, &tree).map(|_| ()),
        Rule::GroupContextExtensions,
    );
    // Every leaf has said that it can live with them (2.7), so a commit may bring them; this version refuses it.
    let (group_info, tree) = theirs.create();
    let mut relay = Follower::create(&group_info, &tree).unwrap();
    let mut ours = Ours::new(2, SUITE);
    let added = theirs.commit(&[ours.key_package()], &[], b"");
    let staged = relay.stage(&added.commit).unwrap();
    relay.accept(staged, &added.group_info).unwrap();
    theirs.apply();
    ours.join(&added.welcome.unwrap(), &relay.tree().unwrap());
    let commit = theirs.commit_with(POLICY);
    assert_refused(relay.stage(&commit).map(|_| ()), Rule::GroupContextExtensions);
    assert_refused(ours.process(&commit).map(|_| ()), Rule::GroupContextExtensions);
}

#[test]
fn p2_7_a_leaf_without_our_capabilities_is_refused() {
    let mut theirs = theirs::member(
        1,
        SUITE,
        Setup {
            our_capabilities: false,
            ..Setup::OURS
        },
    );
    let key_package = key_package_info(&theirs.key_package());
    assert_refused(key_package.map(|_| ()), Rule::MissingCapabilities);
    let (group_info, tree) = theirs.create();
    let follower = Follower::create(&group_info, &tree);
    assert_refused(follower.map(|_| ()), Rule::MissingCapabilities);
}

#[test]
fn p2_8_a_leaf_whose_lifetime_ends_is_refused() {
    let mut theirs = theirs::member(
        1,
        SUITE,
        Setup {
            bounded_lifetime: true,
            ..Setup::OURS
        },
    );
    let key_package = key_package_info(&theirs.key_package());
    assert_refused(key_package.map(|_| ()), Rule::BoundedLifetime);
    let (group_info, tree) = theirs.create();
    let follower = Follower::create(&group_info, &tree);
    assert_refused(follower.map(|_| ()), Rule::BoundedLifetime);
}
