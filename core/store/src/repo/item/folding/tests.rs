//! The repository alone, on a database in memory.

use super::*;
use crate::repo::item::{self, Fold, ItemKind};
use crate::repo::testing::{CARE, database, device, message, user};

fn log(seq: u64) -> Place {
    Place::Log { incarnation: 1, seq }
}

fn reference(n: u8) -> Reference {
    Reference {
        sender: device(1),
        message: message(n),
    }
}

fn row(place: Place, n: u8, thread: Option<u8>, reply_to: Option<u8>) -> ItemRow {
    ItemRow {
        place,
        kind: ItemKind::Message,
        sender_device: device(1),
        sender_user: Some(user(1)),
        message: message(n),
        content: Some(vec![n]),
        claimed_ms: None,
        accepted_ms: Some(5),
        code: None,
        fold: Fold {
            counts: true,
            priority: 2,
            thread: thread.map(reference),
            reply_to: reply_to.map(reference),
            ..Fold::default()
        },
    }
}

fn read(conn: &Connection, n: u8) -> ItemRow {
    item::get(conn, CARE, device(1), message(n)).unwrap().unwrap()
}

#[test]
fn each_change_raises_the_revision_and_a_purge_leaves_a_tombstone() {
    let conn = database();
    item::add(&conn, CARE, &row(log(1), 1, None, None)).unwrap();
    item::add(&conn, CARE, &row(log(2), 2, None, Some(1))).unwrap();
    let first = read(&conn, 1);
    assert_eq!(
        (first.fold.revision, first.fold.priority, first.shown()),
        (1, 2, Some(&[1_u8][..]))
    );
    set_edit(&conn, CARE, reference(1), Some((b"edit", Some(77)))).unwrap();
    let edited = read(&conn, 1);
    assert_eq!(
        (edited.fold.revision, edited.shown(), edited.fold.edited_ms),
        (2, Some(&b"edit"[..]), Some(77))
    );
    set_edit(&conn, CARE, reference(1), None).unwrap();
    assert_eq!(read(&conn, 1).shown(), Some(&[1_u8][..]));
    set_asked_to_delete(&conn, CARE, reference(1), true).unwrap();
    assert_eq!(read(&conn, 1).fold.deleted, Deleted::Asked);
    set_asked_to_delete(&conn, CARE, reference(1), false).unwrap();
    assert_eq!(read(&conn, 1).fold.deleted, Deleted::No);
    touch(&conn, CARE, reference(1)).unwrap();
    set_edit(&conn, CARE, reference(1), Some((b"edit", None))).unwrap();
    purge(&conn, CARE, reference(1)).unwrap();
    let gone = read(&conn, 1);
    assert_eq!(
        (
            gone.content,
            gone.fold.edit,
            gone.fold.deleted,
            gone.fold.counts,
            gone.fold.touched,
            gone.fold.revision
        ),
        (None, None, Deleted::Yes, false, true, 8)
    );
    set_asked_to_delete(&conn, CARE, reference(1), false).unwrap();
    assert_eq!(read(&conn, 1).fold.deleted, Deleted::Yes, "nothing comes back");
    let replies = replies(&conn, CARE, reference(1), 9).unwrap();
    assert_eq!(replies, [read(&conn, 2)]);
}

#[test]
fn a_thread_is_counted_and_read_in_pages_both_ways() {
    let conn = database();
    for (n, place) in [(2, log(4)), (3, log(6)), (4, log(9)), (5, Place::Unsent(1))] {
        item::add(&conn, CARE, &row(place, n, Some(1), None)).unwrap();
    }
    item::add(&conn, CARE, &row(log(3), 6, None, None)).unwrap();
    item::add(&conn, CARE, &row(log(1), 1, None, None)).unwrap();
    count_thread(&conn, CARE, reference(1)).unwrap();
    count_thread(&conn, CARE, reference(6)).unwrap();
    assert_eq!((read(&conn, 1).fold.thread_count, read(&conn, 6).fold.revision), (4, 1));
    in_thread(&conn, CARE, reference(1), true).unwrap();
    assert_eq!(read(&conn, 1).fold.thread_count, 5);
    assert!(remove_unsent(&conn, CARE, reference(5)).unwrap());
    assert!(!remove_unsent(&conn, CARE, reference(4)).unwrap(), "it was accepted");
    in_thread(&conn, CARE, reference(1), false).unwrap();
    let ids = |place, older, limit| -> Vec<u8> {
        let rows = thread(&conn, CARE, reference(1), place, older, limit).unwrap();
        rows.iter().map(|row| row.message.0[0]).collect()
    };
    assert_eq!(ids(None, true, 2), [4, 3]);
    assert_eq!(ids(Some(log(6)), true, 2), [2]);
    assert_eq!(ids(None, false, 2), [2, 3]);
    assert_eq!(ids(Some(log(6)), false, 2), [4]);
}
