//! A notification extension that handles one push, in a process of its own, and how much memory that takes.
//!
//! [`Stage::set`] makes a group and somebody whose phone has joined it; [`Stage::push`] gives an order that
//! [`handle`] obeys in a process that has done nothing else. The system counts what only the process can give back: on iOS
//! the *footprint* is dirty and compressed memory, so anonymous pages count and clean pages of files (code, most of all) do
//! not. [`Memory`] therefore tells them apart.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use curo::{
    AccessToken, Client, ClientOptions, ConversationId, ConversationState, FileVault, MessageId, NoToken, PushOutcome,
    TokenProvider, TokenReason,
};
use curo_kit::{Person, TestRelay, try_until};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Longer than anything takes on a busy machine.
const LONG: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);
/// How many people sign in at a time.
const AT_ONCE: usize = 4;

/// Anything that stops the measurement.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Memory of a process in KiB, as `/proc/PID/status` tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The most that was resident at a time.
    pub peak: u64,
    /// What is resident now.
    pub resident: u64,
    /// Of that: memory that only this process can give back. What a phone's limit counts.
    pub anonymous: u64,
    /// Of that: pages of files, mostly code. The system may drop and read them again.
    pub file: u64,
}

impl Memory {
    /// Of a process; `self` for this one. `None` where it has ended, or where there is no such file.
    pub fn of(process: &str) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some(Self {
            peak: field("VmHWM:")?,
            resident: field("VmRSS:")?,
            anonymous: field("RssAnon:")?,
            file: field("RssFile:")?,
        })
    }
}

/// What one push has cost.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// Before anything was done: the process and its runtime.
    pub baseline: Memory,
    /// With the profile's store open.
    pub opened: Memory,
    /// When the push was handled.
    pub handled: Memory,
    /// Messages that it brought.
    pub new_messages: u64,
    /// The most anonymous memory that was seen: sampled from outside, and never less than what follows from the peak.
    pub anonymous_peak: u64,
}

/// What [`handle`] is to do.
#[derive(Serialize, Deserialize)]
pub struct Order {
    dir: PathBuf,
    relay: String,
    root: PathBuf,
    token: String,
    push: String,
}

/// A relay, a group, and somebody in it whose phone sleeps.
pub struct Stage {
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
    ///
    /// # Errors
    /// Whatever did not come about.
    pub async fn set(members: usize) -> Result<Self, Failure> {
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
    ///
    /// # Errors
    /// Whatever did not come about.
    pub async fn push(&mut self, with_commit: bool) -> Result<Order, Failure> {
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

/// Runs `program` with `arguments` and an order as the last one, and watches its memory until it ends.
///
/// # Errors
/// If it does not end well, or does not say what it cost.
pub fn measured(program: &Path, arguments: &[&str], order: &Value) -> Result<Cost, Failure> {
    let mut child = Command::new(program)
        .args(arguments)
        .arg(order.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let process = child.id().to_string();
    let out = child.stdout.take().ok_or("no output")?;
    let reader = std::thread::spawn(move || {
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).map(|_| line)
    });
    let mut most = 0;
    while child.try_wait()?.is_none() {
        most = most.max(Memory::of(&process).map_or(0, |memory| memory.anonymous));
        std::thread::yield_now();
    }
    let line = reader.join().map_err(|_| "the output was not read")??;
    let mut cost: Cost = serde_json::from_str(&line).map_err(|_| format!("no figures: {line}"))?;
    // Pages of files only come, so at the peak there were no more of them than at the end.
    let least = cost.handled.peak.saturating_sub(cost.handled.file);
    cost.anonymous_peak = most.max(least).max(cost.handled.anonymous);
    Ok(cost)
}

/// Handles the push as an extension would: one worker thread, the preset for extensions.
///
/// # Errors
/// Whatever the client says, and where the push brought nothing.
pub fn handle(order: &Order) -> Result<Cost, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let now = || Memory::of("self").ok_or("this system does not tell its memory");
    let baseline = now()?;
    runtime.block_on(async {
        let vault = FileVault::with_key_file(order.dir.join("keys"), &order.dir.join("wrapping.key"))?;
        let profiles = order.dir.join("profiles");
        let profile = Client::profile_of_push(&profiles, &vault, &order.push).await?;
        let options = ClientOptions::notification_extension(profiles, order.relay.clone())
            .profile(profile.ok_or("the push is nobody's")?)
            .extra_root(std::fs::read(&order.root)?);
        let tokens = Arc::new(OneToken(order.token.clone()));
        let client = Client::open(options, Arc::new(vault), tokens).await?;
        let opened = now()?;
        let outcome = client.handle_push(&order.push, Duration::from_secs(20)).await?;
        let handled = now()?;
        client.close().await?;
        let PushOutcome::Fetched(outcome) = outcome else {
            return Err("the push is another profile's".into());
        };
        if !outcome.complete || outcome.new_messages == 0 {
            return Err(format!("the push brought nothing: {:?}", outcome.code).into());
        }
        Ok(Cost {
            baseline,
            opened,
            handled,
            new_messages: outcome.new_messages,
            anonymous_peak: handled.anonymous,
        })
    })
}

struct OneToken(String);

#[async_trait]
impl TokenProvider for OneToken {
    async fn token(&self, _: TokenReason) -> Result<AccessToken, NoToken> {
        Ok(AccessToken::new(self.0.clone()))
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

/// The order as the last argument of a process.
impl Order {
    /// As `curo-e2e-child` takes it.
    pub fn to_json(&self) -> Value {
        json!({ "extension": self })
    }
}
