//! A conversation's timeline as a screen shows it: a window over its items, with edges, that follows the live end.
//!
//! Stands above the store's items and the window. What an item is, is said by `timeline` and `pages`; this only decides
//! which are shown and which are still the same.

mod read;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use curo_store::repo::item::Place;
use curo_types::format::Reference;
use curo_types::{DeviceId, ErrorCode, MessageId};

use self::read::{Items, Reading, Spot};
use super::window::{self, Window};
use super::{Mark, Observe, Observed, Snapshot, Source, Touched};
use crate::conversations::Conversation;
use crate::core::Core;
use crate::error::{Error, Fault, Result};
use crate::timeline::Item;

/// What names an item of a conversation for life: from the moment it is queued, whatever becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    sender: DeviceId,
    message: MessageId,
}

impl ItemKey {
    /// The key of a message.
    pub const fn new(sender_device: DeviceId, message: MessageId) -> Self {
        Self {
            sender: sender_device,
            message,
        }
    }
}

impl From<Reference> for ItemKey {
    fn from(reference: Reference) -> Self {
        Self::new(reference.sender, reference.message)
    }
}

/// As text, for lists that want one: 65 characters.
impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.sender, self.message)
    }
}

impl fmt::Debug for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ItemKey({self})")
    }
}

/// One item of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineItem {
    /// Its name, the same for life.
    pub key: ItemKey,
    /// Another one whenever anything about the item has changed. An item with the same key and revision is the same, and
    /// the same instance from one snapshot to the next.
    pub revision: u64,
    /// What it is.
    pub item: Item,
}

/// What lies beyond one end of what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Nothing.
    End,
    /// More items are on this device: load them.
    More,
    /// They are on their way: from the store, or at the newer end from the relay, because the conversation is behind.
    Loading,
    /// They could not be had. Loading again may succeed; what the relay has is tried again by itself.
    Failed(Error),
}

/// What a timeline shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineState {
    /// At most 300 items in display order, the oldest first.
    pub items: Vec<Arc<TimelineItem>>,
    /// What lies before the first.
    pub older: Edge,
    /// What lies behind the last.
    pub newer: Edge,
    /// Messages of others that have come since this was opened, or since it last stood at the live end, and are not in the
    /// window: 1,000 means as many or more. Always 0 at the live end.
    pub new_below: u64,
    /// The item that was asked for by the start or the last jump: where a screen begins.
    pub anchor: Option<ItemKey>,
}

impl TimelineState {
    fn empty() -> Self {
        Self {
            items: Vec::new(),
            older: Edge::End,
            newer: Edge::End,
            new_below: 0,
            anchor: None,
        }
    }
}

/// Where a timeline begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Start {
    /// At the first message of somebody else that is not read yet; at the newest, if all are read.
    #[default]
    FirstUnread,
    /// At the newest item.
    Newest,
    /// At one item, with others around it; at the newest, if it is not on this device.
    At(ItemKey),
}

/// How a timeline is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineOptions {
    /// Where it begins.
    pub start: Start,
    /// Items that are read at first and with each load: 1 to 300.
    pub page: usize,
}

impl Default for TimelineOptions {
    fn default() -> Self {
        Self {
            start: Start::FirstUnread,
            page: 50,
        }
    }
}

/// A conversation's timeline. Clones are one timeline: they share the window. Open another one for another screen.
#[derive(Clone)]
pub struct Timeline {
    source: Arc<TimelineSource>,
    observed: Observed<TimelineState>,
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeline").finish_non_exhaustive()
    }
}

