//! Lost entries: appended where they stood, once, by whoever is faster; refused where the log says otherwise (7.2).

use curo_relay::storage::{
    DeviceRef, Refusal, Replay, ReplayCheck, ReplayKey, ReplayOutcome, ReplayedCommit, ReplayedEntry, ReplayedStart,
    ReplayedState,
};
use curo_types::api::EntryRecord;
use curo_types::format::EntryKind;
use curo_types::{Blob, Digest};

use crate::world::{Conversation, SUITE, World, intent};

fn entry(
    w: &World,
    c: &Conversation,
    sender: DeviceRef,
    before: (u64, Digest),
    epoch: u64,
    counter: u64,
) -> ReplayedEntry {
    let mut record = EntryRecord {
        incarnation: 1,
        seq: before.0 + 1,
        kind: EntryKind::Message,
        epoch,
        sender: sender.device,
        intent: intent(100 + u8::try_from(counter).unwrap()),
        directory_version: None,
        time_ms: 77,
        body: Blob(format!("lost {counter}").into_bytes()),
        h: Digest::ZERO,
        leaves: Vec::new(),
    };
    record.h = record.expected_hash(&w.tenant, c.id, before.1);
    ReplayedEntry {
        record,
        counter: Some(counter),
        commit: None,
    }
}

fn commit(
    w: &World,
    c: &Conversation,
    sender: DeviceRef,
    before: (u64, Digest),
    epoch: u64,
    added: &[DeviceRef],
    removed: &[DeviceRef],
) -> ReplayedEntry {
    let mut made = entry(
        w,
        c,
        sender,
        before,
        epoch,
        u64::from(20 + u8::try_from(before.0).unwrap()),
    );
    made.record.kind = EntryKind::Commit;
    made.record.directory_version = Some(1);
    made.record.h = made.record.expected_hash(&w.tenant, c.id, before.1);
    made.counter = None;
    made.commit = Some(ReplayedCommit {
        added: added.to_vec(),
        external: false,
        removed: removed.iter().map(|device| device.device).collect(),
        dormant: Vec::new(),
        gone: Vec::new(),
        leaves: Vec::new(),
    });
    made
}

fn state(epoch: u64, info: Option<&str>) -> Option<ReplayedState> {
    Some(ReplayedState {
        epoch,
        follower: b"follower".to_vec(),
        group_info: info.map(|info| info.as_bytes().to_vec()),
        tree: b"tree".to_vec(),
        tree_hash: format!("replayed {epoch}").into_bytes(),
    })
}

async fn offer(w: &World, by: DeviceRef, lost: &Replay) -> ReplayOutcome {
    w.storage.replay(&w.tenant, by, lost.clone(), w.now()).await.unwrap()
}

async fn check(w: &World, by: DeviceRef, c: &Conversation, after: u64, chain: &[Digest]) -> ReplayCheck {
    let key = ReplayKey {
        conversation: c.id,
        incarnation: 1,
        after,
        chain: chain.to_vec(),
        starts: false,
    };
    w.storage.check_replay(&w.tenant, by, key).await.unwrap()
}

