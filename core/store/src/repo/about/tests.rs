use curo_types::format::Subject;

use super::super::conversation;
use super::super::testing::{CARE, WARD, database, device, user};
use super::*;

fn subject(value: &str) -> Subject {
    Subject {
        system: "urn:x".to_owned(),
        value: value.to_owned(),
    }
}

#[test]
fn each_conversation_has_its_own() {
    let conn = database();
    begin(&conn, CARE, true).unwrap();
    begin(&conn, WARD, false).unwrap();
    set_title(&conn, CARE, "Ward 4").unwrap();
    assert!(bind(&conn, CARE, &subject("1")).unwrap());
    assert!(!bind(&conn, CARE, &subject("1")).unwrap(), "bound already");
    set_name(&conn, CARE, user(1), "Dr Lee").unwrap();
    set_role(&conn, CARE, user(1), "admin", "member").unwrap();
    let care = get(&conn, CARE).unwrap().unwrap();
    assert_eq!((care.title.as_str(), care.whole, care.owed), ("Ward 4", true, false));
    assert!(!get(&conn, WARD).unwrap().unwrap().whole);
    assert_eq!(subjects(&conn, CARE).unwrap(), [subject("1")]);
    assert!(subjects(&conn, WARD).unwrap().is_empty());
    assert!(names(&conn, WARD).unwrap().is_empty() && roles(&conn, WARD).unwrap().is_empty());
    assert!(unbind(&conn, CARE, &subject("1")).unwrap());
    assert!(!unbind(&conn, CARE, &subject("1")).unwrap());
    clear(&conn, CARE).unwrap();
    assert_eq!(get(&conn, CARE).unwrap().unwrap().title, "");
    assert!(names(&conn, CARE).unwrap().is_empty() && roles(&conn, CARE).unwrap().is_empty());
}

#[test]
fn roles_come_into_force_with_the_next_epoch() {
    let conn = database();
    conversation::add_member(&conn, CARE, 1, user(1), 1).unwrap();
    set_role(&conn, CARE, user(1), "admin", "member").unwrap();
    assert_eq!(role(&conn, CARE, user(1)).unwrap().unwrap().1, "member");
    assert!(!has_in_force(&conn, CARE, 1, "admin").unwrap());
    take_force(&conn, CARE, "member").unwrap();
    assert!(has_in_force(&conn, CARE, 1, "admin").unwrap());
    assert!(
        !has_in_force(&conn, CARE, 2, "admin").unwrap(),
        "another incarnation's roster"
    );
    set_role(&conn, CARE, user(1), "member", "member").unwrap();
    assert!(has_in_force(&conn, CARE, 1, "admin").unwrap(), "until the epoch ends");
    take_force(&conn, CARE, "member").unwrap();
    assert_eq!(role(&conn, CARE, user(1)).unwrap(), None);
    set_role(&conn, CARE, user(1), "admin", "member").unwrap();
    take_force(&conn, CARE, "member").unwrap();
    conversation::remove_member(&conn, CARE, 1, user(1), 5).unwrap();
    assert!(
        !has_in_force(&conn, CARE, 1, "admin").unwrap(),
        "who has gone does not count"
    );
}

#[test]
fn what_waits_is_bounded_and_in_order() {
    let conn = database();
    begin(&conn, CARE, false).unwrap();
    add_adder(&conn, CARE, device(1)).unwrap();
    assert!(is_adder(&conn, CARE, device(1)).unwrap() && !is_adder(&conn, CARE, device(2)).unwrap());
    for seq in [9, 7, 8, 10] {
        let row = WaitingRow {
            seq,
            epoch: 1,
            user: user(1),
            body: vec![1],
        };
        wait(&conn, CARE, &row, 3).unwrap();
    }
    let seqs: Vec<_> = waiting(&conn, CARE).unwrap().iter().map(|row| row.seq).collect();
    assert_eq!(seqs, [7, 8, 9]);
    begin(&conn, CARE, false).unwrap();
    assert!(waiting(&conn, CARE).unwrap().is_empty() && !is_adder(&conn, CARE, device(1)).unwrap());
}

#[test]
fn the_name_of_the_last_active_conversation_counts() {
    let conn = database();
    for (id, name, activity) in [(CARE, "Dr Lee", 5), (WARD, "Lee", 9)] {
        let mut row = super::super::testing::conversation(id, 1);
        row.activity = activity;
        conversation::put(&conn, &row).unwrap();
        set_name(&conn, id, user(1), name).unwrap();
    }
    assert_eq!(name_of(&conn, user(1)).unwrap().as_deref(), Some("Lee"));
    set_name(&conn, WARD, user(1), "").unwrap();
    assert_eq!(name_of(&conn, user(1)).unwrap().as_deref(), Some("Dr Lee"));
    assert_eq!(own_name(&conn).unwrap(), None);
    set_own_name(&conn, "Ana").unwrap();
    set_own_name(&conn, "Dr Ana").unwrap();
    assert_eq!(own_name(&conn).unwrap().as_deref(), Some("Dr Ana"));
}
