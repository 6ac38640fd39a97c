//! 2.21 A conversation's state, as its members tell one another inside the encryption: title, subjects, roles, names.

use std::collections::BTreeSet;
use std::fmt;

use minicbor::{Decode, Encode};

use super::cbor;
use super::content::{Content, Subject};
use crate::{FormatError, UserId};

const FORMAT: &str = "conversation state";
const VERSION: u64 = 1;

/// The body of a content of kind `state`: a change of what it names, or, with `as_of`, the whole state for newcomers.
///
/// CBOR map {0: version 1, 1: `[incarnation, seq]` of the whole, 2: title, 3: subjects bound, 4: subjects unbound,
/// 5: roles `[[user, role], …]`, 6: names `[[user, name], …]`, 7: of the whole, users who are members without a leaf}.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StateBody {
    #[n(0)]
    version: u64,
    /// Of the whole state: the entry after which it held. Absent of a change.
    #[n(1)]
    pub as_of: Option<AsOf>,
    /// The title; empty for none.
    #[n(2)]
    pub title: Option<String>,
    /// Of a change: subjects to bind. Of the whole: all of them.
    #[n(3)]
    pub bound: Option<Vec<Subject>>,
    /// Of a change: subjects to unbind.
    #[n(4)]
    pub unbound: Option<Vec<Subject>>,
    /// Roles of users. Whoever is not named has the role `member`.
    #[n(5)]
    pub roles: Option<Vec<UserText>>,
    /// Display names of users; empty for none.
    #[n(6)]
    pub names: Option<Vec<UserText>>,
    /// Of the whole: users who are on the roster and have no leaf in the group (rule 6.3).
    #[n(7)]
    pub dormant: Option<Vec<UserId>>,
}

/// An entry of a conversation's log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(array)]
pub struct AsOf {
    /// The incarnation.
    #[n(0)]
    pub incarnation: u64,
    /// The sequence number.
    #[n(1)]
    pub seq: u64,
}

/// A text about a user: a role or a name. Not printable.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct UserText {
    /// The user.
    #[n(0)]
    pub user: UserId,
    /// The role or the name.
    #[n(1)]
    pub text: String,
}

impl fmt::Debug for UserText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserText({:?}, {} bytes)", self.user, self.text.len())
    }
}

impl fmt::Debug for StateBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |list: &Option<Vec<UserText>>| list.as_ref().map_or(0, Vec::len);
        write!(
            f,
            "StateBody(as of {:?}, {} roles, {} names)",
            self.as_of,
            count(&self.roles),
            count(&self.names)
        )
    }
}

impl Default for StateBody {
    fn default() -> Self {
        Self {
            version: VERSION,
            as_of: None,
            title: None,
            bound: None,
            unbound: None,
            roles: None,
            names: None,
            dormant: None,
        }
    }
}

impl StateBody {
    /// The kind of the content that holds it.
    pub const KIND: &'static str = "state";
    /// Longest title in bytes of UTF-8.
    pub const TITLE_LIMIT: usize = 512;
    /// Subjects of a conversation, at most.
    pub const SUBJECTS_LIMIT: usize = 256;
    /// Longest role.
    pub const ROLE_LIMIT: usize = 64;
    /// Longest display name in bytes of UTF-8.
    pub const NAME_LIMIT: usize = 256;
    /// Roles, names and dormant users in one body, at most of each.
    pub const USERS_LIMIT: usize = 1000;

    /// A change of the title; an empty one takes it away.
    pub fn title(title: String) -> Self {
        Self {
            title: Some(title),
            ..Self::default()
        }
    }

    /// A change that binds subjects.
    pub fn bind(subjects: Vec<Subject>) -> Self {
        Self {
            bound: Some(subjects),
            ..Self::default()
        }
    }

    /// A change that unbinds subjects.
    pub fn unbind(subjects: Vec<Subject>) -> Self {
        Self {
            unbound: Some(subjects),
            ..Self::default()
        }
    }

    /// A change of a user's role.
    pub fn role(user: UserId, text: String) -> Self {
        Self {
            roles: Some(vec![UserText { user, text }]),
            ..Self::default()
        }
    }

    /// A change of a user's display name; an empty one takes it away.
    pub fn name(user: UserId, text: String) -> Self {
        Self {
            names: Some(vec![UserText { user, text }]),
            ..Self::default()
        }
    }

    /// Whether a text is the name of a role: 1 to 64 characters `a-z`, `0-9`, `.`, `_`, `-`.
    pub fn is_role(text: &str) -> bool {
        let alphabet = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b);
        (1..=Self::ROLE_LIMIT).contains(&text.len()) && text.bytes().all(alphabet)
    }

    /// The body's bytes.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] over a limit or with a user or subject named twice.
    pub fn to_bytes(&self) -> Result<Vec<u8>, FormatError> {
        self.check()?;
        Ok(cbor::to_vec(self))
    }

    /// Reads the body of a content of kind `state`.
    ///
    /// # Errors
    /// [`FormatError`] for anything but the format in a known version within its limits.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let body: Self = cbor::from_versioned_map(FORMAT, bytes, Content::LIMIT, VERSION)?;
        body.check()?;
        Ok(body)
    }

    fn check(&self) -> Result<(), FormatError> {
        let invalid = |reason| Err(FormatError::invalid(FORMAT, reason));
        if self.title.as_ref().is_some_and(|title| title.len() > Self::TITLE_LIMIT) {
            return invalid("a title has at most 512 bytes");
        }
        for subjects in [&self.bound, &self.unbound].into_iter().flatten() {
            let part = |text: &str| (1..=Content::SUBJECT_PART_LIMIT).contains(&text.len());
            let fit = subjects.iter().all(|s| part(&s.system) && part(&s.value));
            let different: BTreeSet<_> = subjects.iter().map(|s| (&s.system, &s.value)).collect();
            if !fit || subjects.len() > Self::SUBJECTS_LIMIT || different.len() != subjects.len() {
                return invalid("at most 256 subjects, each once, system and value of 1 to 1024 bytes");
            }
        }
        let users = |list: &[UserText], least, most| {
            let different: BTreeSet<_> = list.iter().map(|one| one.user).collect();
            list.len() <= Self::USERS_LIMIT
                && different.len() == list.len()
                && list.iter().all(|one| (least..=most).contains(&one.text.len()))
        };
        let roles = |list: &[UserText]| list.iter().all(|one| Self::is_role(&one.text));
        if self
            .roles
            .as_ref()
            .is_some_and(|list| !users(list, 1, Self::ROLE_LIMIT) || !roles(list))
        {
            return invalid("at most 1000 roles, of each user one, of 1 to 64 characters a-z, 0-9, '.', '_', '-'");
        }
        if self
            .names
            .as_ref()
            .is_some_and(|list| !users(list, 0, Self::NAME_LIMIT))
        {
            return invalid("at most 1000 names, of each user one, of at most 256 bytes");
        }
        if let Some(dormant) = &self.dormant {
            let different: BTreeSet<_> = dormant.iter().collect();
            if dormant.len() > Self::USERS_LIMIT || different.len() != dormant.len() || self.as_of.is_none() {
                return invalid("at most 1000 dormant users, each once, of the whole only");
            }
        }
        Ok(())
    }
}
