//! Why a play could not go on.

use curo_kit::{KitError, TimedOut};

use crate::script::ScriptError;

/// Why a play could not go on. Not one of them is an expectation that did not hold: the play goes on after those.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlayError {
    /// The script makes no sense.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// A step did not come to its end.
    #[error("the step in line {line} did not come to its end: {reason}")]
    Step {
        /// Its line.
        line: u64,
        /// Why.
        reason: String,
    },
    /// Relay or people could not be set up.
    #[error(transparent)]
    Kit(#[from] KitError),
    /// A client said no.
    #[error(transparent)]
    Client(#[from] curo::Error),
    /// Something did not come about.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    /// A proof could not be tried.
    #[error("a proof could not be tried: {0}")]
    Proof(String),
    /// Files or the output cannot be written or read.
    #[error("i/o: {0}")]
    Io(#[from] std::io::Error),
}

impl PlayError {
    /// The same, with the step in which it came.
    pub(crate) fn in_line(self, line: u64) -> Self {
        match self {
            Self::Io(_) | Self::Script(_) | Self::Step { .. } => self,
            other => Self::Step {
                line,
                reason: other.to_string(),
            },
        }
    }
}
