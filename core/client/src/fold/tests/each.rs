//! Each kind of change by itself, honest and hostile.

use curo_store::repo::item::Deleted;
use curo_store::repo::{conversation, purge};

use super::*;

const LEE: (u8, u8) = (2, 1);
const KIM: (u8, u8) = (3, 1);
const ME: (u8, u8) = (1, 1);

fn of(sender: (u8, u8), n: u16) -> Reference {
    reference(device(sender.0, sender.1), n)
}

fn state(conn: &Connection, target: Reference) -> Fold {
    item::get(conn, ID, target.sender, target.message)
        .unwrap()
        .unwrap()
        .fold
}

#[test]
fn p8_4_the_authors_last_edit_by_place_is_shown_and_nobody_elses() {
    with_store(|conn| {
        let target = of(LEE, 1);
        say(conn, LEE, 1, log(1), &text("first"));
        say(conn, LEE, 2, log(2), &edit(target, "second"));
        say(conn, KIM, 3, log(3), &edit(target, "forged"));
        assert_eq!(shown(conn, target).unwrap(), "second");
        // Another device of the author's.
        say(conn, (2, 2), 4, log(4), &edit(target, "third"));
        assert_eq!(shown(conn, target).unwrap(), "third");
        // The same message again (rule 4.6).
        say(conn, LEE, 2, log(5), &edit(target, "second"));
        assert_eq!(shown(conn, target).unwrap(), "third");
        assert_eq!(state(conn, target).edited_ms, Some(1004));
        assert!(found(conn, "third") && !found(conn, "first") && !found(conn, "forged"));
        assert_eq!(overview::get(conn, ID).unwrap().unread, 1, "an edit is no message");
    });
}

#[test]
fn p8_4_changes_wait_for_their_original() {
    with_store(|conn| {
        let target = of(LEE, 1);
        say(conn, KIM, 5, log(5), &edit(target, "forged"));
        say(conn, LEE, 6, log(6), &edit(target, "edited"));
        say(conn, KIM, 7, log(7), &react(target, "👍", true));
        assert_eq!(shown(conn, target), None);
        say(conn, LEE, 1, log(1), &text("original"));
        assert_eq!(shown(conn, target).unwrap(), "edited");
        assert_eq!(reactions(conn, target), [("👍".to_owned(), user(3))]);
        // A delete that waits leaves nothing to be read, ever.
        say(conn, LEE, 8, log(8), &ContentBody::Delete { target: of(LEE, 2) });
        say(conn, LEE, 2, log(2), &text("secret"));
        assert_eq!((shown(conn, of(LEE, 2)), found(conn, "secret")), (None, false));
        assert_eq!(state(conn, of(LEE, 2)).deleted, Deleted::Yes);
        assert_eq!(overview::get(conn, ID).unwrap().unread, 1);
    });
}

#[test]
fn p8_4_a_delete_purges_once_and_owes_a_receipt() {
    with_store(|conn| {
        let target = of(LEE, 1);
        say(conn, LEE, 1, log(1), &text("secret"));
        say(conn, LEE, 2, log(2), &edit(target, "secret too"));
        say(conn, KIM, 3, log(3), &ContentBody::Delete { target });
        assert_eq!(
            shown(conn, target).unwrap(),
            "secret too",
            "nobody deletes what another has said"
        );
        say(conn, LEE, 4, log(4), &ContentBody::Delete { target });
        let fold = state(conn, target);
        assert_eq!(
            (fold.deleted, fold.edit, shown(conn, target)),
            (Deleted::Yes, None, None)
        );
        assert!(!found(conn, "secret"));
        assert_eq!(overview::get(conn, ID).unwrap().unread, 0);
        assert_eq!(purge::owed(conn, ID, 9).unwrap(), [target]);
        purge::paid(conn, ID, target).unwrap();
        // Nothing revives it, and nothing is owed twice.
        say(conn, LEE, 5, log(5), &edit(target, "again"));
        say(conn, LEE, 6, log(6), &ContentBody::Delete { target });
        say(conn, KIM, 7, log(7), &react(target, "x", true));
        assert_eq!((shown(conn, target), reactions(conn, target)), (None, vec![]));
        assert!(purge::owed(conn, ID, 9).unwrap().is_empty());
        let receipt = ContentBody::Purged { targets: vec![target] };
        say(conn, KIM, 8, log(8), &receipt);
        say(conn, KIM, 9, log(9), &receipt);
        assert_eq!(change::live(conn, ID, target, ChangeKind::Purged).unwrap().len(), 1);
    });
}

