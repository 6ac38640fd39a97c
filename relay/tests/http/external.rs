//! External commits at a real relay: rules 3.1, 3.4 and 3.5.

use curo_mls::{CommitPlan, MlsEngine as _};
use curo_types::format::CursorClaim;
use curo_types::{Digest, ErrorCode, IntentId};

use crate::device::{Device, pair};
use crate::world::World;

#[tokio::test]
async fn p3_5_a_device_that_lost_its_group_comes_back_and_everybody_reads_it() {
    let world = World::start().await;
    let (mut anna, mut ben, talk, cursor) = pair(&world).await;
    let hello = ben.encrypt(talk, IntentId::random(), 1, "before");
    ben.send(&world, talk, vec![hello]).await.unwrap();
    ben.engine.delete_group(&ben.store, talk.group.as_bytes()).unwrap();

    let now = ben.group_info(&world, talk).await.unwrap();
    now.tip.verify(&ben.session.log_key.log_key).unwrap();
    assert_eq!((now.incarnation, now.group, now.epoch), (1, talk.group, 1));
    assert_eq!((now.counter, now.kept_from, now.tip.seq), (1, 1, 2));
    let (made, state) = ben.make_external(&now, Some(cursor));
    let accepted = ben.commit(&world, talk, made.bundle.clone()).await.unwrap();
    assert_eq!(
        (accepted.intent, accepted.seq, accepted.duplicate),
        (made.intent, 3, false)
    );
    let again = ben.commit(&world, talk, made.bundle.clone()).await.unwrap();
    assert_eq!((again.seq, again.h, again.duplicate), (3, accepted.h, true));
    ben.apply_external(&state);

    let news = anna.sync(&world, None, 0).await.unwrap();
    let entries = &news.conversations[0].entries;
    assert_eq!(anna.read(talk, &entries[1].body.0), "before");
    anna.process(talk, &entries[2].body.0);
    // Its counter goes on, and both ways can be read.
    let hello = ben.encrypt(talk, IntentId::random(), 2, "after");
    ben.send(&world, talk, vec![hello.clone()]).await.unwrap();
    assert_eq!(anna.read(talk, &hello.0), "after");
    let hello = anna.encrypt(talk, IntentId::random(), 1, "hello again");
    anna.send(&world, talk, vec![hello.clone()]).await.unwrap();
    assert_eq!(ben.read(talk, &hello.0), "hello again");
    // It has one leaf, and no Welcome has come.
    assert_eq!(anna.group_info(&world, talk).await.unwrap().epoch, 2);
    assert_eq!(
        anna.engine.members(&anna.store, talk.group.as_bytes()).unwrap().len(),
        2
    );
    assert_eq!(ben.sync(&world, None, 1).await.unwrap().inbox.len(), 0);
}

#[tokio::test]
async fn p3_5_another_device_of_a_member_adds_itself_and_sees_nothing_from_before() {
    let world = World::start().await;
    let (mut anna, ben, talk, _) = pair(&world).await;
    let hello = anna.encrypt(talk, IntentId::random(), 1, "before");
    anna.send(&world, talk, vec![hello.clone()]).await.unwrap();
    let mut second = ben.sibling(&world, "ben").await;
    let now = second.group_info(&world, talk).await.unwrap();
    assert_eq!(now.counter, 0);
    let (made, state) = second.make_external(&now, None);
    let commit = made.bundle.commit.clone();
    assert_eq!(second.commit(&world, talk, made.bundle).await.unwrap().seq, 3);
    second.apply_external(&state);
    anna.process(talk, &commit.0);
    let news = second.sync(&world, None, 0).await.unwrap();
    assert!(news.inbox.is_empty());
    let [own] = news.conversations[0].entries.as_slice() else {
        panic!("{news:?}")
    };
    assert_eq!((own.seq, &own.body), (3, &commit));
    let hello = anna.encrypt(talk, IntentId::random(), 2, "welcome");
    anna.send(&world, talk, vec![hello.clone()]).await.unwrap();
    let news = second.sync(&world, None, 0).await.unwrap();
    let [_, entry] = news.conversations[0].entries.as_slice() else {
        panic!("{news:?}")
    };
    assert_eq!((entry.seq, second.read(talk, &entry.body.0)), (4, "welcome".to_owned()));
}

