//! What is written above exported things is read by Kotlin and Swift developers, and copied into generated sources.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::Path;

/// A comment's begin or end inside a comment breaks the generated code; Rust's links mean nothing there.
const STRANGE: &[&str] = &["/*", "*/", "[`", "](", "::", "```", "`None`", "`Ok`", "`Err`"];

#[test]
fn comments_suit_developers_of_other_languages() {
    let mut strange = Vec::new();
    let mut looked_at = 0;
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            if !text.contains("uniffi::") || path.ends_with("docs.rs") || path.ends_with("tests.rs") {
                continue;
            }
            for (number, line) in text.lines().enumerate() {
                let Some(comment) = line.trim_start().strip_prefix("///") else {
                    continue;
                };
                looked_at += 1;
                if STRANGE.iter().any(|sign| comment.contains(sign)) {
                    strange.push(format!("{}:{}:{comment}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(looked_at > 500, "{looked_at}");
    assert!(strange.is_empty(), "{strange:#?}");
}
