//! Sync: the feed, its token, the inbox, cursors.

use std::collections::BTreeMap;
use std::sync::Arc;

use curo_relay::storage::{
    AckOutcome, Acknowledge, AppendMessages, DeviceRef, SyncOutcome, SyncPage, SyncToken, TenantMark,
};
use curo_types::api::limits::{ENTRIES_PER_PAGE, INBOX_PER_PAGE, PAGE_BYTES};
use curo_types::api::{CursorReport, InboxItem, MemberCursor};
use curo_types::{ConversationId, StoreId};

use crate::world::{Conversation, SUITE, World, accepted, welcome_seq};

fn by_conversation(page: &SyncPage) -> BTreeMap<ConversationId, Vec<u64>> {
    page.conversations
        .iter()
        .map(|n| (n.conversation, n.entries.iter().map(|e| e.seq).collect()))
        .collect()
}

async fn acknowledge(w: &World, device: DeviceRef, inbox: u64, cursors: &[CursorReport]) -> AckOutcome {
    let acknowledge = Acknowledge {
        inbox,
        cursors: cursors.to_vec(),
    };
    w.storage
        .acknowledge(&w.tenant, device, acknowledge, w.now())
        .await
        .unwrap()
}

fn woken(outcome: AckOutcome) -> usize {
    match outcome {
        AckOutcome::Done { wake } => wake.len(),
        other => panic!("{other:?}"),
    }
}

fn report(conversation: &Conversation, seq: u64) -> CursorReport {
    CursorReport {
        conversation: conversation.id,
        incarnation: 1,
        seq,
    }
}

pub async fn p5_1_one_answer_brings_what_is_new_everywhere(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let (x, y) = (w.create(a, &[b]).await, w.create(b, &[a]).await);
    let z = w.create(b, &[c]).await;
    w.say(&x, b, 1, 2).await;
    w.say(&z, b, 1, 2).await;
    let page = w.sync(a, None, 0).await;
    assert_eq!(
        by_conversation(&page),
        BTreeMap::from([(x.id, vec![1, 2, 3])]),
        "z is not a's"
    );
    assert_eq!(page.inbox.len(), 1);
    assert!(!page.more);
    assert_eq!(page.token.store, w.storage.store_id());
    assert_eq!(page.key_packages.len(), 1);
    let token = page.token.to_string();

    w.say(&y, b, 1, 1).await;
    w.say(&x, a, 1, 1).await;
    w.say(&z, c, 1, 5).await;
    let page = w.sync(a, Some(&token), 1).await;
    assert_eq!(
        by_conversation(&page),
        BTreeMap::from([(x.id, vec![4]), (y.id, vec![2])])
    );
    let tip = page.conversations.iter().find(|n| n.conversation == x.id).unwrap().tip;
    assert_eq!(
        (tip.seq, tip.h),
        (
            4,
            page.conversations
                .iter()
                .find(|n| n.conversation == x.id)
                .unwrap()
                .entries[0]
                .h
        )
    );
    assert!(w.sync(a, Some(&page.token.to_string()), 1).await.is_empty());
    // An older token brings the same again.
    assert_eq!(
        by_conversation(&w.sync(a, Some(&token), 1).await),
        by_conversation(&page)
    );
}

