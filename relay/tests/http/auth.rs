//! Access tokens (RFC 9068): what is refused, and that refusals are typed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use curo_relay::{DevClaims, SessionPolicy};
use curo_types::ErrorCode;
use curo_types::api::{Problem, SessionAnswer};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{HOUR, World, other_tenant, problem, tenant};

async fn refused(world: &World, token: &str) -> Problem {
    match world.post::<SessionAnswer>(token, "/v1/session", &()).await {
        Ok(_) => panic!("the token was accepted: {token}"),
        Err(problem) => problem,
    }
}

#[tokio::test]
async fn a_good_token_opens_the_same_session_again_and_again() {
    let world = World::start().await;
    let first: SessionAnswer = world.post(&world.token("anna"), "/v1/session", &()).await.unwrap();
    let again: SessionAnswer = world.post(&world.token("anna"), "/v1/session", &()).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(first.tenant, tenant());
    first.log_key.verify(&first.directory_key).unwrap();
    let ben: SessionAnswer = world.post(&world.token("ben"), "/v1/session", &()).await.unwrap();
    assert_ne!(first.user, ben.user);
    // The same subject in another tenant is another person, under other keys.
    let token = world.issuer.mint(&other_tenant(), "anna", HOUR);
    let elsewhere: SessionAnswer = world.post(&token, "/v1/session", &()).await.unwrap();
    assert_ne!(
        (elsewhere.user, elsewhere.directory_key),
        (first.user, first.directory_key)
    );
}

#[tokio::test]
async fn every_broken_token_is_refused() {
    let world = World::start().await;
    let good = || world.issuer.claims(&tenant(), "anna", HOUR);
    let header = |key: &str, value: Value| {
        let mut token = good();
        token.header[key] = value;
        token
    };
    let claim = |key: &str, value: Value| {
        let mut token = good();
        token.claims[key] = value;
        token
    };
    let without = |part: &str, key: &str| {
        let mut token = good();
        let object = if part == "header" {
            &mut token.header
        } else {
            &mut token.claims
        };
        object.as_object_mut().unwrap().remove(key).unwrap();
        token
    };
    let later = world.now_ms() / 1000 + 1000;
    let cases: Vec<(&str, DevClaims)> = vec![
        ("typ missing", without("header", "typ")),
        ("typ of an ID token", header("typ", json!("JWT"))),
        ("kid missing", without("header", "kid")),
        ("alg none", header("alg", json!("none"))),
        ("alg HS256", header("alg", json!("HS256"))),
        ("alg of another key type", header("alg", json!("ES256"))),
        ("critical header", header("crit", json!(["b64"]))),
        ("iss wrong", claim("iss", json!("https://evil.example"))),
        ("iss missing", without("claims", "iss")),
        ("aud wrong", claim("aud", json!("another-service"))),
        ("aud missing", without("claims", "aud")),
        (
            "aud ambiguous",
            claim("aud", json!([audience(&good()), "curo-dev:st-luke"])),
        ),
        ("exp missing", without("claims", "exp")),
        ("exp no number", claim("exp", json!("tomorrow"))),
        ("exp beyond time", claim("exp", json!(1e300))),
        ("iat missing", without("claims", "iat")),
        ("iat in the future", claim("iat", json!(later))),
        ("nbf in the future", claim("nbf", json!(later))),
        ("sub missing", without("claims", "sub")),
        ("sub empty", claim("sub", json!(""))),
        ("sub too long", claim("sub", json!("x".repeat(256)))),
        ("client_id missing", without("claims", "client_id")),
    ];
    for (name, token) in cases {
        let problem = refused(&world, &world.issuer.sign(&token)).await;
        assert_eq!(problem.code, ErrorCode::UNAUTHENTICATED, "{name}");
    }
    let both = claim("aud", json!(["another-service", audience(&good())]));
    let accepted = world
        .post::<SessionAnswer>(&world.issuer.sign(&both), "/v1/session", &())
        .await;
    assert!(accepted.is_ok(), "one of several audiences is enough");
}

fn audience(token: &DevClaims) -> String {
    token.claims["aud"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn signatures_are_checked_and_shared_secrets_do_not_exist() {
    let world = World::start().await;
    let token = world.token("anna");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (head, _) = signed.split_once('.').unwrap();
    let others = world.issuer.claims(&tenant(), "admin", HOUR).claims;
    let forged = format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(others.to_string()));
    // The public key as an HMAC secret: the classic confusion of algorithms.
    let none = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"typ":"at+jwt","alg":"none"}"#),
        signed.split_once('.').unwrap().1
    );
    for bad in [&forged, &none, signed, "", "a.b.c", &"x".repeat(20_000)] {
        let problem = refused(&world, bad).await;
        assert_eq!(problem.code, ErrorCode::UNAUTHENTICATED);
        assert!(problem.detail.is_some_and(|detail| !detail.contains("anna")));
    }
}

