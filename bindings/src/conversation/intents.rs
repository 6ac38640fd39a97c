//! What was asked for: where it stands, again, and never mind.

use curo::{IntentId, MessageId};

use super::Conversation;
use crate::body::{DeliveryState, IntentStatus};
use crate::error::Result;
use crate::runtime::{change, read};

#[uniffi::export]
impl Conversation {
    /// Where an intent stands. Fails with unknown for one that is not known, or not known any more.
    pub async fn intent(&self, intent: IntentId) -> Result<IntentStatus> {
        let conversation = self.inner();
        read(async move { conversation.intent(intent).await.map(IntentStatus::from) }).await
    }

    /// How far an own message has come.
    pub async fn delivery(&self, message: MessageId) -> Result<DeliveryState> {
        let conversation = self.inner();
        read(async move { conversation.delivery(message).await.map(DeliveryState::from) }).await
    }

    /// Tries again what has failed: a message by its id, or another intent.
    pub async fn retry(&self, intent: IntentId) -> Result<()> {
        let conversation = self.inner();
        change(async move { conversation.retry(intent).await }).await
    }

    /// Cancels what is not on its way yet: a message by its id, or another intent. False: it is too late.
    pub async fn cancel(&self, intent: IntentId) -> Result<bool> {
        let conversation = self.inner();
        change(async move { conversation.cancel(intent).await }).await
    }
}
