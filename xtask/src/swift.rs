//! The Swift tests, on Linux. Knows where Swift comes from and how it is called, and nothing of what they test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::bindings;
use crate::failure::Failure;
use crate::run;
use crate::suites::Selection;
use crate::workspace::Workspace;

/// Another folder for the chroot with Swift, so that several clones share one.
const ROOT: &str = "CURO_SWIFT_ROOT";
const SCRIPT: &str = "ios/scripts/swift-linux.sh";

/// Compiles the package `ios` and its tests, and runs them against the host's library and a relay on this machine.
pub(crate) fn test(workspace: &Workspace, _: &Selection) -> Result<String, Failure> {
    let swift = Swift::get(workspace)?;
    let built = bindings::build(workspace)?;
    let (libraries, loopback) = shown(&built.library, &built.loopback)?;
    let mut tests = swift.command(&workspace.root().join("ios"), &libraries);
    tests
        .arg("env")
        .arg(format!("CURO_LOOPBACK={loopback}"))
        .args(["swift", "test", "--scratch-path", "/root/build"]);
    let mut tally = Tally::default();
    run::run_lines(&mut tests, |line| {
        println!("{line}");
        tally.note(line);
    })?;
    match tally.passed {
        0 => Err(Failure::Check("not one Swift test ran".to_owned())),
        ran => Ok(format!("{ran} tests")),
    }
}

/// Swift for Linux, in a chroot.
pub(crate) struct Swift {
    script: PathBuf,
    /// Where it lies, seen from outside.
    pub(crate) root: PathBuf,
}

impl Swift {
    /// Sets the chroot up where there is none yet.
    pub(crate) fn get(workspace: &Workspace) -> Result<Self, Failure> {
        for needed in ["apt-get", "unshare", "flock"] {
            if !succeeds(Command::new(needed).arg("--version")) {
                return Err(Failure::Unavailable(format!(
                    "Swift is set up on Debian only, with {needed}"
                )));
            }
        }
        if run::output(Command::new("id").arg("-u"))?.trim() != "0" {
            return Err(Failure::Unavailable(
                "only root can set Swift up, in a chroot".to_owned(),
            ));
        }
        let root = std::env::var_os(ROOT)
            .filter(|root| !root.is_empty())
            .map_or_else(|| bindings::target(workspace).join("swift-root"), PathBuf::from);
        let swift = Self {
            script: workspace.root().join(SCRIPT),
            root: std::path::absolute(&root).map_err(|source| Failure::io(&root, source))?,
        };
        run::run(Command::new(&swift.script).arg("setup").arg(&swift.root))
            .map_err(|failure| Failure::Unavailable(failure.to_string()))?;
        Ok(swift)
    }

    /// A command in the chroot, to be given as arguments. It starts in `package`, shown as `/mnt/package`, and finds the
    /// host's library in `libraries`, shown as `/mnt/lib`.
    pub(crate) fn command(&self, package: &Path, libraries: &Path) -> Command {
        let mut command = Command::new(&self.script);
        command.arg("run").arg(&self.root).arg(package).arg(libraries);
        command
    }
}

/// The folder that the chroot shows as `/mnt/lib`, and where the relay lies there: it must be below the library's folder.
fn shown(library: &Path, loopback: &Path) -> Result<(PathBuf, String), Failure> {
    let folder = library.parent().unwrap_or(library);
    let below = loopback
        .strip_prefix(folder)
        .map_err(|error| Failure::malformed(loopback.display().to_string(), error))?;
    Ok((folder.to_path_buf(), format!("/mnt/lib/{}", below.display())))
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The sum of XCTest, which it tells for each class and each bundle before that of all.
#[derive(Default)]
struct Tally {
    passed: usize,
    all: bool,
}

impl Tally {
    fn note(&mut self, line: &str) {
        if line.starts_with("Test Suite '") {
            self.all = line.starts_with("Test Suite 'All tests' passed");
        } else if self.all {
            self.passed = counted(line).unwrap_or(self.passed);
        }
    }
}

/// The number of tests that ran: "Executed 6 tests, with 1 test skipped and 0 failures (0 unexpected) in 0.7 (0.7) seconds".
fn counted(line: &str) -> Option<usize> {
    let told = line.trim_start().strip_prefix("Executed ")?;
    let ran: usize = told.split(' ').next()?.parse().ok()?;
    let skipped = match told.split_once(" skipped") {
        Some((before, _)) => before.rsplit(' ').nth(1)?.parse().ok()?,
        None => 0,
    };
    ran.checked_sub(skipped)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_all_tests_counts_and_no_other() {
        let mut tally = Tally::default();
        for line in [
            "Test Suite 'All tests' started at 2026-11-23 19:50:00.000",
            "Test Suite 'LocalTests' passed at 2026-11-23 19:50:01.000",
            "\t Executed 5 tests, with 0 failures (0 unexpected) in 0.1 (0.1) seconds",
        ] {
            tally.note(line);
            assert_eq!(tally.passed, 0, "{line}");
        }
        tally.note("Test Suite 'All tests' passed at 2026-11-23 19:50:02.000");
        tally.note("\t Executed 6 tests, with 0 failures (0 unexpected) in 0.7 (0.7) seconds");
        // Swift Testing speaks afterwards, also where it has no tests.
        tally.note("✔ Test run with 0 tests passed after 0.001 seconds.");
        assert_eq!(tally.passed, 6);
    }

    #[test]
    fn skipped_tests_have_not_run() {
        let line = |counts| format!("\t Executed {counts} (0 unexpected) in 0.7 (0.7) seconds");
        assert_eq!(counted(&line("1 test, with 0 failures")), Some(1));
        assert_eq!(counted(&line("6 tests, with 1 test skipped and 0 failures")), Some(5));
        assert_eq!(
            counted(&line("12 tests, with 12 tests skipped and 0 failures")),
            Some(0)
        );
        for other in ["", "Executed", "Executed x tests, with 0 failures", "Build complete!"] {
            assert_eq!(counted(other), None, "{other}");
        }
    }

    #[test]
    fn the_relay_must_lie_where_the_chroot_shows_it() {
        let library = Path::new("/t/debug/libcuro_ffi.so");
        let (folder, relay) = shown(library, Path::new("/t/debug/examples/loopback")).unwrap();
        assert_eq!(
            (folder.as_path(), relay.as_str()),
            (Path::new("/t/debug"), "/mnt/lib/examples/loopback")
        );
        shown(library, Path::new("/elsewhere/loopback")).unwrap_err();
    }

    /// The lines between two lines that hold these texts, as far to the left as they go.
    fn between<'text>(text: &'text str, start: &str, end: &str) -> Vec<&'text str> {
        let after = text.lines().skip_while(|line| line.trim() != start).skip(1);
        let lines: Vec<_> = after.take_while(|line| line.trim() != end).collect();
        let filled = lines.iter().filter(|line| !line.is_empty());
        let indent = filled
            .map(|line| line.len() - line.trim_start().len())
            .min()
            .unwrap_or(0);
        lines
            .into_iter()
            .map(|line| line.get(indent..).unwrap_or_default())
            .collect()
    }

    #[test]
    fn the_quick_start_that_is_shown_is_the_one_that_the_tests_run() {
        let workspace = Workspace::find().unwrap();
        let shown = workspace.read("docs/swift.md").unwrap();
        let run = workspace.read("ios/Tests/CuroTests/QuickStartTests.swift").unwrap();
        let shown = between(&shown, "```swift", "```");
        assert_eq!(shown, between(&run, "// quick start", "// end of the quick start"));
        assert!((10..25).contains(&shown.len()), "{} lines", shown.len());
    }
}
