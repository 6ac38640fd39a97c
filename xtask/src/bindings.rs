//! `cargo xtask bindings`: the generated Kotlin and Swift that are checked in, and whether the bindings are whole.
//!
//! Knows where things lie and in which order they are made; `curo-bindgen` makes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::Message;

use crate::failure::Failure;
use crate::run;
use crate::workspace::{Workspace, read};

/// Folders of what is generated and checked in. Nothing else may lie in them.
const KOTLIN: &str = "android/generated";
const SWIFT: &str = "ios/Sources/CuroFFI";
const HEADER: &str = "ios/Sources/CCuroFFI";

/// What cargo calls the program and the library.
const BINDGEN: &str = "curo-bindgen";
const LIBRARY: &str = "curo_ffi";
const LOOPBACK: &str = "loopback";

/// The check, as a step of CI.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    run(workspace, true)
}

/// Compares what the bindings export with what the client offers, and generates. A check writes nothing and fails on drift.
pub(crate) fn run(workspace: &Workspace, check: bool) -> Result<(), Failure> {
    let Built { library, bindgen, .. } = build(workspace)?;
    let offered = document(workspace)?;
    let root = workspace.root();
    let mut compare = Command::new(&bindgen);
    compare.arg("compare").arg(&library).arg(&offered);
    run::run(compare.arg(root.join("bindings/api-map.toml")))?;

    let fresh = target(workspace).join("bindings");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(|source| Failure::io(&fresh, source))?;
    }
    let mut generate = Command::new(&bindgen);
    generate.arg("generate").arg(&library).arg(root.join("bindings"));
    run::run(generate.args([KOTLIN, SWIFT, HEADER].map(|folder| fresh.join(folder))))?;
    if check {
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

/// What cargo builds for this.
#[derive(Default)]
struct Paths {
    library: Option<PathBuf>,
    bindgen: Option<PathBuf>,
    loopback: Option<PathBuf>,
}

/// What generates the bindings, and what tests in other languages need.
pub(crate) struct Built {
    /// The host's library, unstripped.
    pub(crate) library: PathBuf,
    /// The program that reads it.
    bindgen: PathBuf,
    /// A relay in a process of its own.
    pub(crate) loopback: PathBuf,
}

/// The whole workspace's libraries with `--examples` get the same features of the dependencies as the tests got them: nothing
/// is compiled twice (see the demo).
pub(crate) fn build(workspace: &Workspace) -> Result<Built, Failure> {
    let mut command = workspace.cargo([
        "build",
        "--workspace",
        "--locked",
        "--lib",
        "--bin",
        BINDGEN,
        "--examples",
        "--message-format=json-render-diagnostics",
    ]);
    let mut paths = Paths::default();
    run::run_lines(&mut command, |line| paths.note(line))?;
    match paths {
        Paths {
            library: Some(library),
            bindgen: Some(bindgen),
            loopback: Some(loopback),
        } => Ok(Built {
            library,
            bindgen,
            loopback,
        }),
        _ => Err(Failure::malformed(
            "cargo build",
            format!("no library of `{LIBRARY}` or no executable `{BINDGEN}` or `{LOOPBACK}` was reported"),
        )),
    }
}

impl Paths {
    /// Keeps what this line of cargo's messages says of any.
    fn note(&mut self, line: &str) {
        let message = Message::parse_stream(line.as_bytes()).next();
        let Some(Ok(Message::CompilerArtifact(artifact))) = message else {
            return;
        };
        if artifact.target.name == BINDGEN {
            self.bindgen = artifact.executable.map(Into::into).or(self.bindgen.take());
        } else if artifact.target.name == LOOPBACK {
            self.loopback = artifact.executable.map(Into::into).or(self.loopback.take());
        } else if artifact.target.name == LIBRARY {
            let mut files = artifact.filenames.into_iter();
            let library = files.find(|file| file.extension() == Some(std::env::consts::DLL_EXTENSION));
            self.library = library.map(Into::into).or(self.library.take());
        }
    }
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

/// The folder of what cargo builds.
pub(crate) fn target(workspace: &Workspace) -> PathBuf {
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

    fn artifact(name: &str, kind: &str, files: &str, executable: &str) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","package_id":"p","manifest_path":"/m","target":{{"kind":["{kind}"],
            "crate_types":["{kind}"],"name":"{name}","src_path":"/s","edition":"2024","doc":true,"doctest":false,
            "test":true}},"profile":{{"opt_level":"0","debuginfo":0,"debug_assertions":true,
            "overflow_checks":true,"test":false}},"features":[],"filenames":{files},"executable":{executable},
            "fresh":true}}"#
        )
        .replace('\n', "")
    }

    #[test]
    fn library_and_program_are_found_in_what_cargo_says() {
        let file = format!("/t/debug/libcuro_ffi.{}", std::env::consts::DLL_EXTENSION);
        let mut paths = Paths::default();
        for line in [
            String::new(),
            "warning: x".to_owned(),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
            artifact(
                "curo",
                "lib",
                &format!(r#"["/t/libcuro.{}"]"#, std::env::consts::DLL_EXTENSION),
                "null",
            ),
            artifact("another", "bin", "[]", r#""/t/another""#),
        ] {
            paths.note(&line);
            let found = [&paths.library, &paths.bindgen, &paths.loopback];
            assert!(found.iter().all(|path| path.is_none()), "{line}");
        }
        paths.note(&artifact(
            LIBRARY,
            "cdylib",
            &format!(r#"["/t/libcuro_ffi.rlib","{file}"]"#),
            "null",
        ));
        paths.note(&artifact(BINDGEN, "bin", "[]", r#""/t/curo-bindgen""#));
        // Built as a test, too: that is no program.
        paths.note(&artifact(BINDGEN, "bin", "[]", "null"));
        assert_eq!(paths.library, Some(PathBuf::from(file)));
        assert_eq!(paths.bindgen, Some(PathBuf::from("/t/curo-bindgen")));
        paths.note(&artifact(LOOPBACK, "example", "[]", r#""/t/examples/loopback""#));
        assert_eq!(paths.loopback, Some(PathBuf::from("/t/examples/loopback")));
    }
}
