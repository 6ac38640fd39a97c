//! A notification extension that handles one push, in a process of its own, and how much memory that takes: the program of this
//! crate, which has nothing in it but the client. The test beside it makes the group and the push.
//!
//! The system counts what only the process can give back: on iOS the *footprint* is dirty and compressed memory, so anonymous pages
//! count and clean pages of files (code, most of all) do not. [`Memory`] therefore tells them apart.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use curo::{AccessToken, Client, ClientOptions, FileVault, NoToken, PushOutcome, TokenProvider, TokenReason};
use serde::{Deserialize, Serialize};

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
    /// The folder of the phone: profiles, wrapped keys, the wrapping key.
    pub dir: PathBuf,
    /// The relay's address.
    pub relay: String,
    /// A file with the root certificate (DER) that vouches for the relay.
    pub root: PathBuf,
    /// An access token of the phone's user.
    pub token: String,
    /// What the push bears.
    pub push: String,
}

/// Runs `program` with an order, and watches its memory until it ends.
///
/// # Errors
/// If it does not end well, or does not say what it cost.
pub fn measured(program: &Path, order: &Order) -> Result<Cost, Failure> {
    let mut child = Command::new(program)
        .arg(serde_json::to_string(order)?)
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
