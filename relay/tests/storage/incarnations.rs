//! Incarnations: reports, opening the next one, proofs of loss.

use std::sync::Arc;

use curo_relay::storage::{
    CommitOutcome, CommitReport, CommittedEntry, DeviceRef, EntriesOutcome, GroupInfoOutcome, IncarnationsOutcome,
    LostEntries, NewCommit, NewConversation, Refusal, ReportOutcome,
};
use curo_types::api::{CursorReport, InboxItem, ReportReason};
use curo_types::{Digest, GroupId, UserId};

use crate::world::{Conversation, SUITE, World, accepted, refused};

/// A commit that wins, as somebody reports it.
async fn poison(w: &World, conversation: &mut Conversation, author: DeviceRef) -> CommitReport {
    let commit = World::commit(conversation, author, w.version().await, &[], &[]);
    let report = CommitReport {
        conversation: conversation.id,
        incarnation: conversation.incarnation,
        epoch: conversation.epoch,
        commit: commit.key.body_hash,
        reason: ReportReason::Unreadable,
    };
    accepted(w.accept(author, commit).await);
    conversation.epoch += 1;
    report
}

async fn report(w: &World, device: DeviceRef, report: &CommitReport) -> ReportOutcome {
    w.storage
        .report_commit(&w.tenant, device, report.clone(), w.now())
        .await
        .unwrap()
}

fn noted(over: bool, author: Option<DeviceRef>) -> ReportOutcome {
    ReportOutcome::Noted {
        over,
        author: author.map(|author| author.device),
    }
}

/// The next incarnation of a conversation, as somebody would open it.
async fn next(
    w: &World,
    conversation: &Conversation,
    opener: DeviceRef,
    others: &[DeviceRef],
) -> (Conversation, NewConversation) {
    let next = Conversation {
        group: GroupId::random(),
        epoch: 0,
        incarnation: conversation.incarnation + 1,
        ..conversation.clone()
    };
    let first_commit: NewCommit = World::commit(&next, opener, w.version().await, others, &[]);
    let new = NewConversation {
        group: next.group,
        suite: SUITE,
        first_commit,
        lost: None,
    };
    (Conversation { epoch: 1, ..next }, new)
}

async fn open(w: &World, opener: DeviceRef, new: NewConversation) -> CommitOutcome {
    w.storage
        .create_conversation(&w.tenant, opener, new, w.now())
        .await
        .unwrap()
}

/// Three people whose incarnation is over, the last entry that stands, and the author of the commit.
async fn over(w: &World) -> ([DeviceRef; 3], Conversation) {
    let people = [w.device().await, w.device().await, w.device().await];
    let [a, b, c] = people;
    let mut conversation = w.create(a, &[b, c]).await;
    w.say(&conversation, a, 1, 2).await;
    let bad = poison(w, &mut conversation, a).await;
    assert_eq!(report(w, b, &bad).await, noted(false, None));
    assert_eq!(report(w, c, &bad).await, noted(true, Some(a)));
    (people, conversation)
}

async fn known(
    w: &World,
    device: DeviceRef,
    conversation: &Conversation,
) -> (Vec<(u64, Option<String>, Option<u64>)>, Vec<UserId>) {
    let outcome = w
        .storage
        .incarnations(&w.tenant, device, conversation.id)
        .await
        .unwrap();
    match outcome {
        IncarnationsOutcome::Known { incarnations, users } => (
            incarnations
                .into_iter()
                .map(|one| (one.incarnation, one.over, one.stands))
                .collect(),
            users,
        ),
        other => panic!("{other:?}"),
    }
}

pub async fn p3_9_enough_reports_end_an_incarnation(w: &World) {
    let a = w.device().await;
    let (b, c, d) = (w.device().await, w.device().await, w.device().await);
    let (other_a, other_b) = (w.device_of(a.user).await, w.device_of(b.user).await);
    let mut conversation = w.create(a, &[b, c, d, other_a, other_b]).await;
    w.say(&conversation, b, 1, 1).await;
    let bad = poison(w, &mut conversation, a).await;
    // The author's user does not count, a user counts once.
    assert_eq!(report(w, a, &bad).await, noted(false, None));
    assert_eq!(report(w, other_a, &bad).await, noted(false, None));
    assert_eq!(report(w, b, &bad).await, noted(false, None));
    assert_eq!(report(w, b, &bad).await, noted(false, None));
    assert_eq!(report(w, other_b, &bad).await, noted(false, None));
    w.say(&conversation, a, 1, 1).await;
    assert_eq!(report(w, c, &bad).await, noted(true, Some(a)));
    assert_eq!(report(w, d, &bad).await, noted(true, None), "known already");
    // It takes nothing more, from nobody.
    let refusal = w
        .append(&conversation, a, vec![World::message(&conversation, 2)])
        .await
        .refused;
    assert_eq!(refusal, Some(Refusal::IncarnationOver));
    let commit = World::commit(&conversation, a, w.version().await, &[], &[]);
    assert_eq!(refused(w.accept(a, commit).await), Refusal::IncarnationOver);
    let (incarnations, users) = known(w, b, &conversation).await;
    // Entry 3 is the commit.
    assert_eq!(incarnations, [(1, Some("commit".into()), Some(2))]);
    assert_eq!(users.len(), 4);
    assert_eq!(w.entries(b, &conversation, 0).await.len(), 3, "it stays readable");
}

