//! Opaque places and keys as text, so that an app can keep them or hand them through another language. Knows nothing of how
//! they are read.

use std::fmt;
use std::str::FromStr;

use curo_store::repo::item::Place;
use curo_types::ErrorCode;

use crate::error::Error;
use crate::observe::ItemKey;
use crate::search::SearchCursor;
use crate::timeline::Cursor;

/// Opaque: 3 to 43 characters, without spaces.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Place::Log { incarnation, seq } => write!(f, "l{incarnation}.{seq}"),
            Place::Unsent(position) => write!(f, "u{position}"),
        }
    }
}

impl FromStr for Cursor {
    type Err = Error;

    /// Reads what `Display` has written; anything else is `invalid_argument`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let place = if let Some(position) = text.strip_prefix('u') {
            number(position).map(Place::Unsent)
        } else {
            let both = text.strip_prefix('l').and_then(|rest| rest.split_once('.'));
            both.and_then(|(incarnation, seq)| {
                Some(Place::Log {
                    incarnation: number(incarnation)?,
                    seq: number(seq)?,
                })
            })
        };
        place.map(Self).ok_or_else(invalid)
    }
}

/// Opaque: at most 20 characters, without spaces.
impl fmt::Display for SearchCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for SearchCursor {
    type Err = Error;

    /// Reads what `Display` has written; anything else is `invalid_argument`.
    fn from_str(text: &str) -> Result<Self, Error> {
        number(text).map(Self).ok_or_else(invalid)
    }
}

impl FromStr for ItemKey {
    type Err = Error;

    /// Reads what `Display` has written; anything else is `invalid_argument`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (sender, message) = text.split_once('.').ok_or_else(invalid)?;
        match (sender.parse(), message.parse()) {
            (Ok(sender), Ok(message)) => Ok(Self::new(sender, message)),
            _ => Err(invalid()),
        }
    }
}

/// One spelling for each number: no sign, no leading zero. SQLite has 63 bits for it.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let number = text.parse().ok().filter(|_| digits)?;
    i64::try_from(number)
        .is_ok_and(|number| number < i64::MAX)
        .then_some(number)
}

fn invalid() -> Error {
    Error::new(ErrorCode::INVALID_ARGUMENT)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn places_and_keys_survive_as_text() {
        for place in [
            Place::Log { incarnation: 1, seq: 0 },
            Place::Log {
                incarnation: 7,
                seq: 9_000_000_000,
            },
            Place::Unsent(0),
            Place::Unsent(12),
        ] {
            let text = Cursor(place).to_string();
            assert_eq!(text.parse::<Cursor>().unwrap(), Cursor(place), "{text}");
        }
        let cursor: SearchCursor = "42".parse().unwrap();
        assert_eq!(cursor.to_string(), "42");
        let key = format!("{}.{}", "ab".repeat(16), "cd".repeat(16));
        assert_eq!(key.parse::<ItemKey>().unwrap().to_string(), key);
    }

    #[test]
    fn anything_else_is_an_invalid_argument() {
        for bad in [
            "",
            "u",
            "l",
            "l1",
            "l1.",
            "l.1",
            "l1.2.3",
            "l01.2",
            "u-1",
            "u+1",
            "u 1",
            "x1",
            "1.2",
            "l1.2 ",
            "u99999999999999999999999",
            "u9223372036854775807",
            "uſ",
            "l1.\u{0}",
            "u１",
        ] {
            let refused = bad.parse::<Cursor>().unwrap_err();
            assert_eq!(refused.code(), &ErrorCode::INVALID_ARGUMENT, "{bad}");
        }
        for bad in ["", "-1", "01", "x", "18446744073709551615"] {
            assert!(bad.parse::<SearchCursor>().is_err(), "{bad}");
        }
        for bad in [
            "",
            ".",
            "a.b",
            &"ab".repeat(32),
            &format!("{}.{}", "AB".repeat(16), "cd".repeat(16)),
        ] {
            assert!(bad.parse::<ItemKey>().is_err(), "{bad}");
        }
    }
}
