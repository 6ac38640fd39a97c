//! Leaving, revocation and what must be removed before anything else is accepted; new devices of a user.

use curo_relay::storage::{DeviceRef, EntriesOutcome, LeaveOutcome, NewLeave, Refusal, TreeOutcome};
use curo_types::IntentId;
use curo_types::api::{InboxItem, PendingReason};

use crate::world::{Conversation, World, accepted, intent, refused, welcome_seq};

fn request(conversation: &Conversation, seq: u64) -> NewLeave {
    let intent = IntentId::random();
    NewLeave {
        conversation: conversation.id,
        incarnation: 1,
        intent,
        seq,
        request: [b"leave".as_slice(), &intent.0].concat(),
    }
}

async fn leave(w: &World, device: DeviceRef, leave: &NewLeave) -> LeaveOutcome {
    w.storage
        .leave(&w.tenant, device, leave.clone(), w.now())
        .await
        .unwrap()
}

fn pending(refusal: Refusal) -> Vec<(curo_types::DeviceId, PendingReason)> {
    match refusal {
        Refusal::RemovalPending(pending) => pending.into_iter().map(|one| (one.device, one.reason)).collect(),
        other => panic!("{other:?}"),
    }
}

pub async fn p6_1_nothing_is_accepted_until_those_who_left_are_removed(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let b2 = w.device_of(b.user).await;
    let c = w.device().await;
    let mut talk = w.create(a, &[b, b2, c]).await;
    w.say(&talk, a, 1, 1).await;
    let asked = request(&talk, 2);
    let outcome = leave(w, b, &asked).await;
    let LeaveOutcome::Left { closed: false, wake } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(wake, [b2.device]);

    // Posting by anybody waits, and says for what.
    let message = World::message(&talk, 2);
    let outcome = w.append(&talk, a, vec![message.clone()]).await;
    let mut named = pending(outcome.refused.unwrap());
    named.sort_unstable();
    let mut expected = [(b.device, PendingReason::Left), (b2.device, PendingReason::Left)];
    expected.sort_unstable();
    assert_eq!(named, expected);
    // A commit that removes only one of two is refused too; one that removes both wins.
    for removed in [&[][..], &[b][..], &[c][..]] {
        let commit = World::commit(&talk, a, w.version().await, &[], removed);
        assert_eq!(pending(refused(w.accept(a, commit).await)).len(), 2);
    }
    let entry = w.win(&mut talk, a, &[], &[b, b2]).await;
    assert!(!entry.wake.contains(&c.device) || entry.wake.contains(&a.device));
    let message = World::message(&talk, 2);
    assert_eq!(w.append(&talk, a, vec![message]).await.refused, None);

    // Members are served the request with the commit that carried it out, and with no other entry.
    let entries = w.entries(c, &talk, 1).await;
    let with: Vec<_> = entries.iter().filter(|entry| !entry.leaves.is_empty()).collect();
    assert_eq!(with.len(), 1);
    assert_eq!(
        (with[0].seq, &with[0].leaves[0].0),
        (entry.accepted.seq, &asked.request)
    );
    let page = w.sync(c, None, 0).await;
    let synced = page.conversations[0].entries.iter().flat_map(|entry| &entry.leaves);
    assert_eq!(synced.count(), 1);
}

