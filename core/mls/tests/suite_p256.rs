//! The tests of `suite`, over the other suite that tenants may allow.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

#[path = "suite/commits.rs"]
mod commits;
#[path = "suite/external.rs"]
mod external;
#[path = "suite/failing.rs"]
mod failing;
#[path = "suite/follow.rs"]
mod follow;
#[path = "suite/garbage.rs"]
mod garbage;
#[path = "suite/groups.rs"]
mod groups;
#[path = "suite/joins.rs"]
mod joins;
#[path = "suite/keys.rs"]
mod keys;
#[path = "suite/latch.rs"]
mod latch;
#[path = "suite/mallory.rs"]
mod mallory;
#[path = "suite/messages.rs"]
mod messages;
#[path = "suite/rules.rs"]
mod rules;
#[path = "suite/support.rs"]
mod support;

pub(crate) const SUITE: curo_mls::Suite = curo_mls::Suite::P256_AES128GCM_SHA256_P256;
