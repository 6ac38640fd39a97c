//! Tests of the runner that need neither relay nor drivers; that it sees what goes wrong in a play is shown by the
//! scenarios `must-fail-*`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod ends;
mod files;
mod networks;
mod reports;
mod wrong;
