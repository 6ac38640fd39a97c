//! What an app watches, as streams that are pulled: a screen asks for what is newer than what it has drawn. UniFFI exports no
//! generic types, so a macro writes what the streams share.

use curo::{DeviceId, Observed};

use crate::convert::int;
use crate::error::Result;
use crate::info::ConversationInfo;
use crate::pull::Pull;
use crate::runtime::contained;
use crate::session::{ConnectionState, OutboxState, SessionState, Unread};

/// One stream and its snapshot: whose states it shows, and how a state becomes what apps get.
macro_rules! stream {
    (
        $(#[$watches:meta])* $stream:ident of $source:ty:
        $(#[$about:meta])* $snapshot:ident { $(#[$shows:meta])* state: $state:ty = $convert:expr }
    ) => {
        $(#[$about])*
        #[derive(Clone, PartialEq, Eq, uniffi::Record)]
        pub struct $snapshot {
            /// Give it to the next call of next. Numbers rise; they have no other meaning.
            pub revision: i64,
            /// Whether the client is locked. What people wrote is not here then.
            pub locked: bool,
            $(#[$shows])*
            pub state: $state,
        }

        $(#[$watches])*
        #[derive(uniffi::Object)]
        pub struct $stream(Pull<Observed<$source>>);

        #[uniffi::export]
        impl $stream {
            /// The newest snapshot, as soon as it is another than that of revision after; 0 asks for the first, which comes at once.
            /// Nothing is popped: going away loses nothing, and any number of callers may wait. Fails with closed once this stream or
            /// its client was closed, and with store_missing once the profile was erased.
            pub async fn next(&self, after: i64) -> Result<$snapshot> {
                self.0
                    .next(after, |source, after| async move {
                        let curo::Snapshot {
                            revision,
                            locked,
                            state,
                        } = source.next(after).await?;
                        Ok($snapshot {
                            revision: int(revision),
                            locked,
                            state: $convert(state),
                        })
                    })
                    .await
            }

            /// Closes the stream and wakes all who wait. Harmless to repeat.
            pub fn end(&self) -> Result<()> {
                contained(|| {
                    self.0.end();
                    Ok(())
                })
            }
        }

        impl $stream {
            pub(crate) fn new(observed: Observed<$source>) -> Self {
                Self(Pull::new(observed))
            }
        }
    };
}

stream! {
    /// Watches how a client stands: which screen to show.
    SessionStream of curo::SessionState:
    /// A state of how a client stands: which screen to show.
    SessionSnapshot {
        /// What can be done with the profile now.
        state: SessionState = SessionState::from
    }
}

stream! {
    /// Watches how a client stands with its relay.
    ConnectionStream of curo::ConnectionState:
    /// A state of how a client stands with its relay.
    ConnectionSnapshot {
        /// How the client stands with its relay.
        state: ConnectionState = ConnectionState::from
    }
}

stream! {
    /// Watches what waits to be sent, and what has failed.
    OutboxStream of curo::OutboxState:
    /// A state of what waits to be sent, and what has failed.
    OutboxSnapshot {
        /// What waits and what has failed.
        state: OutboxState = OutboxState::from
    }
}

stream! {
    /// Watches what is unread: the badge of an app's icon.
    UnreadStream of curo::Unread:
    /// A state of what is unread: the badge of an app's icon.
    UnreadSnapshot {
        /// What is unread.
        state: Unread = Unread::from
    }
}

stream! {
    /// Watches which devices of this user wait for an approval.
    WaitingDevicesStream of Vec<DeviceId>:
    /// A state of which devices of this user wait for an approval.
    WaitingDevicesSnapshot {
        /// Their ids, as far as this device was told.
        state: Vec<DeviceId> = std::convert::identity
    }
}

stream! {
    /// Watches one conversation's head: its state, members, title and subjects.
    ConversationStream of Option<curo::ConversationInfo>:
    /// A state of one conversation's head: its state, members, title and subjects.
    ConversationSnapshot {
        /// The head; none while locked.
        state: Option<ConversationInfo> = (|state: Option<curo::ConversationInfo>| state.map(Into::into))
    }
}
