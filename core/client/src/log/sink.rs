//! The app's log: records wait in a bounded queue and reach the app in batches, on a thread of their own.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

use super::LogValue;
use crate::core::now_ms;
use crate::error::{Error, Result};
use curo_types::ErrorCode;

/// Records that wait. What is older is dropped and counted.
const QUEUE: usize = 2048;
/// Records of one batch.
const BATCH: usize = 256;

/// How much a record matters. Ordered: `Error` is the least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum LogLevel {
    /// Something is broken.
    Error = 1,
    /// Something is wrong with one conversation or message; the rest goes on.
    Warn = 2,
    /// A change of state.
    Info = 3,
    /// What helps to find a fault.
    Debug = 4,
}

/// One event: a code and values that tell nothing about people. Its `Display` is one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogRecord {
    /// Milliseconds since 1970 UTC, by the device's clock.
    pub time_ms: u64,
    /// How much it matters.
    pub level: LogLevel,
    /// The part of the program: `curo`.
    pub target: &'static str,
    /// What has happened, like a code: `news_refused`.
    pub code: &'static str,
    /// Names and values.
    pub fields: Vec<(&'static str, LogValue)>,
}

impl fmt::Display for LogRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {} {}", self.time_ms, self.level, self.target, self.code)?;
        self.fields
            .iter()
            .try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// Records in the order of their making.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogBatch {
    /// 1 to 256 records.
    pub records: Vec<LogRecord>,
    /// Records that were dropped before these since the last batch, because the sink was too slow.
    pub dropped: u64,
}

/// Where an app wants the core's log. See [`set_log_sink`].
pub trait LogSink: Send + Sync {
    /// Takes a batch. Called on a thread of the core's own, one batch at a time; it may block, records wait meanwhile and the
    /// oldest are dropped when too many do. A panic costs the batch and nothing else.
    fn log(&self, batch: LogBatch);
}

static LEVEL: AtomicU8 = AtomicU8::new(0);
static QUEUE_OF_SINK: RwLock<Option<Arc<Queue>>> = RwLock::new(None);

/// Gives the log of all clients of this process to `sink`, up to `level`, from now on. A sink that was there before gets what
/// waits for it and is then let go.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use curo::{LogBatch, LogLevel, LogSink};
///
/// #[derive(Default)]
/// struct Lines(Mutex<Vec<String>>);
///
/// impl LogSink for Lines {
///     fn log(&self, batch: LogBatch) {
///         let mut lines = self.0.lock().unwrap();
///         lines.extend(batch.records.iter().map(ToString::to_string));
///     }
/// }
///
/// curo::set_log_sink(Arc::new(Lines::default()), LogLevel::Info)?;
/// curo::clear_log_sink();
/// # Ok::<(), curo::Error>(())
/// ```
///
/// # Errors
/// `busy` where the operating system gives no thread; what was there before stays.
pub fn set_log_sink(sink: Arc<dyn LogSink>, level: LogLevel) -> Result<()> {
    let queue = Arc::new(Queue::default());
    let for_thread = Arc::clone(&queue);
    std::thread::Builder::new()
        .name("curo-log".to_owned())
        .spawn(move || for_thread.deliver(&*sink))
        .map_err(|_| Error::new(ErrorCode::BUSY))?;
    replace(Some(queue), level as u8);
    Ok(())
}

/// Logs to no sink from now on. What waits is still delivered, after this has returned.
pub fn clear_log_sink() {
    replace(None, 0);
}

fn replace(queue: Option<Arc<Queue>>, level: u8) {
    let mut held = QUEUE_OF_SINK.write().unwrap_or_else(PoisonError::into_inner);
    LEVEL.store(level, Ordering::Relaxed);
    if let Some(old) = std::mem::replace(&mut *held, queue) {
        old.close();
    }
}

pub(crate) fn wanted(level: LogLevel) -> bool {
    level as u8 <= LEVEL.load(Ordering::Relaxed)
}

