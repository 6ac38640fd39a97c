//! Incarnations over HTTP: a commit that members cannot process, a relay that was rolled back, the commit turn.

use curo_mls::CommitPlan;
use curo_types::api::{
    Accepted, CommitBundle, CreateConversation, Duty, DutyOffer, DutyRequest, EntriesPage, InboxItem,
    IncarnationsAnswer, LostLog, ReportCommit, ReportReason, Reported,
};
use curo_types::format::{CursorClaim, SignedTip};
use curo_types::{Digest, ErrorCode};
use ed25519_dalek::SigningKey;

use crate::device::{Device, Talk, pair};
use crate::world::{Answer, World};

/// A commit as the relay takes it and no member can: its membership tag is for the members alone to check (3.4).
async fn poison(world: &World, author: &mut Device, talk: Talk, cursor: CursorClaim) -> ReportCommit {
    let version = author.version(world).await;
    let mut bad = author
        .make_commit(talk, CommitPlan::default(), version, Some(cursor))
        .bundle;
    *bad.commit.0.last_mut().unwrap() ^= 1;
    let report = ReportCommit {
        incarnation: 1,
        epoch: 1,
        commit: Digest::of(bad.commit.as_slice()),
        reason: ReportReason::Unreadable,
    };
    author.commit(world, talk, bad).await.unwrap();
    report
}

async fn report(world: &World, device: &Device, talk: Talk, report: &ReportCommit) -> Answer<Reported> {
    let path = format!("/v1/conversations/{}/reports", talk.id);
    device.post(world, &path, report).await
}

/// The next incarnation, as a device would open it with another one.
async fn next(world: &World, opener: &mut Device, talk: Talk, other: &Device) -> (Talk, CreateConversation) {
    let key_package = opener.key_package_of(world, other.user()).await;
    let version = opener.version(world).await;
    let (made, mut request) = opener.make(vec![key_package], version);
    request.conversation = talk.id;
    request.incarnation = 2;
    (
        Talk {
            id: talk.id,
            group: made.group,
        },
        request,
    )
}

#[tokio::test]
async fn p3_9_a_commit_that_members_cannot_process_ends_the_incarnation() {
    let world = World::start().await;
    let (mut anna, mut ben, talk, cursor) = pair(&world).await;
    anna.upload(&world, 5).await.unwrap();
    let bad = poison(&world, &mut anna, talk, cursor).await;
    let (_, too_early) = next(&world, &mut ben, talk, &anna).await;
    assert_eq!(
        ben.create(&world, &too_early).await.unwrap_err().code,
        ErrorCode::REFUSED
    );
    assert!(!report(&world, &anna, talk, &bad).await.unwrap().over, "the author");
    assert!(report(&world, &ben, talk, &bad).await.unwrap().over);
    assert!(report(&world, &ben, talk, &bad).await.unwrap().over, "said again");
    let message = anna.encrypt(talk, curo_types::IntentId::random(), 1, "too late");
    let refused = anna.send(&world, talk, vec![message]).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::INCARNATION_OVER);

    let path = format!("/v1/conversations/{}/duty", talk.id);
    let duty = DutyRequest {
        incarnation: 1,
        duty: Duty::OpenIncarnation,
    };
    let offer: DutyOffer = ben.post(&world, &path, &duty).await.unwrap();
    assert!(offer.yours);
    let offer: DutyOffer = anna.post(&world, &path, &duty).await.unwrap();
    assert!(!offer.yours && offer.for_ms > 0);

    let (new, request) = next(&world, &mut ben, talk, &anna).await;
    let first: Accepted = ben.create(&world, &request).await.unwrap();
    assert_eq!((first.seq, first.duplicate), (1, false));
    assert!(ben.create(&world, &request).await.unwrap().duplicate);
    let (_, late) = next(&world, &mut anna, talk, &ben).await;
    assert_eq!(
        anna.create(&world, &late).await.unwrap_err().code,
        ErrorCode::INCARNATION_CHANGED
    );
    ben.apply_own(new);
    let news = anna.sync(&world, None, 0).await.unwrap();
    let InboxItem::Welcome { incarnation: 2, .. } = &news.inbox[0].item else {
        panic!("{news:?}")
    };
    anna.join_by(&world, &news.inbox[0]).await;
    let path = format!("/v1/conversations/{}/incarnations", talk.id);
    let known: IncarnationsAnswer = anna.get(&world, &path).await.unwrap();
    let [old, live] = known.incarnations.as_slice() else {
        panic!("{known:?}")
    };
    assert_eq!((old.over.as_deref(), old.stands), (Some("commit"), Some(1)));
    assert_eq!(
        (live.incarnation, live.group, live.over.as_deref()),
        (2, new.group, None)
    );
    let path = format!("/v1/conversations/{}/entries?incarnation=2&after=0", talk.id);
    let page: EntriesPage = ben.get(&world, &path).await.unwrap();
    assert_eq!((page.entries.len(), page.tip.incarnation), (1, 2));
    let stranger = Device::new(&world, "carl").await;
    assert_eq!(
        report(&world, &stranger, talk, &bad).await.unwrap_err().code,
        ErrorCode::NOT_A_MEMBER
    );
    let path = format!("/v1/conversations/{}/incarnations", talk.id);
    let unknown: Answer<IncarnationsAnswer> = stranger.get(&world, &path).await;
    assert_eq!(unknown.unwrap_err().code, ErrorCode::NOT_A_MEMBER);
}