pub async fn p5_1_an_answer_is_cut_and_continued_without_gap_or_repetition(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let conversations = [
        w.create(a, &[b]).await,
        w.create(b, &[a]).await,
        w.create(a, &[b]).await,
    ];
    // Interleaved, with cursors moving in between.
    for n in 0..8 {
        for conversation in &conversations {
            w.say(conversation, b, 60 * n + 1, 60).await;
            acknowledge(w, b, 0, &[report(conversation, 60 * n + 2)]).await;
        }
    }
    let (mut token, mut pages) = (None::<String>, 0);
    let mut found: BTreeMap<ConversationId, Vec<u64>> = BTreeMap::new();
    let mut cursors: BTreeMap<ConversationId, u64> = BTreeMap::new();
    loop {
        let page = w.sync(a, token.as_deref(), 1).await;
        pages += 1;
        let count: usize = page.conversations.iter().map(|n| n.entries.len()).sum();
        assert!(count <= ENTRIES_PER_PAGE);
        assert_eq!(page.more, count == ENTRIES_PER_PAGE);
        for (id, seqs) in by_conversation(&page) {
            found.entry(id).or_default().extend(seqs);
        }
        for cursor in &page.cursors {
            assert_eq!(cursors.insert(cursor.conversation, cursor.seq), None, "told once");
        }
        token = Some(page.token.to_string());
        if !page.more {
            break;
        }
    }
    assert_eq!(pages, 3);
    for conversation in &conversations {
        // b created the second one: a's first entry there came with the Welcome.
        let first = if conversation.id == conversations[1].id { 2 } else { 1 };
        assert_eq!(found[&conversation.id], (first..=481).collect::<Vec<_>>());
        assert_eq!(cursors[&conversation.id], 60 * 7 + 2);
    }
    let newest = w.storage.newest_token(&w.tenant).await.unwrap().to_string();
    assert_eq!(token, Some(newest));
}

pub async fn p5_1_large_bodies_cut_the_answer(w: &World) {
    let a = w.device().await;
    let (x, y) = (w.create(a, &[]).await, w.create(a, &[]).await);
    let token = w.sync(a, None, 0).await.token.to_string();
    for (conversation, size) in [
        (&x, PAGE_BYTES / 2),
        (&y, PAGE_BYTES / 2),
        (&x, PAGE_BYTES + 1),
        (&y, 1),
    ] {
        let counter = if size == PAGE_BYTES / 2 { 1 } else { 2 };
        let mut message = World::message(conversation, counter);
        message.body = vec![7; size];
        assert_eq!(w.append(conversation, a, vec![message]).await.refused, None);
    }
    let (mut token, mut sizes) = (token, Vec::new());
    loop {
        let page = w.sync(a, Some(&token), 0).await;
        token = page.token.to_string();
        sizes.push(
            page.conversations
                .iter()
                .flat_map(|n| &n.entries)
                .map(|e| e.body.len())
                .collect::<Vec<_>>(),
        );
        if !page.more {
            break;
        }
    }
    assert_eq!(sizes, [vec![PAGE_BYTES / 2; 2], vec![PAGE_BYTES + 1], vec![1]]);
}

pub async fn p5_1_the_token_never_passes_an_inbox_item_that_was_not_brought(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversations = Vec::new();
    for _ in 0..INBOX_PER_PAGE + 6 {
        let conversation = w.create(a, &[b]).await;
        w.say(&conversation, a, 1, 1).await;
        conversations.push(conversation);
    }
    let first = w.sync(b, None, 0).await;
    assert_eq!((first.inbox.len(), first.more), (INBOX_PER_PAGE, true));
    let welcomed = |page: &SyncPage| page.inbox.len();
    assert_eq!(
        first.conversations.len(),
        welcomed(&first),
        "entries only where the Welcome has come"
    );
    let ack = first.inbox.last().unwrap().index;
    let second = w.sync(b, Some(&first.token.to_string()), ack).await;
    assert_eq!(
        (second.inbox.len(), second.conversations.len(), second.more),
        (6, 6, false)
    );
    // Without acknowledging, the same again: no progress past the inbox, no regress of the token.
    let stuck = w.sync(b, Some(&first.token.to_string()), 0).await;
    assert_eq!(
        (stuck.token, stuck.inbox.len(), stuck.more),
        (first.token, INBOX_PER_PAGE, true)
    );
    let later = w.sync(b, Some(&second.token.to_string()), 0).await;
    assert_eq!((later.token, later.more), (second.token, true));
}

