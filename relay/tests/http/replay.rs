//! Entries that a restored relay has lost, brought back by a member, and by those who would bring back something else (7.2).

use curo_mls::{CommitPlan, MlsEngine as _};
use curo_relay::{backup, restore};
use curo_types::api::{EntriesPage, ReplayAnswer, ReplayRequest, SessionAnswer, SyncAnswer};
use curo_types::format::SignedTip;
use curo_types::{Blob, ConversationId, Digest, ErrorCode, IntentId};
use ed25519_dalek::SigningKey;

use crate::device::{Device, Talk, pair};
use crate::world::{Answer, World, other_tenant};

/// What Anna has seen of a conversation that goes on after the backup.
struct Lost {
    anna: Device,
    ben: Device,
    talk: Talk,
    offer: ReplayRequest,
}

async fn read(world: &World, device: &Device, talk: Talk, after: u64) -> EntriesPage {
    let path = format!("/v1/conversations/{}/entries?incarnation=1&after={after}", talk.id);
    device.get(world, &path).await.unwrap()
}

async fn replay(world: &World, device: &Device, id: ConversationId, offer: &ReplayRequest) -> Answer<ReplayAnswer> {
    device
        .post(world, &format!("/v1/conversations/{id}/replay"), offer)
        .await
}

/// The relay has the conversation up to one message; Anna has more: a message, a commit, a message of the next epoch.
async fn lost(world: &mut World) -> Lost {
    let (mut anna, mut ben, talk, _) = pair(world).await;
    let first = anna.encrypt(talk, IntentId::random(), 1, "before");
    anna.send(world, talk, vec![first]).await.unwrap();
    let target = world.dir.path().join("backup");
    {
        let (config, target) = (world.config.clone(), target.clone());
        tokio::task::spawn_blocking(move || backup(&config, &target))
            .await
            .unwrap()
            .unwrap();
    }
    let page = read(world, &anna, talk, 0).await;
    let before = page.entries.last().unwrap().clone();
    let second = anna.encrypt(talk, IntentId::random(), 2, "lost");
    anna.send(world, talk, vec![second]).await.unwrap();
    let version = ben.version(world).await;
    ben.process(talk, before.body.as_slice());
    let made = ben.make_commit(talk, CommitPlan::default(), version, None);
    ben.commit(world, talk, made.bundle.clone()).await.unwrap();
    ben.apply_own(talk);
    anna.process(talk, made.bundle.commit.as_slice());
    let third = anna.encrypt(talk, IntentId::random(), 3, "lost too");
    anna.send(world, talk, vec![third]).await.unwrap();
    let page = read(world, &anna, talk, before.seq).await;
    let group_info = anna.engine.group_info(&anna.store, talk.group.as_bytes()).unwrap();
    let offer = ReplayRequest {
        incarnation: 1,
        after: before.seq,
        after_h: before.h,
        entries: page.entries,
        tip: page.tip,
        group_info: Some(Blob(group_info)),
        start: None,
    };
    assert_eq!(offer.entries.len(), 3);
    restart(world, "restored").await;
    Lost { anna, ben, talk, offer }
}

pub async fn restart(world: &mut World, name: &str) {
    world.relay.take().unwrap().shutdown().await;
    world.config.data_dir = world.dir.path().join(name);
    restore(&world.config, &world.dir.path().join("backup")).unwrap();
    world.restart_stopped().await;
}

