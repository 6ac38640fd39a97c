//! A conversation's timeline as a screen shows it.

use std::sync::Arc;

use curo::ItemKey;

use crate::convert::{count, int};
use crate::error::Result;
use crate::item::{Edge, TimelineItem};
use crate::pull::Pull;
use crate::runtime::{change, contained};

/// Where a timeline begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Start {
    /// At the first message of somebody else that is not read yet; at the newest, if all are read.
    FirstUnread,
    /// At the newest item.
    Newest,
    /// At one item, with others around it; at the newest, if it is not on this device.
    At {
        /// Which.
        key: ItemKey,
    },
}

/// How a timeline is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct TimelineOptions {
    /// Where it begins.
    pub start: Start,
    /// Items that are read at first and with each load: 1 to 300.
    #[uniffi(default = 50)]
    pub page: i64,
}

/// What a timeline shows.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct TimelineSnapshot {
    /// Give it to the next call of next. Numbers rise; they have no other meaning.
    pub revision: i64,
    /// Whether the client is locked. There are no items then.
    pub locked: bool,
    /// At most 300 items in display order, the oldest first. One with the same key and revision as before is unchanged.
    pub items: Vec<TimelineItem>,
    /// What lies before the first.
    pub older: Edge,
    /// What lies behind the last.
    pub newer: Edge,
    /// Messages of others that have come and are not in the window; 1,000 means as many or more.
    pub new_below: i64,
    /// The item that was asked for by the start or the last jump: where a screen begins.
    pub anchor: Option<ItemKey>,
}

/// A window over a conversation's items that follows the live end.
#[derive(uniffi::Object)]
pub struct Timeline(Pull<curo::Timeline>);

#[uniffi::export]
impl Timeline {
    /// The newest snapshot, as soon as it is another than that of revision after; 0 asks for the first, which comes at once.
    /// Nothing is popped: going away loses nothing, and any number of callers may wait. At most twenty snapshots a second.
    /// Fails with closed once the timeline or its client was closed, with store_missing once the profile was erased.
    pub async fn next(&self, after: i64) -> Result<TimelineSnapshot> {
        self.0
            .next(
                after,
                |source, after| async move { Ok(source.next(after).await?.into()) },
            )
            .await
    }

    /// Loads older items; what is found comes with the next snapshot.
    pub async fn load_older(&self) -> Result<()> {
        let source = self.0.source()?;
        change(async move { source.load_older().await }).await
    }

    /// Loads newer items; what is found comes with the next snapshot.
    pub async fn load_newer(&self) -> Result<()> {
        let source = self.0.source()?;
        change(async move { source.load_newer().await }).await
    }

    /// Goes to one item, with others around it. Fails with unknown where it is not on this device.
    pub async fn jump_to(&self, key: ItemKey) -> Result<()> {
        let source = self.0.source()?;
        change(async move { source.jump_to(key).await }).await
    }

    /// Goes to the live end.
    pub async fn jump_to_newest(&self) -> Result<()> {
        let source = self.0.source()?;
        change(async move { source.jump_to_newest().await }).await
    }

    /// Closes the timeline and wakes all who wait. Harmless to repeat.
    pub fn end(&self) -> Result<()> {
        contained(|| {
            self.0.end();
            Ok(())
        })
    }
}

impl Timeline {
    pub(crate) fn new(timeline: curo::Timeline) -> Self {
        Self(Pull::new(timeline))
    }
}

impl TimelineOptions {
    pub(crate) fn into_core(self) -> Result<curo::TimelineOptions> {
        Ok(curo::TimelineOptions {
            start: match self.start {
                Start::FirstUnread => curo::Start::FirstUnread,
                Start::Newest => curo::Start::Newest,
                Start::At { key } => curo::Start::At(key),
            },
            page: count(self.page)?,
        })
    }
}

impl From<curo::Snapshot<curo::TimelineState>> for TimelineSnapshot {
    fn from(snapshot: curo::Snapshot<curo::TimelineState>) -> Self {
        let curo::Snapshot {
            revision,
            locked,
            state,
        } = snapshot;
        let curo::TimelineState {
            items,
            older,
            newer,
            new_below,
            anchor,
        } = state;
        Self {
            revision: int(revision),
            locked,
            items: items
                .into_iter()
                .map(|item| Arc::unwrap_or_clone(item).into())
                .collect(),
            older: older.into(),
            newer: newer.into(),
            new_below: int(new_below),
            anchor,
        }
    }
}
