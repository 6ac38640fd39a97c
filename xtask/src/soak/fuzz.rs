//! Fuzzing: each target for a while, its corpus minimised and merged, what it found named with the way to play it again. Knows
//! cargo-fuzz and libFuzzer; the targets themselves stand in `tests/fuzz`, the programs in `fuzz`.

use std::fs;
use std::path::{Path, PathBuf};

use super::nightly;
use crate::failure::Failure;
use crate::run;
use crate::workspace::Workspace;

/// Bytes that one input may make a target allocate at once, and hold in all, in MiB.
const MALLOC_MIB: u32 = 256;
const RSS_MIB: u32 = 2048;
/// Seconds that one input may take.
const INPUT_SECONDS: u32 = 20;

/// Fuzzes the targets that are named, or all, each for so many minutes; fails at the end if one found something.
pub(crate) fn run(workspace: &Workspace, named: &[String], minutes: u64) -> Result<(), Failure> {
    nightly::needed(true)?;
    let folder = workspace.root().join("fuzz");
    let targets = chosen(known(&folder)?, named)?;
    if named.is_empty() {
        run::run(&mut cargo_fuzz(workspace, &["build".to_owned()]))?;
    }
    for target in named {
        run::run(&mut cargo_fuzz(workspace, &["build".to_owned(), target.clone()]))?;
    }
    let mut found = Vec::new();
    for (number, target) in targets.iter().enumerate() {
        eprintln!(
            "soak: target {} of {}: {target}, {} minutes",
            number + 1,
            targets.len(),
            minutes
        );
        if let Err(failure) = one(workspace, &folder, target, minutes) {
            eprintln!("soak: {target}: {failure}");
            found.push(target.clone());
            tell(&folder, target)?;
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::Check(format!(
        "fuzzing found something in: {}",
        found.join(", ")
    )))
}

/// Fuzzes one target and takes into its corpus what reaches code that nothing in it reaches.
fn one(workspace: &Workspace, folder: &Path, target: &str, minutes: u64) -> Result<(), Failure> {
    // What libFuzzer finds on its way goes beside the checked-in corpus; only what is worth it comes in.
    let (kept, working) = (
        folder.join("corpus").join(target),
        workspace.root().join("target/fuzz").join(target),
    );
    fs::create_dir_all(&working).map_err(|source| Failure::io(&working, source))?;
    let path = |path: &Path| path.display().to_string();
    let limits = [
        format!("-malloc_limit_mb={MALLOC_MIB}"),
        format!("-rss_limit_mb={RSS_MIB}"),
        format!("-timeout={INPUT_SECONDS}"),
    ];
    let start = [
        "run".to_owned(),
        target.to_owned(),
        path(&working),
        path(&kept),
        "--".to_owned(),
    ];
    let how_long = [
        format!("-max_total_time={}", minutes * 60),
        "-print_final_stats=1".to_owned(),
    ];
    let args = [&start[..], &limits, &how_long].concat();
    run::run(&mut cargo_fuzz(workspace, &args))?;
    let merge = [
        "run".to_owned(),
        target.to_owned(),
        path(&kept),
        path(&working),
        "--".to_owned(),
        "-merge=1".to_owned(),
    ];
    run::run(&mut cargo_fuzz(workspace, &[&merge[..], &limits].concat()))
}

/// Names what was found, how to play it again and where to keep it.
fn tell(folder: &Path, target: &str) -> Result<(), Failure> {
    for file in files(&folder.join("artifacts").join(target))? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        eprintln!("soak: found: {}", file.display());
        eprintln!(
            "soak: plays it again: cargo +nightly fuzz run {target} {}",
            file.display()
        );
        eprintln!(
            "soak: makes it small: cargo +nightly fuzz tmin {target} {}",
            file.display()
        );
        eprintln!(
            "soak: once it is mended, keeps it: cp {} fuzz/corpus/{target}/{name}",
            file.display()
        );
    }
    Ok(())
}

fn cargo_fuzz(workspace: &Workspace, args: &[String]) -> std::process::Command {
    let mut command = nightly::cargo(workspace, ["fuzz"]);
    command.args(args);
    command
}

/// Every program, by its file.
fn known(folder: &Path) -> Result<Vec<String>, Failure> {
    let files = files(&folder.join("fuzz_targets"))?;
    let stem = |file: &PathBuf| Some(file.file_stem()?.to_str()?.to_owned());
    Ok(files.iter().filter_map(stem).collect())
}

/// A folder's files in the order of their names; none, if there is no folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let failed = |source| Failure::io(folder, source);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        files.push(entry.map_err(failed)?.path());
    }
    files.sort();
    Ok(files)
}

fn chosen(known: Vec<String>, named: &[String]) -> Result<Vec<String>, Failure> {
    if let Some(unknown) = named.iter().find(|name| !known.contains(name)) {
        return Err(Failure::Check(format!(
            "there is no target {unknown}; there are: {}",
            known.join(", ")
        )));
    }
    Ok(if named.is_empty() { known } else { named.to_vec() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_programs_and_an_unknown_one_is_told() {
        let known = known(&Workspace::find().unwrap().root().join("fuzz")).unwrap();
        assert!(known.contains(&"content".to_owned()) && known.is_sorted(), "{known:?}");
        assert_eq!(chosen(known.clone(), &[]).unwrap(), known);
        let two = ["jwks".to_owned(), "content".to_owned()];
        assert_eq!(chosen(known.clone(), &two).unwrap(), two);
        let refused = chosen(known, &["nothing".to_owned()]).unwrap_err().to_string();
        assert!(refused.contains("there is no target nothing"), "{refused}");
        assert!(refused.contains("content, "), "{refused}");
    }

    #[test]
    fn without_a_folder_there_are_no_files() {
        let dir = tempfile::tempdir().unwrap();
        assert!(files(&dir.path().join("artifacts")).unwrap().is_empty());
        fs::write(dir.path().join("b"), "").unwrap();
        fs::write(dir.path().join("a"), "").unwrap();
        let names: Vec<_> = files(dir.path()).unwrap();
        assert_eq!(names, ["a", "b"].map(|name| dir.path().join(name)));
    }
}
