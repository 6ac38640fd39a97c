//! The bodies of the fuzz targets: one function for each reader, or family of readers, of bytes from outside.
//!
//! A target takes any bytes, panics if a promise of the reader is broken, and says whether the reader took them. libFuzzer calls
//! them from the folder `fuzz`; `tests/it` plays the corpora on a stable compiler in every test run. `fuzz/README.md` is the
//! inventory: which reader is behind which target.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a target reports what it has found"
)]

mod answers;
mod bodies;
mod formats;
mod group;
mod history;
mod mls;
mod pieces;
mod relay;
mod search;
mod texts;

pub use group::{Entry, Material, Row};

/// Takes any bytes; whether the reader took them.
pub type Target = fn(&[u8]) -> bool;

/// Every target by its name, which is the name of its program and of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("access_context", formats::access_context),
    ("access_token", relay::access_token),
    ("answer", answers::answer),
    ("authenticated_data", formats::authenticated_data),
    ("commit", relay::commit),
    ("config", relay::config),
    ("content", formats::content),
    ("create_conversation", relay::create_conversation),
    ("credential", formats::credential),
    ("envelope", formats::envelope),
    ("external_join", mls::external_join),
    ("follower_blob", mls::follower_blob),
    ("group_info", mls::group_info),
    ("history", history::history),
    ("inspect", mls::inspect),
    ("jwks", relay::jwks),
    ("key_package", mls::key_package),
    ("leave", formats::leave),
    ("message", relay::message),
    ("mls_rows", mls::rows),
    ("overlay_blob", mls::overlay_blob),
    ("problem", answers::problem),
    ("process", mls::process),
    ("receipt", formats::receipt),
    ("replay", relay::replay),
    ("request_context", formats::request_context),
    ("requests", bodies::requests),
    ("results", bodies::results),
    ("search", search::search),
    ("state", formats::state),
    ("stream", answers::stream),
    ("texts", texts::texts),
    ("welcome", mls::welcome),
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, target)| *target)
}

/// Plays an input; whether the reader took it.
///
/// # Panics
/// If there is no target of this name, and if the target has found something.
pub fn play(name: &str, bytes: &[u8]) -> bool {
    target(name).unwrap_or_else(|| panic!("there is no target {name}"))(bytes)
}
