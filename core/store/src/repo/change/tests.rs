//! The repository alone, on a database in memory.

use super::*;
use crate::repo::testing::{CARE, WARD, database, device, message, user};

fn target(n: u8) -> Reference {
    Reference {
        sender: device(9),
        message: message(n),
    }
}

fn log(seq: u64) -> Place {
    Place::Log { incarnation: 1, seq }
}

fn row(kind: ChangeKind, place: Place, n: u8, of: u8) -> ChangeRow {
    ChangeRow {
        id: 0,
        place,
        kind,
        state: ChangeState::Live,
        sender_device: device(of),
        sender_user: user(of),
        message: message(n),
        target: target(1),
        emoji: String::new(),
        value: false,
        content: None,
        accepted_ms: None,
    }
}

fn ids(rows: &[ChangeRow]) -> Vec<u8> {
    rows.iter().map(|row| row.message.0[0]).collect()
}

#[test]
fn every_column_is_read_back() {
    let conn = database();
    let kinds = [
        ChangeKind::Edit,
        ChangeKind::Delete,
        ChangeKind::Reaction,
        ChangeKind::Acknowledgement,
        ChangeKind::Purged,
    ];
    let states = [ChangeState::Pending, ChangeState::Live, ChangeState::Spent];
    for (n, kind) in (1..).zip(kinds) {
        for (m, state) in (0..).zip(states) {
            let full = ChangeRow {
                state,
                emoji: "👍".into(),
                value: true,
                content: Some(vec![1, 2]),
                accepted_ms: Some(7),
                ..row(kind, log(5), 10 * n + m, 3)
            };
            let stored = add(&conn, CARE, full.clone()).unwrap().unwrap();
            assert_eq!(
                ChangeRow {
                    id: 0,
                    ..stored.clone()
                },
                full
            );
            assert_eq!(of_message(&conn, CARE, device(3), full.message).unwrap(), [stored]);
        }
    }
}

#[test]
fn p4_6_a_message_is_taken_once_whatever_became_of_it() {
    let conn = database();
    let stored = add(&conn, CARE, row(ChangeKind::Edit, log(2), 5, 3)).unwrap().unwrap();
    spend(&conn, stored.id).unwrap();
    assert!(add(&conn, CARE, row(ChangeKind::Edit, log(8), 5, 3)).unwrap().is_none());
    assert!(known(&conn, CARE, device(3), message(5)).unwrap());
    assert!(!known(&conn, WARD, device(3), message(5)).unwrap());
    assert!(!known(&conn, CARE, device(4), message(5)).unwrap());
    // One receipt names several targets.
    let other = ChangeRow {
        target: target(2),
        ..row(ChangeKind::Edit, log(8), 5, 3)
    };
    assert!(add(&conn, CARE, other).unwrap().is_some());
}

#[test]
fn live_rows_come_in_the_order_of_places_with_what_is_unsent_last() {
    let conn = database();
    for (n, place) in [(1, Place::Unsent(4)), (2, log(9)), (3, Place::Unsent(2)), (4, log(3))] {
        add(&conn, CARE, row(ChangeKind::Edit, place, n, 3)).unwrap();
    }
    add(&conn, CARE, row(ChangeKind::Edit, log(1), 5, 4)).unwrap();
    add(&conn, CARE, row(ChangeKind::Delete, log(1), 6, 3)).unwrap();
    add(&conn, WARD, row(ChangeKind::Edit, log(1), 7, 3)).unwrap();
    assert_eq!(
        ids(&live(&conn, CARE, target(1), ChangeKind::Edit).unwrap()),
        [5, 4, 2, 3, 1]
    );
    assert_eq!(
        ids(&live_of(&conn, CARE, target(1), ChangeKind::Edit, user(3), "").unwrap()),
        [4, 2, 3, 1]
    );
    assert_eq!(ids(&unsent(&conn, CARE, target(1)).unwrap()), [3, 1]);
    assert!(accept(&conn, CARE, device(3), message(3), log(10), 77).unwrap());
    assert!(
        !accept(&conn, CARE, device(3), message(3), log(11), 78).unwrap(),
        "it has its place"
    );
    let rows = live(&conn, CARE, target(1), ChangeKind::Edit).unwrap();
    assert_eq!(ids(&rows), [5, 4, 2, 3, 1]);
    assert_eq!(rows[3].accepted_ms, Some(77));
    // Only what was never accepted can be taken back.
    for row in &rows {
        remove(&conn, row.id).unwrap();
    }
    assert_eq!(
        ids(&live(&conn, CARE, target(1), ChangeKind::Edit).unwrap()),
        [5, 4, 2, 3]
    );
}

