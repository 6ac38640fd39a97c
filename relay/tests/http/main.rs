//! The relay over real TLS, HTTP, storage files and MLS groups, as a client meets it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod auth;
mod backup;
mod binary;
mod checkpoints;
mod conversations;
mod device;
mod directory;
mod directory_replay;
mod external;
mod incarnations;
mod key_packages;
mod leaving;
mod life;
mod messages;
mod metrics;
mod openapi;
mod problems;
mod rates;
mod receipts;
mod replay;
mod schema;
mod stream;
mod suites;
mod sync;
mod world;
