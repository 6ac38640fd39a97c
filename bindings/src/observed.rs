//! What an app watches, as streams that are pulled: a screen asks for what is newer than what it has drawn. Long because UniFFI
//! exports no generic types: six streams that differ in what they show alone.

use curo::{DeviceId, Observed};

use crate::convert::int;
use crate::error::Result;
use crate::info::ConversationInfo;
use crate::pull::Pull;
use crate::runtime::contained;
use crate::session::{ConnectionState, OutboxState, SessionState, Unread};

/// A state of how a client stands: which screen to show.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct SessionSnapshot {
    /// Give it to the next call of next. Numbers rise; they have no other meaning.
    pub revision: i64,
    /// Whether the client is locked. What people wrote is not here then.
    pub locked: bool,
    /// What can be done with the profile now.
    pub state: SessionState,
}

/// Watches how a client stands: which screen to show.
#[derive(uniffi::Object)]
pub struct SessionStream(Pull<Observed<curo::SessionState>>);

#[uniffi::export]
impl SessionStream {
    /// The newest snapshot, as soon as it is another than that of revision after; 0 asks for the first, which comes at once.
    /// Nothing is popped: going away loses nothing, and any number of callers may wait. Fails with closed once this stream or
    /// its client was closed, and with store_missing once the profile was erased.
    pub async fn next(&self, after: i64) -> Result<SessionSnapshot> {
        self.0
            .next(after, |source, after| async move {
                let curo::Snapshot {
                    revision,
                    locked,
                    state,
                } = source.next(after).await?;
                Ok(SessionSnapshot {
                    revision: int(revision),
                    locked,
                    state: state.into(),
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

impl SessionStream {
    pub(crate) fn new(observed: Observed<curo::SessionState>) -> Self {
        Self(Pull::new(observed))
    }
}

/// A state of how a client stands with its relay.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct ConnectionSnapshot {
    /// Give it to the next call of next. Numbers rise; they have no other meaning.
    pub revision: i64,
    /// Whether the client is locked. What people wrote is not here then.
    pub locked: bool,
    /// How the client stands with its relay.
    pub state: ConnectionState,
}

/// Watches how a client stands with its relay.
#[derive(uniffi::Object)]
pub struct ConnectionStream(Pull<Observed<curo::ConnectionState>>);

#[uniffi::export]
impl ConnectionStream {
    /// The newest snapshot, as soon as it is another than that of revision after; 0 asks for the first, which comes at once.
    /// Nothing is popped: going away loses nothing, and any number of callers may wait. Fails with closed once this stream or
    /// its client was closed, and with store_missing once the profile was erased.
    pub async fn next(&self, after: i64) -> Result<ConnectionSnapshot> {
        self.0
            .next(after, |source, after| async move {
                let curo::Snapshot {
                    revision,
                    locked,
                    state,
                } = source.next(after).await?;
                Ok(ConnectionSnapshot {
                    revision: int(revision),
                    locked,
                    state: state.into(),
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

impl ConnectionStream {
    pub(crate) fn new(observed: Observed<curo::ConnectionState>) -> Self {
        Self(Pull::new(observed))
    }
}

/// A state of what waits to be sent, and what has failed.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct OutboxSnapshot {
    /// Give it to the next call of next. Numbers rise; they have no other meaning.
    pub revision: i64,
    /// Whether the client is locked. What people wrote is not here then.
    pub locked: bool,
    /// What waits and what has failed.
    pub state: OutboxState,
}

/// Watches what waits to be sent, and what has failed.
#[derive(uniffi::Object)]
pub struct OutboxStream(Pull<Observed<curo::OutboxState>>);

#[uniffi::export]
impl OutboxStream {
    /// The newest snapshot, as soon as it is another than that of revision after; 0 asks for the first, which comes at once.
    /// Nothing is popped: going away loses nothing, and any number of callers may wait. Fails with closed once this stream or
    /// its client was closed, and with store_missing once the profile was erased.
    pub async fn next(&self, after: i64) -> Result<OutboxSnapshot> {
        self.0
            .next(after, |source, after| async move {
                let curo::Snapshot {
                    revision,
                    locked,
                    state,
                } = source.next(after).await?;
                Ok(OutboxSnapshot {
                    revision: int(revision),
                    locked,
                    state: state.into(),
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

impl OutboxStream {
    pub(crate) fn new(observed: Observed<curo::OutboxState>) -> Self {
        Self(Pull::new(observed))
    }
}

/// A state of what is unread: the badge of an app's icon.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct UnreadSnapshot {
    /// Give it to the next call of next. Numbers rise; they have no other meaning.
    pub revision: i64,
    /// Whether the client is locked. What people wrote is not here then.
    pub locked: bool,
    /// What is unread.
    pub state: Unread,
}

/// Watches what is unread: the badge of an app's icon.
#[derive(uniffi::Object)]
pub struct UnreadStream(Pull<Observed<curo::Unread>>);

#[uniffi::export]
impl UnreadStream {
    /// The newest snapshot, as soon as it is another than that of revision after; 0 asks for the first, which comes at once.
    /// Nothing is popped: going away loses nothing, and any number of callers may wait. Fails with closed once this stream or
    /// its client was closed, and with store_missing once the profile was erased.
    pub async fn next(&self, after: i64) -> Result<UnreadSnapshot> {
        self.0
            .next(after, |source, after| async move {
                let curo::Snapshot {
                    revision,
                    locked,
                    state,
                } = source.next(after).await?;
                Ok(UnreadSnapshot {
                    revision: int(revision),
                    locked,
                    state: state.into(),
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

impl UnreadStream {
    pub(crate) fn new(observed: Observed<curo::Unread>) -> Self {
        Self(Pull::new(observed))
    }
}

/// A state of which devices of this user wait for an approval.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct WaitingDevicesSnapshot {
    /// Give it to the next call of next. Numbers rise; they have no other meaning.
    pub revision: i64,
    /// Whether the client is locked. What people wrote is not here then.
    pub locked: bool,
    /// Their ids, as far as this device was told.
    pub state: Vec<DeviceId>,
}

/// Watches which devices of this user wait for an approval.
#[derive(uniffi::Object)]
pub struct WaitingDevicesStream(Pull<Observed<Vec<DeviceId>>>);

#[uniffi::export]
impl WaitingDevicesStream {
    /// The newest snapshot, as soon as it is another than that of revision after; 0 asks for the first, which comes at once.
    /// Nothing is popped: going away loses nothing, and any number of callers may wait. Fails with closed once this stream or
    /// its client was closed, and with store_missing once the profile was erased.
    pub async fn next(&self, after: i64) -> Result<WaitingDevicesSnapshot> {
        self.0
            .next(after, |source, after| async move {
                let curo::Snapshot {
                    revision,
                    locked,
                    state,
                } = source.next(after).await?;
                Ok(WaitingDevicesSnapshot {
                    revision: int(revision),
                    locked,
                    state,
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

impl WaitingDevicesStream {
    pub(crate) fn new(observed: Observed<Vec<DeviceId>>) -> Self {
        Self(Pull::new(observed))
    }
}

/// A state of one conversation's head: its state, members, title and subjects.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct ConversationSnapshot {
    /// Give it to the next call of next. Numbers rise; they have no other meaning.
    pub revision: i64,
    /// Whether the client is locked. What people wrote is not here then.
    pub locked: bool,
    /// The head; none while locked.
    pub state: Option<ConversationInfo>,
}

/// Watches one conversation's head: its state, members, title and subjects.
#[derive(uniffi::Object)]
pub struct ConversationStream(Pull<Observed<Option<curo::ConversationInfo>>>);

#[uniffi::export]
impl ConversationStream {
    /// The newest snapshot, as soon as it is another than that of revision after; 0 asks for the first, which comes at once.
    /// Nothing is popped: going away loses nothing, and any number of callers may wait. Fails with closed once this stream or
    /// its client was closed, and with store_missing once the profile was erased.
    pub async fn next(&self, after: i64) -> Result<ConversationSnapshot> {
        self.0
            .next(after, |source, after| async move {
                let curo::Snapshot {
                    revision,
                    locked,
                    state,
                } = source.next(after).await?;
                Ok(ConversationSnapshot {
                    revision: int(revision),
                    locked,
                    state: state.map(Into::into),
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

impl ConversationStream {
    pub(crate) fn new(observed: Observed<Option<curo::ConversationInfo>>) -> Self {
        Self(Pull::new(observed))
    }
}
