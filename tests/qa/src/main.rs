//! `curo-qa`: plays scenarios and writes reports. `cargo xtask qa` builds what it needs and calls it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks through them"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use curo_qa::{Broken, Choice, Launch, Mixes, Outcome, Played, Summary, guard, html, junit, load, run, start_guard};

/// Something that was expected does not hold, or there is no report of it.
const FAILED: u8 = 1;
/// A scenario or the command line makes no sense; nothing was played.
const WRONG: u8 = 2;

/// Plays scenarios with a real relay, real clients and a network that fails, and writes JUnit XML and an HTML page.
///
/// Exit code 0: everything holds; 1: something does not, or no report could be written; 2: a scenario is wrong and nothing was played, or it was interrupted.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    /// The folder of the scenarios.
    #[arg(long, value_name = "DIR", default_value = "tests/scenarios")]
    scenarios: PathBuf,
    /// Only scenarios whose name contains this; may be repeated.
    #[arg(long = "scenario", value_name = "NAME")]
    names: Vec<String>,
    /// Platforms to mix, of those that have a driver; all of them unless given.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    platforms: Vec<String>,
    /// Every mix of platforms, not only those in which each meets each other.
    #[arg(long, conflicts_with = "few")]
    full: bool,
    /// Of each scenario one mix for each platform: half as many plays, and over all scenarios each platform meets each other.
    #[arg(long)]
    few: bool,
    /// Only lists the scenarios.
    #[arg(long)]
    list: bool,
    /// How many are played at once; as many as there are cores unless given.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// The relay's program.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["list", "guard"])]
    relay: Option<PathBuf>,
    /// A platform's driver: `PLATFORM=PROGRAM [ARGUMENTS]`, split at spaces; may be repeated.
    #[arg(long = "driver", value_name = "P=CMD")]
    drivers: Vec<String>,
    /// Where the reports go.
    #[arg(long, value_name = "DIR", default_value = "target/qa")]
    out: PathBuf,
    /// Be the process that cleans up after a runner that was killed.
    #[arg(long, hide = true)]
    guard: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.guard {
        return exit(guard().map(|()| true));
    }
    let scenarios = match load(&arguments.scenarios) {
        Ok(scenarios) => scenarios,
        Err(wrongs) => {
            wrongs.iter().for_each(|wrong| eprintln!("{wrong}"));
            return ExitCode::from(WRONG);
        }
    };
    if arguments.list {
        for scenario in &scenarios {
            let slow = if scenario.slow { " (slow)" } else { "" };
            println!("{:<28} {}{slow}", scenario.name, scenario.title);
        }
        return ExitCode::SUCCESS;
    }
    let choice = match choose(&arguments) {
        Ok(choice) => choice,
        Err(reason) => {
            eprintln!("curo-qa: {reason}");
            return ExitCode::from(WRONG);
        }
    };
    if let Err(broken) = start_guard("--guard") {
        return exit(Err(broken));
    }
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Broken::from)
        .and_then(|runtime| {
            // What was started ends with the runtime: processes are killed, disks unmounted, folders removed.
            runtime.block_on(async {
                tokio::select! {
                    ended = run(&scenarios, &choice, tell) => ended,
                    () = interrupted() => Err(Broken::new("interrupted")),
                }
            })
        });
    exit(ended.map(|summary| conclude(&summary, &arguments.out)))
}

/// What the process says with its end, of whether everything holds.
fn exit(holds: Result<bool, Broken>) -> ExitCode {
    match holds {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(broken) => {
            eprintln!("curo-qa: {broken}");
            ExitCode::from(WRONG)
        }
    }
}

/// Until somebody wants it to end.
async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        return;
    }
    // Without signals nobody can ask.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

fn choose(arguments: &Arguments) -> Result<Choice, String> {
    let mut drivers = Vec::new();
    for driver in &arguments.drivers {
        let (platform, command) = driver
            .split_once('=')
            .ok_or_else(|| format!("--driver {driver}: PLATFORM=PROGRAM was expected"))?;
        drivers.push(Launch {
            platform: platform.to_owned(),
            // A program may lie in a folder with a space in its name.
            command: if Path::new(command).is_file() {
                vec![command.to_owned()]
            } else {
                command.split_whitespace().map(str::to_owned).collect()
            },
        });
    }
    let known: Vec<_> = drivers.iter().map(|driver| driver.platform.clone()).collect();
    if let Some(unknown) = arguments.platforms.iter().find(|platform| !known.contains(platform)) {
        return Err(format!("--platforms {unknown}: expected one of {}", known.join(", ")));
    }
    if !arguments.platforms.is_empty() {
        drivers.retain(|driver| arguments.platforms.contains(&driver.platform));
    }
    if drivers.is_empty() {
        return Err("no --driver is given".to_owned());
    }
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(Choice {
        relay: arguments.relay.clone().unwrap_or_default(),
        drivers,
        names: arguments.names.clone(),
        mixes: match (arguments.full, arguments.few) {
            (true, _) => Mixes::Full,
            (_, true) => Mixes::Few,
            _ => Mixes::Pairs,
        },
        jobs: arguments.jobs.unwrap_or_else(cores),
        strict: std::env::var("CI").is_ok_and(|ci| !matches!(ci.as_str(), "" | "0" | "false")),
    })
}

fn tell(play: &Played, number: usize, count: usize) {
    let (sign, reason) = match &play.outcome {
        Outcome::Passed => ("ok     ", ""),
        Outcome::Failed(reason) => ("FAILED ", reason.as_str()),
        Outcome::Skipped(reason) => ("SKIPPED", reason.as_str()),
    };
    let seconds = play.took.as_secs_f64();
    println!(
        "[{number:>3}/{count}] {sign} {:<28} {:<24} {seconds:>6.1} s",
        play.scenario,
        play.mix.to_string()
    );
    if !reason.is_empty() {
        println!("          {reason}");
    }
}

/// Tells what came of it, and whether everything holds and is reported. What was played is told even where no report can be left.
fn conclude(summary: &Summary, out: &Path) -> bool {
    let page = out.join("report.html");
    let passed = summary.count(|outcome| *outcome == Outcome::Passed);
    let failed = summary.count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = summary.count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    println!(
        "qa: {passed} passed, {failed} failed, {skipped} not played in {:.1} s; {}",
        summary.took.as_secs_f64(),
        page.display()
    );
    if summary.strict && skipped > 0 {
        println!("qa: what CI cannot play is a failure");
    }
    let reported = report(summary, out, &page);
    if let Err(broken) = &reported {
        eprintln!("curo-qa: no report in {}: {broken}", out.display());
    }
    summary.holds() && reported.is_ok()
}

fn report(summary: &Summary, out: &Path, page: &Path) -> Result<(), Broken> {
    std::fs::create_dir_all(out)?;
    std::fs::write(out.join("junit.xml"), junit(summary)?)?;
    Ok(std::fs::write(page, html(summary))?)
}
