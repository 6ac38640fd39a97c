//! Full-text search across and within conversations, over the encrypted index of this device.

pub(crate) mod index;

use std::ops::Range;
use std::sync::Arc;

use curo_store::repo::search::{self, FoundRow};
use curo_types::format::Reference;
use curo_types::{ConversationId, ErrorCode, Text, UserId};

use crate::client::Client;
use crate::conversations::Conversation;
use crate::core::Core;
use crate::error::{Error, Fault, Result};
use crate::message::body_of;
use crate::timeline::{Body, Cursor};

/// Hits of one page, at most.
const PAGE_LIMIT: usize = 100;
/// Longest snippet in characters, and how many of them stand before the first hit.
const SNIPPET_CHARS: usize = 240;
const BEFORE_CHARS: usize = 60;

/// An opaque place in what a search has found, from which it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchCursor(pub(crate) u64);

/// One page of what a search has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPage {
    /// What was found, the newest first.
    pub hits: Vec<Hit>,
    /// Goes on to older ones; `None` if there are none.
    pub next: Option<SearchCursor>,
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The conversation.
    pub conversation: ConversationId,
    /// The message.
    pub message: Reference,
    /// Its place in the timeline.
    pub cursor: Cursor,
    /// Who sent it.
    pub sender: Option<UserId>,
    /// When the relay accepted it, milliseconds since 1970 UTC.
    pub accepted_ms: Option<u64>,
    /// The part of its text around the first find, at most 240 characters.
    pub snippet: Text,
    /// What was found in the snippet: ranges of bytes of its UTF-8, in order, none overlapping.
    pub highlights: Vec<Range<usize>>,
}

impl Client {
    /// Messages that hold every word of `query`, in all conversations, the newest first; at most `limit` (1 to 100).
    ///
    /// A word is found as it stands and as the beginning of a longer one, whatever the case and the accents; in scripts that
    /// put no spaces between words, and in Korean, anywhere. Several words may stand in any order. No character of the query is
    /// an operator. Texts are found by their last edit, deleted ones not at all, own ones once the relay has accepted them.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client) -> curo::Result<()> {
    /// let mut page = client.search("potass", None, 20).await?;
    /// while let Some(next) = page.next {
    ///     page = client.search("potass", Some(next), 20).await?; // the person scrolls down
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `invalid_argument` (a query over 256 bytes, `limit`), `locked`.
    pub async fn search(&self, query: &str, after: Option<SearchCursor>, limit: usize) -> Result<SearchPage> {
        find(&self.core, query, None, after, limit).await
    }
}

impl Conversation {
    /// As [`Client::search`], in this conversation alone.
    ///
    /// # Errors
    /// As [`Client::search`].
    pub async fn search(&self, query: &str, after: Option<SearchCursor>, limit: usize) -> Result<SearchPage> {
        find(&self.core, query, Some(self.id), after, limit).await
    }
}

async fn find(
    core: &Arc<Core>,
    typed: &str,
    conversation: Option<ConversationId>,
    after: Option<SearchCursor>,
    limit: usize,
) -> Result<SearchPage> {
    if typed.len() > index::QUERY_LIMIT || !(1..=PAGE_LIMIT).contains(&limit) {
        return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
    }
    // Nothing to seek is found nowhere; a locked store says so all the same.
    let query = index::query(typed);
    let page = core.db.read(move |conn| {
        let below = after.map(|cursor| cursor.0);
        let mut rows = match &query {
            // One more than asked for says whether there is a further page.
            Some(query) => search::find(conn, query, conversation, below, index::MARKS, limit + 1)?,
            None => Vec::new(),
        };
        let further = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().map(|row| SearchCursor(row.row));
        Ok::<_, Fault>(SearchPage {
            hits: rows.iter().map(hit).collect(),
            next: last.filter(|_| further),
        })
    });
    Ok(page.await?)
}

fn hit(row: &FoundRow) -> Hit {
    let text = match body_of(&row.item).0 {
        Body::Text(text) | Body::Amendment { text, .. } => text,
        _ => Text::default(),
    };
    let (snippet, highlights) = snippet(text.as_str(), &index::ranges(text.as_str(), &row.marked));
    Hit {
        conversation: row.conversation,
        message: row.item.reference(),
        cursor: Cursor(row.item.place),
        sender: row.item.sender_user,
        accepted_ms: row.item.accepted_ms,
        snippet,
        highlights,
    }
}

/// The part of a text around the first range, and the ranges in it.
pub(crate) fn snippet(text: &str, ranges: &[Range<usize>]) -> (Text, Vec<Range<usize>>) {
    let first = ranges.first().map_or(0, |range| range.start);
    let before = text.get(..first).unwrap_or_default();
    let start = before
        .char_indices()
        .rev()
        .nth(BEFORE_CHARS - 1)
        .map_or(0, |(at, _)| at);
    let part: String = text
        .get(start..)
        .unwrap_or_default()
        .chars()
        .take(SNIPPET_CHARS)
        .collect();
    let end = start + part.len();
    let inside = ranges
        .iter()
        .filter(|range| range.start < end)
        .map(|range| range.start - start..range.end.min(end) - start)
        .collect();
    (part.into(), inside)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    reason = "tests"
)]
mod tests;
