//! Relays that are busy, and what is no relay at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use curo::{ConnectionState, DeliveryState, IntentStatus};
use curo_kit::{Person, TestRelay, until_delivery, until_live, until_text};
use curo_relay::ManualClock;
use curo_types::api::limits;
use serde_json::json;

use crate::mitm::{Payload, Reply, Victim};
use crate::team::{group, people, send};
use crate::{SOON, logs};

const HOUR_MS: u64 = 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn p10_7_a_rate_limit_delays_one_conversation_and_no_other() {
    // Far from the full hour, at which the count begins anew.
    let half_past = {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let now = u64::try_from(now).unwrap();
        now - now % HOUR_MS + HOUR_MS / 2
    };
    let relay = TestRelay::builder()
        .clock(Arc::new(ManualClock::new(half_past)))
        .limits(|limits| limits.claims_by_user_per_hour = 2)
        .start()
        .await
        .unwrap();
    let team = people(&relay, &["ana", "ben", "eve"]).await;
    let [ana, ben, eve] = &team[..] else { panic!("three") };
    let id = group(&[ana, ben, eve]).await;
    let (talk, created) = ana.client().create_conversation(&[eve.user().await]).await.unwrap();
    send(ana, talk.id(), "later").await;
    send(ana, id, "now").await;
    until_text(ben.client(), id, "now", SOON).await;
    assert_eq!(talk.intent(created).await.unwrap(), IntentStatus::Pending);
    assert_eq!(ana.client().connection(), ConnectionState::Live);
}

#[tokio::test(flavor = "multi_thread")]
async fn p12_rate_limited_and_unavailable_are_waited_out() {
    let relay = TestRelay::start().await.unwrap();
    let ben = Person::online(&relay, "ben").await.unwrap();
    for case in ["problem", "header", "gateway"] {
        let ana = Victim::online(&relay, &format!("ana {case}")).await;
        let id = group(&[&ben, &ana.person]).await;
        let left = Arc::new(AtomicUsize::new(3));
        ana.mitm.before_relay(move |_| {
            let more = left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
            more.then(|| match case {
                "problem" => {
                    let mut reply = Reply::problem("rate_limited");
                    reply.value()["retry_after_ms"] = json!(30);
                    reply
                }
                "header" => {
                    let mut reply = Reply::bytes(429, "text/html", "slow down");
                    reply.headers.push(("retry-after", "0".into()));
                    reply
                }
                _ => Reply::bytes(503, "text/html", "<h1>no backend</h1>"),
            })
        });
        let message = send(&ana.person, id, case).await;
        until_delivery(
            ana.client(),
            id,
            message,
            DeliveryState::Delivered { by: 1, of: 1 },
            SOON,
        )
        .await;
        // A call of the app's own tells it as it is.
        ana.mitm.before_relay(|_| {
            let mut reply = Reply::problem("rate_limited");
            reply.value()["retry_after_ms"] = json!(1234);
            Some(reply)
        });
        let error = ana.client().find_people(&["unheard of"]).await.unwrap_err();
        assert_eq!((error.code().as_str(), error.retryable()), ("rate_limited", true));
        assert_eq!(error.retry_after(), Some(Duration::from_millis(1234)));
    }
}

