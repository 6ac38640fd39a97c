//! The repository alone, on a database in memory.

use super::*;
use crate::repo::item::{self, Fold, ItemKind, ItemRow};
use crate::repo::outbox::{self, IntentKind};
use crate::repo::testing::{CARE, WARD, database, device, message, user};

#[test]
fn a_renewal_is_one_row_a_conversation() {
    let conn = database();
    let mut row = RenewalRow {
        conversation: CARE,
        incarnation: 1,
        commit: Some(BadCommit {
            epoch: 3,
            hash: Digest([7; 32]),
            reason: "unreadable".into(),
        }),
        over: false,
    };
    put(&conn, &row).unwrap();
    row.over = true;
    put(&conn, &row).unwrap();
    assert_eq!(all(&conn).unwrap(), [row.clone()]);
    assert_eq!(get(&conn, CARE).unwrap(), Some(row));
    assert_eq!(get(&conn, WARD).unwrap(), None);
    forget(&conn, CARE).unwrap();
    assert!(all(&conn).unwrap().is_empty());
    owe_resend(&conn, CARE, 2).unwrap();
    owe_resend(&conn, CARE, 2).unwrap();
    owe_resend(&conn, CARE, 1).unwrap();
    assert_eq!(owed_resends(&conn).unwrap(), [(CARE, 1), (CARE, 2)]);
    resend_done(&conn, CARE, 1).unwrap();
    assert_eq!(owed_resends(&conn).unwrap(), [(CARE, 2)]);
}

fn at(place: Place, sender: u8, n: u8) -> ItemRow {
    ItemRow {
        place,
        kind: ItemKind::Message,
        sender_device: device(sender),
        sender_user: Some(user(sender)),
        message: message(n),
        content: Some(vec![n]),
        claimed_ms: None,
        accepted_ms: Some(1),
        code: None,
        fold: Fold::default(),
    }
}

#[test]
fn p7_3_what_does_not_stand_goes_before_what_waits() {
    let conn = database();
    let log = |incarnation, seq| Place::Log { incarnation, seq };
    for (place, sender, n) in [
        (log(1, 2), 1, 1),
        (log(1, 4), 1, 2),
        (log(1, 5), 2, 3),
        (log(1, 6), 1, 4),
        (log(2, 7), 1, 5),
    ] {
        item::add(&conn, CARE, &at(place, sender, n)).unwrap();
    }
    let own = own_after(&conn, CARE, device(1), 1, 2).unwrap();
    let own: Vec<_> = own
        .into_iter()
        .map(|(_, message, content)| (message, content))
        .collect();
    assert_eq!(own, [(message(2), vec![2]), (message(4), vec![4])]);
    let queue = |n: u8| {
        let intent = message(n).into();
        outbox::add(&conn, intent, CARE, IntentKind::Message, &[n], 1)
            .unwrap()
            .0
    };
    let waiting = queue(9);
    item::add(&conn, CARE, &at(Place::Unsent(waiting), 1, 9)).unwrap();
    let first = queue(2);
    take_back(&conn, CARE, device(1), message(2), first).unwrap();
    let second = queue(4);
    take_back(&conn, CARE, device(1), message(4), second).unwrap();
    assert_eq!(queued_before(&conn, CARE, first).unwrap(), [waiting]);
    to_the_end(&conn, CARE, waiting).unwrap();
    assert!(queued_before(&conn, CARE, first).unwrap().is_empty());
    let shown: Vec<u8> = item::after(&conn, CARE, None, 10)
        .unwrap()
        .iter()
        .map(|row| row.message.0[0])
        .collect();
    assert_eq!(shown, [1, 3, 5, 2, 4, 9]);
    assert!(queue(10) > second + 1, "positions are never used again");
}
