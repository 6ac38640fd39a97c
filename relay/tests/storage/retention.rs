//! Bodies that are not kept for ever: what goes with them, and what stays.

use std::time::Duration;

use curo_relay::storage::{
    CommitCheck, DeviceRef, DroppedBodies, EntriesOutcome, GroupInfoOutcome, Refusal, WinnerOutcome,
};
use curo_types::TenantId;

use crate::world::{Conversation, HOUR_MS, World};

const DAY: u64 = 24 * HOUR_MS;

/// Drops everything older than a day; how much.
async fn drop_old(w: &World) -> u64 {
    let mut dropped = 0;
    loop {
        let batch = w.storage.drop_bodies(&w.tenant, w.now() - DAY).await.unwrap();
        dropped += batch.dropped;
        if !batch.more {
            return dropped;
        }
    }
}

async fn entries(w: &World, device: DeviceRef, conversation: &Conversation, after: u64) -> Option<Vec<u64>> {
    let page = w
        .storage
        .entries(&w.tenant, device, conversation.id, conversation.incarnation, after, 512);
    match page.await.unwrap() {
        EntriesOutcome::Page { entries, .. } => Some(entries.iter().map(|entry| entry.seq).collect()),
        EntriesOutcome::BodyGone => None,
        other => panic!("{other:?}"),
    }
}

async fn kept_from(w: &World, device: DeviceRef, conversation: &Conversation) -> u64 {
    match w.storage.group_info(&w.tenant, device, conversation.id).await.unwrap() {
        GroupInfoOutcome::Current(group) => group.kept_from,
        other => panic!("{other:?}"),
    }
}

pub async fn p5_8_old_bodies_go_and_the_skeleton_stays(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await; // 1
    let said = World::message(&conversation, 1);
    w.append(&conversation, a, vec![said.clone()]).await; // 2
    let commit = World::commit(&conversation, a, w.version().await, &[], &[]);
    w.accept(a, commit.clone()).await; // 3
    conversation.epoch += 1;
    let before = w.sync(b, None, 0).await;
    w.pass(DAY);
    w.say(&conversation, a, 2, 2).await; // 4, 5
    assert_eq!(drop_old(w).await, 0, "a day is kept");
    w.pass(1);
    assert_eq!(drop_old(w).await, 3);
    assert_eq!(drop_old(w).await, 0);

    // Who has read so far reads on, who has not is told.
    assert_eq!(entries(w, b, &conversation, 3).await, Some(vec![4, 5]));
    assert_eq!(entries(w, b, &conversation, 5).await, Some(vec![]));
    assert_eq!(entries(w, b, &conversation, 2).await, None);
    assert_eq!(entries(w, a, &conversation, 0).await, None);
    assert_eq!(kept_from(w, a, &conversation).await, 4);

    // Sync brings what is there, and a tip beyond it.
    let news = w.sync(b, None, 0).await;
    assert_eq!(
        (news.conversations.len(), news.inbox.len()),
        (1, 1),
        "the Welcome is kept (3.8)"
    );
    let seqs: Vec<_> = news.conversations[0].entries.iter().map(|entry| entry.seq).collect();
    assert_eq!((seqs, news.conversations[0].tip.seq), (vec![4, 5], 5));
    let news = w.sync(b, Some(&before.token.to_string()), 0).await;
    assert_eq!(news.conversations[0].entries.len(), 2);

    // Intents are known for ever, by their bytes; hashes and winners too.
    let again = w.append(&conversation, a, vec![said.clone()]).await;
    assert_eq!(
        (again.accepted.len(), again.accepted[0].seq, again.accepted[0].duplicate),
        (1, 2, true)
    );
    let mut other = said;
    other.body.push(0);
    assert_eq!(
        w.append(&conversation, a, vec![other]).await.refused,
        Some(Refusal::IntentReused)
    );
    let check = w
        .storage
        .check_commit(&w.tenant, a, commit.key.clone(), None, w.now())
        .await
        .unwrap();
    assert!(matches!(check, CommitCheck::Duplicate(entry) if entry.accepted.seq == 3));
    let winner = w.storage.winner(&w.tenant, b, conversation.id, 1, 1).await.unwrap();
    assert!(matches!(winner, WinnerOutcome::Winner(winner) if winner.body_hash == commit.key.body_hash));
    let mut cursor = World::message(&conversation, 4);
    cursor.cursor = Some(curo_types::format::CursorClaim {
        seq: 3,
        h: before.conversations[0].entries[1].h,
    });
    assert_eq!(
        w.append(&conversation, a, vec![cursor]).await.refused,
        None,
        "a cursor in the dropped part is of this log"
    );
}

