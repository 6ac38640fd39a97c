//! The Rust driver of the QA runner: an app without a screen. It reads requests as JSON lines from standard input, does
//! each through the public API of `curo`, and answers on standard output. `docs/qa.md` describes the protocol, which the
//! drivers of all platforms share.
//!
//! Knows nothing of scenarios, of other devices and of the relay's inside. For tests: its vault is a file.

mod app;
mod args;
mod logs;
mod shapes;
mod vault;
mod verbs;

use std::io::{self, BufRead as _, Write as _};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::app::App;
use crate::args::Fault;

/// The version of the protocol.
const PROTOCOL: u64 = 1;

/// What the device's wall clock shows: the runner may have turned it.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn main() -> io::Result<()> {
    logs::to_standard_error();
    say(&json!({ "hello": { "protocol": PROTOCOL, "platform": "rust", "now_ms": now_ms() } }))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let app = Arc::new(App::default());
    for line in io::stdin().lock().lines() {
        let line = line?;
        let app = Arc::clone(&app);
        // Each request is a task: one may wait while others go on.
        runtime.spawn(async move {
            // Who has asked is gone if this fails.
            let _ = say(&obey(&app, &line).await);
        });
    }
    // Whoever has started this is gone: so is the app, as if it had been killed.
    runtime.shutdown_background();
    Ok(())
}

async fn obey(app: &App, line: &str) -> Value {
    let request: Value = match serde_json::from_str(line) {
        Ok(request) => request,
        Err(error) => return json!({ "id": null, "fault": format!("no JSON: {error}") }),
    };
    let id = &request["id"];
    let work = verbs::perform(app, request["do"].as_str().unwrap_or_default(), &request["args"]);
    if request["drop"] == true {
        let mut work = pin!(work);
        // Entered once, then dropped: what an app does that cancels its coroutine or task.
        std::future::poll_fn(|context| {
            let _ = work.as_mut().poll(context);
            Poll::Ready(())
        })
        .await;
        return json!({ "id": id, "dropped": true });
    }
    match work.await {
        Ok(value) => json!({ "id": id, "ok": value }),
        Err(Fault::Call(error)) => json!({ "id": id, "error": {
            "code": error.code().as_str(),
            "retryable": error.retryable(),
            "retry_after_ms": error.retry_after().map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
        } }),
        Err(Fault::Request(reason)) => json!({ "id": id, "fault": reason }),
    }
}

fn say(value: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}
