//! `cargo xtask soak`: what runs for hours, and in a small form in every test run. Knows which parts there are, in their order;
//! each part stands in a module of its own.

mod kills;

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
}

/// Runs every part that was asked for; stops at the first that fails.
pub(crate) fn run(workspace: &Workspace, soak: &Soak) -> Result<(), Failure> {
    if let Some(kills) = soak.kills {
        kills::run(workspace, kills)?;
    }
    Ok(())
}