pub async fn p5_8_what_the_state_of_a_group_is_made_from_is_kept(w: &World) {
    let a = w.device().await;
    let mut conversation = w.create(a, &[]).await; // 1, with a checkpoint
    let mut bodies = Vec::new();
    for n in 0..3 {
        w.say(&conversation, a, n + 1, 1).await;
        let mut commit = World::commit(&conversation, a, w.version().await, &[], &[]);
        commit.follower = None;
        bodies.push(commit.body.clone());
        w.accept(a, commit).await;
        conversation.epoch += 1;
    }
    w.pass(2 * DAY);
    assert_eq!(
        drop_old(w).await,
        4,
        "three messages and the commit before the checkpoint"
    );
    assert_eq!(drop_old(w).await, 0);
    let state = async |conversation: &Conversation| {
        let next = World::commit(conversation, a, 1, &[], &[]);
        match w
            .storage
            .check_commit(&w.tenant, a, next.key, None, w.now())
            .await
            .unwrap()
        {
            CommitCheck::Open(state) => state.follower.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(state(&conversation).await.commits, bodies);
    assert_eq!(entries(w, a, &conversation, 0).await, None);
    assert_eq!(
        entries(w, a, &conversation, 6).await,
        Some(vec![7]),
        "a commit that is kept is served"
    );
    // With the next checkpoint they are needed no more, and go when it is old.
    w.win(&mut conversation, a, &[], &[]).await; // 8
    assert_eq!(drop_old(w).await, 0);
    w.pass(2 * DAY);
    w.win(&mut conversation, a, &[], &[]).await; // 9
    assert_eq!(drop_old(w).await, 4);
    assert_eq!(state(&conversation).await.commits, Vec::<Vec<u8>>::new());
    assert_eq!(kept_from(w, a, &conversation).await, 9);
    assert_eq!(entries(w, a, &conversation, 8).await, Some(vec![9]));
}

pub async fn p5_8_a_batch_is_bounded_and_goes_on_where_it_ended(w: &World) {
    let a = w.device().await;
    let conversation = w.create(a, &[]).await;
    for n in 0..6 {
        w.say(&conversation, a, 256 * n + 1, 256).await;
    }
    let mut large = World::message(&conversation, 6 * 256 + 1);
    large.body = vec![7; 9 * 1024 * 1024];
    let next = World::message(&conversation, 6 * 256 + 2);
    w.append(&conversation, a, vec![large, next]).await;
    w.pass(2 * DAY);
    w.say(&conversation, a, 6 * 256 + 3, 1).await;
    let mut batches = Vec::new();
    loop {
        let DroppedBodies { dropped, more } = w.storage.drop_bodies(&w.tenant, w.now() - DAY).await.unwrap();
        batches.push(dropped);
        // At every moment the log says where it begins.
        let from = kept_from(w, a, &conversation).await;
        assert_eq!(from, 1 + batches.iter().sum::<u64>());
        assert_eq!(
            entries(w, a, &conversation, from - 1).await.unwrap().first(),
            Some(&from)
        );
        assert_eq!(entries(w, a, &conversation, from - 2).await, None);
        if !more {
            break;
        }
    }
    assert_eq!(batches.iter().sum::<u64>(), 1 + 6 * 256 + 2);
    assert!(
        batches.iter().all(|dropped| *dropped <= 500) && batches.len() > 4,
        "{batches:?}"
    );
}

pub async fn p5_8_many_conversations_and_one_that_falls_silent(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut all = Vec::new();
    for _ in 0..150 {
        let conversation = w.create(a, &[b]).await;
        w.say(&conversation, a, 1, 1).await;
        all.push(conversation);
    }
    w.pass(2 * DAY);
    assert_eq!(drop_old(w).await, 300);
    for conversation in &all {
        assert_eq!(kept_from(w, a, conversation).await, 3);
        // Nobody has anything to fetch behind what is there; but what was missed shows.
        assert_eq!(entries(w, b, conversation, 2).await, Some(vec![]));
        assert_eq!(entries(w, b, conversation, 1).await, None);
    }
    // Whoever speaks again is looked at again.
    w.say(&all[7], a, 2, 1).await;
    assert_eq!(drop_old(w).await, 0);
    w.pass(2 * DAY);
    assert_eq!(drop_old(w).await, 1);
}

pub async fn p5_8_a_removed_device_and_another_tenant(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await; // 1
    w.say(&conversation, a, 1, 1).await; // 2
    w.win(&mut conversation, a, &[], &[b]).await; // 3
    w.pass(2 * DAY);
    w.say(&conversation, a, 2, 1).await; // 4
    let other = TenantId::new("st-luke").unwrap();
    let nothing = w.storage.drop_bodies(&other, u64::MAX).await.unwrap();
    assert_eq!(nothing, DroppedBodies::default(), "tenants are apart");
    assert_eq!(drop_old(w).await, 3);
    // What it was to be served is gone, its removal with it; it finds that out where it asks to come in.
    assert_eq!(entries(w, b, &conversation, 1).await, None);
    let news = w.sync(b, None, 0).await;
    assert_eq!(
        (news.conversations[0].entries.len(), news.conversations[0].tip.seq),
        (0, 3)
    );
    let info = w.storage.group_info(&w.tenant, b, conversation.id).await.unwrap();
    assert_eq!(info, GroupInfoOutcome::Removed);
}

/// Nobody waits for it: appends go on beside.
pub async fn p5_8_messages_are_accepted_while_bodies_are_dropped(w: &World) {
    let a = w.device().await;
    let conversation = w.create(a, &[]).await;
    for n in 0..8 {
        w.say(&conversation, a, 256 * n + 1, 256).await;
    }
    w.pass(2 * DAY);
    let say = async {
        for n in 0..20 {
            w.say(&conversation, a, 8 * 256 + 1 + n, 1).await;
        }
    };
    let (dropped, ()) = tokio::time::timeout(Duration::from_secs(60), async { tokio::join!(drop_old(w), say) })
        .await
        .unwrap();
    assert_eq!(dropped, 1 + 8 * 256);
    let left: Vec<_> = (8 * 256 + 2..=8 * 256 + 21).collect();
    assert_eq!(entries(w, a, &conversation, 8 * 256 + 1).await, Some(left));
}