#[tokio::test]
async fn p7_2_lost_entries_stand_where_they_stood() {
    let mut world = World::start().await;
    let Lost {
        mut anna,
        mut ben,
        talk,
        offer,
    } = lost(&mut world).await;
    let answer = replay(&world, &anna, talk.id, &offer).await.unwrap();
    let session: SessionAnswer = world.post(&anna.token, "/v1/session", &()).await.unwrap();
    assert_eq!(
        (answer.appended, answer.tip.seq, answer.tip.store),
        (3, offer.tip.seq, session.store)
    );
    assert_eq!(answer.tip.h, offer.tip.h);
    // Again, a part of it, and by another member.
    for device in [&anna, &ben] {
        assert_eq!(replay(&world, device, talk.id, &offer).await.unwrap().appended, 0);
    }
    let page = read(&world, &ben, talk, offer.after).await;
    assert_eq!(page.entries, offer.entries);
    // Ben has them as news, who comes from outside finds the group, and all goes on.
    let news: SyncAnswer = ben.sync(&world, None, 0).await.unwrap();
    assert_eq!(news.conversations[0].tip.seq, offer.tip.seq);
    let info = anna.group_info(&world, talk).await.unwrap();
    assert_eq!((info.epoch, info.counter), (2, 3));
    let cursor = curo_types::format::CursorClaim {
        seq: offer.tip.seq,
        h: offer.tip.h,
    };
    let (back, state) = ben.make_external(&info, Some(cursor));
    ben.commit(&world, talk, back.bundle.clone()).await.unwrap();
    ben.apply_external(&state);
    anna.process(talk, back.bundle.commit.as_slice());
    let message = anna.encrypt(talk, IntentId::random(), 4, "goes on");
    anna.send(&world, talk, vec![message.clone()]).await.unwrap();
    assert_eq!(ben.read(talk, message.as_slice()), "goes on");
}

#[tokio::test]
async fn p7_2_a_part_comes_first_and_without_its_group_info_nobody_comes_from_outside() {
    let mut world = World::start().await;
    let Lost { anna, talk, offer, .. } = lost(&mut world).await;
    let page = read(&world, &anna, talk, 0).await;
    assert!(page.last.is_none(), "it is the tip");
    let mut part = ReplayRequest {
        group_info: None,
        ..offer.clone()
    };
    let answer = replay(&world, &anna, talk.id, &part).await.unwrap();
    assert_eq!(answer.appended, 3);
    let refused = anna.group_info(&world, talk).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::UNAVAILABLE);
    // A page that does not reach the tip brings a tip of its own end.
    let path = format!("/v1/conversations/{}/entries?incarnation=1&after=0&limit=2", talk.id);
    let page: EntriesPage = anna.get(&world, &path).await.unwrap();
    let last = page.last.unwrap();
    let end = page.entries.last().unwrap();
    assert_eq!((last.seq, last.h), (end.seq, end.h));
    part.tip = last;
    assert_eq!(
        replay(&world, &anna, talk.id, &part).await.unwrap_err().code,
        ErrorCode::REFUSED
    );
}

