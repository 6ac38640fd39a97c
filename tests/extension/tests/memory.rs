//! What a notification extension may take: iOS ends it at 24 MB of footprint, and half of that belongs to the app's own part.
//!
//! `cargo test -p curo-extension --release -- --nocapture` prints what one push takes with the profile that phones get. Linux only.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use curo::{ConversationId, ConversationState, MessageId};
use curo_extension::{Failure, Order, measured};
use curo_kit::{Person, TestRelay, try_until};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Longer than anything takes on a busy machine.
const LONG: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);
/// How many people sign in at a time.
const AT_ONCE: usize = 4;
const MEMBERS: usize = 200;
/// The footprint of the whole process, its runtime included: anonymous memory, in every profile.
const MOST_ANONYMOUS_KIB: u64 = 6 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn a_push_of_a_group_of_200_is_handled_in_the_memory_of_an_extension() {
    let mut stage = Stage::set(MEMBERS).await.unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_curo-extension"));
    for with_commit in [false, true] {
        let order = stage.push(with_commit).await.unwrap();
        let cost = tokio::task::block_in_place(|| measured(program, &order)).unwrap();
        println!(
            "with a commit: {with_commit}, in KiB: {}",
            serde_json::to_string(&cost).unwrap()
        );
        assert!(cost.new_messages > 0, "{cost:?}");
        let (before, after) = (cost.baseline.anonymous, cost.handled.anonymous);
        assert!(0 < before && before < after, "nothing was measured: {cost:?}");
        assert!(
            cost.anonymous_peak < MOST_ANONYMOUS_KIB,
            "with a commit: {with_commit}: {cost:?}"
        );
    }
}

/// A relay, a group, and somebody in it whose phone sleeps.
struct Stage {
    relay: TestRelay,
    sender: Person,
    sleeper: Person,
    root: PathBuf,
    id: ConversationId,
    pushes: mpsc::UnboundedReceiver<Value>,
    dir: tempfile::TempDir,
}

impl Stage {
    /// Makes a group of so many members, with one device each.
    async fn set(members: usize) -> Result<Self, Failure> {
        let (gateway, pushes) = gateway().await?;
        let relay = TestRelay::builder().push_gateway(gateway).start().await?;
        let dir = tempfile::tempdir()?;
        let root = dir.path().join("root.der");
        std::fs::write(&root, relay.ca().root_der())?;
        let sender = Person::online(&relay, "sender").await?;
        let sleeper = Person::in_dir(&relay, "sleeper", dir.path()).await?;
        sleeper.go_online().await?;
        sleeper.client().register_push("phone-of-sleeper").await?;

        let mut users = vec![sleeper.account().await?.user];
        let others: Vec<_> = (2..members).map(|n| format!("member-{n}")).collect();
        for batch in others.chunks(AT_ONCE) {
            let joining = batch.iter().map(|subject| registered(&relay, subject));
            for user in join_all(joining).await {
                users.push(user?);
            }
        }
        let (group, _) = sender.client().create_conversation(&users).await?;
        let id = group.id();
        let joined = async || {
            let info = sleeper.client().conversation(id).info().await;
            info.is_ok_and(|info| info.state == ConversationState::Active && info.members.len() == members)
        };
        try_until(sleeper.client(), "the whole group", LONG, joined).await?;
        let welcome = MessageId::random();
        group.send_text("before".into(), welcome).await?;
        let read = async || sleeper.client().unread().await.is_ok_and(|unread| unread.messages == 1);
        try_until(sleeper.client(), "the first message", LONG, read).await?;
        sleeper.close().await?;
        Ok(Self {
            relay,
            sender,
            sleeper,
            root,
            id,
            pushes,
            dir,
        })
    }

    /// One message comes, after a change of keys where asked for; the order for whoever handles the push.
    async fn push(&mut self, with_commit: bool) -> Result<Order, Failure> {
        let group = self.sender.client().conversation(self.id);
        if with_commit {
            group.renew_keys().await?;
        }
        while self.pushes.try_recv().is_ok() {}
        let push = loop {
            // The relay notices in its own time that the sleeper's stream has ended.
            group.send_text("wake up".into(), MessageId::random()).await?;
            let sent = async || {
                self.sender
                    .client()
                    .outbox()
                    .await
                    .is_ok_and(|outbox| outbox.waiting == 0)
            };
            try_until(self.sender.client(), "an empty outbox", LONG, sent).await?;
            if let Ok(push) = self.pushes.try_recv() {
                break push;
            }
            tokio::task::yield_now().await;
        };
        let push = push
            .get("token")
            .and_then(Value::as_str)
            .ok_or("a push without a token")?;
        Ok(Order {
            dir: self.dir.path().to_owned(),
            relay: self.relay.url(),
            root: self.root.clone(),
            token: self
                .relay
                .issuer()
                .mint(self.relay.tenant(), self.sleeper.subject(), HOUR),
            push: push.to_owned(),
        })
    }
}

/// Somebody who has a device and KeyPackages at the relay, and is never seen again.
async fn registered(relay: &TestRelay, subject: &str) -> Result<curo::UserId, Failure> {
    let person = Person::new(relay, subject).await?;
    let user = person.client().sign_in().await?.user;
    person.close().await?;
    Ok(user)
}

async fn join_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.map(|future| (Some(Box::pin(future)), None)).collect();
    std::future::poll_fn(|context| {
        let mut ready = true;
        for (future, result) in &mut futures {
            if let Some(running) = future {
                match running.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => (*future, *result) = (None, Some(value)),
                    std::task::Poll::Pending => ready = false,
                }
            }
        }
        if ready {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    futures.into_iter().filter_map(|(_, result)| result).collect()
}

/// A push gateway that takes everything.
async fn gateway() -> Result<(String, mpsc::UnboundedReceiver<Value>), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/wake", listener.local_addr()?);
    let (seen, pushes) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut request = Vec::new();
                let mut part = [0; 1024];
                while let Ok(read @ 1..) = stream.read(&mut part).await {
                    request.extend(part.iter().take(read));
                    let text = String::from_utf8_lossy(&request).into_owned();
                    let body = text
                        .split_once("\r\n\r\n")
                        .and_then(|(_, body)| serde_json::from_str(body).ok());
                    let Some(body) = body else { continue };
                    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                    let _ = stream.write_all(ok.as_bytes()).await;
                    let _ = seen.send(body);
                    return;
                }
            });
        }
    });
    Ok((url, pushes))
}
