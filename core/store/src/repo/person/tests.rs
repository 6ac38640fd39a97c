//! The repository alone, on a database in memory.

use super::*;
use crate::repo::testing::{database, user};

#[test]
fn people_are_found_both_ways_and_the_relays_last_word_counts() {
    let conn = database();
    assert_eq!(find(&conn, "ana@example").unwrap(), None);
    keep(&conn, "ana@example", user(1)).unwrap();
    keep(&conn, "ben@example", user(2)).unwrap();
    assert_eq!(find(&conn, "ana@example").unwrap(), Some(user(1)));
    assert_eq!(subject_of(&conn, user(2)).unwrap().as_deref(), Some("ben@example"));
    assert_eq!(
        find(&conn, "ANA@example").unwrap(),
        None,
        "subjects are compared byte for byte"
    );
    keep(&conn, "ana@example", user(3)).unwrap();
    assert_eq!(find(&conn, "ana@example").unwrap(), Some(user(3)));
    assert_eq!(subject_of(&conn, user(1)).unwrap(), None);
}
