//! The repository alone, on a database in memory.

use super::*;
use crate::repo::testing::{CARE, WARD, database, intent};

const ALL: Limit = Limit {
    rows: usize::MAX,
    bytes: usize::MAX,
};

/// Queues a message and returns its position.
fn queue(conn: &Connection, conversation: ConversationId, n: u8) -> u64 {
    queue_kind(conn, conversation, n, IntentKind::Message)
}

fn queue_kind(conn: &Connection, conversation: ConversationId, n: u8, kind: IntentKind) -> u64 {
    let (position, added) = add(conn, intent(n), conversation, kind, &[n; 10], 100 + u64::from(n)).unwrap();
    assert!(added);
    position
}

fn state(conn: &Connection, n: u8) -> IntentState {
    get(conn, intent(n)).unwrap().unwrap().state
}

fn numbers(rows: &[OutboxRow]) -> Vec<u8> {
    rows.iter().map(|row| row.intent.0[0]).collect()
}

#[test]
fn an_intent_is_added_once_and_keeps_its_place() {
    let conn = database();
    let first = queue(&conn, CARE, 1);
    let second = queue(&conn, CARE, 2);
    assert!(second > first);
    assert_eq!(
        add(&conn, intent(1), WARD, IntentKind::Add, b"else", 9).unwrap(),
        (first, false)
    );
    let row = get(&conn, intent(1)).unwrap().unwrap();
    assert_eq!(
        (row.conversation, row.kind, row.payload.as_slice()),
        (CARE, IntentKind::Message, [1; 10].as_slice())
    );
    assert_eq!(
        (row.state, row.created_ms, row.position),
        (IntentState::Queued, 101, first)
    );
    assert_eq!(at(&conn, second).unwrap(), get(&conn, intent(2)).unwrap());
    assert_eq!((at(&conn, 999).unwrap(), get(&conn, intent(9)).unwrap()), (None, None));
    // A position is never given again.
    remove(&conn, second).unwrap();
    assert!(queue(&conn, CARE, 3) > second);
}

#[test]
fn p4_a_row_goes_from_state_to_state_and_not_otherwise() {
    let conn = database();
    let position = queue(&conn, CARE, 1);
    // Neither sent nor accepted before there are bytes.
    sent(&conn, position).unwrap();
    assert!(!accepted(&conn, position, 5).unwrap());
    assert_eq!(state(&conn, 1), IntentState::Queued);
    prepared(&conn, position, 1, 4, b"bytes", Some(b"request")).unwrap();
    let row = get(&conn, intent(1)).unwrap().unwrap();
    assert_eq!(
        (row.state, row.incarnation, row.epoch),
        (IntentState::Prepared, Some(1), Some(4))
    );
    assert_eq!(
        (row.body.as_deref(), row.body_hash),
        (Some(b"bytes".as_slice()), Some(Digest::of(b"bytes")))
    );
    assert_eq!(row.request.as_deref(), Some(b"request".as_slice()));
    sent(&conn, position).unwrap();
    assert_eq!(state(&conn, 1), IntentState::Unknown);
    assert!(accepted(&conn, position, 5).unwrap());
    assert!(!accepted(&conn, position, 6).unwrap(), "the first answer counts");
    sent(&conn, position).unwrap();
    let row = get(&conn, intent(1)).unwrap().unwrap();
    assert_eq!((row.state, row.seq), (IntentState::Accepted, Some(5)));
    done(&conn, position, Some(5)).unwrap();
    let row = get(&conn, intent(1)).unwrap().unwrap();
    assert_eq!(
        (row.state, row.seq, row.payload.len(), row.body, row.request),
        (IntentState::Done, Some(5), 0, None, None)
    );
}

