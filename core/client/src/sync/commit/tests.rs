//! Who comes in from outside: the roster decides, not the relay (rules 3.5 and 6.3).

use curo_mls::External;
use curo_types::api::EntryRecord;

use super::*;
use crate::about::tests::{ID, SUITE, device, entry, me, outcome, row, user, with_store};

/// User and device `n` come in from outside, and name these devices as silent.
fn outside(n: u8, dormant: &[u8]) -> (EntryRecord, CommitView) {
    let mut entry = entry(9, n);
    entry.directory_version = Some(1);
    let mut view = outcome(n, &[n], &[]);
    view.external = Some(External { replaced: None });
    view.aad = AuthenticatedData::commit(entry.intent, 1, None)
        .with_dormant(dormant.iter().copied().map(device).collect(), Vec::new())
        .to_bytes();
    (entry, view)
}

fn verdict(conn: &Connection, row: &ConversationRow, (entry, view): &(EntryRecord, CommitView)) -> String {
    match judge(conn, &me(), row, SUITE, entry, view) {
        Ok(()) => "good".to_owned(),
        // The roster lets it pass: its key is looked up next.
        Err(Refused::Fetch(users, _)) => format!("fetch {}", users.len()),
        Err(Refused::Code(code)) => code.as_str().to_owned(),
        Err(Refused::Fault(fault)) => panic!("{fault:?}"),
    }
}

#[test]
fn p6_3_who_was_removed_does_not_come_back_from_outside_and_who_is_dormant_does() {
    with_store(1, |conn, _| {
        let row = row(1);
        about::joined(conn, &me(), &row, (Some(user(2)), device(2))).unwrap();
        for n in [3, 4] {
            curo_store::repo::leaf::leave(conn, ID, 1, device(n), 5).unwrap();
        }
        conversation::remove_member(conn, ID, 1, user(4), 5).unwrap();
        assert_eq!(verdict(conn, &row, &outside(3, &[])), "fetch 1", "dormant");
        assert_eq!(verdict(conn, &row, &outside(4, &[])), "rejoin_needed", "removed");
        assert_eq!(verdict(conn, &row, &outside(9, &[])), "rejoin_needed", "a stranger");
        assert_eq!(
            verdict(conn, &row, &outside(3, &[2])),
            "rejoin_needed",
            "who comes from outside calls nobody silent"
        );
        // Who does not know yet who is dormant takes the relay's word, as of other rights.
        about::missed(conn, ID).unwrap();
        assert_eq!(verdict(conn, &row, &outside(4, &[])), "fetch 1");
    });
}
