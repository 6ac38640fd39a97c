//! What a message is for an app beyond its text: whom it answers, what was said about it later, what is still on its way.
//!
//! Stands above the folded rows, from which it reads one message's part; what is folded is decided below.

use std::collections::BTreeMap;

use curo_store::repo::account::Account;
use curo_store::repo::change::{self, ChangeKind};
use curo_store::repo::item::{self, Deleted, ItemRow};
use curo_store::repo::outbox::{self, IntentState};
use curo_types::format::{Content, ContentBody, Priority, Reference};
use curo_types::{ConversationId, IntentId, Text, UserId};
use rusqlite::Connection;

use crate::error::Fault;
use crate::pages::failure;
use crate::timeline::{Body, DeliveryState, Message};

/// Longest text of a quote in characters.
const QUOTE_CHARS: usize = 200;

/// A message to send. [`NewMessage::text`] makes a routine one that answers nothing.
///
/// ```
/// use curo::{NewMessage, Priority};
///
/// let urgent = NewMessage {
///     priority: Priority::Urgent,
///     ..NewMessage::text("K+ 6.8, please come")
/// };
/// # assert!(urgent.reply_to.is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct NewMessage {
    /// The text, of 1 to [`Content::TEXT_LIMIT`] bytes.
    pub text: Text,
    /// Users that it mentions, at most 64.
    pub mentions: Vec<UserId>,
    /// How soon it wants to be seen. Readers are asked to acknowledge what is urgent.
    pub priority: Priority,
    /// The message that it answers.
    pub reply_to: Option<Reference>,
    /// The first message of the thread that it is in.
    pub thread: Option<Reference>,
}

impl NewMessage {
    /// A routine message.
    pub fn text(text: impl Into<Text>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// The message that another answers, as far as it is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Which.
    pub message: Reference,
    /// Who sent it; `None` if it is not on this device, for example because it was said before this user joined.
    pub sender: Option<UserId>,
    /// What it says now, at most 200 characters; `None` if it is not here, deleted or no text.
    pub text: Option<Text>,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// One reaction to a message and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Which: an emoji or another short text, at most 64 bytes.
    pub emoji: Text,
    /// Who has set it, by id.
    pub users: Vec<UserId>,
    /// Whether this user is among them.
    pub own: bool,
}

/// A change of this device to a message that the relay has not accepted yet. The message is shown with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsentChange {
    /// For [`Conversation::retry`](crate::Conversation::retry) and [`Conversation::cancel`](crate::Conversation::cancel).
    pub intent: IntentId,
    /// How far it has come.
    pub state: DeliveryState,
}

/// What is shown of a message and does not stand in its own row.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Details {
    reply_to: Option<Quote>,
    reactions: Vec<Reaction>,
    acknowledged_by: Vec<UserId>,
    unsent_change: Option<UnsentChange>,
}

impl Details {
    /// A few look-ups by index, none for a message that nothing was said about.
    pub(crate) fn read(conn: &Connection, id: ConversationId, row: &ItemRow, me: &Account) -> Result<Self, Fault> {
        let mut details = Self {
            reply_to: row.fold.reply_to.map(|of| quote(conn, id, of)).transpose()?,
            ..Self::default()
        };
        if !row.fold.touched {
            return Ok(details);
        }
        let target = row.reference();
        if row.fold.deleted == Deleted::No {
            details.reactions = reactions(conn, id, target, me)?;
        }
        if row.fold.priority > 0 {
            let rows = change::live(conn, id, target, ChangeKind::Acknowledgement)?;
            details.acknowledged_by = rows.into_iter().map(|row| row.sender_user).collect();
            details.acknowledged_by.dedup();
        }
        if let Some(last) = change::unsent(conn, id, target)?.pop() {
            let intent: IntentId = last.message.into();
            details.unsent_change = outbox::get(conn, intent)?.map(|row| UnsentChange {
                intent,
                state: match row.state {
                    IntentState::Failed => DeliveryState::failed(failure(&row)),
                    IntentState::Accepted => DeliveryState::Sent,
                    _ => DeliveryState::Queued,
                },
            });
        }
        Ok(details)
    }

    pub(crate) fn put_into(self, message: &mut Message) {
        message.reply_to = self.reply_to;
        message.reactions = self.reactions;
        message.acknowledged_by = self.acknowledged_by;
        message.unsent_change = self.unsent_change;
    }
}

/// The reactions that are shown: of one user's rows for one reaction the last decides.
fn reactions(conn: &Connection, id: ConversationId, target: Reference, me: &Account) -> Result<Vec<Reaction>, Fault> {
    let mut last = BTreeMap::new();
    for row in change::live(conn, id, target, ChangeKind::Reaction)? {
        last.insert((row.emoji, row.sender_user), row.value);
    }
    let mut all: Vec<Reaction> = Vec::new();
    for ((emoji, user), _) in last.into_iter().filter(|(_, set)| *set) {
        let own = user == me.user;
        match all.last_mut().filter(|last| last.emoji.as_str() == emoji) {
            Some(last) => {
                last.users.push(user);
                last.own |= own;
            }
            None => all.push(Reaction {
                emoji: emoji.into(),
                users: vec![user],
                own,
            }),
        }
    }
    Ok(all)
}

fn quote(conn: &Connection, id: ConversationId, of: Reference) -> Result<Quote, Fault> {
    let Some(row) = item::get(conn, id, of.sender, of.message)? else {
        return Ok(Quote {
            message: of,
            sender: None,
            text: None,
            deleted: false,
        });
    };
    let text = match body_of(&row).0 {
        Body::Text(text) | Body::Amendment { text, .. } => Some(shortened(&text)),
        _ => None,
    };
    Ok(Quote {
        message: of,
        sender: row.sender_user,
        text,
        deleted: row.fold.deleted != Deleted::No,
    })
}

fn shortened(text: &Text) -> Text {
    text.as_str().chars().take(QUOTE_CHARS).collect::<String>().into()
}

/// What a row says now, and whom it mentions.
pub(crate) fn body_of(row: &ItemRow) -> (Body, Vec<UserId>) {
    if row.fold.deleted != Deleted::No {
        return (Body::Deleted, Vec::new());
    }
    let content = row.shown().and_then(|bytes| Content::from_bytes(bytes).ok());
    match content.map_or(ContentBody::Unsupported, |content| content.typed()) {
        ContentBody::Text(body) => (Body::Text(body.text), body.mentions),
        ContentBody::Edit { text, mentions, .. } if row.fold.edit.is_some() => (Body::Text(text), mentions),
        ContentBody::Amendment { target, text, mentions } => (Body::Amendment { of: target, text }, mentions),
        _ => (Body::Unsupported, Vec::new()),
    }
}

/// The priority of a row.
pub(crate) const fn priority_of(row: &ItemRow) -> Priority {
    match row.fold.priority {
        0 => Priority::Routine,
        1 => Priority::Urgent,
        _ => Priority::Stat,
    }
}
