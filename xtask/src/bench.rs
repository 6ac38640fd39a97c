//! `cargo xtask bench ffi`: what calls cost apps in Rust, Kotlin and Swift, in one run. Knows the steps and their order;
//! `docs/benchmarks.md` says what each figure is.

mod figures;
mod programs;
mod stage;
mod talker;

use std::time::Duration;

use clap::Subcommand;

use crate::failure::Failure;
use crate::size;
use crate::workspace::{Workspace, is_ci};

use figures::Figures;
use programs::Programs;
use stage::Stage;

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// What calls across the bindings cost, with Rust's own figures as the limit: JSON lines on standard output
    Ffi {
        /// Few repetitions with what the tests have built: shows that it works, and measures nothing
        #[arg(long)]
        short: bool,
    },
}

/// How much is measured.
struct Extent {
    /// Messages to catch up with.
    messages: usize,
    /// Devices of each platform, each of which catches up once; and runs of all other calls.
    devices: usize,
    /// Starts of each platform's program.
    starts: usize,
    /// Figures of each call in a run.
    calls: usize,
    /// For one step of a program; past it nothing is measured any more.
    limit: Duration,
}

const FULL: Extent = Extent {
    messages: 10_000,
    devices: 3,
    starts: 9,
    calls: 50,
    limit: Duration::from_secs(600),
};

/// As little as shows that every step works.
const SHORT: Extent = Extent {
    messages: 300,
    devices: 1,
    starts: 1,
    calls: 3,
    limit: Duration::from_secs(180),
};

/// The check, as a step of CI: fails where the bench is broken, and on no figure. People may be without Swift or Java.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    match run(workspace, &Bench::Ffi { short: true }) {
        Err(Failure::Unavailable(reason)) if !is_ci() => {
            eprintln!("bench: not run: {reason}");
            Ok(())
        }
        outcome => outcome,
    }
}

/// Builds, measures, prints.
pub(crate) fn run(workspace: &Workspace, what: &Bench) -> Result<(), Failure> {
    let Bench::Ffi { short } = what;
    if *short {
        let programs = Programs::as_tested(workspace)?;
        let figures = measure(workspace, &programs, &SHORT)?;
        eprintln!("{}", figures.table());
        eprintln!("bench: works. Too few repetitions, and no release build: these are no figures.");
        return Ok(());
    }
    let library = size::library(workspace)?;
    let programs = Programs::release(workspace, &library.stripped)?;
    let figures = measure(workspace, &programs, &FULL)?;
    for line in figures.lines() {
        println!("{line}");
    }
    println!("{}", library.figure(workspace)?);
    eprintln!("{}", figures.table());
    Ok(())
}

/// Each platform has its turn before the next round begins, so that what slows the machine for a while slows all of them.
fn measure(workspace: &Workspace, programs: &Programs, extent: &Extent) -> Result<Figures, Failure> {
    let mut stage = Stage::set(workspace, programs, extent.limit)?;
    let mut figures = Figures::default();
    let rounds = |count| (0..count).flat_map(|round| programs.platforms.iter().map(move |one| (round, one)));
    for (round, platform) in rounds(extent.devices) {
        stage.sign_in(platform, round)?;
    }
    stage.write(extent.messages)?;
    let (messages, calls) = (extent.messages.to_string(), extent.calls.to_string());
    for (round, platform) in rounds(extent.devices) {
        figures.add(platform.name, stage.play(platform, round, &["catch-up", &messages])?)?;
    }
    for (round, platform) in rounds(extent.starts) {
        figures.add(
            platform.name,
            stage.play(platform, round % extent.devices, &["start-up"])?,
        )?;
    }
    for (round, platform) in rounds(extent.devices) {
        figures.add(platform.name, stage.play(platform, round, &["calls", &calls])?)?;
    }
    stage.clear()?;
    figures.whole(programs.platforms.iter().map(|one| one.name))?;
    Ok(figures)
}
