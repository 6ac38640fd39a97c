//! Opening and closing clients again and again: nothing may be left of any of them. A program of its own, because it counts what
//! the whole process holds.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests; one tells its measurement"
)]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use curo::ProfileId;
use curo_ffi::{
    Client, ClientOptions, DoneReply, KeyReply, KeyVault, Result, Start, TimelineOptions, TokenProvider, TokenReason,
    TokenReply, VaultMode, new_store_key,
};

const ROUNDS: usize = 200;
/// After how many openings it is measured what the process holds: caches and pools are full at the first.
const MEASURED: [usize; 3] = [40, 120, ROUNDS];
const GROWTH_KIB: usize = 4 * 1024;

#[derive(Default)]
struct Vault(Mutex<HashMap<ProfileId, Vec<u8>>>);

impl KeyVault for Vault {
    fn mode(&self) -> Result<VaultMode> {
        Ok(VaultMode::Background)
    }

    fn load_key(&self, name: ProfileId, reply: Arc<KeyReply>) -> Result<()> {
        self.create_key(name, reply)
    }

    fn create_key(&self, name: ProfileId, reply: Arc<KeyReply>) -> Result<()> {
        let mut keys = self.0.lock().unwrap();
        let key = keys.entry(name).or_insert_with(|| new_store_key().unwrap()).clone();
        reply.complete(key).map(drop)
    }

    fn destroy_key(&self, _: ProfileId, reply: Arc<DoneReply>) -> Result<()> {
        reply.complete().map(drop)
    }
}

struct NoTokens;

impl TokenProvider for NoTokens {
    fn token(&self, _: TokenReason, reply: Arc<TokenReply>) -> Result<()> {
        reply.fail().map(drop)
    }
}

/// What the process holds: threads that are not of the runtime's pool, open files, holders of the vault, resident memory in KiB.
#[derive(Debug, Clone, Copy)]
struct Held {
    threads: usize,
    files: usize,
    vault: usize,
    memory_kib: usize,
}

fn held(vault: &Arc<Vault>) -> Held {
    let names = std::fs::read_dir("/proc/self/task").unwrap();
    let own = names
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        // Workers and idle blocking threads, whose number has a limit and not a meaning.
        .filter(|name| name.trim() != "curo");
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    Held {
        threads: own.count(),
        files: std::fs::read_dir("/proc/self/fd").unwrap().count(),
        vault: Arc::strong_count(vault),
        memory_kib: memory.trim().trim_end_matches(" kB").parse().unwrap(),
    }
}

fn options(root: &Path) -> ClientOptions {
    ClientOptions::new(root.to_str().unwrap(), "https://127.0.0.1:9")
}

/// A failure as a value that says where: the library keeps the texts of panics to itself, this test's too.
trait Told<T> {
    fn told(self, step: &str) -> std::result::Result<T, String>;
}

impl<T> Told<T> for Result<T> {
    fn told(self, step: &str) -> std::result::Result<T, String> {
        self.map_err(|error| format!("{step}: {error}"))
    }
}

/// One life of a client with everything that an app opens of it, and with someone who waits to the end.
async fn life(root: &Path, vault: &Arc<Vault>, round: usize) -> std::result::Result<(), String> {
    let opened = Client::open(options(root), vault.clone(), Arc::new(NoTokens)).await;
    let client = opened.told("open")?;
    let outbox = client.observe_outbox().told("observe_outbox")?;
    let connection = client.observe_connection().told("observe_connection")?;
    let conversation = client
        .conversation(curo::ConversationId::random())
        .told("conversation")?;
    let options = TimelineOptions {
        start: Start::Newest,
        page: 50,
    };
    let timeline = conversation.timeline(options).told("timeline")?;
    // Each has drawn its first snapshot and waits for the next one again and again: there may be one that says locked.
    let mut seen = outbox.next(0).await.told("outbox")?.revision;
    let mut connected = connection.next(0).await.told("connection")?.revision;
    let waiting = tokio::spawn(async move {
        while let Ok(newer) = outbox.next(seen).await {
            seen = newer.revision;
        }
        while let Ok(newer) = connection.next(connected).await {
            connected = newer.revision;
        }
    });
    // In every order, and some twice.
    match round % 3 {
        0 => {
            client.end().await.told("end")?;
            timeline.end().told("the timeline's end")?;
            client.end().await.told("the end again")?;
        }
        1 => {
            timeline.end().told("the timeline's end")?;
            timeline.end().told("the timeline's end again")?;
            client.end().await.told("end")?;
        }
        _ => {
            drop(timeline);
            drop(conversation);
            client.end().await.told("end")?;
        }
    }
    let woken = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    woken
        .map_err(|_| "who waits was not woken by the end".to_owned())?
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn two_hundred_openings_leave_nothing_behind() -> std::result::Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(Vault::default());
    let mut measured: Vec<Held> = Vec::new();
    for round in 1..=ROUNDS {
        let life = life(dir.path(), &vault, round).await;
        life.map_err(|error| format!("opening {round}: {error}"))?;
        if MEASURED.contains(&round) {
            measured.push(settled(&vault, measured.first()).await);
        }
    }
    println!("after {MEASURED:?} openings: {measured:?}");
    let [first, middle, last] = *measured else {
        return Err(format!("measured {} times", measured.len()));
    };
    let grown = |from: Held, to: Held| to.memory_kib.saturating_sub(from.memory_kib);
    let checks = [
        ("the vault is still held", last.vault == 1),
        ("threads are left", last.threads <= first.threads),
        ("files are left open", last.files <= first.files),
        // 80 openings of a database with all its caches: a leak of one connection alone would be some 100 KiB each. The
        // allocator may take another arena at any time, but not in both halves.
        (
            "memory grows",
            grown(first, middle) < GROWTH_KIB || grown(middle, last) < GROWTH_KIB,
        ),
    ];
    match checks.iter().find(|(_, holds)| !holds) {
        Some((what, _)) => Err(format!("{what}: {measured:?}")),
        None => Ok(()),
    }
}

/// What the process holds once the last client's end is through: it ends on threads of the library, so it is waited for.
async fn settled(vault: &Arc<Vault>, wanted: Option<&Held>) -> Held {
    let until = Instant::now() + Duration::from_secs(20);
    let mut last = held(vault);
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = held(vault);
        let good = match wanted {
            Some(wanted) => now.threads <= wanted.threads && now.files <= wanted.files,
            None => now.threads == last.threads && now.files == last.files,
        };
        if good && now.vault == 1 || Instant::now() > until {
            return now;
        }
        last = now;
    }
}