pub async fn p5_1_a_reader_beside_writers_sees_each_entry_once(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let (x, y) = (w.create(a, &[b, c]).await, w.create(b, &[a, c]).await);
    let mut writers = Vec::new();
    for (conversation, sender) in [(&x, a), (&x, b), (&y, a), (&y, b)] {
        let messages: Vec<_> = (1..=60).map(|n| World::message(conversation, n)).collect();
        let (storage, tenant, id, now) = (Arc::clone(&w.storage), w.tenant.clone(), conversation.id, w.now());
        writers.push(tokio::spawn(async move {
            for message in messages {
                let batch = AppendMessages {
                    conversation: id,
                    incarnation: 1,
                    messages: vec![message],
                };
                let outcome = storage.append_messages(&tenant, sender, batch, now).await.unwrap();
                assert_eq!(outcome.refused, None);
            }
        }));
    }
    let mut found: BTreeMap<ConversationId, Vec<u64>> = BTreeMap::new();
    let mut token = None::<String>;
    while found.values().map(Vec::len).sum::<usize>() < 240 {
        let page = w.sync(c, token.as_deref(), 0).await;
        for (id, seqs) in by_conversation(&page) {
            found.entry(id).or_default().extend(seqs);
        }
        token = Some(page.token.to_string());
    }
    for conversation in [&x, &y] {
        assert_eq!(found[&conversation.id], (2..=121).collect::<Vec<_>>());
    }
    for writer in writers {
        writer.await.unwrap();
    }
}

pub async fn p5_2_the_newest_token_moves_with_every_change(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let newest = async || w.storage.newest_token(&w.tenant).await.unwrap();
    assert_eq!(newest().await, SyncToken::at(w.storage.store_id(), &w.tenant, 0));
    let mut last = newest().await.position;
    let mut moved = async || {
        let position = w.storage.newest_token(&w.tenant).await.unwrap().position;
        let moved = position > last;
        last = position;
        moved
    };
    let mut conversation = w.create(a, &[b]).await;
    assert!(moved().await);
    w.say(&conversation, a, 1, 1).await;
    assert!(moved().await);
    w.win(&mut conversation, a, &[], &[]).await;
    assert!(moved().await);
    acknowledge(w, b, 0, &[report(&conversation, 2)]).await;
    assert!(moved().await);
    acknowledge(w, b, 1, &[report(&conversation, 2)]).await;
    assert!(!moved().await, "nothing that others could see");
    assert_eq!(w.sync(a, None, 0).await.token, newest().await);
}

pub async fn p5_7_the_inbox_is_a_log_until_acknowledged(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[]).await;
    let commit = World::commit(&conversation, a, 2, &[b], &[]);
    let entry = accepted(w.accept(a, commit.clone()).await);
    conversation.epoch += 1;
    w.win(&mut conversation, a, &[], &[b]).await;
    let page = w.sync(b, None, 0).await;
    assert_eq!(page.inbox.iter().map(|i| i.index).collect::<Vec<_>>(), [1, 2]);
    let expected = InboxItem::Welcome {
        conversation: conversation.id,
        incarnation: 1,
        group: conversation.group,
        suite: SUITE,
        seq: 2,
        h: entry.accepted.h,
        directory_version: 2,
        sender: a.device,
        tree_hash: commit.tree_hash.clone().into(),
        welcome: commit.welcome.clone().unwrap().into(),
    };
    assert_eq!(page.inbox[0].item, expected);
    let removed = InboxItem::Removed {
        conversation: conversation.id,
        incarnation: 1,
        seq: 3,
    };
    assert_eq!(page.inbox[1].item, removed);

    // Naming an item in a request hides it, acknowledging forgets it, going back brings nothing back.
    assert_eq!(w.sync(b, None, 1).await.inbox, page.inbox[1..]);
    assert_eq!(w.sync(b, None, 0).await.inbox, page.inbox);
    acknowledge(w, b, 1, &[]).await;
    assert_eq!(w.sync(b, None, 0).await.inbox, page.inbox[1..]);
    acknowledge(w, b, 0, &[]).await;
    acknowledge(w, b, 2, &[]).await;
    acknowledge(w, b, 2, &[]).await;
    assert!(w.sync(b, None, 0).await.inbox.is_empty());
    // The index goes on.
    w.win(&mut conversation, a, &[b], &[]).await;
    assert_eq!(w.sync(b, None, 2).await.inbox[0].index, 3);
}

