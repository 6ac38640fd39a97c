//! What is said about a message later: edits, deletes, acknowledgements; and what a device shows of it then.

use std::collections::BTreeSet;

use super::{Fate, Ledger, PersonNo, Said, TextNo, What};
use crate::script::{Edit, OfMessage, ScriptError, Search, Word};

impl Ledger {
    pub(super) fn edit(&mut self, step: &Edit) -> Result<(), ScriptError> {
        let (who, no) = self.about(&step.who, &step.message)?;
        self.must_be_own(who, no, &step.message)?;
        self.new_text(&step.text)?;
        self.tell(no, What::Edit(step.text.value.clone()));
        Ok(())
    }

    pub(super) fn delete(&mut self, step: &OfMessage) -> Result<(), ScriptError> {
        let (who, no) = self.about(&step.who, &step.message)?;
        self.must_be_own(who, no, &step.message)?;
        self.tell(no, What::Delete);
        Ok(())
    }

    pub(super) fn acknowledge(&mut self, step: &OfMessage) -> Result<(), ScriptError> {
        let (who, no) = self.about(&step.who, &step.message)?;
        let text = self.texts.get(no);
        if text.is_none_or(|text| text.by == who) {
            return Err(ScriptError::at(&step.who, "nobody acknowledges their own message"));
        }
        if text.is_none_or(|text| !text.urgent) {
            let reason = "only what was sent with a `priority` is acknowledged";
            return Err(ScriptError::at(&step.message, reason));
        }
        if self.acknowledged(no).contains(&who) {
            let reason = format!("{} has acknowledged it already", step.who.value);
            return Err(ScriptError::at(&step.who, reason));
        }
        self.tell(no, What::Acknowledge(who));
        Ok(())
    }

    pub(super) fn search(&self, step: &Search) -> Result<(), ScriptError> {
        let who = self.known_person(&step.who)?;
        self.must_be_open(&step.who, who)?;
        if step.words.value.trim().is_empty() {
            return Err(ScriptError::at(&step.words, "there is nothing to search for"));
        }
        step.finds
            .value
            .iter()
            .try_for_each(|text| self.known_text(text).map(|_| ()))
    }

    /// Somebody and a message that they may say something about: accepted, on their device and not deleted.
    fn about(&self, who: &Word, message: &Word) -> Result<(PersonNo, TextNo), ScriptError> {
        let person = self.known_person(who)?;
        self.must_be_open(who, person)?;
        self.must_be_online(who, person)?;
        let no = self.known_text(message)?;
        if let Some(text) = self.texts.get(no) {
            if let Some(room) = self.rooms.get(text.room) {
                self.must_believe(who, person, room)?;
            }
            if !matches!(text.fate, Fate::Accepted(_)) || !self.has(person, no) {
                let reason = format!("the message is not on {}'s device, or was never accepted", who.value);
                return Err(ScriptError::at(message, reason));
            }
        }
        if self.is_deleted(no) {
            return Err(ScriptError::at(message, "the message was deleted before"));
        }
        Ok((person, no))
    }

    fn must_be_own(&self, who: PersonNo, no: TextNo, message: &Word) -> Result<(), ScriptError> {
        if self.texts.get(no).is_some_and(|text| text.by == who) {
            return Ok(());
        }
        let reason = format!(
            "{} did not send this; only its sender changes a message",
            self.name(who)
        );
        Err(ScriptError::at(message, reason))
    }

    /// The relay accepts it, and whoever is online hears it.
    fn tell(&mut self, about: TextNo, what: What) {
        let Some(room) = self.texts.get(about).map(|text| text.room) else {
            return;
        };
        self.take_out_departing(room);
        let said = self.words.len();
        self.words.push(Said { about, what });
        let members = self.rooms.get(room).map(|room| room.members.clone());
        for member in members.unwrap_or_default() {
            if self.is_online(member) {
                self.hear(member, said);
            }
        }
    }

    fn hear(&mut self, person: PersonNo, said: usize) {
        if let Some(heard) = self.heard.get_mut(person) {
            heard.insert(said);
        }
    }

    /// Somebody comes online: what was said in their conversations reaches them.
    pub(super) fn catch_up(&mut self, person: PersonNo) {
        for no in 0..self.words.len() {
            let room = self
                .words
                .get(no)
                .and_then(|said| self.texts.get(said.about))
                .and_then(|text| self.rooms.get(text.room));
            if room.is_some_and(|room| room.members.contains(&person)) {
                self.hear(person, no);
            }
        }
    }

    fn said(&self, about: TextNo) -> impl Iterator<Item = (usize, &What)> {
        let words = self.words.iter().enumerate();
        words
            .filter(move |(_, said)| said.about == about)
            .map(|(no, said)| (no, &said.what))
    }

    pub(crate) fn is_deleted(&self, no: TextNo) -> bool {
        self.said(no).any(|(_, what)| *what == What::Delete)
    }

    /// Who has acknowledged a message, as the relay has it.
    pub(crate) fn acknowledged(&self, no: TextNo) -> BTreeSet<PersonNo> {
        self.said(no)
            .filter_map(|(_, what)| match what {
                What::Acknowledge(who) => Some(*who),
                _ => None,
            })
            .collect()
    }

    /// Whether somebody's device has heard that a message was deleted.
    pub(crate) fn knows_deleted(&self, person: PersonNo, no: TextNo) -> bool {
        self.said(no)
            .any(|(said, what)| *what == What::Delete && self.has_heard(person, said))
    }

    fn has_heard(&self, person: PersonNo, said: usize) -> bool {
        self.heard.get(person).is_some_and(|heard| heard.contains(&said))
    }

    /// All texts that a message was edited to.
    pub(crate) fn edits(&self) -> impl Iterator<Item = &str> {
        self.words.iter().filter_map(|said| match &said.what {
            What::Edit(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// All that somebody's device shows, of all conversations.
    pub(crate) fn all_on_device(&self, person: PersonNo) -> impl Iterator<Item = &str> {
        let has = self.has.get(person).into_iter().flatten();
        has.filter_map(move |no| self.shown(person, *no))
    }

    /// What somebody's device shows of a message that it has; `None` once it was deleted there.
    pub(crate) fn shown(&self, person: PersonNo, no: TextNo) -> Option<&str> {
        let mut shown = Some(self.texts.get(no)?.text.as_str());
        for (said, what) in self.said(no) {
            match what {
                _ if !self.has_heard(person, said) => {}
                What::Edit(text) => shown = shown.map(|_| text.as_str()),
                What::Delete => shown = None,
                What::Acknowledge(_) => {}
            }
        }
        shown
    }
}
