//! Pushes: sent to whoever has no live stream, saying nothing, and what becomes of them on the phone.

mod kills;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum_server::tls_rustls::RustlsConfig;
use curo::{Client, ConversationId, ErrorCode, ProfileId, PushOutcome};
use curo_kit::{Ca, Person, TestRelay, until_text};
use curo_relay::{PushConfig, PushToken};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::lifecycle::{self, code};
use crate::team::{group, send, until_sent};
use crate::{SOON, logs, mitm, raw};

const LIMIT: Duration = Duration::from_secs(30);

/// A gateway that passes on what it gets, and answers as told, the last answer for ever.
struct Gateway {
    url: String,
    pushes: mpsc::UnboundedReceiver<Value>,
    shared: Shared,
}

/// Where pushes go, the answers that are left, and what every request showed to prove itself.
struct Desk {
    seen: mpsc::UnboundedSender<Value>,
    /// What a request must show; anything else is refused, and nothing of it read.
    wanted: Option<String>,
    answers: std::sync::Mutex<Vec<u16>>,
    shown: std::sync::Mutex<Vec<Option<String>>>,
}

type Shared = Arc<Desk>;

impl Gateway {
    async fn start(answers: Vec<u16>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/wake", listener.local_addr().unwrap());
        let (app, pushes, shared) = Self::desk(answers, None);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, pushes, shared }
    }

    /// One over TLS, with a certificate that `ca` has signed, which takes pushes from who shows `token` alone.
    async fn start_tls(ca: &Ca, dir: &Path, token: &str) -> Self {
        let tls = mitm::tls(&ca.issue(dir).unwrap());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("https://{}/wake", listener.local_addr().unwrap());
        let (app, pushes, shared) = Self::desk(vec![200], Some(format!("Bearer {token}")));
        let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(tls))).unwrap();
        tokio::spawn(async move { server.serve(app.into_make_service()).await.unwrap() });
        Self { url, pushes, shared }
    }

    fn desk(mut answers: Vec<u16>, wanted: Option<String>) -> (Router, mpsc::UnboundedReceiver<Value>, Shared) {
        let (seen, pushes) = mpsc::unbounded_channel();
        answers.reverse();
        let shared = Arc::new(Desk {
            seen,
            wanted,
            answers: std::sync::Mutex::new(answers),
            shown: std::sync::Mutex::default(),
        });
        let app = Router::new().route("/wake", post(take)).with_state(Arc::clone(&shared));
        (app, pushes, shared)
    }

    async fn next(&mut self) -> Value {
        tokio::time::timeout(SOON, self.pushes.recv()).await.unwrap().unwrap()
    }

    /// Sends until a push for `target` comes: the relay notices a stream that has ended in its own time. How many were sent.
    async fn woken(&mut self, sender: &Person, id: ConversationId, target: &str) -> (Value, u64) {
        let mut sent = 0;
        let sending = async {
            loop {
                send(sender, id, &format!("CANARY {target} {sent}")).await;
                until_sent(sender).await;
                sent += 1;
                while let Ok(push) = self.pushes.try_recv() {
                    if push["target"] == target {
                        return push;
                    }
                }
            }
        };
        let push = tokio::time::timeout(SOON, sending).await.unwrap();
        (push, sent)
    }
}

