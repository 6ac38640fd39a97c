//! What may be logged.

use std::fmt;

use curo_types::{ConversationId, DeviceId, ErrorCode, GroupId, IntentId, MessageId, ProfileId, StoreId, UserId};

/// Types whose values tell nothing about people: random ids, numbers, truth values, error codes, and names that stand in
/// our own code. Sealed: an app cannot add its own.
///
/// ```
/// fn log(value: impl curo::LogSafe) -> String {
///     value.log_value().to_string()
/// }
/// assert_eq!(log(7_u64), "7");
/// assert_eq!(log("time-out"), "time-out");
/// assert_eq!(log(curo::ErrorCode::OFFLINE), "offline");
/// assert_eq!(log(curo::ConversationId([0xab; 16])), "ab".repeat(16));
/// ```
///
/// Text that is made while the program runs cannot be logged, neither as [`Text`](curo_types::Text):
///
/// ```compile_fail,E0277
/// fn log(value: impl curo::LogSafe) -> String {
///     value.log_value().to_string()
/// }
/// log(curo::Text::from("BP 118/76"));
/// ```
///
/// nor as a `String`:
///
/// ```compile_fail,E0277
/// fn log(value: impl curo::LogSafe) -> String {
///     value.log_value().to_string()
/// }
/// log(String::from("BP 118/76"));
/// ```
///
/// nor borrowed from one:
///
/// ```compile_fail,E0597
/// fn log(value: impl curo::LogSafe) -> String {
///     value.log_value().to_string()
/// }
/// let text = String::from("BP 118/76");
/// log(text.as_str());
/// ```
pub trait LogSafe: sealed::Sealed {
    /// The value as a record holds it.
    fn log_value(&self) -> LogValue;
}

mod sealed {
    pub trait Sealed {}
}

/// A value in a [`LogRecord`](crate::LogRecord). Its `Display` is what a line of text shows.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LogValue {
    /// Yes or no.
    Bool(bool),
    /// A number.
    Number(i128),
    /// A random id.
    Id([u8; 16]),
    /// A stable error code.
    Code(ErrorCode),
    /// A name that stands in our code.
    Name(&'static str),
}

impl fmt::Display for LogValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Id(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Code(code) => code.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// The only door of [`log_event!`](crate::log::log_event) for a value.
pub(crate) fn value(value: &impl LogSafe) -> LogValue {
    value.log_value()
}

macro_rules! safe {
    ($($type:ty: |$value:ident| $made:expr;)*) => {
        $(
            impl sealed::Sealed for $type {}
            impl LogSafe for $type {
                fn log_value(&self) -> LogValue {
                    let $value = self;
                    $made
                }
            }
        )*
    };
}

safe! {
    bool: |value| LogValue::Bool(*value);
    u8: |value| LogValue::Number(i128::from(*value));
    u16: |value| LogValue::Number(i128::from(*value));
    u32: |value| LogValue::Number(i128::from(*value));
    u64: |value| LogValue::Number(i128::from(*value));
    usize: |value| LogValue::Number(i128::try_from(*value).unwrap_or(i128::MAX));
    i32: |value| LogValue::Number(i128::from(*value));
    i64: |value| LogValue::Number(i128::from(*value));
    &'static str: |value| LogValue::Name(value);
    ErrorCode: |value| LogValue::Code(safe_code(value));
    ConversationId: |value| LogValue::Id(value.0);
    DeviceId: |value| LogValue::Id(value.0);
    GroupId: |value| LogValue::Id(value.0);
    IntentId: |value| LogValue::Id(value.0);
    MessageId: |value| LogValue::Id(value.0);
    ProfileId: |value| LogValue::Id(value.0);
    StoreId: |value| LogValue::Id(value.0);
    UserId: |value| LogValue::Id(value.0);
}

/// A code that this version does not know is the relay's text: it is named as such and not repeated.
pub(crate) fn safe_code(code: &ErrorCode) -> ErrorCode {
    let known = ErrorCode::KNOWN.iter().any(|(known, ..)| *known == code.as_str());
    if known {
        code.clone()
    } else {
        ErrorCode::from("other".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_the_relays_own_making_is_not_repeated() {
        let made_up = ErrorCode::from("canary".to_owned());
        assert_eq!(value(&made_up).to_string(), "other");
        assert_eq!(value(&ErrorCode::PIN_MISMATCH).to_string(), "pin_mismatch");
    }

    #[test]
    fn values_show_what_they_are() {
        assert_eq!(value(&true).to_string(), "true");
        assert_eq!(value(&u64::MAX).to_string(), u64::MAX.to_string());
        assert_eq!(value(&-3_i64).to_string(), "-3");
        assert_eq!(value(&UserId([1; 16])).to_string(), "01".repeat(16));
    }
}
