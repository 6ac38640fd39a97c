//! Tests of the formats and API types at the level of their users: bytes in, bytes out, the published vectors and page.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod any;
mod api;
mod docs_page;
mod fields;
mod file;
mod hostile;
mod round_trip;
mod samples;
mod signatures;
mod vectors;
