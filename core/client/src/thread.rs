//! Threads: the messages that a first one began, in pages both ways, and the answers to one.

use curo_store::repo::item::{self, folding};
use curo_types::ErrorCode;
use curo_types::format::Reference;

use crate::conversations::Conversation;
use crate::delivery::Deliveries;
use crate::error::{Error, Fault, Result};
use crate::pages::{PAGE_LIMIT, item_of};
use crate::timeline::{Cursor, Item, Page};

impl Conversation {
    /// The newest messages of a thread without its first one, at most `limit` (1 to 300), oldest first. A thread whose first
    /// message is not here can be read all the same.
    ///
    /// # Errors
    /// `locked`, `invalid_argument`.
    pub async fn thread(&self, root: Reference, limit: usize) -> Result<Page> {
        self.thread_page(root, None, limit, true).await
    }

    /// Messages of a thread before a cursor, at most `limit` (1 to 300), oldest first.
    ///
    /// # Errors
    /// `locked`, `invalid_argument`.
    pub async fn thread_before(&self, root: Reference, cursor: Cursor, limit: usize) -> Result<Page> {
        self.thread_page(root, Some(cursor), limit, true).await
    }

    /// Messages of a thread after a cursor, at most `limit` (1 to 300), oldest first. As with [`Conversation::after`], go on
    /// from one that has been accepted.
    ///
    /// # Errors
    /// `locked`, `invalid_argument`.
    pub async fn thread_after(&self, root: Reference, cursor: Cursor, limit: usize) -> Result<Page> {
        self.thread_page(root, Some(cursor), limit, false).await
    }

    /// One message; `None` if it is not here.
    ///
    /// # Errors
    /// `locked`.
    pub async fn message(&self, message: Reference) -> Result<Option<Item>> {
        let me = self.core.account().await?;
        let id = self.id;
        let item = self.core.db.read(move |conn| {
            let row = item::get(conn, id, message.sender, message.message)?;
            row.map(|row| item_of(conn, &row, &me, &mut Deliveries::new(id, me.user)))
                .transpose()
        });
        Ok(item.await?)
    }

    /// Messages that answer one, and amendments of it, in the order in which they came to this device; at most `limit`
    /// (1 to 300).
    ///
    /// # Errors
    /// `locked`, `invalid_argument`.
    pub async fn replies(&self, message: Reference, limit: usize) -> Result<Vec<Item>> {
        if !(1..=PAGE_LIMIT).contains(&limit) {
            return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        let me = self.core.account().await?;
        let id = self.id;
        let items = self.core.db.read(move |conn| {
            let rows = folding::replies(conn, id, message, limit)?;
            let mut deliveries = Deliveries::new(id, me.user);
            rows.iter()
                .map(|row| item_of(conn, row, &me, &mut deliveries))
                .collect()
        });
        Ok(items.await?)
    }

    async fn thread_page(&self, root: Reference, cursor: Option<Cursor>, limit: usize, older: bool) -> Result<Page> {
        if !(1..=PAGE_LIMIT).contains(&limit) {
            return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        let me = self.core.account().await?;
        let (id, place) = (self.id, cursor.map(|cursor| cursor.0));
        let page = self.core.db.read(move |conn| {
            // One row more than asked for says whether there is a further page.
            let mut rows = folding::thread(conn, id, root, place, older, limit + 1)?;
            let further = rows.len() > limit;
            rows.truncate(limit);
            if older {
                rows.reverse();
            }
            let mut deliveries = Deliveries::new(id, me.user);
            let items: Vec<Item> = rows
                .iter()
                .map(|row| item_of(conn, row, &me, &mut deliveries))
                .collect::<std::result::Result<_, Fault>>()?;
            let (first, last) = (
                items.first().map(|item| item.cursor),
                items.last().map(|item| item.cursor),
            );
            let beyond = |end: Option<Cursor>, older: bool| {
                end.map_or(Ok(false), |end| {
                    folding::thread(conn, id, root, Some(end.0), older, 1).map(|rows| !rows.is_empty())
                })
            };
            let (has_older, has_newer) = if older {
                (further, beyond(last, false)?)
            } else {
                (beyond(first, true)?, further)
            };
            Ok(Page {
                items,
                older: first.filter(|_| has_older),
                newer: last.filter(|_| has_newer),
            })
        });
        Ok(page.await?)
    }
}
