//! Registration, the device directory, people.

use curo_mls::{MlsEngine as _, Suite};
use curo_types::api::{PeopleAnswer, PeopleQuery};
use curo_types::format::{Action, Envelope, EnvelopeBody, Signer, SuiteKey};
use curo_types::{ErrorCode, SuiteId};

use crate::device::{Device, SUITE};
use crate::world::{World, other_tenant, tenant};

fn verify(envelope: &[u8], device: &Device) -> Envelope {
    let envelope = Envelope::from_bytes(envelope).unwrap();
    let suites = |suite: SuiteId, key: &[u8], message: &[u8], signature: &[u8]| {
        curo_mls::verify_signature(Suite(suite.0), key, message, signature)
            .is_ok()
            .into()
    };
    envelope
        .verify(&device.session.directory_key, &suites, &|_, _| None)
        .unwrap();
    envelope
}

#[tokio::test]
async fn p2_2_a_registration_is_vouched_for_and_repeats_its_answer() {
    let world = World::start().await;
    let device = Device::unregistered(&world, &tenant(), "anna").await;
    let envelope = device.envelope().to_bytes();
    let first = device.register(&world, &envelope).await.unwrap();
    assert_eq!(verify(&first.envelope.0, &device).body().device, device.id);
    assert_eq!(device.register(&world, &envelope).await.unwrap(), first);
    let page = device.directory(&world, &[device.user()]).await;
    assert_eq!((page.version, page.records.len()), (first.version, 1));
    assert_eq!(page.records[0].envelope, first.envelope);
}

#[tokio::test]
async fn p2_2_what_is_not_proved_does_not_enter_the_directory() {
    let world = World::start().await;
    let anna = Device::unregistered(&world, &tenant(), "anna").await;
    let ben = Device::unregistered(&world, &tenant(), "ben").await;
    let keys = |suite| {
        vec![SuiteKey {
            suite,
            public_key: anna.signer.public_key.clone(),
        }]
    };
    let add = |user, keys| EnvelopeBody::add(tenant(), user, anna.id, keys, None, None);
    let unsigned = Envelope::new(add(anna.user(), keys(SUITE)));
    let mut by_another = Envelope::new(add(anna.user(), keys(SUITE)));
    let mut engine = curo_mls::OpenMlsEngine::new();
    let message = by_another.signed_bytes();
    let signature = engine
        .sign(&ben.store, Suite(SUITE.0), &ben.signer.public_key, &message)
        .unwrap();
    by_another.push(Signer::Subject(SUITE), signature);
    let mut with_directory = anna.envelope();
    with_directory.push(Signer::Directory, vec![0; 64]);
    let mut signed_twice = anna.envelope();
    let again = signed_twice.signatures[0].signature.clone();
    signed_twice.push(Signer::Subject(SUITE), again);
    let with_dpop = |key: String| {
        anna.sign(EnvelopeBody::add(
            tenant(),
            anna.user(),
            anna.id,
            keys(SUITE),
            Some(key),
            None,
        ))
    };
    let elsewhere = EnvelopeBody::add(other_tenant(), anna.user(), anna.id, keys(SUITE), None, None);
    let revocation = EnvelopeBody::revoke(tenant(), anna.user(), anna.id, curo_types::Digest::ZERO);
    let cases = [
        ("no proof", unsigned, ErrorCode::REFUSED),
        ("another's proof", by_another, ErrorCode::REFUSED),
        ("a forged directory signature", with_directory, ErrorCode::REFUSED),
        (
            "a suite that is not allowed",
            anna.sign(add(anna.user(), keys(SuiteId(3)))),
            ErrorCode::REFUSED,
        ),
        (
            "another user",
            anna.sign(add(ben.user(), keys(SUITE))),
            ErrorCode::FORBIDDEN,
        ),
        ("another tenant", anna.sign(elsewhere), ErrorCode::FORBIDDEN),
        ("a revocation", Envelope::new(revocation), ErrorCode::REFUSED),
        ("a signature too many", signed_twice, ErrorCode::REFUSED),
        ("a DPoP key that is none", with_dpop("{}".into()), ErrorCode::REFUSED),
        ("a large envelope", with_dpop("x".repeat(2000)), ErrorCode::TOO_LARGE),
    ];
    for (name, envelope, code) in cases {
        assert_eq!(
            anna.register(&world, &envelope.to_bytes()).await.unwrap_err().code,
            code,
            "{name}"
        );
    }
    assert_eq!(
        anna.register(&world, b"garbage").await.unwrap_err().code,
        ErrorCode::MALFORMED
    );
    let unknown = anna.sync(&world, None, 0).await.unwrap_err();
    assert_eq!(unknown.code, ErrorCode::UNKNOWN_DEVICE, "nothing was registered");
}

#[tokio::test]
async fn a_device_id_belongs_to_one_user_and_one_envelope() {
    let world = World::start().await;
    let anna = Device::new(&world, "anna").await;
    let mut thief = Device::unregistered(&world, &tenant(), "ben").await;
    thief.id = anna.id;
    assert_eq!(
        thief.sync(&world, None, 0).await.unwrap_err().code,
        ErrorCode::UNKNOWN_DEVICE,
        "not ben's device"
    );
    let taken = thief.register(&world, &thief.envelope().to_bytes()).await.unwrap_err();
    assert_eq!(taken.code, ErrorCode::DEVICE_EXISTS);
    let mut other_key = Device::unregistered(&world, &tenant(), "anna").await;
    other_key.id = anna.id;
    let taken = other_key
        .register(&world, &other_key.envelope().to_bytes())
        .await
        .unwrap_err();
    assert_eq!(taken.code, ErrorCode::DEVICE_EXISTS);
}

