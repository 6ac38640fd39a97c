//! The Kotlin driver: packed by Maven, started on this machine's JVM.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::bindings;
use crate::doctor;
use crate::failure::Failure;
use crate::kotlin::{self, TARGET};
use crate::run;
use crate::workspace::Workspace;

/// The module in the folder `android`, and what its `pom.xml` calls the program.
const MODULE: &str = "driver";
const PROGRAM: &str = "curo-driver.jar";
/// Classes as the virtual machine has them once they are loaded: it starts in half the time with them.
const ARCHIVE: &str = "classes.jsa";

/// A scenario starts many of them, each for a moment. They leave nothing behind in the machine's temporary folder, and standard
/// output is the driver's alone.
const MACHINE: [&str; 6] = [
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+DisplayVMOutputToStderr",
    "-XX:+ErrorFileToStderr",
    "-Djna.nosys=true",
];

/// Packs the driver, and gives the program and its arguments.
pub(super) fn command(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let missing: Vec<_> = doctor::missing(doctor::KOTLIN_TOOLS)
        .iter()
        .map(|tool| tool.name)
        .collect();
    if !missing.is_empty() {
        return Err(Failure::Unavailable(format!("missing here: {}", missing.join(", "))));
    }
    let library = bindings::build(workspace)?.library;
    kotlin::pack(workspace)?;
    let folder = workspace.root().join(TARGET).join(MODULE);
    archive(&folder, &library)?;
    let archive = format!("-XX:SharedArchiveFile={}", folder.join(ARCHIVE).display());
    Ok(java(&folder, &library, archive))
}

/// Starts the driver once, without requests. An archive that another virtual machine has made, or of other classes, is ignored by
/// the one that is started with it.
fn archive(folder: &Path, library: &Path) -> Result<(), Failure> {
    let archive = folder.join(ARCHIVE);
    match std::fs::remove_file(&archive) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(Failure::io(&archive, source)),
        _ => {}
    }
    let option = format!("-XX:ArchiveClassesAtExit={}", archive.display());
    let java = java(folder, library, option);
    let (program, arguments) = java
        .split_first()
        .ok_or_else(|| Failure::malformed("the Kotlin driver", "no command"))?;
    run::run(
        Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null()),
    )
}

fn java(folder: &Path, library: &Path, archive: String) -> Vec<String> {
    let mut command = vec!["java".to_owned()];
    command.extend(MACHINE.map(str::to_owned));
    command.extend([
        archive,
        format!("-Djna.tmpdir={}", folder.join("jna").display()),
        format!("-Duniffi.component.curo.libraryOverride={}", library.display()),
        "-jar".to_owned(),
        folder.join(PROGRAM).display().to_string(),
    ]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_is_the_last_argument_and_finds_the_hosts_library() {
        let command = java(Path::new("/t/driver"), Path::new("/t/lib.so"), "-XX:A=/t/a".to_owned());
        assert_eq!(command.first().map(String::as_str), Some("java"));
        assert_eq!(command.last().map(String::as_str), Some("/t/driver/curo-driver.jar"));
        assert!(command.contains(&"-XX:A=/t/a".to_owned()));
        assert!(command.contains(&"-Duniffi.component.curo.libraryOverride=/t/lib.so".to_owned()));
    }
}
