//! Devices with keys of several suites: what a rotation adds, and which suite a claim takes.

use curo_relay::storage::{
    ClaimKeyPackages, ClaimOutcome, CommitOutcome, DeviceRef, DirectoryChange, DirectoryOutcome, NewConversation,
    Refusal, UploadOutcome, UploadedKeyPackages,
};
use curo_types::format::Action;
use curo_types::{Digest, SuiteId, UserId};

use crate::key_packages::{claim, names, of, stock_of};
use crate::world::{SUITE, World, key_of};

/// The device's key of the second suite, which a rotation adds.
async fn add_second_suite(w: &World, device: DeviceRef) -> DirectoryOutcome {
    let states = w.storage.devices(&w.tenant, device.user).await.unwrap();
    let state = states.into_iter().find(|state| state.device == device.device).unwrap();
    let envelope = [b"rotate".as_slice(), &device.device.0].concat();
    w.change(vec![DirectoryChange {
        approved_by: None,
        device,
        action: Action::Rotate,
        keys: [state.keys.clone(), vec![(SECOND, second_key(device))]].concat(),
        previous: Some(state.envelope_hash),
        request_hash: Digest::of(&envelope),
        envelope,
    }])
    .await
}

const SECOND: SuiteId = SuiteId::MLS_128_P256_AES128GCM_SHA256_P256;

fn second_key(device: DeviceRef) -> Vec<u8> {
    [b"second".as_slice(), &key_of(device.device)].concat()
}

async fn upload_second(w: &World, device: DeviceRef, names: &[&str]) -> UploadOutcome {
    let upload = UploadedKeyPackages {
        replace: false,
        suite: SECOND,
        public_key: second_key(device),
        one_time: names.iter().map(|name| World::key_package(name)).collect(),
        last_resort: None,
    };
    w.storage
        .upload_key_packages(&w.tenant, device, upload, w.now())
        .await
        .unwrap()
}

pub async fn p2_1_a_rotation_adds_a_key_and_its_suite_has_its_own_stock(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    assert_eq!(upload_second(w, a, &["early"]).await, UploadOutcome::WrongKey);
    let DirectoryOutcome::Accepted(versions) = add_second_suite(w, a).await else {
        panic!("not accepted")
    };
    assert_eq!(versions, [3]);
    let states = w.storage.devices(&w.tenant, a.user).await.unwrap();
    assert_eq!(states[0].keys, [(SUITE, key_of(a.device)), (SECOND, second_key(a))]);
    assert!(states[0].active && states[0].version == 3);
    // What follows an envelope that is not the last one is late.
    assert!(matches!(
        w.change(vec![World::revocation(a, Digest::of(b"another"))]).await,
        DirectoryOutcome::Stale
    ));
    upload_second(w, a, &["s1"]).await;
    w.upload(a, &["f1", "f2"], None).await;
    let stocks: Vec<_> = stock_of(w, a).await.iter().map(|s| (s.suite, s.one_time)).collect();
    assert_eq!(stocks, [(SUITE, 2), (SECOND, 1)]);
    // A key belongs to one device for ever, in this suite too.
    let thief = w.device().await;
    let states = w.storage.devices(&w.tenant, thief.user).await.unwrap();
    let stolen = DirectoryChange {
        approved_by: None,
        device: thief,
        action: Action::Rotate,
        keys: vec![(SUITE, key_of(thief.device)), (SECOND, second_key(a))],
        previous: Some(states[0].envelope_hash),
        request_hash: Digest::of(b"thief"),
        envelope: b"thief".to_vec(),
    };
    assert!(matches!(w.change(vec![stolen]).await, DirectoryOutcome::DeviceExists));
    // A commit that was judged before the rotation is judged again (3.6).
    let conversation = w.new_conversation();
    let late = World::commit(&conversation, b, 2, &[a], &[]);
    let new = NewConversation {
        group: conversation.group,
        suite: SUITE,
        lost: None,
        first_commit: late,
    };
    let outcome = w.storage.create_conversation(&w.tenant, b, new, w.now()).await.unwrap();
    assert!(
        matches!(outcome, CommitOutcome::Refused(Refusal::DirectoryChanged)),
        "{outcome:?}"
    );
}

pub async fn p2_1_a_claim_takes_the_best_suite_that_everybody_has(w: &World) {
    let (anna, bo) = (UserId([1; 16]), UserId([2; 16]));
    let (a1, a2, b1) = (w.device_of(anna).await, w.device_of(anna).await, w.device_of(bo).await);
    let c = w.device().await;
    for (device, name) in [(a1, "a1"), (a2, "a2"), (b1, "b1")] {
        w.upload(device, &[], Some(name)).await;
    }
    let best_of = async |users: &[UserId]| {
        let request = ClaimKeyPackages {
            suites: vec![SECOND, SUITE],
            ..of(users)
        };
        match claim(w, c, request).await {
            ClaimOutcome::Accepted(answer) => answer,
            other => panic!("{other:?}"),
        }
    };
    let suite_of = async |users: &[UserId]| best_of(users).await.suite;
    assert_eq!(suite_of(&[anna, bo]).await, SUITE, "nobody has the better one");
    for device in [a1, b1] {
        add_second_suite(w, device).await;
    }
    assert_eq!(
        suite_of(&[anna, bo]).await,
        SUITE,
        "a key without KeyPackages invites nobody"
    );
    upload_second(w, a1, &["s1", "s2", "s3", "s4"]).await;
    upload_second(w, b1, &["t1", "t2"]).await;
    assert_eq!(suite_of(&[bo]).await, SECOND);
    assert_eq!(suite_of(&[anna, bo]).await, SUITE, "one device of hers would stay out");
    w.upload(a2, &[], Some("a2 again")).await;
    w.revoke(a2).await;
    let answer = best_of(&[bo, anna]).await;
    assert_eq!(
        (answer.suite, names(&answer)),
        (SECOND, vec!["s1".to_owned(), "t2".to_owned()])
    );
    // bo's are used up: the other suite is the one that all have.
    assert_eq!(suite_of(&[anna, bo]).await, SUITE);
    // Whoever cannot run the suite is told apart from whoever has no device.
    let only = ClaimKeyPackages {
        suites: vec![SECOND],
        ..of(&[c.user, UserId([9; 16]), bo])
    };
    let ClaimOutcome::Accepted(answer) = claim(w, a1, only).await else {
        panic!("not accepted")
    };
    assert_eq!(answer.missing.len(), 3);
    assert_eq!(
        answer.without_suite,
        [c.user],
        "bo has a key, and nothing left; the third is nobody"
    );
}
