//! KeyPackages: stock, upload, claims, their limits.

use std::collections::BTreeSet;
use std::sync::Arc;

use curo_relay::storage::{
    ClaimKeyPackages, ClaimLimits, ClaimOutcome, DeviceRef, KEY_PACKAGE_FRESH_MS, STOCK_MARGIN_MS, UploadOutcome,
    UploadedKeyPackages,
};
use curo_types::api::{ClaimAnswer, KeyPackageStock};
use curo_types::{ClaimId, SuiteId, UserId};

use crate::world::{HOUR_MS, LIMITS, SUITE, World, key_of};

pub fn of(users: &[UserId]) -> ClaimKeyPackages {
    ClaimKeyPackages {
        claim: ClaimId::random(),
        suites: vec![SUITE],
        users: users.to_vec(),
    }
}

pub async fn claim(w: &World, caller: DeviceRef, claim: ClaimKeyPackages) -> ClaimOutcome {
    w.storage
        .claim_key_packages(&w.tenant, caller, claim, LIMITS, w.now())
        .await
        .unwrap()
}

async fn claimed(w: &World, caller: DeviceRef, users: &[UserId]) -> ClaimAnswer {
    match claim(w, caller, of(users)).await {
        ClaimOutcome::Accepted(answer) => answer,
        other => panic!("{other:?}"),
    }
}

pub fn names(answer: &ClaimAnswer) -> Vec<String> {
    answer
        .claims
        .iter()
        .map(|c| String::from_utf8(c.key_package.0.clone()).unwrap())
        .collect()
}

fn stock(one_time: u32, last_resort: bool) -> KeyPackageStock {
    KeyPackageStock {
        suite: SUITE,
        one_time,
        last_resort,
    }
}

pub async fn stock_of(w: &World, device: DeviceRef) -> Vec<KeyPackageStock> {
    w.storage
        .key_package_stock(&w.tenant, device.device, w.now())
        .await
        .unwrap()
}

pub async fn stock_counts_what_can_be_claimed(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    assert_eq!(stock_of(w, a).await, [stock(0, false)]);
    assert_eq!(
        w.upload(a, &["1", "2"], Some("last")).await,
        UploadOutcome::Accepted(stock(2, true))
    );
    claimed(w, b, &[a.user]).await;
    assert_eq!(stock_of(w, a).await, [stock(1, true)]);
    // A last-resort one is replaced, not counted twice, and survives claims.
    assert_eq!(
        w.upload(a, &[], Some("later")).await,
        UploadOutcome::Accepted(stock(1, true))
    );
    assert_eq!(names(&claimed(w, b, &[a.user]).await), ["2"]);
    assert_eq!(names(&claimed(w, b, &[a.user]).await), ["later"]);
    assert_eq!(stock_of(w, a).await, [stock(0, true)]);
    w.revoke(a).await;
    assert_eq!(stock_of(w, a).await, []);
}

pub async fn one_that_was_there_is_not_added_again_claimed_or_not(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    w.upload(a, &["1", "2"], Some("last")).await;
    assert_eq!(names(&claimed(w, b, &[a.user]).await), ["1"]);
    assert_eq!(
        w.upload(a, &["1", "2", "2"], Some("last")).await,
        UploadOutcome::Accepted(stock(1, true))
    );
    assert_eq!(names(&claimed(w, b, &[a.user]).await), ["2"]);
    // Neither can a used one come back as the last resort.
    assert_eq!(
        w.upload(a, &[], Some("1")).await,
        UploadOutcome::Accepted(stock(0, true))
    );
    assert_eq!(names(&claimed(w, b, &[a.user]).await), ["last"]);
}

