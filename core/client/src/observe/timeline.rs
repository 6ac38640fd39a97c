//! A conversation's timeline as a screen shows it: a window over its items, with edges, that follows the live end.
//!
//! Stands above the store's items and the window. What an item is, is said by `timeline` and `pages`; this only decides
//! which are shown and which are still the same.

mod read;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use curo_store::repo::item;
use curo_types::format::Reference;
use curo_types::{DeviceId, ErrorCode, MessageId};
use rusqlite::Connection;

use self::read::{Items, Reading, Spot};
use super::slider::{Edge, Side, Slider, Stand};
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
        let source = Arc::new(TimelineSource {
            conversation: self.clone(),
            options,
            slider: Slider::new(),
        });
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
        Ok(self.source.load(Side::Older).await?)
    }

    /// Shows a page more of newer items. Beyond 300 the oldest ones leave the window. Does nothing at the live end.
    ///
    /// # Errors
    /// As [`Timeline::load_older`].
    pub async fn load_newer(&self) -> Result<()> {
        Ok(self.source.load(Side::Newer).await?)
    }

    /// Shows one item with others around it, for example that of a reply or of a search.
    ///
    /// # Errors
    /// `unknown` where it is not on this device; then nothing moves. Others as [`Timeline::load_older`].
    pub async fn jump_to(&self, item: impl Into<ItemKey> + Send) -> Result<()> {
        Ok(self.source.jump(Some(item.into())).await?)
    }

    /// Shows the newest items, and follows what arrives.
    ///
    /// # Errors
    /// As [`Timeline::load_older`].
    pub async fn jump_to_newest(&self) -> Result<()> {
        Ok(self.source.jump(None).await?)
    }
}

/// Where the window stands.
#[derive(Clone, Copy)]
struct Place {
    window: Window<Spot>,
    /// The newest place of the log when the window was last at the live end, or was opened: what is behind it is new.
    base: Option<item::Place>,
    anchor: Option<ItemKey>,
}

impl Stand for Place {
    type Place = Spot;

    fn window(&mut self) -> &mut Window<Spot> {
        &mut self.window
    }
}

struct TimelineSource {
    conversation: Conversation,
    options: TimelineOptions,
    slider: Slider<Place, Items>,
}

impl TimelineSource {
    fn open(&self) -> impl FnOnce(&Connection) -> Result<Place, Fault> + Send + 'static {
        let (id, options) = (self.conversation.id, self.options);
        move |conn| read::open(conn, id, options)
    }

    async fn load(&self, side: Side) -> Result<(), Fault> {
        let rows = read::Places(self.conversation.id);
        self.slider
            .load(&self.conversation.core, rows, side, self.options.page, self.open())
            .await
    }

    async fn jump(&self, to: Option<ItemKey>) -> Result<(), Fault> {
        let (id, page) = (self.conversation.id, self.options.page);
        let find = move |conn: &Connection| match to {
            Some(key) => read::around(conn, id, key, page)?.ok_or(Fault::Code(ErrorCode::UNKNOWN)),
            None => read::newest(conn, id, page),
        };
        self.slider.jump(&self.conversation.core, find).await
    }
}

#[async_trait]
impl Source<TimelineState> for TimelineSource {
    fn mark(&self, observe: &Observe) -> Mark {
        let version = self.slider.view().version;
        (observe.changed_at(Touched::Conversation(self.conversation.id)), version)
    }

    async fn read(&self, core: &Core) -> Result<TimelineState, Fault> {
        loop {
            let stand = self.slider.stand(core, self.open()).await?;
            let (version, items) = {
                let view = self.slider.view();
                (view.version, Arc::clone(&view.items))
            };
            let me = core.account().await?;
            let connection = core.connection.borrow().clone();
            let id = self.conversation.id;
            let reading = Reading { id, me, stand, items };
            let found = core.db.read(move |conn| reading.run(conn)).await?;
            let mut view = self.slider.view();
            if view.version != version {
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
        self.slider.forget();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