pub async fn p3_9_a_report_is_of_a_commit_that_the_member_should_have_applied(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let (late, stranger) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b, c]).await;
    let bad = poison(w, &mut conversation, a).await;
    let rule = |name| ReportOutcome::Refused(Refusal::Rule(name));
    let mut wrong = bad.clone();
    wrong.commit = Digest::of(b"another");
    assert_eq!(report(w, b, &wrong).await, rule("no_such_commit"));
    let mut ahead = bad.clone();
    ahead.epoch = conversation.epoch;
    assert_eq!(report(w, b, &ahead).await, rule("no_such_commit"));
    let refusal = |refusal| ReportOutcome::Refused(refusal);
    assert_eq!(report(w, stranger, &bad).await, refusal(Refusal::NotAMember));
    let mut other = bad.clone();
    other.incarnation = 2;
    assert_eq!(report(w, b, &other).await, refusal(Refusal::IncarnationChanged));
    // Who came with it or later was never asked to process it.
    w.win(&mut conversation, a, &[late], &[]).await;
    assert_eq!(
        report(w, late, &bad).await,
        ReportOutcome::Refused(Refusal::Rule("no_such_commit"))
    );
    // Who said that it was applied cannot say that it was not.
    let cursors = vec![CursorReport {
        conversation: conversation.id,
        incarnation: 1,
        seq: 2,
    }];
    let acknowledge = curo_relay::storage::Acknowledge { inbox: 0, cursors };
    w.storage.acknowledge(&w.tenant, b, acknowledge, w.now()).await.unwrap();
    assert_eq!(report(w, b, &bad).await, rule("commit_was_applied"));
    // Who was removed has no say.
    w.win(&mut conversation, a, &[], &[c]).await;
    assert_eq!(report(w, c, &bad).await, refusal(Refusal::Removed));
}

pub async fn p3_9_one_report_is_enough_between_two(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    let bad = poison(w, &mut conversation, a).await;
    assert_eq!(report(w, b, &bad).await, noted(true, Some(a)));
}

pub async fn p3_7_the_next_incarnation_is_opened_once_and_by_members(w: &World) {
    let ([a, b, c], conversation) = over(w).await;
    let (stranger, removed) = (w.device().await, w.device().await);
    let _ = removed;
    let (_, by_stranger) = next(w, &conversation, stranger, &[a]).await;
    assert_eq!(refused(open(w, stranger, by_stranger).await), Refusal::NotAMember);
    let mut tasks = Vec::new();
    for (opener, others) in [(a, [b, c]), (b, [a, c]), (c, [a, b])] {
        let (storage, tenant, now) = (Arc::clone(&w.storage), w.tenant.clone(), w.now());
        let (talk, new) = next(w, &conversation, opener, &others).await;
        tasks.push(tokio::spawn(async move {
            let outcome = storage
                .create_conversation(&tenant, opener, new.clone(), now)
                .await
                .unwrap();
            (opener, talk, new, outcome)
        }));
    }
    let mut won: Option<(DeviceRef, Conversation, NewConversation, CommittedEntry)> = None;
    for task in tasks {
        match task.await.unwrap() {
            (opener, talk, new, CommitOutcome::Accepted(entry)) => {
                assert!(won.is_none());
                won = Some((opener, talk, new, entry));
            }
            (_, _, _, other) => assert_eq!(refused(other), Refusal::IncarnationChanged),
        }
    }
    let (opener, talk, new, entry) = won.unwrap();
    assert_eq!(
        (entry.accepted.seq, entry.tip.incarnation),
        (1, 2),
        "numbers start anew"
    );
    let CommitOutcome::Duplicate(again) = open(w, opener, new).await else {
        panic!("not known")
    };
    assert_eq!(again.accepted.h, entry.accepted.h);
    // Counters, too; the same intent may come again in another incarnation.
    let message = World::message(&talk, 1);
    assert_eq!(w.append(&talk, b, vec![message]).await.refused, None);
    let old = World::message(&conversation, 1);
    assert_eq!(
        w.append(&conversation, b, vec![old]).await.refused,
        Some(Refusal::IncarnationChanged)
    );
    assert_eq!(w.entries(b, &conversation, 0).await.len(), 3, "the old log is served");
    assert_eq!(w.entries(b, &talk, 0).await.len(), 2 - usize::from(opener != b));
    let (incarnations, users) = known(w, a, &talk).await;
    assert_eq!(incarnations, [(1, Some("commit".into()), Some(3)), (2, None, None)]);
    assert_eq!(users.len(), 3);
    // Not before it is over.
    let (_, third) = next(w, &talk, a, &[b]).await;
    assert_eq!(refused(open(w, a, third).await), Refusal::Rule("incarnation_not_over"));
}

