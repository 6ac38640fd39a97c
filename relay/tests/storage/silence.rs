//! Leaves of devices that were silent for long: marked, removed, their users members without a leaf (rule 6.3).

use curo_relay::storage::{DeviceRef, EntriesOutcome, GroupInfoOutcome, NewCommit, Refusal, Silence, SilentMarked};
use curo_types::api::{InboxItem, PendingReason};
use curo_types::{ConversationId, DeviceId, UserId};

use crate::world::{Conversation, HOUR_MS, World, accepted, refused};

const MONTH: u64 = 30 * 24 * HOUR_MS;

/// Time goes by; only these devices are seen at its end.
async fn away(w: &World, seen: &[DeviceRef]) {
    w.pass(MONTH + HOUR_MS);
    for device in seen {
        w.storage.touch_device(&w.tenant, device.device, w.now()).await.unwrap();
    }
}

fn month(spared: &[UserId]) -> Silence {
    Silence {
        for_ms: MONTH,
        spared: spared.to_vec(),
    }
}

async fn mark(w: &World) -> u64 {
    let (mut marked, mut after) = (0, None);
    loop {
        let page = w
            .storage
            .mark_silent(&w.tenant, &month(&[]), after, w.now())
            .await
            .unwrap();
        marked += page.marked;
        after = page.next;
        if after.is_none() {
            return marked;
        }
    }
}

fn pending(refusal: Refusal) -> Vec<(DeviceId, PendingReason)> {
    match refusal {
        Refusal::RemovalPending(pending) => pending.into_iter().map(|one| (one.device, one.reason)).collect(),
        other => panic!("{other:?}"),
    }
}

async fn removal(w: &World, talk: &Conversation, by: DeviceRef, removed: &[DeviceRef]) -> NewCommit {
    let mut commit = World::commit(talk, by, w.version().await, &[], removed);
    commit.dormant = removed.iter().map(|device| device.device).collect();
    commit
}

async fn rejoin(w: &World, talk: &Conversation, device: DeviceRef) -> NewCommit {
    let mut commit = World::commit(talk, device, w.version().await, &[device], &[]);
    commit.key.external = true;
    commit.welcome = None;
    commit
}

async fn letting_go(w: &World, talk: &Conversation, by: DeviceRef, user: UserId) -> NewCommit {
    let mut commit = World::commit(talk, by, w.version().await, &[], &[]);
    commit.gone = vec![user];
    commit
}

async fn may_come_in(w: &World, talk: &Conversation, device: DeviceRef) -> bool {
    let outcome = w.storage.group_info(&w.tenant, device, talk.id).await.unwrap();
    match outcome {
        GroupInfoOutcome::Current(_) => true,
        GroupInfoOutcome::Removed | GroupInfoOutcome::NotAMember => false,
        GroupInfoOutcome::Missing => panic!("{outcome:?}"),
    }
}

pub async fn p6_3_a_silent_leaf_goes_and_its_user_comes_back(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut talk = w.create(a, &[b]).await;
    w.say(&talk, b, 1, 2).await;
    let token = w.sync(b, None, 0).await.token.to_string();
    assert_eq!(mark(w).await, 0, "nobody was silent");
    away(w, &[a]).await;
    assert_eq!(mark(w).await, 1);
    assert_eq!(mark(w).await, 0, "once");

    // Nothing else is accepted first.
    let outcome = w.append(&talk, a, vec![World::message(&talk, 1)]).await;
    assert_eq!(pending(outcome.refused.unwrap()), [(b.device, PendingReason::Silent)]);
    let commit = removal(w, &talk, a, &[b]).await;
    let removed = accepted(w.accept(a, commit).await).accepted.seq;
    talk.epoch += 1;
    w.say(&talk, a, 1, 1).await;

    // The device is served up to its removal, and is told of it by nothing else.
    assert_eq!(w.entries(b, &talk, 0).await.last().unwrap().seq, removed);
    let page = w.sync(b, Some(&token), 1).await;
    assert!(page.inbox.is_empty(), "{page:?}");
    let outcome = w.storage.entries(&w.tenant, b, talk.id, 1, removed, 512).await.unwrap();
    assert_eq!(outcome, EntriesOutcome::Removed);
    let posted = w.append(&talk, b, vec![World::message(&talk, 3)]).await;
    assert_eq!(posted.refused, Some(Refusal::Removed));

    // It comes in from outside, and its counter goes on.
    assert!(may_come_in(w, &talk, b).await);
    let commit = rejoin(w, &talk, b).await;
    let back = accepted(w.accept(b, commit).await).accepted.seq;
    talk.epoch += 1;
    w.say(&talk, b, 3, 1).await;
    // Its own commit is the first thing that it reads then.
    let seqs: Vec<_> = w
        .entries(b, &talk, removed)
        .await
        .iter()
        .map(|entry| entry.seq)
        .collect();
    assert_eq!(seqs, [back, back + 1]);
    let synced = w.sync(b, Some(&token), 1).await.conversations;
    let synced: Vec<_> = synced[0].entries.iter().map(|entry| entry.seq).collect();
    assert_eq!(synced, [removed, back, back + 1]);
    // Removed as anybody is, it does not come back any more.
    w.win(&mut talk, a, &[], &[b]).await;
    assert!(!may_come_in(w, &talk, b).await);
    let commit = rejoin(w, &talk, b).await;
    assert_eq!(refused(w.accept(b, commit).await), Refusal::Removed);
}

