//! A framework and the XCFramework around it, as Apple lays them out: flat for iOS, with versions and links for macOS.

use std::fs;
use std::path::Path;

use crate::failure::Failure;

use super::slices::{SLICES, Slice};
use super::{NAME, write};

/// What is the same in all slices.
pub(super) struct Parts {
    pub(super) header: String,
    pub(super) privacy: String,
    pub(super) version: String,
}

const MODULE_MAP: &str = "framework module CCuroFFI {\n    header \"CCuroFFI.h\"\n    export *\n}\n";

/// Writes a slice's framework; without a library all but that.
pub(super) fn write_slice(folder: &Path, slice: &Slice, parts: &Parts, library: Option<&Path>) -> Result<(), Failure> {
    let framework = folder.join(format!("{NAME}.framework"));
    let versioned = slice.platform == "macos";
    let inside = if versioned {
        framework.join("Versions/A")
    } else {
        framework.clone()
    };
    let resources = if versioned {
        inside.join("Resources")
    } else {
        inside.clone()
    };
    write(
        &inside.join("Headers").join(format!("{NAME}.h")),
        parts.header.as_bytes(),
    )?;
    write(&inside.join("Modules/module.modulemap"), MODULE_MAP.as_bytes())?;
    write(&resources.join("Info.plist"), info(slice, &parts.version).as_bytes())?;
    write(&resources.join("PrivacyInfo.xcprivacy"), parts.privacy.as_bytes())?;
    if let Some(library) = library {
        let bytes = fs::read(library).map_err(|source| Failure::io(library, source))?;
        write(&inside.join(NAME), &bytes)?;
    }
    if versioned {
        link("A", &framework.join("Versions/Current"))?;
        for name in [NAME, "Headers", "Modules", "Resources"] {
            link(&format!("Versions/Current/{name}"), &framework.join(name))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(to: &str, at: &Path) -> Result<(), Failure> {
    std::os::unix::fs::symlink(to, at).map_err(|source| Failure::io(at, source))
}

#[cfg(not(unix))]
fn link(_: &str, at: &Path) -> Result<(), Failure> {
    Err(Failure::Unavailable(format!(
        "{}: a link cannot be made here",
        at.display()
    )))
}

/// A framework's Info.plist.
fn info(slice: &Slice, version: &str) -> String {
    let (_, oldest) = slice.oldest;
    let oldest_key = if slice.platform == "macos" {
        "LSMinimumSystemVersion"
    } else {
        "MinimumOSVersion"
    };
    plist(&[
        pair("CFBundleDevelopmentRegion", "en"),
        pair("CFBundleExecutable", NAME),
        pair("CFBundleIdentifier", "health.curo.ffi"),
        pair("CFBundleInfoDictionaryVersion", "6.0"),
        pair("CFBundleName", NAME),
        pair("CFBundlePackageType", "FMWK"),
        pair("CFBundleShortVersionString", version),
        format!("<key>CFBundleSupportedPlatforms</key>\n{}", array(&[slice.supported])),
        pair("CFBundleVersion", version),
        pair(oldest_key, oldest),
    ])
}

/// The XCFramework's Info.plist.
pub(super) fn bundle_info() -> String {
    let slices: Vec<_> = SLICES.iter().map(slice_info).collect();
    plist(&[
        format!("<key>AvailableLibraries</key>\n<array>\n{}</array>\n", slices.concat()),
        pair("CFBundlePackageType", "XFWK"),
        pair("XCFrameworkFormatVersion", "1.0"),
    ])
}

fn slice_info(slice: &Slice) -> String {
    let binary = match slice.platform {
        "macos" => format!("{NAME}.framework/Versions/A/{NAME}"),
        _ => format!("{NAME}.framework/{NAME}"),
    };
    let variant = slice.variant.map(|variant| pair("SupportedPlatformVariant", variant));
    [
        "<dict>\n".to_owned(),
        pair("BinaryPath", &binary),
        pair("LibraryIdentifier", slice.name),
        pair("LibraryPath", &format!("{NAME}.framework")),
        format!("<key>SupportedArchitectures</key>\n{}", array(slice.architectures)),
        pair("SupportedPlatform", slice.platform),
        variant.unwrap_or_default(),
        "</dict>\n".to_owned(),
    ]
    .concat()
}

fn pair(key: &str, value: &str) -> String {
    format!("<key>{key}</key>\n<string>{value}</string>\n")
}

fn array(values: &[&str]) -> String {
    let values: Vec<_> = values
        .iter()
        .map(|value| format!("<string>{value}</string>\n"))
        .collect();
    format!("<array>\n{}</array>\n", values.concat())
}

fn plist(pairs: &[String]) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n{}</dict>\n</plist>\n",
        pairs.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slice_is_listed_with_its_library() {
        let info = bundle_info();
        for slice in &SLICES {
            assert!(info.contains(&pair("LibraryIdentifier", slice.name)), "{}", slice.name);
        }
        assert_eq!(info.matches("<key>BinaryPath</key>").count(), SLICES.len());
        assert_eq!(info.matches(&pair("SupportedPlatformVariant", "simulator")).count(), 1);
        assert_eq!(info.matches("<dict>").count(), info.matches("</dict>").count());
    }

    #[test]
    fn a_framework_says_the_oldest_system() {
        for slice in &SLICES {
            let (_, oldest) = slice.oldest;
            assert!(info(slice, "1.2.3").contains(&format!("<string>{oldest}</string>")));
            assert!(info(slice, "1.2.3").contains(&pair("CFBundleShortVersionString", "1.2.3")));
        }
    }
}
