//! External commits: who may come in from outside, and what they change.

use curo_relay::storage::{CommitOutcome, CurrentGroup, DeviceRef, GroupInfoOutcome, NewCommit, Refusal};
use curo_types::format::CursorClaim;
use curo_types::{ConversationId, Digest};

use crate::world::{Conversation, World, accepted, refused};

fn external(conversation: &Conversation, caller: DeviceRef, version: u64, adds: &[DeviceRef]) -> NewCommit {
    let mut commit = World::commit(conversation, caller, version, adds, &[]);
    commit.key.external = true;
    commit.welcome = None;
    commit
}

async fn group_info(w: &World, caller: DeviceRef, id: ConversationId) -> GroupInfoOutcome {
    w.storage.group_info(&w.tenant, caller, id).await.unwrap()
}

async fn current(w: &World, caller: DeviceRef, id: ConversationId) -> CurrentGroup {
    match group_info(w, caller, id).await {
        GroupInfoOutcome::Current(group) => *group,
        other => panic!("{other:?}"),
    }
}

pub async fn p3_5_an_external_commit_replaces_the_callers_leaf(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    w.say(&conversation, b, 1, 3).await;
    let now = current(w, b, conversation.id).await;
    assert_eq!((now.group, now.epoch, now.counter), (conversation.group, 1, 3));
    assert_eq!((now.kept_from, now.tip.seq, now.tip.incarnation), (1, 4, 1));
    assert_eq!(now.directory_version, w.version().await);
    let commit = external(&conversation, b, now.directory_version, &[]);
    let (tree, info) = (commit.tree.clone(), commit.group_info.clone());
    let entry = accepted(w.accept(b, commit.clone()).await);
    assert_eq!((entry.accepted.seq, entry.wake.len()), (5, 2));
    match w.accept(b, commit).await {
        CommitOutcome::Duplicate(again) => assert_eq!(again.accepted.h, entry.accepted.h),
        other => panic!("{other:?}"),
    }
    conversation.epoch += 1;
    let now = current(w, a, conversation.id).await;
    assert_eq!((now.epoch, now.tree, now.group_info, now.counter), (2, tree, info, 0));
    // Its span and its counter go on, and there is no Welcome for it but the first.
    assert_eq!(w.entries(b, &conversation, 1).await.len(), 4);
    assert_eq!(w.sync(b, None, 0).await.inbox.len(), 1);
    w.say(&conversation, b, 4, 1).await;
    assert_eq!(w.storage.members(&w.tenant, conversation.id).await.unwrap().len(), 2);
}

pub async fn p3_5_an_external_commit_adds_a_device_of_a_member(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    w.say(&conversation, a, 1, 2).await;
    let second = w.device_of(b.user).await;
    assert_eq!(current(w, second, conversation.id).await.counter, 0);
    let version = w.version().await;
    // A loser that has no leaf is told nothing that it may not see.
    let mut late = external(&conversation, second, version, &[second]);
    late.key.epoch = 0;
    match refused(w.accept(second, late).await) {
        Refusal::EpochTaken { winner: None, missing } => {
            assert_eq!((missing.entries.len(), missing.tip.seq), (0, 3));
        }
        other => panic!("{other:?}"),
    }
    let entry = accepted(
        w.accept(second, external(&conversation, second, version, &[second]))
            .await,
    );
    conversation.epoch += 1;
    assert_eq!(entry.accepted.seq, 4);
    assert!(entry.wake.contains(&second.device));
    assert!(w.sync(second, None, 0).await.inbox.is_empty());
    w.say(&conversation, second, 1, 1).await;
    let seen = w.entries(second, &conversation, 0).await;
    assert_eq!(seen.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [4, 5]);

    // One that was removed while another device of its user stays may come again; its first span stays as it was.
    w.win(&mut conversation, a, &[], &[second]).await;
    accepted(
        w.accept(second, external(&conversation, second, version, &[second]))
            .await,
    );
    conversation.epoch += 1;
    w.say(&conversation, second, 2, 1).await;
}

