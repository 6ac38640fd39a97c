//! `cargo xtask bindings`: the generated Kotlin and Swift that are checked in, and whether the bindings are whole.
//!
//! Knows where things lie and in which order they are made; `curo-bindgen` makes them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::run;
use crate::workspace::{Workspace, read};

/// Whether this is a check, and what is there already.
#[derive(Default)]
pub(crate) struct Wish {
    /// Fails on drift instead of writing.
    pub(crate) check: bool,
    /// The library of curo-ffi, if it was built already.
    pub(crate) library: Option<PathBuf>,
    /// What rustdoc says of the crate curo, if it was asked already.
    pub(crate) offered: Option<PathBuf>,
}

/// Folders of what is generated and checked in. Nothing else may lie in them.
const KOTLIN: &str = "android/generated";
const SWIFT: &str = "ios/Sources/CuroFFI";
const HEADER: &str = "ios/Sources/CCuroFFI";

/// The check, as a step of CI.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    let wish = Wish {
        check: true,
        ..Wish::default()
    };
    run(workspace, &wish)
}

pub(crate) fn run(workspace: &Workspace, wish: &Wish) -> Result<(), Failure> {
    let library = match &wish.library {
        Some(library) => library.clone(),
        None => build(workspace)?,
    };
    let offered = match &wish.offered {
        Some(offered) => offered.clone(),
        None => document(workspace)?,
    };
    let root = workspace.root();
    let map = root.join("bindings/api-map.toml");
    let mut compare = bindgen(workspace, "compare");
    run::run(compare.arg(&library).arg(&offered).arg(&map))?;

    let fresh = target(workspace).join("bindings");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(|source| Failure::io(&fresh, source))?;
    }
    let mut generate = bindgen(workspace, "generate");
    generate.arg(&library).arg(root.join("bindings"));
    run::run(generate.args([KOTLIN, SWIFT, HEADER].map(|folder| fresh.join(folder))))?;
    if wish.check {
        let drifted = drift(root, &fresh)?;
        return match drifted.as_slice() {
            [] => Ok(()),
            drifted => Err(Failure::Check(format!(
                "generated code has drifted: {}; run `cargo xtask bindings` and commit what it writes",
                drifted.join(", ")
            ))),
        };
    }
    for folder in [KOTLIN, SWIFT, HEADER] {
        let (from, to) = (fresh.join(folder), root.join(folder));
        if to.exists() {
            fs::remove_dir_all(&to).map_err(|source| Failure::io(&to, source))?;
        }
        for file in files(&from)? {
            let target = to.join(&file);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent).map_err(|source| Failure::io(parent, source))?;
            }
            fs::copy(from.join(&file), &target).map_err(|source| Failure::io(&target, source))?;
        }
    }
    Ok(())
}

fn bindgen(workspace: &Workspace, task: &str) -> std::process::Command {
    workspace.cargo(["run", "--quiet", "--locked", "--package", "curo-bindgen", "--", task])
}

/// The host's library as the tests build it, unstripped: nothing is compiled twice for it.
fn build(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let mut command = workspace.cargo([
        "test",
        "--workspace",
        "--locked",
        "--no-run",
        "--message-format=json-render-diagnostics",
    ]);
    let mut library = None;
    run::run_lines(&mut command, |line| {
        library = library.take().or_else(|| library_of(line))
    })?;
    library.ok_or_else(|| Failure::Check("cargo has built no library of curo-ffi".to_owned()))
}

/// The dynamic library's path, where this line of cargo's says that curo-ffi was built.
fn library_of(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let of_ours = message["reason"] == "compiler-artifact" && message["target"]["name"] == "curo_ffi";
    let files = message["filenames"].as_array().filter(|_| of_ours)?;
    let mut paths = files.iter().filter_map(|file| file.as_str()).map(PathBuf::from);
    paths.find(|path| {
        path.extension()
            .is_some_and(|kind| kind == std::env::consts::DLL_EXTENSION)
    })
}

