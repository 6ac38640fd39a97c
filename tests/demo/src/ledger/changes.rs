//! What each step changes.

use std::collections::BTreeSet;

use super::{Fate, Ledger, PersonNo, Room, RoomNo, Text, TextNo};
use crate::script::{Change, Create, Direct, RELAY, ScriptError, Send, Word};

impl Ledger {
    pub(super) fn create(&mut self, step: &Create) -> Result<(), ScriptError> {
        self.new_room(&step.conversation)?;
        let by = self.known_person(&step.by)?;
        self.must_be_open(&step.by, by)?;
        self.must_be_online(&step.by, by)?;
        let mut members = BTreeSet::from([by]);
        for word in &step.with.value {
            self.must_be_known(word, self.known_person(word)?)?;
            if !members.insert(self.known_person(word)?) {
                return Err(ScriptError::at(word, format!("{} is in it already", word.value)));
            }
        }
        if members.len() < 2 {
            return Err(ScriptError::at(&step.with, "a conversation needs somebody else"));
        }
        self.open(step.conversation.value.clone(), members, false);
        Ok(())
    }

    pub(super) fn direct(&mut self, step: &Direct) -> Result<(), ScriptError> {
        self.new_room(&step.conversation)?;
        let by = self.known_person(&step.by)?;
        self.must_be_open(&step.by, by)?;
        self.must_be_online(&step.by, by)?;
        let with = self.known_person(&step.with)?;
        self.must_be_known(&step.with, with)?;
        if by == with {
            return Err(ScriptError::at(&step.with, "a conversation needs somebody else"));
        }
        let members = BTreeSet::from([by, with]);
        if let Some(room) = self.rooms.iter().find(|room| room.direct && room.members == members) {
            let reason = format!("these two have their direct conversation already: {:?}", room.name);
            return Err(ScriptError::at(&step.with, reason));
        }
        self.open(step.conversation.value.clone(), members, true);
        Ok(())
    }

    fn open(&mut self, name: String, members: BTreeSet<PersonNo>, direct: bool) {
        let online = |member: &PersonNo| self.is_online(*member);
        let believers: BTreeSet<_> = members.iter().copied().filter(online).collect();
        self.rooms.push(Room {
            name,
            direct,
            members,
            ever: believers.clone(),
            believers,
            unaware: BTreeSet::new(),
            departing: BTreeSet::new(),
            accepted: Vec::new(),
        });
    }

    pub(super) fn send(&mut self, step: &Send) -> Result<(), ScriptError> {
        let by = self.known_person(&step.who)?;
        self.must_be_open(&step.who, by)?;
        let no = self.known_room(&step.place)?;
        if let Some(room) = self.rooms.get(no) {
            self.must_believe(&step.who, by, room)?;
        }
        self.new_text(&step.text)?;
        let urgent = match &step.priority {
            None => false,
            Some(word) if matches!(word.value.as_str(), "urgent" | "stat") => true,
            Some(word) => return Err(ScriptError::at(word, "a priority is `urgent` or `stat`")),
        };
        let text = self.texts.len();
        self.texts.push(Text {
            room: no,
            by,
            text: step.text.value.clone(),
            line: step.text.referenced.line(),
            urgent,
            fate: Fate::Queued,
        });
        if let Some(has) = self.has.get_mut(by) {
            has.insert(text);
        }
        if self.is_online(by) {
            self.accept(text);
        }
        Ok(())
    }

    fn accept(&mut self, no: TextNo) {
        if let Some(room) = self.texts.get(no).map(|text| text.room) {
            self.take_out_departing(room);
        }
        let Some(text) = self.texts.get_mut(no) else { return };
        let Some(room) = self.rooms.get_mut(text.room) else {
            return;
        };
        if !room.members.contains(&text.by) {
            text.fate = Fate::Failed;
            return;
        }
        room.accepted.push(no);
        let readers = room.members.clone();
        for reader in &readers {
            if self.online.get(*reader) == Some(&true)
                && let Some(has) = self.has.get_mut(*reader)
            {
                has.insert(no);
            }
        }
        text.fate = Fate::Accepted(readers);
    }

