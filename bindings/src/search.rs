//! What a search finds.

use curo::{ConversationId, Cursor, SearchCursor, UserId};

use crate::convert::{all, int};
use crate::message::MessageRef;

/// A part of a snippet: where what was sought stands, in UTF-16 units as Kotlin's strings and Swift's utf16 views count them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Highlight {
    /// Where it begins.
    pub start: i64,
    /// Where it ends: the first unit after it.
    pub end: i64,
}

/// A message that was found.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct Hit {
    /// The conversation.
    pub conversation: ConversationId,
    /// The message.
    pub message: MessageRef,
    /// Its place in the timeline.
    pub cursor: Cursor,
    /// Who sent it.
    pub sender: Option<UserId>,
    /// When the relay accepted it, in milliseconds since 1970 UTC.
    pub accepted_ms: Option<i64>,
    /// The part of its text around the first find, at most 240 characters.
    pub snippet: String,
    /// What was found in the snippet, in order, none overlapping.
    pub highlights: Vec<Highlight>,
}

/// One page of what a search has found.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct SearchPage {
    /// What was found, the newest first.
    pub hits: Vec<Hit>,
    /// Goes on to older ones; none if there are none.
    pub next: Option<SearchCursor>,
}

impl From<curo::Hit> for Hit {
    fn from(hit: curo::Hit) -> Self {
        let curo::Hit {
            conversation,
            message,
            cursor,
            sender,
            accepted_ms,
            snippet,
            highlights,
        } = hit;
        let units = |bytes: usize| utf16_units(snippet.as_str(), bytes);
        let highlights = highlights.into_iter().map(|range| Highlight {
            start: units(range.start),
            end: units(range.end),
        });
        Self {
            conversation,
            message: message.into(),
            cursor,
            sender,
            accepted_ms: accepted_ms.map(int),
            highlights: highlights.collect(),
            snippet: snippet.into_string(),
        }
    }
}

impl From<curo::SearchPage> for SearchPage {
    fn from(page: curo::SearchPage) -> Self {
        let curo::SearchPage { hits, next } = page;
        Self { hits: all(hits), next }
    }
}

/// How many UTF-16 units the first `bytes` bytes of a text are.
fn utf16_units(text: &str, bytes: usize) -> i64 {
    let units: usize = text
        .char_indices()
        .take_while(|(at, _)| *at < bytes)
        .map(|(_, character)| character.len_utf16())
        .sum();
    i64::try_from(units).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highlights_count_as_the_platforms_strings_do() {
        let text = "é👍K+ 6.8";
        for (bytes, units) in [(0, 0), (2, 1), (6, 3), (7, 4), (text.len(), 9), (1000, 9)] {
            assert_eq!(utf16_units(text, bytes), units, "{bytes}");
        }
    }
}
