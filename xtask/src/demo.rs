//! `cargo xtask demo`: builds the demo and runs it where the caller stands. Knows only its name.

use std::ffi::OsString;
use std::process::Command;

use cargo_metadata::Message;

use crate::failure::Failure;
use crate::run;
use crate::workspace::Workspace;

const BINARY: &str = "curo-demo";

/// Builds the demo, runs it with `args`, fails with its exit code.
pub(crate) fn run(workspace: &Workspace, args: &[OsString]) -> Result<(), Failure> {
    if !workspace.root().join("target/debug").join(BINARY).exists() {
        eprintln!(
            "First build: MLS, SQLCipher and OpenSSL are compiled from source. Allow five to ten \
             minutes on two cores; afterwards it takes seconds."
        );
    }
    // The whole workspace and `--examples` (there need be none) choose the same features of the
    // dependencies as the tests and clippy get, so nothing is built twice. `cargo run -p` would
    // choose fewer and build them again.
    let mut executable = None;
    let mut build = workspace.cargo([
        "build",
        "--workspace",
        "--locked",
        "--bin",
        BINARY,
        "--examples",
        "--message-format=json-render-diagnostics",
    ]);
    run::run_lines(&mut build, |line| {
        executable = executable_in(line).or(executable.take());
    })?;
    let executable = executable
        .ok_or_else(|| Failure::malformed("cargo build", format!("no executable `{BINARY}` was reported")))?;
    run::run(Command::new(executable).args(args))
}

/// The path of the demo's executable, if this line of cargo's messages tells it.
fn executable_in(line: &str) -> Option<String> {
    match Message::parse_stream(line.as_bytes()).next()?.ok()? {
        Message::CompilerArtifact(artifact) if artifact.target.name == BINARY => artifact.executable.map(Into::into),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn artifact(name: &str, executable: &str) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","package_id":"p","manifest_path":"/m","target":{{"kind":["bin"],
            "crate_types":["bin"],"name":"{name}","src_path":"/s","edition":"2024","doc":true,"doctest":false,
            "test":true}},"profile":{{"opt_level":"0","debuginfo":0,"debug_assertions":true,
            "overflow_checks":true,"test":false}},"features":[],"filenames":[],"executable":{executable},
            "fresh":true}}"#
        )
        .replace('\n', "")
    }

    #[test]
    fn only_the_demo_is_run() {
        assert_eq!(executable_in(&artifact(BINARY, "\"/t/demo\"")).unwrap(), "/t/demo");
        assert_eq!(executable_in(&artifact("another", "\"/t/another\"")), None);
        assert_eq!(executable_in(&artifact(BINARY, "null")), None);
        assert_eq!(executable_in("not a message"), None);
        assert_eq!(executable_in(""), None);
    }
}