#[test]
fn p4_1_what_is_read_is_bounded_and_in_local_order() {
    let conn = database();
    for n in 1..=6 {
        queue(&conn, CARE, n);
    }
    queue(&conn, WARD, 70);
    let read = |rows, bytes| numbers(&queued(&conn, CARE, Limit { rows, bytes }).unwrap());
    assert_eq!(read(100, 1000), [1, 2, 3, 4, 5, 6]);
    assert_eq!(read(2, 1000), [1, 2]);
    assert_eq!(read(100, 35), [1, 2, 3]);
    assert_eq!(read(100, 30), [1, 2, 3]);
    assert_eq!(read(100, 1), [1], "the first comes whatever its size");
    for n in [1, 2, 3] {
        let position = get(&conn, intent(n)).unwrap().unwrap().position;
        prepared(&conn, position, 1, 4, &[n; 90], None).unwrap();
    }
    let unsettled = |bytes| numbers(&unsettled_messages(&conn, CARE, Limit { rows: 100, bytes }).unwrap());
    assert_eq!(unsettled(1000), [1, 2, 3]);
    assert_eq!(unsettled(200), [1, 2], "bodies count as well");
    assert_eq!(read(100, 1000), [4, 5, 6]);
}

#[test]
fn p4_lost_rows_go_back_to_their_intents_with_their_ids_and_claims() {
    let conn = database();
    let add_row = queue_kind(&conn, CARE, 1, IntentKind::Add);
    set_claim(&conn, add_row, ClaimId([8; 16]), b"narrowed").unwrap();
    prepared(&conn, add_row, 1, 4, b"commit", Some(b"request")).unwrap();
    let unknown = queue(&conn, CARE, 2);
    prepared(&conn, unknown, 1, 4, b"two", None).unwrap();
    sent(&conn, unknown).unwrap();
    let taken = queue(&conn, CARE, 3);
    prepared(&conn, taken, 1, 4, b"three", None).unwrap();
    accepted(&conn, taken, 7).unwrap();
    queue(&conn, CARE, 4);
    let elsewhere = queue(&conn, WARD, 5);
    prepared(&conn, elsewhere, 1, 4, b"five", None).unwrap();

    assert_eq!(requeue_unsettled(&conn, CARE).unwrap(), 2);
    assert_eq!(requeue_unsettled(&conn, CARE).unwrap(), 0);
    for n in [1, 2] {
        let row = get(&conn, intent(n)).unwrap().unwrap();
        assert_eq!(
            (row.state, row.body, row.body_hash, row.request),
            (IntentState::Queued, None, None, None)
        );
        assert_eq!((row.epoch, row.incarnation), (None, None));
    }
    let row = get(&conn, intent(1)).unwrap().unwrap();
    assert_eq!(
        (row.claim, row.payload.as_slice()),
        (Some(ClaimId([8; 16])), b"narrowed".as_slice())
    );
    assert_eq!(
        (state(&conn, 3), state(&conn, 5)),
        (IntentState::Accepted, IntentState::Prepared)
    );
    assert_eq!(
        numbers(&queued(&conn, CARE, ALL).unwrap()),
        [1, 2, 4],
        "first in, first out"
    );

    requeue(&conn, add_row, true).unwrap();
    assert!(get(&conn, intent(1)).unwrap().unwrap().claim.is_some());
    requeue(&conn, add_row, false).unwrap();
    assert!(get(&conn, intent(1)).unwrap().unwrap().claim.is_none());
}

#[test]
fn failing_keeps_what_was_asked_for_and_a_retry_brings_it_back_in_its_place() {
    let conn = database();
    for n in 1..=4 {
        queue(&conn, CARE, n);
    }
    queue(&conn, WARD, 9);
    let position = |n| get(&conn, intent(n)).unwrap().unwrap().position;
    prepared(&conn, position(2), 1, 4, b"bytes", None).unwrap();
    prepared(&conn, position(3), 1, 4, b"bytes", None).unwrap();
    accepted(&conn, position(3), 5).unwrap();
    done(&conn, position(4), None).unwrap();
    fail_open(&conn, CARE, "removed").unwrap();
    for n in 1..=3 {
        let row = get(&conn, intent(n)).unwrap().unwrap();
        assert_eq!(
            (row.state, row.code.as_deref(), row.body),
            (IntentState::Failed, Some("removed"), None),
            "{n}"
        );
        assert_eq!(row.payload, [n; 10], "what was asked for stays");
        assert_eq!(row.seq, None);
    }
    assert_eq!(
        (state(&conn, 4), state(&conn, 9)),
        (IntentState::Done, IntentState::Queued)
    );
    requeue(&conn, position(1), false).unwrap();
    queue(&conn, CARE, 5);
    let rows = queued(&conn, CARE, ALL).unwrap();
    assert_eq!(numbers(&rows), [1, 5]);
    assert_eq!(rows.first().unwrap().code, None);
    failed(&conn, position(1), "no_device").unwrap();
    assert_eq!(
        get(&conn, intent(1)).unwrap().unwrap().code.as_deref(),
        Some("no_device")
    );
}

