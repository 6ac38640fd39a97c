//! Messages: order, epochs, counters, batches.

use std::sync::Arc;

use curo_relay::storage::{AppendMessages, Refusal};
use curo_types::format::{CursorClaim, EntryKind};
use curo_types::{Digest, GroupId};

use crate::world::{World, intent};

pub async fn p3_2_sequence_numbers_are_contiguous_and_hashes_chain(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    w.say(&conversation, a, 1, 3).await;
    w.pass(5);
    w.win(&mut conversation, b, &[], &[]).await;
    let outcome = w.say(&conversation, a, 4, 2).await;
    let entries = w.entries(a, &conversation, 0).await;
    let mut h = Digest::ZERO;
    for (n, entry) in entries.iter().enumerate() {
        assert_eq!((entry.seq, entry.incarnation), (n as u64 + 1, 1));
        assert_eq!(entry.h, entry.expected_hash(&w.tenant, conversation.id, h));
        h = entry.h;
    }
    let kinds: Vec<_> = entries.iter().map(|e| (e.kind, e.epoch)).collect();
    let (commit, message) = (EntryKind::Commit, EntryKind::Message);
    let expected = [
        (commit, 0),
        (message, 1),
        (message, 1),
        (message, 1),
        (commit, 1),
        (message, 2),
        (message, 2),
    ];
    assert_eq!(kinds, expected);
    let tip = outcome.tip.unwrap();
    assert_eq!((tip.seq, tip.h), (7, h));
    assert_eq!(outcome.accepted.iter().map(|a| a.seq).collect::<Vec<_>>(), [6, 7]);
    assert_eq!(entries[6].time_ms, w.now());
}

