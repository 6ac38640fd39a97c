//! The relay and the people of a play, and where each of them stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use curo::{ConnectionState, Conversation, ConversationId, MessageId, UserId};
use curo_kit::{Person, TestRelay, try_until};

use crate::error::PlayError;
use crate::ledger::{PersonNo, RoomNo, TextNo};
use crate::script::Script;

/// How long anything may take. Far more than it needs, so that a slow machine does not fail.
pub(crate) const WITHIN: Duration = Duration::from_secs(60);

/// Relay, people, and the ids behind the script's names.
pub(crate) struct Stage {
    pub(crate) relay: TestRelay,
    people: Vec<Actor>,
    pub(crate) rooms: Vec<ConversationId>,
    pub(crate) messages: BTreeMap<TextNo, MessageId>,
    /// Copies of people's files, by person and conversation: their devices as they were before their removal.
    pub(crate) copies: BTreeMap<(PersonNo, RoomNo), PathBuf>,
    dir: PathBuf,
}

struct Actor {
    person: Person,
    user: UserId,
}

impl Stage {
    /// Starts the relay and brings everyone online.
    pub(crate) async fn set(script: &Script, dir: &Path) -> Result<Self, PlayError> {
        let relay = TestRelay::builder().dir(dir.join("relay")).start().await?;
        let mut people = Vec::new();
        for (n, actor) in script.people.value.iter().enumerate() {
            let folder = dir.join("people").join((n + 1).to_string());
            std::fs::create_dir_all(&folder)?;
            let person = Person::in_dir(&relay, &actor.subject.value, &folder).await?;
            person.go_online().await?;
            let user = person.account().await?.user;
            people.push(Actor { person, user });
        }
        // Everyone knows everyone from here on, also offline.
        let subjects: Vec<_> = script
            .people
            .value
            .iter()
            .map(|actor| actor.subject.value.as_str())
            .collect();
        for actor in &people {
            let found = actor.person.client().find_people(&subjects).await?;
            if found.len() != people.len() {
                return Err(PlayError::Proof(
                    "the relay does not know everyone who has signed in".to_owned(),
                ));
            }
        }
        Ok(Self {
            relay,
            people,
            rooms: Vec::new(),
            messages: BTreeMap::new(),
            copies: BTreeMap::new(),
            dir: dir.to_owned(),
        })
    }

    pub(crate) fn person(&self, no: PersonNo) -> Result<&Person, PlayError> {
        self.people
            .get(no)
            .map(|actor| &actor.person)
            .ok_or_else(|| missing("person"))
    }

    pub(crate) fn person_mut(&mut self, no: PersonNo) -> Result<&mut Person, PlayError> {
        self.people
            .get_mut(no)
            .map(|actor| &mut actor.person)
            .ok_or_else(|| missing("person"))
    }

    /// Copies all files of a person, whose client is closed for that time.
    pub(crate) async fn copy(&mut self, no: PersonNo, room: RoomNo, online: bool) -> Result<(), PlayError> {
        let to = self.dir.join("copies").join(format!("{}-{}", no + 1, room + 1));
        let person = self.person_mut(no)?;
        person.close().await?;
        copy_all(person.dir(), &to)?;
        person.open().await?;
        person.client().start().await?;
        self.copies.insert((no, room), to);
        self.until_connected(no, online).await
    }

    pub(crate) fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().map(|actor| &actor.person)
    }

    pub(crate) fn users<'a>(&self, people: impl IntoIterator<Item = &'a PersonNo>) -> BTreeSet<UserId> {
        let user = |no: &PersonNo| self.people.get(*no).map(|actor| actor.user);
        people.into_iter().filter_map(user).collect()
    }

    pub(crate) fn who(&self, user: UserId) -> Option<PersonNo> {
        self.people.iter().position(|actor| actor.user == user)
    }

    pub(crate) fn room_id(&self, room: RoomNo) -> Result<ConversationId, PlayError> {
        self.rooms.get(room).copied().ok_or_else(|| missing("conversation"))
    }

    /// A person's view of a conversation.
    pub(crate) fn view(&self, person: PersonNo, room: RoomNo) -> Result<Conversation, PlayError> {
        Ok(self.person(person)?.client().conversation(self.room_id(room)?))
    }

    /// Waits until somebody's connection is as wanted.
    pub(crate) async fn until_connected(&self, person: PersonNo, live: bool) -> Result<(), PlayError> {
        let client = self.person(person)?.client();
        let what = if live {
            "the live stream"
        } else {
            "the loss of the connection"
        };
        let reached = async || match client.connection() {
            ConnectionState::Live => live,
            ConnectionState::Waiting { .. } => !live,
            _ => false,
        };
        Ok(try_until(client, what, WITHIN, reached).await?)
    }
}

fn copy_all(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_all(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The ledger names what the stage does not have: cannot happen, and is no reason to panic.
fn missing(what: &str) -> PlayError {
    PlayError::Proof(format!("a {what} of the script is not on the stage"))
}
