//! Who calls: access tokens of the tenants' identity providers. Knows HTTP only for fetching keys, and no storage: it says
//! which subject of which tenant a token speaks for; users and devices are looked up elsewhere.

mod jwks;
mod token;

use std::fmt;

#[cfg(feature = "fuzzing")]
use std::collections::BTreeSet;

pub(crate) use jwks::{JwksError, client as outward_client};
pub(crate) use token::{Authenticator, BearerError, Caller};

/// The ids of the keys that are taken out of a JWK Set.
#[cfg(feature = "fuzzing")]
pub(crate) fn key_ids(bytes: &[u8]) -> Option<BTreeSet<String>> {
    jwks::parse(bytes).ok().map(|keys| keys.into_keys().collect())
}

/// The identity provider's name for a person. May be an e-mail address, so it cannot be printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Subject(pub(crate) String);

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(redacted)")
    }
}
