//! The crate as its users see it: groups of devices over a store with transactions, a follower beside them, and members
//! that speak plain OpenMLS to break the rules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod commits;
mod external;
mod failing;
mod follow;
mod garbage;
mod groups;
mod joins;
mod keys;
mod latch;
mod mallory;
mod messages;
mod rules;
mod support;

/// The suite of all groups that do not name another; `suite_p256` runs the same tests over the other.
pub(crate) const SUITE: curo_mls::Suite = curo_mls::Suite::X25519_AES128GCM_SHA256_ED25519;