#[test]
fn a_receipt_for_what_is_not_deleted_says_nothing() {
    with_store(|conn| {
        say(conn, LEE, 1, log(1), &text("still here"));
        let targets = vec![of(LEE, 1), of(LEE, 99)];
        say(conn, KIM, 2, log(2), &ContentBody::Purged { targets });
        assert!(
            change::live(conn, ID, of(LEE, 1), ChangeKind::Purged)
                .unwrap()
                .is_empty()
        );
        assert!(change::waiting(conn, ID, of(LEE, 99)).unwrap().is_empty());
    });
}

#[test]
fn own_changes_show_at_once_and_go_when_they_are_cancelled() {
    with_store(|conn| {
        let target = of(ME, 1);
        say(conn, ME, 1, log(1), &text("first"));
        say(conn, ME, 2, Place::Unsent(2), &edit(target, "mine"));
        assert_eq!(shown(conn, target).unwrap(), "mine");
        // Another device of this user edits in the meantime; the own one comes later.
        say(conn, (1, 2), 3, log(3), &edit(target, "theirs"));
        assert_eq!(shown(conn, target).unwrap(), "mine");
        Folding::new(conn, &me(), ID).cancelled(message(2)).unwrap();
        assert_eq!(shown(conn, target).unwrap(), "theirs");
        assert!(found(conn, "theirs") && !found(conn, "mine"));
        say(conn, ME, 4, Place::Unsent(4), &ContentBody::Delete { target });
        assert_eq!(state(conn, target).deleted, Deleted::Asked);
        assert!(!found(conn, "theirs"));
        Folding::new(conn, &me(), ID).cancelled(message(4)).unwrap();
        assert_eq!(
            (state(conn, target).deleted, shown(conn, target).unwrap()),
            (Deleted::No, "theirs".into())
        );
        assert!(found(conn, "theirs"));
        say(conn, ME, 5, Place::Unsent(5), &ContentBody::Delete { target });
        Folding::new(conn, &me(), ID)
            .accepted(message(5), &[], log(9), 9)
            .unwrap();
        assert_eq!((state(conn, target).deleted, shown(conn, target)), (Deleted::Yes, None));
        assert!(purge::owed(conn, ID, 9).unwrap().is_empty(), "nobody asks this device");
    });
}

#[test]
fn one_reaction_of_a_kind_for_each_user_and_64_kinds_in_all() {
    with_store(|conn| {
        let target = of(LEE, 1);
        say(conn, LEE, 1, log(1), &text("x"));
        for (n, sender) in [(2, KIM), (3, (3, 2)), (4, LEE)] {
            say(conn, sender, n, log(n.into()), &react(target, "👍", true));
        }
        assert_eq!(
            reactions(conn, target),
            [("👍".to_owned(), user(2)), ("👍".to_owned(), user(3))]
        );
        say(conn, KIM, 5, log(5), &react(target, "👍", false));
        assert_eq!(reactions(conn, target), [("👍".to_owned(), user(2))]);
        for n in 0..100_u16 {
            say(
                conn,
                KIM,
                100 + n,
                log(u64::from(100 + n)),
                &react(target, &format!("e{n}"), true),
            );
            say(
                conn,
                KIM,
                300 + n,
                log(u64::from(300 + n)),
                &react(target, &format!("never{n}"), false),
            );
        }
        assert_eq!(reactions(conn, target).len(), 64);
        say(conn, LEE, 700, log(700), &react(target, "e3", true));
        assert_eq!(reactions(conn, target).len(), 65, "a known one by somebody else");
        let live = change::live(conn, ID, target, ChangeKind::Reaction).unwrap();
        assert_eq!(live.len(), 65, "what is taken back or too much leaves nothing behind");
    });
}

