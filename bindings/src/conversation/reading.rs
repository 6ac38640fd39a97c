//! What was read, what is being written, and whether it counts.

use super::Conversation;
use crate::convert::int;
use crate::error::{CuroError, Result};
use crate::message::MessageRef;
use crate::page::SavedDraft;
use crate::runtime::{change, read};

#[uniffi::export]
impl Conversation {
    /// Marks everything up to a message as read.
    pub async fn mark_read(&self, up_to: MessageRef) -> Result<()> {
        let conversation = self.inner();
        change(async move { conversation.mark_read(up_to.into()).await }).await
    }

    /// Unread messages of others.
    pub async fn unread(&self) -> Result<i64> {
        let conversation = self.inner();
        read(async move { conversation.unread().await.map(int) }).await
    }

    /// Keeps what somebody has begun to write; empty takes it away.
    pub async fn set_draft(&self, text: String) -> Result<()> {
        let conversation = self.inner();
        change(async move { conversation.set_draft(text.into()).await }).await
    }

    /// What somebody has begun to write.
    pub async fn draft(&self) -> Result<Option<SavedDraft>> {
        let conversation = self.inner();
        read(async move {
            let draft = conversation.draft().await?;
            Ok::<_, CuroError>(draft.map(SavedDraft::from))
        })
        .await
    }

    /// Leaves the conversation out of the total of what is unread, on this device. Its own count goes on.
    pub async fn mute(&self) -> Result<()> {
        let conversation = self.inner();
        change(async move { conversation.mute().await }).await
    }

    /// Takes the conversation into the total of what is unread again.
    pub async fn unmute(&self) -> Result<()> {
        let conversation = self.inner();
        change(async move { conversation.unmute().await }).await
    }

    /// Whether it is muted.
    pub async fn is_muted(&self) -> Result<bool> {
        let conversation = self.inner();
        read(async move { conversation.is_muted().await }).await
    }
}
