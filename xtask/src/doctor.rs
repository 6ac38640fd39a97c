//! Tools that a build needs outside cargo, and getting them. Knows no suite and no crate.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::run;
use crate::workspace::{Workspace, is_ci};

/// Something on the machine that a task needs.
pub(crate) struct Tool {
    /// What people call it.
    pub(crate) name: &'static str,
    /// Why it is needed.
    pub(crate) why: &'static str,
    /// A command that succeeds only where the tool is usable.
    pub(crate) probe: &'static [&'static str],
    /// Debian packages that bring it.
    pub(crate) debian: &'static [&'static str],
}

/// What building the Rust workspace needs: SQLCipher and its OpenSSL are compiled from source.
pub(crate) const RUST_TOOLS: &[Tool] = &[
    Tool {
        name: "C compiler with headers",
        why: "compiles SQLCipher, OpenSSL and ring; links",
        probe: &["cc", "-E", "-include", "stdlib.h", "-x", "c", "/dev/null"],
        debian: &["gcc", "libc6-dev"],
    },
    Tool {
        name: "make",
        why: "builds OpenSSL",
        probe: &["make", "--version"],
        debian: &["make"],
    },
    Tool {
        // Debian's perl-base is not enough: OpenSSL's Configure loads these modules.
        name: "Perl with its core modules",
        why: "configures OpenSSL",
        probe: &[
            "perl",
            "-MFindBin",
            "-MIPC::Cmd",
            "-MFile::Compare",
            "-MFile::Copy",
            "-e",
            "1",
        ],
        debian: &["perl"],
    },
];

/// What the Kotlin tests need. What they are made of, Kotlin's compiler included, Maven fetches.
pub(crate) const KOTLIN_TOOLS: &[Tool] = &[
    Tool {
        name: "Java, 17 or later",
        why: "runs Maven, Kotlin's compiler and the Kotlin tests",
        probe: &["javac", "--release", "17", "-version"],
        debian: &["openjdk-17-jdk-headless"],
    },
    Tool {
        name: "Maven",
        why: "builds the Kotlin side",
        probe: &["mvn", "--version"],
        debian: &["maven"],
    },
];

/// What checking the AAR needs beside a JDK and Maven.
pub(crate) const ANDROID_TOOLS: &[Tool] = &[
    Tool {
        name: "aapt2",
        why: "reads the manifest and the resources as an app's build does",
        probe: &["aapt2", "version"],
        debian: &["aapt"],
    },
    Tool {
        name: "Android's own resources",
        why: "the names that a manifest may use",
        probe: &["test", "-f", "/usr/share/android-framework-res/framework-res.apk"],
        debian: &["android-framework-res"],
    },
];

/// What the scenarios need beside the platforms' own tools.
pub(crate) const QA_TOOLS: &[Tool] = &[Tool {
    name: "libfaketime",
    why: "turns the clock of one app, in the scenarios",
    probe: &["sh", "-c", "ls /usr/lib/*/faketime/libfaketimeMT.so.1"],
    debian: &["libfaketime"],
}];

/// What reads bytecode of Android.
pub(crate) const DEX_TOOLS: &[Tool] = &[Tool {
    name: "dexdump",
    why: "reads the bytecode of Android that the library becomes",
    probe: &["sh", "-c", "command -v dexdump"],
    debian: &["dexdump"],
}];

/// What some task needs. Those of other languages than Rust are needed by their own tests only.
const ALL_TOOLS: &[&[Tool]] = &[RUST_TOOLS, KOTLIN_TOOLS, ANDROID_TOOLS, DEX_TOOLS, QA_TOOLS];

