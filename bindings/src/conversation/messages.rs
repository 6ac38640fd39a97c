//! Saying something, and what can be done with what was said. Durable when it returns, sent when the relay can be reached.

use curo::{IntentId, MessageId, UserId};

use super::Conversation;
use crate::convert::all;
use crate::error::Result;
use crate::message::{Acknowledgement, MessageRef, NewMessage, PersonReceipt, Purge};
use crate::runtime::{change, read};

#[uniffi::export]
impl Conversation {
    /// Sends a routine message. The id is the app's (see random_message_id): the same id again is the same message, so sending
    /// after a doubt is harmless, and another text with it changes nothing. Fails with unknown, removed, too_large,
    /// invalid_argument (no text, or the id of another change), cancelled (the id was cancelled), sign_in_needed, locked,
    /// storage_full.
    pub async fn send_text(&self, text: String, id: MessageId) -> Result<MessageId> {
        let conversation = self.inner();
        change(async move { conversation.send_text(text.into(), id).await }).await
    }

    /// Sends a message. As send_text.
    pub async fn send(&self, message: NewMessage, id: MessageId) -> Result<MessageId> {
        let conversation = self.inner();
        change(async move { conversation.send(message.into(), id).await }).await
    }

    /// Sets a record beside a message that amends it; the original stands unchanged (45 CFR 164.526).
    pub async fn amend(&self, original: MessageRef, text: String, id: MessageId) -> Result<MessageId> {
        let conversation = self.inner();
        change(async move { conversation.amend(original.into(), text.into(), id).await }).await
    }

    /// Gives an own message another text. Everybody sees that it was edited.
    pub async fn edit(&self, message: MessageRef, text: String, mentions: Vec<UserId>) -> Result<IntentId> {
        let conversation = self.inner();
        change(async move { conversation.edit(message.into(), text.into(), &mentions).await }).await
    }

    /// Deletes an own message: its content is purged here and elsewhere.
    pub async fn delete(&self, message: MessageRef) -> Result<IntentId> {
        let conversation = self.inner();
        change(async move { conversation.delete(message.into()).await }).await
    }

    /// Sets a reaction. None where it was set before.
    pub async fn react(&self, message: MessageRef, emoji: String) -> Result<Option<IntentId>> {
        let conversation = self.inner();
        change(async move { conversation.react(message.into(), &emoji).await }).await
    }

    /// Takes a reaction back. None where there was none.
    pub async fn unreact(&self, message: MessageRef, emoji: String) -> Result<Option<IntentId>> {
        let conversation = self.inner();
        change(async move { conversation.unreact(message.into(), &emoji).await }).await
    }

    /// Takes note of an urgent message; its sender sees who has. None where it was done before.
    pub async fn acknowledge(&self, message: MessageRef) -> Result<Option<IntentId>> {
        let conversation = self.inner();
        change(async move { conversation.acknowledge(message.into()).await }).await
    }

    /// Who has taken note of a message.
    pub async fn acknowledgements(&self, message: MessageRef) -> Result<Vec<Acknowledgement>> {
        let conversation = self.inner();
        read(async move { conversation.acknowledgements(message.into()).await.map(all) }).await
    }

    /// How far the purge of a deleted message has come.
    pub async fn purge(&self, message: MessageRef) -> Result<Purge> {
        let conversation = self.inner();
        read(async move { conversation.purge(message.into()).await.map(Purge::from) }).await
    }

    /// Who has a message and who has read it.
    pub async fn receipts(&self, message: MessageRef) -> Result<Vec<PersonReceipt>> {
        let conversation = self.inner();
        read(async move { conversation.receipts(message.into()).await.map(all) }).await
    }
}
