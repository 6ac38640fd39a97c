//! The native library for each kind of Android device, where an NDK can compile it.

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
    let Some(ndk) = NDK
        .iter()
        .find_map(|name| found(std::env::var_os(name).map(PathBuf::from)))
    else {
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

fn ndk_args(folder: &Path) -> Vec<std::ffi::OsString> {
    let mut args: Vec<std::ffi::OsString> = vec!["ndk".into()];
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

/// The folder, if there is one of this name.
fn found(folder: Option<PathBuf>) -> Option<PathBuf> {
    folder.filter(|folder| folder.is_dir())
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
