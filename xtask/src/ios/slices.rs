//! The slices of the XCFramework, and the command lines that compile one on a Mac: data, which tests read. No machine of this
//! project's has run them.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::run;
use crate::workspace::Workspace;

use super::NAME;

pub(super) const LIBRARY: &str = "libcuro_ffi.dylib";

/// One kind of device.
pub(super) struct Slice {
    /// Its folder, as Xcode calls such slices.
    pub(super) name: &'static str,
    /// What Rust calls its processors.
    pub(super) targets: &'static [&'static str],
    /// What Apple calls them.
    pub(super) architectures: &'static [&'static str],
    pub(super) platform: &'static str,
    pub(super) variant: Option<&'static str>,
    /// As a framework's Info.plist has it.
    pub(super) supported: &'static str,
    /// The oldest version, and the variable that tells it to the compiler.
    pub(super) oldest: (&'static str, &'static str),
}

pub(super) const SLICES: [Slice; 3] = [
    Slice {
        name: "ios-arm64",
        targets: &["aarch64-apple-ios"],
        architectures: &["arm64"],
        platform: "ios",
        variant: None,
        supported: "iPhoneOS",
        oldest: ("IPHONEOS_DEPLOYMENT_TARGET", "16.0"),
    },
    Slice {
        name: "ios-arm64_x86_64-simulator",
        targets: &["aarch64-apple-ios-sim", "x86_64-apple-ios"],
        architectures: &["arm64", "x86_64"],
        platform: "ios",
        variant: Some("simulator"),
        supported: "iPhoneSimulator",
        oldest: ("IPHONEOS_DEPLOYMENT_TARGET", "16.0"),
    },
    Slice {
        name: "macos-arm64_x86_64",
        targets: &["aarch64-apple-darwin", "x86_64-apple-darwin"],
        architectures: &["arm64", "x86_64"],
        platform: "macos",
        variant: None,
        supported: "MacOSX",
        oldest: ("MACOSX_DEPLOYMENT_TARGET", "13.0"),
    },
];

impl Slice {
    /// Where a dynamic loader finds the library in its framework.
    pub(super) fn install_name(&self) -> String {
        match self.platform {
            "macos" => format!("@rpath/{NAME}.framework/Versions/A/{NAME}"),
            _ => format!("@rpath/{NAME}.framework/{NAME}"),
        }
    }

    /// After cargo: one library of all processors, its name, its symbols apart, and stripped.
    fn commands(&self, built: &Path, folder: &Path) -> Vec<Vec<String>> {
        let text = |path: PathBuf| path.display().to_string();
        let library = text(folder.join(LIBRARY));
        let mut lipo = vec!["lipo".to_owned(), "-create".to_owned()];
        lipo.extend(
            self.targets
                .iter()
                .map(|target| text(built.join(target).join("release").join(LIBRARY))),
        );
        lipo.extend(["-output".to_owned(), library.clone()]);
        let line = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        vec![
            lipo,
            line(&["install_name_tool", "-id", &self.install_name(), &library]),
            line(&[
                "dsymutil",
                &library,
                "-o",
                &text(folder.join(format!("{NAME}.framework.dSYM"))),
            ]),
            line(&["strip", "-x", &library]),
        ]
    }
}

/// Refuses libraries that are none of Apple's: one for several processors, or for one of 64 bits, begins with its kind's number.
pub(super) fn check(folder: &Path) -> Result<(), Failure> {
    for slice in &SLICES {
        let library = folder.join(slice.name).join(LIBRARY);
        let mut begin = [0; 4];
        std::fs::File::open(&library)
            .and_then(|mut file| file.read_exact(&mut begin))
            .map_err(|source| Failure::io(&library, source))?;
        if ![[0xca, 0xfe, 0xba, 0xbe], [0xcf, 0xfa, 0xed, 0xfe]].contains(&begin) {
            let what = library.display().to_string();
            return Err(Failure::malformed(what, "no library for Apple's platforms (Mach-O)"));
        }
    }
    Ok(())
}

/// Compiles all slices on this Mac. Gives the folder with a library for each.
pub(super) fn compile(workspace: &Workspace, target: &Path) -> Result<PathBuf, Failure> {
    let folder = target.join("libraries");
    for slice in &SLICES {
        let own = folder.join(slice.name);
        std::fs::create_dir_all(&own).map_err(|source| Failure::io(&own, source))?;
        let (variable, oldest) = slice.oldest;
        for processor in slice.targets {
            let mut cargo = workspace.cargo(["build", "--release", "--locked", "--package", "curo-ffi"]);
            // Line tables, for the dSYM.
            cargo
                .env(variable, oldest)
                .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only");
            cargo.env("CARGO_PROFILE_RELEASE_STRIP", "none");
            run::run(cargo.args(["--target", processor]))?;
        }
        for command in slice.commands(&crate::bindings::target(workspace), &own) {
            if let [program, args @ ..] = command.as_slice() {
                run::run(Command::new(program).args(args))?;
            }
        }
    }
    Ok(folder)
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_library_of_apples_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let put = |slice: &Slice, begin: &[u8]| {
            let folder = dir.path().join(slice.name);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(LIBRARY), begin).unwrap();
        };
        check(dir.path()).unwrap_err();
        for slice in &SLICES {
            put(slice, b"\xca\xfe\xba\xbe and more");
        }
        check(dir.path()).unwrap();
        for other in [b"\x7fELF and more".as_slice(), b"text", b""] {
            put(&SLICES[1], other);
            check(dir.path()).unwrap_err();
        }
    }

    #[test]
    fn a_slice_is_made_of_all_its_processors() {
        let simulator = SLICES.iter().find(|slice| slice.variant.is_some()).unwrap();
        let lines: Vec<_> = simulator
            .commands(Path::new("/t"), Path::new("/s"))
            .iter()
            .map(|line| line.join(" "))
            .collect();
        assert_eq!(
            lines,
            [
                "lipo -create /t/aarch64-apple-ios-sim/release/libcuro_ffi.dylib /t/x86_64-apple-ios/release/libcuro_ffi.dylib \
                 -output /s/libcuro_ffi.dylib",
                "install_name_tool -id @rpath/CCuroFFI.framework/CCuroFFI /s/libcuro_ffi.dylib",
                "dsymutil /s/libcuro_ffi.dylib -o /s/CCuroFFI.framework.dSYM",
                "strip -x /s/libcuro_ffi.dylib",
            ]
        );
        for slice in &SLICES {
            assert_eq!(slice.targets.len(), slice.architectures.len(), "{}", slice.name);
            let named = format!("{}-{}", slice.platform, slice.architectures.join("_"));
            assert!(slice.name.starts_with(&named), "{}", slice.name);
        }
    }
}
