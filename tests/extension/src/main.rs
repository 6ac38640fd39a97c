//! The program of a notification extension: obeys the order in its first argument and prints one line of JSON, what that took.

use std::io::{self, Write as _};
use std::process::ExitCode;

use curo_extension::{Failure, handle};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if standard error is closed.
            let _ = writeln!(io::stderr(), "curo-extension: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let order = std::env::args().nth(1).ok_or("an order is missing")?;
    let cost = handle(&serde_json::from_str(&order)?)?;
    Ok(writeln!(io::stdout(), "{}", serde_json::to_string(&cost)?)?)
}
