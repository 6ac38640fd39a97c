//! The store as the client sees it, on real files, with real keys and real kills.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests"
)]

mod erase;
mod life;
mod refuse;
mod rekey;
mod support;
