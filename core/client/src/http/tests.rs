//! The network as it is: real TLS servers, proxies and broken lines on the loopback interface.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Response as Answer, StatusCode, header};
use curo_types::ErrorCode;
use curo_types::api::Problem;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::Relay;
use super::pool::Timings;
use crate::error::Fault;
use crate::{AccessToken, ClientOptions, NoToken, Proxy, SpkiPin, TokenProvider, TokenReason};
use server::{BOTH, Server, Tls, line, proxy};

const LONG: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(50);
const TIMINGS: Timings = Timings {
    connect: Duration::from_secs(30),
    ping_every: LONG,
    ping_answer: LONG,
    silence: LONG,
};

struct Always;

#[async_trait::async_trait]
impl TokenProvider for Always {
    async fn token(&self, _: TokenReason) -> Result<AccessToken, NoToken> {
        Ok(AccessToken::new("token"))
    }
}

fn options(addr: SocketAddr) -> ClientOptions {
    ClientOptions::new("/nowhere", format!("https://{addr}"))
}

fn trusting(server: &Server) -> ClientOptions {
    options(server.addr).extra_root(server.root.clone())
}

fn relay(options: &ClientOptions, timings: Timings) -> Relay {
    Relay::with_timings(options, Arc::new(Always), timings)
        .map_err(|fault| fault.code())
        .unwrap()
}

async fn ask(relay: &Relay) -> Result<Value, Fault> {
    relay.post("/v1/any", &json!({})).await
}

async fn code(relay: &Relay) -> ErrorCode {
    let fault = ask(relay).await.unwrap_err();
    assert!(
        fault.retryable(),
        "everything that a network does is tried again: {fault:?}"
    );
    fault.code()
}

fn answer(status: u16, media: &str, body: impl Into<Body>) -> Answer<Body> {
    let answer = Answer::builder().status(status).header(header::CONTENT_TYPE, media);
    answer.body(body.into()).unwrap()
}

fn fine() -> Answer<Body> {
    answer(200, "application/json", r#"{"fine":true}"#)
}

/// A server that gives one answer, and how often it was asked.
fn giving(make: impl Fn() -> Answer<Body> + Clone + Send + Sync + 'static, tls: &Tls) -> (Server, Arc<AtomicUsize>) {
    let asked = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&asked);
    let app = Router::new().fallback(move || {
        count.fetch_add(1, Ordering::SeqCst);
        let answer = make();
        async move { answer }
    });
    (Server::start(app, tls), asked)
}

#[tokio::test]
async fn http2_is_preferred_and_http1_works() {
    const HTTP1: Tls = Tls {
        alpn: &[b"http/1.1"],
        ..BOTH
    };
    const NO_ALPN: Tls = Tls { alpn: &[], ..BOTH };
    for (tls, version) in [(BOTH, 2), (HTTP1, 1), (NO_ALPN, 1)] {
        let (server, _) = giving(fine, &tls);
        let relay = relay(&trusting(&server), TIMINGS);
        assert_eq!(relay.http_version(), 0);
        assert_eq!(ask(&relay).await.unwrap(), json!({"fine": true}));
        assert_eq!(relay.http_version(), version);
    }
}

