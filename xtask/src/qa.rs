//! `cargo xtask qa`: builds the runner, the relay and the drivers of all platforms that can be built here, and plays the
//! scenarios. Knows only their names; what is played is the runner's business.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::Command;

use cargo_metadata::Message;

use crate::failure::Failure;
use crate::run;
use crate::workspace::Workspace;

const RUNNER: &str = "curo-qa";
const RELAY: &str = "curo-relay";
/// The programs that cargo builds: the runner, the relay, and the Rust platform's driver.
const PROGRAMS: [&str; 3] = [RUNNER, RELAY, RUST_DRIVER];
const RUST_DRIVER: &str = "curo-driver";

/// Builds everything, plays with `args`, fails with the runner's exit code.
pub(crate) fn run(workspace: &Workspace, args: &[OsString]) -> Result<(), Failure> {
    play(workspace, args, run::run)
}

/// The same for `cargo xtask test`: what was played in a few words.
pub(crate) fn test(workspace: &Workspace) -> Result<String, Failure> {
    let mut last = String::new();
    play(workspace, &[], |command| {
        run::run_lines(command, |line| {
            println!("{line}");
            if let Some(told) = line.strip_prefix("qa: ") {
                // The first of them counts.
                if last.is_empty() {
                    last = told.split(';').next().unwrap_or_default().to_owned();
                }
            }
        })
    })?;
    Ok(last)
}

fn play(
    workspace: &Workspace,
    args: &[OsString],
    start: impl FnOnce(&mut Command) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let built = build(workspace)?;
    let program = |name: &str| {
        let built = built.get(name);
        built.ok_or_else(|| Failure::malformed("cargo build", format!("no executable `{name}` was reported")))
    };
    let mut command = Command::new(program(RUNNER)?);
    command
        .arg("--scenarios")
        .arg(workspace.root().join("tests/scenarios"))
        .arg("--out")
        .arg(workspace.root().join("target/qa"))
        .arg("--relay")
        .arg(program(RELAY)?)
        .arg("--driver")
        .arg(format!("rust={}", program(RUST_DRIVER)?))
        .args(args)
        .current_dir(workspace.root());
    start(&mut command)
}

/// The executables by name. Built as the tests are (see `demo`), so that nothing is built twice.
fn build(workspace: &Workspace) -> Result<BTreeMap<String, String>, Failure> {
    let mut build = workspace.cargo(["build", "--workspace", "--locked", "--examples"]);
    for program in PROGRAMS {
        build.args(["--bin", program]);
    }
    build.arg("--message-format=json-render-diagnostics");
    let mut built = BTreeMap::new();
    run::run_lines(&mut build, |line| built.extend(executable_in(line)))?;
    Ok(built)
}

/// Name and path of the executable that this line of cargo's messages tells of.
fn executable_in(line: &str) -> Option<(String, String)> {
    match Message::parse_stream(line.as_bytes()).next()?.ok()? {
        Message::CompilerArtifact(artifact) => Some((artifact.target.name, artifact.executable?.into())),
        _ => None,
    }
}
