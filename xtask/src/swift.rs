//! The Swift tests, on Linux, and what is public in Swift. Knows where Swift comes from and how it is called, and nothing of what
//! the tests test.

mod apple;
mod surface;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::bindings;
use crate::failure::Failure;
use crate::ios;
use crate::run;
use crate::suites::Selection;
use crate::workspace::Workspace;

/// Another folder for the chroot with Swift, so that several clones share one.
const ROOT: &str = "CURO_SWIFT_ROOT";
const SCRIPT: &str = "ios/scripts/swift-linux.sh";
/// Where Debian keeps this part of the compiler: in no `PATH`.
const EXTRACT: &str = "/usr/libexec/swift/bin/swift-symbolgraph-extract";

/// What the compiler may take for one step without a word, and what a test may take: no test comes near it, on a starved machine
/// either, and one that hangs forever ends the suite with its name.
const COMPILING: Duration = Duration::from_secs(20 * 60);
const TESTING: Duration = Duration::from_secs(5 * 60);

/// Compiles the package `ios` and its tests, runs them against the host's library and a relay on this machine, and compares what
/// is public with `ios/api.txt`.
pub(crate) fn test(workspace: &Workspace, _: &Selection) -> Result<String, Failure> {
    let built = bindings::build(workspace)?;
    let package = Package::new(workspace, &built.library)?;
    let ran = package.test(&built.loopback)?;
    surface::check(workspace, &package.symbols()?)?;
    package.reads_distribution(workspace)?;
    Ok(format!("{ran} tests"))
}

/// Writes `ios/api.txt` anew, for the author of a change to read and to commit.
pub(crate) fn renew_api(workspace: &Workspace) -> Result<(), Failure> {
    let built = bindings::build(workspace)?;
    let package = Package::new(workspace, &built.library)?;
    package.build()?;
    surface::renew(workspace, &package.symbols()?)
}

/// The package `ios` in the chroot.
struct Package {
    swift: Swift,
    ios: PathBuf,
    /// Where the host's library lies.
    libraries: PathBuf,
    scratch: String,
}

impl Package {
    fn new(workspace: &Workspace, library: &Path) -> Result<Self, Failure> {
        let swift = Swift::get(workspace)?;
        let scratch = scratch(workspace, "ios");
        Ok(Self {
            swift,
            ios: workspace.root().join("ios"),
            libraries: library.parent().unwrap_or(library).to_path_buf(),
            scratch,
        })
    }

    fn command(&self) -> Command {
        self.swift.command(&self.ios, &self.libraries)
    }

    fn build(&self) -> Result<(), Failure> {
        let mut build = self.command();
        build.args(["swift", "build", "--build-tests", "--scratch-path", &self.scratch]);
        run::run_lines_within(&mut build, COMPILING, |line| println!("{line}"))
    }

    /// Runs the tests; how many there were.
    fn test(&self, loopback: &Path) -> Result<usize, Failure> {
        let loopback = shown(&self.libraries, loopback)?;
        self.build()?;
        let mut tests = self.command();
        tests.arg("env").arg(format!("CURO_LOOPBACK={loopback}")).args([
            // Into a pipe XCTest writes only when it has much to say: nobody would know which test hangs.
            "stdbuf",
            "-oL",
            "swift",
            "test",
            "--skip-build",
            "--scratch-path",
            &self.scratch,
        ]);
        let mut tally = Tally::default();
        let ended = run::run_lines_within(&mut tests, TESTING, |line| {
            println!("{line}");
            tally.note(line);
        });
        match ended {
            Err(Failure::Silent { time, .. }) => Err(Failure::Check(format!(
                "{} has hung: nothing was heard of it for {time}",
                tally.begun.as_deref().unwrap_or("no test had begun, and `swift test`")
            ))),
            Err(other) => Err(other),
            Ok(()) if tally.passed == 0 => Err(Failure::Check("not one Swift test ran".to_owned())),
            Ok(()) => Ok(tally.passed),
        }
    }

    /// Whether SwiftPM understands the manifest that apps get, as it will on a Mac.
    fn reads_distribution(&self, workspace: &Workspace) -> Result<(), Failure> {
        let sum = "0".repeat(64);
        let made = ios::manifest(
            &workspace.read("ios/Package.swift")?,
            "https://example.invalid/c.zip",
            &sum,
        )?;
        let folder = bindings::target(workspace).join("ios-manifest");
        let file = folder.join("Package.swift");
        fs::create_dir_all(&folder).map_err(|source| Failure::io(&folder, source))?;
        // The half for Apple's platforms, though this is Linux.
        fs::write(&file, made.replace("#if os(Linux)", "#if os(Windows)"))
            .map_err(|source| Failure::io(&file, source))?;
        let mut read = self.swift.command(&folder, &self.libraries);
        let told = run::output(read.args(["swift", "package", "dump-package"]))?;
        match told.contains(&sum) {
            true => Ok(()),
            false => Err(Failure::Check(
                "SwiftPM finds no archive in the package for apps".to_owned(),
            )),
        }
    }

