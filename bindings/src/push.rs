//! What background work and pushes have led to.

use curo::ConversationId;

use crate::convert::int;

/// What a pass without a person has done.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct BackgroundOutcome {
    /// Whether it came to its end; otherwise the next pass goes on from there.
    pub complete: bool,
    /// Why it was cut off, as an error code, where it was not the deadline or a person.
    pub code: Option<String>,
    /// Messages of others that arrived.
    pub new_messages: i64,
    /// In which conversations they are. Ids are random and say nothing of people or content.
    pub conversations: Vec<ConversationId>,
    /// Messages and intents that still wait to be sent.
    pub waiting: i64,
}

/// What a push has led to.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum PushOutcome {
    /// It is for another profile of this installation, or for one that is gone. Nothing was fetched.
    NotMine,
    /// What was fetched. Show a text that says nothing of it while the client is locked.
    Fetched {
        /// What.
        outcome: BackgroundOutcome,
    },
    /// An outcome of a later version.
    Other,
}

impl From<curo::BackgroundOutcome> for BackgroundOutcome {
    fn from(outcome: curo::BackgroundOutcome) -> Self {
        Self {
            complete: outcome.complete,
            code: outcome.code.map(|code| code.as_str().to_owned()),
            new_messages: int(outcome.new_messages),
            conversations: outcome.conversations,
            waiting: int(outcome.waiting),
        }
    }
}

impl From<curo::PushOutcome> for PushOutcome {
    fn from(outcome: curo::PushOutcome) -> Self {
        match outcome {
            curo::PushOutcome::NotMine => Self::NotMine,
            curo::PushOutcome::Fetched(outcome) => Self::Fetched {
                outcome: outcome.into(),
            },
            _ => Self::Other,
        }
    }
}
