//! The repository alone, on a database in memory.

use super::*;
use crate::repo::conversation;
use crate::repo::testing::{CARE, conversation as row, database, user};

#[test]
fn every_stretch_is_what_a_look_at_everything_gives() {
    let conn = database();
    let mut all = Vec::new();
    // Two are active at the same time.
    for (n, activity) in [(3, 10), (1, 20), (2, 20), (9, 30), (0, 40)] {
        let id = ConversationId([n; 16]);
        let active = conversation::ConversationRow { activity, ..row(id, 1) };
        conversation::put(&conn, &active).unwrap();
        all.push(Rank { activity, id });
    }
    assert!(all.is_sorted());
    let beyond = Rank { activity: 25, id: CARE };
    let bounds: Vec<_> = [None, Some(beyond)]
        .into_iter()
        .chain(all.iter().copied().map(Some))
        .collect();
    for from in &bounds {
        let older: Vec<_> = all
            .iter()
            .rev()
            .copied()
            .filter(|r| from.is_none_or(|from| *r < from))
            .collect();
        let newer: Vec<_> = all
            .iter()
            .copied()
            .filter(|r| from.is_none_or(|from| *r > from))
            .collect();
        for limit in [1, 2, 9] {
            let cut = |ranks: &[Rank]| ranks[..ranks.len().min(limit)].to_vec();
            assert_eq!(before(&conn, *from, limit).unwrap(), cut(&older));
            assert_eq!(after(&conn, *from, limit).unwrap(), cut(&newer));
            for to in &bounds {
                let mut within: Vec<_> = all
                    .iter()
                    .copied()
                    .filter(|r| from.is_none_or(|from| *r >= from) && to.is_none_or(|to| *r <= to))
                    .collect();
                assert_eq!(between(&conn, (*from, *to), false, limit).unwrap(), cut(&within));
                within.reverse();
                assert_eq!(between(&conn, (*from, *to), true, limit).unwrap(), cut(&within));
            }
        }
    }
}

#[test]
fn what_goes_to_the_top_stands_before_all_others_and_stays_there() {
    let conn = database();
    let active = |n: u8, activity| {
        let row = conversation::ConversationRow {
            activity,
            ..row(ConversationId([n; 16]), 1)
        };
        conversation::put(&conn, &row).unwrap();
    };
    let order = || -> Vec<_> {
        let ranks = before(&conn, None, 9).unwrap();
        ranks.into_iter().map(|rank| (rank.id.0[0], rank.activity)).collect()
    };
    // Alone, it is there already.
    active(1, 10);
    to_top(&conn, ConversationId([1; 16])).unwrap();
    assert_eq!(order(), [(1, 10)]);
    active(2, 30);
    active(3, 30);
    to_top(&conn, ConversationId([1; 16])).unwrap();
    assert_eq!(order(), [(1, 31), (3, 30), (2, 30)]);
    to_top(&conn, ConversationId([1; 16])).unwrap();
    assert_eq!(order()[0], (1, 31));
    to_top(&conn, ConversationId([3; 16])).unwrap();
    assert_eq!(order(), [(3, 32), (1, 31), (2, 30)]);
    to_top(&conn, ConversationId([7; 16])).unwrap();
    assert_eq!(order().len(), 3);
}

#[test]
fn a_time_beyond_all_times_keeps_nobody_from_speaking_elsewhere() {
    let conn = database();
    for (n, activity) in [(1, 10), (2, u64::MAX)] {
        let row = conversation::ConversationRow {
            activity,
            ..row(ConversationId([n; 16]), 1)
        };
        conversation::put(&conn, &row).unwrap();
    }
    to_top(&conn, ConversationId([1; 16])).unwrap();
    to_top(&conn, ConversationId([2; 16])).unwrap();
    let ranks = before(&conn, None, 9).unwrap();
    assert!(ranks.iter().all(|rank| rank.activity == i64::MAX as u64), "{ranks:?}");
}

#[test]
fn people_are_those_on_the_roster_now() {
    let conn = database();
    for n in 1..=6 {
        conversation::add_member(&conn, CARE, 1, user(n), 1).unwrap();
    }
    conversation::remove_member(&conn, CARE, 1, user(2), 5).unwrap();
    conversation::add_member(&conn, CARE, 2, user(9), 1).unwrap();
    let (count, few) = people(&conn, CARE, 1, user(1), 3).unwrap();
    assert_eq!((count, few), (5, vec![user(3), user(4), user(5)]));
    let (count, few) = people(&conn, CARE, 2, user(9), 3).unwrap();
    assert_eq!((count, few), (1, vec![]));
}
