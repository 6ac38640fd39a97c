//! Phones: whose they are, locking, and how one goes from hand to hand.

use std::collections::BTreeSet;

use super::{At, Fate, Ledger, PersonNo, RoomNo};
use crate::script::{HandOver, Script, ScriptError, SignOut, Word};

impl Ledger {
    /// Who has no phone of their own waits for somebody's.
    pub(super) fn share_phones(&mut self, script: &Script) {
        for (no, actor) in script.people.value.iter().enumerate() {
            let Some(of) = actor.phone_of.as_ref().and_then(|of| self.person(&of.value)) else {
                continue;
            };
            self.put(no, At::Before);
            self.set_online(no, false);
            if let Some(phone) = self.phone.get_mut(no) {
                *phone = of;
            }
        }
    }

    pub(crate) fn at(&self, person: PersonNo) -> At {
        self.at.get(person).copied().unwrap_or(At::Before)
    }

    fn put(&mut self, person: PersonNo, at: At) {
        if let Some(place) = self.at.get_mut(person) {
            *place = at;
        }
    }

    pub(super) fn set_online(&mut self, person: PersonNo, online: bool) {
        if let Some(place) = self.online.get_mut(person) {
            *place = online;
        }
    }

    /// Whose phone somebody uses.
    pub(crate) fn phone(&self, person: PersonNo) -> PersonNo {
        self.phone.get(person).copied().unwrap_or(person)
    }

    /// All who use a phone.
    pub(crate) fn users_of(&self, phone: PersonNo) -> Vec<PersonNo> {
        self.people().filter(|person| self.phone(*person) == phone).collect()
    }

    /// Whether a person's profile is on a phone.
    pub(crate) fn has_profile(&self, person: PersonNo) -> bool {
        !matches!(self.at(person), At::Before | At::Gone)
    }

    /// Messages that wait on a person's device.
    fn unsent(&self, person: PersonNo) -> usize {
        let unsent = |text: &&super::Text| text.by == person && matches!(text.fate, Fate::Queued | Fate::Failed);
        self.texts.iter().filter(unsent).count()
    }

    pub(super) fn lock(&mut self, who: &Word) -> Result<(), ScriptError> {
        let person = self.known_person(who)?;
        self.must_be_open(who, person)?;
        self.must_be_online(who, person)?;
        self.put(person, At::Locked);
        self.set_online(person, false);
        Ok(())
    }

    pub(super) fn unlock(&mut self, who: &Word) -> Result<(), ScriptError> {
        let person = self.known_person(who)?;
        if self.at(person) != At::Locked {
            return Err(ScriptError::at(who, format!("{}'s phone is not locked", who.value)));
        }
        self.put(person, At::Open);
        self.comes_online(person);
        Ok(())
    }

    pub(super) fn sign_out(&mut self, step: &SignOut) -> Result<(), ScriptError> {
        let person = self.known_person(&step.who)?;
        self.must_be_open(&step.who, person)?;
        match (&step.unsent, self.unsent(person)) {
            (Some(_), 0) => {
                let reason = format!("{} has nothing unsent: the sign-out comes to its end", step.who.value);
                return Err(ScriptError::at(&step.who, reason));
            }
            (Some(_), _) => return Ok(()),
            (None, 1..) => {
                let reason = format!(
                    "{} has something unsent, so say `unsent` with its number",
                    step.who.value
                );
                return Err(ScriptError::at(&step.who, reason));
            }
            (None, 0) => self.must_be_online(&step.who, person)?,
        }
        self.put(person, At::Gone);
        self.set_online(person, false);
        for room in &mut self.rooms {
            if room.members.contains(&person) {
                room.departing.insert(person);
            }
            room.believers.remove(&person);
            room.ever.remove(&person);
            room.unaware.remove(&person);
        }
        for kept in [&mut self.has, &mut self.heard] {
            if let Some(kept) = kept.get_mut(person) {
                *kept = BTreeSet::new();
            }
        }
        Ok(())
    }

    pub(super) fn hand_over(&mut self, step: &HandOver) -> Result<(), ScriptError> {
        let (from, to) = (self.known_person(&step.from)?, self.known_person(&step.to)?);
        if from == to || self.phone(from) != self.phone(to) {
            let reason = format!("{} and {} do not share a phone", step.from.value, step.to.value);
            return Err(ScriptError::at(&step.to, reason));
        }
        match self.at(from) {
            At::Open => self.put(from, At::Away),
            At::Gone => {}
            _ => {
                let reason = format!("the phone is not in {}'s hands, or is locked", step.from.value);
                return Err(ScriptError::at(&step.from, reason));
            }
        }
        self.set_online(from, false);
        if self
            .users_of(self.phone(to))
            .iter()
            .any(|user| matches!(self.at(*user), At::Open | At::Locked))
        {
            let reason = format!("the phone is not in {}'s hands", step.from.value);
            return Err(ScriptError::at(&step.from, reason));
        }
        if self.at(to) == At::Gone {
            let reason = format!("{} has signed out; a play ends there", step.to.value);
            return Err(ScriptError::at(&step.to, reason));
        }
        self.put(to, At::Open);
        self.comes_online(to);
        Ok(())
    }

    /// The commit that the next sender makes first: whoever has signed out is no member any more.
    pub(super) fn take_out_departing(&mut self, room: RoomNo) {
        if let Some(room) = self.rooms.get_mut(room) {
            let departing = std::mem::take(&mut room.departing);
            room.members.retain(|member| !departing.contains(member));
        }
    }

    /// Only what is in somebody's hands and open can be used.
    pub(super) fn must_be_open(&self, word: &Word, person: PersonNo) -> Result<(), ScriptError> {
        let name = self.name(person);
        let reason = match self.at(person) {
            At::Open => return Ok(()),
            At::Locked => format!("{name}'s phone is locked"),
            At::Before => format!("{name} has not signed in: the phone must be handed to them first"),
            At::Away => format!("{name}'s phone is in other hands"),
            At::Gone => format!("{name} has signed out"),
        };
        Err(ScriptError::at(word, reason))
    }

    /// Who has never signed in, or has signed out, cannot come into a conversation.
    pub(super) fn must_be_known(&self, word: &Word, person: PersonNo) -> Result<(), ScriptError> {
        match self.at(person) {
            At::Before | At::Gone => self.must_be_open(word, person),
            _ => Ok(()),
        }
    }

    /// At the end everybody's device is looked at, so none may be locked.
    pub(crate) fn at_the_end(&self, script: &Script) -> Result<(), ScriptError> {
        let locked = self.people().find(|person| self.at(*person) == At::Locked);
        match locked.and_then(|person| script.people.value.get(person)) {
            Some(actor) => {
                let reason = format!("{}'s phone is still locked at the end", actor.name.value);
                Err(ScriptError::at(&actor.name, reason))
            }
            None => Ok(()),
        }
    }
}
