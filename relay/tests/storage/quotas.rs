//! What a tenant may have at most, and what is counted.

use curo_relay::Quota;
use curo_relay::storage::{DirectoryOutcome, LeaveOutcome, NewLeave, Refusal, Usage};
use curo_types::{IntentId, TenantId};

use crate::world::{World, accepted, refused};

async fn usage(w: &World) -> Usage {
    w.storage.usage(&w.tenant).await.unwrap()
}

async fn allow(w: &World, quota: Quota) {
    w.storage.set_quota(&w.tenant, quota).await.unwrap();
}

pub async fn a_tenant_has_no_more_than_it_may(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let quota = Quota {
        conversations: Some(1),
        devices: Some(2),
        stored_bytes: None,
    };
    allow(w, quota).await;
    let third = curo_relay::storage::DeviceRef {
        user: curo_types::UserId::random(),
        device: curo_types::DeviceId::random(),
    };
    let addition = World::addition(third);
    assert_eq!(w.change(vec![addition.clone()]).await, DirectoryOutcome::QuotaExceeded);
    assert_eq!(w.storage.devices(&w.tenant, third.user).await.unwrap(), []);
    // Another tenant is another matter.
    let other = TenantId::new("st-luke").unwrap();
    assert_eq!(w.storage.usage(&other).await.unwrap(), Usage::default());

    let mut talk = w.create(a, &[b]).await;
    let more = w.new_conversation();
    let commit = World::commit(&more, a, w.version().await, &[b], &[]);
    let outcome = w.try_create(&more, a, commit.clone()).await;
    assert_eq!(refused(outcome), Refusal::Quota("conversations"));
    // What is there goes on.
    w.say(&talk, a, 1, 1).await;

    // A revoked device makes room, and a conversation that all have left.
    w.revoke(b).await;
    assert!(matches!(w.change(vec![addition]).await, DirectoryOutcome::Accepted(_)));
    w.win(&mut talk, a, &[], &[b]).await;
    let intent = IntentId::random();
    let leave = NewLeave {
        conversation: talk.id,
        incarnation: 1,
        intent,
        seq: 1,
        request: intent.0.to_vec(),
    };
    let outcome = w.storage.leave(&w.tenant, a, leave, w.now()).await.unwrap();
    assert!(
        matches!(outcome, LeaveOutcome::Left { closed: true, .. }),
        "{outcome:?}"
    );
    let counted = usage(w).await;
    assert_eq!((counted.conversations, counted.devices), (0, 2));
    let commit = World::commit(&more, a, w.version().await, &[third], &[]);
    accepted(w.try_create(&more, a, commit).await);
    assert_eq!(usage(w).await.conversations, 1);
}

pub async fn messages_are_refused_where_there_is_no_room_and_commits_are_not(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut talk = w.create(a, &[b]).await;
    let stored = usage(w).await.stored_bytes;
    let message = World::message(&talk, 1);
    let size = u64::try_from(message.body.len()).unwrap();
    let bytes = |most| Quota {
        stored_bytes: Some(most),
        ..Quota::default()
    };
    // Room for one of two: a prefix is accepted.
    allow(w, bytes(stored + size)).await;
    let outcome = w
        .append(&talk, a, vec![message.clone(), World::message(&talk, 2)])
        .await;
    assert_eq!(outcome.accepted.len(), 1);
    assert_eq!(outcome.refused, Some(Refusal::Quota("stored_bytes")));
    assert_eq!(usage(w).await.stored_bytes, stored + size);
    // A repetition is no message more.
    let again = w.append(&talk, a, vec![message]).await;
    assert!(again.refused.is_none() && again.accepted[0].duplicate);
    // Nobody begins anew without room, but people can be removed.
    let more = w.new_conversation();
    let commit = World::commit(&more, a, w.version().await, &[b], &[]);
    assert_eq!(
        refused(w.try_create(&more, a, commit).await),
        Refusal::Quota("stored_bytes")
    );
    w.win(&mut talk, a, &[], &[b]).await;
    assert!(usage(w).await.stored_bytes > stored + size);
    // With more room it goes on.
    allow(w, Quota::default()).await;
    w.say(&talk, a, 2, 1).await;
    // Dropped bodies make room.
    let before = usage(w).await.stored_bytes;
    w.pass(1_000);
    let dropped = w.storage.drop_bodies(&w.tenant, w.now()).await.unwrap();
    assert!(dropped.dropped > 0 && usage(w).await.stored_bytes < before);
}
