//! Reading the log: pages, membership, winners.

use curo_relay::storage::{DeviceRef, EntriesOutcome, TreeOutcome, WinnerOutcome};
use curo_types::TenantId;
use curo_types::api::limits::{ENTRIES_PER_PAGE, PAGE_BYTES};

use crate::world::{Conversation, World};

async fn page(w: &World, device: DeviceRef, conversation: &Conversation, after: u64, limit: usize) -> EntriesOutcome {
    w.storage
        .entries(&w.tenant, device, conversation.id, 1, after, limit)
        .await
        .unwrap()
}

/// The sequence numbers of a page, and that of its tip.
async fn seqs(w: &World, device: DeviceRef, conversation: &Conversation, after: u64, limit: usize) -> (Vec<u64>, u64) {
    match page(w, device, conversation, after, limit).await {
        EntriesOutcome::Page { entries, tip } => (entries.iter().map(|e| e.seq).collect(), tip.seq),
        other => panic!("{other:?}"),
    }
}

pub async fn p5_3_pages_are_contiguous_and_cut_at_their_limits(w: &World) {
    let a = w.device().await;
    let conversation = w.create(a, &[]).await;
    for n in 0..3 {
        w.say(&conversation, a, 200 * n + 1, 200).await;
    }
    assert_eq!(seqs(w, a, &conversation, 0, 3).await, (vec![1, 2, 3], 601));
    assert_eq!(seqs(w, a, &conversation, 5, 0).await.0, [6], "one at least");
    let (found, _) = seqs(w, a, &conversation, 0, usize::MAX).await;
    assert_eq!(found, (1..=ENTRIES_PER_PAGE as u64).collect::<Vec<_>>());
    assert_eq!(seqs(w, a, &conversation, 601, 10).await, (vec![], 601));

    // Bytes: three of these exceed a page, one alone may.
    let mut large = Vec::new();
    for n in 0..3 {
        let mut message = World::message(&conversation, 601 + n);
        message.body = vec![n as u8; PAGE_BYTES / 2 - 100];
        large.push(message);
    }
    large[2].body = vec![2; PAGE_BYTES + 1];
    w.append(&conversation, a, large).await;
    assert_eq!(seqs(w, a, &conversation, 601, 512).await.0, [602, 603]);
    assert_eq!(seqs(w, a, &conversation, 603, 512).await.0, [604]);
}

pub async fn p6_2_a_removed_device_is_served_up_to_its_removal(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    w.say(&conversation, a, 1, 2).await;
    w.win(&mut conversation, a, &[], &[b]).await;
    w.say(&conversation, a, 3, 2).await;
    assert_eq!(seqs(w, b, &conversation, 1, 512).await, (vec![2, 3, 4], 4));
    assert_eq!(seqs(w, b, &conversation, 3, 512).await, (vec![4], 4));
    for after in [4, 5, 100] {
        assert_eq!(page(w, b, &conversation, after, 512).await, EntriesOutcome::Removed);
    }
    assert_eq!(seqs(w, a, &conversation, 3, 512).await, (vec![4, 5, 6], 6));
    // The same by sync, and nothing afterwards.
    let news = w.sync(b, None, 0).await;
    assert_eq!(
        news.conversations[0].entries.iter().map(|e| e.seq).collect::<Vec<_>>(),
        [2, 3, 4]
    );
    assert_eq!(news.conversations[0].tip.seq, 4);
    w.say(&conversation, a, 5, 1).await;
    assert!(w.sync(b, Some(&news.token.to_string()), 2).await.is_empty());
    let winner = w.storage.winner(&w.tenant, b, conversation.id, 1, 1).await.unwrap();
    assert!(
        matches!(winner, WinnerOutcome::Winner(winner) if winner.seq == 4),
        "its removal"
    );
    w.win(&mut conversation, a, &[], &[]).await;
    let later = w.storage.winner(&w.tenant, b, conversation.id, 1, 2).await.unwrap();
    assert_eq!(later, WinnerOutcome::Open, "not for it to see");
}

pub async fn p6_2_a_device_that_is_added_again_sees_both_spans(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    w.say(&conversation, a, 1, 1).await;
    w.win(&mut conversation, a, &[], &[b]).await; // 3
    w.say(&conversation, a, 2, 2).await; // 4, 5
    w.win(&mut conversation, a, &[b], &[]).await; // 6
    w.say(&conversation, a, 4, 1).await; // 7
    assert_eq!(seqs(w, b, &conversation, 0, 512).await, (vec![2, 3], 3));
    assert_eq!(seqs(w, b, &conversation, 3, 512).await, (vec![7], 7));
    assert_eq!(seqs(w, b, &conversation, 6, 512).await, (vec![7], 7));
    let news = w.sync(b, None, 0).await;
    let found: Vec<_> = news.conversations[0].entries.iter().map(|e| e.seq).collect();
    assert_eq!((found, news.conversations[0].tip.seq), (vec![2, 3, 7], 7));
    w.say(&conversation, b, 1, 1).await;
}

pub async fn a_new_member_sees_nothing_from_before(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[]).await;
    w.say(&conversation, a, 1, 3).await;
    w.win(&mut conversation, a, &[b], &[]).await; // 5
    assert_eq!(seqs(w, b, &conversation, 0, 512).await, (vec![], 5));
    let news = w.sync(b, None, 0).await;
    assert!(news.conversations.is_empty(), "the Welcome is all");
    w.say(&conversation, a, 4, 1).await;
    assert_eq!(seqs(w, b, &conversation, 0, 512).await, (vec![6], 6));
    let winner = w.storage.winner(&w.tenant, b, conversation.id, 1, 0).await.unwrap();
    assert_eq!(winner, WinnerOutcome::Open);
    // The creator is served its own first commit (4.3).
    assert_eq!(seqs(w, a, &conversation, 0, 1).await.0, [1]);
}

pub async fn p4_2_an_epoch_without_winner_is_open(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    let entry = w.win(&mut conversation, b, &[], &[]).await;
    let winner = async |epoch| w.storage.winner(&w.tenant, a, conversation.id, 1, epoch).await.unwrap();
    match winner(1).await {
        WinnerOutcome::Winner(winner) => {
            assert_eq!((winner.epoch, winner.seq, winner.sender), (1, 2, b.device));
            assert_eq!(winner.intent, entry.accepted.intent);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(winner(2).await, WinnerOutcome::Open);
}

pub async fn strangers_read_nothing(w: &World) {
    let (a, stranger) = (w.device().await, w.device().await);
    let conversation = w.create(a, &[]).await;
    assert_eq!(
        page(w, stranger, &conversation, 0, 512).await,
        EntriesOutcome::NotAMember
    );
    let winner = w
        .storage
        .winner(&w.tenant, stranger, conversation.id, 1, 0)
        .await
        .unwrap();
    assert_eq!(winner, WinnerOutcome::NotAMember);
    let tree = w
        .storage
        .tree(&w.tenant, stranger, conversation.id, &[0; 32])
        .await
        .unwrap();
    assert_eq!(tree, TreeOutcome::NotAMember);
    assert!(w.sync(stranger, None, 0).await.is_empty());
    // Nor does the same device id in another tenant.
    let other = TenantId::new("st-luke").unwrap();
    let outcome = w.storage.entries(&other, a, conversation.id, 1, 0, 512).await.unwrap();
    assert_eq!(outcome, EntriesOutcome::NotAMember);
    assert!(w.storage.members(&other, conversation.id).await.unwrap().is_empty());
}
