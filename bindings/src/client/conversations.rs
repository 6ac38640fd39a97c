//! Conversations: making them, finding them, and searching in all of them.

use std::sync::Arc;

use curo::{ConversationId, SearchCursor, UserId};

use super::Client;
use crate::conversation::Conversation;
use crate::convert::{all, count};
use crate::error::{CuroError, Result};
use crate::info::{ConversationInfo, CreateOptions, CreatedConversation};
use crate::runtime::{change, contained, read};
use crate::search::SearchPage;
use crate::session::Unread;

#[uniffi::export]
impl Client {
    /// Creates a conversation with these people. Durable when it returns; works offline. Fails with
    /// invalid_argument (nobody but this user, or more than 250 people), sign_in_needed, locked, storage_full; the creation itself may fail later, with
    /// no_device for example: ask the conversation for its intent.
    pub async fn create_conversation(&self, people: Vec<UserId>) -> Result<CreatedConversation> {
        let client = self.inner();
        change(async move {
            let (conversation, intent) = client.create_conversation(&people).await?;
            Ok::<_, CuroError>(CreatedConversation {
                id: conversation.id(),
                intent,
            })
        })
        .await
    }

    /// As create_conversation, with a title and subjects from its first moment on.
    pub async fn create_conversation_with(
        &self,
        people: Vec<UserId>,
        options: CreateOptions,
    ) -> Result<CreatedConversation> {
        let client = self.inner();
        change(async move {
            let (conversation, intent) = client.create_conversation_with(&people, options.into()).await?;
            Ok::<_, CuroError>(CreatedConversation {
                id: conversation.id(),
                intent,
            })
        })
        .await
    }

    /// The conversation of this user and one other; there is one for two people, whoever asks for it first.
    pub async fn direct_conversation(&self, person: UserId) -> Result<Arc<Conversation>> {
        let client = self.inner();
        change(async move {
            let conversation = client.direct_conversation(person).await?;
            Ok::<_, CuroError>(Arc::new(Conversation::new(conversation)))
        })
        .await
    }

    /// A handle on a conversation. Asks nothing: whether this device has it is told by the calls on it.
    pub fn conversation(&self, id: ConversationId) -> Result<Arc<Conversation>> {
        contained(|| Ok(Arc::new(Conversation::new(self.inner.conversation(id)))))
    }

    /// All conversations, the one with the newest activity first. For a screen, watch the list instead.
    pub async fn conversations(&self) -> Result<Vec<ConversationInfo>> {
        let client = self.inner();
        read(async move { client.conversations().await.map(all) }).await
    }

    /// What is unread in conversations that are not muted.
    pub async fn unread(&self) -> Result<Unread> {
        let client = self.inner();
        read(async move { client.unread().await.map(Unread::from) }).await
    }

    /// Messages that hold every word of the query, in all conversations, the newest first; at most limit, 1 to 100. A word is
    /// found as it stands and as the beginning of a longer one, whatever the case and the accents.
    ///
    /// Fails with invalid_argument (a query over 256 bytes, the limit), locked.
    pub async fn search(&self, query: String, after: Option<SearchCursor>, limit: i64) -> Result<SearchPage> {
        let (client, limit) = (self.inner(), count(limit)?);
        read(async move { client.search(&query, after, limit).await.map(SearchPage::from) }).await
    }
}
