//! The repository alone, on a database in memory.

use super::*;
use crate::repo::testing::database;

#[test]
fn what_is_uploaded_is_forgotten_and_the_rest_stays() {
    let conn = database();
    let upload = |n: u8, last_resort| PendingUpload {
        hash_ref: vec![n; 32],
        suite: SuiteId(1),
        last_resort,
        bytes: vec![n; 100],
    };
    let all = [upload(1, false), upload(2, false), upload(3, true)];
    assert!(pending(&conn).unwrap().is_empty());
    for one in &all {
        add(&conn, one).unwrap();
    }
    assert_eq!(pending(&conn).unwrap(), all);
    uploaded(&conn, &[2; 32]).unwrap();
    uploaded(&conn, &[2; 32]).unwrap();
    assert_eq!(pending(&conn).unwrap(), [upload(1, false), upload(3, true)]);
    add(&conn, &upload(1, false)).unwrap_err();
}