#[tokio::test]
async fn a_new_connection_resumes_the_session_of_the_old_one() {
    const TLS12: Tls = Tls {
        versions: &[&rustls::version::TLS12],
        ..BOTH
    };
    const TLS13: Tls = Tls {
        versions: &[&rustls::version::TLS13],
        ..BOTH
    };
    for tls in [TLS12, TLS13] {
        let (server, _) = giving(fine, &tls);
        let backup = SpkiPin::from_sha256([0; 32]);
        for options in [trusting(&server), trusting(&server).pins([server.pin, backup])] {
            let before = (server.connections(), server.seen.resumed.load(Ordering::SeqCst));
            let relay = relay(&options, TIMINGS);
            ask(&relay).await.unwrap();
            assert_eq!(server.seen.resumed.load(Ordering::SeqCst), before.1);
            relay.network_changed();
            ask(&relay).await.unwrap();
            assert_eq!(server.connections(), before.0 + 2);
            assert_eq!(server.seen.resumed.load(Ordering::SeqCst), before.1 + 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_requests_there_is_one_connection() {
    let (server, asked) = giving(fine, &BOTH);
    let relay = Arc::new(relay(&trusting(&server), TIMINGS));
    for round in 1..=3 {
        let many: Vec<_> = (0..40)
            .map(|_| {
                let relay = Arc::clone(&relay);
                tokio::spawn(async move { ask(&relay).await.map_err(|fault| fault.code()) })
            })
            .collect();
        for one in many {
            one.await.unwrap().unwrap();
        }
        assert_eq!(
            (server.connections(), asked.load(Ordering::SeqCst)),
            (round, 40 * round)
        );
        relay.network_changed();
    }
}

#[test]
fn fewer_than_two_different_pins_are_refused() {
    let refused = |pins: &[SpkiPin]| {
        let options = ClientOptions::new("/nowhere", "https://relay.example").pins(pins.iter().copied());
        Relay::new(&options, Arc::new(Always))
            .map(drop)
            .map_err(|fault| fault.code())
    };
    let (one, other) = (SpkiPin::from_sha256([1; 32]), SpkiPin::from_sha256([2; 32]));
    for few in [&[][..], &[one], &[one, one, one]] {
        assert_eq!(refused(few), Err(ErrorCode::INVALID_ARGUMENT), "{few:?}");
    }
    assert_eq!(refused(&[one, other]), Ok(()));
}

#[tokio::test]
async fn pins_are_checked_on_top_of_the_chain() {
    let (server, asked) = giving(fine, &BOTH);
    let (wrong, backup) = (SpkiPin::from_sha256([1; 32]), SpkiPin::from_sha256([2; 32]));
    let pinned = relay(&trusting(&server).pins([backup, server.pin]), TIMINGS);
    ask(&pinned).await.unwrap();
    let mismatch = relay(&trusting(&server).pins([wrong, backup]), TIMINGS);
    assert_eq!(code(&mismatch).await, ErrorCode::PIN_MISMATCH);
    // The right key under an authority that nobody trusts.
    let untrusted = relay(&options(server.addr).pins([server.pin, backup]), TIMINGS);
    assert_eq!(code(&untrusted).await, ErrorCode::TLS_FAILED);
    // The right key and authority under another name.
    let other_name = ClientOptions::new("/nowhere", format!("https://localhost:{}", server.addr.port()))
        .extra_root(server.root.clone())
        .pins([server.pin, backup]);
    assert_eq!(code(&relay(&other_name, TIMINGS)).await, ErrorCode::TLS_FAILED);
    assert_eq!(
        asked.load(Ordering::SeqCst),
        1,
        "no request reached a relay that is not verified"
    );
}

#[tokio::test]
async fn what_is_not_trusted_or_not_tls_is_tls_failed() {
    let (server, asked) = giving(fine, &BOTH);
    assert_eq!(
        code(&relay(&options(server.addr), TIMINGS)).await,
        ErrorCode::TLS_FAILED
    );
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    // A portal that answers plain HTTP where TLS is spoken.
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = plain.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        while let Ok((mut stream, _)) = plain.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream
                .write_all(b"HTTP/1.1 302 Found\r\nlocation: http://portal/\r\n\r\n")
                .await;
        }
    });
    assert_eq!(code(&relay(&options(addr), TIMINGS)).await, ErrorCode::TLS_FAILED);
    // Nobody there is another thing.
    let nobody = tokio::net::TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let addr = nobody.local_addr().unwrap();
    assert_eq!(code(&relay(&options(addr), TIMINGS)).await, ErrorCode::OFFLINE);
}

#[tokio::test]
async fn what_only_answers_in_the_relays_place_is_a_portal() {
    let (target, followed) = giving(fine, &BOTH);
    let elsewhere = format!("https://{}/v1/any", target.addr);
    let redirect = move |status: u16| {
        let mut answer = answer(status, "application/json", r#"{"fine":true}"#);
        answer
            .headers_mut()
            .insert(header::LOCATION, elsewhere.parse().unwrap());
        answer
    };
    let page = |status| answer(status, "text/html; charset=utf-8", "<html>Sign in to the guest network");
    let portal = ErrorCode::CAPTIVE_PORTAL;
    let cases: Vec<(Answer<Body>, ErrorCode)> = vec![
        (page(200), portal.clone()),
        (page(401), portal.clone()),
        (page(404), portal.clone()),
        (page(500), portal.clone()),
        (page(511), portal.clone()),
        (answer(511, "application/json", "{}"), portal.clone()),
        (answer(200, "text/plain", r#"{"fine":true}"#), portal.clone()),
        (redirect(301), portal.clone()),
        (redirect(302), portal.clone()),
        (redirect(307), portal.clone()),
        (redirect(308), portal),
        (page(502), ErrorCode::UNAVAILABLE),
        (page(429), ErrorCode::RATE_LIMITED),
        (answer(200, "application/json", "nonsense"), ErrorCode::BAD_RELAY),
        (answer(409, "application/json", r#"{"error":1}"#), ErrorCode::BAD_RELAY),
    ];
    for (given, expected) in cases {
        let name = format!("{} {:?}", given.status(), given.headers());
        let (parts, body) = given.into_parts();
        let body = axum::body::to_bytes(body, 1024).await.unwrap();
        let (server, asked) = giving(
            move || Answer::from_parts(parts.clone(), Body::from(body.clone())),
            &BOTH,
        );
        let relay = relay(&trusting(&server).extra_root(target.root.clone()), TIMINGS);
        assert_eq!(code(&relay).await, expected, "{name}");
        let opened = relay.stream("", 0).await;
        if expected == ErrorCode::CAPTIVE_PORTAL {
            assert_eq!(opened.map(drop).unwrap_err().code(), expected, "{name}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2, "{name}");
    }
    assert_eq!(followed.load(Ordering::SeqCst), 0, "no redirect is followed");
}

#[tokio::test]
async fn the_relays_wait_is_respected_and_capped() {
    let problem = |body_ms: Option<u64>, after: &'static str| {
        move || {
            let problem = Problem {
                retry_after_ms: body_ms,
                ..Problem::new(ErrorCode::RATE_LIMITED)
            };
            let mut given = answer(429, "application/problem+json", serde_json::to_vec(&problem).unwrap());
            given.headers_mut().insert(header::RETRY_AFTER, after.parse().unwrap());
            given
        }
    };
    let date = "Fri, 31 Dec 9999 23:59:59 GMT";
    for (body, after, expected) in [
        (None, "7", 7_000),
        (Some(1_234), "7", 1_234),
        (Some(u64::MAX), "7", 3_600_000),
        (None, "99999999", 3_600_000),
        (None, date, 3_600_000),
    ] {
        let (server, _) = giving(problem(body, after), &BOTH);
        let fault = ask(&relay(&trusting(&server), TIMINGS)).await.unwrap_err();
        assert_eq!(
            fault.retry_after(),
            Some(Duration::from_millis(expected)),
            "{body:?} {after}"
        );
    }
    let overloaded = || {
        let mut page = answer(503, "text/html", "<h1>no backend</h1>");
        page.headers_mut().insert(header::RETRY_AFTER, "3".parse().unwrap());
        page
    };
    let (server, _) = giving(overloaded, &BOTH);
    let fault = ask(&relay(&trusting(&server), TIMINGS)).await.unwrap_err();
    assert_eq!(fault.code(), ErrorCode::UNAVAILABLE);
    assert_eq!(fault.retry_after(), Some(Duration::from_secs(3)));
}

#[tokio::test]
async fn a_request_under_way_goes_again_when_the_network_changes() {
    let arrived = Arc::new(Notify::new());
    let count = Arc::<AtomicUsize>::default();
    let (seen, counted) = (Arc::clone(&arrived), Arc::clone(&count));
    let app = Router::new().fallback(move || {
        let (seen, n) = (Arc::clone(&seen), counted.fetch_add(1, Ordering::SeqCst));
        async move {
            seen.notify_one();
            if n == 0 {
                std::future::pending::<()>().await;
            }
            fine()
        }
    });
    let server = Server::start(app, &BOTH);
    let relay = Arc::new(relay(&trusting(&server).request_timeout(LONG), TIMINGS));
    let asking = tokio::spawn({
        let relay = Arc::clone(&relay);
        async move { ask(&relay).await.map_err(|fault| fault.code()) }
    });
    arrived.notified().await;
    relay.network_changed();
    assert_eq!(asking.await.unwrap(), Ok(json!({"fine": true})));
    assert_eq!((count.load(Ordering::SeqCst), server.connections()), (2, 2));
}

#[tokio::test]
async fn a_request_without_answer_and_a_connection_without_handshake_are_given_up() {
    let app = Router::new().fallback(|| async {
        std::future::pending::<()>().await;
        StatusCode::OK
    });
    let server = Server::start(app, &BOTH);
    let slow = relay(&trusting(&server).request_timeout(SHORT), TIMINGS);
    assert_eq!(code(&slow).await, ErrorCode::OFFLINE);
    assert_eq!(
        slow.stream("", 0).await.map(drop).unwrap_err().code(),
        ErrorCode::OFFLINE
    );
    // Takes TCP connections and says nothing.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let timings = Timings {
        connect: SHORT,
        ..TIMINGS
    };
    let stuck = relay(&options(mute.local_addr().unwrap()).request_timeout(LONG), timings);
    assert_eq!(code(&stuck).await, ErrorCode::OFFLINE);
}

#[tokio::test]
async fn those_who_wait_for_a_connection_share_its_failure() {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = mute.local_addr().unwrap();
    let count = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = mute.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            held.push(stream);
        }
    });
    let timings = Timings {
        connect: Duration::from_secs(2),
        ..TIMINGS
    };
    let relay = relay(&options(addr), timings);
    for code in futures_util::future::join_all((0..20).map(|_| code(&relay))).await {
        assert_eq!(code, ErrorCode::OFFLINE);
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert_eq!(code(&relay).await, ErrorCode::OFFLINE);
    assert_eq!(count.load(Ordering::SeqCst), 2, "who comes later tries again");
}

/// Sends one heartbeat and then nothing.
fn streaming() -> Server {
    let app = Router::new().fallback(|| async {
        let beat = "{\"event\":\"nothing_known\"}\n";
        let lines = futures_util::stream::iter([Ok::<_, std::io::Error>(beat)]);
        let for_ever = futures_util::StreamExt::chain(lines, futures_util::stream::pending());
        answer(200, "application/x-ndjson", Body::from_stream(for_ever))
    });
    Server::start(app, &BOTH)
}

#[tokio::test]
async fn a_silent_stream_is_given_up() {
    let server = streaming();
    let timings = Timings {
        silence: Duration::from_secs(3),
        ..TIMINGS
    };
    let relay = relay(&trusting(&server), timings);
    let mut stream = relay.stream("", 0).await.unwrap();
    stream.next().await.unwrap();
    assert!(matches!(stream.next().await, Err(Fault::Offline("silent stream"))));
}

#[tokio::test]
async fn a_line_that_has_died_is_found_by_pings() {
    let server = streaming();
    let (addr, frozen) = line(server.addr).await;
    let timings = Timings {
        ping_every: SHORT,
        ping_answer: Duration::from_secs(3),
        ..TIMINGS
    };
    let relay = relay(&options(addr).extra_root(server.root.clone()), timings);
    let mut stream = relay.stream("", 0).await.unwrap();
    stream.next().await.unwrap();
    frozen.send_replace(true);
    assert!(matches!(stream.next().await, Err(Fault::Offline("stream broke"))));
}

#[tokio::test]
async fn a_proxy_tunnels_and_sees_no_more_than_the_name() {
    let (server, asked) = giving(fine, &BOTH);
    let (addr, heads) = proxy("Basic dXNlcjpwYXNz").await;
    let through = |proxy: Proxy| trusting(&server).proxy(proxy);
    let open = || Proxy::new(format!("http://{addr}"));
    let good = relay(&through(open().credentials("user", "pass")), TIMINGS);
    ask(&good).await.unwrap();
    ask(&good).await.unwrap();
    assert_eq!(good.http_version(), 2);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let head = heads.lock().unwrap().concat();
    assert!(
        head.starts_with(&format!("CONNECT {} HTTP/1.1\r\n", server.addr)),
        "{head}"
    );
    assert_eq!(head.matches("CONNECT").count(), 1, "one connection");
    assert!(!head.contains("token") && !head.contains("/v1/"), "{head}");
    for refused in [open(), open().credentials("user", "other")] {
        assert_eq!(code(&relay(&through(refused), TIMINGS)).await, ErrorCode::OFFLINE);
    }
    let pins = [SpkiPin::from_sha256([1; 32]), SpkiPin::from_sha256([2; 32])];
    let pinned = relay(&through(open().credentials("user", "pass")).pins(pins), TIMINGS);
    assert_eq!(code(&pinned).await, ErrorCode::PIN_MISMATCH);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}
