//! The sync token: a position in a tenant's feed, bound to the store that counted it.

use std::fmt;
use std::str::FromStr;

use curo_types::StoreId;

/// A position in the feed (5.1). Opaque to clients; in text `v1.<store>.<position>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyncToken {
    /// The store that issued it.
    pub store: StoreId,
    /// Everything up to this position has been seen.
    pub position: u64,
}

/// The text is not a token of a version that this relay knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a sync token")]
pub struct BadToken;

impl fmt::Display for SyncToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1.{}.{}", self.store, self.position)
    }
}

impl FromStr for SyncToken {
    type Err = BadToken;

    fn from_str(text: &str) -> Result<Self, BadToken> {
        let mut parts = text.split('.');
        let (Some("v1"), Some(store), Some(position), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(BadToken);
        };
        let digits = position.bytes().all(|b| b.is_ascii_digit()) && !position.is_empty();
        let position: u64 = position.parse().map_err(|_| BadToken)?;
        // Positions are stored as signed 64-bit numbers; a larger one was never issued.
        if !digits || i64::try_from(position).is_err() {
            return Err(BadToken);
        }
        Ok(Self {
            store: store.parse().map_err(|_| BadToken)?,
            position,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn p5_1_tokens_survive_text_and_nothing_else_does() {
        let token = SyncToken {
            store: StoreId([7; 16]),
            position: 42,
        };
        assert_eq!(token.to_string().parse(), Ok(token));
        let store = StoreId([7; 16]);
        for bad in [
            String::new(),
            "v1".into(),
            format!("v2.{store}.1"),
            format!("v1.{store}"),
            format!("v1.{store}.+1"),
            format!("v1.{store}.-1"),
            format!("v1.{store}.1.1"),
            format!("v1.{store}.18446744073709551615"),
            "v1.zz.1".into(),
        ] {
            assert_eq!(bad.parse::<SyncToken>(), Err(BadToken), "{bad}");
        }
    }
}
