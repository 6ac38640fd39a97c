//! `cargo xtask ios`: the XCFramework with the library for Apple's platforms, zipped, and the package that an app depends on.
//!
//! The libraries need macOS with Xcode. All around them is text and files and is made anywhere: so that it can be tested here, and
//! so that a Mac only compiles. Without libraries nothing is called made.

mod archive;
mod framework;
mod slices;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::run;
use crate::workspace::Workspace;

use slices::SLICES;

/// The framework, and the module of the generated header.
const NAME: &str = "CCuroFFI";
const ARCHIVE: &str = "CCuroFFI.xcframework.zip";
const PACKAGE: &str = "Package.swift";
/// What stands in the package where the archive will lie.
const PLACE: &str = "https://example.invalid/CCuroFFI.xcframework.zip";

/// Where the libraries come from, and where the archive will be found.
#[derive(Default)]
pub(crate) struct Options {
    /// A folder with `SLICE/libcuro_ffi.dylib` for each slice, made on another machine.
    pub(crate) libraries: Option<PathBuf>,
    /// The archive's address for the package's manifest.
    pub(crate) url: Option<String>,
}

/// Makes everything below `target/ios`.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<(), Failure> {
    let target = workspace.root().join("target/ios");
    let libraries = match &options.libraries {
        Some(folder) => Some(folder.clone()),
        None if cfg!(target_os = "macos") => Some(slices::compile(workspace, &target)?),
        None => None,
    };
    // An archive of earlier libraries is none of these.
    for old in [target.join(ARCHIVE), target.join(PACKAGE)] {
        match fs::remove_file(&old) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(Failure::io(&old, source)),
            _ => {}
        }
    }
    if let Some(folder) = &libraries {
        slices::check(folder)?;
    }
    let made = assemble(workspace, &target, libraries.as_deref())?;
    let Some(archive) = made else {
        return Err(Failure::Unavailable(format!(
            "NOT MADE: the XCFramework needs macOS and Xcode, or --libraries FOLDER with {}. Everything around the libraries is in {}",
            SLICES
                .map(|slice| format!("{}/{}", slice.name, slices::LIBRARY))
                .join(", "),
            target.display()
        )));
    };
    let sum = sha256(&archive)?;
    let url = options.url.as_deref().unwrap_or(PLACE);
    let package = target.join(PACKAGE);
    write(
        &package,
        manifest(&workspace.read("ios/Package.swift")?, url, &sum)?.as_bytes(),
    )?;
    println!("{}\nSHA-256 {sum}\n{}", archive.display(), package.display());
    Ok(())
}

/// The XCFramework, and its archive where there are libraries.
fn assemble(workspace: &Workspace, target: &Path, libraries: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    let bundle = target.join(format!("{NAME}.xcframework"));
    if bundle.exists() {
        fs::remove_dir_all(&bundle).map_err(|source| Failure::io(&bundle, source))?;
    }
    let version = version(&workspace.read("Cargo.toml")?)?;
    let parts = framework::Parts {
        header: workspace.read("ios/Sources/CCuroFFI/CCuroFFI.h")?,
        privacy: workspace.read("ios/Sources/Curo/PrivacyInfo.xcprivacy")?,
        version,
    };
    for slice in &SLICES {
        let library = libraries.map(|folder| folder.join(slice.name).join(slices::LIBRARY));
        framework::write_slice(&bundle.join(slice.name), slice, &parts, library.as_deref())?;
    }
    write(&bundle.join("Info.plist"), framework::bundle_info().as_bytes())?;
    if libraries.is_none() {
        return Ok(None);
    }
    let archive = target.join(ARCHIVE);
    write(&archive, &archive::pack(&bundle)?)?;
    Ok(Some(archive))
}

