//! What intents ask for and where they stand, with their names in the database.

use super::super::Result;

/// What an intent asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntentKind {
    /// Create the conversation.
    Create,
    /// Add people.
    Add,
    /// Remove people.
    Remove,
    /// A commit without change of members, which renews keys.
    Update,
    /// Send a message.
    Message,
}

/// Where an intent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntentState {
    /// Durable, not encrypted.
    Queued,
    /// Exact bytes are durable.
    Prepared,
    /// Sent; no answer came.
    Unknown,
    /// The relay has accepted it; the cursor has not reached it.
    Accepted,
    /// The cursor has reached it, or there was nothing left to do.
    Done,
    /// Refused for good, or until the user retries.
    Failed,
}

macro_rules! names {
    ($type:ident, $($variant:ident = $name:literal),*) => {
        impl $type {
            /// The name in the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            pub(super) fn parse(name: &str) -> Result<Self> {
                match name {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(rusqlite::Error::InvalidColumnName(stringify!($type).into())),
                }
            }
        }
    };
}
names!(
    IntentKind,
    Create = "create",
    Add = "add",
    Remove = "remove",
    Update = "update",
    Message = "message"
);
names!(
    IntentState,
    Queued = "queued",
    Prepared = "prepared",
    Unknown = "unknown",
    Accepted = "accepted",
    Done = "done",
    Failed = "failed"
);
