//! Reading a conversation's timeline in pages.

use curo_store::repo::account::Account;
use curo_store::repo::item::{self, ItemRow};
use curo_store::repo::outbox::{self, OutboxRow};
use curo_types::{ErrorCode, MessageId};
use rusqlite::Connection;

use crate::conversations::Conversation;
use crate::delivery::Deliveries;
use crate::error::{Error, Fault, Result};
use crate::message::Details;
use crate::timeline::{Cursor, DeliveryState, Entry, Item, Page};

/// Items of one page, at most.
pub const PAGE_LIMIT: usize = 300;

impl Conversation {
    /// The newest items, at most `limit` (1 to 300), oldest first.
    ///
    /// # Errors
    /// `locked`, `invalid_argument`.
    pub async fn latest(&self, limit: usize) -> Result<Page> {
        self.page(None, limit, Direction::Older).await
    }

    /// Items before a cursor, at most `limit` (1 to 300), oldest first.
    ///
    /// ```no_run
    /// # async fn example(care: &curo::Conversation) -> curo::Result<()> {
    /// let mut page = care.latest(50).await?;
    /// while let Some(older) = page.older {
    ///     page = care.before(older, 50).await?; // the person scrolls up
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `locked`, `invalid_argument`.
    pub async fn before(&self, cursor: Cursor, limit: usize) -> Result<Page> {
        self.page(Some(cursor), limit, Direction::Older).await
    }

    /// Items after a cursor, at most `limit` (1 to 300), oldest first. What others send comes before one's own unsent
    /// messages, so go on from an item that has been accepted.
    ///
    /// # Errors
    /// `locked`, `invalid_argument`.
    pub async fn after(&self, cursor: Cursor, limit: usize) -> Result<Page> {
        self.page(Some(cursor), limit, Direction::Newer).await
    }

    async fn page(&self, cursor: Option<Cursor>, limit: usize, direction: Direction) -> Result<Page> {
        if !(1..=PAGE_LIMIT).contains(&limit) {
            return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        let me = self.core.account().await?;
        let (id, place) = (self.id, cursor.map(|cursor| cursor.0));
        let page = self.core.db.read(move |conn| {
            // One row more than asked for says whether there is a further page.
            let mut rows = match direction {
                Direction::Older => item::before(conn, id, place, limit + 1)?,
                Direction::Newer => item::after(conn, id, place, limit + 1)?,
            };
            let further = rows.len() > limit;
            rows.truncate(limit);
            if direction == Direction::Older {
                rows.reverse();
            }
            let mut deliveries = Deliveries::new(id, me.user);
            let items: Vec<_> = rows
                .iter()
                .map(|row| item_of(conn, row, &me, &mut deliveries))
                .collect::<std::result::Result<_, Fault>>()?;
            let (first, last) = (items.first().map(|i| i.cursor), items.last().map(|i| i.cursor));
            let newer_than = |last: Cursor| item::after(conn, id, Some(last.0), 1).map(|rows| !rows.is_empty());
            let older_than = |first: Cursor| item::before(conn, id, Some(first.0), 1).map(|rows| !rows.is_empty());
            let (older, newer) = match direction {
                Direction::Older => (further, last.map(newer_than).transpose()?.unwrap_or(false)),
                Direction::Newer => (first.map(older_than).transpose()?.unwrap_or(false), further),
            };
            Ok(Page {
                items,
                older: first.filter(|_| older),
                newer: last.filter(|_| newer),
            })
        });
        Ok(page.await?)
    }

    /// How far an own message has come.
    ///
    /// # Errors
    /// `unknown` for a message that this device did not send, and for one that says something about another; `locked`.
    pub async fn delivery(&self, message: MessageId) -> Result<DeliveryState> {
        let me = self.core.account().await?;
        let id = self.id;
        let state = self.core.db.read(move |conn| {
            let Some(row) = item::get(conn, id, me.device, message)? else {
                // Only one that was cancelled has a row of the outbox and none of the timeline.
                let cancelled = outbox::get(conn, message.into())?.and_then(|row| row.code);
                let cancelled = cancelled.filter(|code| *code == ErrorCode::CANCELLED.as_str());
                let code = cancelled.ok_or(Fault::Code(ErrorCode::UNKNOWN))?;
                return Ok(DeliveryState::failed(code.into()));
            };
            Deliveries::new(id, me.user)
                .of(conn, &row)?
                .ok_or(Fault::Code(ErrorCode::UNKNOWN))
        });
        Ok(state.await?)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Older,
    Newer,
}

pub(crate) fn failure(row: &OutboxRow) -> ErrorCode {
    row.code.clone().map_or(ErrorCode::UNKNOWN, ErrorCode::from)
}

/// What an app sees of a row: the one way from the store to every page and snapshot.
pub(crate) fn item_of(
    conn: &Connection,
    row: &ItemRow,
    me: &Account,
    deliveries: &mut Deliveries,
) -> std::result::Result<Item, Fault> {
    let delivery = deliveries.of(conn, row)?;
    let mut item = Item::from_row(row, me.user, delivery);
    if let Entry::Message(message) = &mut item.entry {
        Details::read(conn, deliveries.conversation(), row, me)?.put_into(message);
    }
    Ok(item)
}