#[tokio::test]
async fn p7_2_a_loss_is_proven_by_the_relays_own_signature() {
    let world = World::start().await;
    let (mut anna, mut ben, talk, cursor) = pair(&world).await;
    anna.upload(&world, 5).await.unwrap();
    let path = format!("/v1/conversations/{}/entries?incarnation=1&after=0", talk.id);
    let page: EntriesPage = anna.get(&world, &path).await.unwrap();
    let (_, mut request) = next(&world, &mut ben, talk, &anna).await;
    let forger = SigningKey::from_bytes(&[9; 32]);
    let sign =
        |by: &SigningKey, seq, h| SignedTip::sign(by, page.tip.store, page.tip.tenant.clone(), talk.id, 1, seq, h, 1);
    let mut attempts = vec![("its own tip, which is here", page.tip.clone())];
    attempts.push(("a forged tip", sign(&forger, 9, Digest([7; 32]))));
    let mut of_another = page.tip.clone();
    of_another.conversation = curo_types::ConversationId::random();
    attempts.push(("the tip of another conversation", of_another));
    for (name, tip) in attempts {
        request.lost = Some(LostLog {
            tip,
            stands: 0,
            stands_h: Digest::ZERO,
        });
        let refused = ben.create(&world, &request).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::REFUSED, "{name}");
    }
    let _ = cursor;
}

#[tokio::test]
async fn p3_10_who_loses_three_times_gets_its_commit_in() {
    let world = World::start().await;
    let (mut anna, mut ben, talk, mut cursor) = pair(&world).await;
    let version = anna.version(&world).await;
    let make = |device: &mut Device, cursor| -> CommitBundle {
        device
            .make_commit(talk, CommitPlan::default(), version, Some(cursor))
            .bundle
    };
    for _ in 0..3 {
        let (fast, slow) = (make(&mut anna, cursor), make(&mut ben, cursor));
        let won = anna.commit(&world, talk, fast.clone()).await.unwrap();
        let lost = ben.commit(&world, talk, slow).await.unwrap_err();
        assert_eq!(lost.code, ErrorCode::EPOCH_TAKEN);
        anna.apply_own(talk);
        ben.process(talk, fast.commit.as_slice());
        cursor = CursorClaim { seq: won.seq, h: won.h };
    }
    let (fast, slow) = (make(&mut anna, cursor), make(&mut ben, cursor));
    let waits = anna.commit(&world, talk, fast).await.unwrap_err();
    assert_eq!(waits.code, ErrorCode::NOT_YOUR_TURN);
    assert!(
        waits.retry_after_ms.is_some_and(|ms| ms > 0 && ms <= 2_000),
        "{waits:?}"
    );
    ben.commit(&world, talk, slow).await.unwrap();
}
