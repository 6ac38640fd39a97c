//! `cargo xtask …`: the one entry for people and for CI.
//!
//! Stands beside the product: it knows cargo, the file tree and `policy/`, and depends on no crate
//! of the product, so that it compiles while they do not.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks through them"
)]

mod android;
mod bench;
mod bindings;
mod ci;
mod demo;
mod doctor;
mod failure;
mod ios;
mod kotlin;
mod lines;
mod names;
mod policy;
mod qa;
mod rules;
mod run;
mod size;
mod soak;
mod suites;
mod swift;
mod workspace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::workspace::Workspace;

/// Curo's tasks: the same commands for people and for CI.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build and run the demo; everything after `demo` goes to it
    #[command(disable_help_flag = true)]
    Demo {
        /// Arguments of the demo (try `--help`)
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Run the tests of every platform (Rust, Kotlin, Swift, the scenarios on all), documentation examples included
    Test {
        /// Only this Rust crate (may be repeated)
        #[arg(short, long = "package", value_name = "CRATE")]
        packages: Vec<String>,
        /// Arguments of the Rust test programs, for instance a part of a test's name
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Play the scenarios of tests/scenarios on every platform; everything after `qa` goes to the runner
    #[command(disable_help_flag = true)]
    Qa {
        /// Arguments of the runner (try `--help`)
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Check dependencies and manifests against policy/dependencies.toml
    Policy,
    /// List the rules of docs/protocol.md with the tests that name them; fail on a rule without one
    Rules,
    /// List source files over 300 lines; fail above 500
    Lines,
    /// Generate the Kotlin and Swift that are checked in, and compare the bindings with the Rust client
    Bindings {
        /// Write nothing; fail where what is checked in has drifted
        #[arg(long)]
        check: bool,
    },
    /// Compare the names on Rust, Kotlin and Swift, and write their table into docs/api.md
    Names {
        /// Write nothing; fail where the table is not what the sources say
        #[arg(long)]
        check: bool,
    },
    /// Run the tests of the Swift package, on Linux
    Swift {
        /// Run none; write what is public in Swift to ios/api.txt
        #[arg(long)]
        renew_api: bool,
    },
    /// Make the XCFramework and the package that apps depend on, below target/ios (the libraries need macOS and Xcode)
    Ios {
        /// A folder with SLICE/libcuro_ffi.dylib for each slice, instead of compiling them
        #[arg(long, value_name = "FOLDER")]
        libraries: Option<PathBuf>,
        /// Where the archive will be found
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Make and check the AAR and what apps test with, and a Maven repository with both below target/android
    Android {
        /// This machine's library, instead of building it
        #[arg(long, value_name = "FILE", requires = "loopback")]
        library: Option<PathBuf>,
        /// This machine's example `loopback`, instead of building it
        #[arg(long, value_name = "FILE", requires = "library")]
        loopback: Option<PathBuf>,
    },
    /// Measure
    Bench {
        #[command(subcommand)]
        what: bench::Bench,
    },
    /// Build the library as apps get it, say what takes its room, and fail where it is over policy/size.toml
    Size,
    /// What runs for hours: random kills
    Soak(soak::Soak),
    /// Check this machine's tools and install what is missing (Debian, as root)
    Doctor,
    /// Everything that CI does, in its order
    Ci,
}

impl Task {
    /// Whether it makes files below `target` that another one would read or make at the same time. What cargo makes it guards itself.
    fn makes(&self) -> bool {
        match self {
            Self::Test { packages, args } => packages.is_empty() && args.is_empty(),
            Self::Qa { .. }
            | Self::Bindings { .. }
            | Self::Swift { .. }
            | Self::Ios { .. }
            | Self::Android { .. }
            | Self::Bench { .. }
            | Self::Size
            | Self::Ci => true,
            Self::Demo { .. }
            | Self::Policy
            | Self::Rules
            | Self::Lines
            | Self::Names { .. }
            | Self::Soak(_)
            | Self::Doctor => false,
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match Workspace::find().and_then(|workspace| perform(cli.task, &workspace)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn perform(task: Task, workspace: &Workspace) -> Result<(), Failure> {
    let _turn = match task.makes() {
        true => Some(workspace.turn()?),
        false => None,
    };
    match task {
        Task::Demo { args } => {
            doctor::prepare(workspace)?;
            demo::run(workspace, &args)
        }
        Task::Test { packages, args } => {
            doctor::prepare(workspace)?;
            suites::run(workspace, &suites::Selection { packages, args })
        }
        Task::Qa { args } => {
            doctor::prepare(workspace)?;
            qa::run(workspace, &args)
        }
        Task::Policy => policy::run(workspace),
        Task::Rules => rules::run(workspace),
        Task::Lines => lines::run(workspace),
        Task::Bindings { check } => {
            doctor::prepare(workspace)?;
            bindings::run(workspace, check)
        }
        Task::Ios { libraries, url } => ios::run(workspace, &ios::Options { libraries, url }),
        Task::Names { check } => names::run(workspace, check),
        Task::Swift { renew_api } => {
            doctor::prepare(workspace)?;
            match renew_api {
                true => swift::renew_api(workspace),
                false => swift::test(workspace, &suites::Selection::default()).map(|ran| println!("{ran}")),
            }
        }
        Task::Android {
            library: Some(library),
            loopback: Some(loopback),
        } => android::run_with(workspace, &android::Host { library, loopback }),
        Task::Android { .. } => {
            doctor::prepare(workspace)?;
            android::run(workspace)
        }
        Task::Bench { what } => {
            doctor::prepare(workspace)?;
            bench::run(workspace, &what)
        }
        Task::Size => {
            doctor::prepare(workspace)?;
            size::run(workspace)
        }
        Task::Soak(soak) => {
            doctor::prepare(workspace)?;
            soak::run(workspace, &soak)
        }
        Task::Doctor => doctor::run(workspace),
        Task::Ci => ci::run(workspace),
    }
}
