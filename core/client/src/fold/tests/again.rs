//! What is said again in a later incarnation stands there for everybody (rules 4.6, 7.3, 8.1).

use super::*;

const LEE: (u8, u8) = (2, 1);
const TABLET: (u8, u8) = (2, 2);
const KIM: (u8, u8) = (3, 1);

fn of(sender: (u8, u8), n: u16) -> Reference {
    reference(device(sender.0, sender.1), n)
}

fn second(seq: u64) -> Place {
    Place::Log { incarnation: 2, seq }
}

/// Messages in display order.
fn order(conn: &Connection) -> Vec<MessageId> {
    let rows = item::after(conn, ID, None, 100).unwrap();
    rows.into_iter().map(|row| row.message).collect()
}

#[test]
fn p8_1_p7_3_a_message_that_is_said_again_moves_and_stays_one() {
    with_store(|conn| {
        say(conn, LEE, 1, log(1), &text("stands"));
        say(conn, LEE, 2, log(5), &text("does not stand"));
        say(conn, KIM, 3, log(6), &text("nor does this"));
        let read = item::get(conn, ID, device(2, 1), message(2)).unwrap().unwrap();
        overview::mark_read(conn, ID, read.place).unwrap();
        assert_eq!(overview::get(conn, ID).unwrap().unread, 1);

        say(conn, KIM, 3, second(2), &text("nor does this"));
        say(conn, LEE, 4, second(3), &text("new"));
        say(conn, LEE, 2, second(4), &text("does not stand"));
        assert_eq!(order(conn), [1, 3, 4, 2].map(message));
        let now = overview::get(conn, ID).unwrap();
        assert_eq!(now.unread, 2, "what was read stays read, what was not counts once");
        assert_eq!(now.last, Some(second(4)));
        overview::mark_read(conn, ID, second(4)).unwrap();
        assert_eq!(overview::get(conn, ID).unwrap().unread, 0);
        assert!(found(conn, "stand") && found(conn, "nor"));
        // Within an incarnation the first place holds, and nothing ever goes back.
        say(conn, LEE, 2, second(9), &text("does not stand"));
        say(conn, LEE, 2, log(9), &text("does not stand"));
        assert_eq!(order(conn), [1, 3, 4, 2].map(message));
    });
}

#[test]
fn p8_1_p7_3_what_was_said_about_a_message_holds_from_where_it_was_said_again() {
    with_store(|conn| {
        let target = of(LEE, 1);
        say(conn, LEE, 1, log(1), &text("first"));
        say(conn, LEE, 2, log(5), &edit(target, "from the phone"));
        say(conn, KIM, 3, log(6), &react(target, "👍", true));
        // The tablet was faster in the new incarnation: then its edit is the earlier one.
        say(conn, TABLET, 4, second(1), &edit(target, "from the tablet"));
        assert_eq!(shown(conn, target).unwrap(), "from the tablet");
        say(conn, LEE, 2, second(2), &edit(target, "from the phone"));
        assert_eq!(shown(conn, target).unwrap(), "from the phone");
        assert!(found(conn, "phone") && !found(conn, "tablet"));
        // Taken back there before it was said again: it is set.
        say(conn, (3, 2), 5, second(3), &react(target, "👍", false));
        assert_eq!(reactions(conn, target), []);
        say(conn, KIM, 3, second(4), &react(target, "👍", true));
        assert_eq!(reactions(conn, target), [("👍".to_owned(), user(3))]);
        // A delete is final, whenever it comes again.
        say(conn, LEE, 6, log(7), &ContentBody::Delete { target });
        say(conn, LEE, 6, second(5), &ContentBody::Delete { target });
        assert_eq!(shown(conn, target), None);
        assert_eq!(overview::get(conn, ID).unwrap().unread, 0);
    });
}
