//! `cargo xtask ci`: the steps that a change must pass, in order. Knows the steps' names only.

use std::time::Instant;

use crate::failure::Failure;
use crate::workspace::Workspace;
use crate::{android, bench, bindings, demo, doctor, lines, names, policy, rules, run, size, suites};

struct Step {
    name: &'static str,
    run: fn(&Workspace) -> Result<(), Failure>,
}

/// What takes seconds and no compiler comes first. Clippy and the documentation share one set of
/// checked dependencies, the tests and the demo one set of compiled ones: all resolve the features of
/// the whole workspace with development dependencies, in the dev profile and one target folder.
const STEPS: &[Step] = &[
    Step {
        name: "tools",
        run: doctor::run,
    },
    Step { name: "fmt", run: fmt },
    Step {
        name: "lines",
        run: lines::run,
    },
    Step {
        name: "rules",
        run: rules::run,
    },
    Step {
        name: "policy",
        run: policy::run,
    },
    Step {
        name: "names",
        run: names::check,
    },
    Step {
        name: "clippy",
        run: clippy,
    },
    Step {
        name: "docs",
        run: docs,
    },
    Step {
        name: "test",
        run: test,
    },
    Step {
        name: "android",
        run: android::run,
    },
    Step {
        name: "bindings",
        run: bindings::check,
    },
    Step {
        name: "bench",
        run: bench::check,
    },
    Step {
        name: "demo",
        run: demo,
    },
    // The only step in the release profile: what it compiles serves no other.
    Step {
        name: "size",
        run: size::run,
    },
];

/// Runs every step; stops at the first that fails, and its line is the last one.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    play(STEPS, workspace)
}

fn play(steps: &[Step], workspace: &Workspace) -> Result<(), Failure> {
    let began = Instant::now();
    let count = steps.len();
    for (index, step) in steps.iter().enumerate() {
        let label = format!("{}/{count} {}", index + 1, step.name);
        eprintln!("\n== ci {label}");
        let started = Instant::now();
        if let Err(failure) = (step.run)(workspace) {
            eprintln!("xtask: {failure}");
            let code = failure.exit_code();
            return Err(Failure::Step { label, code });
        }
        eprintln!("== ci {label}: ok in {}", run::duration(started.elapsed()));
    }
    eprintln!("\nci: ok, {count} steps in {}", run::duration(began.elapsed()));
    Ok(())
}

fn fmt(workspace: &Workspace) -> Result<(), Failure> {
    run::run(&mut workspace.cargo(["fmt", "--all", "--check"]))
}

fn clippy(workspace: &Workspace) -> Result<(), Failure> {
    let args = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    run::run(&mut workspace.cargo(args))
}

fn docs(workspace: &Workspace) -> Result<(), Failure> {
    let args = ["doc", "--workspace", "--no-deps", "--locked"];
    run::run(workspace.cargo(args).env("RUSTDOCFLAGS", "-D warnings"))
}

fn test(workspace: &Workspace) -> Result<(), Failure> {
    suites::run(workspace, &suites::Selection::default())
}

fn demo(workspace: &Workspace) -> Result<(), Failure> {
    demo::run(workspace, &[])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_stops_and_keeps_its_exit_code() {
        let steps = [
            Step {
                name: "one",
                run: |_| Ok(()),
            },
            Step {
                name: "two",
                run: |_| {
                    Err(Failure::Exit {
                        command: "c".to_owned(),
                        code: 42,
                    })
                },
            },
            Step {
                name: "three",
                run: |_| panic!("must not run"),
            },
        ];
        let failure = play(&steps, &Workspace::find().unwrap()).unwrap_err();
        assert_eq!(failure.exit_code(), 42);
        assert!(failure.to_string().contains("2/3 two"), "{failure}");
    }

    #[test]
    fn a_check_that_finds_something_names_its_step() {
        let steps = [Step {
            name: "lines",
            run: |_| Err(Failure::Check("too long".to_owned())),
        }];
        let failure = play(&steps, &Workspace::find().unwrap()).unwrap_err();
        assert_eq!(failure.to_string(), "ci FAILED at step 1/1 lines");
    }
}
