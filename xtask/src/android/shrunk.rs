//! An app that is shrunk: its tests, the library, JNA and Kotlin's libraries through ProGuard, by the rules that come with the
//! library and what any app keeps. R8, which apps for Android use, is not to be had here.
//!
//! ProGuard renames and removes; it does not optimise: its optimiser breaks the coroutines' scheduler, whatever the rules say.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::failure::Failure;
use crate::run;

use super::consumer::TESTS;
use super::tools::Tools;
use super::{Layout, fresh, testing, write};

/// What an app keeps: here what JUnit looks for by name.
const APP: &str = "-keep class app.*Test { <init>(); @org.junit.jupiter.api.Test <methods>; }";

/// Shrinks the app's tests with what the AAR holds, and runs them.
pub(super) fn prove(layout: &Layout, tools: &Tools, aar: &Path) -> Result<(), Failure> {
    let folder = layout.target.join("shrunk/app");
    fresh(&folder)?;
    let parts = aar.with_file_name("stage");
    let (configuration, shrunk, coroutines) = (
        folder.join("app.pro"),
        folder.join("app.jar"),
        folder.join("META-INF/proguard/coroutines.pro"),
    );
    // An app's build takes such rules from the libraries by itself.
    let mut unpack = Command::new("jar");
    unpack
        .arg("--extract")
        .arg("--file")
        .arg(tools.jar("kotlinx-coroutines-core-jvm"));
    run::output(unpack.arg("META-INF/proguard/coroutines.pro").current_dir(&folder))?;
    let mut lines = Vec::new();
    for (jar, filter) in [
        // What only Android has needs Android to be looked at.
        (parts.join("classes.jar"), "!health/curo/android/**,**.class"),
        (layout.target.join("testing-jar/curo-testing.jar"), "**.class"),
        (layout.target.join("consumer/test-classes"), "**.class"),
        (tools.jar("jna"), "!META-INF/**"),
        (
            tools.jar("kotlinx-coroutines-core-jvm"),
            "!META-INF/versions/**,!META-INF/MANIFEST.MF",
        ),
        (
            tools.jar("kotlin-stdlib"),
            "!META-INF/versions/**,!META-INF/MANIFEST.MF",
        ),
        (tools.jar("kotlin-test"), "!META-INF/**"),
        (tools.jar("annotations"), "!META-INF/**"),
    ] {
        lines.push(format!("-injars {}({filter})", jar.display()));
    }
    lines.push(format!("-outjars {}", shrunk.display()));
    for module in ["java.base", "java.logging", "java.desktop"] {
        lines.push(format!(
            "-libraryjars <java.home>/jmods/{module}.jmod(!**.jar;!module-info.class)"
        ));
    }
    lines.push(format!(
        "-libraryjars {}(!META-INF/**,!org/junit/jupiter/api/*Kt*.class,!**/*Kt.class)",
        tools.jar(JUNIT).display()
    ));
    for rules in [&parts.join("proguard.txt"), &coroutines] {
        lines.push(format!("-include {}", rules.display()));
    }
    // A class of Android's that the coroutines name.
    lines.extend(["-dontwarn android.annotation.SuppressLint", "-dontoptimize", APP].map(str::to_owned));
    write(&configuration, lines.join("\n"))?;
    run::output(&mut tools.proguard(&configuration))?;
    play(layout, tools, &shrunk)
}

const JUNIT: &str = "junit-platform-console-standalone";
/// JUnit tells all at the end.
const SILENCE: Duration = Duration::from_secs(5 * 60);

fn play(layout: &Layout, tools: &Tools, shrunk: &Path) -> Result<(), Failure> {
    let path = [shrunk.to_owned(), testing::natives(layout), tools.jar(JUNIT)].map(|part| part.display().to_string());
    let mut java = Command::new("java");
    java.arg("-cp").arg(path.join(if cfg!(windows) { ";" } else { ":" }));
    java.args([
        "org.junit.platform.console.ConsoleLauncher",
        "execute",
        "--disable-banner",
    ]);
    java.args(["--disable-ansi-colors", "--details=tree", "--scan-classpath"]);
    let mut passed = 0;
    // What is broken by shrinking may hang, and its tests' own limits with it.
    run::run_lines_within(java.arg(shrunk), SILENCE, |line| {
        println!("{line}");
        passed = passed.max(successful(line));
    })?;
    match passed {
        TESTS => Ok(()),
        passed => Err(Failure::Check(format!(
            "{passed} of {TESTS} tests passed in a shrunk app"
        ))),
    }
}

/// The number in JUnit's line `[ 2 tests successful ]`; 0 for another line.
fn successful(line: &str) -> usize {
    let words: Vec<_> = line.split_whitespace().collect();
    match words.as_slice() {
        ["[", number, "tests", "successful", "]"] => number.parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_those_that_passed_is_read() {
        assert_eq!(successful("[         2 tests successful      ]"), 2);
        for other in ["[  2 tests found ]", "[ 1 tests failed ]", "2 tests successful", ""] {
            assert_eq!(successful(other), 0, "{other}");
        }
    }
}