async fn take(State(shared): State<Shared>, headers: HeaderMap, body: String) -> StatusCode {
    let shown = headers
        .get(AUTHORIZATION)
        .map(|value| value.to_str().unwrap().to_owned());
    let known = shared.wanted.is_none() || shared.wanted == shown;
    shared.shown.lock().unwrap().push(shown);
    if !known {
        return StatusCode::UNAUTHORIZED;
    }
    shared.seen.send(serde_json::from_str(&body).unwrap()).unwrap();
    let mut answers = shared.answers.lock().unwrap();
    let status = if answers.len() > 1 {
        answers.pop()
    } else {
        answers.last().copied()
    };
    StatusCode::from_u16(status.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_without_a_stream_is_woken_by_a_push_that_says_nothing() {
    logs();
    // The first two attempts fail: the third counts.
    let mut gateway = Gateway::start(vec![503, 500, 200]).await;
    let relay = TestRelay::builder().push_gateway(&gateway.url).start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let id = group(&[&ben, &ana]).await;
    let long = "x".repeat(513);
    for bad in ["", "with space", "\u{e9}", long.as_str()] {
        assert_eq!(code(ana.client().register_push(bad).await), ErrorCode::INVALID_ARGUMENT);
    }
    ana.client().register_push("phone-of-ana").await.unwrap();
    ana.client().register_push("phone-of-ana").await.unwrap();
    // She has a stream: nobody pushes. The next push is the one after she has locked.
    send(&ben, id, "CANARY one").await;
    until_text(ana.client(), id, "CANARY one", SOON).await;
    ana.client().lock().await.unwrap();
    let (first, sent) = gateway.woken(&ben, id, "phone-of-ana").await;
    let mut pushes = vec![first];
    for _ in 0..2 {
        pushes.push(gateway.next().await);
    }
    let mut tokens = Vec::new();
    for push in &pushes {
        let members: Vec<_> = push.as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["target", "token"]);
        assert_eq!(push["target"], "phone-of-ana");
        tokens.push(push["token"].as_str().unwrap().to_owned());
    }
    tokens.dedup();
    let [token] = tokens.as_slice() else {
        panic!("{tokens:?}")
    };

    // Another profile's, and garbage, fetch nothing.
    assert_eq!(
        ana.client().handle_push("AAAAAAAAAAAAAAAAAAAAAA", LIMIT).await.unwrap(),
        PushOutcome::NotMine
    );
    assert_eq!(ana.client().handle_push("", LIMIT).await.unwrap(), PushOutcome::NotMine);
    let outcome = ana.client().handle_push(token, LIMIT).await.unwrap();
    let PushOutcome::Fetched(outcome) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((outcome.complete, outcome.new_messages), (true, sent));
    assert_eq!(outcome.conversations, [id]);
    assert!(!format!("{outcome:?}").contains("CANARY"));
    assert!(ana.client().is_locked());

    // An extension finds the profile by the token alone, among others.
    let other = ProfileId::random();
    let own = ana.options().clone().profile(other);
    let beside = Client::open(own, Arc::clone(ana.vault()) as _, lifecycle::tokens(&relay, "ben"))
        .await
        .unwrap();
    beside.close().await.unwrap();
    let found = Client::profile_of_push(&ana.profiles(), &**ana.vault(), token)
        .await
        .unwrap();
    assert_eq!(found, Some(ana.client().profile()));
    let nobody = Client::profile_of_push(&ana.profiles(), &**ana.vault(), "AAAA")
        .await
        .unwrap();
    assert_eq!(nobody, None);
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_is_gone_gets_no_more_pushes_and_offline_registrations_come_later() {
    logs();
    let mut gateway = Gateway::start(vec![410, 200]).await;
    let relay = TestRelay::builder().push_gateway(&gateway.url).start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let id = group(&[&ben, &ana]).await;
    ana.cable().cut();
    assert_eq!(code(ana.client().register_push("old").await), ErrorCode::OFFLINE);
    ana.cable().restore();
    ana.client().lock().await.unwrap();
    // It is durable, and sent by the next pass.
    assert!(ana.client().run_background(LIMIT).await.unwrap().complete);
    let (old, _) = gateway.woken(&ben, id, "old").await;
    ana.client().unlock().await.unwrap();
    ana.client().register_push("new").await.unwrap();
    let (new, _) = gateway.woken(&ben, id, "new").await;
    assert_ne!(new["token"], old["token"]);
    ana.client().unregister_push().await.unwrap();
    let token = new["token"].as_str().unwrap();
    assert_eq!(
        ana.client().handle_push(token, LIMIT).await.unwrap(),
        PushOutcome::NotMine
    );
    ana.client().register_push("last").await.unwrap();
    gateway.woken(&ben, id, "last").await;
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_takes_registrations_of_active_devices_only_and_in_form() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let device = ana.account().await.unwrap().device;
    let token = ana.tokens().good();
    let put = async |device, body: Value| raw::put(&relay, &token, device, "/v1/push", &body).await;
    let good = serde_json::json!({ "registration": { "target": "t", "token": "AAAAAAAAAAAAAAAAAAAAAA" } });
    let (status, answer) = put(Some(device), good.clone()).await;
    assert_eq!((status, answer["active"].as_bool()), (200, Some(false)), "{answer}");
    let (status, _) = put(None, good.clone()).await;
    assert_eq!(status, 400);
    for (name, value) in [
        ("target", serde_json::json!("")),
        ("target", serde_json::json!("a b")),
        ("target", serde_json::json!("x".repeat(513))),
        ("target", serde_json::json!(7)),
        ("token", serde_json::json!("AAAA")),
        ("token", serde_json::json!("AAAAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        let mut bad = good.clone();
        bad["registration"][name] = value;
        let (status, answer) = put(Some(device), bad).await;
        assert!((400..500).contains(&status), "{name}: {status} {answer}");
    }
    ana.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_proves_itself_to_the_gateway_where_it_has_a_token() {
    const TOKEN: &str = "gateway-token-31415926";
    logs();
    for token in [Some(TOKEN), None] {
        // The gateway refuses the first one: it is not tried again, and the next one goes all the same.
        let mut gateway = Gateway::start(vec![401, 200]).await;
        let builder = TestRelay::builder().push_gateway(&gateway.url);
        let builder = match token {
            Some(token) => builder.push_token(token).unwrap(),
            None => builder,
        };
        let relay = builder.start().await.unwrap();
        let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
        let (ana, ben) = (ana.unwrap(), ben.unwrap());
        let id = group(&[&ben, &ana]).await;
        ana.client().register_push("phone-of-ana").await.unwrap();
        ana.client().lock().await.unwrap();
        gateway.woken(&ben, id, "phone-of-ana").await;
        gateway.woken(&ben, id, "phone-of-ana").await;
        let shown = gateway.shared.shown.lock().unwrap().clone();
        let wanted = token.map(|token| format!("Bearer {token}"));
        assert!(shown.len() >= 2 && shown.iter().all(|one| *one == wanted), "{shown:?}");
    }
}

/// The gateway is reached over TLS, by a certificate that the operator's own authority has signed, and takes nothing from who
/// does not show the token.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_behind_a_private_authority_is_reached_with_the_token_that_it_asks_for() {
    const TOKEN: &str = "gateway-token-27182818";
    logs();
    let (ca, dir) = (Ca::new().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(dir.path().join("push-ca.pem"), ca.root_pem()).unwrap();
    for shows in [TOKEN, "gateway-token-16180339"] {
        let mut gateway = Gateway::start_tls(&ca, dir.path(), TOKEN).await;
        let config = PushConfig {
            gateway: gateway.url.clone(),
            ca: Some(dir.path().join("push-ca.pem")),
            token: Some(PushToken::new(shows).unwrap()),
            timeout: Duration::from_secs(10),
            retry_wait: Duration::from_millis(10),
        };
        let relay = TestRelay::builder().push(config).start().await.unwrap();
        let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
        let (ana, ben) = (ana.unwrap(), ben.unwrap());
        let id = group(&[&ben, &ana]).await;
        ana.client().register_push("phone-of-ana").await.unwrap();
        ana.client().lock().await.unwrap();
        if shows == TOKEN {
            let (push, _) = gateway.woken(&ben, id, "phone-of-ana").await;
            assert_eq!(push.as_object().unwrap().len(), 2, "{push}");
        } else {
            // Refused, and not tried again with the same; what was said does not depend on it.
            let shown = async {
                while gateway.shared.shown.lock().unwrap().len() < 2 {
                    send(&ben, id, "are you there?").await;
                    until_sent(&ben).await;
                }
            };
            tokio::time::timeout(SOON, shown).await.unwrap();
            assert!(gateway.pushes.try_recv().is_err());
            ana.client().unlock().await.unwrap();
            ana.client().start().await.unwrap();
            until_text(ana.client(), id, "are you there?", SOON).await;
        }
        let shown = gateway.shared.shown.lock().unwrap().clone();
        assert!(
            shown.iter().all(|one| *one == Some(format!("Bearer {shows}"))),
            "{shown:?}"
        );
    }
}

/// Nobody but who has the right certificate learns targets, tokens of pushes, or the relay's own token.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_nobody_vouches_for_learns_nothing() {
    logs();
    let (ca, other, dir) = (Ca::new().unwrap(), Ca::new().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(dir.path().join("push-ca.pem"), ca.root_pem()).unwrap();
    for vouched in [&other, &ca] {
        let tls = Arc::new(mitm::tls(&vouched.issue(dir.path()).unwrap()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/wake", listener.local_addr().unwrap());
        let (told, mut handshakes) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut server = rustls::ServerConnection::new(Arc::clone(&tls)).unwrap();
                let mut shaken = Ok((0, 0));
                while shaken.is_ok() && server.is_handshaking() {
                    shaken = server.complete_io(&mut stream);
                }
                if told.send(shaken.is_ok()).is_err() {
                    return;
                }
            }
        });
        let config = PushConfig {
            gateway: url,
            ca: Some(dir.path().join("push-ca.pem")),
            token: Some(PushToken::new("gateway-token-31415926").unwrap()),
            timeout: Duration::from_secs(10),
            retry_wait: Duration::from_millis(10),
        };
        let relay = TestRelay::builder().push(config).start().await.unwrap();
        let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
        let (ana, ben) = (ana.unwrap(), ben.unwrap());
        let id = group(&[&ben, &ana]).await;
        ana.client().register_push("phone-of-ana").await.unwrap();
        ana.client().lock().await.unwrap();
        let sending = async {
            loop {
                send(&ben, id, "wake up").await;
                until_sent(&ben).await;
                if let Ok(shaken) = handshakes.try_recv() {
                    return shaken;
                }
            }
        };
        let shaken = tokio::time::timeout(SOON, sending).await.unwrap();
        assert_eq!(
            shaken,
            std::ptr::eq(vouched, &ca),
            "the relay talks to whom its authority has signed"
        );
    }
}

/// A gateway that has moved says 404 to everything. That ends no registration: nobody would know to make it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_has_moved_ends_no_registration() {
    logs();
    let mut gateway = Gateway::start(vec![404, 403, 200]).await;
    let relay = TestRelay::builder().push_gateway(&gateway.url).start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let id = group(&[&ben, &ana]).await;
    ana.client().register_push("phone-of-ana").await.unwrap();
    ana.client().lock().await.unwrap();
    for _ in 0..3 {
        gateway.woken(&ben, id, "phone-of-ana").await;
    }
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

/// A relay that was restored has lost who asked for pushes since its backup; who asks again is told to it again (7.2).
#[tokio::test(flavor = "multi_thread")]
async fn p7_2_a_restored_relay_is_told_again_where_pushes_go() {
    logs();
    let mut gateway = Gateway::start(vec![200]).await;
    let mut relay = TestRelay::builder().push_gateway(&gateway.url).start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let id = group(&[&ben, &ana]).await;
    let dir = tempfile::tempdir().unwrap();
    let backup = dir.path().join("backup");
    relay.back_up(&backup).await.unwrap();
    ana.client().register_push("phone-of-ana").await.unwrap();
    relay.restore(&backup).await.unwrap();
    for person in [&ana, &ben] {
        send(person, id, &format!("{} goes on", person.subject())).await;
    }
    for person in [&ana, &ben] {
        for text in ["ana goes on", "ben goes on"] {
            until_text(person.client(), id, text, SOON).await;
        }
        until_sent(person).await;
    }
    ana.client().register_push("phone-of-ana").await.unwrap();
    ana.client().lock().await.unwrap();
    gateway.woken(&ben, id, "phone-of-ana").await;
}
