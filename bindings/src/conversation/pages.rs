//! Items in pages, threads, and searching in one conversation. A screen watches a timeline instead.

use curo::{Cursor, SearchCursor};

use super::Conversation;
use crate::convert::{all, count};
use crate::error::{CuroError, Result};
use crate::item::Item;
use crate::message::MessageRef;
use crate::page::Page;
use crate::runtime::read;
use crate::search::SearchPage;

#[uniffi::export]
impl Conversation {
    /// The newest items, at most limit (1 to 300), oldest first.
    pub async fn latest(&self, limit: i64) -> Result<Page> {
        let (conversation, limit) = (self.inner(), count(limit)?);
        read(async move { conversation.latest(limit).await.map(Page::from) }).await
    }

    /// Items before a place, at most limit (1 to 300), oldest first.
    pub async fn before(&self, cursor: Cursor, limit: i64) -> Result<Page> {
        let (conversation, limit) = (self.inner(), count(limit)?);
        read(async move { conversation.before(cursor, limit).await.map(Page::from) }).await
    }

    /// Items after a place, at most limit (1 to 300), oldest first. Go on from an item that has been accepted.
    pub async fn after(&self, cursor: Cursor, limit: i64) -> Result<Page> {
        let (conversation, limit) = (self.inner(), count(limit)?);
        read(async move { conversation.after(cursor, limit).await.map(Page::from) }).await
    }

    /// One message; none if it is not here.
    pub async fn message(&self, message: MessageRef) -> Result<Option<Item>> {
        let conversation = self.inner();
        read(async move {
            let found = conversation.message(message.into()).await?;
            Ok::<_, CuroError>(found.map(Item::from))
        })
        .await
    }

    /// The answers to a message, at most limit (1 to 300).
    pub async fn replies(&self, message: MessageRef, limit: i64) -> Result<Vec<Item>> {
        let (conversation, limit) = (self.inner(), count(limit)?);
        read(async move { conversation.replies(message.into(), limit).await.map(all) }).await
    }

    /// The newest messages of a thread without its first one, at most limit (1 to 300), oldest first.
    pub async fn thread(&self, root: MessageRef, limit: i64) -> Result<Page> {
        let (conversation, limit) = (self.inner(), count(limit)?);
        read(async move { conversation.thread(root.into(), limit).await.map(Page::from) }).await
    }

    /// Messages of a thread before a place, at most limit (1 to 300), oldest first.
    pub async fn thread_before(&self, root: MessageRef, cursor: Cursor, limit: i64) -> Result<Page> {
        let (conversation, limit) = (self.inner(), count(limit)?);
        read(async move {
            let page = conversation.thread_before(root.into(), cursor, limit).await;
            page.map(Page::from)
        })
        .await
    }

    /// Messages of a thread after a place, at most limit (1 to 300), oldest first.
    pub async fn thread_after(&self, root: MessageRef, cursor: Cursor, limit: i64) -> Result<Page> {
        let (conversation, limit) = (self.inner(), count(limit)?);
        read(async move {
            let page = conversation.thread_after(root.into(), cursor, limit).await;
            page.map(Page::from)
        })
        .await
    }

    /// Messages of this conversation that hold every word of the query, as the client's search finds them.
    pub async fn search(&self, query: String, after: Option<SearchCursor>, limit: i64) -> Result<SearchPage> {
        let (conversation, limit) = (self.inner(), count(limit)?);
        read(async move { conversation.search(&query, after, limit).await.map(SearchPage::from) }).await
    }
}