pub async fn p3_2_p9_3_concurrent_messages_get_contiguous_numbers(w: &World) {
    let mut devices = Vec::new();
    for _ in 0..25 {
        devices.push(w.device().await);
    }
    let conversation = w.create(devices[0], &devices[1..]).await;
    let tasks: Vec<_> = devices
        .iter()
        .map(|device| {
            let (device, now) = (*device, w.now());
            let (storage, tenant) = (Arc::clone(&w.storage), w.tenant.clone());
            let batches: Vec<_> = (0..4)
                .map(|n| {
                    vec![
                        World::message(&conversation, 2 * n + 1),
                        World::message(&conversation, 2 * n + 2),
                    ]
                })
                .collect();
            let id = conversation.id;
            tokio::spawn(async move {
                let mut seqs = Vec::new();
                for messages in batches {
                    let batch = AppendMessages {
                        conversation: id,
                        incarnation: 1,
                        messages,
                    };
                    let outcome = storage.append_messages(&tenant, device, batch, now).await.unwrap();
                    assert_eq!(outcome.refused, None);
                    seqs.extend(outcome.accepted.iter().map(|accepted| accepted.seq));
                }
                seqs
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        let seqs = task.await.unwrap();
        assert!(seqs.is_sorted(), "a device's messages stay in order");
        all.extend(seqs);
    }
    all.sort_unstable();
    assert_eq!(all, (2..=201).collect::<Vec<u64>>());
    let entries = w.entries(devices[3], &conversation, 1).await;
    let mut h = w.entries(devices[0], &conversation, 0).await[0].h;
    for entry in entries {
        assert_eq!(entry.h, entry.expected_hash(&w.tenant, conversation.id, h));
        h = entry.h;
    }
}

pub async fn p3_3_a_message_of_an_ended_epoch_brings_what_was_missed(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    let mut late = World::message(&conversation, 1);
    late.cursor = Some(w.cursor_at(a, &conversation, 1).await);
    w.say(&conversation, b, 1, 1).await;
    w.win(&mut conversation, b, &[], &[]).await;
    let outcome = w.append(&conversation, a, vec![late.clone()]).await;
    let Some(Refusal::StaleEpoch(missing)) = outcome.refused else {
        panic!("not stale")
    };
    assert_eq!((outcome.accepted.len(), outcome.tip, outcome.wake.len()), (0, None, 0));
    assert_eq!(missing.entries.iter().map(|e| e.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!((missing.tip.seq, missing.tip.h), (3, missing.entries[1].h));
    // A member that joined later is not shown what came before it, whatever cursor it claims.
    let c = w.device().await;
    w.win(&mut conversation, a, &[c], &[]).await;
    let mut late = World::message(&conversation, 1);
    w.win(&mut conversation, a, &[], &[]).await;
    late.cursor = None;
    let outcome = w.append(&conversation, c, vec![late]).await;
    let Some(Refusal::StaleEpoch(missing)) = outcome.refused else {
        panic!("not stale")
    };
    assert_eq!(missing.entries.iter().map(|e| e.seq).collect::<Vec<_>>(), [5]);
    // Rebuilt in the current epoch it is accepted, under the same intent.
    let mut rebuilt = World::message(&conversation, 1);
    rebuilt.epoch = conversation.epoch + 1;
    let outcome = w.append(&conversation, a, vec![rebuilt.clone()]).await;
    assert_eq!(outcome.refused, Some(Refusal::Rule("epoch_ahead")));
    rebuilt.epoch = conversation.epoch;
    assert_eq!(w.append(&conversation, a, vec![rebuilt]).await.accepted.len(), 1);
}

pub async fn p3_3_counters_have_no_gaps(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    w.say(&conversation, a, 1, 2).await;
    for counter in [0, 1, 2, 4] {
        let outcome = w
            .append(&conversation, a, vec![World::message(&conversation, counter)])
            .await;
        match outcome.refused {
            Some(Refusal::StaleCounter { last: 2, missing }) => assert_eq!(missing.tip.seq, 3),
            other => panic!("{counter}: {other:?}"),
        }
    }
    // Commits are not counted, epochs and new memberships do not restart it, others count for themselves.
    w.win(&mut conversation, a, &[], &[]).await;
    w.say(&conversation, a, 3, 1).await;
    w.say(&conversation, b, 1, 1).await;
    w.win(&mut conversation, b, &[], &[a]).await;
    w.win(&mut conversation, b, &[a], &[]).await;
    w.say(&conversation, a, 4, 1).await;
}

pub async fn p3_3_the_group_must_be_the_incarnations(w: &World) {
    let a = w.device().await;
    let conversation = w.create(a, &[]).await;
    for group in [GroupId::random().0.to_vec(), Vec::new(), vec![0; 300]] {
        let mut message = World::message(&conversation, 1);
        message.group = group;
        let outcome = w.append(&conversation, a, vec![message]).await;
        assert_eq!(outcome.refused, Some(Refusal::Rule("group")));
    }
}

pub async fn p4_1_a_batch_is_accepted_as_a_prefix(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let conversation = w.create(a, &[b]).await;
    let known = World::message(&conversation, 1);
    w.append(&conversation, a, vec![known.clone()]).await;
    let fresh = World::message(&conversation, 2);
    let mut broken = World::message(&conversation, 3);
    broken.epoch = 0;
    let behind = World::message(&conversation, 3);
    let batch = vec![
        known.clone(),
        fresh.clone(),
        fresh.clone(),
        broken.clone(),
        behind.clone(),
    ];
    let outcome = w.append(&conversation, a, batch).await;
    let found: Vec<_> = outcome
        .accepted
        .iter()
        .map(|a| (a.intent, a.seq, a.duplicate))
        .collect();
    assert_eq!(
        found,
        [
            (known.intent, 2, true),
            (fresh.intent, 3, false),
            (fresh.intent, 3, true)
        ]
    );
    assert!(matches!(outcome.refused, Some(Refusal::StaleEpoch(_))));
    assert_eq!(outcome.tip.unwrap().seq, 3);
    assert_eq!(outcome.wake.len(), 2);
    // What follows the prefix is not there and can be sent again.
    assert_eq!(w.entries(a, &conversation, 0).await.len(), 3);
    assert_eq!(w.append(&conversation, a, vec![behind]).await.accepted[0].seq, 4);
}

pub async fn p3_1_messages_again_get_the_first_result(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    let message = World::message(&conversation, 1);
    let first = w.append(&conversation, a, vec![message.clone()]).await;
    w.pass(1000);
    w.win(&mut conversation, b, &[], &[a]).await;
    // Removed, the epoch over, the counter used: the same bytes still get their answer.
    let again = w.append(&conversation, a, vec![message.clone()]).await;
    assert_eq!(again.refused, None);
    assert_eq!((again.accepted[0].seq, again.accepted[0].h), (2, first.accepted[0].h));
    assert_eq!(again.accepted[0].time_ms, first.accepted[0].time_ms);
    assert!(again.accepted[0].duplicate && again.wake.is_empty());
    assert_eq!(again.tip.unwrap().seq, 3, "up to its removal");
    let mut other = message;
    other.body = b"other".to_vec();
    assert_eq!(
        w.append(&conversation, a, vec![other]).await.refused,
        Some(Refusal::IntentReused)
    );
    // Two devices may use the same intent id.
    let mut twin = World::message(&conversation, 1);
    twin.intent = intent(7);
    let mut other_twin = World::message(&conversation, 1);
    other_twin.intent = intent(7);
    assert_eq!(w.append(&conversation, b, vec![twin]).await.accepted.len(), 1);
    w.win(&mut conversation, b, &[a], &[]).await;
    other_twin.epoch = conversation.epoch;
    other_twin.counter = 2;
    assert_eq!(w.append(&conversation, a, vec![other_twin]).await.accepted.len(), 1);
}

pub async fn p7_2_a_cursor_of_another_log_is_store_changed(w: &World) {
    let a = w.device().await;
    let conversation = w.create(a, &[]).await;
    let right = w.cursor_at(a, &conversation, 1).await;
    for wrong in [
        CursorClaim {
            seq: 1,
            h: Digest::ZERO,
        },
        CursorClaim { seq: 2, ..right },
        CursorClaim { seq: u64::MAX, ..right },
        CursorClaim { seq: 0, ..right },
    ] {
        let mut message = World::message(&conversation, 1);
        message.cursor = Some(wrong);
        assert_eq!(
            w.append(&conversation, a, vec![message]).await.refused,
            Some(Refusal::StoreChanged)
        );
        let mut commit = World::commit(&conversation, a, 1, &[], &[]);
        commit.key.cursor = Some(wrong);
        assert_eq!(crate::world::refused(w.accept(a, commit).await), Refusal::StoreChanged);
    }
    for (counter, fine) in [
        (1, right),
        (
            2,
            CursorClaim {
                seq: 0,
                h: Digest::ZERO,
            },
        ),
    ] {
        let mut message = World::message(&conversation, counter);
        message.cursor = Some(fine);
        assert_eq!(
            w.append(&conversation, a, vec![message]).await.refused,
            None,
            "{counter}"
        );
    }
}

pub async fn a_revoked_device_posts_nothing(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let conversation = w.create(a, &[b]).await;
    w.revoke(b).await;
    let outcome = w.append(&conversation, b, vec![World::message(&conversation, 1)]).await;
    assert_eq!(outcome.refused, Some(Refusal::DeviceRevoked));
}

pub async fn numbers_beyond_every_column_are_refusals(w: &World) {
    use curo_relay::storage::{EntriesOutcome, WinnerOutcome};
    let a = w.device().await;
    let conversation = w.create(a, &[]).await;
    let mut message = World::message(&conversation, u64::MAX);
    let outcome = w.append(&conversation, a, vec![message.clone()]).await;
    assert!(matches!(outcome.refused, Some(Refusal::StaleCounter { last: 0, .. })));
    message.epoch = u64::MAX;
    let outcome = w.append(&conversation, a, vec![message.clone()]).await;
    assert_eq!(outcome.refused, Some(Refusal::Rule("epoch_ahead")));
    let batch = AppendMessages {
        conversation: conversation.id,
        incarnation: u64::MAX,
        messages: vec![message],
    };
    let outcome = w.storage.append_messages(&w.tenant, a, batch, w.now()).await.unwrap();
    assert_eq!(outcome.refused, Some(Refusal::IncarnationChanged));
    let page = w
        .storage
        .entries(&w.tenant, a, conversation.id, 1, u64::MAX, usize::MAX)
        .await
        .unwrap();
    assert!(matches!(page, EntriesOutcome::Page { entries, .. } if entries.is_empty()));
    let page = w
        .storage
        .entries(&w.tenant, a, conversation.id, u64::MAX, 0, 0)
        .await
        .unwrap();
    assert_eq!(page, EntriesOutcome::NotAMember);
    let winner = w
        .storage
        .winner(&w.tenant, a, conversation.id, 1, u64::MAX)
        .await
        .unwrap();
    assert_eq!(winner, WinnerOutcome::Open);
}