#[test]
fn urgent_messages_are_acknowledged_once_by_others() {
    with_store(|conn| {
        let target = of(LEE, 1);
        say(conn, LEE, 1, log(1), &urgent("now"));
        say(conn, LEE, 2, log(2), &text("later"));
        for (n, sender, of) in [
            (3, KIM, target),
            (4, (3, 2), target),
            (5, LEE, target),
            (6, KIM, of(LEE, 2)),
        ] {
            say(
                conn,
                sender,
                n,
                log(n.into()),
                &ContentBody::Acknowledgement { target: of },
            );
        }
        let acks = change::live(conn, ID, target, ChangeKind::Acknowledgement).unwrap();
        assert_eq!(acks.iter().map(|row| row.message).collect::<Vec<_>>(), [message(3)]);
        assert!(
            change::live(conn, ID, of(LEE, 2), ChangeKind::Acknowledgement)
                .unwrap()
                .is_empty()
        );
    });
}

#[test]
fn an_amendment_stands_beside_the_original_and_is_not_taken_back() {
    with_store(|conn| {
        let amendment = of(KIM, 2);
        let body = ContentBody::Amendment {
            target: of(LEE, 1),
            text: "left, not right".into(),
            mentions: Vec::new(),
        };
        say(conn, LEE, 1, log(1), &text("right knee"));
        say(conn, KIM, 2, log(2), &body);
        say(conn, KIM, 3, log(3), &edit(amendment, "changed"));
        say(conn, KIM, 4, log(4), &ContentBody::Delete { target: amendment });
        assert_eq!(shown(conn, of(LEE, 1)).unwrap(), "right knee");
        assert_eq!(shown(conn, amendment).unwrap(), "left, not right");
        assert_eq!(state(conn, amendment).reply_to, Some(of(LEE, 1)));
        assert!(found(conn, "left"));
    });
}

#[test]
fn threads_are_counted_whichever_comes_first() {
    with_store(|conn| {
        let root = of(LEE, 1);
        let reply = ContentBody::Text(TextBody {
            text: "reply".into(),
            thread: Some(root),
            reply_to: Some(root),
            ..TextBody::default()
        });
        say(conn, KIM, 2, log(2), &reply);
        say(conn, KIM, 3, log(3), &reply);
        say(conn, LEE, 1, log(1), &text("root"));
        assert_eq!(state(conn, root).thread_count, 2);
        say(conn, ME, 4, Place::Unsent(4), &reply);
        assert_eq!(state(conn, root).thread_count, 3);
        Folding::new(conn, &me(), ID).cancelled(message(4)).unwrap();
        assert_eq!(state(conn, root).thread_count, 2);
    });
}

#[test]
fn a_flood_of_changes_to_nothing_is_bounded_for_each_user() {
    with_store(|conn| {
        let waits = |sender: u8| -> i64 {
            let sql = "SELECT count(*) FROM change WHERE state = 'pending' AND sender_user = ?1";
            conn.query_row(sql, [user(sender).0], |row| row.get(0)).unwrap()
        };
        for n in 0..400_u16 {
            say(
                conn,
                LEE,
                1000 + n,
                log(u64::from(10 + n)),
                &edit(of(LEE, 5000 + n), "x"),
            );
        }
        say(conn, KIM, 2, log(500), &edit(of(KIM, 1), "waits"));
        assert_eq!((waits(2), waits(3)), (256, 1));
        let large = "x".repeat(1_000_000);
        for n in 0..5_u16 {
            say(
                conn,
                LEE,
                2000 + n,
                log(u64::from(600 + n)),
                &edit(of(LEE, 6000 + n), &large),
            );
        }
        assert_eq!(waits(2), 2, "two mebibytes");
        // What waits longest goes first, and whoever floods loses only what is their own.
        say(conn, KIM, 1, log(1), &text("original"));
        assert_eq!(shown(conn, of(KIM, 1)).unwrap(), "waits");
    });
}

