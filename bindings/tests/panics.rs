//! A panic in the library leaves its place in the app's log, and its text nowhere. A program of its own, because the library replaces
//! the panic hook of the whole program, and there is one log sink in a process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::{Arc, mpsc};
use std::time::Duration;

use curo_ffi::{
    CuroError, LogBatch, LogLevel, LogRecord, LogSink, Result, clear_log_sink, known_error_codes, provoke_panic,
    random_message_id, set_log_sink,
};

/// Takes batches, calls the library from inside, and throws each time.
struct Throws(mpsc::Sender<LogBatch>);

impl LogSink for Throws {
    fn log(&self, batch: LogBatch) -> Result<()> {
        known_error_codes()?;
        random_message_id()?;
        let _ = self.0.send(batch);
        Err(CuroError::Failed {
            code: "CANARY".to_owned(),
            retryable: false,
            retry_after_ms: None,
        })
    }
}

fn is_internal(error: &CuroError) -> bool {
    let CuroError::Failed { code, retryable, .. } = error;
    code == "internal" && !retryable && !format!("{error} {error:?}").contains("CANARY")
}

/// Errors come as values: a panic of this test would be as silent as those of the library.
#[tokio::test]
async fn a_panic_leaves_its_place_in_the_log_and_none_of_its_text() -> std::result::Result<(), String> {
    let (sender, batches) = mpsc::channel();
    let sink: Arc<dyn LogSink> = Arc::new(Throws(sender));
    let weak = Arc::downgrade(&sink);
    set_log_sink(sink, LogLevel::Debug).map_err(|error| error.to_string())?;
    for on_own_thread in [true, false, true] {
        match provoke_panic(on_own_thread).await {
            Err(error) if is_internal(&error) => {}
            other => return Err(format!("{other:?}")),
        }
    }
    let mut panics: Vec<LogRecord> = Vec::new();
    while panics.len() < 3 {
        let batch = batches
            .recv_timeout(Duration::from_secs(60))
            .map_err(|_| format!("only {panics:?}"))?;
        let text = format!("{batch:?}");
        if text.contains("CANARY") {
            return Err(text);
        }
        panics.extend(batch.records.into_iter().filter(|record| record.code == "panic"));
    }
    let told = |record: &LogRecord| record.level == LogLevel::Error && record.line.contains("provoke.rs line=");
    if !panics.iter().all(told) {
        return Err(format!("{panics:?}"));
    }
    clear_log_sink().map_err(|error| error.to_string())?;
    // The thread that delivers lets go of the sink once it has delivered what waited: then this channel ends.
    while batches.recv_timeout(Duration::from_secs(60)).is_ok() {}
    if weak.strong_count() > 0 {
        return Err("the sink is still held".to_owned());
    }
    Ok(())
}
