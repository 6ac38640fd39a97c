//! The device directory and the look-up of people.

use serde::{Deserialize, Serialize};

use super::limits;
use crate::{Blob, UserId, bounded};

/// Request of `POST /v1/directory`: the envelopes of all devices of some users.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectoryQuery {
    /// The users, 1 to 250.
    #[serde(deserialize_with = "bounded::list::<{ limits::USERS_PER_REQUEST }, _, _>")]
    pub users: Vec<UserId>,
}

/// Answer of `POST /v1/directory`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectoryAnswer {
    /// The tenant's directory version at the time of the answer: it holds every envelope up to it.
    pub version: u64,
    /// All envelopes of the asked users' devices, by ascending version.
    pub records: Vec<DirectoryRecord>,
}

/// One envelope and its version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectoryRecord {
    /// The version that the relay gave it.
    pub version: u64,
    /// The envelope, verbatim.
    pub envelope: Blob,
}

/// Request of `POST /v1/directory/replay`: envelopes that the relay once had in its directory and has lost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayDirectory {
    /// 1 to 64 envelopes, verbatim, in the order of the versions that they had.
    #[serde(deserialize_with = "bounded::list::<{ limits::REPLAY_ENVELOPES }, _, _>")]
    pub envelopes: Vec<Blob>,
}

/// Answer of `POST /v1/directory/replay`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectoryReplayed {
    /// How many of them are in the directory that were not.
    pub appended: u64,
}

/// Request of `POST /v1/people`: who these subjects of the identity provider are.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PeopleQuery {
    /// Subjects (the token's `sub`), 1 to 250, each at most 255 bytes.
    #[serde(deserialize_with = "bounded::list::<{ limits::USERS_PER_REQUEST }, _, _>")]
    pub subjects: Vec<String>,
}

impl std::fmt::Debug for PeopleQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A subject may be an e-mail address.
        write!(f, "PeopleQuery({} subjects)", self.subjects.len())
    }
}

/// Answer of `POST /v1/people`. Subjects that never signed in are left out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PeopleAnswer {
    /// The people found.
    pub people: Vec<PersonRecord>,
}

/// A subject and the user that it is here.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PersonRecord {
    /// The identity provider's subject.
    pub subject: String,
    /// The user.
    pub user: UserId,
}

impl std::fmt::Debug for PersonRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A subject may be an e-mail address.
        write!(f, "PersonRecord({:?})", self.user)
    }
}
