//! What the main job costs on this machine: prints one JSON line a figure. Real relay over loopback TLS, real encrypted
//! stores, `synchronous=FULL` on both sides. Run with `cargo run -p curo-e2e --example throughput`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement: it prints, and stops where it cannot measure"
)]

use std::time::{Duration, Instant};

use curo::{ConversationId, DeliveryState, MessageId};
use curo_kit::{Person, TestRelay, until, until_done, until_text};

const MANY: usize = 2_000;
const ALONE: usize = 200;
const LONG: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let ben = Person::online(&relay, "ben").await.unwrap();
    let (talk, created) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    let id = talk.id();
    until_done(ana.client(), id, created, LONG).await;
    send(&ana, id, "first").await;
    until_text(ben.client(), id, "first", LONG).await;

    // One message at a time, until the relay has accepted it, and until it is on the other device.
    let (mut accepted, mut arrived) = (Vec::new(), Vec::new());
    for n in 0..ALONE {
        let text = format!("alone {n}");
        let start = Instant::now();
        let message = send(&ana, id, &text).await;
        until(ana.client(), "accepted", LONG, async || {
            talk.delivery(message).await.unwrap() != DeliveryState::Queued
        })
        .await;
        accepted.push(start.elapsed());
        until_text_at_end(&ben, id, &text).await;
        arrived.push(start.elapsed());
    }
    percentiles("send_alone_accepted", &mut accepted);
    percentiles("send_alone_on_other_device", &mut arrived);

    // Queued while nobody is connected, then sent in batches, then caught up.
    ana.client().stop().await;
    ben.client().stop().await;
    let start = Instant::now();
    for n in 0..MANY {
        send(&ana, id, &format!("queued {n}")).await;
    }
    rate("queue_durable", MANY, start.elapsed());
    let start = Instant::now();
    ana.client().catch_up().await.unwrap();
    assert_eq!(ana.client().outbox().await.unwrap().waiting, 0);
    rate("flush_accepted", MANY, start.elapsed());
    let start = Instant::now();
    ben.client().catch_up().await.unwrap();
    rate("catch_up_decrypted_stored", MANY, start.elapsed());
    until_text_at_end(&ben, id, &format!("queued {}", MANY - 1)).await;
}

async fn send(person: &Person, id: ConversationId, text: &str) -> MessageId {
    person
        .client()
        .conversation(id)
        .send_text(text.into(), MessageId::random())
        .await
        .unwrap()
}

async fn until_text_at_end(person: &Person, id: ConversationId, text: &str) {
    let talk = person.client().conversation(id);
    until(person.client(), "arrived", LONG, async || {
        let page = talk.latest(1).await.unwrap();
        page.items.iter().any(|item| match &item.entry {
            curo::Entry::Message(message) => matches!(&message.body, curo::Body::Text(body) if body.as_str() == text),
            _ => false,
        })
    })
    .await;
}

fn rate(name: &str, count: usize, time: Duration) {
    println!(
        r#"{{"name":"{name}","value":{:.0},"unit":"messages/s"}}"#,
        count as f64 / time.as_secs_f64()
    );
}

fn percentiles(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    for (label, at) in [("p50", times.len() / 2), ("p99", times.len() * 99 / 100)] {
        let ms = times.get(at).copied().unwrap_or_default().as_secs_f64() * 1000.0;
        println!(r#"{{"name":"{name}_{label}","value":{ms:.2},"unit":"ms"}}"#);
    }
}
