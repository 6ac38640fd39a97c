//! The repository alone, on a database in memory.

use super::*;
use crate::repo::conversation::{self, ConversationRow, ConversationState};
use crate::repo::testing::{CARE, WARD, database, intent};

fn made() -> MadeRejoin {
    MadeRejoin {
        incarnation: 1,
        group: GroupId(CARE.0),
        suite: SuiteId(1),
        commit: vec![1],
        group_info: vec![2],
        state: Zeroizing::new(vec![3]),
        counter: 4,
        tip_seq: 5,
        kept_from: 6,
    }
}

#[test]
fn p4_4_what_is_under_way_comes_back_as_it_was_and_shows_no_key() {
    let conn = database();
    let mut row = RejoinRow {
        conversation: CARE,
        tries: 2,
        intent: intent(7),
        made: Some(made()),
    };
    put(&conn, &row).unwrap();
    assert_eq!(get(&conn, CARE).unwrap().unwrap(), row);
    assert_eq!(format!("{:?}", row.made.as_ref().unwrap()), "MadeRejoin(1 bytes)");
    // It lost: the intent stays, the bytes go.
    row.made = None;
    row.tries = 3;
    put(&conn, &row).unwrap();
    assert_eq!(get(&conn, CARE).unwrap().unwrap(), row);
    forget(&conn, CARE).unwrap();
    assert_eq!(get(&conn, CARE).unwrap(), None);
}

#[test]
fn conversations_are_found_by_the_code_that_they_are_frozen_with() {
    let conn = database();
    let frozen = |id, code: &str| ConversationRow {
        state: ConversationState::Frozen,
        frozen_code: Some(code.to_owned()),
        ..crate::repo::testing::conversation(id, 1)
    };
    conversation::put(&conn, &frozen(CARE, "rejoin_needed")).unwrap();
    conversation::put(&conn, &frozen(WARD, "key_mismatch")).unwrap();
    assert_eq!(frozen_with(&conn, "rejoin_needed").unwrap(), [CARE]);
    conversation::put(&conn, &crate::repo::testing::conversation(CARE, 1)).unwrap();
    assert!(frozen_with(&conn, "rejoin_needed").unwrap().is_empty());
}

#[test]
fn p7_1_a_rollback_is_noted_once_and_ends() {
    let conn = database();
    assert!(!is_rolled_back(&conn).unwrap());
    assert!(note_rollback(&conn, 1).unwrap());
    assert!(!note_rollback(&conn, 2).unwrap());
    assert!(is_rolled_back(&conn).unwrap());
    end_rollback(&conn).unwrap();
    assert!(!is_rolled_back(&conn).unwrap());
}
