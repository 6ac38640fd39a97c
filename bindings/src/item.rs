//! Items of timelines, in pages and in windows.

use curo::{Cursor, ItemKey};

use crate::convert::int;
use crate::entry::Entry;
use crate::error::Failure;

/// One item of a page.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct Item {
    /// Its place.
    pub cursor: Cursor,
    /// When the relay accepted it, in milliseconds since 1970 UTC; none while it is unsent.
    pub accepted_ms: Option<i64>,
    /// What it is.
    pub entry: Entry,
}

/// One item of a timeline's window.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct TimelineItem {
    /// Its name, the same for life.
    pub key: ItemKey,
    /// Another one whenever anything about the item has changed.
    pub revision: i64,
    /// What it is.
    pub item: Item,
}

/// What lies beyond one end of what is shown.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Edge {
    /// Nothing.
    End,
    /// More is on this device: load it.
    More,
    /// It is on its way.
    Loading,
    /// It could not be had. Loading again may succeed.
    Failed {
        /// Why.
        failure: Failure,
    },
}

impl From<curo::Item> for Item {
    fn from(item: curo::Item) -> Self {
        let curo::Item {
            cursor,
            accepted_ms,
            entry,
        } = item;
        Self {
            cursor,
            accepted_ms: accepted_ms.map(int),
            entry: entry.into(),
        }
    }
}

impl From<curo::TimelineItem> for TimelineItem {
    fn from(item: curo::TimelineItem) -> Self {
        let curo::TimelineItem { key, revision, item } = item;
        Self {
            key,
            revision: int(revision),
            item: item.into(),
        }
    }
}

impl From<curo::Edge> for Edge {
    fn from(edge: curo::Edge) -> Self {
        match edge {
            curo::Edge::End => Self::End,
            curo::Edge::More => Self::More,
            curo::Edge::Loading => Self::Loading,
            curo::Edge::Failed(error) => Self::Failed { failure: error.into() },
        }
    }
}
