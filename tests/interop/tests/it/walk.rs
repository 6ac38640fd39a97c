//! Long random histories of one group.

use proptest::prelude::*;

use crate::group::{Conversation, Side, device};
use crate::member::SUITES;

/// Members that a group has at most.
const MOST: usize = 7;

#[derive(Debug, Clone)]
enum Step {
    Renew(usize),
    Add(usize, Vec<bool>),
    Remove(usize, usize),
    ComeIn(bool),
    ComeInAgain(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let place = 0..MOST;
    prop_oneof![
        place.clone().prop_map(Step::Renew),
        (place.clone(), proptest::collection::vec(any::<bool>(), 1..3))
            .prop_map(|(author, ours)| Step::Add(author, ours)),
        (place.clone(), place.clone()).prop_map(|(author, removed)| Step::Remove(author, removed)),
        any::<bool>().prop_map(Step::ComeIn),
        place.prop_map(Step::ComeInAgain),
    ]
}

fn side(ours: bool) -> Side {
    if ours { Side::Ours } else { Side::Theirs }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// Whatever the order of commits, both sides are in the same state after each.
    #[test]
    fn any_history_keeps_both_in_the_same_state(
        suite in proptest::sample::select(&SUITES[..]),
        begins in any::<bool>(),
        steps in proptest::collection::vec(step(), 1..16),
    ) {
        let mut number = 1;
        let mut another = |ours| {
            number += 1;
            device(side(ours), number, suite)
        };
        let mut conversation = Conversation::begun_by(another(begins));
        conversation.commit(0, vec![another(!begins)], &[]);
        for step in steps {
            let count = conversation.members.len();
            match step {
                Step::Renew(author) => conversation.commit(author % count, Vec::new(), &[]),
                Step::Add(author, ours) if count + ours.len() <= MOST => {
                    let joiners = ours.into_iter().map(&mut another).collect();
                    conversation.commit(author % count, joiners, &[]);
                }
                Step::Remove(author, removed) if author % count != removed % count => {
                    conversation.commit(author % count, Vec::new(), &[removed % count]);
                }
                Step::ComeIn(ours) if count < MOST => conversation.come_in(another(ours)),
                Step::ComeInAgain(at) => conversation.come_in_again(at % count),
                Step::Add(..) | Step::Remove(..) | Step::ComeIn(_) => {}
            }
            conversation.agree();
        }
    }
}
