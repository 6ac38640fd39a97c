//! Stock, upload and claim of KeyPackages (2.8, 9.5).

use curo_types::api::{KeyPackageStock, UploadKeyPackages};
use curo_types::{Blob, ClaimId, ErrorCode, SuiteId, UserId};

use crate::device::{Device, SUITE};
use crate::world::World;

#[tokio::test]
async fn p9_5_a_claim_again_reads_the_same_and_stock_runs_down_to_the_last_resort() {
    let world = World::start().await;
    let anna = Device::new(&world, "anna").await;
    let mut ben = Device::new(&world, "ben").await;
    let one_time = ben.key_packages(2, false);
    let last_resort = ben.key_packages(1, true).remove(0);
    let upload = UploadKeyPackages {
        replace: false,
        suite: SUITE,
        one_time: one_time.clone(),
        last_resort: Some(last_resort.clone()),
    };
    let stock: KeyPackageStock = ben.post(&world, "/v1/key-packages", &upload).await.unwrap();
    assert_eq!((stock.one_time, stock.last_resort), (2, true));
    let again: KeyPackageStock = ben.post(&world, "/v1/key-packages", &upload).await.unwrap();
    assert_eq!(again, stock, "uploaded twice, there once");

    let nobody = UserId::random();
    let claim = ClaimId::random();
    let first = anna.claim(&world, claim, &[ben.user(), nobody]).await.unwrap();
    assert_eq!(first.missing, [nobody]);
    assert_eq!(anna.claim(&world, claim, &[ben.user(), nobody]).await.unwrap(), first);
    let second = anna.claim(&world, ClaimId::random(), &[ben.user()]).await.unwrap();
    let mut given = [
        first.claims[0].key_package.clone(),
        second.claims[0].key_package.clone(),
    ];
    let mut wanted = [one_time[0].clone(), one_time[1].clone()];
    given.sort_by(|a, b| a.0.cmp(&b.0));
    wanted.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(given, wanted, "each is given once");
    for _ in 0..2 {
        let resort = anna.claim(&world, ClaimId::random(), &[ben.user()]).await.unwrap();
        assert_eq!(resort.claims[0].key_package, last_resort);
    }
    let reused = anna.claim(&world, claim, &[nobody]).await.unwrap_err();
    assert_eq!(reused.code, ErrorCode::INTENT_REUSED);
    let news = ben.sync(&world, None, 0).await.unwrap();
    assert_eq!(
        (news.key_packages[0].one_time, news.key_packages[0].last_resort),
        (0, true)
    );
}

#[tokio::test]
async fn a_claim_reaches_the_callers_other_devices_but_not_itself() {
    let world = World::start().await;
    let mut phone = Device::new(&world, "anna").await;
    let mut tablet = phone.sibling(&world, "anna").await;
    phone.upload(&world, 2).await.unwrap();
    tablet.upload(&world, 2).await.unwrap();
    let answer = phone.claim(&world, ClaimId::random(), &[phone.user()]).await.unwrap();
    assert_eq!(
        answer.claims.iter().map(|claim| claim.device).collect::<Vec<_>>(),
        [tablet.id]
    );
}

#[tokio::test]
async fn only_the_devices_own_valid_key_packages_are_kept() {
    let world = World::start().await;
    let mut anna = Device::new(&world, "anna").await;
    let mut ben = Device::new(&world, "ben").await;
    let bens = ben.key_packages(1, false);
    let mut broken = anna.key_packages(1, false);
    *broken[0].0.last_mut().unwrap() ^= 1;
    let resort = anna.key_packages(1, true);
    let once = anna.key_packages(1, false);
    let mut case = Vec::new();
    let upload = |one_time, last_resort| UploadKeyPackages {
        replace: false,
        suite: SUITE,
        one_time,
        last_resort,
    };
    case.push(("another device's", upload(bens, None), ErrorCode::REFUSED));
    case.push(("a broken signature", upload(broken, None), ErrorCode::REFUSED));
    case.push((
        "a last-resort one as a one-time one",
        upload(resort, None),
        ErrorCode::REFUSED,
    ));
    case.push((
        "a one-time one as the last resort",
        upload(vec![], Some(once[0].clone())),
        ErrorCode::REFUSED,
    ));
    case.push(("garbage", upload(vec![Blob(vec![9; 50])], None), ErrorCode::MALFORMED));
    case.push((
        "one too long",
        upload(vec![Blob(vec![0; 4 * 1024 + 1])], None),
        ErrorCode::TOO_LARGE,
    ));
    case.push(("too many", upload(vec![Blob(vec![]); 101], None), ErrorCode::TOO_LARGE));
    let mut other_suite = upload(once, None);
    other_suite.suite = SuiteId(2);
    case.push(("a suite without a key", other_suite, ErrorCode::REFUSED));
    for (name, upload, code) in case {
        let refused = anna
            .post::<KeyPackageStock>(&world, "/v1/key-packages", &upload)
            .await
            .unwrap_err();
        assert_eq!(refused.code, code, "{name}: {refused:?}");
    }
}

#[tokio::test]
async fn claims_are_limited_by_the_hour_of_the_relays_clock() {
    let world = World::start_with(|config| config.limits.claims_by_user_per_hour = 2).await;
    let anna = Device::new(&world, "anna").await;
    let mut ben = Device::new(&world, "ben").await;
    ben.upload(&world, 5).await.unwrap();
    let replay = ClaimId::random();
    anna.claim(&world, replay, &[ben.user()]).await.unwrap();
    anna.claim(&world, ClaimId::random(), &[ben.user()]).await.unwrap();
    let limited = anna.claim(&world, ClaimId::random(), &[ben.user()]).await.unwrap_err();
    assert_eq!(limited.code, ErrorCode::RATE_LIMITED);
    let wait = limited.retry_after_ms.unwrap();
    assert!((1..=3_600_000).contains(&wait), "{wait}");
    assert!(
        anna.claim(&world, replay, &[ben.user()]).await.is_ok(),
        "a replay costs nothing"
    );
    world.clock.advance_ms(wait);
    let mut anna = anna;
    anna.token = world.token("anna");
    assert!(anna.claim(&world, ClaimId::random(), &[ben.user()]).await.is_ok());
}