pub async fn p6_3_who_comes_back_in_time_stays(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let talk = w.create(a, &[b, c]).await;
    away(w, &[a]).await;
    assert_eq!(mark(w).await, 2);
    let made = removal(w, &talk, a, &[b, c]).await;
    w.storage.touch_device(&w.tenant, b.device, w.now()).await.unwrap();
    // The commit was on its way: it says something that is true no longer.
    assert_eq!(
        pending(refused(w.accept(a, made).await)),
        [(c.device, PendingReason::Silent)]
    );
    assert_eq!(mark(w).await, 0);
    let made = removal(w, &talk, a, &[c]).await;
    accepted(w.accept(a, made).await);
    let outcome = w.storage.entries(&w.tenant, b, talk.id, 1, 1, 512).await.unwrap();
    assert!(matches!(outcome, EntriesOutcome::Page { .. }), "{outcome:?}");
}

pub async fn p6_3_nobody_calls_a_device_silent_that_is_not(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let talk = w.create(a, &[b, c]).await;
    let live = removal(w, &talk, a, &[b]).await;
    assert_eq!(pending(refused(w.accept(a, live).await)), []);
    // Named, but not removed; let go, but with a leaf; from outside.
    let mut named = World::commit(&talk, a, w.version().await, &[], &[]);
    named.dormant = vec![b.device];
    assert_eq!(refused(w.accept(a, named).await), Refusal::Rule("dormant"));
    let gone = letting_go(w, &talk, a, b.user).await;
    assert_eq!(refused(w.accept(a, gone).await), Refusal::Rule("gone"));
    let mut outside = rejoin(w, &talk, b).await;
    outside.added.clear();
    outside.gone = vec![c.user];
    assert_eq!(refused(w.accept(b, outside).await), Refusal::Rule("dormant"));
}

pub async fn p6_3_a_dormant_user_who_is_let_go_stays_out(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut talk = w.create(a, &[b]).await;
    away(w, &[a]).await;
    mark(w).await;
    let made = removal(w, &talk, a, &[b]).await;
    accepted(w.accept(a, made).await);
    talk.epoch += 1;
    let gone = letting_go(w, &talk, a, b.user).await;
    accepted(w.accept(a, gone).await);
    talk.epoch += 1;
    assert!(!may_come_in(w, &talk, b).await);
    let commit = rejoin(w, &talk, b).await;
    assert_eq!(refused(w.accept(b, commit).await), Refusal::Removed);
    // Asked back, the user is in as anybody.
    w.win(&mut talk, a, &[b], &[]).await;
    assert!(may_come_in(w, &talk, b).await);
}

pub async fn p6_3_a_user_stays_by_silence_alone(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let b2 = w.device_of(b.user).await;
    let mut talk = w.create(a, &[b, b2]).await;
    away(w, &[a, b2]).await;
    assert_eq!(mark(w).await, 1);
    // The user is removed, the silent device too.
    let mut commit = removal(w, &talk, a, &[b]).await;
    commit.removed.push(b2.device);
    accepted(w.accept(a, commit).await);
    talk.epoch += 1;
    assert!(!may_come_in(w, &talk, b).await && !may_come_in(w, &talk, b2).await);
}

