//! The core's log, as JSON lines on standard error, where the runner collects it.

use std::io::Write as _;
use std::sync::Arc;

use curo::{LogBatch, LogLevel, LogSink};
use serde_json::{Map, Value, json};

struct Lines;

impl LogSink for Lines {
    fn log(&self, batch: LogBatch) {
        let mut out = std::io::stderr().lock();
        for record in batch.records {
            let fields: Map<String, Value> = record
                .fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Value::String(value.to_string())))
                .collect();
            let line = json!({
                "time_ms": record.time_ms,
                "level": format!("{:?}", record.level).to_lowercase(),
                "code": record.code,
                "fields": fields,
            });
            // Nobody reads it if this fails.
            let _ = writeln!(out, "{line}");
        }
        if batch.dropped > 0 {
            let _ = writeln!(out, "{}", json!({ "dropped": batch.dropped }));
        }
    }
}

/// Everything that the core logs, from now on.
pub(crate) fn to_standard_error() {
    // Without it there is no log, and everything else works.
    let _ = curo::set_log_sink(Arc::new(Lines), LogLevel::Debug);
}