    /// Asks the compiler what is public in the modules that were built. Gives the folder with its answers.
    fn symbols(&self) -> Result<PathBuf, Failure> {
        let told = run::output(self.command().args(["swiftc", "-print-target-info"]))?;
        let target: surface::TargetInfo =
            serde_json::from_str(&told).map_err(|error| Failure::malformed("swiftc -print-target-info", error))?;
        let inside = format!("{}/symbols", self.scratch);
        let folder = self.swift.root.join(inside.trim_start_matches('/'));
        fs::create_dir_all(&folder).map_err(|source| Failure::io(&folder, source))?;
        for module in surface::MODULES {
            let mut extract = self.command();
            extract.args([EXTRACT, "-module-name", module, "-output-dir", &inside]);
            extract.args(["-target", &target.target.unversioned_triple]);
            extract.args([
                "-I",
                &format!("{}/debug/Modules", self.scratch),
                "-I",
                "Sources/CCuroFFI",
            ]);
            run::run(extract.args(["-minimum-access-level", "public"]))?;
        }
        Ok(folder)
    }
}

/// A folder in the chroot for what SwiftPM builds of a package: clones that share a chroot do not share it, nor do two packages,
/// whose build SwiftPM would take for the other's.
pub(crate) fn scratch(workspace: &Workspace, package: &str) -> String {
    // FNV-1a: the same in every run of every build of this program.
    let path = workspace.root().to_string_lossy();
    let sum = path.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("/root/scratch/{package}-{sum:016x}")
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

/// Where the relay lies in what the chroot shows as `/mnt/lib`: it must be below the library's folder.
fn shown(libraries: &Path, loopback: &Path) -> Result<String, Failure> {
    let below = loopback
        .strip_prefix(libraries)
        .map_err(|error| Failure::malformed(loopback.display().to_string(), error))?;
    Ok(format!("/mnt/lib/{}", below.display()))
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The sum of XCTest, which it tells for each class and each bundle before that of all, and the test that runs.
#[derive(Default)]
struct Tally {
    passed: usize,
    all: bool,
    /// What has begun last and has not ended.
    begun: Option<String>,
}

impl Tally {
    fn note(&mut self, line: &str) {
        if let Some((name, what)) = test_case(line) {
            self.begun = what.starts_with("started").then(|| name.to_owned());
        }
        if line.starts_with("Test Suite '") {
            self.all = line.starts_with("Test Suite 'All tests' passed");
        } else if self.all {
            self.passed = counted(line).unwrap_or(self.passed);
        }
    }
}

/// A test's name and what is said of it: "Test Case 'AppTests.testTurns' started at 2026-11-23 19:50:00.000".
fn test_case(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("Test Case '")?.split_once("' ")
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
    fn the_test_that_hangs_is_known() {
        let mut tally = Tally::default();
        tally.note("Test Case 'AppTests.testTurns' started at 2026-11-23 19:50:00.000");
        assert_eq!(tally.begun.as_deref(), Some("AppTests.testTurns"));
        tally.note("what the test prints");
        assert_eq!(tally.begun.as_deref(), Some("AppTests.testTurns"));
        tally.note("Test Case 'AppTests.testTurns' passed (0.001 seconds)");
        assert_eq!(tally.begun, None);
        tally.note("Test Case 'AppTests.testLocks' started at 2026-11-23 19:50:00.000");
        tally.note("Test Case 'AppTests.testLocks' failed (0.001 seconds)");
        assert_eq!(tally.begun, None);
    }

    #[test]
    fn the_relay_must_lie_where_the_chroot_shows_it() {
        let libraries = Path::new("/t/debug");
        let relay = shown(libraries, Path::new("/t/debug/examples/loopback")).unwrap();
        assert_eq!(relay, "/mnt/lib/examples/loopback");
        shown(libraries, Path::new("/elsewhere/loopback")).unwrap_err();
    }

    #[test]
    fn clones_and_packages_build_in_folders_of_their_own() {
        let folder = |clone: &str, package| scratch(&Workspace::at(Path::new(clone)), package);
        let folders = [
            folder("/a/curo", "ios"),
            folder("/b/curo", "ios"),
            folder("/a/curo", "driver"),
        ];
        assert_eq!(folders.first().unwrap(), &folder("/a/curo", "ios"));
        let different: std::collections::BTreeSet<_> = folders.iter().collect();
        assert_eq!(different.len(), 3);
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
