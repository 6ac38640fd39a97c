//! Creating conversations, commits, trees.

use std::sync::Arc;

use curo_relay::storage::{CommitCheck, CommitOutcome, DeviceRef, NewCommit, NewConversation, Refusal, TreeOutcome};
use curo_types::{ConversationId, Digest, GroupId, TenantId, UserId};

use crate::world::{Conversation, SUITE, World, accepted, refused, welcome_seq};

async fn check(w: &World, sender: DeviceRef, commit: &NewCommit) -> CommitCheck {
    w.storage
        .check_commit(&w.tenant, sender, commit.key.clone(), None, w.now())
        .await
        .unwrap()
}

pub async fn members(w: &World, conversation: &Conversation) -> Vec<DeviceRef> {
    let mut members = w.storage.members(&w.tenant, conversation.id).await.unwrap();
    members.sort_unstable();
    members
}

fn sorted(devices: &[DeviceRef]) -> Vec<DeviceRef> {
    let mut devices = devices.to_vec();
    devices.sort_unstable();
    devices
}

pub async fn p3_7_a_conversation_is_created_once(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let conversation = w.new_conversation();
    let commit = World::commit(&conversation, a, 2, &[b], &[]);
    let entry = accepted(w.try_create(&conversation, a, commit.clone()).await);
    assert_eq!(
        (entry.accepted.seq, entry.accepted.duplicate, entry.tip.seq),
        (1, false, 1)
    );
    assert_eq!(members(w, &conversation).await, sorted(&[a, b]));
    let mut wake = entry.wake;
    wake.sort_unstable();
    let mut both = [a.device, b.device];
    both.sort_unstable();
    assert_eq!(wake, both);

    match w.try_create(&conversation, a, commit.clone()).await {
        CommitOutcome::Duplicate(again) => {
            assert!(again.accepted.duplicate && again.wake.is_empty());
            assert_eq!((again.accepted.seq, again.accepted.h), (1, entry.accepted.h));
        }
        other => panic!("{other:?}"),
    }
    let rival = World::commit(&conversation, b, 2, &[a], &[]);
    assert_eq!(
        refused(w.try_create(&conversation, b, rival).await),
        Refusal::IncarnationChanged
    );
    let c = w.device().await;
    for (stranger, there) in [(c, &conversation), (c, &w.new_conversation())] {
        let mut second = World::commit(there, stranger, 3, &[], &[]);
        second.key.incarnation = 2;
        assert_eq!(
            refused(w.try_create(there, stranger, second).await),
            Refusal::NotAMember,
            "a stranger is not told whether the conversation exists"
        );
    }
    // The group belongs to one conversation; only the first incarnation can be opened so.
    let other = Conversation {
        id: ConversationId::random(),
        ..conversation.clone()
    };
    let commit = World::commit(&other, a, 2, &[], &[]);
    assert_eq!(
        refused(w.try_create(&other, a, commit).await),
        Refusal::Rule("group_exists")
    );
    let other = w.new_conversation();
    // A refused first commit leaves no conversation behind.
    let commit = World::commit(&other, a, 99, &[], &[]);
    assert_eq!(
        refused(w.try_create(&other, a, commit).await),
        Refusal::Rule("directory_version")
    );
    let commit = World::commit(&other, a, 2, &[], &[]);
    accepted(w.try_create(&other, a, commit).await);
}

pub async fn p3_7_of_fifty_creators_one_wins(w: &World) {
    let mut creators = Vec::new();
    for _ in 0..50 {
        creators.push(w.device().await);
    }
    let (id, version) = (ConversationId::random(), w.version().await);
    let tasks: Vec<_> = creators
        .into_iter()
        .map(|creator| {
            let conversation = Conversation {
                id,
                group: GroupId::random(),
                epoch: 0,
                incarnation: 1,
            };
            let first_commit = World::commit(&conversation, creator, version, &[], &[]);
            let new = NewConversation {
                group: conversation.group,
                suite: SUITE,
                first_commit,
                lost: None,
            };
            let (storage, tenant, now) = (Arc::clone(&w.storage), w.tenant.clone(), w.now());
            tokio::spawn(async move { storage.create_conversation(&tenant, creator, new, now).await.unwrap() })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            CommitOutcome::Accepted(_) => won += 1,
            other => assert_eq!(refused(other), Refusal::IncarnationChanged),
        }
    }
    assert_eq!(won, 1);
}

