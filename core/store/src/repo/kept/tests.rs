use super::*;
use crate::repo::testing;

const ID: ConversationId = ConversationId([1; 16]);

fn entry(seq: u64, size: usize) -> EntryRecord {
    EntryRecord {
        incarnation: 1,
        seq,
        kind: if seq == 1 {
            EntryKind::Commit
        } else {
            EntryKind::Message
        },
        epoch: seq / 2,
        sender: DeviceId([2; 16]),
        intent: IntentId([3; 16]),
        directory_version: (seq == 1).then_some(7),
        time_ms: 1_000 + seq,
        body: Blob(vec![u8::try_from(seq % 251).unwrap(); size]),
        h: Digest([4; 32]),
        leaves: if seq == 1 {
            vec![Blob(b"one".to_vec()), Blob(Vec::new()), Blob(vec![9; 300])]
        } else {
            Vec::new()
        },
    }
}

fn bytes(conn: &Connection) -> u64 {
    uint(conn.query_row("SELECT bytes FROM kept", [], |row| row.get(0)).unwrap())
}

fn count(conn: &Connection, table: &str) -> i64 {
    conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
        .unwrap()
}

#[test]
fn p7_2_entries_come_back_as_they_were_and_only_as_far_as_they_are_contiguous() {
    let conn = testing::database();
    for seq in [1, 2, 3, 5] {
        put(&conn, ID, &entry(seq, 10), 50).unwrap();
    }
    put(&conn, ID, &entry(2, 99), 60).unwrap();
    let all = run(&conn, ID, 1, 0, 100, 1_000).unwrap();
    assert_eq!(all, [entry(1, 10), entry(2, 10), entry(3, 10)]);
    assert_eq!(bytes(&conn), 40);
    assert_eq!(run(&conn, ID, 1, 0, 2, 1_000).unwrap().len(), 2);
    assert_eq!(run(&conn, ID, 1, 1, 100, 15).unwrap(), [entry(2, 10)]);
    assert_eq!(run(&conn, ID, 1, 0, 100, 1).unwrap().len(), 1);
    assert!(run(&conn, ID, 1, 3, 100, 1_000).unwrap().is_empty());
    assert!(run(&conn, ID, 2, 0, 100, 1_000).unwrap().is_empty());
    assert_eq!(hash_at(&conn, ID, 1, 5).unwrap(), Some(Digest([4; 32])));
    assert_eq!(hash_at(&conn, ID, 1, 4).unwrap(), None);
    let first = |last| first_before(&conn, ID, 1, last).unwrap();
    assert_eq!((first(3), first(5), first(4)), (Some(1), Some(5), None));
}

#[test]
fn p7_2_what_is_old_or_too_much_goes_a_few_rows_at_a_time_and_the_last_tip_stays() {
    let conn = testing::database();
    for seq in 1..=20 {
        put(&conn, ID, &entry(seq, 10), seq).unwrap();
        put_tip(&conn, ID, 1, seq, b"tip").unwrap();
    }
    put_start(&conn, ID, 1, b"start").unwrap();
    put(&conn, ID, &entry(21, 10), 10 + KEPT_MS).unwrap();
    assert_eq!(run(&conn, ID, 1, 4, 100, 1_000).unwrap().len(), 17);
    assert_eq!((start(&conn, ID, 1).unwrap(), count(&conn, "kept_tip")), (None, 16));
    put(&conn, ID, &entry(22, 10), 100 * KEPT_MS).unwrap();
    for seq in 23..40 {
        put(&conn, ID, &entry(seq, 10), 100 * KEPT_MS).unwrap();
    }
    assert_eq!(run(&conn, ID, 1, 21, 100, 1_000).unwrap().len(), 18);
    assert_eq!((count(&conn, "kept_entry"), bytes(&conn)), (18, 180));
    // Of entries that are gone the last tip is still a proof.
    assert_eq!(count(&conn, "kept_tip"), 1);
    assert!(tip_within(&conn, ID, 1, 0, 20).unwrap().is_some());
    assert!(tip_within(&conn, ID, 1, 20, 40).unwrap().is_none());
    let big = usize::try_from(KEPT_BYTES).unwrap() / 2;
    for seq in 40..44 {
        put(&conn, ID, &entry(seq, big), 101 * KEPT_MS).unwrap();
    }
    for seq in 44..50 {
        put(&conn, ID, &entry(seq, 1), 101 * KEPT_MS).unwrap();
    }
    assert!(bytes(&conn) <= KEPT_BYTES, "{}", bytes(&conn));
}
