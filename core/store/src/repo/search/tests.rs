//! The index alone, on a database in memory.

use super::*;
use crate::repo::item::{Fold, ItemKind, Place};
use crate::repo::testing::{CARE, WARD, database, device, message, user};

const MARKS: (&str, &str) = ("<", ">");

fn reference(n: u8) -> Reference {
    Reference {
        sender: device(1),
        message: message(n),
    }
}

fn say(conn: &Connection, id: ConversationId, n: u8, at: u64, text: &str) {
    let row = ItemRow {
        place: Place::Log {
            incarnation: 1,
            seq: n.into(),
        },
        kind: ItemKind::Message,
        sender_device: device(1),
        sender_user: Some(user(1)),
        message: message(n),
        content: None,
        claimed_ms: None,
        accepted_ms: Some(at),
        code: None,
        fold: Fold::default(),
    };
    item::add(conn, id, &row).unwrap();
    put(conn, id, reference(n), at, text).unwrap();
}

fn found(
    conn: &Connection,
    query: &str,
    id: Option<ConversationId>,
    below: Option<u64>,
    limit: usize,
) -> Vec<FoundRow> {
    find(conn, query, id, below, MARKS, limit).unwrap()
}

fn ids(rows: &[FoundRow]) -> Vec<u8> {
    rows.iter().map(|row| row.item.message.0[0]).collect()
}

#[test]
fn the_newest_by_the_relays_time_comes_first_in_pages() {
    let conn = database();
    for (n, at) in [(1, 50), (2, 20), (3, 90), (4, 50), (5, 50)] {
        say(&conn, CARE, n, at, "fever");
    }
    say(&conn, WARD, 6, 60, "fever");
    let all = found(&conn, "\"fev\" *", None, None, 100);
    assert_eq!(ids(&all), [3, 6, 5, 4, 1, 2]);
    let first = found(&conn, "\"fever\"", None, None, 2);
    assert_eq!(ids(&first), [3, 6]);
    assert_eq!(ids(&found(&conn, "\"fever\"", None, Some(first[1].row), 2)), [5, 4]);
    assert_eq!(ids(&found(&conn, "\"fever\"", Some(CARE), None, 100)), [3, 5, 4, 1, 2]);
    assert_eq!(
        ids(&found(&conn, "\"fever\" AND \"x\"", Some(WARD), None, 100)),
        [0_u8; 0]
    );
    assert_eq!(all[1].conversation, WARD);
}

#[test]
fn a_message_is_found_by_its_last_text_and_not_once_it_is_removed() {
    let conn = database();
    say(&conn, CARE, 1, 5, "Blood pressure");
    put(&conn, CARE, reference(1), 5, "pulse").unwrap();
    assert!(found(&conn, "\"blood\"", None, None, 9).is_empty());
    assert_eq!(found(&conn, "\"pulse\"", None, None, 9)[0].marked, "<pulse>");
    remove(&conn, CARE, reference(1)).unwrap();
    remove(&conn, CARE, reference(1)).unwrap();
    assert!(found(&conn, "\"pulse\"", None, None, 9).is_empty());
    // Not even in the index's own tables.
    let left: i64 = conn
        .query_row(
            "SELECT count(*) FROM search_data WHERE instr(block, 'pulse') OR instr(block, 'blood')",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(left, 0);
    put(&conn, CARE, reference(1), 5, "again").unwrap();
    assert_eq!(found(&conn, "\"again\"", None, None, 9).len(), 1);
    conn.execute_batch("INSERT INTO search (search) VALUES ('integrity-check')")
        .unwrap();
}

#[test]
fn a_conversations_name_is_no_word() {
    let conn = database();
    say(&conn, CARE, 1, 5, "text");
    assert!(found(&conn, &format!("\"{CARE}\""), None, None, 9).is_empty());
}

#[test]
fn times_that_no_honest_relay_sends_are_taken() {
    let conn = database();
    for (n, at) in [(1, 0), (2, u64::MAX), (3, u64::MAX), (4, 1 << 50)] {
        say(&conn, CARE, n, at, "word");
    }
    assert_eq!(ids(&found(&conn, "\"word\"", None, None, 9)), [4, 3, 2, 1]);
}
