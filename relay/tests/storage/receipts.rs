//! Read receipts: one slot for each device and conversation.

use curo_relay::storage::{DeviceRef, NewReceipt, ReceiptOutcome, Refusal};
use curo_types::ConversationId;

use crate::world::{Conversation, World, accepted};

const LEAST_MS: u64 = 2_000;

fn receipt(conversation: &Conversation, sealed: &[u8]) -> NewReceipt {
    NewReceipt {
        conversation: conversation.id,
        incarnation: 1,
        epoch: conversation.epoch,
        sealed: sealed.to_vec(),
        least_ms: LEAST_MS,
    }
}

async fn put_at(w: &World, device: DeviceRef, receipt: NewReceipt, now_ms: u64) -> ReceiptOutcome {
    w.storage.put_receipt(&w.tenant, device, receipt, now_ms).await.unwrap()
}

fn stored(outcome: ReceiptOutcome) -> usize {
    match outcome {
        ReceiptOutcome::Stored { wake } => wake.len(),
        other => panic!("{other:?}"),
    }
}

pub async fn p8_3_a_slot_is_overwritten_and_served_once(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let talk = w.create(a, &[b, c]).await;
    let other = w.create(b, &[c]).await;
    let now = w.now();
    let token = w.sync(a, None, 0).await.token.to_string();
    assert_eq!(stored(put_at(w, b, receipt(&talk, b"one"), now).await), 2, "a and c");
    assert_eq!(
        put_at(w, b, receipt(&talk, b"one"), now).await,
        ReceiptOutcome::Unchanged
    );
    stored(put_at(w, b, receipt(&other, b"elsewhere"), now).await);
    stored(put_at(w, b, receipt(&talk, b"two"), now + LEAST_MS).await);
    stored(put_at(w, c, receipt(&talk, b"three"), now).await);
    let page = w.sync(a, Some(&token), 0).await;
    let seen: Vec<_> = page.receipts.iter().map(|r| (r.device, r.sealed.as_slice())).collect();
    assert_eq!(seen, [(b.device, &b"two"[..]), (c.device, &b"three"[..])]);
    assert_eq!(page.receipts[0].conversation, talk.id);
    assert_eq!((page.receipts[0].incarnation, page.receipts[0].epoch), (1, 1));
    let page = w.sync(a, Some(&page.token.to_string()), 0).await;
    assert!(page.is_empty(), "served once");
    let own = w.sync(c, None, 2).await;
    assert!(own.receipts.iter().all(|r| r.device != c.device), "not its own");
}

pub async fn p8_3_slots_come_no_faster_than_allowed(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let talk = w.create(a, &[b]).await;
    let now = w.now();
    stored(put_at(w, b, receipt(&talk, b"one"), now).await);
    let soon = put_at(w, b, receipt(&talk, b"two"), now + LEAST_MS - 1).await;
    assert_eq!(soon, ReceiptOutcome::TooSoon { retry_after_ms: 1 });
    stored(put_at(w, a, receipt(&talk, b"of another"), now).await);
    stored(put_at(w, b, receipt(&talk, b"two"), now + LEAST_MS).await);
    stored(put_at(w, b, receipt(&talk, b"the clock was set back"), now - 1_000_000).await);
}

pub async fn p8_3_only_members_have_slots(w: &World) {
    let (a, b, stranger) = (w.device().await, w.device().await, w.device().await);
    let mut talk = w.create(a, &[b]).await;
    let now = w.now();
    let refused = async |device, receipt| match put_at(w, device, receipt, now).await {
        ReceiptOutcome::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(stranger, receipt(&talk, b"x")).await, Refusal::NotAMember);
    let nowhere = NewReceipt {
        conversation: ConversationId::random(),
        ..receipt(&talk, b"x")
    };
    assert_eq!(refused(b, nowhere).await, Refusal::NotAMember);
    let later = NewReceipt {
        incarnation: 2,
        ..receipt(&talk, b"x")
    };
    assert_eq!(refused(b, later).await, Refusal::IncarnationChanged);
    for epoch in [2, u64::MAX] {
        let ahead = NewReceipt {
            epoch,
            ..receipt(&talk, b"x")
        };
        assert_eq!(refused(b, ahead).await, Refusal::Rule("epoch_ahead"));
    }
    let earlier = NewReceipt {
        epoch: 0,
        ..receipt(&talk, b"an epoch that has ended")
    };
    stored(put_at(w, b, earlier, now).await);
    w.win(&mut talk, a, &[], &[b]).await;
    assert_eq!(refused(b, receipt(&talk, b"x")).await, Refusal::Removed);
    let page = w.sync(b, None, 2).await;
    assert!(page.receipts.is_empty(), "who was removed is served none");
}

pub async fn p8_3_who_joins_later_is_not_served_older_slots(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let mut talk = w.create(a, &[b]).await;
    let now = w.now();
    stored(put_at(w, b, receipt(&talk, b"before"), now).await);
    w.win(&mut talk, a, &[c], &[]).await;
    assert!(w.sync(c, None, 1).await.receipts.is_empty());
    stored(put_at(w, b, receipt(&talk, b"after"), now + LEAST_MS).await);
    assert_eq!(w.sync(c, None, 1).await.receipts.len(), 1);
}

pub async fn p8_3_many_slots_cut_the_answer(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let now = w.now();
    let token = w.sync(a, None, 0).await.token.to_string();
    for n in 0..1030_u32 {
        let talk = w.new_conversation();
        let commit = World::commit(&talk, a, w.version().await, &[b], &[]);
        accepted(w.try_create(&talk, a, commit).await);
        stored(put_at(w, b, receipt(&talk, &n.to_be_bytes()), now).await);
    }
    let expected: Vec<_> = (0..1030_u32).map(|n| n.to_be_bytes().to_vec()).collect();
    let newest = w.storage.newest_token(&w.tenant).await.unwrap();
    // Who asks for what is now gets all of them, and no entry (7.2).
    for (start, entries) in [(token.as_str(), true), ("now", false)] {
        let (mut seen, mut has_entries) = (Vec::new(), false);
        let mut page = w.sync(a, Some(start), 0).await;
        loop {
            assert!(page.receipts.len() <= 1024);
            seen.extend(page.receipts.iter().map(|r| r.sealed.as_slice().to_vec()));
            has_entries |= !page.conversations.is_empty();
            if !page.more {
                break;
            }
            page = w.sync(a, Some(&page.token.to_string()), 0).await;
        }
        assert_eq!(seen, expected, "each once, in order");
        assert_eq!(has_entries, entries);
        assert_eq!(page.token, newest);
    }
}

pub async fn p8_3_large_conversations_are_not_woken(w: &World) {
    let a = w.device().await;
    let mut others = Vec::new();
    for _ in 0..32 {
        others.push(w.device().await);
    }
    let small = w.create(a, &others[1..]).await;
    let large = w.create(a, &others).await;
    let now = w.now();
    assert_eq!(stored(put_at(w, a, receipt(&small, b"x"), now).await), 31);
    assert_eq!(stored(put_at(w, a, receipt(&large, b"x"), now).await), 0);
}
