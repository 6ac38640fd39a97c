//! `cargo xtask lines`: keeps source files about one thing by keeping them short. Knows Rust only.
//!
//! Counted are all lines before a trailing `#[cfg(test)] mod tests`. Files that hold only tests
//! (`tests.rs`, and a crate's `tests/` folder) are listed above the limit but never fail.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::workspace::{Workspace, read};

/// Above this a file should say in its first comment why it is so long.
const EXPLAIN: usize = 300;
/// Above this it must be split.
const LIMIT: usize = 500;

struct Measured {
    path: PathBuf,
    lines: usize,
    only_tests: bool,
}

/// Prints the long files, longest first; fails if one is over the limit.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let mut files = Vec::new();
    collect(workspace.root(), workspace.root(), false, &mut files)?;
    let measured = files.len();
    let over = report(files);
    if over > 0 {
        return Err(Failure::Check(format!(
            "files over {LIMIT} lines: {over}; split them by concept"
        )));
    }
    println!("lines: {measured} files, none over {LIMIT} lines without tests");
    Ok(())
}

fn report(mut files: Vec<Measured>) -> usize {
    files.retain(|file| file.lines > if file.only_tests { LIMIT } else { EXPLAIN });
    files.sort_by(|a, b| b.lines.cmp(&a.lines).then_with(|| a.path.cmp(&b.path)));
    let mut over = 0;
    for Measured {
        path,
        lines,
        only_tests,
    } in &files
    {
        let note = match (only_tests, *lines > LIMIT) {
            (true, _) => "only tests",
            (false, true) => "OVER THE LIMIT",
            (false, false) => "long",
        };
        over += usize::from(note == "OVER THE LIMIT");
        println!("{lines:5}  {}  ({note})", path.display());
    }
    over
}

fn collect(root: &Path, folder: &Path, only_tests: bool, files: &mut Vec<Measured>) -> Result<(), Failure> {
    let failure = |source| Failure::Read {
        path: folder.to_path_buf(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(failure)? {
        let entry = entry.map_err(failure)?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // The type of the entry itself: links are not followed, so this ends.
        let kind = entry.file_type().map_err(failure)?;
        if kind.is_dir() {
            if name != "target" && !name.starts_with('.') {
                // The root's own `tests` folder holds crates, a crate's holds integration tests.
                let integration = name == "tests" && folder != root && folder.join("Cargo.toml").is_file();
                collect(root, &path, only_tests || integration, files)?;
            }
        } else if kind.is_file() && name.ends_with(".rs") {
            files.push(Measured {
                lines: without_tests(&read(&path)?),
                path: path.strip_prefix(root).unwrap_or(&path).to_path_buf(),
                only_tests: only_tests || name == "tests.rs",
            });
        }
    }
    Ok(())
}

/// Number of lines before the trailing test module, or all if there is none.
fn without_tests(text: &str) -> usize {
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    // Clippy's `items_after_test_module` keeps this module last.
    let Some(module) = lines.iter().rposition(|line| *line == "mod tests {") else {
        return lines.len();
    };
    let attributes = lines
        .iter()
        .take(module)
        .rposition(|line| line.starts_with("#[cfg(") && line.contains("test"));
    match attributes {
        // Between the two stand attributes and comments; an empty line means something else.
        Some(start) if lines.iter().take(module).skip(start).all(|line| !line.is_empty()) => start,
        _ => lines.len(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    const TESTS: &str = "#[cfg(test)]\n#[allow(\n    clippy::unwrap_used,\n    reason = \"tests\"\n)]\nmod tests {\n    #[test]\n    fn t() {}\n}\n";

    #[test]
    fn the_trailing_test_module_does_not_count() {
        assert_eq!(without_tests(&format!("fn a() {{}}\n\n{TESTS}")), 2);
        assert_eq!(without_tests("#[cfg(test)]\nmod tests {\n}\n"), 0);
        assert_eq!(without_tests("a\n#[cfg(all(test, unix))]\nmod tests {\n}\n"), 1);
    }

    #[test]
    fn everything_else_counts() {
        assert_eq!(without_tests("fn a() {}\nfn b() {}\n"), 2);
        assert_eq!(
            without_tests("mod tests {\n}\n"),
            2,
            "not a test module: it is always compiled"
        );
        assert_eq!(without_tests("#[cfg(test)]\nuse a;\n\nmod tests {\n}\n"), 5);
        assert_eq!(without_tests(""), 0);
    }

    #[test]
    fn long_files_fail_unless_they_are_tests() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, lines: usize| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "//\n".repeat(lines)).unwrap();
        };
        let workspace = Workspace::at(folder.path());
        put("tests/kit/Cargo.toml", 1);
        put("tests/kit/src/lib.rs", LIMIT);
        put("tests/kit/tests/all.rs", LIMIT + 1);
        put("tests/kit/src/a/tests.rs", LIMIT + 1);
        put("target/debug/generated.rs", LIMIT + 1);
        put("notes.txt", LIMIT + 1);
        run(&workspace).unwrap();

        put("tests/kit/src/lib.rs", LIMIT + 1);
        let failure = run(&workspace).unwrap_err();
        assert!(failure.to_string().contains("lines: 1;"), "{failure}");
    }
}
