//! The live stream (5.2).

use curo_types::api::{STREAM_MEDIA_TYPE, StreamEvent};
use curo_types::{ErrorCode, IntentId};
use reqwest::{Method, Response};

use crate::device::{Device, pair};
use crate::world::{World, problem};

struct Lines {
    response: Response,
    buffer: Vec<u8>,
}

impl Lines {
    async fn open(world: &World, device: &Device, token: &str) -> Self {
        Self::open_after(world, device, token, 0).await
    }

    async fn open_after(world: &World, device: &Device, token: &str, inbox_ack: u64) -> Self {
        let path = format!("/v1/stream?token={token}&inbox_ack={inbox_ack}");
        let response = device.request(world, Method::GET, &path).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], STREAM_MEDIA_TYPE);
        Self {
            response,
            buffer: Vec::new(),
        }
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<StreamEvent> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            self.buffer.extend_from_slice(&self.response.chunk().await.ok()??);
        }
    }

    /// The next event that is not a heartbeat.
    async fn news(&mut self) -> Option<StreamEvent> {
        loop {
            match self.next().await {
                Some(StreamEvent::Heartbeat { .. }) => {}
                other => return other,
            }
        }
    }
}

#[tokio::test]
async fn p5_2_entries_arrive_live_and_heartbeats_between() {
    let world = World::start().await;
    let (mut anna, mut ben, talk, _) = pair(&world).await;
    let token = ben.sync(&world, None, 1).await.unwrap().token;
    let mut lines = Lines::open_after(&world, &ben, &token, 1).await;
    let Some(StreamEvent::Heartbeat { token: at_first }) = lines.next().await else {
        panic!("no heartbeat at once")
    };
    assert_eq!(at_first, token, "nothing has happened");
    assert!(
        matches!(lines.next().await, Some(StreamEvent::Heartbeat { .. })),
        "and again while nothing happens"
    );
    for counter in 1..=3 {
        let text = format!("message {counter}");
        let message = anna.encrypt(talk, IntentId::random(), counter, &text);
        anna.send(&world, talk, vec![message]).await.unwrap();
        let Some(StreamEvent::Sync(news)) = lines.news().await else {
            panic!("no news")
        };
        assert!(news.key_packages.is_empty(), "the stock has not changed");
        let entry = &news.conversations[0].entries[0];
        assert_eq!(ben.read(talk, &entry.body.0), text);
        news.conversations[0].tip.verify(&ben.session.log_key.log_key).unwrap();
        // The stream's token is a sync token like any other.
        assert!(
            ben.sync(&world, Some(&news.token), 1)
                .await
                .unwrap()
                .conversations
                .is_empty()
        );
    }
}

#[tokio::test]
async fn p5_2_a_claim_shows_in_the_stock_at_once() {
    let world = World::start().await;
    let (anna, ben, ..) = pair(&world).await;
    let token = ben.sync(&world, None, 1).await.unwrap().token;
    let mut lines = Lines::open_after(&world, &ben, &token, 1).await;
    lines.next().await.unwrap();
    anna.key_package_of(&world, ben.user()).await;
    let Some(StreamEvent::Sync(news)) = lines.news().await else {
        panic!("no news")
    };
    assert_eq!(
        news.key_packages[0].one_time, 3,
        "five, one for the conversation, one now"
    );
}

#[tokio::test]
async fn p5_2_changes_elsewhere_move_the_token_along() {
    let world = World::start().await;
    let (mut anna, ben, ..) = pair(&world).await;
    let token = ben.sync(&world, None, 1).await.unwrap().token;
    let mut lines = Lines::open_after(&world, &ben, &token, 1).await;
    let mut carl = Device::new(&world, "carl").await;
    carl.upload(&world, 2).await.unwrap();
    anna.open(&world, &[carl.user()]).await;
    let newest = anna.sync(&world, None, 0).await.unwrap().token;
    assert_ne!(newest, token);
    let moved = loop {
        match lines.next().await.unwrap() {
            StreamEvent::Sync(news) => break news,
            StreamEvent::Heartbeat { token: same } => assert_eq!(same, token),
            other => panic!("{other:?}"),
        }
    };
    assert!(moved.conversations.is_empty(), "it is none of ben's business");
    assert_eq!(moved.token, newest);
}