/// Everything that is not the relay: portals, proxies, broken servers.
fn nonsense() -> Vec<(&'static str, Reply, &'static str)> {
    let json = |status, body: &str| Reply::bytes(status, "application/json", body);
    let html = |status| Reply::bytes(status, "text/html", "<html><body>Welcome to our guest network!");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let zeros = Reply {
        status: 200,
        headers: vec![],
        body: Payload::Endless(vec![b' '; 1 << 20]),
    };
    let error_zeros = Reply {
        status: 500,
        ..zeros.clone()
    };
    let announced = {
        let mut reply = html(200);
        reply.headers.push(("content-length", "99999999999999".into()));
        reply
    };
    let redirect = {
        let mut reply = html(302);
        reply.headers.push(("location", "https://example.org/".into()));
        reply
    };
    vec![
        ("a page", html(200), "captive_portal"),
        ("an error page", html(500), "captive_portal"),
        ("a gateway's page", html(502), "unavailable"),
        ("not found", html(404), "captive_portal"),
        ("a redirect", redirect, "captive_portal"),
        ("no content", Reply::bytes(204, "text/plain", ""), "captive_portal"),
        ("nothing", json(200, ""), "bad_relay"),
        ("an empty object", json(200, "{}"), "bad_relay"),
        ("an array", json(200, "[1,2,3]"), "bad_relay"),
        ("null", json(200, "null"), "bad_relay"),
        ("half of it", json(200, "{\"store\":\"00"), "bad_relay"),
        (
            "not UTF-8",
            Reply::bytes(200, "application/json", vec![0xff; 64]),
            "bad_relay",
        ),
        ("deep nesting", json(200, &deep), "bad_relay"),
        ("a huge number", json(200, "{\"version\":1e999999}"), "bad_relay"),
        ("no problem", json(409, "{\"code\":7}"), "bad_relay"),
        ("an endless body", zeros, "bad_relay"),
        ("an endless error", error_zeros, "bad_relay"),
        ("an impossible length", announced, "captive_portal"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn p13_whatever_answers_in_the_relays_place_gets_a_typed_error() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = group(&[&ana.person, &ben]).await;
    let new = Victim::new(&relay, "new").await;
    ana.client().stop().await;
    for (name, reply, code) in nonsense() {
        let answer = reply.clone();
        new.mitm.before_relay(move |_| Some(answer.clone()));
        let error = new.client().sign_in().await.unwrap_err();
        // A connection that the server's own nonsense breaks is as good an answer.
        let codes = [
            code,
            if name == "an impossible length" {
                "offline"
            } else {
                code
            },
        ];
        assert!(codes.contains(&error.code().as_str()), "{name}: {error:?}");
        ana.mitm.before_relay(move |_| Some(reply.clone()));
        let error = ana.client().catch_up().await.unwrap_err();
        assert!(codes.contains(&error.code().as_str()), "{name}: {error:?}");
    }
    // In the background too, whichever call it is that goes wrong; then it goes on by itself.
    for (n, part) in ["=/v1/sync", "=/v1/stream", "/messages"].into_iter().enumerate() {
        for (name, reply, _) in nonsense().into_iter().step_by(4) {
            let spoiled = reply.clone();
            ana.mitm
                .before_relay(move |call| call.is(part).then(|| spoiled.clone()));
            ana.client().start().await.unwrap();
            let text = format!("{name} {n}");
            send(&ana.person, id, &text).await;
            let hit = move |one: &crate::mitm::Exchange| one.path.contains(part.trim_start_matches('='));
            ana.mitm.until(hit).await;
            ana.mitm.until_more(part.trim_start_matches('='), 1).await;
            ana.mitm.honest();
            until_text(ben.client(), id, &text, SOON).await;
            until_live(ana.client(), SOON).await;
            ana.client().stop().await;
        }
    }
    new.mitm.honest();
    new.person.go_online().await.unwrap();
}

/// The live stream itself goes wrong in the middle.
#[tokio::test(flavor = "multi_thread")]
async fn p11_nonsense_on_the_live_stream_is_survived() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = group(&[&ben, &ana.person]).await;
    let unknown = json!({"event": "tomorrow", "more": {"of": "it"}}).to_string() + "\n";
    let huge = {
        let mut line = vec![b'x'; limits::ANSWER_BYTES + 1];
        line.push(b'\n');
        line
    };
    let lines: Vec<(&str, Vec<u8>)> = vec![
        ("no JSON", b"what?\n".to_vec()),
        ("another event", unknown.into()),
        ("an empty line", b"\n".to_vec()),
        ("an event without members", b"{\"event\":\"sync\"}\n".to_vec()),
        (
            "an unknown end",
            b"{\"event\":\"end\",\"code\":\"internal\"}\n".to_vec(),
        ),
        ("a stop", b"{\"event\":\"end\",\"code\":\"unavailable\"}\n".to_vec()),
        (
            "an expired token",
            b"{\"event\":\"end\",\"code\":\"token_expired\"}\n".to_vec(),
        ),
        ("not UTF-8", vec![0xff, 0xfe, b'\n']),
        ("too long", huge),
    ];
    for (name, line) in lines {
        let (spoiled, seen) = tokio::sync::watch::channel(0);
        ana.mitm.after_relay(move |call, reply| {
            if call.is("/v1/stream") && *spoiled.borrow() == 0 {
                let mut lines = line.clone();
                // What nobody has lost comes after it; where the stream breaks, it comes with the next one.
                lines.extend(serde_json::to_vec(reply.value()).unwrap());
                lines.push(b'\n');
                reply.body = Payload::Bytes(lines);
                spoiled.send_modify(|count| *count += 1);
            }
        });
        send(&ben, id, name).await;
        let mut seen = seen.clone();
        tokio::time::timeout(SOON, seen.wait_for(|count| *count > 0))
            .await
            .expect("no line")
            .unwrap();
        until_text(ana.client(), id, name, SOON).await;
        until_live(ana.client(), SOON).await;
        ana.mitm.honest();
    }
}
