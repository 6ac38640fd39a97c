//! `cargo xtask android`: the AAR, checked, and a Maven repository that an app's build consumes.
//!
//! Knows the order. Everything is below `target/android`, beside what Maven makes there.

mod aar;
mod archive;
mod check;
mod classes;
mod consumer;
mod dex;
mod docs;
mod elf;
mod natives;
mod release;
mod repository;
mod shrunk;
mod symbols;
mod testing;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::workspace::Workspace;
use crate::{bindings, doctor};

use natives::Natives;
use release::Release;
use repository::Made;
use tools::Tools;

/// Where things lie.
pub(crate) struct Layout {
    /// Sources: Maven's parent, with a folder for each module.
    sources: PathBuf,
    /// What is made.
    target: PathBuf,
}

impl Layout {
    fn of(workspace: &Workspace) -> Self {
        Self {
            sources: workspace.root().join("android"),
            target: workspace.root().join("target/android"),
        }
    }

    /// The Android module's sources that are no Kotlin: manifest, resources.
    fn android(&self) -> PathBuf {
        self.sources.join("platform/src/main")
    }
}

/// What was compiled for this machine.
pub(crate) struct Host {
    /// The library.
    pub(crate) library: PathBuf,
    /// A relay in a process of its own.
    pub(crate) loopback: PathBuf,
}

/// Makes and checks everything, with what cargo builds for this machine.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let built = bindings::build(workspace)?;
    run_with(
        workspace,
        &Host {
            library: built.library,
            loopback: built.loopback,
        },
    )
}

/// The same with what is there.
pub(crate) fn run_with(workspace: &Workspace, host: &Host) -> Result<(), Failure> {
    doctor::need(doctor::KOTLIN_TOOLS)?;
    let layout = Layout::of(workspace);
    classes::compile(&layout)?;
    let release = Release::read(&layout)?;
    let natives = natives::build(workspace, &layout)?;
    let aar = aar::build(&layout, &natives, &layout.target.join("aar"))?;
    reproduces(&layout, &natives, &aar)?;
    let contents = check::aar(&layout, &aar)?;
    let made = Made {
        aar: &aar,
        natives: &natives,
        testing: &testing::build(&layout, host)?,
    };
    let repository = repository::publish(&layout, &release, &made)?;
    consumer::prove(&layout, &release, &repository.folder)?;
    let tools = Tools::get(&layout)?;
    shrunk::prove(&layout, &tools, &aar)?;
    let classes = files(&layout.target.join("checked/classes"))?;
    let dexed = dex::check(
        &layout,
        &tools,
        &aar.with_file_name("stage").join("classes.jar"),
        &classes,
    )?;
    println!("{}:", shown(workspace, &aar));
    for (name, size) in contents {
        println!("{size:>9}  {name}");
    }
    println!("Maven repository {}:", shown(workspace, &repository.folder));
    for file in repository.files {
        println!("           {file}");
    }
    println!("{dexed}");
    println!("{}", natives.told());
    Ok(())
}

/// Makes the AAR again: the same bytes, or nobody can tell what a released one was made of.
fn reproduces(layout: &Layout, natives: &Natives, aar: &Path) -> Result<(), Failure> {
    let again = aar::build(layout, natives, &layout.target.join("aar-again"))?;
    if bytes(aar)? == bytes(&again)? {
        return Ok(());
    }
    Err(Failure::Check(format!(
        "{} and {} are made of the same files and differ",
        aar.display(),
        again.display()
    )))
}

fn shown(workspace: &Workspace, path: &Path) -> String {
    path.strip_prefix(workspace.root())
        .unwrap_or(path)
        .display()
        .to_string()
}

fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|source| Failure::io(path, source))
}

fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|source| Failure::io(folder, source))?;
    }
    fs::write(path, contents).map_err(|source| Failure::io(path, source))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    write(to, bytes(from)?)
}

/// An empty folder, whatever was there before.
fn fresh(folder: &Path) -> Result<(), Failure> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|source| Failure::io(folder, source))?;
    }
    fs::create_dir_all(folder).map_err(|source| Failure::io(folder, source))
}

/// All files below a folder, by their paths from it, in the order of their names; none where there is no folder.
fn files(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    if folder.is_dir() {
        collect(folder, "", &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<String>) -> Result<(), Failure> {
    let failed = |source| Failure::io(folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.push(name);
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn files_are_listed_in_their_order() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b", "a/z", "a.b", "a/c/d"] {
            write(&dir.path().join(name), "x").unwrap();
        }
        assert_eq!(files(dir.path()).unwrap(), ["a.b", "a/c/d", "a/z", "b"]);
        assert!(files(&dir.path().join("absent")).unwrap().is_empty());
    }
}