pub(crate) fn push(level: LogLevel, code: &'static str, fields: Vec<(&'static str, LogValue)>) {
    let held = QUEUE_OF_SINK.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(queue) = &*held {
        queue.push(LogRecord {
            time_ms: now_ms(),
            level,
            target: "curo",
            code,
            fields,
        });
    }
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    records: VecDeque<LogRecord>,
    dropped: u64,
    closed: bool,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, record: LogRecord) {
        let mut waiting = self.waiting();
        if waiting.records.len() == QUEUE {
            waiting.records.pop_front();
            waiting.dropped += 1;
        }
        waiting.records.push_back(record);
        self.changed.notify_one();
    }

    fn close(&self) {
        self.waiting().closed = true;
        self.changed.notify_one();
    }

    /// Waits for records; `None` when it is closed and empty.
    fn take(&self) -> Option<LogBatch> {
        let mut waiting = self.waiting();
        while waiting.records.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let count = waiting.records.len().min(BATCH);
        Some(LogBatch {
            records: waiting.records.drain(..count).collect(),
            dropped: std::mem::take(&mut waiting.dropped),
        })
    }

    fn deliver(&self, sink: &dyn LogSink) {
        while let Some(batch) = self.take() {
            // An app's broken sink must not end the log of the rest of the session.
            let _ = catch_unwind(AssertUnwindSafe(|| sink.log(batch)));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use curo_types::ConversationId;
    use std::sync::mpsc;
    use std::thread::ThreadId;

    fn record(n: u64) -> LogRecord {
        LogRecord {
            time_ms: n,
            level: LogLevel::Info,
            target: "curo",
            code: "n",
            fields: vec![],
        }
    }

    #[test]
    fn the_oldest_are_dropped_and_counted() {
        let queue = Queue::default();
        let all = QUEUE as u64 + 7;
        (0..all).for_each(|n| queue.push(record(n)));
        queue.close();
        let mut next = 7;
        let first = queue.take().unwrap();
        assert_eq!(first.dropped, 7);
        for batch in std::iter::once(first).chain(std::iter::from_fn(|| queue.take())) {
            assert!(batch.records.len() <= BATCH && !batch.records.is_empty());
            assert!(batch.dropped == 0 || next == 7, "told once");
            for record in batch.records {
                assert_eq!(record.time_ms, next);
                next += 1;
            }
        }
        assert_eq!(next, all);
    }

    struct Sending(Mutex<mpsc::Sender<(ThreadId, LogBatch)>>);

    impl LogSink for Sending {
        fn log(&self, batch: LogBatch) {
            let panics = batch.records.iter().any(|record| record.code == "please_panic");
            self.0
                .lock()
                .unwrap()
                .send((std::thread::current().id(), batch))
                .unwrap();
            assert!(!panics, "as asked");
        }
    }

    // One test for the process-wide sink, so that none takes another's records.
    #[test]
    fn records_reach_the_sink_off_the_callers_thread_up_to_its_level() {
        let (send, received) = mpsc::channel();
        set_log_sink(Arc::new(Sending(Mutex::new(send))), LogLevel::Warn).unwrap();
        let id = ConversationId([3; 16]);
        crate::log::event!(Debug, "not_wanted");
        crate::log::event!(Info, "not_wanted");
        crate::log::event!(Error, "please_panic");
        crate::log::event!(Warn, "test_refused", conversation = id, seq = 9_u64, reason = "tip");
        let line = "Warn curo test_refused conversation=03030303030303030303030303030303 seq=9 reason=tip";
        let mut seen = Vec::new();
        while !seen.iter().any(|record: &String| record.ends_with(line)) {
            let (thread, batch) = received.recv().unwrap();
            assert_ne!(thread, std::thread::current().id());
            seen.extend(batch.records.iter().map(ToString::to_string));
        }
        assert!(!seen.iter().any(|record| record.contains("not_wanted")), "{seen:?}");
        clear_log_sink();
        crate::log::event!(Error, "too_late");
        // The sender goes with the sink once all is delivered.
        let rest: Vec<_> = received.iter().flat_map(|(_, batch)| batch.records).collect();
        assert!(rest.iter().all(|record| record.code != "too_late"), "{rest:?}");
    }
}