pub async fn p6_3_one_that_was_revoked_is_not_silent(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let talk = w.create(a, &[b]).await;
    away(w, &[a]).await;
    mark(w).await;
    w.revoke(b).await;
    let outcome = w.append(&talk, a, vec![World::message(&talk, 1)]).await;
    assert_eq!(pending(outcome.refused.unwrap()), [(b.device, PendingReason::Revoked)]);
}

pub async fn p6_3_who_must_be_in_every_conversation_keeps_their_leaves(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    w.create(a, &[b, c]).await;
    away(w, &[a]).await;
    let silence = month(&[b.user]);
    let page = w.storage.mark_silent(&w.tenant, &silence, None, w.now()).await.unwrap();
    assert_eq!(page.marked, 1);
    assert_eq!(mark(w).await, 1, "without such a policy");
}

pub async fn p6_3_nobody_was_silent_while_the_relay_was_away(w: &World) {
    let note = async |all_along| w.storage.note_present(all_along, w.now()).await.unwrap();
    let (a, b) = (w.device().await, w.device().await);
    w.create(a, &[b]).await;
    note(false).await;
    // Stopped, or restored from an old backup: nobody could call.
    w.pass(2 * MONTH);
    note(false).await;
    assert_eq!(mark(w).await, 0);
    // A month of its presence makes silence, and what it knows to have been there for counts.
    w.pass(MONTH - HOUR_MS);
    note(true).await;
    assert_eq!(mark(w).await, 0);
    // So does what is too short to be told from a pause of its own.
    w.pass(HOUR_MS - 1);
    note(false).await;
    w.pass(HOUR_MS - 1);
    note(false).await;
    assert_eq!(mark(w).await, 2);
}

pub async fn p6_3_p6_4_a_new_device_of_a_dormant_user_is_told_where_to_come_in(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let talk = w.create(a, &[b]).await;
    away(w, &[a]).await;
    mark(w).await;
    let made = removal(w, &talk, a, &[b]).await;
    accepted(w.accept(a, made).await);
    // A member no more: nothing to come into.
    let mut left = w.create(a, &[b]).await;
    w.win(&mut left, a, &[], &[b]).await;
    let phone = w.device_of(b.user).await;
    w.upload(phone, &["one"], None).await;
    let told: Vec<_> = w
        .sync(phone, None, 0)
        .await
        .inbox
        .into_iter()
        .map(|one| one.item)
        .collect();
    let id = talk.id;
    let here = |conversation: ConversationId| conversation == id;
    assert!(
        matches!(
            told.as_slice(),
            [
                InboxItem::Waiting { conversation: first, .. },
                InboxItem::Incarnation { conversation: second, incarnation: 1 },
            ] if here(*first) && here(*second)
        ),
        "{told:?}"
    );
    assert!(may_come_in(w, &talk, phone).await);
    let now = Conversation { epoch: 2, ..talk };
    let commit = rejoin(w, &now, phone).await;
    accepted(w.accept(phone, commit).await);
}

pub async fn p6_3_no_more_wait_than_a_commit_can_name(w: &World) {
    let (a, mut others) = (w.device().await, Vec::new());
    for _ in 0..70 {
        others.push(w.device().await);
    }
    let talk = w.create(a, &others).await;
    away(w, &[a]).await;
    assert_eq!(mark(w).await, 24);
    let outcome = w.append(&talk, a, vec![World::message(&talk, 1)]).await;
    let named = pending(outcome.refused.unwrap());
    let first: Vec<_> = others
        .iter()
        .filter(|one| named.iter().any(|(device, _)| *device == one.device))
        .copied()
        .collect();
    let made = removal(w, &talk, a, &first).await;
    accepted(w.accept(a, made).await);
    assert_eq!(mark(w).await, 24);
    // A page of another tenant holds nothing of this one.
    let elsewhere = curo_types::TenantId::new("elsewhere").unwrap();
    let always = Silence::default();
    let none = w.storage.mark_silent(&elsewhere, &always, None, w.now()).await.unwrap();
    assert_eq!(none, SilentMarked::default());
}
