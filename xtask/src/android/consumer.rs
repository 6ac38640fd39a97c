//! An app's tests that have `curo-testing` from the repository, as apps have it: by one dependency, and nothing else.

use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::{kotlin, run};

use super::Layout;
use super::release::{GROUP, Release};

/// How many tests there are; fewer that ran prove nothing.
pub(super) const TESTS: usize = 3;

/// Compiles and runs them with a local repository of their own: what an earlier build of the same version has left in the
/// user's would be taken instead of what was made now.
pub(super) fn prove(layout: &Layout, release: &Release, repository: &Path) -> Result<(), Failure> {
    let target = layout.target.join("consumer");
    let local = target.join("m2");
    let ours = local.join(GROUP.replace('.', "/"));
    for old in [&ours, &target.join("test-classes"), &target.join("surefire-reports")] {
        if old.exists() {
            std::fs::remove_dir_all(old).map_err(|source| Failure::io(old, source))?;
        }
    }
    let mut maven = maven(layout, release, repository, &target);
    let mut ran = 0;
    run::run_lines(&mut maven, |line| {
        println!("{line}");
        ran = kotlin::ran_until(ran, line);
    })?;
    match ran {
        TESTS => Ok(()),
        ran => Err(Failure::Check(format!(
            "{ran} of an app's {TESTS} tests ran with what is in {}",
            repository.display()
        ))),
    }
}

fn maven(layout: &Layout, release: &Release, repository: &Path, target: &Path) -> Command {
    let mut maven = kotlin::maven(&layout.sources.join("testing/consumer"));
    // What the build of the library has fetched is not fetched again.
    let warm = std::env::var_os("HOME").map_or_else(|| target.into(), |home| Path::new(&home).join(".m2/repository"));
    maven
        .arg(format!("-Dmaven.repo.local={}", target.join("m2").display()))
        .arg(format!("-Dcuro.version={}", release.version))
        .arg(format!("-Dcuro.repository=file://{}", repository.display()))
        .arg(format!("-Dcuro.warm=file://{}", warm.display()))
        .arg(format!("-Dcuro.target={}", target.display()))
        .arg("test");
    maven
}