pub async fn p6_2_one_that_left_gets_nothing_more(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let b2 = w.device_of(b.user).await;
    let mut talk = w.create(a, &[b, b2]).await;
    w.say(&talk, a, 1, 3).await;
    let token = w.sync(b, None, 0).await.token.to_string();
    leave(w, b, &request(&talk, 1)).await;

    for device in [b, b2] {
        let page = w.sync(device, None, 0).await;
        assert!(page.conversations.is_empty() && page.cursors.is_empty(), "{page:?}");
        let outcome = w.storage.entries(&w.tenant, device, talk.id, 1, 0, 512).await.unwrap();
        assert_eq!(outcome, EntriesOutcome::Removed);
        let outcome = w.append(&talk, device, vec![World::message(&talk, 1)]).await;
        assert_eq!(outcome.refused, Some(Refusal::Removed));
        let commit = World::commit(&talk, device, w.version().await, &[], &[]);
        assert_eq!(refused(w.accept(device, commit).await), Refusal::Removed);
        let again = leave(w, device, &request(&talk, 1)).await;
        assert_eq!(again, LeaveOutcome::Refused(Refusal::Removed));
    }
    // The Welcome that the other device had not dealt with is gone, and with it the tree; instead it is told.
    let inbox = w.sync(b2, None, 0).await.inbox;
    assert!(
        matches!(&inbox[..], [one] if matches!(one.item, InboxItem::Left { conversation, .. } if conversation == talk.id)),
        "{inbox:?}"
    );
    let tree = w.storage.tree(&w.tenant, b2, talk.id, &[1]).await.unwrap();
    assert_eq!(tree, TreeOutcome::NotFound);
    // Nothing of the removal reaches them either.
    w.win(&mut talk, a, &[], &[b, b2]).await;
    let page = w.sync(b, Some(&token), 1).await;
    assert!(page.conversations.is_empty() && page.inbox.is_empty(), "{page:?}");

    // Added again, the device is served what follows, and nothing of before.
    let back = w.win(&mut talk, a, &[b], &[]).await;
    assert_eq!(
        welcome_seq(&w.sync(b, Some(&token), 1).await.inbox[0].item),
        back.accepted.seq
    );
    w.say(&talk, a, 4, 1).await;
    let seqs: Vec<_> = w.entries(b, &talk, 0).await.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, [back.accepted.seq + 1]);
    // A request from before the new membership is void.
    let old = leave(w, b, &request(&talk, 1)).await;
    assert_eq!(old, LeaveOutcome::Refused(Refusal::Rule("leave_seq")));
}

pub async fn p6_1_the_same_request_again_gets_the_same_answer(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let mut talk = w.create(a, &[b]).await;
    let asked = request(&talk, 1);
    leave(w, b, &asked).await;
    let again = LeaveOutcome::Left {
        closed: false,
        wake: Vec::new(),
    };
    assert_eq!(leave(w, b, &asked).await, again);
    let mut other = asked.clone();
    other.request.push(0);
    assert_eq!(leave(w, b, &other).await, LeaveOutcome::Refused(Refusal::IntentReused));
    // After a return too: it must not take its user out again.
    w.win(&mut talk, a, &[], &[b]).await;
    let back = w.win(&mut talk, a, &[b], &[]).await;
    assert_eq!(leave(w, b, &asked).await, again);
    w.say(&talk, b, 1, 1).await;

    let stranger = leave(w, c, &request(&talk, 1)).await;
    assert_eq!(stranger, LeaveOutcome::Refused(Refusal::NotAMember));
    let ahead = leave(w, b, &request(&talk, back.accepted.seq + 9)).await;
    assert_eq!(ahead, LeaveOutcome::Refused(Refusal::StoreChanged));
    let mut later = request(&talk, back.accepted.seq);
    later.incarnation = 2;
    let later = leave(w, b, &later).await;
    assert_eq!(later, LeaveOutcome::Refused(Refusal::IncarnationChanged));
}

pub async fn p6_1_a_revoked_device_must_be_removed_first(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let b2 = w.device_of(b.user).await;
    let (mut here, elsewhere) = (w.create(a, &[b, b2]).await, w.create(a, &[b2]).await);
    w.revoke(b).await;
    let outcome = w.append(&here, b2, vec![World::message(&here, 1)]).await;
    let Some(Refusal::RemovalPending(named)) = outcome.refused else {
        panic!("{outcome:?}")
    };
    assert_eq!((named[0].device, named[0].reason), (b.device, PendingReason::Revoked));
    assert_eq!((named[0].version, &named[0].leave), (Some(w.version().await), &None));
    // Where it has no leaf, nobody waits.
    w.say(&elsewhere, b2, 1, 1).await;
    w.win(&mut here, b2, &[], &[b]).await;
    w.say(&here, a, 1, 1).await;
    // Nothing is left to say about the removal.
    assert!(w.entries(a, &here, 0).await.iter().all(|entry| entry.leaves.is_empty()));
}