pub async fn p3_5_an_external_commit_does_nothing_else(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let second = w.device_of(b.user).await;
    let conversation = w.create(a, &[b]).await;
    let version = w.version().await;
    let cases: [(&str, DeviceRef, NewCommit); 7] = [
        ("a second leaf", b, external(&conversation, b, version, &[b])),
        ("no leaf", second, external(&conversation, second, version, &[])),
        ("somebody else", b, external(&conversation, b, version, &[c])),
        (
            "one more",
            second,
            external(&conversation, second, version, &[second, c]),
        ),
        ("a removal", b, {
            let mut commit = external(&conversation, b, version, &[]);
            commit.removed = vec![a.device];
            commit
        }),
        ("a Welcome", b, {
            let mut commit = external(&conversation, b, version, &[]);
            commit.welcome = Some(vec![1]);
            commit
        }),
        ("a Welcome for itself", second, {
            let mut commit = external(&conversation, second, version, &[second]);
            commit.welcome = Some(vec![1]);
            commit
        }),
    ];
    for (name, caller, commit) in cases {
        assert_eq!(
            refused(w.accept(caller, commit).await),
            Refusal::Rule("external_commit"),
            "{name}"
        );
    }
    let mut other_leaf = external(&conversation, b, version, &[]);
    other_leaf.updated = World::leaf(a);
    assert_eq!(refused(w.accept(b, other_leaf).await), Refusal::Rule("sender_leaf"));
    let mut other_key = external(&conversation, b, version, &[]);
    other_key.updated.public_key = vec![7];
    assert_eq!(refused(w.accept(b, other_key).await), Refusal::Rule("leaf_key"));
    // The directory has moved on for this very device.
    let newest = w.device_of(b.user).await;
    let stale = external(&conversation, newest, version, &[newest]);
    assert_eq!(refused(w.accept(newest, stale).await), Refusal::DirectoryChanged);
}

pub async fn p3_5_who_is_no_member_is_told_so(w: &World) {
    let (a, b, stranger) = (w.device().await, w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    let version = w.version().await;
    let try_in = async |caller, conversation: &Conversation| {
        refused(
            w.accept(caller, external(conversation, caller, version, &[caller]))
                .await,
        )
    };
    assert_eq!(try_in(stranger, &conversation).await, Refusal::NotAMember);
    let nowhere = w.new_conversation();
    assert_eq!(try_in(a, &nowhere).await, Refusal::NotAMember);
    for (caller, id) in [(stranger, conversation.id), (a, nowhere.id)] {
        assert_eq!(group_info(w, caller, id).await, GroupInfoOutcome::NotAMember);
    }
    let mut elsewhere = external(&conversation, b, version, &[]);
    elsewhere.key.incarnation = 2;
    assert_eq!(refused(w.accept(b, elsewhere).await), Refusal::IncarnationChanged);
    // Removed with the last of its user's leaves: outside for good, for every device of the user.
    w.win(&mut conversation, a, &[], &[b]).await;
    assert_eq!(try_in(b, &conversation).await, Refusal::Removed);
    assert_eq!(group_info(w, b, conversation.id).await, GroupInfoOutcome::Removed);
    let second = w.device_of(b.user).await;
    assert_eq!(try_in(second, &conversation).await, Refusal::NotAMember);
    w.revoke(a).await;
    assert_eq!(try_in(a, &conversation).await, Refusal::DeviceRevoked);
}

pub async fn p3_1_an_external_commit_keeps_the_order_of_checks(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    let version = w.version().await;
    let first = external(&conversation, b, version, &[]);
    accepted(w.accept(b, first.clone()).await);
    conversation.epoch += 1;
    // The intent first, even after the removal.
    let mut other_bytes = first.clone();
    other_bytes.key.body_hash = Digest([7; 32]);
    assert_eq!(refused(w.accept(b, other_bytes).await), Refusal::IntentReused);
    w.win(&mut conversation, a, &[], &[b]).await;
    assert!(matches!(w.accept(b, first).await, CommitOutcome::Duplicate(_)));

    let mut ahead = external(&conversation, a, version, &[]);
    ahead.key.epoch += 1;
    assert_eq!(refused(w.accept(a, ahead).await), Refusal::Rule("epoch_ahead"));
    let mut foreign = external(&conversation, a, version, &[]);
    foreign.key.cursor = Some(CursorClaim {
        seq: 1,
        h: Digest([9; 32]),
    });
    foreign.key.epoch = 0;
    assert_eq!(
        refused(w.accept(a, foreign).await),
        Refusal::StoreChanged,
        "before the epoch"
    );
}