#[tokio::test]
async fn p3_5_strangers_and_those_removed_stay_outside() {
    let world = World::start().await;
    let (mut anna, mut ben, talk, _) = pair(&world).await;
    let mut eve = Device::new(&world, "eve").await;
    assert_eq!(
        eve.group_info(&world, talk).await.unwrap_err().code,
        ErrorCode::NOT_A_MEMBER
    );
    // Even with what only members are given.
    let now = anna.group_info(&world, talk).await.unwrap();
    let (made, _) = eve.make_external(&now, None);
    let refused = eve.commit(&world, talk, made.bundle.clone()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NOT_A_MEMBER);
    // Nor in a member's name.
    let refused = ben.commit(&world, talk, made.bundle).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::REFUSED);

    let version = anna.version(&world).await;
    let plan = CommitPlan {
        add: vec![],
        remove: vec![1],
    };
    let removal = anna.make_commit(talk, plan, version, None);
    anna.commit(&world, talk, removal.bundle).await.unwrap();
    anna.apply_own(talk);
    assert_eq!(ben.group_info(&world, talk).await.unwrap_err().code, ErrorCode::REMOVED);
    let now = anna.group_info(&world, talk).await.unwrap();
    let (made, _) = ben.make_external(&now, None);
    let refused = ben.commit(&world, talk, made.bundle).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::REMOVED);
}

#[tokio::test]
async fn p3_4_an_external_commit_races_like_every_other_and_its_parts_must_agree() {
    let world = World::start().await;
    let (mut anna, mut ben, talk, cursor) = pair(&world).await;
    let now = ben.group_info(&world, talk).await.unwrap();
    let (made, _) = ben.make_external(&now, Some(cursor));
    let (other, _) = ben.make_external(&now, Some(cursor));
    for (name, code, bundle) in [
        ("the other's GroupInfo", ErrorCode::REFUSED, {
            let mut bad = made.bundle.clone();
            bad.group_info = other.bundle.group_info.clone();
            bad
        }),
        ("a Welcome", ErrorCode::REFUSED, {
            let mut bad = made.bundle.clone();
            bad.welcome = Some(bad.commit.clone());
            bad
        }),
        ("a tail", ErrorCode::MALFORMED, {
            let mut bad = made.bundle.clone();
            bad.commit.0.push(0);
            bad
        }),
    ] {
        let refused = ben.commit(&world, talk, bundle).await.unwrap_err();
        assert_eq!(refused.code, code, "{name}");
    }
    let elsewhere = CursorClaim {
        h: Digest([7; 32]),
        ..cursor
    };
    let (bad, _) = ben.make_external(&now, Some(elsewhere));
    assert_eq!(
        ben.commit(&world, talk, bad.bundle).await.unwrap_err().code,
        ErrorCode::STORE_CHANGED
    );

    let version = anna.version(&world).await;
    let faster = anna.make_commit(talk, CommitPlan::default(), version, None);
    anna.commit(&world, talk, faster.bundle).await.unwrap();
    let lost = ben.commit(&world, talk, made.bundle).await.unwrap_err();
    assert_eq!(lost.code, ErrorCode::EPOCH_TAKEN);
    assert_eq!(lost.winner.unwrap().intent, faster.intent);
    let now = ben.group_info(&world, talk).await.unwrap();
    let (made, _) = ben.make_external(&now, Some(cursor));
    assert_eq!(ben.commit(&world, talk, made.bundle).await.unwrap().seq, 3);
}
