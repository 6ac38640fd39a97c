//! The sync token: a position in a tenant's feed, bound to the tenant and to the store that counted it.

use std::fmt;
use std::str::FromStr;

use curo_types::{Digest, StoreId, TenantId};

/// A position in the feed (5.1). Opaque to clients; in text `v1.<store>.<tenant's mark>.<position>`, with
/// `.<entries_after>` behind it where that is later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyncToken {
    /// The store that issued it.
    pub store: StoreId,
    /// The tenant whose feed it is.
    pub tenant: TenantMark,
    /// Everything up to this position has been seen.
    pub position: u64,
    /// Entries up to this position are not wanted: `position`, or a later one for who asked for what is not an entry (7.2).
    pub entries_after: u64,
}

impl SyncToken {
    /// Of who has seen everything up to a position.
    pub fn at(store: StoreId, tenant: &TenantId, position: u64) -> Self {
        Self {
            store,
            tenant: TenantMark::of(tenant),
            position,
            entries_after: position,
        }
    }
}

/// What tells tenants apart in a token, without their names: a position in one tenant's feed means nothing in another's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TenantMark([u8; 8]);

impl TenantMark {
    /// The first eight bytes of the SHA-256 of the tenant's name.
    pub fn of(tenant: &TenantId) -> Self {
        let Digest(hash) = Digest::of(tenant.as_str().as_bytes());
        let mut mark = [0; 8];
        mark.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Self(mark)
    }
}

/// The text is not a token of a version that this relay knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a sync token")]
pub struct BadToken;

impl fmt::Display for SyncToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1.{}.{}.{}", self.store, hex::encode(self.tenant.0), self.position)?;
        if self.entries_after > self.position {
            write!(f, ".{}", self.entries_after)?;
        }
        Ok(())
    }
}

impl FromStr for SyncToken {
    type Err = BadToken;

    fn from_str(text: &str) -> Result<Self, BadToken> {
        let mut parts = text.split('.');
        let mut part = || parts.next();
        let (Some("v1"), Some(store), Some(tenant), Some(position), entries_after, None) =
            (part(), part(), part(), part(), part(), part())
        else {
            return Err(BadToken);
        };
        let mut mark = [0; 8];
        hex::decode_to_slice(tenant, &mut mark).map_err(|_| BadToken)?;
        let position = number(position)?;
        let entries_after = match entries_after {
            None => position,
            Some(later) => number(later).ok().filter(|later| *later > position).ok_or(BadToken)?,
        };
        Ok(Self {
            store: store.parse().map_err(|_| BadToken)?,
            tenant: TenantMark(mark),
            position,
            entries_after,
        })
    }
}

fn number(text: &str) -> Result<u64, BadToken> {
    let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty();
    let number: u64 = text.parse().map_err(|_| BadToken)?;
    // Positions are stored as signed 64-bit numbers; a larger one was never issued.
    if !digits || i64::try_from(number).is_err() {
        return Err(BadToken);
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn p5_1_tokens_survive_text_and_nothing_else_does() {
        let token = SyncToken::at(StoreId([7; 16]), &TenantId::new("st-mary").unwrap(), 42);
        assert_ne!(token.tenant, TenantMark::of(&TenantId::new("st-luke").unwrap()));
        let later = SyncToken {
            entries_after: 43,
            ..token
        };
        for token in [token, later] {
            assert_eq!(token.to_string().parse(), Ok(token));
        }
        let (store, mark) = (StoreId([7; 16]), "0123456789abcdef");
        for bad in [
            String::new(),
            "v1".into(),
            format!("v2.{store}.{mark}.1"),
            format!("v1.{store}.1"),
            format!("v1.{store}.{mark}"),
            format!("v1.{store}.{mark}.+1"),
            format!("v1.{store}.{mark}.-1"),
            format!("v1.{store}.{mark}.1.1"),
            format!("v1.{store}.{mark}.2.1"),
            format!("v1.{store}.{mark}.1."),
            format!("v1.{store}.{mark}.1.2.3"),
            format!("v1.{store}.{mark}.1.9223372036854775808"),
            format!("v1.{store}.{mark}00.1"),
            format!("v1.{store}.{mark}.18446744073709551615"),
            format!("v1.zz.{mark}.1"),
        ] {
            assert_eq!(bad.parse::<SyncToken>(), Err(BadToken), "{bad}");
        }
    }
}
