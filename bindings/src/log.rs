//! The core's log, handed to the app in batches. Nothing in it tells anything about people.

use std::sync::Arc;

use crate::convert::{all, int};
use crate::error::Result;
use crate::runtime::contained;

/// How much a record matters, from the most to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum LogLevel {
    /// Something is broken.
    Error,
    /// Something is wrong with one conversation or message; the rest goes on.
    Warn,
    /// A change of state.
    Info,
    /// What helps to find a fault.
    Debug,
}

/// A value of a record.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum LogValue {
    /// Yes or no.
    Bool {
        /// Which.
        value: bool,
    },
    /// A number.
    Number {
        /// Which.
        value: i64,
    },
    /// A random id, an error code or a name that stands in the library's own code.
    Name {
        /// As text.
        value: String,
    },
}

/// One named value of a record.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct LogField {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: LogValue,
}

/// One event: a code and values that tell nothing about people.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct LogRecord {
    /// Milliseconds since 1970 UTC, by the device's clock.
    pub time_ms: i64,
    /// How much it matters.
    pub level: LogLevel,
    /// The part of the program.
    pub target: String,
    /// What has happened, like a code: news_refused.
    pub code: String,
    /// Names and values.
    pub fields: Vec<LogField>,
    /// All of it as one line.
    pub line: String,
}

/// Records in the order of their making.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct LogBatch {
    /// 1 to 256 records.
    pub records: Vec<LogRecord>,
    /// Records that were dropped before these since the last batch, because the sink was too slow.
    pub dropped: i64,
}

/// Where an app wants the library's log. The app implements it.
#[uniffi::export(foreign)]
pub trait LogSink: Send + Sync {
    /// Takes a batch. Called on a thread of the library's own, one batch at a time; it may block, and may call the library. An
    /// exception costs the batch and nothing else.
    fn log(&self, batch: LogBatch) -> Result<()>;
}

/// Gives the log of all clients of this process to a sink, up to a level, from now on. A sink that was there before is let go
/// of. Fails with busy where the operating system gives no thread.
#[uniffi::export]
pub fn set_log_sink(sink: Arc<dyn LogSink>, level: LogLevel) -> Result<()> {
    contained(|| Ok(curo::set_log_sink(Arc::new(AppSink(sink)), level.into())?))
}

/// Logs to no sink from now on, and lets go of the one that was there.
#[uniffi::export]
pub fn clear_log_sink() -> Result<()> {
    contained(|| {
        curo::clear_log_sink();
        Ok(())
    })
}

struct AppSink(Arc<dyn LogSink>);

impl curo::LogSink for AppSink {
    fn log(&self, batch: curo::LogBatch) {
        // What it threw is the app's affair and was dropped at the border.
        let _ = self.0.log(batch.into());
    }
}

impl From<LogLevel> for curo::LogLevel {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::Error,
            LogLevel::Warn => Self::Warn,
            LogLevel::Info => Self::Info,
            LogLevel::Debug => Self::Debug,
        }
    }
}

impl From<curo::LogLevel> for LogLevel {
    fn from(level: curo::LogLevel) -> Self {
        match level {
            curo::LogLevel::Error => Self::Error,
            curo::LogLevel::Warn => Self::Warn,
            curo::LogLevel::Info => Self::Info,
            curo::LogLevel::Debug => Self::Debug,
        }
    }
}

impl From<curo::LogBatch> for LogBatch {
    fn from(batch: curo::LogBatch) -> Self {
        let curo::LogBatch { records, dropped } = batch;
        Self {
            records: all(records),
            dropped: int(dropped),
        }
    }
}

impl From<curo::LogRecord> for LogRecord {
    fn from(record: curo::LogRecord) -> Self {
        let line = record.to_string();
        let curo::LogRecord {
            time_ms,
            level,
            target,
            code,
            fields,
        } = record;
        let fields = fields.into_iter().map(|(name, value)| LogField {
            name: name.to_owned(),
            value: value.into(),
        });
        Self {
            time_ms: int(time_ms),
            level: level.into(),
            target: target.to_owned(),
            code: code.to_owned(),
            fields: fields.collect(),
            line,
        }
    }
}

impl From<curo::LogValue> for LogValue {
    fn from(value: curo::LogValue) -> Self {
        match value {
            curo::LogValue::Bool(value) => Self::Bool { value },
            curo::LogValue::Number(value) => Self::Number {
                value: i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX }),
            },
            other => Self::Name {
                value: other.to_string(),
            },
        }
    }
}

#[cfg(test)]
mod tests;
