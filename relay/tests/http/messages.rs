//! Appending messages: rules 3.1, 3.2 and 3.3.

use curo_mls::CommitPlan;
use curo_types::{Blob, ErrorCode, IntentId};

use crate::device::pair;
use crate::world::World;

#[tokio::test]
async fn p3_1_the_same_bytes_again_are_a_duplicate_and_other_bytes_are_not() {
    let world = World::start().await;
    let (mut anna, _, talk, _) = pair(&world).await;
    let (one, two) = (IntentId::random(), IntentId::random());
    let first = anna.encrypt(talk, one, 1, "first");
    let second = anna.encrypt(talk, two, 2, "second");
    let sent = anna.send(&world, talk, vec![first.clone()]).await.unwrap();
    // As after an answer that was lost: the first again, with what was queued behind it.
    let again = anna.send(&world, talk, vec![first.clone(), second]).await.unwrap();
    assert_eq!(
        again.accepted.iter().map(|a| (a.seq, a.duplicate)).collect::<Vec<_>>(),
        [(2, true), (3, false)]
    );
    assert_eq!(
        (again.accepted[0].h, again.accepted[0].time_ms),
        (sent.accepted[0].h, sent.accepted[0].time_ms)
    );
    assert_eq!(again.tip.seq, 3);
    let other = anna.encrypt(talk, one, 3, "not the first");
    assert_eq!(
        anna.send(&world, talk, vec![other]).await.unwrap_err().code,
        ErrorCode::INTENT_REUSED
    );
}

#[tokio::test]
async fn p3_3_a_message_of_an_ended_epoch_is_refused_with_what_was_missed() {
    let world = World::start().await;
    let (mut anna, mut ben, talk, cursor) = pair(&world).await;
    let stale = ben.encrypt_at(talk, IntentId::random(), 1, Some(cursor), "too late");
    let version = anna.version(&world).await;
    let commit = anna.make_commit(talk, CommitPlan::default(), version, Some(cursor));
    anna.commit(&world, talk, commit.bundle).await.unwrap();
    anna.apply_own(talk);
    let fresh = anna.encrypt(talk, IntentId::random(), 1, "in time");
    anna.send(&world, talk, vec![fresh]).await.unwrap();

    let problem = ben.send(&world, talk, vec![stale]).await.unwrap_err();
    assert_eq!(problem.code, ErrorCode::STALE_EPOCH);
    let seqs: Vec<_> = problem.missing.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, [2, 3], "all after the cursor that the message names");
    assert_eq!(
        problem.missing[0].expected_hash(&ben.tenant, talk.id, cursor.h),
        problem.missing[0].h
    );
    let tip = problem.tip.unwrap();
    tip.verify(&ben.session.log_key.log_key).unwrap();
    assert_eq!((tip.seq, tip.h), (3, problem.missing[1].h));
    ben.process(talk, &problem.missing[0].body.0);
    assert_eq!(ben.read(talk, &problem.missing[1].body.0), "in time");
}

#[tokio::test]
async fn p3_3_counters_leave_no_gap_and_a_batch_is_accepted_as_a_prefix() {
    let world = World::start().await;
    let (mut anna, _, talk, _) = pair(&world).await;
    let gap = anna.encrypt(talk, IntentId::random(), 2, "from nowhere");
    assert_eq!(
        anna.send(&world, talk, vec![gap]).await.unwrap_err().code,
        ErrorCode::STALE_COUNTER
    );
    let good = anna.encrypt(talk, IntentId::random(), 1, "one");
    let bad = anna.encrypt(talk, IntentId::random(), 3, "three");
    let never = anna.encrypt(talk, IntentId::random(), 2, "two, behind a refusal");
    let accepted = anna.send(&world, talk, vec![good, bad, never]).await.unwrap();
    assert_eq!(accepted.accepted.len(), 1);
    let next = anna.encrypt(talk, IntentId::random(), 2, "two");
    let accepted = anna.send(&world, talk, vec![next, Blob(vec![0; 10])]).await.unwrap();
    assert_eq!(
        accepted.accepted.iter().map(|a| a.seq).collect::<Vec<_>>(),
        [3],
        "3.2: contiguous, and the garbage is cut"
    );
}

#[tokio::test]
async fn p3_3_only_encrypted_content_of_this_group_is_taken() {
    let world = World::start().await;
    let (mut anna, _, talk, _) = pair(&world).await;
    let version = anna.version(&world).await;
    let mut carl = crate::device::Device::new(&world, "carl").await;
    carl.upload(&world, 2).await.unwrap();
    let elsewhere = anna.open(&world, &[carl.user()]).await;
    let foreign = anna.encrypt(elsewhere, IntentId::random(), 1, "of another group");
    let refused = anna.send(&world, talk, vec![foreign]).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::REFUSED);
    let commit = anna.make_commit(talk, CommitPlan::default(), version, None);
    let refused = anna.send(&world, talk, vec![commit.bundle.commit]).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::REFUSED, "a commit is no message");
    let refused = anna
        .send(&world, talk, vec![Blob(b"hello".to_vec())])
        .await
        .unwrap_err();
    assert_eq!(refused.code, ErrorCode::MALFORMED);
    assert_eq!(
        anna.send(&world, talk, vec![]).await.unwrap_err().code,
        ErrorCode::MALFORMED
    );
    let many = vec![Blob(vec![1]); 257];
    assert_eq!(
        anna.send(&world, talk, many).await.unwrap_err().code,
        ErrorCode::TOO_LARGE
    );
    let big = vec![Blob(vec![1; 1024 * 1024 + 64 * 1024 + 1])];
    assert_eq!(
        anna.send(&world, talk, big).await.unwrap_err().code,
        ErrorCode::TOO_LARGE
    );
}
