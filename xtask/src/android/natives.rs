//! The native library for each kind of Android device, where an NDK can compile it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::run;
use crate::workspace::Workspace;

use super::{Layout, fresh};

/// What Android calls the processors that apps are made for.
pub(super) const ABIS: [&str; 3] = ["arm64-v8a", "armeabi-v7a", "x86_64"];
/// The library's file, as JNA looks for it.
pub(super) const LIBRARY: &str = "libcuro_ffi.so";
/// Where an NDK is told to be.
const NDK: [&str; 3] = ["ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "NDK_HOME"];
/// Android 8.0.
const MIN_SDK: &str = "26";

/// What was compiled.
pub(super) struct Natives {
    /// A folder with one for each ABI; none where there is no NDK.
    pub(super) folder: Option<PathBuf>,
    /// The same with symbols, for us.
    pub(super) symbols: Option<PathBuf>,
}

impl Natives {
    /// What an app may expect of them, for people.
    pub(super) fn told(&self) -> String {
        if self.folder.is_some() {
            return format!("native library for {}", ABIS.join(", "));
        }
        format!(
            "NO NATIVE LIBRARY: there is no NDK here ({}), so this AAR has everything but jni/<abi>/{LIBRARY}. No app can run with it.",
            NDK.join(", ")
        )
    }
}

/// Compiles the library for all ABIs by cargo-ndk, without symbols. Where there is no NDK, nothing; half of one is a failure.
pub(super) fn build(workspace: &Workspace, layout: &Layout) -> Result<Natives, Failure> {
    let Some(ndk) = search(|name| std::env::var_os(name)) else {
        return Ok(Natives {
            folder: None,
            symbols: None,
        });
    };
    let folder = layout.target.join("jni");
    fresh(&folder)?;
    let mut cargo = workspace.cargo(ndk_args(&folder));
    cargo.env("ANDROID_NDK_HOME", &ndk);
    run::run(&mut cargo)?;
    // The symbols stay with us, to make sense of a crash; apps get none.
    let symbols = layout.target.join("native-symbols");
    fresh(&symbols)?;
    for abi in ABIS {
        let library = folder.join(abi).join(LIBRARY);
        super::copy(&library, &symbols.join(abi).join(LIBRARY))?;
        run::run(Command::new(strip(&ndk)?).arg("--strip-unneeded").arg(&library))?;
    }
    Ok(Natives {
        folder: Some(folder),
        symbols: Some(symbols),
    })
}

fn ndk_args(folder: &Path) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["ndk".into()];
    for abi in ABIS {
        args.extend(["--target".into(), abi.into()]);
    }
    args.extend([
        "--platform".into(),
        MIN_SDK.into(),
        "--output-dir".into(),
        folder.into(),
    ]);
    args.extend(["build", "--release", "--locked", "--package", "curo-ffi"].map(Into::into));
    args
}

/// The NDK: the first folder that is there of those that the environment names.
fn search(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    NDK.iter()
        .filter_map(|name| variable(name).map(PathBuf::from))
        .find(|folder| folder.is_dir())
}

/// The NDK's own program: the machine's does not know all processors.
fn strip(ndk: &Path) -> Result<PathBuf, Failure> {
    let hosts = ndk.join("toolchains/llvm/prebuilt");
    let failed = |source| Failure::io(&hosts, source);
    for host in std::fs::read_dir(&hosts).map_err(failed)? {
        let program = host.map_err(failed)?.path().join("bin/llvm-strip");
        if program.is_file() {
            return Ok(program);
        }
    }
    Err(Failure::malformed(hosts.display().to_string(), "no llvm-strip in it"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::super::write;
    use super::*;

    #[test]
    fn the_first_folder_that_is_there_is_the_ndk() {
        let dir = tempfile::tempdir().unwrap();
        let (here, file) = (dir.path().to_path_buf(), dir.path().join("file"));
        write(&file, "x").unwrap();
        let named = |of: [Option<&Path>; 3]| {
            let of = of.map(|path| path.map(|path| path.as_os_str().to_owned()));
            search(move |name| of.get(NDK.iter().position(|known| *known == name)?)?.clone())
        };
        assert_eq!(named([None, None, None]), None);
        assert_eq!(named([Some(&file), Some(&dir.path().join("absent")), None]), None);
        assert_eq!(named([Some(&file), None, Some(&here)]), Some(here.clone()));
    }

    #[test]
    fn cargo_ndk_is_asked_for_every_kind_of_device_and_the_oldest_android() {
        let args: Vec<_> = ndk_args(Path::new("/out"))
            .into_iter()
            .map(|arg| arg.into_string().unwrap())
            .collect();
        let whole = "ndk --target arm64-v8a --target armeabi-v7a --target x86_64 --platform 26 --output-dir /out \
                     build --release --locked --package curo-ffi";
        assert_eq!(args.join(" "), whole);
        // As the manifest says.
        let workspace = Workspace::find().unwrap();
        let manifest = workspace.read("android/platform/src/main/AndroidManifest.xml").unwrap();
        assert!(manifest.contains(&format!("android:minSdkVersion=\"{MIN_SDK}\"")));
    }

    #[test]
    fn the_ndks_own_program_strips() {
        let dir = tempfile::tempdir().unwrap();
        strip(dir.path()).unwrap_err();
        let host = dir.path().join("toolchains/llvm/prebuilt/linux-x86_64");
        write(&host.join("bin/llvm-nm"), "").unwrap();
        strip(dir.path()).unwrap_err();
        let program = host.join("bin/llvm-strip");
        write(&program, "").unwrap();
        assert_eq!(strip(dir.path()).unwrap(), program);
    }

    #[test]
    fn people_are_told_when_there_is_none() {
        let none = Natives {
            folder: None,
            symbols: None,
        };
        assert!(none.told().starts_with("NO NATIVE LIBRARY") && none.told().contains("ANDROID_NDK_HOME"));
        let some = Natives {
            folder: Some(PathBuf::from("jni")),
            symbols: Some(PathBuf::from("symbols")),
        };
        assert_eq!(some.told(), "native library for arm64-v8a, armeabi-v7a, x86_64");
    }
}