pub async fn p6_3_a_commit_that_does_not_stand_lets_nobody_go(w: &World) {
    let ([a, b, c], conversation) = over(w).await;
    let (mut talk, new) = next(w, &conversation, b, &[a]).await;
    accepted(open(w, b, new).await);
    let mut commit = World::commit(&talk, a, w.version().await, &[], &[]);
    commit.gone = vec![c.user];
    let bad = CommitReport {
        conversation: talk.id,
        incarnation: talk.incarnation,
        epoch: talk.epoch,
        commit: commit.key.body_hash,
        reason: ReportReason::Refused,
    };
    accepted(w.accept(a, commit).await);
    talk.epoch += 1;
    let gone = w.storage.group_info(&w.tenant, c, talk.id).await.unwrap();
    assert!(!matches!(gone, GroupInfoOutcome::Current(_)), "{gone:?}");
    assert_eq!(report(w, b, &bad).await, noted(true, Some(a)));
    let (_, third) = next(w, &talk, b, &[a, c]).await;
    accepted(open(w, b, third).await);
}

pub async fn p3_7_who_is_left_out_is_told(w: &World) {
    let ([a, b, c], conversation) = over(w).await;
    let (talk, new) = next(w, &conversation, b, &[a]).await;
    let entry = accepted(open(w, b, new).await);
    assert!(entry.wake.contains(&c.device), "{entry:?}");
    let told = |page: curo_relay::storage::SyncPage| page.inbox.last().map(|record| record.item.clone());
    let expected = InboxItem::Incarnation {
        conversation: talk.id,
        incarnation: 2,
    };
    assert_eq!(told(w.sync(c, None, 0).await), Some(expected));
    assert!(matches!(
        told(w.sync(a, None, 0).await),
        Some(InboxItem::Welcome { incarnation: 2, .. })
    ));
    let (incarnations, _) = known(w, c, &talk).await;
    assert_eq!(incarnations.len(), 2, "it may know that there is another");
    // It may come in from outside, and bring a third incarnation's opener to invite it.
    assert!(matches!(
        w.storage.group_info(&w.tenant, c, talk.id).await.unwrap(),
        GroupInfoOutcome::Current(_)
    ));
    assert_eq!(known(w, b, &talk).await.1.len(), 3, "still on the roster");
    let entries = w.storage.entries(&w.tenant, c, talk.id, 2, 0, 10).await.unwrap();
    assert_eq!(entries, EntriesOutcome::NotAMember);
    let page = w.sync(c, None, 0).await;
    let last = page.inbox.last().unwrap().index;
    let acknowledge = curo_relay::storage::Acknowledge {
        inbox: last,
        cursors: Vec::new(),
    };
    w.storage.acknowledge(&w.tenant, c, acknowledge, w.now()).await.unwrap();
    assert!(w.sync(c, None, last).await.inbox.is_empty());
}

pub async fn p3_7_nobody_comes_in_with_the_next_incarnation(w: &World) {
    let ([a, b, c], conversation) = over(w).await;
    let stranger = w.device().await;
    let (_, new) = next(w, &conversation, b, &[a, c, stranger]).await;
    assert_eq!(refused(open(w, b, new).await), Refusal::Rule("roster"));
    // Another device of a member may.
    let newer = w.device_of(c.user).await;
    let (talk, new) = next(w, &conversation, b, &[a, c, newer]).await;
    accepted(open(w, b, new).await);
    assert_eq!(w.storage.members(&w.tenant, talk.id).await.unwrap().len(), 4);
}

