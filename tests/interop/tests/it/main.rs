//! Our engine and relay's follower in one group with `mls-rs`, as our configuration has groups: basic credentials with our bytes,
//! handshakes as PublicMessage with proposals by value and always with a path, KeyPackages with unbounded lifetimes and our capabilities, no
//! tree in Welcome or GroupInfo, the GroupInfo with `external_pub` and nothing else.
//!
//! Every commit passes the follower, as it passes the relay. Knows neither a network nor a store.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod group;
mod member;
mod ours;
mod steps;
mod theirs;
mod unlike;
mod walk;
