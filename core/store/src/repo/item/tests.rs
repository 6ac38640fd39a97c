//! The repository alone, on a database in memory.

use super::*;
use crate::repo::testing::{CARE, WARD, database, device, message, user};

fn log(seq: u64) -> Place {
    Place::Log { incarnation: 1, seq }
}

fn at(place: Place, n: u8) -> ItemRow {
    ItemRow {
        place,
        kind: ItemKind::Message,
        sender_device: device(1),
        sender_user: Some(user(1)),
        message: message(n),
        content: Some(vec![n; 3]),
        claimed_ms: Some(10),
        accepted_ms: None,
        code: None,
        fold: Fold {
            revision: 1,
            ..Fold::default()
        },
    }
}

fn numbers(rows: &[ItemRow]) -> Vec<u8> {
    rows.iter().map(|row| row.message.0[0]).collect()
}

#[test]
fn every_column_and_kind_is_read_back() {
    let conn = database();
    let kinds = [
        ItemKind::Message,
        ItemKind::Members,
        ItemKind::Joined,
        ItemKind::Unreadable,
        ItemKind::Lost,
    ];
    for (n, kind) in (1..).zip(kinds) {
        let full = ItemRow {
            kind,
            accepted_ms: Some(20),
            code: Some("refused".into()),
            ..at(log(n.into()), n)
        };
        assert!(add(&conn, CARE, &full).unwrap());
        assert_eq!(get(&conn, CARE, device(1), message(n)).unwrap(), Some(full));
    }
    let bare = ItemRow {
        sender_user: None,
        content: None,
        claimed_ms: None,
        ..at(Place::Unsent(7), 90)
    };
    assert!(add(&conn, CARE, &bare).unwrap());
    assert_eq!(get(&conn, CARE, device(1), message(90)).unwrap(), Some(bare));
    assert_eq!(get(&conn, WARD, device(1), message(90)).unwrap(), None);
    assert_eq!(get(&conn, CARE, device(2), message(90)).unwrap(), None);
}

#[test]
fn p8_1_incarnation_and_sequence_then_what_is_unsent_in_local_order() {
    let conn = database();
    let later = Place::Log { incarnation: 2, seq: 1 };
    let places = [Place::Unsent(4), log(9), later, Place::Unsent(2), log(10), log(2)];
    for (n, place) in (1..).zip(places) {
        add(&conn, CARE, &at(place, n)).unwrap();
    }
    add(&conn, WARD, &at(log(3), 77)).unwrap();
    let order = [6, 2, 5, 3, 4, 1];
    assert_eq!(numbers(&after(&conn, CARE, None, 100).unwrap()), order);
    let mut back = before(&conn, CARE, None, 100).unwrap();
    back.reverse();
    assert_eq!(numbers(&back), order);
    let mut sorted = places;
    sorted.sort_unstable();
    assert_eq!(
        sorted.to_vec(),
        back.iter().map(|row| row.place).collect::<Vec<_>>(),
        "places sort as rows do"
    );
    // From any place on, so many.
    assert_eq!(numbers(&after(&conn, CARE, Some(log(9)), 2).unwrap()), [5, 3]);
    assert_eq!(numbers(&before(&conn, CARE, Some(log(9)), 5).unwrap()), [6]);
    assert_eq!(
        numbers(&before(&conn, CARE, Some(Place::Unsent(4)), 2).unwrap()),
        [4, 3]
    );
    assert_eq!(
        numbers(&after(&conn, CARE, Some(Place::Unsent(4)), 5).unwrap()),
        [0_u8; 0]
    );
    // A place need not be taken.
    assert_eq!(numbers(&after(&conn, CARE, Some(log(5)), 1).unwrap()), [2]);
}

#[test]
fn p4_6_one_of_each_sending_device_and_message_id() {
    let conn = database();
    assert!(add(&conn, CARE, &at(log(1), 1)).unwrap());
    let again = ItemRow {
        content: Some(b"another text".to_vec()),
        ..at(log(2), 1)
    };
    assert!(!add(&conn, CARE, &again).unwrap());
    assert_eq!(
        get(&conn, CARE, device(1), message(1)).unwrap(),
        Some(at(log(1), 1)),
        "the first one stands"
    );
    let others = ItemRow {
        sender_device: device(2),
        ..at(log(2), 1)
    };
    assert!(add(&conn, CARE, &others).unwrap());
    assert!(add(&conn, WARD, &at(log(1), 1)).unwrap());
    assert_eq!(after(&conn, CARE, None, 10).unwrap().len(), 2);
}

#[test]
fn p4_5_an_accepted_message_moves_to_its_place_once() {
    let conn = database();
    for (position, n) in [(1, 1), (2, 2)] {
        add(&conn, CARE, &at(Place::Unsent(position), n)).unwrap();
    }
    add(&conn, CARE, &at(log(5), 50)).unwrap();
    // The second was accepted first, behind somebody else's.
    assert!(accept(&conn, CARE, device(1), message(2), log(6), 600).unwrap());
    let moved = get(&conn, CARE, device(1), message(2)).unwrap().unwrap();
    assert_eq!(
        (moved.place, moved.accepted_ms, moved.claimed_ms),
        (log(6), Some(600), Some(10))
    );
    assert_eq!(numbers(&after(&conn, CARE, None, 10).unwrap()), [50, 2, 1]);
    // Nothing that has a place moves again, and nobody else's does.
    assert!(!accept(&conn, CARE, device(1), message(2), log(8), 800).unwrap());
    assert!(!accept(&conn, CARE, device(2), message(1), log(8), 800).unwrap());
    assert!(!accept(&conn, WARD, device(1), message(1), log(8), 800).unwrap());
    assert_eq!(numbers(&after(&conn, CARE, None, 10).unwrap()), [50, 2, 1]);
}

#[test]
fn nothing_of_a_row_can_be_printed() {
    let row = ItemRow {
        content: Some(b"CANARY".to_vec()),
        ..at(log(1), 1)
    };
    let printed = format!("{row:?} {row:#?}");
    assert!(!printed.contains("CANARY") && !printed.contains("67, 65"), "{printed}");
}