pub async fn p5_7_every_added_device_gets_the_welcome(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let conversation = w.create(a, &[b, c]).await;
    let items: Vec<_> = [w.sync(b, None, 0).await, w.sync(c, None, 0).await]
        .map(|page| page.inbox)
        .into();
    assert_eq!(items[0], items[1]);
    assert_eq!(welcome_seq(&items[0][0].item), 1);
    assert!(w.sync(a, None, 0).await.inbox.is_empty());
    // One that has been dealt with is still there for the other; a revoked device's goes with it.
    acknowledge(w, b, 1, &[]).await;
    assert_eq!(w.sync(c, None, 0).await.inbox, items[1]);
    w.revoke(c).await;
    let tree = w.storage.tree(&w.tenant, a, conversation.id, b"x").await.unwrap();
    assert_eq!(tree, curo_relay::storage::TreeOutcome::NotFound);
}

pub async fn p7_2_tokens_and_acknowledgements_of_another_store_are_refused(w: &World) {
    let a = w.device().await;
    w.create(a, &[]).await;
    let sync = async |token: &str, ack| w.storage.sync(&w.tenant, a, Some(token), ack, w.now()).await.unwrap();
    let newest = w.storage.newest_token(&w.tenant).await.unwrap();
    assert!(matches!(sync(&newest.to_string(), 0).await, SyncOutcome::Page(_)));
    let foreign = SyncToken {
        store: StoreId::random(),
        ..newest
    };
    assert_eq!(sync(&foreign.to_string(), 0).await, SyncOutcome::StoreChanged);
    let elsewhere = SyncToken {
        tenant: TenantMark::of(&curo_types::TenantId::new("st-luke").unwrap()),
        ..newest
    };
    assert_eq!(sync(&elsewhere.to_string(), 0).await, SyncOutcome::StoreChanged);
    let ahead = SyncToken::at(newest.store, &w.tenant, newest.position + 1);
    assert_eq!(sync(&ahead.to_string(), 0).await, SyncOutcome::StoreChanged);
    let ahead_in_entries = SyncToken {
        entries_after: newest.position + 1,
        ..newest
    };
    assert_eq!(sync(&ahead_in_entries.to_string(), 0).await, SyncOutcome::StoreChanged);
    assert_eq!(sync("anything", 0).await, SyncOutcome::BadToken);
    assert_eq!(
        sync(&newest.to_string(), 1).await,
        SyncOutcome::StoreChanged,
        "no such item was issued"
    );
    assert_eq!(acknowledge(w, a, 1, &[]).await, AckOutcome::StoreChanged);
}

pub async fn p7_2_the_token_now_leaves_out_entries_and_nothing_else(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let conversation = w.create(a, &[b]).await;
    w.say(&conversation, a, 1, 3).await;
    acknowledge(w, b, 0, &[report(&conversation, 3)]).await;
    let page = w.sync(a, Some("now"), 0).await;
    assert!(page.conversations.is_empty() && !page.more);
    assert_eq!(page.cursors.len(), 1);
    assert_eq!((page.cursors[0].device, page.cursors[0].seq), (b.device, 3));
    let newest = w.storage.newest_token(&w.tenant).await.unwrap();
    assert_eq!(page.token, newest);
    // Its inbox is still there, and what comes from then on is news.
    assert_eq!(w.sync(b, Some("now"), 0).await.inbox.len(), 1);
    w.say(&conversation, a, 4, 1).await;
    let page = w.sync(b, Some(&newest.to_string()), 1).await;
    assert_eq!(by_conversation(&page)[&conversation.id], [5]);
}

