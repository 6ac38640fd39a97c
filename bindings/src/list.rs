//! The list of conversations as a screen shows it.

use std::sync::Arc;

use curo::{ConversationId, ItemKey, UserId};

use crate::body::{Body, DeliveryState};
use crate::convert::int;
use crate::error::Result;
use crate::info::ConversationState;
use crate::item::Edge;
use crate::pull::Pull;
use crate::runtime::{change, contained};

/// The last message of a conversation.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct Preview {
    /// What names its item in the timeline.
    pub key: ItemKey,
    /// Who sent it.
    pub sender: UserId,
    /// Whether this user did.
    pub own: bool,
    /// What it says.
    pub body: Body,
    /// When the relay accepted it, in milliseconds since 1970 UTC; none while it is unsent.
    pub accepted_ms: Option<i64>,
    /// How far it has come; of own messages only.
    pub delivery: Option<DeliveryState>,
}

/// One row of the list.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct ConversationSummary {
    /// What can be done with it.
    pub state: ConversationState,
    /// Why it is frozen, as an error code.
    pub frozen: Option<String>,
    /// Whether entries are known to be missing. Tried again by itself.
    pub behind: bool,
    /// Its title, if it has one.
    pub title: Option<String>,
    /// The other person of a direct conversation.
    pub direct_with: Option<UserId>,
    /// How many people are in it, this user included.
    pub members: i64,
    /// Some of them, for a title where there is none.
    pub people: Vec<UserId>,
    /// Time of the last activity, in milliseconds since 1970 UTC.
    pub activity_ms: i64,
    /// The last message.
    pub last: Option<Preview>,
    /// Unread messages of others.
    pub unread: i64,
    /// Whether it is left out of the total of what is unread.
    pub muted: bool,
    /// What somebody has begun to write.
    pub draft: Option<String>,
}

/// One conversation in the list.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct ConversationItem {
    /// The conversation.
    pub id: ConversationId,
    /// Another one whenever anything about the row has changed.
    pub revision: i64,
    /// What to show of it.
    pub row: ConversationSummary,
}

/// What the list shows.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct ConversationListSnapshot {
    /// Give it to the next call of next. Numbers rise; they have no other meaning.
    pub revision: i64,
    /// Whether the client is locked. There are no items then.
    pub locked: bool,
    /// The conversation with the newest activity first. One with the same id and revision as before is unchanged.
    pub items: Vec<ConversationItem>,
    /// What lies before the first.
    pub newer: Edge,
    /// What lies behind the last.
    pub older: Edge,
}

/// A window over the conversations, by last activity.
#[derive(uniffi::Object)]
pub struct ConversationList(Pull<curo::ConversationList>);

#[uniffi::export]
impl ConversationList {
    /// The newest snapshot, as soon as it is another than that of revision after; 0 asks for the first, which comes at once.
    /// Nothing is popped: going away loses nothing, and any number of callers may wait. Fails with closed once the list or its
    /// client was closed, with store_missing once the profile was erased.
    pub async fn next(&self, after: i64) -> Result<ConversationListSnapshot> {
        self.0
            .next(
                after,
                |source, after| async move { Ok(source.next(after).await?.into()) },
            )
            .await
    }

    /// Loads conversations with older activity; what is found comes with the next snapshot.
    pub async fn load_older(&self) -> Result<()> {
        let source = self.0.source()?;
        change(async move { source.load_older().await }).await
    }

    /// Loads conversations with newer activity; what is found comes with the next snapshot.
    pub async fn load_newer(&self) -> Result<()> {
        let source = self.0.source()?;
        change(async move { source.load_newer().await }).await
    }

    /// Goes to the conversation with the newest activity.
    pub async fn jump_to_newest(&self) -> Result<()> {
        let source = self.0.source()?;
        change(async move { source.jump_to_newest().await }).await
    }

    /// Closes the list and wakes all who wait. Harmless to repeat.
    pub fn end(&self) -> Result<()> {
        contained(|| {
            self.0.end();
            Ok(())
        })
    }
}

impl ConversationList {
    pub(crate) fn new(list: curo::ConversationList) -> Self {
        Self(Pull::new(list))
    }
}

impl From<curo::Snapshot<curo::ConversationsState>> for ConversationListSnapshot {
    fn from(snapshot: curo::Snapshot<curo::ConversationsState>) -> Self {
        let curo::Snapshot {
            revision,
            locked,
            state,
        } = snapshot;
        let curo::ConversationsState { items, newer, older } = state;
        Self {
            revision: int(revision),
            locked,
            items: items
                .into_iter()
                .map(|item| Arc::unwrap_or_clone(item).into())
                .collect(),
            newer: newer.into(),
            older: older.into(),
        }
    }
}

impl From<curo::ConversationItem> for ConversationItem {
    fn from(item: curo::ConversationItem) -> Self {
        let curo::ConversationItem { id, revision, row } = item;
        Self {
            id,
            revision: int(revision),
            row: row.into(),
        }
    }
}

impl From<curo::ConversationSummary> for ConversationSummary {
    fn from(summary: curo::ConversationSummary) -> Self {
        let curo::ConversationSummary {
            state,
            frozen,
            behind,
            title,
            direct_with,
            members,
            people,
            activity_ms,
            last,
            unread,
            muted,
            draft,
        } = summary;
        Self {
            state: state.into(),
            frozen: frozen.map(|code| code.as_str().to_owned()),
            behind,
            title: title.map(curo::Text::into_string),
            direct_with,
            members: int(members),
            people,
            activity_ms: int(activity_ms),
            last: last.map(Into::into),
            unread: int(unread),
            muted,
            draft: draft.map(curo::Text::into_string),
        }
    }
}

impl From<curo::Preview> for Preview {
    fn from(preview: curo::Preview) -> Self {
        let curo::Preview {
            key,
            sender,
            own,
            body,
            accepted_ms,
            delivery,
        } = preview;
        Self {
            key,
            sender,
            own,
            body: body.into(),
            accepted_ms: accepted_ms.map(int),
            delivery: delivery.map(Into::into),
        }
    }
}
