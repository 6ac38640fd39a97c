//! The sync token: a position in a tenant's feed, bound to the tenant and to the store that counted it.

use std::fmt;
use std::str::FromStr;

use curo_types::{Digest, StoreId, TenantId};

/// A position in the feed (5.1). Opaque to clients; in text `v1.<store>.<tenant's mark>.<position>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyncToken {
    /// The store that issued it.
    pub store: StoreId,
    /// The tenant whose feed it is.
    pub tenant: TenantMark,
    /// Everything up to this position has been seen.
    pub position: u64,
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
        write!(f, "v1.{}.{}.{}", self.store, hex::encode(self.tenant.0), self.position)
    }
}

impl FromStr for SyncToken {
    type Err = BadToken;

    fn from_str(text: &str) -> Result<Self, BadToken> {
        let mut parts = text.split('.');
        let mut part = || parts.next();
        let (Some("v1"), Some(store), Some(tenant), Some(position), None) = (part(), part(), part(), part(), part())
        else {
            return Err(BadToken);
        };
        let mut mark = [0; 8];
        hex::decode_to_slice(tenant, &mut mark).map_err(|_| BadToken)?;
        let digits = position.bytes().all(|b| b.is_ascii_digit()) && !position.is_empty();
        let position: u64 = position.parse().map_err(|_| BadToken)?;
        // Positions are stored as signed 64-bit numbers; a larger one was never issued.
        if !digits || i64::try_from(position).is_err() {
            return Err(BadToken);
        }
        Ok(Self {
            store: store.parse().map_err(|_| BadToken)?,
            tenant: TenantMark(mark),
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
            tenant: TenantMark::of(&TenantId::new("st-mary").unwrap()),
            position: 42,
        };
        assert_ne!(token.tenant, TenantMark::of(&TenantId::new("st-luke").unwrap()));
        assert_eq!(token.to_string().parse(), Ok(token));
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
            format!("v1.{store}.{mark}00.1"),
            format!("v1.{store}.{mark}.18446744073709551615"),
            format!("v1.zz.{mark}.1"),
        ] {
            assert_eq!(bad.parse::<SyncToken>(), Err(BadToken), "{bad}");
        }
    }
}
