//! What apps see of it.

use std::collections::BTreeSet;
use std::fmt;

use curo_store::repo::about;
use curo_store::repo::account;
use curo_store::repo::conversation::{ConversationRow, ConversationState};
use curo_store::repo::policy;
use curo_types::format::{StateBody, Subject};
use curo_types::{Text, UserId};
use rusqlite::Connection;

use super::roster;
use crate::dormant;
use crate::error::Fault;

/// A role in a conversation: an open set of names of 1 to 64 characters `a-z`, `0-9`, `.`, `_`, `-`.
///
/// [`Role::ADMIN`] may do everything. [`Role::MEMBER`], which everybody has who was given no other, may add people and
/// change title and subjects, and everything where nobody is admin. All other roles are the app's own, and only talk.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Role(String);

impl Role {
    /// The role of whoever creates a conversation.
    pub const ADMIN: &'static str = "admin";
    /// The role of everybody without another one.
    pub const MEMBER: &'static str = "member";

    /// A role by its name; `None` for what is no name of a role.
    pub fn new(name: &str) -> Option<Self> {
        StateBody::is_role(name).then(|| Self(name.to_owned()))
    }

    /// The admins' role.
    pub fn admin() -> Self {
        Self(Self::ADMIN.to_owned())
    }

    /// The role of everybody without another one.
    pub fn member() -> Self {
        Self(Self::MEMBER.to_owned())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Somebody in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The user.
    pub user: UserId,
    /// The role now. Where it was changed since the last commit, it comes into force with the next.
    pub role: Role,
    /// How the user wants to be called, if this device was told.
    pub name: Option<Text>,
    /// Whether the tenant's policy wants this user in every conversation: nobody can remove them.
    pub mandatory: bool,
    /// Whether none of the user's devices is in it at the moment: they were away for long (rule 6.3), or could not be invited
    /// when the conversation went on in another incarnation. The user is a member all the same, and back when a device is; what is
    /// said meanwhile the device does not get.
    pub dormant: bool,
}

/// A change of what a conversation is about, as the timeline shows it: what of it took effect.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct StateChange {
    /// Who changed it.
    pub by: Option<UserId>,
    /// The new title, empty for none; absent if it stayed.
    pub title: Option<Text>,
    /// Subjects that were bound.
    pub bound: Vec<Subject>,
    /// Subjects that were unbound.
    pub unbound: Vec<Subject>,
    /// Roles that were given.
    pub roles: Vec<(UserId, Role)>,
}

/// What a row of the timeline says of a change.
pub(crate) fn changed_by(by: Option<UserId>, content: Option<&[u8]>) -> StateChange {
    let body = content
        .and_then(|bytes| StateBody::from_bytes(bytes).ok())
        .unwrap_or_default();
    let roles = body.roles.into_iter().flatten();
    StateChange {
        by,
        title: body.title.map(Text::new),
        bound: body.bound.unwrap_or_default(),
        unbound: body.unbound.unwrap_or_default(),
        roles: roles.map(|given| (given.user, Role(given.text))).collect(),
    }
}

/// What a conversation is about.
pub(crate) struct About {
    pub(crate) title: Option<Text>,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) roster: Vec<Member>,
}

/// Title, subjects and members of a conversation.
pub(crate) fn read(conn: &Connection, row: &ConversationRow) -> Result<About, Fault> {
    let title = about::get(conn, row.id)?
        .map(|known| known.title)
        .filter(|title| !title.is_empty());
    let roles = about::roles(conn, row.id)?;
    let names = about::names(conn, row.id)?;
    let of = |all: &[(UserId, String)], user: UserId| {
        let found = all.binary_search_by_key(&user, |(user, _)| *user).ok()?;
        all.get(found).map(|(_, text)| text.clone())
    };
    let mandatory = policy::mandatory(conn)?;
    let dormant = match (row.state, account::get(conn)?) {
        (ConversationState::Active, Some(me)) => dormant::users(conn, me.user, row)?,
        _ => BTreeSet::new(),
    };
    let members = roster(conn, row)?.into_iter().map(|user| Member {
        user,
        role: of(&roles, user).map_or_else(Role::member, Role),
        name: of(&names, user).map(Text::new),
        mandatory: mandatory.contains(&user),
        dormant: dormant.contains(&user),
    });
    Ok(About {
        title: title.map(Text::new),
        subjects: about::subjects(conn, row.id)?,
        roster: members.collect(),
    })
}