pub async fn p7_2_lost_entries_are_appended_once_and_members_with_them(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let talk = w.create(a, &[b]).await;
    let base = w.entries(a, &talk, 0).await.pop().unwrap();
    let base = (base.seq, base.h);
    let first = entry(w, &talk, b, base, 1, 1);
    let second = commit(w, &talk, a, (2, first.record.h), 1, &[c], &[b]);
    let third = entry(w, &talk, c, (3, second.record.h), 2, 1);
    let chain = [base.1, first.record.h, second.record.h, third.record.h];
    let ReplayCheck::Open(open) = check(w, b, &talk, base.0, &chain).await else {
        panic!("not open")
    };
    assert_eq!((open.seq, open.h, open.group.unwrap().epoch), (base.0, base.1, 1));
    let lost = Replay {
        conversation: talk.id,
        incarnation: 1,
        base,
        entries: vec![first, second, third.clone()],
        state: state(2, None),
        start: None,
    };
    let ReplayOutcome::Appended { tip, wake } = offer(w, b, &lost).await else {
        panic!("not appended")
    };
    assert_eq!((tip.seq, tip.h), (4, third.record.h));
    assert!(wake.contains(&a.device) && wake.contains(&c.device) && !wake.contains(&b.device));
    assert_eq!(offer(w, b, &lost).await, ReplayOutcome::Moved);
    assert!(matches!(check(w, a, &talk, base.0, &chain).await, ReplayCheck::Known(tip) if tip.seq == 4));
    // As it stood: times too. The newcomer is a member, told so, and its counter goes on.
    let news = w.sync(c, None, 0).await;
    assert_eq!(news.conversations[0].entries[0], third.record);
    assert!(matches!(
        news.inbox[0].item,
        curo_types::api::InboxItem::Waiting { conversation, .. } if conversation == talk.id
    ));
    let removed = w.sync(b, None, 0).await;
    assert!(
        removed
            .inbox
            .iter()
            .any(|record| matches!(record.item, curo_types::api::InboxItem::Removed { seq: 3, .. }))
    );
    let later = Conversation {
        epoch: 2,
        ..talk.clone()
    };
    let said = w.say(&later, c, 2, 1).await;
    assert_eq!(said.accepted.len(), 1, "{said:?}");
    // Nobody comes from outside before somebody has brought the GroupInfo.
    let info = w.storage.group_info(&w.tenant, c, talk.id).await.unwrap();
    assert!(
        matches!(info, curo_relay::storage::GroupInfoOutcome::Missing),
        "{info:?}"
    );
    // The relay's log goes on: what parts from it is told.
    let chain = [base.1, Digest([7; 32])];
    assert_eq!(
        check(w, a, &talk, base.0, &chain).await,
        ReplayCheck::Refused(Refusal::LogDiverged)
    );
    let far = [Digest([7; 32]), Digest([8; 32])];
    assert_eq!(
        check(w, a, &talk, 40, &far).await,
        ReplayCheck::Refused(Refusal::Rule("replay_gap"))
    );
    let stranger = w.device().await;
    assert_eq!(
        check(w, stranger, &talk, base.0, &chain).await,
        ReplayCheck::Refused(Refusal::NotAMember)
    );
}

/// Who was dormant and who was let go is derived again (6.3).
pub async fn p7_2_p6_3_dormant_members_are_members_again(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let talk = w.create(a, &[b, c]).await;
    let base = w.entries(a, &talk, 0).await.pop().unwrap();
    let base = (base.seq, base.h);
    let naming = |mut made: ReplayedEntry, dormant: &[DeviceRef], gone: &[DeviceRef], external: bool| {
        let commit = made.commit.as_mut().unwrap();
        commit.dormant = dormant.iter().map(|device| device.device).collect();
        commit.gone = gone.iter().map(|device| device.user).collect();
        commit.external = external;
        made
    };
    let silent = naming(commit(w, &talk, a, base, 1, &[], &[b, c]), &[b, c], &[], false);
    let gone = naming(commit(w, &talk, a, (2, silent.record.h), 2, &[], &[]), &[], &[c], false);
    let lost = Replay {
        conversation: talk.id,
        incarnation: 1,
        base,
        entries: vec![silent.clone(), gone.clone()],
        state: state(3, Some("info")),
        start: None,
    };
    let outcome = offer(w, a, &lost).await;
    assert!(matches!(outcome, ReplayOutcome::Appended { .. }), "{outcome:?}");
    let info = async |device| w.storage.group_info(&w.tenant, device, talk.id).await.unwrap();
    let (dormant, let_go) = (info(b).await, info(c).await);
    assert!(
        matches!(dormant, curo_relay::storage::GroupInfoOutcome::Current(_)),
        "{dormant:?}"
    );
    assert!(
        matches!(let_go, curo_relay::storage::GroupInfoOutcome::Removed),
        "{let_go:?}"
    );
    // As it was told at first: not at all.
    let told = w.sync(b, None, 0).await.inbox;
    assert!(
        !told
            .iter()
            .any(|one| matches!(one.item, curo_types::api::InboxItem::Removed { .. })),
        "{told:?}"
    );
    // Who came in again by what was lost reads its own commit.
    let back = naming(commit(w, &talk, b, (3, gone.record.h), 3, &[b], &[]), &[], &[], true);
    let lost = Replay {
        base: (3, gone.record.h),
        entries: vec![back],
        state: state(4, Some("later")),
        ..lost
    };
    let outcome = offer(w, a, &lost).await;
    assert!(matches!(outcome, ReplayOutcome::Appended { .. }), "{outcome:?}");
    assert_eq!(w.entries(b, &talk, 2).await.last().unwrap().seq, 4);
}