#[test]
fn a_failed_creation_alone_is_retried() {
    let conn = database();
    queue_kind(&conn, CARE, 1, IntentKind::Create);
    queue(&conn, CARE, 2);
    retry_creation(&conn, CARE).unwrap();
    fail_open(&conn, CARE, "no_device").unwrap();
    retry_creation(&conn, WARD).unwrap();
    assert_eq!(state(&conn, 1), IntentState::Failed);
    retry_creation(&conn, CARE).unwrap();
    assert_eq!(
        (state(&conn, 1), state(&conn, 2)),
        (IntentState::Queued, IntentState::Failed)
    );
    let position = get(&conn, intent(1)).unwrap().unwrap().position;
    done(&conn, position, Some(1)).unwrap();
    retry_creation(&conn, CARE).unwrap();
    assert_eq!(state(&conn, 1), IntentState::Done);
}

#[test]
fn counts_say_what_waits_and_what_has_failed() {
    let conn = database();
    assert_eq!(counts(&conn).unwrap(), (0, 0));
    for n in 1..=6 {
        queue(&conn, if n < 4 { CARE } else { WARD }, n);
    }
    let position = |n| get(&conn, intent(n)).unwrap().unwrap().position;
    prepared(&conn, position(1), 1, 4, b"bytes", None).unwrap();
    prepared(&conn, position(2), 1, 4, b"bytes", None).unwrap();
    accepted(&conn, position(2), 1).unwrap();
    failed(&conn, position(3), "refused").unwrap();
    done(&conn, position(4), None).unwrap();
    assert_eq!(counts(&conn).unwrap(), (4, 1));
    let mut work = conversations_with_work(&conn).unwrap();
    work.sort_unstable();
    assert_eq!(work, [CARE, WARD]);
    remove(&conn, position(1)).unwrap();
    // What is accepted waits for the cursor, not to be sent.
    assert_eq!(
        (counts(&conn).unwrap(), conversations_with_work(&conn).unwrap()),
        ((3, 1), vec![WARD])
    );
}

#[test]
fn the_commit_in_flight_and_duties_are_found_and_messages_are_not_them() {
    let conn = database();
    let message = queue(&conn, CARE, 1);
    prepared(&conn, message, 1, 4, b"bytes", None).unwrap();
    assert_eq!(commit_in_flight(&conn, CARE).unwrap(), None);
    assert_eq!(first_queued(&conn, CARE, IntentKind::Update).unwrap(), None);
    queue_kind(&conn, CARE, 2, IntentKind::Add);
    let update = queue_kind(&conn, CARE, 3, IntentKind::Update);
    queue_kind(&conn, CARE, 4, IntentKind::Update);
    assert_eq!(
        first_queued(&conn, CARE, IntentKind::Update).unwrap().unwrap().position,
        update
    );
    assert_eq!(first_queued(&conn, WARD, IntentKind::Update).unwrap(), None);
    for step in 0..3 {
        match step {
            0 => prepared(&conn, update, 1, 4, b"commit", Some(b"request")).unwrap(),
            1 => sent(&conn, update).unwrap(),
            _ => assert!(accepted(&conn, update, 9).unwrap()),
        }
        assert_eq!(
            commit_in_flight(&conn, CARE).unwrap().unwrap().position,
            update,
            "step {step}"
        );
    }
    done(&conn, update, Some(9)).unwrap();
    assert_eq!(commit_in_flight(&conn, CARE).unwrap(), None);
}

#[test]
fn a_new_membership_finds_what_it_has_settled() {
    let conn = database();
    queue_kind(&conn, CARE, 1, IntentKind::Create);
    let taken = queue(&conn, CARE, 2);
    prepared(&conn, taken, 1, 4, b"bytes", None).unwrap();
    accepted(&conn, taken, 3).unwrap();
    queue(&conn, CARE, 3);
    queue_kind(&conn, WARD, 4, IntentKind::Create);
    assert_eq!(numbers(&of_old_membership(&conn, CARE).unwrap()), [1, 2]);
    fail_open(&conn, CARE, "no_device").unwrap();
    assert!(of_old_membership(&conn, CARE).unwrap().is_empty());
}

