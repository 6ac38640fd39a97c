//! A client or a relay in a process of its own, which a test can stop dead at a fail point: no destructor runs and nothing
//! is flushed, as when a phone kills an app.
//!
//! Obeys JSON lines on standard input (`{"do": …}`), answers one line each on standard output (`{"ok": …}` or
//! `{"error": code}`), uses the public APIs only, and ends with its standard input.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use curo::{
    AccessToken, Client, ClientOptions, ConnectionState, DeliveryState, Error, FileVault, IntentStatus, MessageId,
    NoToken, OnUnsent, TokenProvider, TokenReason, UserId,
};
use curo_kit::{texts, try_until};
use curo_relay::{Config, Relay};
use serde::Deserialize;
use serde_json::{Value, json};

/// Longer than anything takes on a busy machine.
const SOON: Duration = Duration::from_secs(60);

const OPEN_TRIES: usize = 20;

/// What the first argument holds, in JSON.
#[derive(Deserialize)]
struct Order {
    /// A client …
    client: Option<ClientOrder>,
    /// … or a relay with this configuration file.
    relay: Option<PathBuf>,
    /// Where to stop dead: a fail point, and at which of its passes.
    die: Option<(String, u64)>,
    /// Fail points at which steps fail, and how often: `[["sqlite.before_commit", "5%return"]]`.
    #[serde(default)]
    fail: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct ClientOrder {
    dir: PathBuf,
    relay: String,
    root: PathBuf,
    token: String,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if standard error is closed.
            let _ = writeln!(io::stderr(), "curo-e2e-child: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let order: Order = serde_json::from_str(&std::env::args().nth(1).ok_or("an order is missing")?)?;
    let passes = Passes::watch(order.die.as_ref())?;
    for (point, how) in &order.fail {
        fail::cfg(point.as_str(), how)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    match (order.client, order.relay) {
        (Some(client), None) => runtime.block_on(serve_client(&client, &passes)),
        (None, Some(config)) => runtime.block_on(serve_relay(config, &passes)),
        _ => Err("either a client or a relay".into()),
    }
}

/// How often each fail point was passed.
struct Passes(BTreeMap<&'static str, Arc<AtomicU64>>);

impl Passes {
    /// Counts from now on, and ends the process at the pass that `die` names, the first being 1.
    fn watch(die: Option<&(String, u64)>) -> Result<Self, Failure> {
        let mut passes = BTreeMap::new();
        for point in curo_e2e::all_points() {
            let counter = Arc::new(AtomicU64::new(0));
            let last = die.filter(|(name, _)| name == point).map(|(_, pass)| *pass);
            let counted = Arc::clone(&counter);
            fail::cfg_callback(point, move || {
                if Some(counted.fetch_add(1, Ordering::SeqCst) + 1) == last {
                    std::process::abort();
                }
            })?;
            passes.insert(point, counter);
        }
        match die {
            Some((name, _)) if !passes.contains_key(name.as_str()) => Err("no such fail point".into()),
            _ => Ok(Self(passes)),
        }
    }

    fn to_json(&self) -> Value {
        self.0
            .iter()
            .map(|(point, count)| ((*point).to_owned(), json!(count.load(Ordering::SeqCst))))
            .collect()
    }
}

/// Reads lines until standard input ends, and answers each.
async fn obey(mut answer: impl AsyncFnMut(Value) -> Result<Value, Failure>) -> Result<(), Failure> {
    loop {
        let mut line = String::new();
        if tokio::task::block_in_place(|| io::stdin().lock().read_line(&mut line))? == 0 {
            return Ok(());
        }
        let answer = match answer(serde_json::from_str(&line)?).await {
            Ok(value) => json!({ "ok": value }),
            Err(error) => match error.downcast::<Error>() {
                Ok(error) => json!({ "error": error.code().as_str() }),
                Err(error) => json!({ "error": error.to_string() }),
            },
        };
        say(&answer)?;
    }
}

fn say(value: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}

async fn serve_relay(config: PathBuf, passes: &Passes) -> Result<(), Failure> {
    let relay = Relay::start(Config::load(&config)?).await?;
    say(&json!({ "ok": "up" }))?;
    obey(async |request| match request["do"].as_str() {
        Some("passes") => Ok(passes.to_json()),
        _ => Err("no such request".into()),
    })
    .await?;
    relay.shutdown().await;
    Ok(())
}

struct FixedToken(String);

#[async_trait::async_trait]
impl TokenProvider for FixedToken {
    async fn token(&self, _: TokenReason) -> Result<AccessToken, NoToken> {
        Ok(AccessToken::new(self.0.as_str()))
    }
}

async fn serve_client(order: &ClientOrder, passes: &Passes) -> Result<(), Failure> {
    let keys = order.dir.join("keys");
    std::fs::create_dir_all(&keys)?;
    let vault = Arc::new(FileVault::with_key_file(&keys, &order.dir.join("wrapping.key"))?);
    let tokens = Arc::new(FixedToken(order.token.clone()));
    let options = ClientOptions::new(order.dir.join("profiles"), order.relay.as_str())
        .extra_root(std::fs::read(&order.root)?)
        .request_timeout(Duration::from_secs(10))
        .retry_between(Duration::from_millis(20), Duration::from_millis(500));
    let mut tries = 0;
    let client = loop {
        tries += 1;
        match Client::open(options.clone(), vault.clone(), tokens.clone()).await {
            // A step was made to fail.
            Err(error) if error.retryable() && tries < OPEN_TRIES => {}
            opened => break opened?,
        }
    };
    obey(async |request| client_call(&client, passes, &request).await).await?;
    Ok(client.close().await?)
}

async fn client_call(client: &Client, passes: &Passes, request: &Value) -> Result<Value, Failure> {
    Ok(match request["do"].as_str().unwrap_or_default() {
        "begin" => {
            let account = client.sign_in().await?;
            client.start().await?;
            try_until(client, "live", SOON, async || {
                client.connection() == ConnectionState::Live
            })
            .await?;
            json!({ "user": account.user, "device": account.device })
        }
        "create" => json!(client.create_conversation(&users(request)?).await?.0.id()),
        "conversations" => {
            json!(
                client
                    .conversations()
                    .await?
                    .iter()
                    .map(|info| info.id)
                    .collect::<Vec<_>>()
            )
        }
        "suspend" => {
            client.suspend().await?;
            Value::Null
        }
        "resume" => {
            client.resume().await?;
            Value::Null
        }
        "catch_up" => {
            client.catch_up().await?;
            Value::Null
        }
        "sign_out" => {
            client.sign_out(SOON, OnUnsent::Discard).await?;
            Value::Null
        }
        "register_push" => {
            client.register_push(text(request, "target")?).await?;
            Value::Null
        }
        "unregister_push" => {
            client.unregister_push().await?;
            Value::Null
        }
        "ask_in" => match client.sign_in().await {
            Err(error) if *error.code() == curo::ErrorCode::APPROVAL_PENDING => {
                json!({ "code": client.approval_code().await? })
            }
            signed_in => {
                signed_in?;
                json!({})
            }
        },
        "decide" => {
            // After a kill it may be decided already.
            for waiting in client.waiting_devices().await? {
                if request["approve"] == true {
                    client.approve_device(waiting.device).await?;
                } else {
                    client.revoke_device(waiting.device).await?;
                }
            }
            Value::Null
        }
        "rekey" => {
            let changed = client.rekey().await;
            // It may have come to nothing with the store closed. An app shows its lock screen then, and the person unlocks.
            while client.is_locked() {
                match client.unlock().await {
                    Ok(()) => client.start().await?,
                    Err(error) if error.code() == &curo::ErrorCode::BUSY => {}
                    Err(error) => return Err(error.into()),
                }
            }
            changed?;
            Value::Null
        }
        "passes" => passes.to_json(),
        "fail" => {
            fail::cfg(text(request, "point")?, text(request, "how")?)?;
            Value::Null
        }
        "settled" => {
            let settled = async || client.outbox().await.is_ok_and(|outbox| outbox.waiting == 0);
            try_until(client, "an empty outbox", SOON, settled).await?;
            json!(client.outbox().await?.failed)
        }
        _ => return conversation_call(client, request).await,
    })
}

async fn conversation_call(client: &Client, request: &Value) -> Result<Value, Failure> {
    let id = text(request, "conversation")?.parse()?;
    let conversation = client.conversation(id);
    Ok(match request["do"].as_str().unwrap_or_default() {
        "send" => {
            let message: MessageId = text(request, "message")?.parse()?;
            json!(conversation.send_text(text(request, "text")?.into(), message).await?)
        }
        "add" => json!(conversation.add(&users(request)?).await?),
        "remove" => json!(conversation.remove(&users(request)?).await?),
        "leave" => json!(conversation.leave().await?),
        "until_left" => {
            let left = async || conversation.info().await.is_ok_and(|info| info.left);
            try_until(client, "left", SOON, left).await?;
            Value::Null
        }
        "renew" => json!(conversation.renew_keys().await?),
        "done" => {
            let intent = text(request, "intent")?.parse()?;
            let done = async || matches!(conversation.intent(intent).await, Ok(IntentStatus::Done));
            try_until(client, "intent done", SOON, done).await?;
            Value::Null
        }
        "until_text" => {
            let wanted = text(request, "text")?;
            let here = async || {
                texts(&conversation)
                    .await
                    .is_ok_and(|all| all.iter().any(|one| one == wanted))
            };
            try_until(client, wanted, SOON, here).await?;
            Value::Null
        }
        "until_delivered" => {
            let message: MessageId = text(request, "message")?.parse()?;
            let people = u32::try_from(request["people"].as_u64().unwrap_or_default())?;
            let all = DeliveryState::Delivered { by: people, of: people };
            let delivered = async || conversation.delivery(message).await.is_ok_and(|state| state == all);
            try_until(client, "delivered to all", SOON, delivered).await?;
            Value::Null
        }
        "mark_read" => {
            let wanted = text(request, "text")?;
            let said = |item: &curo::Item| matches!(&item.entry, curo::Entry::Message(one) if one.body == curo::Body::Text(wanted.into()));
            let found = curo_kit::items(&conversation).await?.into_iter().find(said);
            let Some(curo::Entry::Message(message)) = found.map(|item| item.entry) else {
                return Err("no such text".into());
            };
            conversation.mark_read(message.reference()).await?;
            let sent = async || client.diagnostics().await.contains("receipts_waiting: 0");
            try_until(client, "receipt sent", SOON, sent).await?;
            Value::Null
        }
        "texts" => json!(texts(&conversation).await?),
        _ => return Err("no such request".into()),
    })
}

fn text<'v>(request: &'v Value, name: &str) -> Result<&'v str, Failure> {
    request[name]
        .as_str()
        .ok_or_else(|| format!("{name} is missing").into())
}

fn users(request: &Value) -> Result<Vec<UserId>, Failure> {
    Ok(serde_json::from_value(request["people"].clone())?)
}
