//! The Kotlin tests, on this machine's JVM. Knows how Maven is called, and nothing of what they test.

use std::path::Path;
use std::process::Command;

use crate::bindings;
use crate::failure::Failure;
use crate::run;
use crate::suites::Selection;
use crate::workspace::Workspace;

/// Compiles the Kotlin of all modules, and runs their tests against the host's library and a relay on this machine.
pub(crate) fn test(workspace: &Workspace, _: &Selection) -> Result<String, Failure> {
    let built = bindings::build(workspace)?;
    let mut maven = maven(&workspace.root().join("android"));
    maven
        .arg(format!("-Dcuro.library={}", built.library.display()))
        .arg(format!("-Dcuro.loopback={}", built.loopback.display()))
        .arg("test");
    let mut ran = 0;
    run::run_lines(&mut maven, |line| {
        println!("{line}");
        ran = ran_until(ran, line);
    })?;
    match ran {
        0 => Err(Failure::Check("not one Kotlin test ran".to_owned())),
        ran => Ok(format!("{ran} tests")),
    }
}

/// Maven on the modules of this folder, as machines call it.
pub(crate) fn maven(folder: &Path) -> Command {
    let mut maven = Command::new("mvn");
    maven
        // What is fetched is fetched again where the network stumbles.
        .args(["--batch-mode", "--no-transfer-progress", "-Dstyle.color=never"])
        .arg("-Dmaven.wagon.http.retryHandler.count=5")
        .arg("--file")
        .arg(folder.join("pom.xml"));
    maven
}

/// How many tests have run after this line, where `before` had: each module of Maven ends with a sum of its own.
fn ran_until(before: usize, line: &str) -> usize {
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
mod tests {
    use super::*;

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
