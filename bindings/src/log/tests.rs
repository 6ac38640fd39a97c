#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::mpsc;

use super::*;
use crate::error::CuroError;

/// Takes batches, calls the library from inside, and throws each time.
struct Throws(mpsc::Sender<LogBatch>);

impl LogSink for Throws {
    fn log(&self, batch: LogBatch) -> Result<()> {
        crate::known_error_codes()?;
        crate::random_message_id()?;
        let _ = self.0.send(batch);
        Err(CuroError::internal())
    }
}

/// One test, because there is one sink in a process.
#[test]
fn a_panic_leaves_its_place_in_the_log_and_none_of_its_text() {
    let (sender, batches) = mpsc::channel();
    let sink: Arc<dyn LogSink> = Arc::new(Throws(sender));
    let weak = Arc::downgrade(&sink);
    set_log_sink(sink, LogLevel::Debug).unwrap();
    for _ in 0..3 {
        contained::<()>(|| panic!("CANARY of a panic")).unwrap_err();
    }
    let mut panics = Vec::new();
    while panics.len() < 3 {
        let batch = batches.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
        let text = format!("{batch:?}");
        assert!(!text.contains("CANARY"), "{text}");
        let here = |record: &LogRecord| {
            record.line.contains("bindings/src/log/tests.rs") || record.line.contains("log/tests.rs")
        };
        panics.extend(
            batch
                .records
                .into_iter()
                .filter(|record| record.code == "panic" && here(record)),
        );
    }
    assert!(
        panics
            .iter()
            .all(|record| record.level == LogLevel::Error && record.fields.len() == 2)
    );
    clear_log_sink().unwrap();
    // The thread that delivers lets go of it once it has delivered what waited.
    drop(batches);
    let mut left = 10_000;
    while weak.strong_count() > 0 && left > 0 {
        std::thread::yield_now();
        std::thread::park_timeout(std::time::Duration::from_millis(1));
        left -= 1;
    }
    assert_eq!(weak.strong_count(), 0, "the sink is still held");
}

#[test]
fn values_cross_without_wrapping() {
    let table = [
        (curo::LogValue::Bool(true), LogValue::Bool { value: true }),
        (curo::LogValue::Number(-5), LogValue::Number { value: -5 }),
        (curo::LogValue::Number(i128::MAX), LogValue::Number { value: i64::MAX }),
        (curo::LogValue::Number(i128::MIN), LogValue::Number { value: i64::MIN }),
        (
            curo::LogValue::Id([0xab; 16]),
            LogValue::Name { value: "ab".repeat(16) },
        ),
    ];
    for (core, ours) in table {
        assert_eq!(LogValue::from(core), ours);
    }
    for level in [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug] {
        assert_eq!(LogLevel::from(curo::LogLevel::from(level)), level);
    }
}
