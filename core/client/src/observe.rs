//! What an app watches: revisioned snapshots that are pulled, never pushed.
//!
//! Stands above the store and beside sync and outbox, which only say that something has changed ([`Observe::touch`]).
//! Nothing is computed unless somebody asks; what was computed is shared by all who ask, and forgotten at the lock.
//! Knows neither the network nor MLS.

mod changes;
mod list;
mod observed;
mod session;
mod slider;
pub(crate) mod sources;
mod timeline;
mod window;

pub(crate) use changes::{Observe, Touched};
pub use list::{ConversationItem, ConversationList, ConversationSummary, ConversationsState, Preview};
pub(crate) use observed::{Mark, Source};
pub use observed::{Observed, Snapshot};
pub(crate) use session::Refused;
pub use session::SessionState;
pub use slider::Edge;
pub use timeline::{ItemKey, Start, Timeline, TimelineItem, TimelineOptions, TimelineState};

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
