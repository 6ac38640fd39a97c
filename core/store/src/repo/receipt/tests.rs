//! The repository alone, on a database in memory.

use super::own::OwnRow;
use super::*;
use crate::repo::conversation::{ConversationRow, ConversationState, put};
use crate::repo::testing::{CARE, WARD, conversation, database, device};

const fn mark(incarnation: u64, seq: u64) -> Watermark {
    Watermark {
        incarnation,
        seq,
        read_ms: 1000 * incarnation + seq,
    }
}

fn sealed(of: u8, epoch: u64) -> HeldRow {
    HeldRow {
        device: device(of),
        incarnation: 1,
        epoch,
        held: Held::Sealed(vec![of; 4]),
    }
}

fn opened(of: u8, epoch: u64, seq: u64) -> HeldRow {
    HeldRow {
        held: Held::Opened(mark(1, seq)),
        ..sealed(of, epoch)
    }
}

#[test]
fn p8_3_a_watermark_never_goes_back() {
    let conn = database();
    assert_eq!(watermark(&conn, CARE, device(1)).unwrap(), None);
    let moves = [(1, 5), (1, 4), (1, 5), (1, 6), (2, 1), (1, 9), (2, 3)];
    let moved: Vec<_> = moves
        .iter()
        .map(|(incarnation, seq)| advance(&conn, CARE, device(1), mark(*incarnation, *seq)).unwrap())
        .collect();
    assert_eq!(moved, [true, false, false, true, true, false, true]);
    assert_eq!(watermark(&conn, CARE, device(1)).unwrap(), Some(mark(2, 3)));
    assert!(advance(&conn, WARD, device(1), mark(1, 1)).unwrap());
    assert!(advance(&conn, CARE, device(2), mark(1, 1)).unwrap());
    assert_eq!(
        watermarks(&conn, CARE).unwrap(),
        HashMap::from([(device(1), mark(2, 3)), (device(2), mark(1, 1))])
    );
}

#[test]
fn p8_3_one_slot_of_a_device_waits_and_an_earlier_one_does_not_take_its_place() {
    let conn = database();
    let now = || held(&conn, CARE).unwrap();
    assert!(hold(&conn, CARE, &sealed(1, 4)).unwrap());
    assert!(!hold(&conn, CARE, &sealed(1, 3)).unwrap());
    assert_eq!(now(), [sealed(1, 4)]);
    assert!(hold(&conn, CARE, &opened(1, 4, 9)).unwrap());
    assert!(!hold(&conn, CARE, &opened(1, 4, 8)).unwrap());
    assert!(hold(&conn, CARE, &opened(1, 4, 10)).unwrap());
    assert_eq!(now(), [opened(1, 4, 10)]);
    assert!(hold(&conn, CARE, &sealed(2, 4)).unwrap());
    release(&conn, CARE, device(1)).unwrap();
    assert_eq!(now(), [sealed(2, 4)]);
}

#[test]
fn p8_3_a_relay_cannot_make_slots_wait_without_bound() {
    let conn = database();
    let of = |n: u32| HeldRow {
        device: DeviceId([n.to_be_bytes(); 4].concat().try_into().unwrap()),
        ..sealed(1, 4)
    };
    let kept = (0..1100).filter(|n| hold(&conn, CARE, &of(*n)).unwrap()).count();
    assert_eq!(kept, 1000);
    // Who waits already may wait with something newer.
    assert!(hold(&conn, CARE, &HeldRow { epoch: 5, ..of(7) }).unwrap());
    let mut all = kept;
    for n in 0..5 {
        let elsewhere = ConversationId([n; 16]);
        all += (0..1000).filter(|n| hold(&conn, elsewhere, &of(*n)).unwrap()).count();
    }
    assert_eq!(all, 4096);
}

