//! The Swift driver: built in the chroot with Swift, started outside of it, because the runner gives its drivers folders of the
//! host.

use std::env::consts::ARCH;
use std::path::Path;

use crate::bindings;
use crate::failure::Failure;
use crate::run;
use crate::swift::{self, Swift};
use crate::workspace::Workspace;

/// What `ios/driver/Package.swift` calls it.
const PRODUCT: &str = "curo-driver-swift";

/// Builds the driver, and gives the program and its arguments.
pub(super) fn command(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let loader = Loader::of(ARCH)?;
    let swift = Swift::get(workspace)?;
    let library = bindings::build(workspace)?.library;
    let libraries = library.parent().unwrap_or(&library);
    let ios = workspace.root().join("ios");
    let scratch = swift::scratch(workspace, "driver");
    let build = ["swift", "build", "--package-path", "driver", "--scratch-path", &scratch];
    run::run(swift.command(&ios, libraries).args(build).args(["--product", PRODUCT]))?;
    Ok(loader.command(&swift.root, &scratch, libraries))
}

/// The dynamic loader of the chroot. It brings the chroot's own C library with it, which is newer than the host's.
struct Loader {
    program: &'static str,
    libraries: [&'static str; 2],
}

impl Loader {
    fn of(arch: &str) -> Result<Self, Failure> {
        let swift = "usr/lib/swift/linux";
        match arch {
            "x86_64" => Ok(Self {
                program: "lib64/ld-linux-x86-64.so.2",
                libraries: [swift, "usr/lib/x86_64-linux-gnu"],
            }),
            "aarch64" => Ok(Self {
                program: "lib/ld-linux-aarch64.so.1",
                libraries: [swift, "usr/lib/aarch64-linux-gnu"],
            }),
            other => Err(Failure::Unavailable(format!(
                "nobody has tried how a program for {other} is started"
            ))),
        }
    }

    /// `scratch` is where SwiftPM builds, seen from inside of the chroot, and `own` where the host's library lies.
    fn command(&self, root: &Path, scratch: &str, own: &Path) -> Vec<String> {
        let mut path: Vec<_> = self.libraries.iter().map(|library| root.join(library)).collect();
        path.push(own.to_path_buf());
        let path: Vec<_> = path.iter().map(|folder| folder.display().to_string()).collect();
        // SwiftPM makes `debug`, which leads to the platform's folder.
        let driver = root.join(scratch.trim_start_matches('/')).join("debug").join(PRODUCT);
        vec![
            root.join(self.program).display().to_string(),
            "--library-path".to_owned(),
            path.join(":"),
            driver.display().to_string(),
        ]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_driver_is_started_by_the_loader_of_its_own_root() {
        let command = |arch| {
            let loader = Loader::of(arch).unwrap();
            loader.command(Path::new("/s"), "/root/scratch/driver-1", Path::new("/t/debug"))
        };
        let x86 = command("x86_64");
        assert_eq!(
            x86,
            [
                "/s/lib64/ld-linux-x86-64.so.2",
                "--library-path",
                "/s/usr/lib/swift/linux:/s/usr/lib/x86_64-linux-gnu:/t/debug",
                "/s/root/scratch/driver-1/debug/curo-driver-swift"
            ]
        );
        assert_eq!(command("aarch64").first().unwrap(), "/s/lib/ld-linux-aarch64.so.1");
        assert!(matches!(Loader::of("riscv64"), Err(Failure::Unavailable(_))));
    }
}