pub async fn p8_2_cursors_move_forward_and_wake_small_conversations(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let conversation = w.create(a, &[b]).await;
    w.say(&conversation, a, 1, 3).await;
    let token = w.sync(a, None, 0).await.token.to_string();
    assert_eq!(
        acknowledge(w, b, 0, &[report(&conversation, 3)]).await,
        AckOutcome::Done { wake: vec![a.device] }
    );
    let page = w.sync(a, Some(&token), 0).await;
    let expected = MemberCursor {
        conversation: conversation.id,
        incarnation: 1,
        user: b.user,
        device: b.device,
        seq: 3,
    };
    assert_eq!(page.cursors, [expected]);
    assert!(
        w.sync(b, Some(&token), 0).await.cursors.is_empty(),
        "one's own is no news"
    );
    // Regressions, repetitions and what cannot have been seen are ignored.
    for seq in [1, 3, 5, u64::MAX] {
        assert_eq!(woken(acknowledge(w, b, 0, &[report(&conversation, seq)]).await), 0);
    }
    assert!(w.sync(a, Some(&page.token.to_string()), 0).await.is_empty());
    // Twice in one request: the furthest stands.
    let both = [report(&conversation, 4), report(&conversation, 4)];
    assert_eq!(woken(acknowledge(w, b, 0, &both).await), 1);
    assert_eq!(w.sync(a, Some(&page.token.to_string()), 0).await.cursors[0].seq, 4);

    // 32 leaves wake, 33 do not; both store.
    let mut others = Vec::new();
    for _ in 0..32 {
        others.push(w.device().await);
    }
    let (small, large) = (w.create(a, &others[1..]).await, w.create(a, &others).await);
    assert_eq!(woken(acknowledge(w, a, 0, &[report(&small, 1)]).await), 31);
    assert_eq!(woken(acknowledge(w, a, 0, &[report(&large, 1)]).await), 0);
    let seen = w.sync(others[1], None, 0).await;
    assert_eq!(seen.cursors.len(), 2);
}

pub async fn p8_2_cursors_are_reported_by_members_only(w: &World) {
    let (a, b, stranger) = (w.device().await, w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    w.say(&conversation, a, 1, 1).await;
    w.win(&mut conversation, a, &[], &[b]).await; // 3
    w.say(&conversation, a, 2, 1).await; // 4
    let token = w.sync(a, None, 0).await.token.to_string();
    assert_eq!(woken(acknowledge(w, stranger, 0, &[report(&conversation, 1)]).await), 0);
    assert_eq!(
        woken(acknowledge(w, b, 0, &[report(&conversation, 4)]).await),
        0,
        "beyond its removal"
    );
    assert!(w.sync(a, Some(&token), 0).await.cursors.is_empty());
    // Up to its removal it may say what it has.
    assert_eq!(woken(acknowledge(w, b, 0, &[report(&conversation, 3)]).await), 1);
    assert_eq!(w.sync(a, Some(&token), 0).await.cursors[0].seq, 3);
    // A removed device learns nothing of others any more.
    let token = w.sync(b, None, 2).await.token.to_string();
    acknowledge(w, a, 0, &[report(&conversation, 4)]).await;
    assert!(w.sync(b, Some(&token), 2).await.is_empty());
}

pub async fn a_revoked_device_gets_nothing(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    w.create(a, &[b]).await;
    w.revoke(b).await;
    assert_eq!(
        w.storage.sync(&w.tenant, b, None, 0, w.now()).await.unwrap(),
        SyncOutcome::DeviceRevoked
    );
    assert_eq!(acknowledge(w, b, 0, &[]).await, AckOutcome::DeviceRevoked);
    let stranger = DeviceRef { user: a.user, ..b };
    assert_eq!(
        w.storage.sync(&w.tenant, stranger, None, 0, w.now()).await.unwrap(),
        SyncOutcome::UnknownDevice
    );
}