pub async fn p6_6_the_last_one_closes(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let talk = w.create(a, &[b]).await;
    let first = leave(w, b, &request(&talk, 1)).await;
    assert!(matches!(first, LeaveOutcome::Left { closed: false, .. }));
    let asked = request(&talk, 1);
    let last = leave(w, a, &asked).await;
    assert!(matches!(last, LeaveOutcome::Left { closed: true, .. }));
    assert_eq!(leave(w, a, &asked).await, last);
    for device in [a, b] {
        let outcome = w.append(&talk, device, vec![World::message(&talk, 1)]).await;
        assert_eq!(outcome.refused, Some(Refusal::Removed));
    }
    let mut again = World::commit(&talk, a, w.version().await, &[b], &[]);
    again.key.epoch = 0;
    let outcome = w.try_create(&talk, a, again).await;
    assert_eq!(refused(outcome), Refusal::IncarnationChanged);
}

pub async fn p3_1_the_intent_of_a_sender_that_left_is_still_known(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let talk = w.create(a, &[b]).await;
    let mut message = World::message(&talk, 1);
    message.intent = intent(7);
    let first = w.append(&talk, b, vec![message.clone()]).await;
    w.say(&talk, a, 1, 2).await;
    leave(w, b, &request(&talk, 1)).await;
    w.storage.sync(&w.tenant, b, None, 0, w.now()).await.unwrap();
    let again = w.append(&talk, b, vec![message]).await;
    assert!(again.accepted[0].duplicate);
    assert_eq!(again.accepted[0].seq, first.accepted[0].seq);
    // The tip that comes with it is that of the moment of leaving, whatever comes later.
    assert_eq!(again.tip.unwrap().seq, 4);
}

pub async fn p6_4_a_new_device_is_announced_once_with_its_first_key_packages(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let talk = w.create(a, &[b]).await;
    let left = w.create(a, &[b]).await;
    leave(w, b, &request(&left, 1)).await;
    let gone = w.device_of(b.user).await;
    w.revoke(gone).await;
    let new = w.device_of(b.user).await;
    assert!(w.sync(b, None, 2).await.inbox.is_empty());
    w.upload(new, &["one"], None).await;
    w.upload(new, &["two"], None).await;
    let inbox = w.sync(b, None, 2).await.inbox;
    let version = w.version().await;
    assert!(
        matches!(&inbox[..], [one] if one.item == InboxItem::Device { device: new.device, version }),
        "{inbox:?}"
    );
    // It is told where it will be: not where its user has left.
    let waits: Vec<_> = w
        .sync(new, None, 0)
        .await
        .inbox
        .into_iter()
        .map(|one| one.item)
        .collect();
    let expected = InboxItem::Waiting {
        conversation: talk.id,
        incarnation: 1,
    };
    assert_eq!(waits, [expected]);
    // The first device of a user has nobody to tell.
    let alone = w.device().await;
    w.upload(alone, &[], Some("last")).await;
    assert!(w.sync(alone, None, 0).await.inbox.is_empty());
}

pub async fn p6_1_leaving_and_removal_by_others_race_harmlessly(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let mut talk = w.create(a, &[b, c]).await;
    let commit = World::commit(&talk, a, w.version().await, &[], &[b]);
    let asked = request(&talk, 1);
    let (removed, left) = tokio::join!(w.accept(a, commit), leave(w, b, &asked));
    accepted(removed);
    talk.epoch += 1;
    assert!(matches!(
        left,
        LeaveOutcome::Left { .. } | LeaveOutcome::Refused(Refusal::Removed)
    ));
    w.say(&talk, c, 1, 1).await;
}
