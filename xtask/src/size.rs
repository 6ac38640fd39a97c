//! `cargo xtask size`: how large the library is that apps get, what in it takes the room, and whether that is within the
//! budget of `policy/size.toml`.

mod archives;
mod attribution;
mod budget;
mod owner;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::Message;
use serde_json::json;

use crate::bindings;
use crate::failure::Failure;
use crate::run;
use crate::workspace::Workspace;

use budget::Budget;

const PACKAGE: &str = "curo-ffi";
const LIBRARY: &str = "curo_ffi";
const BUDGETS: &str = "policy/size.toml";
/// Rows of the table; what is less is told as one.
const ROWS: usize = 30;

/// The library as apps get it.
pub(crate) struct Library {
    /// Without symbols.
    pub(crate) stripped: PathBuf,
    whole: PathBuf,
    bytes: u64,
    /// Names of C functions and what has brought them in.
    foreign: BTreeMap<String, String>,
}

/// Builds the library for this machine in the release profile, by itself as for apps: whatever else is built with it could
/// turn on more features of what it depends on.
pub(crate) fn library(workspace: &Workspace) -> Result<Library, Failure> {
    let mut cargo = workspace.cargo(["build", "--release", "--locked", "--package", PACKAGE]);
    cargo.arg("--message-format=json-render-diagnostics");
    let (mut whole, mut folders) = (None, Vec::new());
    run::run_lines(&mut cargo, |line| match Message::parse_stream(line.as_bytes()).next() {
        Some(Ok(Message::CompilerArtifact(artifact))) if artifact.target.name == LIBRARY => {
            let mut files = artifact.filenames.into_iter();
            whole = files.find(|file| file.extension() == Some(std::env::consts::DLL_EXTENSION));
        }
        Some(Ok(Message::BuildScriptExecuted(script))) => folders.push((
            archives::package(&script.package_id.repr).to_owned(),
            script
                .linked_paths
                .iter()
                .map(|path| archives::folder(path.as_str()))
                .collect::<Vec<_>>(),
        )),
        _ => {}
    })?;
    let whole = PathBuf::from(whole.ok_or_else(|| Failure::malformed("cargo build", "no library was reported"))?);
    let folder = bindings::target(workspace).join("size");
    fs::create_dir_all(&folder).map_err(|source| Failure::io(&folder, source))?;
    let stripped = folder.join(whole.file_name().unwrap_or(whole.as_os_str()));
    fs::copy(&whole, &stripped).map_err(|source| Failure::io(&stripped, source))?;
    run::run(Command::new("strip").arg("--strip-unneeded").arg(&stripped))?;
    let bytes = fs::metadata(&stripped)
        .map_err(|source| Failure::io(&stripped, source))?
        .len();
    Ok(Library {
        stripped,
        whole,
        bytes,
        foreign: archives::symbols(&folders)?,
    })
}

impl Library {
    /// Its size as a line of the bench, the budget as the limit.
    pub(crate) fn figure(&self, workspace: &Workspace) -> Result<String, Failure> {
        let limit = Budget::of_this_machine(&workspace.read(BUDGETS)?)?.bytes;
        let line = json!({
            "name": "library_size",
            "value": self.bytes,
            "unit": "bytes",
            "limit": limit,
            "ratio": budget::thousandths(limit, self.bytes),
        });
        Ok(line.to_string())
    }
}

/// Builds, says what takes the room, and fails over budget.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let budget = Budget::of_this_machine(&workspace.read(BUDGETS)?)?;
    let library = library(workspace)?;
    print(&library)?;
    println!("{}", library.figure(workspace)?);
    budget.check(library.bytes)
}

fn print(library: &Library) -> Result<(), Failure> {
    let rows = attribution::rows(&bytes(&library.whole)?, library.bytes, &library.foreign)?;
    let line = |bytes: u64, name: &str| {
        let share = budget::thousandths(bytes * 100, library.bytes);
        println!("{bytes:>12} {share:>5.1} % {name}");
    };
    for row in rows.iter().take(ROWS) {
        line(row.bytes, &row.name);
    }
    let rest = rows.get(ROWS..).unwrap_or_default();
    if !rest.is_empty() {
        line(
            rest.iter().map(|row| row.bytes).sum(),
            &format!("{} others", rest.len()),
        );
    }
    line(library.bytes, "the library, stripped");
    Ok(())
}

fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|source| Failure::io(path, source))
}
