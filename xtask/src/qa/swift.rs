//! The Swift driver, and the bench beside it: built in the chroot with Swift, started outside of it, because they are given
//! folders of the host.

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
    let library = bindings::build(workspace)?.library;
    program(workspace, PRODUCT, &library, "debug")
}

/// Builds a product of the package `ios/driver`, debug or release, over the host's library, and gives the program and its
/// arguments.
pub(crate) fn program(
    workspace: &Workspace,
    product: &str,
    library: &Path,
    configuration: &str,
) -> Result<Vec<String>, Failure> {
    let loader = Loader::of(ARCH)?;
    let swift = Swift::get(workspace)?;
    let libraries = library.parent().unwrap_or(library);
    let ios = workspace.root().join("ios");
    let scratch = swift::scratch(workspace, "driver");
    let mut build = swift.command(&ios, libraries);
    build.args(["swift", "build", "--package-path", "driver", "--scratch-path", &scratch]);
    build.args(["--configuration", configuration, "--product", product]);
    // Standard output is for what the caller has to tell.
    run::run(build.stdout(std::io::stderr()))?;
    // SwiftPM makes a link of the configuration's name, which leads to the platform's folder.
    let built = Path::new(scratch.trim_start_matches('/'))
        .join(configuration)
        .join(product);
    Ok(loader.command(&swift.root, libraries, &built))
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

    /// `own` is where the host's library lies, `program` where the program lies below the root.
    fn command(&self, root: &Path, own: &Path, program: &Path) -> Vec<String> {
        let mut path: Vec<_> = self.libraries.iter().map(|library| root.join(library)).collect();
        path.push(own.to_path_buf());
        let path: Vec<_> = path.iter().map(|folder| folder.display().to_string()).collect();
        vec![
            root.join(self.program).display().to_string(),
            "--library-path".to_owned(),
            path.join(":"),
            root.join(program).display().to_string(),
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
            loader.command(
                Path::new("/s"),
                Path::new("/t/debug"),
                Path::new("root/build-driver/debug/driver"),
            )
        };
        let x86 = command("x86_64");
        assert_eq!(
            x86,
            [
                "/s/lib64/ld-linux-x86-64.so.2",
                "--library-path",
                "/s/usr/lib/swift/linux:/s/usr/lib/x86_64-linux-gnu:/t/debug",
                "/s/root/build-driver/debug/driver"
            ]
        );
        assert_eq!(command("aarch64").first().unwrap(), "/s/lib/ld-linux-aarch64.so.1");
        assert!(matches!(Loader::of("riscv64"), Err(Failure::Unavailable(_))));
    }
}
