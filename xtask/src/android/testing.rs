//! The jar that apps test with: fakes, this machine's library, and a relay for this machine.
//!
//! JNA finds the library by its place in the jar; the relay's place is agreed with `Host.kt` of the module `testing`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::run;

use super::{Host, Layout, archive, classes, copy, files, fresh, write};

/// Where the relay lies in the jar, and for which machines.
const FOLDER: &str = "health/curo/testing";

/// Makes it; the same files make the same bytes.
pub(super) fn build(layout: &Layout, host: &Host) -> Result<PathBuf, Failure> {
    let name = jna_name(std::env::consts::OS, std::env::consts::ARCH).ok_or_else(|| {
        Failure::Unavailable("curo-testing can be made on Linux and macOS, for x86-64 and arm64".to_owned())
    })?;
    let folder = layout.target.join("testing-jar");
    fresh(&folder)?;
    let stage = folder.join("stage");
    let compiled = classes::folder(layout, classes::TESTING.0);
    for class in files(&compiled)? {
        copy(&compiled.join(&class), &stage.join(&class))?;
    }
    let library = format!("libcuro_ffi{}", std::env::consts::DLL_SUFFIX);
    let natives = natives(layout);
    stripped(&host.library, &natives.join(&name).join(library))?;
    stripped(&host.loopback, &natives.join(FOLDER).join(&name).join("loopback"))?;
    write(&natives.join(FOLDER).join("hosts"), format!("{name}\n"))?;
    for file in files(&natives)? {
        copy(&natives.join(&file), &stage.join(&file))?;
    }
    let jar = folder.join("curo-testing.jar");
    archive::pack(&stage, &jar)?;
    Ok(jar)
}

/// What of it is no class, by itself.
pub(super) fn natives(layout: &Layout) -> PathBuf {
    layout.target.join("testing-jar/natives")
}

/// What JNA calls a machine.
fn jna_name(system: &str, processor: &str) -> Option<String> {
    let system = match system {
        "linux" => "linux",
        "macos" => "darwin",
        _ => return None,
    };
    let processor = match processor {
        "x86_64" => "x86-64",
        "aarch64" => "aarch64",
        _ => return None,
    };
    Some(format!("{system}-{processor}"))
}

/// A copy without what only a debugger reads: a third of it.
fn stripped(file: &Path, to: &Path) -> Result<(), Failure> {
    copy(file, to)?;
    run::run(
        Command::new("strip")
            .arg(if cfg!(target_os = "macos") {
                "-x"
            } else {
                "--strip-unneeded"
            })
            .arg(to),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn machines_have_the_names_that_jna_gives_them() {
        assert_eq!(jna_name("linux", "x86_64").unwrap(), "linux-x86-64");
        assert_eq!(jna_name("linux", "aarch64").unwrap(), "linux-aarch64");
        assert_eq!(jna_name("macos", "aarch64").unwrap(), "darwin-aarch64");
        assert_eq!(jna_name("windows", "x86_64"), None);
        assert_eq!(jna_name("linux", "riscv64"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_stripped_is_smaller_and_still_runs() {
        let dir = tempfile::tempdir().unwrap();
        let (own, copied) = (std::env::current_exe().unwrap(), dir.path().join("own"));
        stripped(&own, &copied).unwrap();
        assert!(copied.metadata().unwrap().len() < own.metadata().unwrap().len());
        stripped(&dir.path().join("absent"), &copied).unwrap_err();
    }
}
