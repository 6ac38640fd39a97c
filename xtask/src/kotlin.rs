//! The Kotlin tests, on this machine's JVM. Knows how Maven is called, and nothing of what they test.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::bindings;
use crate::failure::Failure;
use crate::run;
use crate::suites::Selection;
use crate::workspace::Workspace;

/// Where the modules' output lies, below the workspace.
pub(crate) const TARGET: &str = "target/android";

/// Compiles the Kotlin of all modules, and runs their tests against the host's library and a relay on this machine.
pub(crate) fn test(workspace: &Workspace, _: &Selection) -> Result<String, Failure> {
    let built = bindings::build(workspace)?;
    let build = Build::begin(workspace)?;
    let mut maven = maven(&workspace.root().join("android"));
    maven
        .arg(format!("-Dcuro.library={}", built.library.display()))
        .arg(format!("-Dcuro.loopback={}", built.loopback.display()))
        // Not `test`: the scenarios need what it packs.
        .arg("package");
    let mut ran = 0;
    run::run_lines(&mut maven, |line| {
        println!("{line}");
        ran = ran_until(ran, line);
    })?;
    build.done()?;
    match ran {
        0 => Err(Failure::Check("not one Kotlin test ran".to_owned())),
        ran => Ok(format!("{ran} tests")),
    }
}

/// The modules that are programs for this machine's JVM.
const PROGRAMS: &str = "driver,bench";

/// Packs the programs and what they need, without tests, unless nothing has changed since that was done.
pub(crate) fn pack(workspace: &Workspace) -> Result<(), Failure> {
    if Build::is_current(workspace) {
        return Ok(());
    }
    let build = Build::begin(workspace)?;
    let mut maven = maven(&workspace.root().join("android"));
    maven.args([
        "--projects",
        PROGRAMS,
        "--also-make",
        "-Dmaven.test.skip=true",
        "package",
    ]);
    // Standard output is for what the caller has to tell.
    run::run(maven.stdout(io::stderr()))?;
    build.done()
}

/// Maven on the modules of this folder, as machines call it.
pub(crate) fn maven(folder: &Path) -> Command {
    let mut maven = Command::new("mvn");
    maven
        // What is fetched is fetched again where the network stumbles.
        .args(["--batch-mode", "--no-transfer-progress", "-Dstyle.color=never"])
        .arg("-Dmaven.wagon.http.retryHandler.count=5")
        // No module's tests take this long (seconds): one that hangs is ended.
        .arg("-Dsurefire.timeout=900")
        .arg("--file")
        .arg(folder.join("pom.xml"));
    maven
}

const DONE: &str = "build-done";

/// A file that is as old as the sources that Maven has packed last. Maven compiles all of them each time. It is gone while
/// something is packed: what a kill leaves is packed again.
struct Build {
    began: SystemTime,
    done: PathBuf,
}

impl Build {
    fn begin(workspace: &Workspace) -> Result<Self, Failure> {
        Self::begin_in(&workspace.root().join(TARGET))
    }

    fn begin_in(folder: &Path) -> Result<Self, Failure> {
        let build = Self {
            began: SystemTime::now(),
            done: folder.join(DONE),
        };
        std::fs::create_dir_all(folder).map_err(|source| Failure::io(folder, source))?;
        match std::fs::remove_file(&build.done) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Failure::io(&build.done, source)),
            _ => Ok(build),
        }
    }

    /// Last of all.
    fn done(self) -> Result<(), Failure> {
        let made = std::fs::File::create(&self.done).and_then(|done| done.set_modified(self.began));
        made.map_err(|source| Failure::io(&self.done, source))
    }

    /// Whatever cannot be read counts as changed.
    fn is_current(workspace: &Workspace) -> bool {
        let done = std::fs::metadata(workspace.root().join(TARGET).join(DONE));
        let done = done.and_then(|done| done.modified());
        let sources = newest(&workspace.root().join("android"));
        matches!((done, sources), (Ok(done), Ok(sources)) if sources < done)
    }
}

/// When anything at this path was last changed, a removal included.
fn newest(path: &Path) -> io::Result<SystemTime> {
    let metadata = std::fs::symlink_metadata(path)?;
    let mut time = metadata.modified()?;
    if metadata.is_dir() {
        for entry in std::fs::read_dir(path)? {
            time = time.max(newest(&entry?.path())?);
        }
    }
    Ok(time)
}

/// How many tests have run after this line, where `before` had: each module of Maven ends with a sum of its own.
pub(crate) fn ran_until(before: usize, line: &str) -> usize {
    before + total(line).unwrap_or(0)
}

/// The number of tests that ran in a module, where this line is Surefire's sum: that of a class also tells its time. Skipped ones do not count.
fn total(line: &str) -> Option<usize> {
    let counts = line.split_once("Tests run: ")?.1;
    let mut numbers = counts
        .split(", ")
        .map(|count| count.rsplit(' ').next()?.parse::<usize>().ok());
    match (numbers.next()?, numbers.nth(2)?, numbers.next()) {
        (Some(run), Some(skipped), None) => run.checked_sub(skipped),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_in_a_folder_is_newer_than_before() {
        let folder = std::env::temp_dir().join(format!("curo-xtask-newest-{}", std::process::id()));
        let (inner, file) = (folder.join("inner"), folder.join("inner/file"));
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(&file, "").unwrap();
        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        assert!(newest(&folder).unwrap() < later);
        std::fs::File::options()
            .write(true)
            .open(&file)
            .and_then(|file| file.set_modified(later))
            .unwrap();
        assert_eq!(newest(&folder).unwrap(), later);
        std::fs::remove_dir_all(&folder).unwrap();
        newest(&folder).unwrap_err();
    }

    #[test]
    fn what_was_killed_while_it_was_packed_does_not_count_as_packed() {
        let folder = tempfile::tempdir().unwrap();
        let done = folder.path().join(DONE);
        let build = Build::begin_in(folder.path()).unwrap();
        let began = build.began;
        build.done().unwrap();
        assert_eq!(std::fs::metadata(&done).unwrap().modified().unwrap(), began);
        // The next one begins, and goes no further.
        Build::begin_in(folder.path()).unwrap();
        assert!(!done.exists());
    }

    #[test]
    fn the_sums_of_all_modules_are_added() {
        let output = "[INFO] Tests run: 7, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 2.1 s -- in health.curo.ClientTest\n\
            [INFO] Tests run: 9, Failures: 0, Errors: 0, Skipped: 2\n[INFO] Building driver\n\
            [WARNING] Tests run: 5, Failures: 0, Errors: 0, Skipped: 1\n[INFO] BUILD SUCCESS";
        assert_eq!(output.lines().fold(0, ran_until), 11);
    }

    #[test]
    fn the_sum_is_told_from_the_count_of_a_class() {
        let sum = "[INFO] Tests run: 9, Failures: 0, Errors: 0, Skipped: 2";
        assert_eq!(total(sum), Some(7));
        let class = "[INFO] Tests run: 7, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 2.1 s -- in health.curo.ffi.GeneratedTest";
        assert_eq!(total(class), None);
        for other in [
            "",
            "[INFO] Tests run:",
            "[INFO] BUILD SUCCESS",
            "Tests run: x, Failures: 0, Errors: 0, Skipped: 0",
        ] {
            assert_eq!(total(other), None, "{other}");
        }
    }
}
