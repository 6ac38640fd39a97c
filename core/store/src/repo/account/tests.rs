//! The repository alone, on a database in memory.

use curo_types::{ChainId, StoreId, SuiteId, TenantId};

use super::*;
use crate::repo::testing::{database, device, user};

fn key(suite: u16, fill: u8) -> SuiteKey {
    SuiteKey {
        suite: SuiteId(suite),
        public_key: vec![fill; 32],
    }
}

fn account() -> Account {
    Account {
        tenant: TenantId::new("st-mary").unwrap(),
        user: user(1),
        device: device(2),
        suites: vec![SuiteId(2), SuiteId(1)],
        keys: vec![key(1, 3), key(2, 33)],
        rotation: None,
        read_suites: "1,2".to_owned(),
        dpop_key: vec![4; 32],
        audit_chain: ChainId([5; 16]),
        relay_store: StoreId([6; 16]),
        directory_key: Digest([7; 32]),
        log_key: Digest([8; 32]),
        envelope: vec![9; 10],
        registered: None,
        directory_version: 0,
        sync_token: None,
        inbox_ack: 0,
    }
}

#[test]
fn what_is_bound_is_read_back_and_binding_happens_once() {
    let conn = database();
    assert_eq!(get(&conn).unwrap(), None);
    bind(&conn, &account()).unwrap();
    assert_eq!(get(&conn).unwrap(), Some(account()));
    let other = Account {
        user: user(66),
        ..account()
    };
    bind(&conn, &other).unwrap_err();
    assert_eq!(get(&conn).unwrap(), Some(account()));
}

#[test]
fn registration_brings_the_envelope_and_its_version() {
    let conn = database();
    bind(&conn, &account()).unwrap();
    set_registered(&conn, 41, b"signed by the directory").unwrap();
    let read = get(&conn).unwrap().unwrap();
    assert_eq!((read.registered, read.directory_version), (Some(41), 41));
    assert_eq!(read.envelope, b"signed by the directory");
}

#[test]
fn versions_and_acknowledgements_only_rise() {
    let conn = database();
    bind(&conn, &account()).unwrap();
    for version in [5, 3, 9, 1] {
        see_directory_version(&conn, version).unwrap();
        ack_inbox(&conn, version).unwrap();
    }
    let read = get(&conn).unwrap().unwrap();
    assert_eq!((read.directory_version, read.inbox_ack), (9, 9));
    set_sync_token(&conn, "one").unwrap();
    set_sync_token(&conn, "two").unwrap();
    set_log_key(&conn, Digest([77; 32])).unwrap();
    let read = get(&conn).unwrap().unwrap();
    assert_eq!(
        (read.sync_token.as_deref(), read.log_key),
        (Some("two"), Digest([77; 32]))
    );
}

#[test]
fn keys_that_are_added_count_once_the_relay_has_them() {
    let conn = database();
    bind(&conn, &account()).unwrap();
    assert_eq!(account().usable_suites(), [SuiteId(2), SuiteId(1)]);
    set_suites(&conn, &[SuiteId(3), SuiteId(2)]).unwrap();
    prepare_rotation(&conn, &[key(3, 4)], b"asked").unwrap();
    let read = get(&conn).unwrap().unwrap();
    assert_eq!(
        (read.key_of(SuiteId(3)), read.usable_suites()),
        (None, vec![SuiteId(2)])
    );
    assert_eq!(read.rotation.as_deref(), Some(&b"asked"[..]));
    // Refused: the key waits for another envelope.
    drop_rotation(&conn).unwrap();
    let read = get(&conn).unwrap().unwrap();
    assert_eq!((read.rotation, read.keys), (None, account().keys));
    assert_eq!(unpublished(&conn).unwrap(), [key(3, 4)]);
    prepare_rotation(&conn, &[key(3, 4)], b"again").unwrap();
    set_rotated(&conn, 7, b"answered", &[key(1, 3), key(3, 4)]).unwrap();
    assert!(unpublished(&conn).unwrap().is_empty());
    let read = get(&conn).unwrap().unwrap();
    assert_eq!(read.key_of(SuiteId(3)), Some(&[4; 32][..]));
    assert_eq!(
        read.usable_suites(),
        [SuiteId(3), SuiteId(2)],
        "the first is what the tenant dropped"
    );
    assert_eq!((read.rotation, read.envelope), (None, b"answered".to_vec()));
    assert_eq!(read.directory_version, 7);
    set_read_suites(&conn, "1,2,3").unwrap();
    assert_eq!(get(&conn).unwrap().unwrap().read_suites, "1,2,3");
}
