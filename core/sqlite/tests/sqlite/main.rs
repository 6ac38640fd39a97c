//! The crate as its users see it, on real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests"
)]

mod copy;
mod create;
mod first;
mod jobs;
mod refuse;
mod support;
