//! The repository alone, on a database in memory.

use super::*;
use crate::repo::item::{self, Fold, ItemKind, ItemRow};
use crate::repo::testing::{CARE, WARD, database, device, message, user};

fn log(incarnation: u64, seq: u64) -> Place {
    Place::Log { incarnation, seq }
}

/// Eight messages of two users over two incarnations, then two unsent ones; another conversation between them.
fn filled() -> (Connection, Vec<Place>) {
    let conn = database();
    let places: Vec<_> = (1..=5)
        .map(|seq| log(1, seq * 2))
        .chain((1..=3).map(|seq| log(2, seq)))
        .chain([Place::Unsent(4), Place::Unsent(9)])
        .collect();
    for (n, place) in (1..).zip(&places) {
        for conversation in [CARE, WARD] {
            let row = ItemRow {
                place: *place,
                kind: if n == 3 { ItemKind::Members } else { ItemKind::Message },
                sender_device: device(n % 2),
                sender_user: Some(user(n % 2)),
                message: message(n),
                content: None,
                claimed_ms: None,
                accepted_ms: None,
                code: None,
                fold: Fold::default(),
            };
            assert!(item::add(&conn, conversation, &row).unwrap());
        }
    }
    (conn, places)
}

fn found(stubs: &[Stub]) -> Vec<Place> {
    stubs.iter().map(|stub| stub.place).collect()
}

#[test]
fn every_stretch_is_what_a_look_at_everything_gives() {
    let (conn, all) = filled();
    let bounds: Vec<_> = [None, Some(log(1, 5)), Some(log(9, 1))]
        .into_iter()
        .chain(all.iter().copied().map(Some))
        .collect();
    for from in &bounds {
        let before: Vec<_> = all
            .iter()
            .rev()
            .copied()
            .filter(|p| from.is_none_or(|from| *p < from))
            .collect();
        let after: Vec<_> = all
            .iter()
            .copied()
            .filter(|p| from.is_none_or(|from| *p > from))
            .collect();
        for limit in [1, 3, 100] {
            let cut = |places: &[Place]| places[..places.len().min(limit)].to_vec();
            assert_eq!(found(&super::before(&conn, CARE, *from, limit).unwrap()), cut(&before));
            assert_eq!(found(&super::after(&conn, CARE, *from, limit).unwrap()), cut(&after));
            for to in &bounds {
                let mut within: Vec<_> = all
                    .iter()
                    .copied()
                    .filter(|p| from.is_none_or(|from| *p >= from) && to.is_none_or(|to| *p <= to))
                    .collect();
                let oldest = between(&conn, CARE, (*from, *to), false, limit).unwrap();
                assert_eq!(found(&oldest), cut(&within));
                within.reverse();
                let newest = between(&conn, CARE, (*from, *to), true, limit).unwrap();
                assert_eq!(found(&newest), cut(&within));
            }
        }
    }
    assert_eq!(place_of(&conn, CARE, device(0), message(4)).unwrap(), Some(all[3]));
    assert_eq!(place_of(&conn, CARE, device(1), message(4)).unwrap(), None);
    let first = between(&conn, CARE, (None, None), false, 1).unwrap();
    assert_eq!((first[0].sender_device, first[0].message), (device(1), message(1)));
}

#[test]
fn new_is_what_others_said_in_the_log() {
    let (conn, all) = filled();
    assert_eq!(newest_in_log(&conn, CARE).unwrap(), Some(log(2, 3)));
    let empty = ConversationId([9; 16]);
    assert_eq!(newest_in_log(&conn, empty).unwrap(), None);
    assert_eq!(arrived_after(&conn, empty, None, user(0), 10).unwrap(), 0);
    // Of eight, one is an event and four are one's own.
    assert_eq!(arrived_after(&conn, CARE, None, user(0), 100).unwrap(), 3);
    assert_eq!(arrived_after(&conn, CARE, None, user(1), 100).unwrap(), 4);
    assert_eq!(arrived_after(&conn, CARE, None, user(2), 100).unwrap(), 7);
    assert_eq!(arrived_after(&conn, CARE, Some(all[5]), user(2), 100).unwrap(), 2);
    assert_eq!(arrived_after(&conn, CARE, Some(all[7]), user(2), 100).unwrap(), 0);
    assert_eq!(arrived_after(&conn, CARE, Some(all[8]), user(2), 100).unwrap(), 0);
    assert_eq!(arrived_after(&conn, CARE, None, user(2), 2).unwrap(), 2);
}

#[test]
fn the_first_unread_is_the_first_that_counts_behind_the_mark() {
    let (conn, all) = filled();
    assert_eq!(first_unread(&conn, CARE, None).unwrap(), None);
    conn.execute(
        "UPDATE item SET counts = 1 WHERE message IN (?1, ?2)",
        [message(4).0, message(7).0],
    )
    .unwrap();
    for (mark, first) in [(None, Some(4)), (Some(2), Some(4)), (Some(3), Some(7)), (Some(6), None)] {
        let found = first_unread(&conn, CARE, mark.map(|n: usize| all[n])).unwrap();
        assert_eq!(found.map(|stub| stub.message), first.map(message), "{mark:?}");
    }
}