impl Conversation {
    /// The timeline of a screen: what to draw, pulled with [`Timeline::next`]. The first snapshot comes from the store at
    /// once, whatever the network does. Opens nothing and reads nothing by itself.
    ///
    /// ```no_run
    /// # async fn example(care: &curo::Conversation) -> curo::Result<()> {
    /// let timeline = care.timeline(curo::TimelineOptions::default())?; // starts at the first unread
    /// let mut seen = 0;
    /// loop {
    ///     let snapshot = timeline.next(seen).await?;
    ///     seen = snapshot.revision;
    ///     for item in &snapshot.state.items { /* draw; unchanged items are the same Arc */ }
    ///     if snapshot.state.older == curo::Edge::More {
    ///         timeline.load_older().await?; // the person has scrolled to the top
    ///     }
    /// #   break Ok(());
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// `invalid_argument` for a page outside 1 to 300.
    pub fn timeline(&self, options: TimelineOptions) -> Result<Timeline> {
        if !(1..=window::LIMIT).contains(&options.page) {
            return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        let source = Arc::new(TimelineSource::new(self.clone(), options));
        Ok(Timeline {
            observed: Observed::new(Arc::clone(&self.core), source.clone()),
            source,
        })
    }
}

impl Timeline {
    /// The newest snapshot, as soon as it is another than that of revision `after`. See [`Observed::next`].
    ///
    /// # Errors
    /// As [`Observed::next`]; `unknown` for a conversation that this device does not have.
    pub async fn next(&self, after: u64) -> Result<Snapshot<TimelineState>> {
        self.observed.next(after).await
    }

    /// Shows a page more of older items. Beyond 300 the newest ones leave the window, which then no longer follows the live
    /// end. Does nothing where there are none. Returns when the window has grown; the snapshot follows.
    ///
    /// # Errors
    /// `locked`, `closed`, `unknown`, or the database's; the edge shows the last as [`Edge::Failed`].
    pub async fn load_older(&self) -> Result<()> {
        self.load(Side::Older).await
    }

    /// Shows a page more of newer items. Beyond 300 the oldest ones leave the window. Does nothing at the live end.
    ///
    /// # Errors
    /// As [`Timeline::load_older`].
    pub async fn load_newer(&self) -> Result<()> {
        self.load(Side::Newer).await
    }

    /// Shows one item with others around it, for example that of a reply or of a search.
    ///
    /// # Errors
    /// `unknown` where it is not on this device; then nothing moves. Others as [`Timeline::load_older`].
    pub async fn jump_to(&self, item: impl Into<ItemKey> + Send) -> Result<()> {
        self.source.jump(Some(item.into())).await
    }

    /// Shows the newest items, and follows what arrives.
    ///
    /// # Errors
    /// As [`Timeline::load_older`].
    pub async fn jump_to_newest(&self) -> Result<()> {
        self.source.jump(None).await
    }

