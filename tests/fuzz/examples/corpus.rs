//! Makes the kept group anew (`tests/fuzz/group.json`) and the seeds of every corpus that can be made: of the vectors in
//! `docs/vectors`, of the group, of texts. The bodies of the API in `requests` and `results` stay as they are: they are what the
//! round-trip tests of `curo-types` write.
//!
//! Keys are random, so every run makes another group; the old seeds of targets that need its state mean nothing then.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a tool for developers"
)]

#[path = "corpus/made.rs"]
mod made;
#[path = "corpus/texts.rs"]
mod texts;

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Writes one seed.
fn seed(target: &str, name: &str, bytes: &[u8]) {
    let folder = root().join("fuzz/corpus").join(target);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), bytes).unwrap();
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn main() {
    vectors();
    texts::write();
    made::write();
}

/// The published vectors of every format that can be read.
fn vectors() {
    let text = fs::read_to_string(root().join("docs/vectors/formats.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    for (format, target) in [
        ("credential", "credential"),
        ("authenticated_data", "authenticated_data"),
        ("content", "content"),
        ("directory_envelope", "envelope"),
        ("request_context", "request_context"),
        ("receipt", "receipt"),
        ("conversation_state", "state"),
        ("leave_request", "leave"),
    ] {
        for (number, vector) in file["vectors"][format].as_array().unwrap().iter().enumerate() {
            let bytes = hex::decode(vector["bytes"].as_str().unwrap()).unwrap();
            let bytes = match format {
                "request_context" => URL_SAFE_NO_PAD.encode(bytes).into_bytes(),
                _ => bytes,
            };
            seed(target, &format!("vector-{number:02}"), &bytes);
        }
    }
}