#[tokio::test]
async fn a_stream_ends_when_the_token_expires_or_the_device_is_revoked() {
    let world = World::start().await;
    let anna = Device::new(&world, "anna").await;
    let token = anna.sync(&world, None, 0).await.unwrap().token;
    let mut lines = Lines::open(&world, &anna, &token).await;
    world.clock.advance_ms(3600 * 1000);
    assert_eq!(
        lines.news().await,
        Some(StreamEvent::End {
            code: ErrorCode::TOKEN_EXPIRED
        })
    );
    assert_eq!(lines.next().await, None);

    let mut anna = anna;
    anna.token = world.token("anna");
    let mut lines = Lines::open(&world, &anna, &token).await;
    for _ in 0..10 {
        world.clock.advance_ms(1000);
        anna.sibling(&world, "anna").await;
    }
    let end = loop {
        match lines.news().await.unwrap() {
            StreamEvent::End { code } => break code,
            StreamEvent::Sync(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(end, ErrorCode::DEVICE_REVOKED);
}

#[tokio::test]
async fn the_newest_streams_of_a_device_win() {
    let world = World::start_with(|config| config.limits.streams_per_device = 1).await;
    let anna = Device::new(&world, "anna").await;
    let token = anna.sync(&world, None, 0).await.unwrap().token;
    let mut old = Lines::open(&world, &anna, &token).await;
    let mut new = Lines::open(&world, &anna, &token).await;
    assert_eq!(
        old.news().await,
        Some(StreamEvent::End {
            code: ErrorCode::RATE_LIMITED
        })
    );
    assert!(matches!(new.next().await, Some(StreamEvent::Heartbeat { .. })));
}

#[tokio::test]
async fn a_bad_token_is_a_problem_and_no_stream() {
    let world = World::start_with(|config| config.limits.streams_per_device = 1).await;
    let anna = Device::new(&world, "anna").await;
    let luke = Device::of(&world, &crate::world::other_tenant(), "luke").await;
    let of = async |device: &Device| device.sync(&world, None, 0).await.unwrap().token;
    let (token, elsewhere) = (of(&anna).await, format!("/v1/stream?token={}", of(&luke).await));
    let mut lines = Lines::open(&world, &anna, &token).await;
    for (path, code) in [
        (elsewhere.as_str(), ErrorCode::STORE_CHANGED),
        ("/v1/stream?token=garbage", ErrorCode::MALFORMED),
        (
            "/v1/stream?token=v1.00000000000000000000000000000000.0000000000000000.1",
            ErrorCode::STORE_CHANGED,
        ),
        ("/v1/stream?inbox_ack=-1", ErrorCode::MALFORMED),
    ] {
        let response = anna.request(&world, Method::GET, path).send().await.unwrap();
        assert_eq!(problem(response).await.code, code, "{path}");
    }
    // The stream that was there goes on: what is refused takes nobody's place.
    for _ in 0..3 {
        assert!(!matches!(lines.next().await, None | Some(StreamEvent::End { .. })));
    }
}

#[tokio::test]
async fn a_shutdown_ends_streams_with_a_last_line() {
    let mut world = World::start().await;
    let anna = Device::new(&world, "anna").await;
    let token = anna.sync(&world, None, 0).await.unwrap().token;
    let mut lines = Lines::open(&world, &anna, &token).await;
    lines.next().await.unwrap();
    let relay = world.relay.take().unwrap();
    let (ended, ()) = tokio::join!(async { lines.news().await }, relay.shutdown());
    assert_eq!(
        ended,
        Some(StreamEvent::End {
            code: ErrorCode::UNAVAILABLE
        })
    );
}

#[tokio::test]
async fn p5_7_the_inbox_arrives_live_and_once() {
    let world = World::start().await;
    let mut anna = Device::new(&world, "anna").await;
    let mut ben = Device::new(&world, "ben").await;
    ben.upload(&world, 3).await.unwrap();
    let token = ben.sync(&world, None, 0).await.unwrap().token;
    let mut lines = Lines::open(&world, &ben, &token).await;
    lines.next().await.unwrap();
    let talk = anna.open(&world, &[ben.user()]).await;
    let welcome = loop {
        match lines.next().await.unwrap() {
            StreamEvent::Sync(news) if !news.inbox.is_empty() => break news.inbox[0].clone(),
            StreamEvent::Sync(_) | StreamEvent::Heartbeat { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    ben.join_by(&world, &welcome).await;
    let message = anna.encrypt(talk, IntentId::random(), 1, "hello");
    anna.send(&world, talk, vec![message]).await.unwrap();
    let news = loop {
        match lines.next().await.unwrap() {
            StreamEvent::Sync(news) if !news.conversations.is_empty() => break news,
            StreamEvent::Sync(news) => assert!(news.inbox.is_empty(), "sent already"),
            StreamEvent::Heartbeat { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(news.inbox.is_empty());
    assert_eq!(ben.read(talk, &news.conversations[0].entries[0].body.0), "hello");
    let kept = ben.sync(&world, None, 0).await.unwrap();
    assert_eq!(kept.inbox, [welcome], "a stream acknowledges nothing");
}