#[test]
fn p8_3_keys_of_the_last_epochs_are_kept() {
    let conn = database();
    let kept = |at| key(&conn, CARE, at).unwrap().is_some();
    for epoch in 0..100 {
        let bytes = Zeroizing::new(vec![u8::try_from(epoch).unwrap(); 32]);
        keep_key(&conn, CARE, (1, epoch), &bytes).unwrap();
    }
    let there = (0..120).filter(|epoch| kept((1, *epoch))).collect::<Vec<_>>();
    assert_eq!(there, (36..100).collect::<Vec<_>>());
    assert_eq!(*key(&conn, CARE, (1, 77)).unwrap().unwrap(), [77; 32]);
    // Those of an incarnation that was left open nothing any more.
    keep_key(&conn, CARE, (2, 1), &Zeroizing::new(vec![1; 32])).unwrap();
    assert!(kept((2, 1)) && !kept((1, 99)));
}

#[test]
fn p8_3_what_is_owed_is_owed_until_it_is_sent() {
    let conn = database();
    own::owe(&conn, CARE, 10).unwrap();
    assert_eq!(own::behind(&conn).unwrap(), [CARE]);
    own::sent(&conn, CARE, (1, 4), true).unwrap();
    assert_eq!(own::behind(&conn).unwrap(), [CARE], "the mark has moved meanwhile");
    own::sent(&conn, CARE, (1, 5), false).unwrap();
    assert!(own::behind(&conn).unwrap().is_empty());
    own::ask(&conn, CARE, (1, 7)).unwrap();
    assert_eq!(own::behind(&conn).unwrap(), [CARE]);
    let row = OwnRow {
        sent: (1, 5),
        read_ms: 10,
        asked: (1, 7),
    };
    assert_eq!(own::get(&conn, CARE).unwrap(), row);
    own::nothing(&conn, CARE).unwrap();
    own::ask(&conn, CARE, (1, 6)).unwrap();
    assert!(own::behind(&conn).unwrap().is_empty(), "asked before");
    assert_eq!(own::get(&conn, CARE).unwrap(), row);

    own::owe(&conn, CARE, 20).unwrap();
    assert!(own::are_on(&conn).unwrap());
    own::turn(&conn, false).unwrap();
    own::turn(&conn, false).unwrap();
    assert!(!own::are_on(&conn).unwrap() && own::behind(&conn).unwrap().is_empty());
    own::owe_again(&conn).unwrap();
    assert!(own::behind(&conn).unwrap().is_empty());
    own::turn(&conn, true).unwrap();
    assert!(own::are_on(&conn).unwrap() && own::behind(&conn).unwrap().is_empty());
    own::owe_again(&conn).unwrap();
    assert_eq!(own::behind(&conn).unwrap(), [CARE]);
    assert_eq!(own::get(&conn, CARE).unwrap().sent, (0, 0));
    // What waits to be mended waits with what it owes.
    for (state, ready) in [
        (ConversationState::Active, true),
        (ConversationState::Frozen, false),
        (ConversationState::Waiting, false),
        (ConversationState::Removed, true),
    ] {
        let row = ConversationRow {
            state,
            ..conversation(CARE, 8)
        };
        put(&conn, &row).unwrap();
        assert_eq!(own::ready(&conn).unwrap() == [CARE], ready, "{state:?}");
    }
}

#[test]
fn what_others_have_read_outlives_the_conversation() {
    let conn = database();
    advance(&conn, CARE, device(1), mark(1, 5)).unwrap();
    hold(&conn, CARE, &sealed(2, 4)).unwrap();
    keep_key(&conn, CARE, (1, 3), &Zeroizing::new(vec![1; 32])).unwrap();
    own::owe(&conn, CARE, 10).unwrap();
    forget(&conn, CARE).unwrap();
    assert_eq!(watermark(&conn, CARE, device(1)).unwrap(), Some(mark(1, 5)));
    assert!(held(&conn, CARE).unwrap().is_empty() && own::behind(&conn).unwrap().is_empty());
    assert!(key(&conn, CARE, (1, 3)).unwrap().is_none());
}