pub async fn p3_1_a_commit_again_gets_the_first_result(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    let commit = World::commit(&conversation, a, 2, &[], &[]);
    let first = accepted(w.accept(a, commit.clone()).await);
    conversation.epoch += 1;
    w.pass(60_000);
    w.win(&mut conversation, b, &[], &[]).await;
    let CommitCheck::Duplicate(known) = check(w, a, &commit).await else {
        panic!("not known")
    };
    let CommitOutcome::Duplicate(again) = w.accept(a, commit.clone()).await else {
        panic!("not known")
    };
    assert_eq!(known, again);
    assert!(again.accepted.duplicate);
    let mut expected = first.accepted.clone();
    expected.duplicate = true;
    assert_eq!(again.accepted, expected);
    assert_eq!(again.tip.seq, 3, "the tip is of now");
    // The same intent of another device is another intent.
    let mut same_intent = World::commit(&conversation, b, 2, &[], &[]);
    same_intent.key.intent = commit.key.intent;
    accepted(w.accept(b, same_intent).await);
}

pub async fn p3_1_the_intent_comes_before_every_other_check(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    let commit = World::commit(&conversation, b, 2, &[], &[]);
    accepted(w.accept(b, commit.clone()).await);
    conversation.epoch += 1;
    w.win(&mut conversation, a, &[], &[b]).await;
    let mut other_bytes = commit.clone();
    other_bytes.key.body_hash = Digest::of(b"other");
    // The sender is removed by now; its own answer is still there.
    assert!(matches!(w.accept(b, commit).await, CommitOutcome::Duplicate(_)));
    assert_eq!(refused(w.accept(b, other_bytes.clone()).await), Refusal::IntentReused);
    assert_eq!(
        check(w, b, &other_bytes).await,
        CommitCheck::Refused(Refusal::IntentReused)
    );
}

pub async fn p3_1_refusals_are_not_remembered(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    let mut commit = World::commit(&conversation, a, 2, &[], &[]);
    w.win(&mut conversation, b, &[], &[]).await;
    assert!(matches!(
        refused(w.accept(a, commit.clone()).await),
        Refusal::EpochTaken { .. }
    ));
    // Rebuilt in the next epoch, with other bytes, under the same intent.
    commit.key.epoch = conversation.epoch;
    commit.body = b"rebuilt".to_vec();
    commit.key.body_hash = Digest::of(&commit.body);
    accepted(w.accept(a, commit).await);
}

