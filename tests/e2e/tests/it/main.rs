//! What people and operators would notice, through public APIs, a real relay over TLS and real encrypted stores.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod about;
mod access;
mod api;
mod canary;
mod child;
mod damage;
mod discards;
mod fail_points;
mod faults;
mod hostile;
mod hot_groups;
mod kills;
mod leaving;
mod lifecycle;
mod main_job;
mod messages;
mod mitm;
mod network;
mod observe;
mod offline;
mod offline_local;
mod policy;
mod push;
mod races;
mod raw;
mod receipts;
mod recovery;
mod rejoin;
mod renewal;
mod retention;
mod silence;
mod suites;
mod team;
mod versions;

use std::time::Duration;

/// Longer than anything takes on a busy machine; nothing waits for it when all is well.
pub const SOON: Duration = Duration::from_secs(60);

/// Logs of client and relay on stderr when `CURO_TEST_LOG` names a filter.
pub fn logs() {
    if let Ok(filter) = std::env::var("CURO_TEST_LOG") {
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_test_writer()
            .try_init();
    }
}