pub async fn p7_2_what_does_not_follow_is_refused_as_a_whole(w: &World) {
    let (a, b, stranger) = (w.device().await, w.device().await, w.device().await);
    let talk = w.create(a, &[b]).await;
    let base = w.entries(a, &talk, 0).await.pop().unwrap();
    let base = (base.seq, base.h);
    let good = entry(w, &talk, b, base, 1, 1);
    let next = (2, good.record.h);
    let attempts = [
        ("replay_counter", entry(w, &talk, b, next, 1, 3)),
        ("replay_counter", entry(w, &talk, stranger, next, 1, 1)),
        ("replay_order", entry(w, &talk, a, next, 2, 1)),
        ("replay_order", entry(w, &talk, a, (7, next.1), 1, 1)),
        ("replay_hash", entry(w, &talk, a, (2, Digest([9; 32])), 1, 1)),
        ("replay_intent", {
            let mut again = entry(w, &talk, b, next, 1, 2);
            again.record.intent = good.record.intent;
            again.record.h = again.record.expected_hash(&w.tenant, talk.id, next.1);
            again
        }),
        ("replay_sender", commit(w, &talk, stranger, next, 1, &[], &[])),
        ("replay_removed", commit(w, &talk, a, next, 1, &[], &[stranger])),
        ("replay_added", commit(w, &talk, a, next, 1, &[b], &[])),
    ];
    for (rule, bad) in attempts {
        let state = bad.commit.as_ref().and_then(|_| state(2, None));
        let lost = Replay {
            conversation: talk.id,
            incarnation: 1,
            base,
            entries: vec![good.clone(), bad],
            state,
            start: None,
        };
        assert_eq!(
            offer(w, a, &lost).await,
            ReplayOutcome::Refused(Refusal::Rule(rule)),
            "{rule}"
        );
        assert_eq!(w.entries(a, &talk, 0).await.len(), 1, "{rule}");
    }
}

pub async fn p7_2_a_lost_conversation_begins_anew_with_its_creator_alone(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let talk = w.new_conversation();
    let first = commit(w, &talk, a, (0, Digest::ZERO), 0, &[b], &[]);
    let lost = Replay {
        conversation: talk.id,
        incarnation: 1,
        base: (0, Digest::ZERO),
        entries: vec![first.clone()],
        state: state(1, Some("info")),
        start: Some(ReplayedStart {
            group: talk.group,
            suite: SUITE,
            creator: a,
        }),
    };
    assert_eq!(
        offer(w, b, &lost).await,
        ReplayOutcome::Refused(Refusal::Rule("replay_creator"))
    );
    let chain = [Digest::ZERO, first.record.h];
    assert_eq!(
        check(w, a, &talk, 0, &chain).await,
        ReplayCheck::Refused(Refusal::NotAMember)
    );
    assert!(matches!(offer(w, a, &lost).await, ReplayOutcome::Appended { .. }));
    assert_eq!(offer(w, a, &lost).await, ReplayOutcome::Moved);
    assert_eq!(w.entries(a, &talk, 0).await.len(), 1);
    let later = Conversation {
        epoch: 1,
        ..talk.clone()
    };
    assert_eq!(w.say(&later, b, 1, 1).await.accepted.len(), 1);
}
