//! What an item of a timeline is.

use curo::{DeviceId, UserId};

use crate::convert::{all, int};
use crate::info::Subject;
use crate::message::Message;

/// A place in a conversation's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct LogPlace {
    /// The incarnation.
    pub incarnation: i64,
    /// The sequence number in it.
    pub sequence: i64,
}

/// A role that was given.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct RoleChange {
    /// To whom.
    pub user: UserId,
    /// Which.
    pub role: String,
}

/// What of a conversation's head was changed.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct StateChange {
    /// By whom.
    pub by: Option<UserId>,
    /// The new title, where that was changed.
    pub title: Option<String>,
    /// Subjects that it is about from now on.
    pub bound: Vec<Subject>,
    /// Subjects that it is about no more.
    pub unbound: Vec<Subject>,
    /// Roles that were given.
    pub roles: Vec<RoleChange>,
}

/// What an item is.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every item is a message, and none lives longer than its way across"
)]
pub enum Entry {
    /// A message.
    Posted {
        /// Which.
        message: Message,
    },
    /// People came or went.
    Members {
        /// Who changed it.
        by: Option<UserId>,
        /// Who came.
        added: Vec<UserId>,
        /// Who went.
        removed: Vec<UserId>,
        /// Who has left by their own wish.
        left: Vec<UserId>,
    },
    /// Title, subjects or roles were changed.
    About {
        /// How.
        change: StateChange,
    },
    /// This device joined here; what was said before is not on it.
    Joined,
    /// This device has not seen what was said in between, and never will.
    Gap {
        /// The first entry that it missed.
        first: LogPlace,
        /// The last one.
        last: LogPlace,
    },
    /// The conversation goes on in another group of keys from here on.
    Incarnation {
        /// The incarnation that begins here, counted from 1.
        number: i64,
    },
    /// A message that cannot be read. The conversation goes on.
    Unreadable {
        /// The sending device.
        sender: DeviceId,
        /// Why, as an error code.
        code: String,
    },
    /// A message of this device whose content it no longer has.
    ContentLost,
    /// Something of a later version.
    Other,
}

impl From<curo::StateChange> for StateChange {
    fn from(change: curo::StateChange) -> Self {
        let curo::StateChange {
            by,
            title,
            bound,
            unbound,
            roles,
        } = change;
        let roles = roles.into_iter().map(|(user, role)| RoleChange {
            user,
            role: role.as_str().to_owned(),
        });
        Self {
            by,
            title: title.map(curo::Text::into_string),
            bound: all(bound),
            unbound: all(unbound),
            roles: roles.collect(),
        }
    }
}

impl From<curo::Entry> for Entry {
    fn from(entry: curo::Entry) -> Self {
        match entry {
            curo::Entry::Message(message) => Self::Posted {
                message: (*message).into(),
            },
            curo::Entry::Members {
                by,
                added,
                removed,
                left,
            } => Self::Members {
                by,
                added,
                removed,
                left,
            },
            curo::Entry::About(change) => Self::About { change: change.into() },
            curo::Entry::Joined => Self::Joined,
            curo::Entry::Gap { from, to } => Self::Gap {
                first: place(from),
                last: place(to),
            },
            curo::Entry::Incarnation { number } => Self::Incarnation { number: int(number) },
            curo::Entry::Unreadable { sender, code } => Self::Unreadable {
                sender,
                code: code.as_str().to_owned(),
            },
            curo::Entry::ContentLost => Self::ContentLost,
            _ => Self::Other,
        }
    }
}

fn place((incarnation, sequence): (u64, u64)) -> LogPlace {
    LogPlace {
        incarnation: int(incarnation),
        sequence: int(sequence),
    }
}
