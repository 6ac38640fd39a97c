//! The demo: plays a scenario with a real relay, real clients and real encrypted stores, shows what happens, and proves on
//! the spot what it promises. `docs/demo.md` describes the scenario file.
//!
//! Stands above the kit. People act through the client's public API alone; only the proofs look into stores and past the
//! client. Nothing here writes to the standard streams: the caller gives an [`Output`].

mod error;
pub mod interactive;
mod ledger;
mod logs;
mod output;
mod play;
mod proof;
mod script;
mod stage;
mod transcript;

use std::path::Path;

pub use error::PlayError;
pub use logs::Logs;
pub use output::Output;
pub use script::{NAME_LIMIT, PEOPLE_LIMIT, SCRIPT_LIMIT, STEPS_LIMIT, Script, ScriptError, TEXT_MIN};

/// The scenario that is played unless another is given.
pub const CARE_TEAM: &str = include_str!("../scenarios/care-team.yaml");

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What was expected or promised and did not hold; empty if all is well.
    pub failures: Vec<String>,
    /// Messages that the relay has accepted.
    pub messages: usize,
    /// Commits: each one began an epoch.
    pub commits: usize,
    /// From the start to the last proof.
    pub seconds: f64,
}

impl Verdict {
    /// Whether every expectation and every proof holds.
    pub fn holds(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Plays a script with all files below `dir`, which must be empty; then transcripts and proofs. `logs` are searched for the
/// script's texts too. Needs a multi-threaded Tokio runtime.
///
/// # Errors
/// [`PlayError`] where the play could not go on; expectations and proofs that do not hold are in the [`Verdict`].
pub async fn play(script: &Script, dir: &Path, logs: &Logs, out: &mut Output<'_>) -> Result<Verdict, PlayError> {
    let mut player = play::Player::start(script, dir, out).await?;
    player.steps().await?;
    let play::Player {
        ledger,
        stage,
        out,
        mut failures,
        ..
    } = player;
    transcript::all(&stage, &ledger, out, &mut failures).await?;
    let (messages, commits) = proof::count(&stage, &ledger).await?;
    proof::all(stage, &ledger, logs, out, &mut failures).await?;
    let verdict = Verdict {
        failures,
        messages,
        commits,
        seconds: out.seconds(),
    };
    summary(&verdict, &ledger, out)?;
    Ok(verdict)
}

fn summary(verdict: &Verdict, ledger: &ledger::Ledger, out: &mut Output<'_>) -> Result<(), PlayError> {
    out.heading("Summary")?;
    let Verdict {
        messages,
        commits,
        seconds,
        ..
    } = verdict;
    let rooms = ledger.rooms.len();
    let counts = format!(
        "{messages} messages in {rooms} conversations, {commits} commits (each began an epoch), {seconds:.1} s"
    );
    out.line("  ", &counts)?;
    if verdict.holds() {
        out.good("every expectation and every proof holds")?;
    }
    for failure in &verdict.failures {
        out.bad(failure)?;
    }
    Ok(())
}