#[test]
fn what_is_spent_holds_nothing() {
    let conn = database();
    let full = ChangeRow {
        content: Some(vec![1]),
        emoji: "x".into(),
        ..row(ChangeKind::Edit, log(1), 1, 3)
    };
    let one = add(&conn, CARE, full.clone()).unwrap().unwrap();
    let two = ChangeRow {
        message: message(2),
        ..full
    };
    add(&conn, CARE, two).unwrap();
    spend(&conn, one.id).unwrap();
    spend_all(&conn, CARE, target(1), ChangeKind::Edit).unwrap();
    for n in [1, 2] {
        let rows = of_message(&conn, CARE, device(3), message(n)).unwrap();
        assert_eq!(
            (rows[0].state, &rows[0].content, rows[0].emoji.as_str()),
            (ChangeState::Spent, &None, "")
        );
    }
    assert!(live(&conn, CARE, target(1), ChangeKind::Edit).unwrap().is_empty());
}

#[test]
fn what_waits_is_bounded_for_each_user_and_the_latest_stays() {
    let conn = database();
    for n in 1..=10 {
        for of in [3, 4] {
            let waits = ChangeRow {
                state: ChangeState::Pending,
                content: Some(vec![0; 10]),
                ..row(ChangeKind::Edit, log(n.into()), n, of)
            };
            add(&conn, CARE, waits).unwrap();
        }
    }
    bound_waiting(&conn, CARE, user(3), 4, 1000).unwrap();
    let of = |user_of: u8| -> Vec<u8> {
        let rows = waiting(&conn, CARE, target(1)).unwrap();
        ids(&rows
            .into_iter()
            .filter(|row| row.sender_user == user(user_of))
            .collect::<Vec<_>>())
    };
    assert_eq!(of(3), [7, 8, 9, 10]);
    assert_eq!(of(4).len(), 10);
    bound_waiting(&conn, CARE, user(4), 100, 25).unwrap();
    assert_eq!(of(4), [9, 10]);
    let first = waiting(&conn, CARE, target(1)).unwrap()[0].id;
    set_live(&conn, first).unwrap();
    assert_eq!(waiting(&conn, CARE, target(1)).unwrap().len(), 5);
}

#[test]
fn different_reactions_are_counted_as_set_in_the_log() {
    let conn = database();
    let reaction = |n: u8, of: u8, emoji: &str, value: bool, place: Place| ChangeRow {
        emoji: emoji.into(),
        value,
        ..row(ChangeKind::Reaction, place, n, of)
    };
    for reaction in [
        reaction(1, 3, "a", true, log(1)),
        reaction(2, 4, "a", true, log(2)),
        reaction(3, 3, "b", true, log(3)),
        reaction(4, 3, "c", false, log(4)),
        reaction(5, 3, "d", true, Place::Unsent(1)),
    ] {
        add(&conn, CARE, reaction).unwrap();
    }
    assert_eq!(reactions_set(&conn, CARE, target(1), "b").unwrap(), (2, true));
    assert_eq!(reactions_set(&conn, CARE, target(1), "d").unwrap(), (2, false));
    assert_eq!(reactions_set(&conn, CARE, target(2), "a").unwrap(), (0, false));
}

#[test]
fn nothing_of_a_row_can_be_printed() {
    let row = ChangeRow {
        content: Some(b"CANARY".to_vec()),
        emoji: "CANARY".into(),
        ..row(ChangeKind::Edit, log(1), 1, 1)
    };
    let printed = format!("{row:?} {row:#?}");
    assert!(!printed.contains("CANARY") && !printed.contains("67, 65"), "{printed}");
}
