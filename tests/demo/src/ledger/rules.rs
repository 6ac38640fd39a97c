//! Finding what a step names, or saying what is wrong with it.

use super::{Delivery, Ledger, PersonNo, Room, RoomNo, TextNo};
use crate::script::{Expect, NAME_LIMIT, ScriptError, Word, check_name, check_text};

/// Longest narration in characters.
const SAY_LIMIT: usize = 1000;

pub(super) fn narration(text: &Word) -> Result<(), ScriptError> {
    if text.value.chars().count() > SAY_LIMIT {
        let reason = format!("the narration is longer than {SAY_LIMIT} characters");
        return Err(ScriptError::at(text, reason));
    }
    Ok(())
}

impl Ledger {
    pub(super) fn known_person(&self, word: &Word) -> Result<PersonNo, ScriptError> {
        self.person(&word.value).ok_or_else(|| {
            let known = self.names.join(", ");
            ScriptError::at(
                word,
                format!("there is nobody called {:?}; people: {known}", word.value),
            )
        })
    }

    pub(super) fn known_room(&self, word: &Word) -> Result<RoomNo, ScriptError> {
        self.room(&word.value)
            .ok_or_else(|| ScriptError::at(word, format!("no conversation {:?} was created before", word.value)))
    }

    pub(super) fn new_room(&self, word: &Word) -> Result<(), ScriptError> {
        check_name("conversation", word, NAME_LIMIT)?;
        match self.room(&word.value) {
            Some(_) => {
                let reason = format!("the conversation {:?} exists already", word.value);
                Err(ScriptError::at(word, reason))
            }
            None => Ok(()),
        }
    }

    pub(super) fn new_text(&self, word: &Word) -> Result<(), ScriptError> {
        check_text(word)?;
        match self.text(&word.value).and_then(|no| self.texts.get(no)) {
            Some(text) => {
                let line = text.line;
                let reason = format!("the same text is sent in line {line}; expectations name messages by their text");
                Err(ScriptError::at(word, reason))
            }
            None => Ok(()),
        }
    }

    pub(super) fn known_text(&self, word: &Word) -> Result<TextNo, ScriptError> {
        self.text(&word.value)
            .ok_or_else(|| ScriptError::at(word, "no such text was sent before"))
    }

    /// Only somebody online can change who is in a conversation: each step is finished before the next one begins.
    pub(super) fn must_be_online(&self, word: &Word, person: PersonNo) -> Result<(), ScriptError> {
        if self.is_online(person) {
            return Ok(());
        }
        Err(ScriptError::at(word, format!("{} is offline", self.name(person))))
    }

    pub(super) fn must_believe(&self, word: &Word, person: PersonNo, room: &Room) -> Result<(), ScriptError> {
        if room.believers.contains(&person) {
            return Ok(());
        }
        let name = self.name(person);
        let reason = if room.members.contains(&person) {
            format!(
                "{name} was added to {:?} while offline and does not know yet",
                room.name
            )
        } else {
            format!("{name} is not a member of {:?}", room.name)
        };
        Err(ScriptError::at(word, reason))
    }

    pub(super) fn expect(&self, expect: &Expect) -> Result<(), ScriptError> {
        let who = self.known_person(&expect.who)?;
        self.must_be_open(&expect.who, who)?;
        let says = (
            &expect.reads,
            &expect.does_not_read,
            &expect.message,
            &expect.is,
            &expect.acknowledged_by,
        );
        match says {
            (Some(text), None, None, None, None) | (None, Some(text), None, None, None) => {
                self.known_text(text).map(|_| ())
            }
            (None, None, Some(text), Some(is), None) => {
                let no = self.known_text(text)?;
                if self.texts.get(no).is_none_or(|text| text.by != who) {
                    let reason = format!("{} did not send this; only senders know the delivery", self.name(who));
                    return Err(ScriptError::at(text, reason));
                }
                let delivery = is.value.parse::<Delivery>();
                delivery.map(|_| ()).map_err(|reason| ScriptError::at(is, reason))
            }
            (None, None, Some(text), None, Some(people)) => {
                self.known_text(text)?;
                people
                    .value
                    .iter()
                    .try_for_each(|word| self.known_person(word).map(|_| ()))
            }
            _ => Err(ScriptError::at(
                &expect.who,
                "an expectation has `reads`, or `does_not_read`, or `message` with `is` or `acknowledged_by`",
            )),
        }
    }
}
