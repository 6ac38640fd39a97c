//! The corpora of the fuzz targets on a stable compiler, and the inventory of readers. Fuzzing itself is
//! `cargo xtask soak --fuzz`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod corpus;
mod inventory;