/// Asks rustdoc what the client offers. In the features of the whole workspace, as CI's documentation has them.
fn document(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let root = workspace.root();
    let kept = target(workspace).join("bindings-doc");
    let mut command = workspace.cargo(["doc", "--workspace", "--no-deps", "--locked"]);
    command
        .env("RUSTDOC", root.join("bindings/bindgen/rustdoc.sh"))
        .env("RUSTDOCFLAGS", "-Z unstable-options --output-format json");
    run::run(&mut command)?;
    // Kept apart: the next documentation for people may sweep it away.
    let (made, offered) = (target(workspace).join("doc/curo.json"), kept.join("curo.json"));
    fs::create_dir_all(&kept).map_err(|source| Failure::io(&kept, source))?;
    fs::copy(&made, &offered).map_err(|source| Failure::io(&made, source))?;
    Ok(offered)
}

fn target(workspace: &Workspace) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.root().join("target"), PathBuf::from)
}

/// Files that differ between what is checked in and what was made, missing ones and those too many included.
fn drift(root: &Path, fresh: &Path) -> Result<Vec<String>, Failure> {
    let mut drifted = Vec::new();
    for folder in [KOTLIN, SWIFT, HEADER] {
        let (ours, theirs) = (root.join(folder), fresh.join(folder));
        let mut all = files(&ours)?;
        all.extend(files(&theirs)?);
        all.sort();
        all.dedup();
        for file in all {
            let (ours, theirs) = (ours.join(&file), theirs.join(&file));
            if !ours.is_file() || !theirs.is_file() || read(&ours)? != read(&theirs)? {
                drifted.push(format!("{folder}/{}", file.display()));
            }
        }
    }
    Ok(drifted)
}

/// Every file below a folder, by its path from there. A folder that is not there has none.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    if !folder.exists() {
        return Ok(found);
    }
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).map_err(|source| Failure::io(&next, source))? {
            let path = entry.map_err(|source| Failure::io(&next, source))?.path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(file) = path.strip_prefix(folder) {
                found.push(file.to_path_buf());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_changed_a_missing_and_a_needless_file_are_drift() {
        let (root, fresh) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let put = |root: &Path, path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for root in [root.path(), fresh.path()] {
            put(root, "android/generated/health/curo/ffi/curo.kt", "same");
            put(root, "ios/Sources/CuroFFI/CuroFFI.swift", "same");
        }
        assert!(drift(root.path(), fresh.path()).unwrap().is_empty());
        put(fresh.path(), "ios/Sources/CuroFFI/CuroFFI.swift", "other");
        put(fresh.path(), "ios/Sources/CCuroFFI/CCuroFFI.h", "missing");
        put(root.path(), "android/generated/old.kt", "needless");
        assert_eq!(
            drift(root.path(), fresh.path()).unwrap(),
            [
                "android/generated/old.kt",
                "ios/Sources/CuroFFI/CuroFFI.swift",
                "ios/Sources/CCuroFFI/CCuroFFI.h"
            ]
        );
    }

    #[test]
    fn the_library_is_found_in_what_cargo_says() {
        let file = format!("/t/debug/deps/libcuro_ffi.{}", std::env::consts::DLL_EXTENSION);
        let line = format!(
            r#"{{"reason":"compiler-artifact","target":{{"name":"curo_ffi"}},"filenames":["/t/libcuro_ffi.rlib","{file}"]}}"#
        );
        assert_eq!(library_of(&line), Some(PathBuf::from(file)));
        for other in [
            "",
            "warning: x",
            r#"{"reason":"build-finished"}"#,
            r#"{"reason":"compiler-artifact","target":{"name":"curo"},"filenames":["/t/libcuro.so"]}"#,
        ] {
            assert_eq!(library_of(other), None, "{other}");
        }
    }
}
