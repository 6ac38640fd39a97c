//! The repository alone, on a database in memory.

use super::*;
use crate::repo::testing::{database, device, user};

const SUITE: SuiteId = SuiteId(1);

fn key(n: u8) -> Vec<(SuiteId, Vec<u8>)> {
    vec![(SUITE, vec![n; 32])]
}

#[test]
fn completeness_only_rises_until_it_is_doubted() {
    let conn = database();
    assert_eq!(complete_to(&conn, user(1)).unwrap(), 0);
    for version in [4, 2, 7, 6] {
        set_complete_to(&conn, user(1), version).unwrap();
    }
    set_complete_to(&conn, user(2), 3).unwrap();
    assert_eq!(
        (
            complete_to(&conn, user(1)).unwrap(),
            complete_to(&conn, user(2)).unwrap()
        ),
        (7, 3)
    );
    add(&conn, 3, user(1), device(1), b"kept", true, &key(1)).unwrap();
    doubt(&conn).unwrap();
    assert_eq!(
        (
            complete_to(&conn, user(1)).unwrap(),
            complete_to(&conn, user(2)).unwrap()
        ),
        (0, 0)
    );
    assert_eq!(envelope(&conn, 3).unwrap().as_deref(), Some(b"kept".as_slice()));
}

#[test]
fn envelopes_are_found_by_version_by_user_and_by_what_came_before() {
    let conn = database();
    add(&conn, 2, user(1), device(1), b"add", true, &key(1)).unwrap();
    add(&conn, 5, user(1), device(1), b"rotate", true, &key(2)).unwrap();
    add(&conn, 6, user(1), device(2), b"another device", true, &key(3)).unwrap();
    add(&conn, 7, user(2), device(3), b"another user", true, &key(4)).unwrap();
    assert_eq!(envelope(&conn, 5).unwrap().as_deref(), Some(b"rotate".as_slice()));
    assert_eq!(envelope(&conn, 4).unwrap(), None);
    let mut known = versions(&conn, user(1)).unwrap();
    known.sort_unstable();
    assert_eq!(known, [2, 5, 6]);
    let before = |version| last_before(&conn, device(1), version).unwrap().map(|(_, bytes)| bytes);
    assert_eq!(before(2), None);
    assert_eq!(before(5).as_deref(), Some(b"add".as_slice()));
    assert_eq!(before(u64::MAX).as_deref(), Some(b"rotate".as_slice()));
    // A version is taken once.
    add(&conn, 5, user(9), device(9), b"again", true, &key(9)).unwrap_err();
}

#[test]
fn p3_6_published_is_for_ever_and_current_is_not() {
    let conn = database();
    add(&conn, 2, user(1), device(1), b"add", true, &key(1)).unwrap();
    add(&conn, 5, user(1), device(1), b"rotate", true, &key(2)).unwrap();
    add(&conn, 9, user(1), device(1), b"revoke", true, &[]).unwrap();
    let published = |n: u8, by| published(&conn, device(1), SUITE, &[n; 32], by).unwrap();
    assert_eq!(
        [published(1, 1), published(1, 2), published(1, 100)],
        [false, true, true]
    );
    assert_eq!(
        [published(2, 4), published(2, 5), published(2, 100)],
        [false, true, true]
    );
    let current = |n: u8, at| current(&conn, device(1), SUITE, &[n; 32], at).unwrap();
    assert_eq!(
        [current(1, 1), current(1, 2), current(1, 4), current(1, 5)],
        [false, true, true, false]
    );
    assert_eq!([current(2, 5), current(2, 8), current(2, 9)], [true, true, false]);
    // Of this device and suite only.
    assert!(!super::published(&conn, device(2), SUITE, &[1; 32], 100).unwrap());
    assert!(!super::published(&conn, device(1), SuiteId(2), &[1; 32], 100).unwrap());
    assert!(!super::published(&conn, device(1), SUITE, &[3; 32], 100).unwrap());
}

#[test]
fn a_key_of_another_device_is_known_as_such() {
    let conn = database();
    add(&conn, 2, user(1), device(1), b"add", true, &key(1)).unwrap();
    assert!(key_of_another(&conn, device(2), SUITE, &[1; 32]).unwrap());
    assert!(!key_of_another(&conn, device(1), SUITE, &[1; 32]).unwrap());
    assert!(!key_of_another(&conn, device(2), SUITE, &[2; 32]).unwrap());
}
