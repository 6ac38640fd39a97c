//! `cargo xtask test`: the table of test suites, one per platform and the scenarios on all of them, and its summary.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use crate::doctor::{self, Tool};
use crate::failure::Failure;
use crate::kotlin;
use crate::qa;
use crate::run;
use crate::swift;
use crate::workspace::{Workspace, is_ci};

/// What the caller asked to test.
#[derive(Default)]
pub(crate) struct Selection {
    /// Rust crates; none means everything, of every platform.
    pub(crate) packages: Vec<String>,
    /// Passed to the Rust test programs.
    pub(crate) args: Vec<OsString>,
}

/// The tests of one platform, or of all together. A new platform is a new row of [`SUITES`].
struct Suite {
    name: &'static str,
    tools: &'static [Tool],
    /// Runs the tests and says in a few words what ran.
    run: fn(&Workspace, &Selection) -> Result<String, Failure>,
}

const RUST: &str = "rust";

const SUITES: &[Suite] = &[
    Suite {
        name: RUST,
        tools: doctor::RUST_TOOLS,
        run: rust,
    },
    Suite {
        name: "kotlin",
        tools: doctor::KOTLIN_TOOLS,
        run: kotlin::test,
    },
    Suite {
        name: "swift",
        tools: doctor::RUST_TOOLS,
        run: swift::test,
    },
    Suite {
        name: "qa",
        tools: doctor::RUST_TOOLS,
        run: |workspace, _| qa::test(workspace),
    },
];

enum Outcome {
    Passed(String),
    Failed(Failure),
    NotRun(String),
}

/// Runs every suite, prints one final line for each, fails if one failed or, in CI, did not run.
pub(crate) fn run(workspace: &Workspace, selection: &Selection) -> Result<(), Failure> {
    let narrowed = !selection.packages.is_empty() || !selection.args.is_empty();
    let mut results = Vec::new();
    for suite in SUITES.iter().filter(|suite| !narrowed || suite.name == RUST) {
        let started = Instant::now();
        let outcome = play(suite, workspace, selection);
        results.push((suite.name, outcome, started.elapsed()));
    }
    conclude(results, is_ci())
}

fn play(suite: &Suite, workspace: &Workspace, selection: &Selection) -> Outcome {
    let missing: Vec<_> = doctor::missing(suite.tools).iter().map(|tool| tool.name).collect();
    if !missing.is_empty() {
        return Outcome::NotRun(format!("missing here: {}", missing.join(", ")));
    }
    match (suite.run)(workspace, selection) {
        Ok(ran) => Outcome::Passed(ran),
        Err(Failure::Unavailable(reason)) => Outcome::NotRun(reason),
        Err(failure) => Outcome::Failed(failure),
    }
}

fn conclude(results: Vec<(&str, Outcome, Duration)>, ci: bool) -> Result<(), Failure> {
    let mut first_failure = None;
    let mut passed = 0;
    for (name, outcome, time) in results {
        let time = run::duration(time);
        match outcome {
            Outcome::Passed(ran) => {
                println!("test suite {name}: passed, {ran} ({time})");
                passed += 1;
            }
            Outcome::Failed(failure) => {
                println!("test suite {name}: FAILED ({time}): {failure}");
                first_failure.get_or_insert(failure);
            }
            Outcome::NotRun(reason) => {
                println!("test suite {name}: NOT RUN, {reason}");
                if ci {
                    let text = format!("test suite {name} did not run, and CI must run it");
                    first_failure.get_or_insert(Failure::Check(text));
                }
            }
        }
    }
    match first_failure {
        Some(failure) => Err(failure),
        None if passed == 0 => Err(Failure::Check("no test suite ran".to_owned())),
        None => Ok(()),
    }
}

/// Unit, integration and documentation tests of the workspace, in the profile that everything shares.
fn rust(workspace: &Workspace, selection: &Selection) -> Result<String, Failure> {
    let mut command = workspace.cargo(["test", "--locked", "--no-fail-fast"]);
    if selection.packages.is_empty() {
        command.arg("--workspace");
    }
    for package in &selection.packages {
        command.args(["-p", package]);
    }
    if !selection.args.is_empty() {
        command.arg("--").args(&selection.args);
    }
    let mut tally = Tally::default();
    run::run_lines(&mut command, |line| {
        println!("{line}");
        tally.note(line);
    })?;
    if tally.passed == 0 {
        return Err(Failure::Check("not one Rust test ran".to_owned()));
    }
    Ok(match tally.ignored {
        0 => format!("{} tests", tally.passed),
        ignored => format!("{} tests, {ignored} ignored", tally.passed),
    })
}

/// The sum over the result lines of all test programs.
#[derive(Default)]
struct Tally {
    passed: usize,
    ignored: usize,
}

impl Tally {
    fn note(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ") else {
            return;
        };
        // "ok. 3 passed; 0 failed; 1 ignored; …"
        let mut previous = "";
        for word in counts.split_whitespace() {
            let count = previous.parse().unwrap_or(0);
            match word {
                "passed;" => self.passed += count,
                "ignored;" => self.ignored += count,
                _ => {}
            }
            previous = word;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn result(outcome: Outcome) -> (&'static str, Outcome, Duration) {
        ("suite", outcome, Duration::ZERO)
    }

    fn passed() -> Outcome {
        Outcome::Passed("1 test".to_owned())
    }

    fn not_run() -> Outcome {
        Outcome::NotRun("missing here: a compiler".to_owned())
    }

    #[test]
    fn a_failed_suite_fails_the_task_with_its_exit_code() {
        let failed = Outcome::Failed(Failure::Exit {
            command: "t".to_owned(),
            code: 101,
        });
        let failure = conclude(vec![result(passed()), result(failed)], false).unwrap_err();
        assert_eq!(failure.exit_code(), 101);
    }

    #[test]
    fn a_suite_that_cannot_run_fails_only_ci() {
        conclude(vec![result(passed()), result(not_run())], false).unwrap();
        conclude(vec![result(passed()), result(not_run())], true).unwrap_err();
    }

    #[test]
    fn nothing_run_is_no_success() {
        conclude(vec![result(not_run())], false).unwrap_err();
        conclude(Vec::new(), false).unwrap_err();
    }

    #[test]
    fn a_suite_without_its_tools_does_not_start() {
        const ABSENT: &[Tool] = &[Tool {
            name: "absent",
            why: "",
            probe: &["no-such-program-of-curo"],
            debian: &[],
        }];
        let suite = Suite {
            name: "s",
            tools: ABSENT,
            run: |_, _| panic!("must not run"),
        };
        let outcome = play(&suite, &Workspace::find().unwrap(), &Selection::default());
        assert!(matches!(outcome, Outcome::NotRun(reason) if reason.contains("absent")));
    }

    #[test]
    fn a_suite_that_the_machine_cannot_run_has_not_run() {
        let suite = Suite {
            name: "s",
            tools: &[],
            run: |_, _| Err(Failure::Unavailable("no such compiler".to_owned())),
        };
        let outcome = play(&suite, &Workspace::find().unwrap(), &Selection::default());
        assert!(matches!(outcome, Outcome::NotRun(reason) if reason == "no such compiler"));
    }

    #[test]
    fn results_of_all_programs_are_summed() {
        let mut tally = Tally::default();
        tally.note("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s");
        tally.note("test tests::it_passed; ... ok");
        tally.note("test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out");
        assert_eq!((tally.passed, tally.ignored), (7, 1));
    }
}
