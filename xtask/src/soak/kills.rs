//! Random kills: the tests that kill again and again, with more rounds. Knows their names and how many kills a round is.

use crate::failure::Failure;
use crate::run;
use crate::workspace::Workspace;

/// A part of the names of the tests that kill at random.
const TESTS: &str = "killed_again_and_again";
/// Kills in one round of all of them: eight of each of two clients, twelve of a relay.
const A_ROUND: u64 = 28;

/// Runs the tests with as many rounds as `kills` need. A test that fails has printed the seed that brings it again.
pub(crate) fn run(workspace: &Workspace, kills: u64) -> Result<(), Failure> {
    let rounds = kills.div_ceil(A_ROUND);
    eprintln!("soak: {rounds} rounds of {A_ROUND} kills");
    let args = [
        "test",
        "-p",
        "curo-e2e",
        "--test",
        "it",
        "--locked",
        "--",
        TESTS,
        "--nocapture",
    ];
    run::run(workspace.cargo(args).env("CURO_KILL_ROUNDS", rounds.to_string()))
}
