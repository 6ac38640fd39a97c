//! Whom a tenant's policy wants in every conversation.

use curo_relay::storage::{CommitOutcome, NewCommit, Refusal};
use curo_types::UserId;

use crate::world::{World, accepted, refused};

fn wanting(commit: NewCommit, users: &[UserId]) -> NewCommit {
    NewCommit {
        mandatory: users.to_vec(),
        ..commit
    }
}

pub async fn p3_4_a_conversation_begins_with_the_mandatory_members(w: &World) {
    let (a, b, archive) = (w.device().await, w.device().await, w.device().await);
    let wanted = [archive.user];
    let conversation = w.new_conversation();
    let version = w.version().await;
    let without = wanting(World::commit(&conversation, a, version, &[b], &[]), &wanted);
    assert_eq!(
        refused(w.try_create(&conversation, a, without).await),
        Refusal::MandatoryMember(wanted.to_vec())
    );
    let with = wanting(World::commit(&conversation, a, version, &[b, archive], &[]), &wanted);
    accepted(w.try_create(&conversation, a, with).await);
    // One of them may be the creator.
    let own = w.new_conversation();
    let by_itself = wanting(World::commit(&own, archive, version, &[b], &[]), &wanted);
    accepted(w.try_create(&own, archive, by_itself).await);
}

pub async fn p3_4_nobody_removes_a_mandatory_member(w: &World) {
    let (a, b, archive) = (w.device().await, w.device().await, w.device().await);
    let second = w.device_of(archive.user).await;
    let wanted = [archive.user];
    let mut talk = w.create(a, &[b, archive, second]).await;
    let version = w.version().await;
    // One of two devices may go, the last one may not, nor both at once.
    let both = wanting(World::commit(&talk, a, version, &[], &[archive, second]), &wanted);
    assert!(matches!(refused(w.accept(a, both).await), Refusal::MandatoryMember(_)));
    let one = wanting(World::commit(&talk, a, version, &[], &[second]), &wanted);
    accepted(w.accept(a, one).await);
    talk.epoch += 1;
    let last = wanting(World::commit(&talk, a, version, &[], &[archive]), &wanted);
    assert!(matches!(refused(w.accept(a, last).await), Refusal::MandatoryMember(_)));
    // A revoked device must go, whoever's it is.
    w.revoke(archive).await;
    let must = wanting(World::commit(&talk, a, w.version().await, &[], &[archive]), &wanted);
    accepted(w.accept(a, must).await);
}

pub async fn p3_4_nobody_new_comes_in_before_a_mandatory_member(w: &World) {
    let (a, b, c, archive) = (w.device().await, w.device().await, w.device().await, w.device().await);
    let wanted = [archive.user];
    let mut talk = w.create(a, &[b]).await;
    let version = w.version().await;
    let commit = |talk: &_, added: &[_]| wanting(World::commit(talk, a, version, added, &[]), &wanted);
    // Nobody can invite somebody without KeyPackages; the others are not kept out for that.
    let d = w.device().await;
    let version_d = w.version().await;
    let early = wanting(World::commit(&talk, a, version_d, &[d], &[]), &wanted);
    accepted(w.accept(a, early).await);
    talk.epoch += 1;
    w.upload(archive, &[], Some("archive")).await;
    // An update goes on, so does the addition of a member's device; somebody new does not come in alone.
    accepted(w.accept(a, commit(&talk, &[])).await);
    talk.epoch += 1;
    let outcome = w.accept(a, commit(&talk, &[c])).await;
    assert!(
        matches!(&outcome, CommitOutcome::Refused(Refusal::MandatoryMember(users)) if users == &wanted),
        "{outcome:?}"
    );
    let b2 = w.device_of(b.user).await;
    let own = wanting(World::commit(&talk, a, w.version().await, &[b2], &[]), &wanted);
    accepted(w.accept(a, own).await);
    talk.epoch += 1;
    accepted(w.accept(a, commit(&talk, &[c, archive])).await);
}
