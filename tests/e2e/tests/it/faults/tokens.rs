//! Access tokens: expired, refused, of somebody else.

use std::sync::Arc;
use std::time::Duration;

use curo::{
    AccessToken, Client, ClientOptions, ConnectionState, DeliveryState, FileVault, NoToken, TokenProvider, TokenReason,
};
use curo_kit::{Person, TENANT, TestRelay, Validity, until_connection, until_done, until_live, until_text};
use curo_relay::{DevIssuer, ManualClock};

use crate::SOON;
use crate::mitm::Victim;
use crate::team::{group, people, read, send};

#[tokio::test(flavor = "multi_thread")]
async fn p12_an_expired_token_is_renewed_and_the_live_stream_comes_back() {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let clock = Arc::new(ManualClock::new(u64::try_from(now.as_millis()).unwrap()));
    let relay = TestRelay::builder()
        .clock(clock.clone())
        .limits(|limits| limits.heartbeat = Duration::from_millis(200))
        .start()
        .await
        .unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { panic!("two") };
    let id = group(&[ana, ben]).await;
    for round in 0..3 {
        for person in &team {
            person.tokens().set(Validity::For(Duration::from_secs(60)));
        }
        let asked = [ana.tokens().asked(), ben.tokens().asked()];
        clock.advance_ms(2 * 60 * 60 * 1000);
        let text = format!("round {round}");
        send(ana, id, &text).await;
        until_text(ben.client(), id, &text, SOON).await;
        for person in &team {
            until_live(person.client(), SOON).await;
        }
        assert!(ana.tokens().asked() > asked[0] && ben.tokens().asked() > asked[1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p12_a_stale_token_is_exchanged_once_and_nothing_is_sent_twice() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::new(&relay, "ana").await;
    ana.person.tokens().set(Validity::Stale);
    ana.person.go_online().await.unwrap();
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = group(&[&ana.person, &ben]).await;
    send(&ana.person, id, "hello").await;
    until_text(ben.client(), id, "hello", SOON).await;
    let refused = ana
        .mitm
        .exchanges("/v1/")
        .iter()
        .filter(|one| one.status == 401)
        .count();
    assert_eq!(
        (refused, ana.person.tokens().asked()),
        (1, 2),
        "one refusal, two questions"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p12_a_refused_token_asks_the_person_and_goes_on_after_sign_in() {
    let clock = {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        Arc::new(ManualClock::new(u64::try_from(now.as_millis()).unwrap()))
    };
    let relay = TestRelay::builder()
        .clock(clock.clone())
        .limits(|limits| limits.heartbeat = Duration::from_millis(200))
        .start()
        .await
        .unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { panic!("two") };
    let id = group(&[ana, ben]).await;
    for validity in [Validity::Refused, Validity::Nobody, Validity::Expired] {
        ana.tokens().set(validity);
        clock.advance_ms(2 * 60 * 60 * 1000);
        // `Expired` is what the relay calls retryable: a token service may be slow.
        until_connection(ana.client(), "asks", SOON, |state| match validity {
            Validity::Expired => matches!(state, ConnectionState::Waiting { code } if code.as_str() == "token_expired"),
            _ => *state == ConnectionState::SignInNeeded,
        })
        .await;
        let text = format!("written while {validity:?}");
        let message = send(ana, id, &text).await;
        let error = ana.client().sign_in().await.unwrap_err();
        let code = if validity == Validity::Expired {
            "token_expired"
        } else {
            "sign_in_needed"
        };
        assert_eq!(error.code().as_str(), code);
        assert_eq!(
            ana.client().conversation(id).delivery(message).await.unwrap(),
            DeliveryState::Queued
        );
        ana.tokens().set(Validity::Good);
        ana.client().sign_in().await.unwrap();
        until_text(ben.client(), id, &text, SOON).await;
        until_live(ana.client(), SOON).await;
    }
    assert_eq!(read(ben, id).await.len(), 3);
}

/// The app's identity library suddenly gives tokens of somebody else.
struct Impostor {
    issuer: Arc<DevIssuer>,
    tenant: curo::TenantId,
    subject: std::sync::Mutex<&'static str>,
}

#[async_trait::async_trait]
impl TokenProvider for Impostor {
    async fn token(&self, _: TokenReason) -> Result<AccessToken, NoToken> {
        let subject = *self.subject.lock().unwrap();
        Ok(AccessToken::new(self.issuer.mint(
            &self.tenant,
            subject,
            Duration::from_secs(3600),
        )))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p12_a_token_of_somebody_else_is_refused_and_nothing_leaks() {
    let relay = TestRelay::start().await.unwrap();
    let ben = Person::online(&relay, "ben").await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    std::fs::create_dir(&keys).unwrap();
    let vault = Arc::new(FileVault::with_key_file(&keys, &dir.path().join("wrapping.key")).unwrap());
    let tenant = curo::TenantId::new(TENANT).unwrap();
    let subject = std::sync::Mutex::new("ana");
    let tokens = Arc::new(Impostor {
        issuer: Arc::clone(relay.issuer()),
        tenant,
        subject,
    });
    let options = ClientOptions::new(dir.path().join("profiles"), relay.url()).extra_root(relay.ca().root_der());
    let ana = Client::open(options, vault, tokens.clone()).await.unwrap();
    let account = ana.sign_in().await.unwrap();
    let (talk, created) = ana.create_conversation(&[ben.user().await]).await.unwrap();
    ana.start().await.unwrap();
    until_done(&ana, talk.id(), created, SOON).await;

    ana.stop().await;
    *tokens.subject.lock().unwrap() = "mallory";
    let error = ana.sign_in().await.unwrap_err();
    assert_eq!((error.code().as_str(), error.retryable()), ("wrong_account", false));
    assert_eq!(
        ana.account().await,
        Some(account.clone()),
        "the profile stays whose it was"
    );
    talk.send_text("not for mallory's account".into(), curo::MessageId::random())
        .await
        .unwrap();
    ana.start().await.unwrap();
    until_connection(
        &ana,
        "stopped",
        SOON,
        |state| matches!(state, ConnectionState::Failed { code } if code.as_str() == "unknown_device"),
    )
    .await;
    assert!(
        !read(&ben, talk.id())
            .await
            .contains(&"not for mallory's account".to_owned())
    );

    *tokens.subject.lock().unwrap() = "ana";
    assert_eq!(ana.sign_in().await.unwrap(), account);
    until_text(ben.client(), talk.id(), "not for mallory's account", SOON).await;
}
