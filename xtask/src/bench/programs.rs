//! The programs that measure, one for each platform, and how they are built: for figures as apps get the library, for a look
//! whether all of it works as the tests have built it.

use std::path::{Path, PathBuf};

use crate::bindings;
use crate::doctor;
use crate::failure::Failure;
use crate::kotlin;
use crate::qa;
use crate::run;
use crate::workspace::Workspace;

pub(super) const RUST: &str = "rust";
/// What cargo calls Rust's program, and the relay.
const PROGRAM: &str = "curo-bench";
const LOOPBACK: &str = "loopback";
/// The module in the folder `android`, and what its `pom.xml` calls the program.
const MODULE: &str = "bench";
const JAR: &str = "curo-bench.jar";
/// What `ios/driver/Package.swift` calls Swift's.
const PRODUCT: &str = "curo-bench-swift";

/// A program that measures.
pub(super) struct Platform {
    pub(super) name: &'static str,
    pub(super) command: Vec<String>,
}

pub(super) struct Programs {
    pub(super) relay: String,
    /// Rust's program, which also is the author.
    pub(super) author: Vec<String>,
    pub(super) platforms: Vec<Platform>,
}

impl Programs {
    /// As apps get it: everything optimised, Kotlin and Swift over this library.
    pub(super) fn release(workspace: &Workspace, library: &Path) -> Result<Self, Failure> {
        let relay = built(
            workspace,
            &["--release", "--package", "curo-kit", "--example", LOOPBACK],
            LOOPBACK,
        )?;
        let own = built(workspace, &["--release", "--package", PROGRAM], PROGRAM)?;
        Self::of(workspace, relay, own, library, "release")
    }

    /// As the tests have them.
    pub(super) fn as_tested(workspace: &Workspace) -> Result<Self, Failure> {
        let library = bindings::build(workspace)?;
        // With `--examples`, as `bindings::build` says.
        let own = built(workspace, &["--workspace", "--examples", "--bin", PROGRAM], PROGRAM)?;
        Self::of(workspace, library.loopback, own, &library.library, "debug")
    }

    fn of(
        workspace: &Workspace,
        relay: PathBuf,
        own: PathBuf,
        library: &Path,
        configuration: &str,
    ) -> Result<Self, Failure> {
        let author = vec![own.display().to_string()];
        let platforms = vec![
            Platform {
                name: RUST,
                command: author.clone(),
            },
            Platform {
                name: "swift",
                command: qa::swift::program(workspace, PRODUCT, library, configuration)?,
            },
            Platform {
                name: "kotlin",
                command: java(workspace, library)?,
            },
        ];
        Ok(Self {
            relay: relay.display().to_string(),
            author,
            platforms,
        })
    }
}

/// Builds a program with cargo.
fn built(workspace: &Workspace, arguments: &[&str], name: &str) -> Result<PathBuf, Failure> {
    let mut cargo = workspace.cargo(["build", "--locked", "--message-format=json-render-diagnostics"]);
    let mut program = None;
    run::run_lines(cargo.args(arguments), |line| {
        program = program
            .take()
            .or(qa::executable_in(line).filter(|(found, _)| found == name));
    })?;
    let (_, path) = program.ok_or_else(|| Failure::malformed("cargo build", format!("no executable `{name}`")))?;
    Ok(path.into())
}

fn java(workspace: &Workspace, library: &Path) -> Result<Vec<String>, Failure> {
    let missing: Vec<_> = doctor::missing(doctor::KOTLIN_TOOLS)
        .iter()
        .map(|tool| tool.name)
        .collect();
    if !missing.is_empty() {
        return Err(Failure::Unavailable(format!("missing here: {}", missing.join(", "))));
    }
    kotlin::pack(workspace)?;
    let folder = workspace.root().join(kotlin::TARGET).join(MODULE);
    Ok(vec![
        "java".to_owned(),
        // Nothing else than the program speaks on standard output, and nothing is left in the temporary folder.
        "-XX:+DisplayVMOutputToStderr".to_owned(),
        "-XX:-UsePerfData".to_owned(),
        "-Djna.nosys=true".to_owned(),
        format!("-Djna.tmpdir={}", folder.join("jna").display()),
        format!("-Duniffi.component.curo.libraryOverride={}", library.display()),
        "-jar".to_owned(),
        folder.join(JAR).display().to_string(),
    ])
}
