//! What of a client can be watched.

use std::sync::Arc;

use super::Client;
use crate::convert::count;
use crate::error::Result;
use crate::list::ConversationList;
use crate::observed::{ConnectionStream, OutboxStream, SessionStream, UnreadStream, WaitingDevicesStream};
use crate::runtime::contained;

#[uniffi::export]
impl Client {
    /// Watches the session. Goes on while locked; its last snapshot says closed or wiped.
    pub fn observe_session(&self) -> Result<Arc<SessionStream>> {
        contained(|| Ok(Arc::new(SessionStream::new(self.inner.observe_session()))))
    }

    /// Watches how the client stands with its relay. Goes on while locked.
    pub fn observe_connection(&self) -> Result<Arc<ConnectionStream>> {
        contained(|| Ok(Arc::new(ConnectionStream::new(self.inner.observe_connection()))))
    }

    /// Watches what waits to be sent, and what has failed.
    pub fn observe_outbox(&self) -> Result<Arc<OutboxStream>> {
        contained(|| Ok(Arc::new(OutboxStream::new(self.inner.observe_outbox()))))
    }

    /// Watches what is unread in conversations that are not muted.
    pub fn observe_unread(&self) -> Result<Arc<UnreadStream>> {
        contained(|| Ok(Arc::new(UnreadStream::new(self.inner.observe_unread()))))
    }

    /// Watches whether devices of this user wait for an approval. Empty while locked.
    pub fn observe_waiting_devices(&self) -> Result<Arc<WaitingDevicesStream>> {
        contained(|| {
            Ok(Arc::new(WaitingDevicesStream::new(
                self.inner.observe_waiting_devices(),
            )))
        })
    }

    /// The list of conversations, read in pages of so many: 1 to 300. Fails with invalid_argument.
    pub fn conversation_list(&self, page: i64) -> Result<Arc<ConversationList>> {
        contained(|| {
            let list = self.inner.conversation_list(count(page)?)?;
            Ok(Arc::new(ConversationList::new(list)))
        })
    }
}
