//! Turns and duties (rule 3.10).

use curo_relay::storage::{CommitCheck, DUTY_MS, DeviceRef, DutyAsked, DutyOutcome, Refusal, TURN_MS, TURN_PAUSE_MS};
use curo_types::api::Duty;

use crate::world::{Conversation, World, accepted, refused};

/// Loses the epoch that the conversation is in: somebody else wins it.
async fn lose(w: &World, conversation: &mut Conversation, loser: DeviceRef, winner: DeviceRef) -> bool {
    let mine = World::commit(conversation, loser, w.version().await, &[], &[]);
    let theirs = World::commit(conversation, winner, w.version().await, &[], &[]);
    accepted(w.accept(winner, theirs).await);
    conversation.epoch += 1;
    let key = mine.key.clone();
    assert!(matches!(
        refused(w.accept(loser, mine).await),
        Refusal::EpochTaken { .. }
    ));
    let lost = async || {
        w.storage
            .commit_lost(&w.tenant, loser, key.clone(), w.now())
            .await
            .unwrap()
    };
    let turn = lost().await;
    assert!(!lost().await, "the same loss counts once");
    turn
}

pub async fn p3_10_the_third_loss_brings_the_turn(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b, c]).await;
    assert!(!lose(w, &mut conversation, b, a).await);
    assert!(!lose(w, &mut conversation, b, a).await);
    assert!(lose(w, &mut conversation, b, a).await);
    let version = w.version().await;
    w.pass(TURN_MS - 500);
    let waits = World::commit(&conversation, a, version, &[], &[]);
    assert_eq!(
        refused(w.accept(a, waits.clone()).await),
        Refusal::NotYourTurn { for_ms: 500 }
    );
    assert!(
        matches!(
            w.storage
                .check_commit(&w.tenant, a, waits.key.clone(), None, w.now())
                .await
                .unwrap(),
            CommitCheck::Refused(Refusal::NotYourTurn { .. })
        ),
        "before any cryptography"
    );
    // Messages go on meanwhile.
    w.say(&conversation, a, 1, 1).await;
    w.win(&mut conversation, b, &[], &[]).await;
    // Used, it is over at once; the one that waited has lost that epoch, and its next commit is let through.
    assert!(matches!(refused(w.accept(a, waits).await), Refusal::EpochTaken { .. }));
    w.win(&mut conversation, a, &[], &[]).await;
}

pub async fn p3_10_a_turn_ends_and_is_not_given_again_soon(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    for turn in [false, false, true] {
        assert_eq!(lose(w, &mut conversation, b, a).await, turn);
    }
    w.pass(TURN_MS);
    for _ in 0..4 {
        assert!(!lose(w, &mut conversation, b, a).await, "it has left one unused");
    }
    w.pass(TURN_PAUSE_MS);
    assert!(lose(w, &mut conversation, b, a).await);
    w.win(&mut conversation, b, &[], &[]).await;
    for turn in [false, false, true] {
        assert_eq!(
            lose(w, &mut conversation, b, a).await,
            turn,
            "one that was used is no reason to wait"
        );
    }
}

pub async fn p3_10_a_duty_is_one_members_for_thirty_seconds(w: &World) {
    let (a, b, stranger) = (w.device().await, w.device().await, w.device().await);
    let conversation = w.create(a, &[b]).await;
    let ask = async |device, incarnation, duty| {
        let asked = DutyAsked {
            conversation: conversation.id,
            incarnation,
            duty,
        };
        w.storage.offer_duty(&w.tenant, device, asked, w.now()).await.unwrap()
    };
    let offered = |yours, for_ms| DutyOutcome::Offered { yours, for_ms };
    assert_eq!(ask(a, 1, Duty::RemovePending).await, offered(true, DUTY_MS));
    w.pass(10_000);
    assert_eq!(ask(b, 1, Duty::RemovePending).await, offered(false, DUTY_MS - 10_000));
    assert_eq!(ask(a, 1, Duty::RemovePending).await, offered(true, DUTY_MS - 10_000));
    assert_eq!(ask(b, 1, Duty::AddDevice).await, offered(true, DUTY_MS), "another duty");
    w.pass(DUTY_MS - 10_000);
    assert_eq!(ask(b, 1, Duty::RemovePending).await, offered(true, DUTY_MS));
    assert_eq!(
        ask(stranger, 1, Duty::RemovePending).await,
        DutyOutcome::Refused(Refusal::NotAMember)
    );
    assert_eq!(
        ask(a, 2, Duty::RemovePending).await,
        DutyOutcome::Refused(Refusal::IncarnationChanged)
    );
    // What has ended is swept.
    w.pass(DUTY_MS + 1);
    assert!(w.storage.sweep(0, w.now()).await.unwrap().removed >= 2);
}
