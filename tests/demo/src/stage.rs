//! The relay and the people of a play, and where each of them stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use curo::{
    Client, ClientOptions, ConnectionState, Conversation, ConversationId, Entry, FileVault, Message, MessageId,
    ProfileEntry, ProfileId, UserId,
};
use curo_kit::{Person, TestRelay, items, try_until};

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
    /// None before they sign in and after they have signed out.
    person: Option<Person>,
    subject: String,
    user: Option<UserId>,
    /// The folder of the phone that they use.
    phone: PathBuf,
}

impl Stage {
    /// Starts the relay and brings everyone online.
    pub(crate) async fn set(script: &Script, dir: &Path) -> Result<Self, PlayError> {
        let relay = TestRelay::builder().dir(dir.join("relay")).start().await?;
        let mut people: Vec<Actor> = Vec::new();
        for (n, actor) in script.people.value.iter().enumerate() {
            let owner = actor.phone_of.as_ref().map_or(&actor.name.value, |of| &of.value);
            let owner = script.people.value.iter().position(|actor| actor.name.value == *owner);
            let phone = dir.join("people").join((owner.unwrap_or(n) + 1).to_string());
            std::fs::create_dir_all(&phone)?;
            people.push(Actor {
                person: None,
                subject: actor.subject.value.clone(),
                user: None,
                phone,
            });
        }
        let mut stage = Self {
            relay,
            people,
            rooms: Vec::new(),
            messages: BTreeMap::new(),
            copies: BTreeMap::new(),
            dir: dir.to_owned(),
        };
        for (no, actor) in script.people.value.iter().enumerate() {
            if actor.phone_of.is_none() {
                stage.sign_in(no).await?;
            }
        }
        // Everyone knows everyone from here on, also offline.
        let subjects: Vec<_> = stage.signed_in().map(Person::subject).collect();
        for person in stage.signed_in() {
            let found = person.client().find_people(&subjects).await?;
            if found.len() != subjects.len() {
                return Err(PlayError::Proof(
                    "the relay does not know everyone who has signed in".to_owned(),
                ));
            }
        }
        Ok(stage)
    }

    /// Somebody signs in on their phone for the first time, with a profile of their own.
    pub(crate) async fn sign_in(&mut self, no: PersonNo) -> Result<(), PlayError> {
        let actor = self.people.get_mut(no).ok_or_else(|| missing("person"))?;
        let profile = ProfileId::random();
        let options = |options: ClientOptions| options.profile(profile);
        let person = Person::with_options(&self.relay, &actor.subject, &actor.phone, options).await?;
        person.go_online().await?;
        actor.user = Some(person.account().await?.user);
        actor.person = Some(person);
        Ok(())
    }

    /// Somebody has signed out: there is no client of theirs any more.
    pub(crate) fn gone(&mut self, no: PersonNo) {
        if let Some(actor) = self.people.get_mut(no) {
            actor.person = None;
        }
    }

    /// The folder of the phone that somebody uses.
    pub(crate) fn phone(&self, no: PersonNo) -> Result<&Path, PlayError> {
        self.people
            .get(no)
            .map(|actor| actor.phone.as_path())
            .ok_or_else(|| missing("person"))
    }

    /// The profiles on the phone that somebody uses.
    pub(crate) async fn profiles(&self, no: PersonNo) -> Result<Vec<ProfileEntry>, PlayError> {
        let phone = self.phone(no)?;
        let vault = FileVault::with_key_file(phone.join("keys"), &phone.join("wrapping.key"))?;
        Ok(Client::accounts(&phone.join("profiles"), &vault).await?)
    }

    pub(crate) fn person(&self, no: PersonNo) -> Result<&Person, PlayError> {
        self.people
            .get(no)
            .and_then(|actor| actor.person.as_ref())
            .ok_or_else(|| missing("person"))
    }

    pub(crate) fn person_mut(&mut self, no: PersonNo) -> Result<&mut Person, PlayError> {
        self.people
            .get_mut(no)
            .and_then(|actor| actor.person.as_mut())
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

    /// Everyone who has a profile somewhere.
    pub(crate) fn signed_in(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().filter_map(|actor| actor.person.as_ref())
    }

    /// The folders of all phones.
    pub(crate) fn phones(&self) -> BTreeSet<&Path> {
        self.people.iter().map(|actor| actor.phone.as_path()).collect()
    }

    pub(crate) fn users<'a>(&self, people: impl IntoIterator<Item = &'a PersonNo>) -> BTreeSet<UserId> {
        let user = |no: &PersonNo| self.people.get(*no).and_then(|actor| actor.user);
        people.into_iter().filter_map(user).collect()
    }

    pub(crate) fn who(&self, user: UserId) -> Option<PersonNo> {
        self.people.iter().position(|actor| actor.user == Some(user))
    }

    pub(crate) fn room_id(&self, room: RoomNo) -> Result<ConversationId, PlayError> {
        self.rooms.get(room).copied().ok_or_else(|| missing("conversation"))
    }

    /// A person's view of a conversation.
    pub(crate) fn view(&self, person: PersonNo, room: RoomNo) -> Result<Conversation, PlayError> {
        Ok(self.person(person)?.client().conversation(self.room_id(room)?))
    }

    /// A message as somebody's device shows it, if it is there.
    pub(crate) async fn message(
        &self,
        person: PersonNo,
        room: RoomNo,
        no: TextNo,
    ) -> Result<Option<Message>, PlayError> {
        let Some(id) = self.messages.get(&no).copied() else {
            return Ok(None);
        };
        let items = items(&self.view(person, room)?).await?;
        let message = items.into_iter().find_map(|item| match item.entry {
            Entry::Message(message) if message.id == id => Some(*message),
            _ => None,
        });
        Ok(message)
    }

    /// The text of a message, by its id.
    pub(crate) fn text_of(&self, id: MessageId) -> Option<TextNo> {
        self.messages.iter().find(|(_, known)| **known == id).map(|(no, _)| *no)
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
