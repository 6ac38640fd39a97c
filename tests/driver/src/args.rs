//! Arguments of requests, and what is wrong with them.

use std::time::Duration;

use curo::{MessageRef, Text};
use serde_json::Value;

/// Why a request has no good answer.
pub(crate) enum Fault {
    /// The core said no: part of the product.
    Call(curo::Error),
    /// The request makes no sense: a fault of the runner or of the driver.
    Request(String),
}

impl From<curo::Error> for Fault {
    fn from(error: curo::Error) -> Self {
        Self::Call(error)
    }
}

pub(crate) type Outcome<T = Value> = Result<T, Fault>;

pub(crate) fn bad(reason: impl Into<String>) -> Fault {
    Fault::Request(reason.into())
}

pub(crate) fn string<'v>(args: &'v Value, name: &str) -> Outcome<&'v str> {
    args[name]
        .as_str()
        .ok_or_else(|| bad(format!("`{name}` must be a string")))
}

pub(crate) fn number(args: &Value, name: &str) -> Outcome<u64> {
    args[name]
        .as_u64()
        .ok_or_else(|| bad(format!("`{name}` must be a whole number")))
}

pub(crate) fn size(args: &Value, name: &str) -> Outcome<usize> {
    usize::try_from(number(args, name)?).map_err(|_| bad(format!("`{name}` is too large")))
}

pub(crate) fn millis(args: &Value, name: &str) -> Outcome<Duration> {
    Ok(Duration::from_millis(number(args, name)?))
}

/// An id, or anything else that is read from a string.
pub(crate) fn parsed<T: std::str::FromStr>(args: &Value, name: &str) -> Outcome<T> {
    string(args, name)?
        .parse()
        .map_err(|_| bad(format!("`{name}` cannot be read")))
}

/// As [`parsed`], of a list.
pub(crate) fn list<T: std::str::FromStr>(args: &Value, name: &str) -> Outcome<Vec<T>> {
    let Some(values) = args[name].as_array() else {
        return Err(bad(format!("`{name}` must be a list")));
    };
    let each = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
    values
        .iter()
        .map(|value| each(value).ok_or_else(|| bad(format!("`{name}` cannot be read"))))
        .collect()
}

/// A text: a string, or `{"utf16": [units]}`, which may have lone surrogates. Strings of Rust cannot hold them.
pub(crate) fn text(args: &Value, name: &str) -> Outcome<Text> {
    match &args[name] {
        Value::String(text) => Ok(text.as_str().into()),
        value => {
            let units = value["utf16"].as_array();
            let units = units.ok_or_else(|| bad(format!("`{name}` must be a text")))?;
            let unit = |unit: &Value| unit.as_u64().and_then(|unit| u16::try_from(unit).ok());
            let units: Option<Vec<u16>> = units.iter().map(unit).collect();
            let units = units.ok_or_else(|| bad(format!("`{name}` has no 16-bit units")))?;
            Ok(String::from_utf16_lossy(&units).into())
        }
    }
}

/// A message anywhere: `{"device", "message"}`.
pub(crate) fn reference(args: &Value, name: &str) -> Outcome<MessageRef> {
    let value = &args[name];
    Ok(MessageRef {
        sender: parsed(value, "device")?,
        message: parsed(value, "message")?,
    })
}

pub(crate) fn optional<T>(
    args: &Value,
    name: &str,
    read: impl FnOnce(&Value, &str) -> Outcome<T>,
) -> Outcome<Option<T>> {
    if args[name].is_null() {
        return Ok(None);
    }
    read(args, name).map(Some)
}
