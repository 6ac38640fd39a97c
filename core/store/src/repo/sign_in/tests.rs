use super::*;
use crate::repo::testing::database;

const FIRST: SignIn = SignIn {
    signed_in_ms: 100,
    seen_ms: 200,
    idle_lock_ms: Some(300),
    session_limit_ms: None,
};

#[test]
fn a_sign_in_is_replaced_and_the_time_seen_only_rises() {
    let conn = database();
    assert_eq!(get(&conn).unwrap(), None);
    assert!(!is_signing_out(&conn).unwrap() && !set_signing_out(&conn).unwrap());
    assert!(!set_label(&conn, Some("Kim")).unwrap());
    see(&conn, 5).unwrap();
    put(&conn, &FIRST).unwrap();
    assert_eq!(get(&conn).unwrap(), Some(FIRST));
    for (seen, stands) in [(150, 200), (250, 250), (240, 250)] {
        see(&conn, seen).unwrap();
        assert_eq!(get(&conn).unwrap().unwrap().seen_ms, stands);
    }
    assert!(set_label(&conn, Some("Kim")).unwrap() && set_signing_out(&conn).unwrap());
    let again = SignIn {
        signed_in_ms: 230,
        seen_ms: 240,
        idle_lock_ms: None,
        session_limit_ms: Some(7),
    };
    put(&conn, &again).unwrap();
    assert_eq!(get(&conn).unwrap(), Some(SignIn { seen_ms: 250, ..again }));
    assert_eq!(label(&conn).unwrap().as_deref(), Some("Kim"));
    assert!(is_signing_out(&conn).unwrap());
    set_label(&conn, None).unwrap();
    assert_eq!(label(&conn).unwrap(), None);
}
