//! Pages of a timeline, and drafts.

use curo::Cursor;

use crate::convert::{all, int};
use crate::item::Item;

/// One page of a timeline.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct Page {
    /// Items in display order, oldest first.
    pub items: Vec<Item>,
    /// Goes on to older items; none if there are none.
    pub older: Option<Cursor>,
    /// Goes on to newer items; none if there are none at the moment.
    pub newer: Option<Cursor>,
}

/// What somebody has begun to write.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct SavedDraft {
    /// The text.
    pub text: String,
    /// When it was saved, in milliseconds since 1970 UTC.
    pub saved_ms: i64,
}

impl From<curo::Page> for Page {
    fn from(page: curo::Page) -> Self {
        let curo::Page { items, older, newer } = page;
        Self {
            items: all(items),
            older,
            newer,
        }
    }
}

impl From<curo::SavedDraft> for SavedDraft {
    fn from(draft: curo::SavedDraft) -> Self {
        let curo::SavedDraft { text, saved_ms } = draft;
        Self {
            text: text.into_string(),
            saved_ms: int(saved_ms),
        }
    }
}
