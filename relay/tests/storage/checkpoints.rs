//! What is stored of a group's state, and what the log has of it.

use curo_relay::storage::{CommitCheck, CommitOutcome, DeviceRef, NewCommit};

use crate::world::{Conversation, World};

/// A commit that wins, with a checkpoint or without.
async fn win(w: &World, a: DeviceRef, conversation: &mut Conversation, checkpoint: bool) -> NewCommit {
    let mut commit = World::commit(conversation, a, 1, &[], &[]);
    if !checkpoint {
        commit.follower = None;
    }
    let outcome = w.accept(a, commit.clone()).await;
    assert!(matches!(outcome, CommitOutcome::Accepted(_)), "{outcome:?}");
    conversation.epoch += 1;
    commit
}

pub async fn p9_2_between_checkpoints_the_log_has_what_is_missing(w: &World) {
    let a = w.device().await;
    let (mut conversation, mut other) = (w.create(a, &[]).await, w.create(a, &[]).await);
    let first = win(w, a, &mut conversation, true).await;
    let (mut follower, mut since) = (first.follower, Vec::new());
    for (n, checkpoint) in (1..).zip([false, false, true, false, true, true, false]) {
        // Messages, and the commits of others, stand between.
        win(w, a, &mut other, n == 2).await;
        w.say(&conversation, a, n, 1).await;
        let commit = win(w, a, &mut conversation, checkpoint).await;
        if checkpoint {
            (follower, since) = (commit.follower, Vec::new());
        } else {
            since.push(commit.body);
        }
        let next = World::commit(&conversation, a, 1, &[], &[]);
        let read = async |has| {
            let check = w.storage.check_commit(&w.tenant, a, next.key.clone(), has, w.now());
            match check.await.unwrap() {
                CommitCheck::Open(state) => state,
                other => panic!("{other:?}"),
            }
        };
        let state = read(None).await;
        assert_eq!(state.epoch, conversation.epoch);
        assert_eq!(
            state.checkpoint_epoch,
            state.epoch - u64::try_from(since.len()).unwrap()
        );
        let stored = state.follower.unwrap();
        assert_eq!((Some(stored.follower), &stored.commits), (follower.clone(), &since));
        // Of another epoch is of no use; who has the state of this one reads none of it.
        assert!(read(Some(conversation.epoch - 1)).await.follower.is_some());
        let hot = read(Some(conversation.epoch)).await;
        assert_eq!((hot.follower, hot.checkpoint_epoch), (None, state.checkpoint_epoch));
    }
}
