//! The repository alone, on a database in memory.

use curo_types::{ChainId, StoreId, SuiteId, TenantId};

use super::*;
use crate::repo::testing::{database, device, user};

fn account() -> Account {
    Account {
        tenant: TenantId::new("st-mary").unwrap(),
        user: user(1),
        device: device(2),
        suite: SuiteId(1),
        signature_key: vec![3; 32],
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