pub async fn uploads_over_the_limit_or_with_a_wrong_key_store_nothing(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let many: Vec<String> = (0..200).map(|n| format!("one-time {n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(
        w.upload(a, &many, None).await,
        UploadOutcome::Accepted(stock(200, false))
    );
    assert_eq!(w.upload(a, &["one more"], Some("last")).await, UploadOutcome::TooMany);
    assert_eq!(stock_of(w, a).await, [stock(200, false)]);

    let upload = |public_key| UploadedKeyPackages {
        replace: false,
        suite: SUITE,
        public_key,
        one_time: vec![World::key_package("x")],
        last_resort: None,
    };
    let call = async |caller, upload| {
        w.storage
            .upload_key_packages(&w.tenant, caller, upload, w.now())
            .await
            .unwrap()
    };
    assert_eq!(call(b, upload(key_of(a.device))).await, UploadOutcome::WrongKey);
    let other_suite = UploadedKeyPackages {
        replace: false,
        suite: SuiteId(2),
        ..upload(key_of(b.device))
    };
    assert_eq!(call(b, other_suite).await, UploadOutcome::WrongKey);
    let stranger = DeviceRef {
        user: a.user,
        device: b.device,
    };
    assert_eq!(
        call(stranger, upload(key_of(b.device))).await,
        UploadOutcome::UnknownDevice
    );
    assert_eq!(stock_of(w, b).await, [stock(0, false)]);
    w.revoke(b).await;
    assert_eq!(call(b, upload(key_of(b.device))).await, UploadOutcome::DeviceRevoked);
}

pub async fn claims_take_the_oldest_then_the_last_resort(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    w.upload(a, &["z", "y"], Some("last")).await;
    w.pass(1);
    w.upload(a, &["a"], None).await;
    let mut order = Vec::new();
    for _ in 0..5 {
        order.extend(names(&claimed(w, b, &[a.user]).await));
    }
    assert_eq!(order, ["z", "y", "a", "last", "last"]);
}

pub async fn p9_5_a_claim_again_reads_the_same(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    w.upload(a, &["a1", "a2"], None).await;
    w.upload(b, &[], Some("b last")).await;
    let request = of(&[a.user, b.user, UserId([9; 16])]);
    let ClaimOutcome::Accepted(first) = claim(w, c, request.clone()).await else {
        panic!("not accepted")
    };
    assert_eq!(first.missing, [UserId([9; 16])]);
    assert_eq!(first.directory_version, 3);

    // Whatever happens in between: replaced, revoked, another day.
    w.upload(b, &["b1"], Some("b other")).await;
    w.revoke(a).await;
    w.pass(24 * HOUR_MS);
    assert_eq!(
        claim(w, c, request.clone()).await,
        ClaimOutcome::Duplicate(first.clone())
    );
    // The order of the users does not matter, their set does; the suite stays what it was.
    let mut other = request.clone();
    other.users.reverse();
    assert_eq!(claim(w, c, other.clone()).await, ClaimOutcome::Duplicate(first));
    other.users.pop();
    assert_eq!(claim(w, c, other).await, ClaimOutcome::ClaimReused);
    let other = ClaimKeyPackages {
        suites: vec![SuiteId(2)],
        ..request.clone()
    };
    assert!(matches!(claim(w, c, other).await, ClaimOutcome::Duplicate(again) if again.suite == SUITE));
    // Another device's claim of the same name is another claim.
    let ClaimOutcome::Accepted(answer) = claim(w, b, request).await else {
        panic!("not accepted")
    };
    assert_eq!(names(&answer), Vec::<String>::new());
}

pub async fn claims_bring_every_active_device_but_the_caller(w: &World) {
    let (anna, bo) = (UserId([1; 16]), UserId([2; 16]));
    let (phone, tablet) = (w.device_of(anna).await, w.device_of(anna).await);
    let (b1, b2, b3) = (w.device_of(bo).await, w.device_of(bo).await, w.device_of(bo).await);
    for (device, name) in [(phone, "phone"), (tablet, "tablet"), (b1, "b1"), (b2, "b2")] {
        w.upload(device, &[name], None).await;
    }
    w.revoke(b2).await;
    let answer = claimed(w, phone, &[bo, anna, bo]).await;
    let devices: BTreeSet<_> = answer.claims.iter().map(|claim| (claim.user, claim.device)).collect();
    // b3 has no KeyPackage, b2 is gone, the phone is the caller.
    assert_eq!(devices, BTreeSet::from([(anna, tablet.device), (bo, b1.device)]));
    assert_eq!(answer.missing, []);
    let answer = claimed(w, phone, &[anna, bo]).await;
    assert_eq!((answer.claims, answer.missing), (vec![], vec![anna, bo]));
    assert_eq!(stock_of(w, b3).await, [stock(0, false)]);
}

pub async fn p2_8_stale_key_packages_are_not_given_out(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    w.upload(a, &["old"], Some("old last")).await;
    w.pass(LIMITS.max_age_ms);
    w.upload(a, &["new"], None).await;
    w.pass(1);
    assert_eq!(names(&claimed(w, b, &[a.user]).await), ["new"]);
    assert_eq!(claimed(w, b, &[a.user]).await.missing, [a.user]);
}

pub async fn concurrent_claims_never_share_a_one_time_key_package(w: &World) {
    let a = w.device().await;
    let uploaded: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    w.upload(
        a,
        &uploaded.iter().map(String::as_str).collect::<Vec<_>>(),
        Some("last"),
    )
    .await;
    let mut claimers = Vec::new();
    for _ in 0..50 {
        claimers.push(w.device().await);
    }
    let tasks: Vec<_> = claimers
        .into_iter()
        .map(|claimer| {
            let (storage, tenant, now) = (Arc::clone(&w.storage), w.tenant.clone(), w.now());
            tokio::spawn(async move {
                storage
                    .claim_key_packages(&tenant, claimer, of(&[a.user]), LIMITS, now)
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut got = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            ClaimOutcome::Accepted(answer) => got.extend(names(&answer)),
            other => panic!("{other:?}"),
        }
    }
    let last = got.iter().filter(|name| *name == "last").count();
    let one_time: BTreeSet<_> = got.iter().filter(|name| *name != "last").collect();
    assert_eq!((got.len(), last, one_time.len()), (50, 10, 40));
}

pub async fn claims_are_limited_by_the_hour(w: &World) {
    let limits = ClaimLimits {
        per_claimer: 3,
        per_target: 4,
        ..LIMITS
    };
    let call = async |caller, request| {
        w.storage
            .claim_key_packages(&w.tenant, caller, request, limits, w.now())
            .await
            .unwrap()
    };
    let limited = |ms| ClaimOutcome::RateLimited { retry_after_ms: ms };
    let (target, x, y) = (w.device().await, w.device().await, w.device().await);
    w.pass(10 * 60_000);
    let first = of(&[target.user, x.user]);
    assert!(matches!(call(y, first.clone()).await, ClaimOutcome::Accepted(_)));
    // A claim of two users would be the third and the fourth.
    assert_eq!(call(y, of(&[target.user, x.user])).await, limited(50 * 60_000));
    assert!(
        matches!(call(y, of(&[target.user])).await, ClaimOutcome::Accepted(_)),
        "what was refused counts nothing"
    );
    assert_eq!(call(y, of(&[target.user])).await, limited(50 * 60_000));
    // A repetition is free.
    assert!(matches!(call(y, first).await, ClaimOutcome::Duplicate(_)));
    // A clock that goes back opens no new hour, and the wait is told by the hour that counts.
    let earlier = w
        .storage
        .claim_key_packages(&w.tenant, y, of(&[target.user]), limits, w.now() - HOUR_MS)
        .await
        .unwrap();
    assert_eq!(earlier, limited(110 * 60_000));
    w.pass(50 * 60_000);
    assert!(matches!(
        call(y, of(&[target.user, x.user])).await,
        ClaimOutcome::Accepted(_)
    ));
}

pub async fn a_refused_claim_takes_nothing(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    w.upload(a, &["a"], None).await;
    w.upload(b, &["b"], None).await;
    let limits = ClaimLimits {
        per_target: 1,
        ..LIMITS
    };
    let call = async |c, request| {
        w.storage
            .claim_key_packages(&w.tenant, c, request, limits, w.now())
            .await
            .unwrap()
    };
    assert!(matches!(call(c, of(&[b.user])).await, ClaimOutcome::Accepted(_)));
    assert!(matches!(
        call(c, of(&[a.user, b.user])).await,
        ClaimOutcome::RateLimited { .. }
    ));
    assert_eq!(stock_of(w, a).await, [stock(1, false)]);
    // What one claimer has used up holds up no other.
    assert!(matches!(call(a, of(&[b.user])).await, ClaimOutcome::Accepted(_)));
    let stranger = DeviceRef {
        user: a.user,
        device: c.device,
    };
    assert_eq!(claim(w, stranger, of(&[b.user])).await, ClaimOutcome::UnknownDevice);
    w.revoke(c).await;
    assert_eq!(claim(w, c, of(&[a.user])).await, ClaimOutcome::DeviceRevoked);
}

pub async fn sweeping_forgets_claims_and_keeps_what_can_be_claimed(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    w.upload(a, &["1", "2"], Some("last")).await;
    let request = of(&[a.user]);
    assert!(matches!(claim(w, b, request.clone()).await, ClaimOutcome::Accepted(_)));
    let nothing = w.storage.sweep(w.now(), w.now()).await.unwrap();
    assert_eq!((nothing.removed, nothing.more), (0, false));
    assert!(matches!(claim(w, b, request).await, ClaimOutcome::Duplicate(_)));
    w.pass(2 * HOUR_MS);
    // The claim and its item, the bytes of the claimed KeyPackage, the two windows of the claimer.
    assert_eq!(w.storage.sweep(w.now(), w.now()).await.unwrap().removed, 5);
    assert_eq!(w.storage.sweep(w.now(), w.now()).await.unwrap().removed, 0);
    assert_eq!(stock_of(w, a).await, [stock(1, true)]);
    // One that was given out is known for ever.
    assert_eq!(
        w.upload(a, &["1"], Some("1")).await,
        UploadOutcome::Accepted(stock(1, true))
    );
    assert_eq!(names(&claimed(w, b, &[a.user]).await), ["2"]);
}

pub async fn stale_key_packages_are_no_stock_and_are_swept(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let fresh = KEY_PACKAGE_FRESH_MS - STOCK_MARGIN_MS;
    let many: Vec<String> = (0..200).map(|n| format!("one-time {n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    w.upload(a, &many, Some("last")).await;
    w.pass(fresh);
    assert_eq!(stock_of(w, a).await, [stock(200, true)]);
    w.pass(1);
    assert_eq!(stock_of(w, a).await, [stock(0, false)], "the device must refill now");
    assert_eq!(
        w.upload(a, &["new"], Some("new last")).await,
        UploadOutcome::Accepted(stock(1, true)),
        "what is no stock does not stand in the way of new ones"
    );
    assert_eq!(
        names(&claimed(w, b, &[a.user]).await),
        ["one-time 0"],
        "still given out"
    );
    w.pass(STOCK_MARGIN_MS);
    // All that were not claimed, and the two windows of the claimer.
    assert_eq!(w.storage.sweep(0, w.now()).await.unwrap().removed, 199 + 2);
    assert_eq!(names(&claimed(w, b, &[a.user]).await), ["new"]);
}

pub async fn a_replaced_last_resort_is_kept_only_for_claims_that_name_it(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    for n in 0..20 {
        w.upload(a, &[], Some(&format!("last {n}"))).await;
    }
    w.pass(1);
    assert_eq!(
        w.storage.sweep(w.now(), w.now()).await.unwrap().removed,
        0,
        "nothing was left behind"
    );
    let request = of(&[a.user]);
    let ClaimOutcome::Accepted(first) = claim(w, b, request.clone()).await else {
        panic!("not accepted")
    };
    assert_eq!(names(&first), ["last 19"]);
    w.upload(a, &[], Some("other")).await;
    assert_eq!(claim(w, b, request).await, ClaimOutcome::Duplicate(first));
    // It was given out: it cannot come back.
    w.upload(a, &[], Some("last 19")).await;
    assert_eq!(names(&claimed(w, b, &[a.user]).await), ["other"]);
}

pub async fn p7_1_a_stock_is_replaced_but_for_what_was_claimed(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    w.upload(b, &["one", "two", "three"], Some("last")).await;
    let claim = ClaimKeyPackages {
        claim: ClaimId::random(),
        suites: vec![SUITE],
        users: vec![b.user],
    };
    w.storage
        .claim_key_packages(&w.tenant, a, claim.clone(), LIMITS, w.now())
        .await
        .unwrap();
    let upload = UploadedKeyPackages {
        replace: true,
        suite: SUITE,
        public_key: key_of(b.device),
        one_time: vec![World::key_package("new"), World::key_package("newer")],
        last_resort: Some(World::key_package("new last")),
    };
    // Again and again: what came before stays.
    for _ in 0..2 {
        let outcome = w
            .storage
            .upload_key_packages(&w.tenant, b, upload.clone(), w.now())
            .await
            .unwrap();
        match outcome {
            UploadOutcome::Accepted(stock) => assert_eq!((stock.one_time, stock.last_resort), (2, true)),
            other => panic!("{other:?}"),
        }
    }
    // A claim again reads what it read.
    let again = w
        .storage
        .claim_key_packages(&w.tenant, a, claim, LIMITS, w.now())
        .await
        .unwrap();
    match again {
        ClaimOutcome::Duplicate(answer) => assert_eq!(answer.claims[0].key_package.0, b"one"),
        other => panic!("{other:?}"),
    }
}
