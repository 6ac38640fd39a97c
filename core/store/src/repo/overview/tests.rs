//! The repository alone, on a database in memory.

use super::*;
use crate::repo::item::{Fold, ItemKind, ItemRow};
use crate::repo::testing::{CARE, WARD, database, device, message, user};

fn log(seq: u64) -> Place {
    Place::Log { incarnation: 1, seq }
}

fn add(conn: &Connection, id: ConversationId, place: Place, n: u8, kind: ItemKind, counts: bool) {
    let row = ItemRow {
        place,
        kind,
        sender_device: device(1),
        sender_user: Some(user(1)),
        message: message(n),
        content: None,
        claimed_ms: None,
        accepted_ms: None,
        code: None,
        fold: Fold {
            counts,
            ..Fold::default()
        },
    };
    assert!(item::add(conn, id, &row).unwrap());
    if kind == ItemKind::Message {
        arrived(conn, id, place, counts).unwrap();
    }
}

#[test]
fn what_was_never_touched_is_empty() {
    let conn = database();
    assert_eq!(get(&conn, CARE).unwrap(), OverviewRow::default());
    assert_eq!(unread(&conn).unwrap(), (0, 0));
}

#[test]
fn unread_counts_what_others_say_behind_the_mark() {
    let conn = database();
    for n in 1..=6 {
        add(&conn, CARE, log(n.into()), n, ItemKind::Message, n != 3);
    }
    add(&conn, CARE, log(7), 7, ItemKind::Members, false);
    assert_eq!(get(&conn, CARE).unwrap().unread, 5);
    assert!(mark_read(&conn, CARE, log(4)).unwrap());
    let now = get(&conn, CARE).unwrap();
    assert_eq!((now.unread, now.read, now.last), (2, Some(log(4)), Some(log(6))));
    // It never goes back.
    assert!(!mark_read(&conn, CARE, log(2)).unwrap());
    assert!(!mark_read(&conn, CARE, log(4)).unwrap());
    assert_eq!(get(&conn, CARE).unwrap().unread, 2);
    assert_eq!(
        item::folding::first_counted(&conn, CARE, Some(log(4))).unwrap(),
        Some(log(5))
    );
    // One of them is deleted; one before the mark too.
    uncount(&conn, CARE, log(6)).unwrap();
    uncount(&conn, CARE, log(1)).unwrap();
    assert_eq!(get(&conn, CARE).unwrap().unread, 1);
    // The next one in another incarnation.
    add(
        &conn,
        CARE,
        Place::Log { incarnation: 2, seq: 1 },
        8,
        ItemKind::Message,
        true,
    );
    assert_eq!(get(&conn, CARE).unwrap().unread, 2);
    assert!(mark_read(&conn, CARE, Place::Log { incarnation: 2, seq: 9 }).unwrap());
    assert_eq!(get(&conn, CARE).unwrap().unread, 0);
}

#[test]
fn totals_leave_muted_conversations_out() {
    let conn = database();
    for n in 1..=3 {
        add(&conn, CARE, log(n.into()), n, ItemKind::Message, true);
    }
    add(&conn, WARD, log(1), 1, ItemKind::Message, true);
    assert_eq!(unread(&conn).unwrap(), (4, 2));
    set_muted(&conn, CARE, true).unwrap();
    assert!(get(&conn, CARE).unwrap().muted);
    assert_eq!(unread(&conn).unwrap(), (1, 1));
    set_muted(&conn, CARE, false).unwrap();
    mark_read(&conn, WARD, log(1)).unwrap();
    assert_eq!(unread(&conn).unwrap(), (3, 1));
}

#[test]
fn the_last_message_is_the_last_by_place() {
    let conn = database();
    add(&conn, CARE, Place::Unsent(1), 1, ItemKind::Message, false);
    add(&conn, CARE, log(2), 2, ItemKind::Message, true);
    assert_eq!(get(&conn, CARE).unwrap().last, Some(Place::Unsent(1)));
    item::accept(&conn, CARE, device(1), message(1), log(3), 5).unwrap();
    find_last(&conn, CARE).unwrap();
    assert_eq!(get(&conn, CARE).unwrap().last, Some(log(3)));
    add(&conn, CARE, log(4), 4, ItemKind::Joined, false);
    find_last(&conn, CARE).unwrap();
    let before = get(&conn, CARE).unwrap();
    assert_eq!(before.last, Some(log(3)));
    touch_last(&conn, CARE, log(2)).unwrap();
    assert_eq!(get(&conn, CARE).unwrap().revision, before.revision);
    touch_last(&conn, CARE, log(3)).unwrap();
    assert!(get(&conn, CARE).unwrap().revision > before.revision);
}

#[test]
fn a_draft_is_kept_forgotten_and_never_printed() {
    let conn = database();
    set_draft(&conn, CARE, Some((&Text::new("CANARY"), 9))).unwrap();
    let row = get(&conn, CARE).unwrap();
    assert_eq!((row.draft.clone().unwrap().as_str(), row.draft_ms), ("CANARY", Some(9)));
    assert!(!format!("{row:?}").contains("CANARY"));
    set_draft(&conn, CARE, None).unwrap();
    assert_eq!(get(&conn, CARE).unwrap().draft, None);
}

#[test]
fn totals_are_read_from_an_index() {
    let conn = database();
    let plan: String = conn
        .query_row(
            "EXPLAIN QUERY PLAN SELECT coalesce(sum(unread), 0), count(*) FROM overview WHERE unread > 0 AND NOT muted",
            [],
            |row| row.get(3),
        )
        .unwrap();
    assert!(plan.contains("COVERING INDEX overview_unread"), "{plan}");
}
