//! The repository alone, on a database in memory.

use super::*;
use crate::repo::testing::{CARE, WARD, database, device, user};

/// Which of the first twelve entries a device is said to have.
fn has(conn: &Connection, of: u8) -> Vec<u64> {
    let rows = all(conn, CARE, 1).unwrap();
    let of_it = |seq: &u64| rows.iter().any(|row| row.device == device(of) && row.has(*seq));
    (1..=12).filter(of_it).collect()
}

fn came(conn: &Connection, of: u8, since: u64) {
    enter(conn, CARE, 1, (user(of / 10), device(of)), since).unwrap();
}

fn see(conn: &Connection, of: u8, seq: u64, here: u64) -> bool {
    see_cursor(conn, CARE, 1, device(of), seq, here).unwrap()
}

#[test]
fn p8_2_a_device_has_what_came_while_it_was_in_and_it_has_applied() {
    let conn = database();
    came(&conn, 21, 3);
    assert!(has(&conn, 21).is_empty());
    assert!(see(&conn, 21, 6, 9));
    assert_eq!(has(&conn, 21), [4, 5, 6]);
    // An older report takes nothing, and is no news.
    assert!(!see(&conn, 21, 5, 9) && !see(&conn, 21, 6, 9));
    assert_eq!(has(&conn, 21), [4, 5, 6]);
    // Coming twice is coming once.
    came(&conn, 21, 7);
    assert_eq!(has(&conn, 21), [4, 5, 6]);
    // Who is not in says nothing; neither do another incarnation and another conversation.
    assert!(!see(&conn, 31, 9, 9));
    assert!(!see_cursor(&conn, CARE, 2, device(21), 9, 9).unwrap());
    assert!(!see_cursor(&conn, WARD, 1, device(21), 9, 9).unwrap());
    assert_eq!(has(&conn, 21), [4, 5, 6]);
}

#[test]
fn p8_2_what_was_said_while_a_device_was_out_it_never_had() {
    let conn = database();
    came(&conn, 21, 1);
    assert!(see(&conn, 21, 3, 12));
    leave(&conn, CARE, 1, device(21), 6).unwrap();
    came(&conn, 21, 8);
    // It speaks of its second stay: what it has of the first is not known.
    assert!(see(&conn, 21, 10, 12));
    assert_eq!(has(&conn, 21), [2, 3, 9, 10]);
    // It has read the rest of the first.
    assert!(see(&conn, 21, 6, 12));
    assert_eq!(has(&conn, 21), [2, 3, 4, 5, 9, 10]);
}

#[test]
fn p8_2_another_device_of_the_person_does_not_have_what_came_before_it() {
    let conn = database();
    came(&conn, 21, 1);
    leave(&conn, CARE, 1, device(21), 6).unwrap();
    came(&conn, 22, 8);
    assert!(see(&conn, 22, 12, 12));
    assert_eq!((has(&conn, 21), has(&conn, 22)), (vec![], vec![9, 10, 11, 12]));
}

#[test]
fn p8_2_who_came_in_again_from_outside_has_missed_what_it_had_not_applied() {
    let conn = database();
    came(&conn, 21, 1);
    assert!(see(&conn, 21, 4, 12));
    enter_again(&conn, CARE, 1, (user(2), device(21)), 8).unwrap();
    assert!(see(&conn, 21, 10, 12));
    assert_eq!(has(&conn, 21), [2, 3, 4, 9, 10]);
    // Nothing was missed: it is the same stay.
    enter_again(&conn, CARE, 1, (user(2), device(21)), 11).unwrap();
    assert!(see(&conn, 21, 12, 12));
    assert_eq!(has(&conn, 21), [2, 3, 4, 9, 10, 11, 12]);
    let was_in = |of| was_in(&conn, CARE, 1, device(of)).unwrap();
    assert!(was_in(21) && !was_in(31));
    // Who was not in before comes as anybody.
    enter_again(&conn, CARE, 1, (user(3), device(31)), 11).unwrap();
    assert!(see(&conn, 31, 12, 12));
    assert_eq!(has(&conn, 31), [12]);
}

#[test]
fn p8_2_a_cursor_ahead_of_this_device_waits_until_it_gets_there() {
    let conn = database();
    came(&conn, 21, 1);
    assert!(!see(&conn, 21, 9, 5));
    assert!(has(&conn, 21).is_empty());
    reached(&conn, CARE, 1, 6).unwrap();
    // The entries that take it out and bring it in again come now: the cursor was one of the second stay.
    leave(&conn, CARE, 1, device(21), 7).unwrap();
    came(&conn, 21, 8);
    reached(&conn, CARE, 1, 9).unwrap();
    assert_eq!(has(&conn, 21), [9]);
    let waiting: i64 = conn
        .query_row("SELECT count(*) FROM cursor_ahead", [], |row| row.get(0))
        .unwrap();
    assert_eq!(waiting, 0);
}

#[test]
fn p8_2_what_others_had_before_this_device_lost_sight_of_them_stays_as_it_was() {
    let conn = database();
    came(&conn, 21, 1);
    came(&conn, 31, 1);
    assert!(see(&conn, 21, 4, 5) && see(&conn, 31, 5, 5));
    lose_sight(&conn, CARE, 1, 6).unwrap();
    assert_eq!(now(&conn, CARE, 1).unwrap(), []);
    came(&conn, 21, 9);
    came(&conn, 31, 9);
    assert_eq!(now(&conn, CARE, 1).unwrap(), [device(21), device(31)]);
    assert!(see(&conn, 21, 10, 12) && !see(&conn, 31, 9, 12));
    assert_eq!((has(&conn, 21), has(&conn, 31)), (vec![2, 3, 4, 10], vec![2, 3, 4, 5]));
}