#[tokio::test]
async fn p7_2_nothing_comes_back_that_the_relay_has_not_signed() {
    let mut world = World::start().await;
    let Lost {
        anna,
        mut ben,
        talk,
        offer,
    } = lost(&mut world).await;
    let forger = SigningKey::from_bytes(&[9; 32]);
    let sign = |h: Digest, seq: u64| {
        let (store, tenant) = (offer.tip.store, offer.tip.tenant.clone());
        SignedTip::sign(&forger, store, tenant, talk.id, 1, seq, h, 1)
    };
    let mut attempts: Vec<(&str, ReplayRequest, ErrorCode)> = Vec::new();
    let mut attempt = |what, change: &dyn Fn(&mut ReplayRequest), code| {
        let mut changed = offer.clone();
        change(&mut changed);
        attempts.push((what, changed, code));
    };
    let (not_ours, refused) = (ErrorCode::TIP_NOT_OURS, ErrorCode::REFUSED);
    attempt("a forged tip", &|o| o.tip = sign(o.tip.h, o.tip.seq), not_ours.clone());
    attempt("another time in the tip", &|o| o.tip.time_ms += 1, not_ours.clone());
    attempt("another store in the tip", &|o| o.tip.store.0[0] ^= 1, not_ours.clone());
    attempt("an altered body", &|o| o.entries[0].body.0[40] ^= 1, refused.clone());
    attempt(
        "another time of acceptance",
        &|o| o.entries[1].time_ms += 1,
        refused.clone(),
    );
    attempt(
        "another sender",
        &|o| o.entries[0].sender = o.entries[1].sender,
        refused.clone(),
    );
    attempt("another intent", &|o| o.entries[0].intent.0[0] ^= 1, refused.clone());
    attempt(
        "another version",
        &|o| o.entries[1].directory_version = Some(1),
        refused.clone(),
    );
    attempt("reordered", &|o| o.entries.swap(0, 1), refused.clone());
    attempt("one left out", &|o| drop(o.entries.remove(1)), refused.clone());
    attempt("the first left out", &|o| drop(o.entries.remove(0)), refused.clone());
    attempt(
        "one twice",
        &|o| o.entries.insert(0, o.entries[0].clone()),
        refused.clone(),
    );
    attempt("the last left out", &|o| drop(o.entries.pop()), refused.clone());
    attempt("none", &|o| o.entries.clear(), ErrorCode::MALFORMED);
    attempt(
        "too many",
        &|o| o.entries = vec![o.entries[0].clone(); 1025],
        ErrorCode::TOO_LARGE,
    );
    attempt("another incarnation", &|o| o.incarnation = 2, refused.clone());
    attempt("incarnation 0", &|o| o.incarnation = 0, ErrorCode::MALFORMED);
    attempt("another hash before", &|o| o.after_h.0[0] ^= 1, refused.clone());
    attempt(
        "a GroupInfo of nothing",
        &|o| o.group_info = Some(Blob(vec![1, 2, 3])),
        ErrorCode::MALFORMED,
    );
    attempt("numbers without end", &|o| o.after = u64::MAX, refused.clone());
    // A body that is altered so that the chain fits again: then no signed tip fits the chain.
    let mut chained = offer.clone();
    chained.entries[0].body.0[40] ^= 1;
    let mut h = chained.after_h;
    for entry in &mut chained.entries {
        h = entry.expected_hash(&offer.tip.tenant, talk.id, h);
        entry.h = h;
    }
    attempts.push(("an altered chain", chained.clone(), refused.clone()));
    chained.tip = sign(h, offer.tip.seq);
    attempts.push(("an altered chain and a forged tip", chained, not_ours.clone()));
    for (what, attempt, code) in attempts {
        let answer = replay(&world, &anna, talk.id, &attempt).await.unwrap_err();
        assert_eq!(answer.code, code, "{what}");
    }
    // A GroupInfo of the epoch before, truly signed.
    let mut old = offer.clone();
    old.group_info = Some(anna.group_info(&world, talk).await.unwrap().group_info);
    assert_eq!(replay(&world, &anna, talk.id, &old).await.unwrap_err().code, refused);

    // Of another conversation, by a stranger, and by another tenant's device.
    let stranger = Device::new(&world, "carl").await;
    let foreigner = Device::of(&world, &other_tenant(), "carl").await;
    let elsewhere = replay(&world, &anna, ConversationId::random(), &offer)
        .await
        .unwrap_err();
    assert_eq!(elsewhere.code, ErrorCode::REFUSED);
    assert_eq!(
        replay(&world, &stranger, talk.id, &offer).await.unwrap_err().code,
        ErrorCode::NOT_A_MEMBER
    );
    assert_eq!(
        replay(&world, &foreigner, talk.id, &offer).await.unwrap_err().code,
        not_ours
    );
    assert_eq!(
        read(&world, &anna, talk, 0).await.tip.seq,
        offer.after,
        "nothing has changed"
    );

    // Where the log has gone on otherwise it stays as it is.
    restart(&mut world, "again").await;
    let other = ben.encrypt(talk, IntentId::random(), 1, "another branch");
    let sent = ben.send(&world, talk, vec![other]).await;
    assert_eq!(
        sent.unwrap_err().code,
        ErrorCode::REFUSED,
        "of an epoch that the relay has lost"
    );
    let mut behind = Device::new(&world, "dora").await;
    behind.upload(&world, 1).await.unwrap();
    let group = anna.group_info(&world, talk).await.unwrap();
    let (outside, _) = ben.make_external(&group, None);
    ben.commit(&world, talk, outside.bundle).await.unwrap();
    let parted = replay(&world, &anna, talk.id, &offer).await.unwrap_err();
    assert_eq!(parted.code, ErrorCode::LOG_DIVERGED);
    let longer = read(&world, &anna, talk, 0).await.tip;
    assert_eq!(longer.seq, offer.after + 1);
}
