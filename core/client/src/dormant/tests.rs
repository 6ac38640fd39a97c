//! Whom a commit may name, who stays by it, what newcomers make of what they are told.

use curo_mls::{External, Leaf};

use super::*;
use crate::about::tests::{ID, device, leaf as leaf_of, me, outcome, row, user, with_store};

/// Another device of a user.
fn second(of: u8, n: u8) -> Leaf {
    Leaf {
        index: u32::from(n),
        identity: Credential::new("st-mary".parse().unwrap(), user(of), device(n)).to_bytes(),
        signature_key: vec![n],
    }
}

fn named(dormant: &[u8], gone: &[u8]) -> Named {
    Named {
        dormant: dormant.iter().copied().map(device).collect(),
        gone: gone.iter().copied().map(user).collect(),
    }
}

#[test]
fn p6_3_a_user_stays_only_if_every_leaf_that_goes_was_silent() {
    let mut commit = outcome(2, &[], &[3, 4]);
    assert_eq!(named(&[3], &[]).staying(&commit), BTreeSet::from([user(3)]));
    assert_eq!(named(&[], &[]).staying(&commit), BTreeSet::new());
    commit.removed.push(second(3, 13));
    assert_eq!(named(&[3], &[]).staying(&commit), BTreeSet::new());
    assert_eq!(named(&[3, 13], &[]).staying(&commit), BTreeSet::from([user(3)]));
    // Named, but not removed: no word about the user.
    assert_eq!(named(&[5], &[]).staying(&commit), BTreeSet::new());
}

#[test]
fn p6_3_a_commit_names_whom_it_removes_and_who_has_no_leaf() {
    with_store(1, |conn, row| {
        let may = |commit: &CommitOutcome, named: &Named| may_be_named(conn, &me(), row, commit, named).unwrap();
        assert!(may(&outcome(2, &[], &[3]), &named(&[3], &[])));
        assert!(!may(&outcome(2, &[], &[3]), &named(&[4], &[])), "it is not removed");
        assert!(!may(&outcome(2, &[], &[]), &named(&[], &[3])), "a leaf is there");
        assert!(!may(&outcome(2, &[], &[]), &named(&[], &[1])), "this device is there");
        assert!(!may(&outcome(2, &[5], &[]), &named(&[], &[5])), "one comes");
        leaf::leave(conn, ID, 1, device(3), 2).unwrap();
        assert!(may(&outcome(2, &[], &[]), &named(&[], &[3])));
        let mut outside = outcome(3, &[3], &[]);
        outside.external = Some(External { replaced: None });
        assert!(may(&outside, &named(&[], &[])));
        assert!(!may(&outside, &named(&[], &[5])), "who comes from outside names nobody");
        outside.removed.push(leaf_of(4));
        assert!(!may(&outside, &named(&[4], &[])));
    });
}

#[test]
fn p6_3_members_without_a_leaf_are_dormant() {
    with_store(1, |conn, row| {
        assert_eq!(users(conn, user(1), row).unwrap(), BTreeSet::new());
        leaf::leave(conn, ID, 1, device(3), 2).unwrap();
        assert_eq!(users(conn, user(1), row).unwrap(), BTreeSet::from([user(3)]));
        // One more device of theirs is there.
        leaf::enter(conn, ID, 1, (user(3), device(13)), 3).unwrap();
        assert_eq!(users(conn, user(1), row).unwrap(), BTreeSet::new());
    });
}

#[test]
fn p6_3_a_newcomer_believes_what_it_is_told_but_for_what_it_has_seen_since() {
    with_store(5, |conn, _| {
        let row = row(5);
        let roster = || conversation::current_members(conn, ID).unwrap();
        // 3 is dormant and was, as this device knew; 4 has become so after the whole was made; 6 was taken off since.
        leaf::leave(conn, ID, 1, device(3), 5).unwrap();
        leaf::leave(conn, ID, 1, device(4), 9).unwrap();
        conversation::add_member(conn, ID, 1, user(6), 5).unwrap();
        conversation::remove_member(conn, ID, 1, user(6), 8).unwrap();
        learn(conn, user(1), &row, &[user(7), user(6), user(2), user(1)], 7).unwrap();
        assert_eq!(roster(), [1, 2, 4, 7].map(user).into());
        assert_eq!(users(conn, user(1), &row).unwrap(), [4, 7].map(user).into());
        // Told again, nothing changes.
        learn(conn, user(1), &row, &[user(7)], 7).unwrap();
        assert_eq!(roster(), [1, 2, 4, 7].map(user).into());
    });
}