#[tokio::test]
async fn d4_the_eleventh_device_evicts_the_least_recently_used() {
    let world = World::start().await;
    let first = Device::new(&world, "anna").await;
    world.clock.advance_ms(1000);
    let second = first.sibling(&world, "anna").await;
    for _ in 0..8 {
        world.clock.advance_ms(1000);
        first.sibling(&world, "anna").await;
    }
    // The first is used again after two hours, so the second is the one that nobody misses.
    world.clock.advance_ms(2 * 3600 * 1000);
    let fresh = world.token("anna");
    let mut first = first;
    let mut second = second;
    first.token.clone_from(&fresh);
    second.token.clone_from(&fresh);
    seen(&world, &first).await;
    let eleventh = first.sibling(&world, "anna").await;

    assert_eq!(
        second.sync(&world, None, 0).await.unwrap_err().code,
        ErrorCode::DEVICE_REVOKED
    );
    assert!(first.sync(&world, None, 0).await.is_ok());
    let page = eleventh.directory(&world, &[first.user()]).await;
    let revoked: Vec<_> = page
        .records
        .iter()
        .map(|record| verify(&record.envelope.0, &first))
        .filter(|envelope| envelope.body().action == Action::Revoke)
        .collect();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].body().device, second.id);
    let before = page
        .records
        .iter()
        .find(|r| Envelope::from_bytes(&r.envelope.0).unwrap().body().device == second.id);
    assert_eq!(
        revoked[0].body().previous,
        Some(curo_types::Digest::of(&before.unwrap().envelope.0))
    );
}

#[tokio::test]
async fn registrations_of_a_user_are_limited_by_the_day() {
    let world = World::start_with(|config| config.limits.registrations_per_user_per_day = 3).await;
    let first = Device::new(&world, "anna").await;
    world.clock.advance_ms(60_000);
    for _ in 0..2 {
        first.sibling(&world, "anna").await;
    }
    let fourth = Device::unregistered(&world, &first.tenant, "anna").await;
    let envelope = fourth.envelope().to_bytes();
    let limited = fourth.register(&world, &envelope).await.unwrap_err();
    assert_eq!(limited.code, ErrorCode::RATE_LIMITED);
    // The first registration is a minute older than the others: one place is free a day after it.
    let wait = limited.retry_after_ms.unwrap();
    assert_eq!(wait, 24 * 3600 * 1000 - 60_000);
    // A repetition of what is registered is no registration, and other users have their own count.
    first.register(&world, &first.envelope().to_bytes()).await.unwrap();
    Device::new(&world, "ben").await;

    world.clock.advance_ms(wait);
    let mut fourth = fourth;
    fourth.token = world.token("anna");
    fourth.register(&world, &envelope).await.unwrap();
    let fifth = Device::unregistered(&world, &first.tenant, "anna").await;
    let limited = fifth.register(&world, &fifth.envelope().to_bytes()).await.unwrap_err();
    assert_eq!(limited.code, ErrorCode::RATE_LIMITED);
}

/// The last-seen time is written apart from the request, so the device asks until it is there: eviction shows it.
async fn seen(world: &World, device: &Device) {
    device.sync(world, None, 0).await.unwrap();
    // The storage has one writer: a write that is answered means that the one before it is done.
    device.directory(world, &[device.user()]).await;
    let token = world.token("somebody else");
    let _: curo_types::api::SessionAnswer = world.post(&token, "/v1/session", &()).await.unwrap();
}

#[tokio::test]
async fn people_are_found_by_subject_within_the_tenant_only() {
    let world = World::start().await;
    let anna = Device::new(&world, "anna@example.org").await;
    let foreigner = Device::of(&world, &other_tenant(), "ben@example.org").await;
    let query = PeopleQuery {
        subjects: vec!["anna@example.org".into(), "ben@example.org".into(), "nobody".into()],
    };
    let found: PeopleAnswer = anna.post(&world, "/v1/people", &query).await.unwrap();
    assert_eq!(
        found.people.iter().map(|person| person.user).collect::<Vec<_>>(),
        [anna.user()]
    );
    assert!(anna.directory(&world, &[foreigner.user()]).await.records.is_empty());
    for (path, body) in [
        ("/v1/people", serde_json::json!({"subjects": []})),
        ("/v1/directory", serde_json::json!({"users": []})),
        (
            "/v1/key-packages/claim",
            serde_json::json!({"claim": curo_types::ClaimId::random(), "suites": [SUITE], "users": []}),
        ),
    ] {
        let refused = anna.post::<serde_json::Value>(&world, path, &body).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::MALFORMED, "{path} for nobody");
    }
    let many = PeopleQuery {
        subjects: vec![String::new(); 251],
    };
    let refused = anna
        .post::<PeopleAnswer>(&world, "/v1/people", &many)
        .await
        .unwrap_err();
    assert_eq!(refused.code, ErrorCode::TOO_LARGE);
    let long = PeopleQuery {
        subjects: vec!["x".repeat(256)],
    };
    let refused = anna
        .post::<PeopleAnswer>(&world, "/v1/people", &long)
        .await
        .unwrap_err();
    assert_eq!(refused.code, ErrorCode::TOO_LARGE);
}