#[test]
fn old_outcomes_are_forgotten_and_nothing_else() {
    let conn = database();
    for n in 1..=4 {
        queue_kind(&conn, CARE, n, IntentKind::Add);
    }
    let position = |n| get(&conn, intent(n)).unwrap().unwrap().position;
    done(&conn, position(1), None).unwrap();
    done(&conn, position(3), None).unwrap();
    failed(&conn, position(2), "refused").unwrap();
    forget_done(&conn, 103).unwrap();
    assert_eq!(get(&conn, intent(1)).unwrap(), None);
    assert_eq!(
        (state(&conn, 2), state(&conn, 3), state(&conn, 4)),
        (IntentState::Failed, IntentState::Done, IntentState::Queued)
    );
}

#[test]
fn nothing_of_a_row_can_be_printed() {
    let conn = database();
    let (position, _) = add(&conn, intent(1), CARE, IntentKind::Message, b"CANARY", 1).unwrap();
    prepared(&conn, position, 1, 1, b"CANARY", Some(b"CANARY")).unwrap();
    let row = get(&conn, intent(1)).unwrap().unwrap();
    let printed = format!("{row:?} {row:#?}");
    assert!(!printed.contains("CANARY") && !printed.contains("67, 65"), "{printed}");
}

#[test]
fn what_the_core_sends_by_itself_is_not_counted_and_goes_when_it_fails() {
    let conn = database();
    for n in [1, 2] {
        add_system(&conn, intent(n), CARE, b"receipt", 5).unwrap();
    }
    let (asked, _) = add(&conn, intent(3), CARE, IntentKind::Message, b"text", 5).unwrap();
    assert_eq!(counts(&conn).unwrap(), (1, 0));
    assert_eq!(conversations_with_work(&conn).unwrap(), [CARE]);
    let first = get(&conn, intent(1)).unwrap().unwrap();
    assert_eq!((first.kind, first.state), (IntentKind::Message, IntentState::Queued));
    failed(&conn, first.position, "refused").unwrap();
    assert_eq!(get(&conn, intent(1)).unwrap(), None);
    fail_open(&conn, CARE, "removed").unwrap();
    assert_eq!(get(&conn, intent(2)).unwrap(), None);
    assert_eq!(at(&conn, asked).unwrap().unwrap().state, IntentState::Failed);
    assert_eq!(counts(&conn).unwrap(), (0, 1));
}

#[test]
fn of_what_is_cancelled_the_id_and_the_code_stay() {
    let conn = database();
    let (position, _) = add(&conn, intent(1), CARE, IntentKind::Message, b"text", 5).unwrap();
    cancelled(&conn, position, "cancelled").unwrap();
    let row = at(&conn, position).unwrap().unwrap();
    assert_eq!(
        (row.state, row.payload.len(), row.code.as_deref()),
        (IntentState::Done, 0, Some("cancelled"))
    );
    assert_eq!(
        add(&conn, intent(1), CARE, IntentKind::Message, b"again", 6).unwrap(),
        (position, false)
    );
    assert_eq!(counts(&conn).unwrap(), (0, 0));
    assert!(conversations_with_work(&conn).unwrap().is_empty());
}

#[test]
fn whoever_owes_receipts_has_work() {
    let conn = database();
    let message = curo_types::format::Reference {
        sender: crate::repo::testing::device(1),
        message: crate::repo::testing::message(1),
    };
    crate::repo::purge::owe(&conn, CARE, message).unwrap();
    crate::repo::purge::owe(&conn, CARE, message).unwrap();
    assert_eq!(conversations_with_work(&conn).unwrap(), [CARE]);
    assert_eq!(crate::repo::purge::owed(&conn, CARE, 9).unwrap(), [message]);
    crate::repo::purge::forget(&conn, CARE).unwrap();
    assert!(conversations_with_work(&conn).unwrap().is_empty());
}