    async fn load(&self, side: Side) -> Result<()> {
        Ok(self.source.load(side).await?)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Older,
    Newer,
}

/// How a load stands.
#[derive(Clone, Default)]
enum Load {
    #[default]
    Idle,
    Running,
    Failed(Error),
}

/// Where the window stands.
#[derive(Clone, Copy)]
struct Stand {
    window: Window<Spot>,
    /// The newest place of the log when the window was last at the live end, or was opened: what is behind it is new.
    base: Option<Place>,
    anchor: Option<ItemKey>,
}

/// What is kept between two readings: places, and the items of the last one.
#[derive(Default)]
struct View {
    /// Rises with every load, jump and lock.
    version: u64,
    /// Absent until the first reading.
    stand: Option<Stand>,
    items: Arc<Items>,
    older: Load,
    newer: Load,
}

pub(crate) struct TimelineSource {
    conversation: Conversation,
    options: TimelineOptions,
    /// One load or jump at a time.
    turn: tokio::sync::Mutex<()>,
    view: Mutex<View>,
}

impl TimelineSource {
    fn new(conversation: Conversation, options: TimelineOptions) -> Self {
        Self {
            conversation,
            options,
            turn: tokio::sync::Mutex::new(()),
            view: Mutex::default(),
        }
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is kept, and wakes whoever waits for a snapshot.
    fn change(&self, change: impl FnOnce(&mut View)) {
        {
            let mut view = self.view();
            change(&mut view);
            view.version += 1;
        }
        self.conversation.core.observe.wake();
    }

    async fn stand(&self) -> Result<Stand, Fault> {
        let stand = self.view().stand;
        match stand {
            Some(stand) => Ok(stand),
            None => {
                let (id, options) = (self.conversation.id, self.options);
                let opened = self
                    .conversation
                    .core
                    .db
                    .read(move |conn| read::open(conn, id, options));
                let opened = opened.await?;
                Ok(*self.view().stand.get_or_insert(opened))
            }
        }
    }

    async fn load(&self, side: Side) -> Result<(), Fault> {
        let _turn = self.turn.lock().await;
        let window = self.stand().await?.window;
        self.change(|view| *view.load(side) = Load::Running);
        let guard = Unfinished { source: self, side };
        let (rows, page) = (read::Places(self.conversation.id), self.options.page);
        let grown = self.conversation.core.db.read(move |conn| {
            Ok(match side {
                Side::Older => window.older(&rows, conn, page)?,
                Side::Newer => window.newer(&rows, conn, page)?,
            })
        });
        let grown = grown.await;
        std::mem::forget(guard);
        self.change(|view| {
            *view.load(side) = match &grown {
                Err(fault) if fault.code() != ErrorCode::LOCKED => Load::Failed(Error::new(fault.code())),
                _ => Load::Idle,
            };
            if let (Ok(Some(to)), Some(stand)) = (&grown, &mut view.stand) {
                match side {
                    Side::Older => stand.window.grow_older(*to),
                    Side::Newer => stand.window.grow_newer(*to),
                }
            }
        });
        grown.map(drop)
    }

    async fn jump(&self, to: Option<ItemKey>) -> Result<()> {
        let _turn = self.turn.lock().await;
        let (id, page) = (self.conversation.id, self.options.page);
        let stand = self.conversation.core.db.read(move |conn| match to {
            Some(key) => read::around(conn, id, key, page)?.ok_or(Fault::Code(ErrorCode::UNKNOWN)),
            None => read::newest(conn, id, page),
        });
        let stand = stand.await?;
        self.change(|view| {
            view.stand = Some(stand);
            view.older = Load::Idle;
            view.newer = Load::Idle;
        });
        Ok(())
    }
}

impl View {
    fn load(&mut self, side: Side) -> &mut Load {
        match side {
            Side::Older => &mut self.older,
            Side::Newer => &mut self.newer,
        }
    }
}

/// A caller that goes away in the middle of a load leaves no spinner behind.
struct Unfinished<'a> {
    source: &'a TimelineSource,
    side: Side,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.source.change(|view| *view.load(self.side) = Load::Idle);
    }
}

#[async_trait]
impl Source<TimelineState> for TimelineSource {
    fn mark(&self, observe: &Observe) -> Mark {
        let version = self.view().version;
        (observe.changed_at(Touched::Conversation(self.conversation.id)), version)
    }

    async fn read(&self, core: &Core) -> Result<TimelineState, Fault> {
        loop {
            let stand = self.stand().await?;
            let (version, items) = {
                let view = self.view();
                (view.version, Arc::clone(&view.items))
            };
            let me = core.account().await?;
            let connection = core.connection.borrow().clone();
            let id = self.conversation.id;
            let reading = Reading { id, me, stand, items };
            let found = core.db.read(move |conn| reading.run(conn)).await?;
            let mut view = self.view();
            if view.version != version || view.stand.is_none() {
                // A load, a jump or a lock has come in between.
                continue;
            }
            let (state, items) = found.show(&connection, (&view.older, &view.newer), || core.observe.next_revision());
            view.stand = Some(found.stand);
            view.items = Arc::new(items);
            return Ok(state);
        }
    }

    fn emptied(&self) -> Option<TimelineState> {
        Some(TimelineState::empty())
    }

    fn forget(&self) {
        let mut view = self.view();
        view.items = Arc::default();
        view.version += 1;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
