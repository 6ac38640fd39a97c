//! The small states: session, connection, outbox, unread, one conversation.

use async_trait::async_trait;
use curo_store::repo::{conversation, outbox, overview, policy};
use curo_types::{ConversationId, DeviceId, ErrorCode};

use super::{Mark, Observe, SessionState, Source, Touched};
use crate::client::OutboxState;
use crate::conversations::ConversationInfo;
use crate::core::Core;
use crate::error::Fault;
use crate::reading::Unread;
use crate::state::ConnectionState;

pub(crate) struct SessionSource;

#[async_trait]
impl Source<SessionState> for SessionSource {
    fn mark(&self, observe: &Observe) -> Mark {
        (observe.epoch(), 0)
    }

    async fn read(&self, core: &Core) -> Result<SessionState, Fault> {
        Ok(core.observe.session_state())
    }

    fn emptied(&self) -> Option<SessionState> {
        None
    }
}

pub(crate) struct ConnectionSource;

#[async_trait]
impl Source<ConnectionState> for ConnectionSource {
    fn mark(&self, observe: &Observe) -> Mark {
        (observe.changed_at(Touched::All), 0)
    }

    async fn read(&self, core: &Core) -> Result<ConnectionState, Fault> {
        Ok(core.connection.borrow().clone())
    }

    fn emptied(&self) -> Option<ConnectionState> {
        None
    }
}

pub(crate) struct OutboxSource;

#[async_trait]
impl Source<OutboxState> for OutboxSource {
    fn mark(&self, observe: &Observe) -> Mark {
        (observe.changed_at(Touched::All), 0)
    }

    async fn read(&self, core: &Core) -> Result<OutboxState, Fault> {
        let (waiting, failed) = core.db.read(|conn| Ok(outbox::counts(conn)?)).await?;
        Ok(OutboxState { waiting, failed })
    }

    fn emptied(&self) -> Option<OutboxState> {
        Some(OutboxState { waiting: 0, failed: 0 })
    }
}

pub(crate) struct UnreadSource;

#[async_trait]
impl Source<Unread> for UnreadSource {
    fn mark(&self, observe: &Observe) -> Mark {
        (observe.changed_at(Touched::All), 0)
    }

    async fn read(&self, core: &Core) -> Result<Unread, Fault> {
        let (messages, conversations) = core.db.read(|conn| Ok(overview::unread(conn)?)).await?;
        Ok(Unread {
            messages,
            conversations,
        })
    }

    fn emptied(&self) -> Option<Unread> {
        Some(Unread::default())
    }
}

pub(crate) struct WaitingDevicesSource;

#[async_trait]
impl Source<Vec<DeviceId>> for WaitingDevicesSource {
    fn mark(&self, observe: &Observe) -> Mark {
        (observe.changed_at(Touched::All), 0)
    }

    async fn read(&self, core: &Core) -> Result<Vec<DeviceId>, Fault> {
        core.db.read(|conn| Ok(policy::waiting_devices(conn)?)).await
    }

    fn emptied(&self) -> Option<Vec<DeviceId>> {
        Some(Vec::new())
    }
}

/// Members, state and all else that the head of a conversation shows.
pub(crate) struct ConversationSource(pub(crate) ConversationId);

#[async_trait]
impl Source<Option<ConversationInfo>> for ConversationSource {
    fn mark(&self, observe: &Observe) -> Mark {
        (observe.changed_at(Touched::Conversation(self.0)), 0)
    }

    async fn read(&self, core: &Core) -> Result<Option<ConversationInfo>, Fault> {
        let id = self.0;
        core.db
            .read(move |conn| {
                let row = conversation::get(conn, id)?.ok_or(Fault::Code(ErrorCode::UNKNOWN))?;
                ConversationInfo::read(conn, &row).map(Some)
            })
            .await
    }

    fn emptied(&self) -> Option<Option<ConversationInfo>> {
        Some(None)
    }
}