pub async fn p3_7_what_does_not_stand_brings_nobody_in_or_out(w: &World) {
    let (a, b, c, d) = (w.device().await, w.device().await, w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b, c]).await;
    let commit = World::commit(&conversation, a, w.version().await, &[d], &[c]);
    let bad = CommitReport {
        conversation: conversation.id,
        incarnation: 1,
        epoch: 1,
        commit: commit.key.body_hash,
        reason: ReportReason::Unreadable,
    };
    accepted(w.accept(a, commit).await);
    conversation.epoch += 1;
    // d has come by it and cannot say anything about it; c has gone by it.
    assert_eq!(
        report(w, d, &bad).await,
        ReportOutcome::Refused(Refusal::Rule("commit_before_joining"))
    );
    assert_eq!(report(w, c, &bad).await, ReportOutcome::Refused(Refusal::Removed));
    let one_only = report(w, b, &bad).await;
    assert_eq!(one_only, noted(false, None));
    let again = poison(w, &mut conversation, b).await;
    assert_eq!(report(w, a, &again).await, noted(false, None));
    assert_eq!(report(w, d, &again).await, noted(true, Some(b)));
    let (_, users) = known(w, b, &conversation).await;
    assert_eq!(users.len(), 3);
    let (_, new) = next(w, &conversation, b, &[a, c]).await;
    assert_eq!(
        refused(open(w, b, new).await),
        Refusal::Rule("roster"),
        "c had gone before"
    );
    let (talk, new) = next(w, &conversation, d, &[a, b]).await;
    accepted(open(w, d, new).await);
    assert_eq!(w.storage.members(&w.tenant, talk.id).await.unwrap().len(), 3);
}

pub async fn p3_7_sync_tells_incarnations_apart(w: &World) {
    let ([a, b, c], conversation) = over(w).await;
    let (talk, new) = next(w, &conversation, b, &[a, c]).await;
    accepted(open(w, b, new).await);
    w.say(&talk, c, 1, 2).await;
    let page = w.sync(b, None, 0).await;
    let news: Vec<_> = page
        .conversations
        .iter()
        .map(|news| {
            assert!(
                news.entries
                    .iter()
                    .all(|entry| entry.incarnation == news.tip.incarnation)
            );
            (
                news.conversation,
                news.tip.incarnation,
                news.entries.len(),
                news.tip.seq,
            )
        })
        .collect();
    // Of the first it was told from its joining on.
    assert_eq!(news, [(talk.id, 1, 3, 4), (talk.id, 2, 3, 3)]);
}

/// A proof as the HTTP layer has verified it.
fn lost(seq: u64, h: Digest, stands: u64, stands_h: Digest) -> Option<LostEntries> {
    Some(LostEntries {
        incarnation: 1,
        seq,
        h,
        stands,
        stands_h,
    })
}

pub async fn p7_2_a_proven_loss_opens_the_next_incarnation(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let conversation = w.create(a, &[b]).await;
    w.say(&conversation, a, 1, 3).await;
    let here = w.entries(a, &conversation, 0).await;
    let (h2, h4) = (here[1].h, here[3].h);
    let other = Digest::of(b"seen");
    let attempt = async |lost| {
        let (_, mut new) = next(w, &conversation, b, &[a]).await;
        new.lost = lost;
        refused(open(w, b, new).await)
    };
    let no = Refusal::Rule("lost_log");
    assert_eq!(attempt(None).await, Refusal::Rule("incarnation_not_over"));
    assert_eq!(attempt(lost(4, h4, 2, h2)).await, no, "that tip is here");
    assert_eq!(attempt(lost(9, other, 2, other)).await, no, "nothing in common there");
    assert_eq!(attempt(lost(2, other, 2, h2)).await, no, "it stands, and does not");
    assert_eq!(attempt(lost(u64::MAX, other, u64::MAX - 1, other)).await, no);
    let mut of_another = lost(9, other, 2, h2).unwrap();
    of_another.incarnation = 2;
    assert_eq!(attempt(Some(of_another)).await, Refusal::Rule("incarnation_not_over"));
    let (talk, mut new) = next(w, &conversation, b, &[a]).await;
    new.lost = lost(3, other, 2, h2);
    accepted(open(w, b, new).await);
    assert_eq!(
        known(w, a, &talk).await.0,
        [(1, Some("lost".into()), Some(2)), (2, None, None)]
    );
}

pub async fn p7_2_a_lost_conversation_goes_on(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let gone = w.new_conversation();
    let (talk, mut new) = next(w, &gone, a, &[b]).await;
    assert_eq!(refused(open(w, a, new.clone()).await), Refusal::NotAMember);
    new.lost = lost(7, Digest::of(b"seen"), 3, Digest::of(b"stands"));
    assert_eq!(refused(open(w, a, new.clone()).await), Refusal::Rule("lost_log"));
    new.lost = lost(7, Digest::of(b"seen"), 0, Digest::ZERO);
    accepted(open(w, a, new).await);
    w.say(&talk, b, 1, 1).await;
    assert_eq!(known(w, a, &talk).await.0, [(2, None, None)]);
}
