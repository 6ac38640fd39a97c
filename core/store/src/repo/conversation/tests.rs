//! The repository alone, on a database in memory.

use super::*;
use crate::repo::testing::{CARE, WARD, conversation, database, user};

#[test]
fn every_column_is_read_back_in_every_state() {
    let conn = database();
    assert_eq!(get(&conn, CARE).unwrap(), None);
    for state in [
        ConversationState::Creating,
        ConversationState::Waiting,
        ConversationState::Active,
        ConversationState::Removed,
        ConversationState::Frozen,
    ] {
        let row = ConversationRow {
            state,
            suite: Some(SuiteId(1)),
            frozen_code: Some("key_mismatch".into()),
            behind: true,
            direct_with: Some(user(9)),
            reported_seq: 2,
            ..conversation(CARE, 8)
        };
        put(&conn, &row).unwrap();
        assert_eq!(get(&conn, CARE).unwrap(), Some(row));
    }
    let bare = ConversationRow {
        group: None,
        ..conversation(CARE, 0)
    };
    put(&conn, &bare).unwrap();
    assert_eq!(get(&conn, CARE).unwrap(), Some(bare));
    assert_eq!(list(&conn).unwrap().len(), 1);
}

#[test]
fn a_group_leads_to_its_conversation() {
    let conn = database();
    put(&conn, &conversation(CARE, 1)).unwrap();
    assert_eq!(of_group(&conn, GroupId(CARE.0)).unwrap(), Some(CARE));
    assert_eq!(of_group(&conn, GroupId(WARD.0)).unwrap(), None);
}

#[test]
fn the_last_active_comes_first_and_ties_have_an_order() {
    let conn = database();
    let ids = [3, 1, 2].map(|n| ConversationId([n; 16]));
    for (id, activity) in ids.into_iter().zip([10, 30, 10]) {
        put(
            &conn,
            &ConversationRow {
                activity,
                ..conversation(id, 1)
            },
        )
        .unwrap();
    }
    let order: Vec<_> = list(&conn).unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(order, [ids[1], ids[0], ids[2]]);
}

#[test]
fn p5_1_only_active_conversations_are_behind_or_unreported() {
    let conn = database();
    let behind_and_unreported = |id, state| ConversationRow {
        behind: true,
        state,
        ..conversation(id, 6)
    };
    put(&conn, &behind_and_unreported(CARE, ConversationState::Active)).unwrap();
    put(&conn, &behind_and_unreported(WARD, ConversationState::Frozen)).unwrap();
    assert_eq!(behind(&conn).unwrap(), [CARE]);
    let ids = |limit| {
        unreported(&conn, limit)
            .unwrap()
            .into_iter()
            .map(|row| row.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(10), [CARE]);
    assert!(ids(0).is_empty());
    // An older report that comes late changes nothing.
    set_reported(&conn, CARE, 1, 6).unwrap();
    set_reported(&conn, CARE, 1, 2).unwrap();
    assert!(ids(10).is_empty());
    put(
        &conn,
        &ConversationRow {
            behind: false,
            ..get(&conn, CARE).unwrap().unwrap()
        },
    )
    .unwrap();
    assert!(behind(&conn).unwrap().is_empty());
}

#[test]
fn who_goes_and_comes_again_has_two_memberships() {
    let conn = database();
    add_member(&conn, CARE, 1, user(1), 1).unwrap();
    add_member(&conn, CARE, 1, user(2), 1).unwrap();
    // Is there already: the first entry counts.
    add_member(&conn, CARE, 1, user(2), 4).unwrap();
    remove_member(&conn, CARE, 1, user(2), 5).unwrap();
    remove_member(&conn, CARE, 1, user(2), 6).unwrap();
    add_member(&conn, CARE, 1, user(2), 8).unwrap();
    add_member(&conn, WARD, 1, user(3), 1).unwrap();
    let row = |n, joined_seq, removed_seq| MemberRow {
        user: user(n),
        incarnation: 1,
        joined_seq,
        removed_seq,
    };
    assert_eq!(
        members(&conn, CARE).unwrap(),
        [row(1, 1, None), row(2, 1, Some(5)), row(2, 8, None)]
    );
    clear_members(&conn, CARE, 9).unwrap();
    assert_eq!(
        members(&conn, CARE).unwrap(),
        [row(1, 1, Some(9)), row(2, 1, Some(5)), row(2, 8, Some(9))]
    );
    assert_eq!(members(&conn, WARD).unwrap(), [row(3, 1, None)]);
}

#[test]
fn a_third_is_seen_while_there_and_not_afterwards() {
    let conn = database();
    add_member(&conn, CARE, 1, user(1), 0).unwrap();
    add_member(&conn, CARE, 1, user(2), 1).unwrap();
    assert!(!has_third(&conn, CARE, user(1), user(2)).unwrap());
    assert!(has_third(&conn, CARE, user(1), user(3)).unwrap());
    add_member(&conn, CARE, 1, user(3), 2).unwrap();
    assert!(has_third(&conn, CARE, user(1), user(2)).unwrap());
    remove_member(&conn, CARE, 1, user(3), 3).unwrap();
    assert!(!has_third(&conn, CARE, user(1), user(2)).unwrap());
}

#[test]
fn p8_2_counted_are_the_people_of_the_time() {
    let conn = database();
    let of = |seq| others_at(&conn, CARE, 1, seq, user(1)).unwrap();
    // 1 sends; 2 and 3 are there from entry 1 on, 4 comes with entry 5, 3 goes with entry 7.
    for (n, seq) in [(1, 0), (2, 1), (3, 1), (4, 5)] {
        add_member(&conn, CARE, 1, user(n), seq).unwrap();
    }
    remove_member(&conn, CARE, 1, user(3), 7).unwrap();
    assert_eq!((of(1), of(3), of(5), of(6), of(8)), (0, 2, 2, 3, 2));
    // Who comes again counts for what is sent from then on.
    add_member(&conn, CARE, 1, user(3), 9).unwrap();
    assert_eq!((of(6), of(8), of(9), of(10)), (3, 2, 2, 3));
    assert_eq!(others_at(&conn, CARE, 2, 3, user(1)).unwrap(), 0);
}