impl Tool {
    /// Whether the tool works here.
    pub(crate) fn is_present(&self) -> bool {
        let [program, args @ ..] = self.probe else {
            return false;
        };
        Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// The tools of `wanted` that do not work here.
pub(crate) fn missing(wanted: &'static [Tool]) -> Vec<&'static Tool> {
    wanted.iter().filter(|tool| !tool.is_present()).collect()
}

/// Reports on every tool, installs what is missing where it can, fails if something stays missing.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    for tool in ALL_TOOLS.iter().copied().flatten() {
        let state = if tool.is_present() { "ok     " } else { "MISSING" };
        println!("{state}  {} ({})", tool.name, tool.why);
    }
    let compiler = compiler_differs(workspace)?;
    match &compiler {
        None => println!("ok       Rust compiler (the pinned version)"),
        Some(difference) => println!("DIFFERS  {difference}"),
    }
    get(ALL_TOOLS)?;
    match compiler {
        Some(difference) if is_ci() => Err(Failure::Check(difference)),
        _ => Ok(()),
    }
}

/// Installs what the build of the Rust workspace misses, on Debian as root; elsewhere says what is missing and how it is called.
pub(crate) fn prepare(_workspace: &Workspace) -> Result<(), Failure> {
    get(&[RUST_TOOLS])
}

/// The same for these tools.
pub(crate) fn need(tools: &'static [Tool]) -> Result<(), Failure> {
    get(&[tools])
}

fn get(wanted: &[&'static [Tool]]) -> Result<(), Failure> {
    let missing_of = || wanted.iter().copied().flat_map(missing).collect::<Vec<_>>();
    let missing_now = missing_of();
    if missing_now.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing_now.iter().flat_map(|tool| tool.debian).copied().collect();
    if can_install() {
        eprintln!("Installing {}.", packages.join(", "));
        run::run(apt_get().arg("update"))?;
        run::run(
            apt_get()
                .args(["install", "-y", "--no-install-recommends"])
                .args(&packages),
        )?;
    }
    let still = missing_of();
    if still.is_empty() {
        return Ok(());
    }
    for tool in &still {
        eprintln!("missing: {}: {}", tool.name, tool.why);
    }
    Err(Failure::Check(format!(
        "tools are missing; on Debian or Ubuntu: apt-get install {}",
        packages.join(" ")
    )))
}

/// The channel in `rust-toolchain.toml`.
pub(crate) fn pinned_channel(toolchain: &str) -> Result<String, Failure> {
    let file = "rust-toolchain.toml";
    let table: toml::Table = toml::from_str(toolchain).map_err(|error| Failure::malformed(file, error))?;
    table
        .get("toolchain")
        .and_then(|toolchain| toolchain.get("channel"))
        .and_then(toml::Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| Failure::malformed(file, "no toolchain.channel"))
}

/// How the compiler in use differs from the pinned one. Rustup follows the pin, others do not.
fn compiler_differs(workspace: &Workspace) -> Result<Option<String>, Failure> {
    let pinned = pinned_channel(&workspace.read("rust-toolchain.toml")?)?;
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = run::output(Command::new(rustc).arg("--version").current_dir(workspace.root()))?;
    let used = version.split_whitespace().nth(1).unwrap_or_default();
    Ok((used != pinned)
        .then(|| format!("Rust compiler is {used}, rust-toolchain.toml pins {pinned}: use rustup, or that version")))
}

fn can_install() -> bool {
    Path::new("/etc/debian_version").exists()
        && Command::new("apt-get")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok()
        && run::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_present_only_if_its_probe_succeeds() {
        let tool = |probe| Tool {
            name: "t",
            why: "",
            probe,
            debian: &[],
        };
        assert!(tool(&["true"]).is_present());
        assert!(!tool(&["false"]).is_present(), "there, but not usable");
        assert!(!tool(&["no-such-program-of-curo"]).is_present());
    }

    #[test]
    fn the_pin_is_read() {
        assert_eq!(pinned_channel("[toolchain]\nchannel = \"1.2.3\"").unwrap(), "1.2.3");
        assert!(pinned_channel("[toolchain]").is_err());
        assert!(pinned_channel("channel =").is_err());
    }
}