#[test]
fn a_message_id_is_used_once_for_a_message_or_a_change() {
    with_store(|conn| {
        say(conn, LEE, 1, log(1), &text("text"));
        say(conn, LEE, 1, log(2), &edit(of(LEE, 1), "edit under its own id"));
        assert_eq!(shown(conn, of(LEE, 1)).unwrap(), "text");
        say(conn, LEE, 2, log(3), &edit(of(LEE, 1), "edit"));
        say(conn, LEE, 2, log(4), &text("text under the edit's id"));
        assert!(item::get(conn, ID, device(2, 1), message(2)).unwrap().is_none());
    });
}

#[test]
fn unknown_kinds_and_unreadable_bodies_are_kept_and_count() {
    with_store(|conn| {
        for (n, kind, body) in [
            (1, "org.example.x", vec![0xa0]),
            (2, "edit", vec![0xff]),
            (3, "reaction", vec![]),
        ] {
            let content = Content::of_kind(kind, message(n), body);
            let row = ItemRow {
                place: log(n.into()),
                kind: ItemKind::Message,
                sender_device: device(2, 1),
                sender_user: Some(user(2)),
                message: message(n),
                content: Some(content.to_bytes().unwrap()),
                claimed_ms: None,
                accepted_ms: None,
                code: None,
                fold: Fold::default(),
            };
            Folding::new(conn, &me(), ID).take(row, Some(&content)).unwrap();
            assert!(
                item::get(conn, ID, device(2, 1), message(n)).unwrap().is_some(),
                "{kind}"
            );
        }
        assert_eq!(overview::get(conn, ID).unwrap().unread, 3);
    });
}

#[test]
fn p8_4_an_own_acknowledgement_that_comes_after_the_delete_is_shown_at_no_time() {
    with_store(|conn| {
        let target = of(LEE, 1);
        let acknowledged = || {
            let rows = change::live(conn, ID, target, ChangeKind::Acknowledgement).unwrap();
            rows.into_iter().map(|row| row.sender_user).collect::<Vec<_>>()
        };
        say(conn, LEE, 1, log(1), &urgent("come"));
        say(conn, KIM, 2, log(2), &ContentBody::Acknowledgement { target });
        let own = ContentBody::Acknowledgement { target };
        say(conn, ME, 3, Place::Unsent(1), &own);
        assert_eq!(acknowledged(), [user(3), user(1)]);
        say(conn, LEE, 4, log(3), &ContentBody::Delete { target });
        assert_eq!(
            acknowledged(),
            [user(3)],
            "what is still on its way comes after the delete"
        );
        let payload = Content::of(message(3), &own).unwrap().to_bytes().unwrap();
        Folding::new(conn, &me(), ID)
            .accepted(message(3), &payload, log(4), 1004)
            .unwrap();
        assert_eq!(acknowledged(), [user(3)]);
    });
}

#[test]
fn p8_4_who_came_after_a_message_does_not_acknowledge_it() {
    with_store(|conn| {
        let target = of(LEE, 1);
        conversation::add_member(conn, ID, 1, user(3), 5).unwrap();
        say(conn, LEE, 1, log(4), &urgent("come"));
        say(conn, LEE, 2, log(6), &urgent("come too"));
        for (n, target) in [(3, target), (4, of(LEE, 2))] {
            say(
                conn,
                KIM,
                n,
                log(u64::from(n) + 6),
                &ContentBody::Acknowledgement { target },
            );
        }
        let acks = |target| {
            change::live(conn, ID, target, ChangeKind::Acknowledgement)
                .unwrap()
                .len()
        };
        assert_eq!((acks(target), acks(of(LEE, 2))), (0, 1));
        // Once removed and added again, they had it.
        conversation::remove_member(conn, ID, 1, user(3), 12).unwrap();
        conversation::add_member(conn, ID, 1, user(3), 20).unwrap();
        say(conn, LEE, 5, log(11), &urgent("before the break"));
        say(
            conn,
            KIM,
            6,
            log(21),
            &ContentBody::Acknowledgement { target: of(LEE, 5) },
        );
        assert_eq!(acks(of(LEE, 5)), 1);
    });
}
