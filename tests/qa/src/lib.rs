//! The QA runner: plays scenarios (YAML, `tests/scenarios`) with a real relay, a network that can fail, and one app
//! without a screen for each actor, on whatever platforms there are drivers for. `docs/qa.md` is for those who write
//! scenarios and drivers.
//!
//! Stands beside the product: it knows the drivers' protocol and the relay's program, and calls nothing of the client.

mod assign;
mod driver;
mod error;
mod gateway;
mod guard;
mod play;
mod proxy;
mod relay;
mod report;
mod run;
mod scenario;
mod stage;

pub use assign::{Extent, Mix, mixes};
pub use driver::Launch;
pub use error::Broken;
pub use guard::{guard, start as start_guard};
pub use play::{Event, Outcome, Played, View, play};
pub use proxy::{Proxy, Way, Weather};
pub use report::{html, junit};
pub use run::{Choice, Mixes, Summary, load, run};
pub use scenario::{ACTORS_LIMIT, FILE_LIMIT, Form, STEPS_LIMIT, Scenario, VERBS, Verb, Wrong};
