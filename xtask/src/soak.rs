//! `cargo xtask soak`: what runs for hours, and in a small form in every test run. Knows which parts there are, in their order;
//! each part stands in a module of its own.

mod asan;
mod fuzz;
mod kills;
mod nightly;

use clap::Args;

use crate::failure::Failure;
use crate::workspace::Workspace;

/// What is run, one part after the other.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Soak {
    /// Kill clients and relays, at least so often in all, and look whether anything is lost, doubled or forked
    #[arg(long, value_name = "N")]
    kills: Option<u64>,
    /// Fuzz the readers of bytes from outside, one target after the other (needs a nightly compiler and cargo-fuzz)
    #[arg(long)]
    fuzz: bool,
    /// With --fuzz: minutes for each target
    #[arg(long, value_name = "N", default_value_t = 60, requires = "fuzz")]
    minutes: u64,
    /// With --fuzz: the targets; all of them if none is named
    #[arg(value_name = "TARGET", requires = "fuzz")]
    targets: Vec<String>,
    /// Run the tests of database, store and bindings under the address sanitizer (needs a nightly compiler)
    #[arg(long)]
    asan: bool,
}

/// Runs every part that was asked for; stops at the first that fails.
pub(crate) fn run(workspace: &Workspace, soak: &Soak) -> Result<(), Failure> {
    if let Some(kills) = soak.kills {
        kills::run(workspace, kills)?;
    }
    if soak.fuzz {
        fuzz::run(workspace, &soak.targets, soak.minutes)?;
    }
    if soak.asan {
        asan::run(workspace)?;
    }
    Ok(())
}
