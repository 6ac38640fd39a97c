//! Where the repository is, and how cargo is called in it. Knows no task.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

/// The checked-out repository.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace that this program belongs to, wherever it is called from.
    pub(crate) fn find() -> Result<Self, Failure> {
        // Cargo tells a running program where its crate is now; the compiled-in place is for a
        // direct call of the binary.
        let own = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        match own.parent() {
            Some(root) if root.join("Cargo.lock").is_file() => Ok(Self::at(root)),
            _ => Err(Failure::malformed(
                own.display().to_string(),
                "the workspace is not around this crate; call `cargo xtask` inside the repository",
            )),
        }
    }

    /// The workspace at a known place.
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    /// The directory that holds the root `Cargo.toml`.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A file of the repository as text.
    pub(crate) fn read(&self, relative: &str) -> Result<String, Failure> {
        read(&self.root.join(relative))
    }

    /// Waits until no other task of this workspace makes files below `target`. Held until dropped, or the process ends.
    pub(crate) fn turn(&self) -> Result<fs::File, Failure> {
        let folder = self.root.join("target");
        let path = folder.join("xtask.lock");
        let failed = |source| Failure::io(&path, source);
        fs::create_dir_all(&folder).map_err(failed)?;
        let lock = fs::File::create(&path).map_err(failed)?;
        if lock.try_lock().is_err() {
            eprintln!("xtask: another task is at work in {}; waiting for it", folder.display());
            lock.lock().map_err(failed)?;
        }
        Ok(lock)
    }

    /// `cargo ARGS`, in the root, in the same environment as a call from the shell.
    pub(crate) fn cargo<I>(&self, args: I) -> Command
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(args.into_iter().map(Into::into)).current_dir(&self.root);
        // `cargo run` describes xtask in these. Build scripts that ask cargo to watch them (ring's
        // does) would run again, and all above them, at each change between `cargo` and `cargo xtask`.
        for (name, _) in std::env::vars_os() {
            if is_about_this_crate(&name.to_string_lossy()) {
                command.env_remove(name);
            }
        }
        command
    }
}

/// A file as text.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::Read {
        path: path.to_path_buf(),
        source,
    })
}

/// Whether CI runs us: `CI` is set, and to something else than no.
pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

fn is_about_this_crate(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
        .iter()
        .any(|start| variable.starts_with(start))
        || matches!(variable, "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE" | "OUT_DIR")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn finds_the_repository_around_itself() {
        let workspace = Workspace::find().unwrap();
        assert!(workspace.read("Cargo.toml").unwrap().contains("[workspace]"));
    }

    #[test]
    fn one_task_at_a_time_makes_files() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(dir.path());
        let first = workspace.turn().unwrap();
        let other = fs::File::open(dir.path().join("target/xtask.lock")).unwrap();
        assert!(other.try_lock().is_err());
        drop(first);
        other.lock().unwrap();
    }

    #[test]
    fn only_what_cargo_says_about_xtask_is_withheld() {
        for kept in [
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_JOBS",
            "PATH",
            "RUSTFLAGS",
        ] {
            assert!(!is_about_this_crate(kept), "{kept}");
        }
        for dropped in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_LINKS"] {
            assert!(is_about_this_crate(dropped), "{dropped}");
        }
    }
}