/// The package's manifest with the archive in the place of the folder beside it.
pub(crate) fn manifest(own: &str, url: &str, sum: &str) -> Result<String, Failure> {
    let local = format!(r#"Target.binaryTarget(name: "{NAME}", path: "{NAME}.xcframework")"#);
    if !own.contains(&local) {
        return Err(Failure::malformed(
            "ios/Package.swift",
            "the XCFramework is not where it was",
        ));
    }
    let remote = format!("Target.binaryTarget(\n    name: \"{NAME}\", url: \"{url}\",\n    checksum: \"{sum}\")");
    Ok(own.replace(&local, &remote))
}

/// The workspace's version.
fn version(manifest: &str) -> Result<String, Failure> {
    let all: toml::Table = toml::from_str(manifest).map_err(|error| Failure::malformed("Cargo.toml", error))?;
    let package = all.get("workspace").and_then(|workspace| workspace.get("package"));
    let version = package
        .and_then(|package| package.get("version"))
        .and_then(|version| version.as_str());
    version
        .map(str::to_owned)
        .ok_or_else(|| Failure::malformed("Cargo.toml", "no workspace.package.version"))
}

/// What `swift package compute-checksum` says of a file.
fn sha256(file: &Path) -> Result<String, Failure> {
    let mut command = match cfg!(target_os = "macos") {
        true => Command::new("shasum"),
        false => Command::new("sha256sum"),
    };
    if cfg!(target_os = "macos") {
        command.args(["-a", "256"]);
    }
    let told = run::output(command.arg(file))?;
    let sum = told.split_whitespace().next().unwrap_or_default();
    match sum.len() == 64 && sum.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        true => Ok(sum.to_owned()),
        false => Err(Failure::malformed(file.display().to_string(), "no SHA-256")),
    }
}

fn write(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|source| Failure::io(folder, source))?;
    }
    fs::write(path, contents).map_err(|source| Failure::io(path, source))
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Libraries that are none: what is around them does not look into them.
    fn stand_ins(folder: &Path) {
        for slice in &SLICES {
            write(&folder.join(slice.name).join(slices::LIBRARY), slice.name.as_bytes()).unwrap();
        }
    }

    #[test]
    fn the_same_libraries_make_the_same_archive() {
        let (workspace, dir) = (Workspace::find().unwrap(), tempfile::tempdir().unwrap());
        let libraries = dir.path().join("libraries");
        stand_ins(&libraries);
        let made = |name: &str| {
            let archive = assemble(&workspace, &dir.path().join(name), Some(&libraries))
                .unwrap()
                .unwrap();
            (sha256(&archive).unwrap(), fs::read(archive).unwrap())
        };
        let (first, again) = (made("first"), made("again"));
        assert_eq!(first, again);
        assert!(first.1.starts_with(b"PK"));
        let bundle = dir.path().join("first/CCuroFFI.xcframework");
        for file in [
            "Info.plist",
            "ios-arm64/CCuroFFI.framework/CCuroFFI",
            "ios-arm64/CCuroFFI.framework/Headers/CCuroFFI.h",
            "ios-arm64/CCuroFFI.framework/Info.plist",
            "ios-arm64/CCuroFFI.framework/Modules/module.modulemap",
            "ios-arm64/CCuroFFI.framework/PrivacyInfo.xcprivacy",
            "ios-arm64_x86_64-simulator/CCuroFFI.framework/CCuroFFI",
            // Through the links of a framework for macOS.
            "macos-arm64_x86_64/CCuroFFI.framework/CCuroFFI",
            "macos-arm64_x86_64/CCuroFFI.framework/Headers/CCuroFFI.h",
            "macos-arm64_x86_64/CCuroFFI.framework/Resources/Info.plist",
        ] {
            assert!(bundle.join(file).is_file(), "{file}");
        }
        let header = bundle.join("ios-arm64/CCuroFFI.framework/Headers/CCuroFFI.h");
        assert_eq!(
            fs::read_to_string(header).unwrap(),
            workspace.read("ios/Sources/CCuroFFI/CCuroFFI.h").unwrap()
        );
    }

    #[test]
    fn without_libraries_nothing_is_called_made() {
        let (workspace, dir) = (Workspace::find().unwrap(), tempfile::tempdir().unwrap());
        assert!(assemble(&workspace, dir.path(), None).unwrap().is_none());
        assert!(!dir.path().join("CCuroFFI.xcframework.zip").exists());
        assert!(
            !dir.path()
                .join("CCuroFFI.xcframework/ios-arm64/CCuroFFI.framework/CCuroFFI")
                .exists()
        );
        // Half of the libraries is a failure.
        let half = dir.path().join("half");
        write(&half.join("ios-arm64").join(slices::LIBRARY), b"one").unwrap();
        assemble(&workspace, &dir.path().join("made"), Some(&half)).unwrap_err();
    }

    #[test]
    fn the_package_names_the_archive_and_its_sum() {
        let own = Workspace::find().unwrap().read("ios/Package.swift").unwrap();
        let made = manifest(&own, "https://example.invalid/a.zip", "abc").unwrap();
        assert!(made.contains("url: \"https://example.invalid/a.zip\",\n    checksum: \"abc\")"));
        assert!(!made.contains("path: \"CCuroFFI.xcframework\""));
        manifest("let other = 1", "u", "s").unwrap_err();
    }
}
