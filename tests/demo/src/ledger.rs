//! What should be true after each step: who is online, who is in which conversation, which text is on whose device.
//!
//! It refuses steps that make no sense (the dry run), and tells the player what to wait for and the checks at the end
//! what must be there, no more and no less. It knows no client and no relay.

mod changes;
mod delivery;
mod rules;

use std::collections::BTreeSet;

pub(crate) use delivery::Delivery;

use crate::script::{Script, ScriptError, Step};

/// A person's place in the script's list.
pub(crate) type PersonNo = usize;
/// A conversation, in order of creation.
pub(crate) type RoomNo = usize;
/// A text, in order of sending.
pub(crate) type TextNo = usize;

/// The state of affairs.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    names: Vec<String>,
    online: Vec<bool>,
    pub(crate) rooms: Vec<Room>,
    pub(crate) texts: Vec<Text>,
    /// Texts on each person's device.
    has: Vec<BTreeSet<TextNo>>,
}

/// A conversation.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) name: String,
    pub(crate) direct: bool,
    /// As the relay knows it.
    pub(crate) members: BTreeSet<PersonNo>,
    /// Those whose own device takes itself for a member: news reach a device only online.
    pub(crate) believers: BTreeSet<PersonNo>,
    /// Everyone whose device has ever joined.
    pub(crate) ever: BTreeSet<PersonNo>,
    /// Those that were removed and whose device does not know yet.
    pub(crate) unaware: BTreeSet<PersonNo>,
    /// What the relay has accepted, in order.
    pub(crate) accepted: Vec<TextNo>,
}

/// A text that somebody has sent.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) room: RoomNo,
    pub(crate) by: PersonNo,
    pub(crate) text: String,
    pub(crate) line: u64,
    pub(crate) fate: Fate,
}

/// What has become of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// On the sender's device only.
    Queued,
    /// Accepted, for these readers (the sender is one).
    Accepted(BTreeSet<PersonNo>),
    /// Refused: the sender was removed before it could go.
    Failed,
}

impl Ledger {
    pub(crate) fn new(script: &Script) -> Self {
        let names: Vec<_> = script
            .people
            .value
            .iter()
            .map(|actor| actor.name.value.clone())
            .collect();
        Self {
            online: vec![true; names.len()],
            has: vec![BTreeSet::new(); names.len()],
            names,
            rooms: Vec::new(),
            texts: Vec::new(),
        }
    }

    /// Applies a step, if it makes sense.
    pub(crate) fn apply(&mut self, step: &Step) -> Result<(), ScriptError> {
        match step {
            Step::Say(text) => rules::narration(text),
            Step::Create(create) => self.create(create),
            Step::Direct(direct) => self.direct(direct),
            Step::Send(send) => self.send(send),
            Step::Offline(who) => self.offline(who),
            Step::Online(who) => self.online(who),
            Step::Add(change) => self.add(change),
            Step::Remove(change) => self.remove(change),
            Step::Restart(who) => self.restart(who),
            Step::Expect(expect) => self.expect(expect),
        }
    }

    pub(crate) fn people(&self) -> impl Iterator<Item = PersonNo> + use<> {
        0..self.names.len()
    }

    pub(crate) fn name(&self, person: PersonNo) -> &str {
        self.names.get(person).map_or("?", String::as_str)
    }

    pub(crate) fn names_of<'a>(&'a self, people: impl IntoIterator<Item = &'a PersonNo>) -> String {
        let names: Vec<_> = people.into_iter().map(|person| self.name(*person)).collect();
        names.join(", ")
    }

    pub(crate) fn person(&self, name: &str) -> Option<PersonNo> {
        self.names.iter().position(|known| known == name)
    }

    pub(crate) fn room(&self, name: &str) -> Option<RoomNo> {
        self.rooms.iter().position(|room| room.name == name)
    }

    pub(crate) fn text(&self, text: &str) -> Option<TextNo> {
        self.texts.iter().position(|sent| sent.text == text)
    }

    pub(crate) fn is_online(&self, person: PersonNo) -> bool {
        self.online.get(person).copied().unwrap_or_default()
    }

    pub(crate) fn online_people(&self) -> impl Iterator<Item = PersonNo> {
        self.people().filter(|person| self.is_online(*person))
    }

    /// Texts of a conversation on a person's device.
    pub(crate) fn on_device(&self, person: PersonNo, room: RoomNo) -> BTreeSet<&str> {
        let in_room = |no: &&TextNo| self.texts.get(**no).is_some_and(|text| text.room == room);
        let texts = self.has.get(person).into_iter().flatten().filter(in_room);
        texts
            .filter_map(|no| Some(self.texts.get(*no)?.text.as_str()))
            .collect()
    }

    pub(crate) fn has(&self, person: PersonNo, text: TextNo) -> bool {
        self.has.get(person).is_some_and(|has| has.contains(&text))
    }

    /// Whether an accepted text was meant for a person.
    pub(crate) fn may_read(&self, person: PersonNo, text: TextNo) -> bool {
        let fate = self.texts.get(text).map(|text| &text.fate);
        matches!(fate, Some(Fate::Accepted(readers)) if readers.contains(&person))
    }
}
