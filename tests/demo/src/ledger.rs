//! What should be true after each step: who is online, who is in which conversation, which text is on whose device.
//!
//! It refuses steps that make no sense (the dry run), and tells the player what to wait for and the checks at the end
//! what must be there, no more and no less. It knows no client and no relay.

mod changes;
mod delivery;
mod phones;
mod rules;
mod words;

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
    /// Where each person stands to a phone.
    at: Vec<At>,
    /// Whose phone each person uses: their own, unless the script says otherwise.
    phone: Vec<PersonNo>,
    pub(crate) rooms: Vec<Room>,
    pub(crate) texts: Vec<Text>,
    /// Texts on each person's device.
    has: Vec<BTreeSet<TextNo>>,
    /// Edits, deletes and acknowledgements, as the relay accepted them.
    pub(crate) words: Vec<Said>,
    /// Those of them that are on each person's device.
    heard: Vec<BTreeSet<usize>>,
}

/// Where somebody stands to their phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// Never signed in: the phone is somebody else's so far.
    Before,
    /// In their hands and open.
    Open,
    /// In their hands and locked.
    Locked,
    /// In other hands; their profile is closed.
    Away,
    /// Signed out: their profile is erased.
    Gone,
}

/// Something that was said about a text.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) about: TextNo,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Edit(String),
    Delete,
    Acknowledge(PersonNo),
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
    /// Members who have signed out: the next commit takes them out, and nothing reaches them any more.
    pub(crate) departing: BTreeSet<PersonNo>,
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
    pub(crate) urgent: bool,
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
        let mut ledger = Self {
            online: vec![true; names.len()],
            at: vec![At::Open; names.len()],
            phone: (0..names.len()).collect(),
            has: vec![BTreeSet::new(); names.len()],
            heard: vec![BTreeSet::new(); names.len()],
            names,
            rooms: Vec::new(),
            texts: Vec::new(),
            words: Vec::new(),
        };
        ledger.share_phones(script);
        ledger
    }

    /// Applies a step, if it makes sense.
    pub(crate) fn apply(&mut self, step: &Step) -> Result<(), ScriptError> {
        match step {
            Step::Say(text) => rules::narration(text),
            Step::Create(create) => self.create(create),
            Step::Direct(direct) => self.direct(direct),
            Step::Send(send) => self.send(send),
            Step::Edit(edit) => self.edit(edit),
            Step::Delete(delete) => self.delete(delete),
            Step::Acknowledge(acknowledge) => self.acknowledge(acknowledge),
            Step::Search(search) => self.search(search),
            Step::Offline(who) => self.offline(who),
            Step::Online(who) => self.online(who),
            Step::Lock(who) => self.lock(who),
            Step::Unlock(who) => self.unlock(who),
            Step::SignOut(step) => self.sign_out(step),
            Step::HandOver(step) => self.hand_over(step),
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

    /// The message that was sent with this text, or was edited to it.
    pub(crate) fn text(&self, text: &str) -> Option<TextNo> {
        let edit = |said: &&Said| matches!(&said.what, What::Edit(new) if new == text);
        let sent = self.texts.iter().position(|sent| sent.text == text);
        sent.or_else(|| self.words.iter().find(edit).map(|said| said.about))
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
        texts.filter_map(|no| self.shown(person, *no)).collect()
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
