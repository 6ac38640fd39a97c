//! Makes Kotlin and Swift from the built bindings, and compares what they export with what the Rust client offers.
//!
//! Called by `cargo xtask bindings`. Stands beside `curo-ffi` and knows it only as a library file, unstripped: UniFFI keeps its
//! metadata in the symbols.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks through them"
)]

mod exported;
mod generate;
mod map;
mod offered;

use std::process::ExitCode;

use camino::Utf8PathBuf;
use clap::{Parser, Subcommand};

type Failure = Box<dyn std::error::Error>;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Writes Kotlin, Swift, the C header and its module map
    Generate {
        /// The host's library of curo-ffi, unstripped
        library: Utf8PathBuf,
        /// The crate's folder, which holds uniffi.toml
        bindings: Utf8PathBuf,
        /// Where the Kotlin goes; folders of the package are made
        kotlin: Utf8PathBuf,
        /// Where the Swift goes
        swift: Utf8PathBuf,
        /// Where the C header and the module map go
        header: Utf8PathBuf,
    },
    /// Fails when something that the Rust client offers has neither a counterpart in the bindings nor a reason
    Compare {
        /// The host's library of curo-ffi, unstripped
        library: Utf8PathBuf,
        /// What rustdoc says of the crate curo, as JSON
        offered: Utf8PathBuf,
        /// The table of names and reasons
        map: Utf8PathBuf,
    },
}

fn main() -> ExitCode {
    match perform(Cli::parse().task) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("bindgen: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<String, Failure> {
    match task {
        Task::Generate {
            library,
            bindings,
            kotlin,
            swift,
            header,
        } => generate::run(&library, &bindings, &kotlin, &swift, &header),
        Task::Compare { library, offered, map } => {
            let offered = offered::read(&std::fs::read_to_string(offered)?)?;
            let exported = exported::read(&library)?;
            let map = map::read(&std::fs::read_to_string(map)?)?;
            let wrong = map.wrong(&offered, &exported);
            if wrong.is_empty() {
                let without = map.without.len();
                Ok(format!(
                    "{} items of the Rust client, {without} of them without a counterpart for a reason; {} exported names",
                    offered.len(),
                    exported.len()
                ))
            } else {
                Err(wrong.join("\n").into())
            }
        }
    }
}