pub async fn p3_4_of_fifty_commits_on_an_epoch_one_wins(w: &World) {
    let mut devices = Vec::new();
    for _ in 0..50 {
        devices.push(w.device().await);
    }
    let conversation = w.create(devices[0], &devices[1..]).await;
    let version = w.version().await;
    let tasks: Vec<_> = devices
        .iter()
        .map(|device| {
            let (device, commit) = (*device, World::commit(&conversation, *device, version, &[], &[]));
            let (storage, tenant, now) = (Arc::clone(&w.storage), w.tenant.clone(), w.now());
            tokio::spawn(async move {
                let hash = commit.key.body_hash;
                (hash, storage.accept_commit(&tenant, device, commit, now).await.unwrap())
            })
        })
        .collect();
    let (mut won, mut lost) = (Vec::new(), Vec::new());
    for task in tasks {
        match task.await.unwrap() {
            (hash, CommitOutcome::Accepted(_)) => won.push(hash),
            (_, outcome) => match refused(outcome) {
                Refusal::EpochTaken { winner, .. } => lost.push(winner.unwrap().body_hash),
                other => panic!("{other:?}"),
            },
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(lost, vec![won[0]; 49], "all losers are told the same winner");
    assert_eq!(w.entries(devices[0], &conversation, 0).await.len(), 2);
}

pub async fn p3_4_a_loser_is_told_the_winner_and_what_it_missed(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    let cursor = w.cursor_at(a, &conversation, 1).await;
    let mut losing = World::commit(&conversation, a, 2, &[], &[]);
    losing.key.cursor = Some(cursor);
    w.say(&conversation, b, 1, 2).await;
    let winning = World::commit(&conversation, b, 2, &[], &[]);
    accepted(w.accept(b, winning.clone()).await);
    conversation.epoch += 1;
    w.say(&conversation, b, 3, 1).await;

    let CommitCheck::Refused(early) = check(w, a, &losing).await else {
        panic!("not refused")
    };
    let Refusal::EpochTaken { winner, missing } = refused(w.accept(a, losing).await) else {
        panic!("not taken")
    };
    assert_eq!(
        early,
        Refusal::EpochTaken {
            winner: winner.clone(),
            missing: missing.clone()
        }
    );
    let winner = winner.unwrap();
    assert_eq!((winner.epoch, winner.seq, winner.sender), (1, 4, b.device));
    assert_eq!(
        (winner.body_hash, winner.intent),
        (winning.key.body_hash, winning.key.intent)
    );
    assert_eq!(missing.entries.iter().map(|e| e.seq).collect::<Vec<_>>(), [2, 3, 4, 5]);
    assert_eq!(missing.tip.seq, 5);
    assert_eq!(missing.entries.last().unwrap().h, missing.tip.h);

    // Of what ended before it came, a member is told nothing.
    let c = w.device().await;
    let mut old = World::commit(&conversation, c, 3, &[], &[]);
    old.key.epoch = 1;
    w.win(&mut conversation, a, &[c], &[]).await;
    match refused(w.accept(c, old).await) {
        Refusal::EpochTaken { winner: None, .. } => {}
        other => panic!("{other:?}"),
    }
}

pub async fn p3_4_p9_2_a_commit_is_checked_against_the_state_of_its_epoch(w: &World) {
    let a = w.device().await;
    let mut conversation = w.create(a, &[]).await;
    let commit = World::commit(&conversation, a, 1, &[], &[]);
    let CommitCheck::Open(state) = check(w, a, &commit).await else {
        panic!("not open")
    };
    assert_eq!((state.epoch, state.group, state.suite), (1, conversation.group, SUITE));
    accepted(w.accept(a, commit.clone()).await);
    conversation.epoch += 1;
    let next = World::commit(&conversation, a, 1, &[], &[]);
    let CommitCheck::Open(state) = check(w, a, &next).await else {
        panic!("not open")
    };
    assert_eq!(
        (state.epoch, state.follower.unwrap().follower),
        (2, commit.follower.unwrap()),
        "what the winner stored"
    );
    conversation.epoch += 1;
    let ahead = World::commit(&conversation, a, 1, &[], &[]);
    assert_eq!(refused(w.accept(a, ahead).await), Refusal::Rule("epoch_ahead"));
}

pub async fn p3_4_leaves_are_added_and_removed_once(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    let try_commit = async |conversation: &Conversation, added: &[DeviceRef], removed: &[DeviceRef]| {
        let commit = World::commit(conversation, a, 3, added, removed);
        w.accept(a, commit).await
    };
    for (added, removed, rule) in [
        (&[b][..], &[][..], "added_leaf"),
        (&[c, c], &[], "added_leaf"),
        // Removing and adding the same device at once would leave it to the reader which leaf is meant.
        (&[b], &[b], "device_readded"),
        (&[], &[c], "removed_leaf"),
        (&[], &[b, b], "removed_leaf"),
        (&[], &[a], "removed_leaf"),
    ] {
        assert_eq!(
            refused(try_commit(&conversation, added, removed).await),
            Refusal::Rule(rule)
        );
    }
    let mut without_welcome = World::commit(&conversation, a, 3, &[c], &[]);
    without_welcome.welcome = None;
    assert_eq!(refused(w.accept(a, without_welcome).await), Refusal::Rule("welcome"));
    let mut with_welcome = World::commit(&conversation, a, 3, &[], &[]);
    with_welcome.welcome = Some(b"for nobody".to_vec());
    assert_eq!(refused(w.accept(a, with_welcome).await), Refusal::Rule("welcome"));
    accepted(try_commit(&conversation, &[c], &[]).await);
    conversation.epoch += 1;
    assert_eq!(members(w, &conversation).await, sorted(&[a, b, c]));
    w.win(&mut conversation, a, &[], &[b, c]).await;
    assert_eq!(members(w, &conversation).await, [a]);
}

pub async fn p3_4_strangers_and_removed_devices_are_told_apart_from_members_only(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    w.win(&mut conversation, a, &[], &[b]).await;
    let by = async |device| {
        let commit = World::commit(&conversation, device, 3, &[], &[]);
        refused(w.accept(device, commit).await)
    };
    assert_eq!(by(c).await, Refusal::NotAMember);
    assert_eq!(by(b).await, Refusal::Removed);
    assert_eq!(
        by(DeviceRef {
            user: UserId::random(),
            ..a
        })
        .await,
        Refusal::UnknownDevice
    );
    let nowhere = Conversation {
        id: ConversationId::random(),
        ..conversation.clone()
    };
    let commit = World::commit(&nowhere, a, 3, &[], &[]);
    assert_eq!(
        refused(w.accept(a, commit).await),
        Refusal::NotAMember,
        "as if it existed"
    );
    let other = TenantId::new("st-luke").unwrap();
    let commit = World::commit(&conversation, a, 0, &[], &[]);
    let outcome = w.storage.accept_commit(&other, a, commit, w.now()).await.unwrap();
    assert_eq!(refused(outcome), Refusal::UnknownDevice);
    // A member that names another incarnation learns that; a stranger does not.
    let elsewhere = |device| {
        let mut commit = World::commit(&conversation, device, 3, &[], &[]);
        commit.key.incarnation = 2;
        commit
    };
    assert_eq!(refused(w.accept(a, elsewhere(a)).await), Refusal::IncarnationChanged);
    assert_eq!(refused(w.accept(c, elsewhere(c)).await), Refusal::NotAMember);
    w.revoke(a).await;
    assert_eq!(by(a).await, Refusal::DeviceRevoked);
}

pub async fn p3_8_trees_are_kept_while_a_welcome_needs_them(w: &World) {
    let (a, b, c, stranger) = (w.device().await, w.device().await, w.device().await, w.device().await);
    let mut conversation = w.create(a, &[]).await;
    let adding = World::commit(&conversation, a, 4, &[b, c], &[]);
    accepted(w.accept(a, adding.clone()).await);
    conversation.epoch += 1;
    let update = World::commit(&conversation, a, 4, &[], &[]);
    accepted(w.accept(a, update.clone()).await);
    conversation.epoch += 1;

    let tree = async |device, commit: &NewCommit| {
        w.storage
            .tree(&w.tenant, device, conversation.id, &commit.tree_hash)
            .await
            .unwrap()
    };
    let kept = |commit: &NewCommit| TreeOutcome::Tree(commit.tree.clone());
    for device in [a, b, c] {
        assert_eq!(tree(device, &adding).await, kept(&adding));
        assert_eq!(tree(device, &update).await, kept(&update));
    }
    assert_eq!(tree(stranger, &adding).await, TreeOutcome::NotAMember);
    let nowhere = w
        .storage
        .tree(&w.tenant, a, conversation.id, b"no such hash")
        .await
        .unwrap();
    assert_eq!(nowhere, TreeOutcome::NotFound);

    // b has joined; c's Welcome still needs the tree, also after c has been removed again.
    let acknowledge = async |device: DeviceRef| {
        let page = w.sync(device, None, 0).await;
        assert_eq!(welcome_seq(&page.inbox[0].item), 2);
        let ack = curo_relay::storage::Acknowledge {
            inbox: page.inbox.last().unwrap().index,
            cursors: Vec::new(),
        };
        w.storage.acknowledge(&w.tenant, device, ack, w.now()).await.unwrap();
    };
    acknowledge(b).await;
    assert_eq!(tree(c, &adding).await, kept(&adding));
    let mut conversation = conversation.clone();
    w.win(&mut conversation, a, &[], &[c]).await;
    assert_eq!(tree(c, &adding).await, kept(&adding));
    assert_eq!(
        tree(a, &update).await,
        TreeOutcome::NotFound,
        "neither current nor needed"
    );
    acknowledge(c).await;
    assert_eq!(tree(c, &adding).await, TreeOutcome::NotFound);
    // The current tree stays although its only Welcome is dealt with.
    let last = World::commit(&conversation, a, 4, &[c], &[]);
    accepted(w.accept(a, last.clone()).await);
    let page = w.sync(c, None, 0).await;
    let ack = curo_relay::storage::Acknowledge {
        inbox: page.inbox.last().unwrap().index,
        cursors: Vec::new(),
    };
    w.storage.acknowledge(&w.tenant, c, ack, w.now()).await.unwrap();
    assert_eq!(tree(b, &last).await, kept(&last));
}
