//! The nightly compiler, which sanitizers and cargo-fuzz need and nothing else here does. Knows rustup, and no part of a soak.

use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::workspace::Workspace;

/// `cargo ARGS` of the nightly toolchain, in the root.
pub(super) fn cargo<const N: usize>(workspace: &Workspace, args: [&str; N]) -> Command {
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "cargo"])
        .args(args)
        .current_dir(workspace.root())
        // Of the stable cargo that runs this.
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN");
    command
}

/// Says loudly what is missing, and how to get it.
pub(super) fn needed(cargo_fuzz: bool) -> Result<(), Failure> {
    let works = |args: &[&str]| {
        let mut probe = Command::new("rustup");
        probe
            .args(["run", "nightly", "cargo"])
            .args(args)
            .env_remove("CARGO")
            .env_remove("RUSTUP_TOOLCHAIN")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    };
    if !works(&["--version"]) {
        return Err(missing("a nightly compiler", "rustup toolchain install nightly"));
    }
    if cargo_fuzz && !works(&["fuzz", "--version"]) {
        return Err(missing("cargo-fuzz", "cargo install cargo-fuzz --locked"));
    }
    Ok(())
}

fn missing(what: &str, command: &str) -> Failure {
    Failure::Unavailable(format!("soak: NOT RUN: {what} is missing here; `{command}` brings it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_the_command_that_brings_it() {
        let told = missing("cargo-fuzz", "cargo install cargo-fuzz --locked").to_string();
        assert_eq!(
            told,
            "soak: NOT RUN: cargo-fuzz is missing here; `cargo install cargo-fuzz --locked` brings it"
        );
    }
}
