//! Each step, done by each of the two implementations, in every suite.

use curo_mls::Suite;

use crate::group::{Conversation, SIDES, Side, device};
use crate::member::SUITES;

/// Every suite with every pair of who acts and who is acted upon.
fn each(check: impl Fn(Suite, Side, Side)) {
    for suite in SUITES {
        for actor in SIDES {
            for other in SIDES {
                println!("{suite:?}: {actor:?} acts, beside {other:?}");
                check(suite, actor, other);
            }
        }
    }
}

/// One of each side, and the actor first.
fn pair(suite: Suite, first: Side, second: Side) -> Conversation {
    let mut conversation = Conversation::begun_by(device(first, 1, suite));
    conversation.commit(0, vec![device(second, 2, suite)], &[]);
    conversation
}

#[test]
fn whoever_is_invited_joins_by_welcome() {
    each(|suite, actor, other| {
        let mut conversation = pair(suite, actor, other);
        conversation.agree();
        // Of both sides in one commit.
        conversation.commit(0, vec![device(actor, 3, suite), device(other, 4, suite)], &[]);
        conversation.agree();
        // By who has joined.
        conversation.commit(1, vec![device(actor, 5, suite)], &[]);
        conversation.agree();
    });
}

#[test]
fn a_member_renews_its_leaf() {
    each(|suite, actor, other| {
        let mut conversation = pair(suite, actor, other);
        for author in [0, 1, 0, 0] {
            conversation.commit(author, Vec::new(), &[]);
            conversation.agree();
        }
    });
}

#[test]
fn a_member_is_removed_and_its_leaf_used_again() {
    each(|suite, actor, other| {
        let mut conversation = pair(suite, actor, other);
        conversation.commit(0, vec![device(other, 3, suite), device(actor, 4, suite)], &[]);
        conversation.commit(0, Vec::new(), &[1]);
        conversation.agree();
        // Removed and added in one commit.
        conversation.commit(1, vec![device(other, 5, suite)], &[2]);
        conversation.agree();
    });
}

#[test]
fn someone_comes_in_from_outside() {
    each(|suite, actor, other| {
        let mut conversation = Conversation::begun_by(device(other, 1, suite));
        conversation.come_in(device(actor, 2, suite));
        conversation.agree();
        // Into a tree with blanks, by the GroupInfo of an external commit.
        conversation.come_in(device(other, 3, suite));
        conversation.commit(1, Vec::new(), &[0]);
        conversation.come_in(device(actor, 4, suite));
        conversation.agree();
    });
}

#[test]
fn a_member_comes_in_again_in_place_of_its_leaf() {
    each(|suite, actor, other| {
        let mut conversation = pair(suite, other, actor);
        conversation.come_in_again(1);
        conversation.agree();
        conversation.commit(0, Vec::new(), &[]);
        conversation.come_in_again(0);
        conversation.agree();
    });
}