#[tokio::test]
async fn an_expired_token_says_so_and_the_header_must_be_there() {
    let world = World::start().await;
    let token = world.token("anna");
    world.clock.advance_ms(3600 * 1000 + 31_000);
    let problem = refused(&world, &token).await;
    assert_eq!(problem.code, ErrorCode::TOKEN_EXPIRED);
    assert!(problem.code.retryable());

    let response = world
        .request(Method::POST, "/v1/session")
        .json(&())
        .send()
        .await
        .unwrap();
    assert!(
        response.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("Bearer")
    );
    assert_eq!(crate::world::problem(response).await.code, ErrorCode::UNAUTHENTICATED);
    let basic = world
        .request(Method::POST, "/v1/session")
        .basic_auth("anna", Some("x"))
        .json(&());
    assert_eq!(problem_of(basic).await.code, ErrorCode::UNAUTHENTICATED);
}

async fn problem_of(request: reqwest::RequestBuilder) -> Problem {
    problem(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it_but_not_at_any_rate() {
    let world = World::start().await;
    let old = world.token("anna");
    let accepted = world.post::<SessionAnswer>(&old, "/v1/session", &()).await;
    assert!(accepted.is_ok(), "{accepted:?}");
    world.issuer.rotate_key().unwrap();
    let token = world.token("anna");
    // The keys were fetched at this very moment of the relay's clock: nobody can say yet whether the issuer has this one.
    let problem = refused(&world, &token).await;
    assert_eq!(problem.code, ErrorCode::UNAVAILABLE);
    assert!(problem.retry_after_ms.is_some());
    world.clock.advance_ms(10_001);
    let accepted = world.post::<SessionAnswer>(&token, "/v1/session", &()).await;
    assert!(accepted.is_ok(), "{accepted:?}");
    // A key that the issuer does not have is refused once its keys were asked for again.
    world.clock.advance_ms(10_001);
    let mut invented = world.issuer.claims(&tenant(), "anna", HOUR);
    invented.header["kid"] = json!("dev-99");
    let invented = world.issuer.sign(&invented);
    assert_eq!(refused(&world, &invented).await.code, ErrorCode::UNAUTHENTICATED);
    let again = refused(&world, &invented).await.code;
    assert_eq!(again, ErrorCode::UNAVAILABLE, "not so soon again");
}

#[tokio::test]
async fn an_identity_provider_that_is_down_is_told_apart_from_a_bad_token() {
    let world = World::start_with(|config| {
        for tenant in &mut config.tenants {
            // Nothing listens on port 9 of loopback.
            tenant.jwks = curo_relay::JwksSource::Url {
                url: "http://127.0.0.1:9/jwks.json".into(),
                ca: None,
            };
        }
    })
    .await;
    let problem = refused(&world, &world.token("anna")).await;
    assert_eq!(problem.code, ErrorCode::UNAVAILABLE);
    assert!(problem.retry_after_ms.is_some());
    // It is the tenant's trouble, not the relay's.
    for path in ["/healthz", "/readyz"] {
        let answer = world.request(Method::GET, path).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
    }
}

#[tokio::test]
async fn a_session_tells_the_tenants_limits_and_how_long_ago_the_person_authenticated() {
    let world = World::start_with(|config| {
        config.tenants[0].session = SessionPolicy {
            idle_lock: Some(Duration::from_secs(300)),
            limit: Some(Duration::from_secs(8 * 3600)),
        };
    })
    .await;
    let session: SessionAnswer = world.post(&world.token("anna"), "/v1/session", &()).await.unwrap();
    assert_eq!(
        (
            session.idle_lock_ms,
            session.session_limit_ms,
            session.authenticated_ms_ago
        ),
        (Some(300_000), Some(28_800_000), None)
    );
    let token = world.issuer.mint(&other_tenant(), "anna", HOUR);
    let elsewhere: SessionAnswer = world.post(&token, "/v1/session", &()).await.unwrap();
    assert_eq!((elsewhere.idle_lock_ms, elsewhere.session_limit_ms), (None, None));

    let authenticated = |ago: i64| {
        let mut token = world.issuer.claims(&tenant(), "anna", HOUR);
        let iat = token.claims["iat"].as_i64().unwrap();
        token.claims["auth_time"] = json!(iat - ago);
        world.issuer.sign(&token)
    };
    let session: SessionAnswer = world.post(&authenticated(600), "/v1/session", &()).await.unwrap();
    let ago = session.authenticated_ms_ago.unwrap();
    assert!(
        (600_000..601_000).contains(&ago),
        "{ago}: the token's times are whole seconds"
    );
    assert_eq!(
        refused(&world, &authenticated(-3600)).await.code,
        ErrorCode::UNAUTHENTICATED
    );
}