    pub(super) fn offline(&mut self, who: &Word) -> Result<(), ScriptError> {
        let person = self.known_person(who)?;
        self.must_be_open(who, person)?;
        match self.online.get_mut(person) {
            Some(online) if *online => *online = false,
            _ => return Err(ScriptError::at(who, format!("{} is offline already", who.value))),
        }
        Ok(())
    }

    pub(super) fn online(&mut self, who: &Word) -> Result<(), ScriptError> {
        let person = self.known_person(who)?;
        self.must_be_open(who, person)?;
        if self.is_online(person) {
            return Err(ScriptError::at(who, format!("{} is online already", who.value)));
        }
        self.comes_online(person);
        Ok(())
    }

    /// What somebody missed comes, then what has waited goes.
    pub(super) fn comes_online(&mut self, person: PersonNo) {
        self.set_online(person, true);
        for room in &mut self.rooms {
            if room.members.contains(&person) {
                room.believers.insert(person);
                room.ever.insert(person);
            } else {
                room.believers.remove(&person);
                room.unaware.remove(&person);
            }
        }
        let missed: Vec<_> = (0..self.texts.len()).filter(|no| self.may_read(person, *no)).collect();
        if let Some(has) = self.has.get_mut(person) {
            has.extend(missed);
        }
        self.catch_up(person);
        // The device learns what has happened before it sends what has waited.
        let waiting = |text: &Text| text.by == person && text.fate == Fate::Queued;
        let texts = self.texts.iter().enumerate();
        let queued: Vec<_> = texts.filter(|(_, text)| waiting(text)).map(|(no, _)| no).collect();
        for no in queued {
            self.accept(no);
        }
    }

    fn changed_room(&self, step: &Change) -> Result<(PersonNo, RoomNo), ScriptError> {
        let who = self.known_person(&step.who)?;
        let by = self.known_person(&step.by)?;
        let no = self.known_room(&step.place)?;
        self.must_be_open(&step.by, by)?;
        self.must_be_online(&step.by, by)?;
        if let Some(room) = self.rooms.get(no) {
            self.must_believe(&step.by, by, room)?;
            if room.direct {
                let reason = "a direct conversation is between its two people";
                return Err(ScriptError::at(&step.place, reason));
            }
        }
        Ok((who, no))
    }

    pub(super) fn add(&mut self, step: &Change) -> Result<(), ScriptError> {
        let (who, no) = self.changed_room(step)?;
        self.must_be_known(&step.who, who)?;
        let online = self.is_online(who);
        self.take_out_departing(no);
        let Some(room) = self.rooms.get_mut(no) else {
            return Ok(());
        };
        if room.unaware.contains(&who) {
            let reason = format!("{} must come online between removal and return", step.who.value);
            return Err(ScriptError::at(&step.who, reason));
        }
        if !room.members.insert(who) {
            let reason = format!("{} is a member of {:?} already", step.who.value, room.name);
            return Err(ScriptError::at(&step.who, reason));
        }
        if online {
            room.believers.insert(who);
            room.ever.insert(who);
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, step: &Change) -> Result<(), ScriptError> {
        let (who, no) = self.changed_room(step)?;
        if step.who.value == step.by.value {
            let reason = "nobody can remove themselves; leaving is not part of this version";
            return Err(ScriptError::at(&step.who, reason));
        }
        // Their files are copied first, for a proof at the end.
        self.must_be_open(&step.who, who)?;
        let online = self.is_online(who);
        self.take_out_departing(no);
        let Some(room) = self.rooms.get_mut(no) else {
            return Ok(());
        };
        if !room.members.contains(&who) {
            let reason = format!("{} is not a member of {:?}", step.who.value, room.name);
            return Err(ScriptError::at(&step.who, reason));
        }
        if !room.believers.contains(&who) {
            let reason = format!("{} must come online between joining and removal", step.who.value);
            return Err(ScriptError::at(&step.who, reason));
        }
        room.members.remove(&who);
        if online {
            room.believers.remove(&who);
        } else {
            room.unaware.insert(who);
        }
        Ok(())
    }

    pub(super) fn restart(&self, who: &Word) -> Result<(), ScriptError> {
        if who.value == RELAY {
            return Ok(());
        }
        let person = self.known_person(who)?;
        self.must_be_open(who, person)
    }
}
