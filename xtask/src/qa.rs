//! `cargo xtask qa`: builds the runner, the relay and the drivers of all platforms that can be built here, and plays the
//! scenarios. Knows only their names; what is played is the runner's business.

mod kotlin;
pub(crate) mod swift;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::Command;

use cargo_metadata::Message;

use crate::doctor;
use crate::failure::Failure;
use crate::run;
use crate::workspace::{Workspace, is_ci};

const RUNNER: &str = "curo-qa";
const RELAY: &str = "curo-relay";
/// The programs that cargo builds: the runner, the relay, and the Rust platform's driver.
const PROGRAMS: [&str; 3] = [RUNNER, RELAY, RUST_DRIVER];
const RUST_DRIVER: &str = "curo-driver";
const RUST: &str = "rust";

/// A platform whose driver cargo does not build.
struct Platform {
    name: &'static str,
    /// Builds the driver, and gives the program and its arguments, none with a space.
    driver: fn(&Workspace) -> Result<Vec<String>, Failure>,
}

const PLATFORMS: &[Platform] = &[
    Platform {
        name: "kotlin",
        driver: kotlin::command,
    },
    Platform {
        name: "swift",
        driver: swift::command,
    },
];

/// Builds everything, plays with `args`, fails with the runner's exit code.
pub(crate) fn run(workspace: &Workspace, args: &[OsString]) -> Result<(), Failure> {
    play(workspace, args, run::run)
}

/// Each scenario with each platform in each role, for `cargo xtask test`: what was played in a few words. `cargo xtask qa` plays
/// twice as many mixes.
pub(crate) fn test(workspace: &Workspace) -> Result<String, Failure> {
    let mut last = String::new();
    play(workspace, &[OsString::from("--few")], |command| {
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
    match doctor::need(doctor::QA_TOOLS) {
        // The runner says which scenario cannot be played without them.
        Err(failure) if !is_ci() => println!("qa: {failure}"),
        needed => needed?,
    }
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
        .arg(format!("{RUST}={}", program(RUST_DRIVER)?));
    for platform in PLATFORMS.iter().filter(|platform| wants(args, platform.name)) {
        match (platform.driver)(workspace) {
            Ok(driver) => command
                .arg("--driver")
                .arg(format!("{}={}", platform.name, driver.join(" "))),
            // CI plays on every platform.
            Err(Failure::Unavailable(reason)) if !is_ci() => {
                println!("qa: NOT PLAYED on {}: {reason}", platform.name);
                continue;
            }
            Err(failure) => return Err(failure),
        };
    }
    command.args(args).current_dir(workspace.root());
    start(&mut command)
}

/// Whether the runner's arguments let a platform take part: a driver that nobody wants is not built.
fn wants(args: &[OsString], platform: &str) -> bool {
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    if args
        .iter()
        .any(|arg| matches!(arg.as_ref(), "--list" | "--help" | "-h"))
    {
        return false;
    }
    let after = args.iter().skip_while(|arg| *arg != "--platforms").nth(1);
    let joined = args.iter().find_map(|arg| arg.strip_prefix("--platforms="));
    match joined.or(after.map(AsRef::as_ref)) {
        Some(chosen) => chosen.split(',').any(|name| name == platform),
        None => true,
    }
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
pub(crate) fn executable_in(line: &str) -> Option<(String, String)> {
    match Message::parse_stream(line.as_bytes()).next()?.ok()? {
        Message::CompilerArtifact(artifact) => Some((artifact.target.name, artifact.executable?.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_is_built_for_who_plays() {
        let wants = |line: &str| {
            let args: Vec<_> = line.split_whitespace().map(OsString::from).collect();
            wants(&args, "kotlin")
        };
        for line in [
            "",
            "--scenario rust",
            "--platforms rust,kotlin --full",
            "--jobs 2 --platforms=kotlin",
        ] {
            assert!(wants(line), "{line}");
        }
        for line in ["--platforms rust", "--platforms=swift,rust", "--list", "--help"] {
            assert!(!wants(line), "{line}");
        }
    }
}
