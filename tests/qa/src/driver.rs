//! An app without a screen, as a child process: requests and answers of `docs/qa.md` as JSON lines.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::error::Broken;
use crate::guard::{self, Kind, Watched};
use crate::stage::{Log, WallClock};

/// The version of the protocol that the runner speaks.
const PROTOCOL: u64 = 1;
/// How long a driver may take to say hello: a virtual machine may have to start.
const HELLO: Duration = Duration::from_secs(60);
/// How long one call may take.
const CALL: Duration = Duration::from_secs(120);

/// How to start the driver of a platform: a program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// What the platform is called: `rust`, `kotlin`, `swift`.
    pub platform: String,
    /// The program, then its arguments.
    pub command: Vec<String>,
}

/// What a driver has answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Ok(Value),
    /// The core said no, with this code.
    Refused(String),
    /// The call was dropped, as was asked.
    Dropped,
}

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// A running driver.
pub(crate) struct Driver {
    child: tokio::sync::Mutex<Child>,
    stdin: tokio::sync::Mutex<Option<ChildStdin>>,
    waiting: Waiting,
    next: AtomicU64,
    log: Arc<Log>,
    /// Dropped after the process.
    _watched: Option<Watched>,
}

impl Driver {
    /// Starts the process, on a device whose wall clock shows what `clock` says.
    pub(crate) async fn start(launch: &Launch, clock: &WallClock, log: Arc<Log>) -> Result<Self, Broken> {
        let (program, arguments) = launch.command.split_first().ok_or_else(|| Broken::new("no driver"))?;
        let mut child = Command::new(program)
            .args(arguments)
            .envs(clock.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Broken::new(format!("the {} driver does not start: {error}", launch.platform)))?;
        let watched = child.id().map(|id| guard::watch(Kind::Process, id));
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Broken::new("the driver has no standard streams"));
        };
        let (errors, mut lines) = (Arc::clone(&log), BufReader::new(stderr).lines());
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                errors.line(&line);
            }
        });
        let mut answers = BufReader::new(stdout).lines();
        let hello = timeout(HELLO, answers.next_line()).await;
        let hello = hello
            .map_err(|_| Broken::new("the driver does not say hello"))??
            .unwrap_or_default();
        let hello: Value = serde_json::from_str(&hello).unwrap_or_default();
        let hello = &hello["hello"];
        if hello["protocol"] != PROTOCOL || hello["platform"] != launch.platform.as_str() {
            let reason = format!(
                "expected a {} driver of protocol {PROTOCOL}, got {hello}",
                launch.platform
            );
            return Err(Broken::new(reason));
        }
        clock.proven(hello["now_ms"].as_i64()).map_err(Broken::new)?;
        let waiting = Waiting::default();
        let (taken, told) = (Arc::clone(&waiting), Arc::clone(&log));
        tokio::spawn(async move {
            while let Ok(Some(line)) = answers.next_line().await {
                told.line(&format!("<- {line}"));
                let Ok(answer) = serde_json::from_str::<Value>(&line) else {
                    continue;
                };
                let asked = answer["id"].as_u64().and_then(|id| lock(&taken).remove(&id));
                if let Some(asked) = asked {
                    // Nobody waits any more if this fails.
                    let _ = asked.send(answer);
                }
            }
            // Whoever still waits is told that the driver is gone.
            lock(&taken).clear();
        });
        Ok(Self {
            child: tokio::sync::Mutex::new(child),
            stdin: tokio::sync::Mutex::new(Some(stdin)),
            waiting,
            next: AtomicU64::new(1),
            log,
            _watched: watched,
        })
    }

    /// Asks and waits for the answer. With `drop` the call is dropped as soon as the driver has entered it.
    pub(crate) async fn call(&self, verb: &str, args: Value, drop: bool) -> Result<Answer, Broken> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answered, answer) = oneshot::channel();
        lock(&self.waiting).insert(id, answered);
        let mut request = json!({ "id": id, "do": verb, "args": args });
        if drop {
            request["drop"] = Value::Bool(true);
        }
        let line = format!("{request}\n");
        self.log.line(&format!("-> {request}"));
        {
            let mut stdin = self.stdin.lock().await;
            let Some(stdin) = stdin.as_mut() else {
                return Err(gone(verb));
            };
            stdin.write_all(line.as_bytes()).await.map_err(|_| gone(verb))?;
        }
        let late = || Broken::new(format!("no answer to `{verb}` within {} s", CALL.as_secs()));
        let answer = timeout(CALL, answer)
            .await
            .map_err(|_| late())?
            .map_err(|_| gone(verb))?;
        if let Some(fault) = answer["fault"].as_str() {
            return Err(Broken::new(format!("the driver cannot do `{verb}`: {fault}")));
        }
        if let Some(code) = answer["error"]["code"].as_str() {
            return Ok(Answer::Refused(code.to_owned()));
        }
        if answer["dropped"] == true {
            return Ok(Answer::Dropped);
        }
        Ok(Answer::Ok(answer["ok"].clone()))
    }

    /// Kills the process at whatever instruction it is.
    pub(crate) async fn kill(&self) -> Result<(), Broken> {
        self.log.line("-- killed");
        Ok(self.child.lock().await.kill().await?)
    }

    /// Ends its standard input and waits until it has ended.
    pub(crate) async fn end(&self) -> Result<(), Broken> {
        self.stdin.lock().await.take();
        let mut child = self.child.lock().await;
        timeout(CALL, child.wait())
            .await
            .map_err(|_| Broken::new("the driver does not end"))??;
        Ok(())
    }
}

fn gone(verb: &str) -> Broken {
    Broken::new(format!("the driver has ended instead of doing `{verb}`"))
}

fn lock(waiting: &Waiting) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Value>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
