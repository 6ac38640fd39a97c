#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;

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
