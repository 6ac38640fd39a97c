//! The scenario file: its form, its limits, and where in it something is wrong. What a script *means* is `ledger`'s.

mod steps;

use curo_types::format::Content;
use serde::Deserialize;
use serde_saphyr::Location;
pub(crate) use serde_saphyr::Spanned;
pub(crate) use steps::{Change, Create, Direct, Edit, Expect, HandOver, OfMessage, Search, Send, SignOut, Step};

use crate::ledger::Ledger;

/// A word of the script that remembers its place.
pub(crate) type Word = Spanned<String>;

/// What `restart` takes beside people's names.
pub(crate) const RELAY: &str = "relay";

/// Largest script in bytes.
pub const SCRIPT_LIMIT: usize = 4 * 1024 * 1024;
/// Most people.
pub const PEOPLE_LIMIT: usize = 12;
/// Most steps.
pub const STEPS_LIMIT: usize = 300;
/// Longest name, role, subject and title in characters.
pub const NAME_LIMIT: usize = 40;
/// Shortest text in bytes: what is shorter would be found by chance where leaks are sought.
pub const TEXT_MIN: usize = 8;

/// A scenario that was read and dry-run: everything in it can be played.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub(crate) title: Word,
    pub(crate) people: Spanned<Vec<Actor>>,
    pub(crate) steps: Spanned<Vec<Spanned<Step>>>,
}

/// Somebody with a device.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Actor {
    pub(crate) name: Word,
    pub(crate) role: Word,
    pub(crate) subject: Word,
    /// Whose phone this person uses too, with a profile of their own; they are signed in once it is handed to them.
    pub(crate) phone_of: Option<Word>,
}

/// What is wrong with a script, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", place(*.line, *.column))]
pub struct ScriptError {
    /// The line, from 1; 0 where the whole script is meant.
    pub line: u64,
    /// The column in characters, from 1; 0 where the whole script is meant.
    pub column: u64,
    /// What is wrong.
    pub reason: String,
}

fn place(line: u64, column: u64) -> String {
    match line {
        0 => String::new(),
        _ => format!("line {line}, column {column}: "),
    }
}

impl ScriptError {
    pub(crate) fn whole(reason: impl Into<String>) -> Self {
        Self {
            line: 0,
            column: 0,
            reason: reason.into(),
        }
    }

    pub(crate) fn at<T>(place: &Spanned<T>, reason: impl Into<String>) -> Self {
        Self::at_location(place.referenced, reason)
    }

    fn at_location(place: Location, reason: impl Into<String>) -> Self {
        Self {
            line: place.line(),
            column: place.column(),
            reason: reason.into(),
        }
    }
}

impl Script {
    /// Reads a script and plays it dry: every name, member and text is checked before anything starts.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn parse(yaml: &str) -> Result<Self, ScriptError> {
        if yaml.len() > SCRIPT_LIMIT {
            return Err(ScriptError::whole(format!(
                "the script is larger than {SCRIPT_LIMIT} bytes"
            )));
        }
        let options = serde_saphyr::options! { with_snippet: false };
        let script: Self = serde_saphyr::from_str_with_options(yaml, options).map_err(|error| unreadable(&error))?;
        script.check()?;
        let mut ledger = Ledger::new(&script);
        for step in &script.steps.value {
            ledger.apply(&step.value)?;
        }
        ledger.at_the_end(&script)?;
        Ok(script)
    }

    /// Everything that does not depend on the order of steps.
    fn check(&self) -> Result<(), ScriptError> {
        check_name("title", &self.title, 2 * NAME_LIMIT)?;
        let people = &self.people.value;
        if !(2..=PEOPLE_LIMIT).contains(&people.len()) {
            let reason = format!("there are {} people; 2 to {PEOPLE_LIMIT} can be played", people.len());
            return Err(ScriptError::at(&self.people, reason));
        }
        for (n, actor) in people.iter().enumerate() {
            check_name("name", &actor.name, NAME_LIMIT)?;
            check_name("role", &actor.role, NAME_LIMIT)?;
            check_name("subject", &actor.subject, NAME_LIMIT)?;
            if actor.name.value == RELAY {
                return Err(ScriptError::at(
                    &actor.name,
                    "nobody can be called \"relay\": it is a word of `restart`",
                ));
            }
            for before in people.iter().take(n) {
                if before.name.value == actor.name.value {
                    return Err(ScriptError::at(
                        &actor.name,
                        format!("two people are called {:?}", actor.name.value),
                    ));
                }
                if before.subject.value == actor.subject.value {
                    let reason = format!(
                        "{:?} is the subject of {:?} already",
                        actor.subject.value, before.name.value
                    );
                    return Err(ScriptError::at(&actor.subject, reason));
                }
            }
            if let Some(phone) = &actor.phone_of {
                check_phone(people, n, phone)?;
            }
        }
        let steps = self.steps.value.len();
        if !(1..=STEPS_LIMIT).contains(&steps) {
            let reason = format!("there are {steps} steps; 1 to {STEPS_LIMIT} can be played");
            return Err(ScriptError::at(&self.steps, reason));
        }
        Ok(())
    }
}

/// A phone belongs to somebody further up who has it at the start.
fn check_phone(people: &[Actor], n: usize, phone: &Word) -> Result<(), ScriptError> {
    match people.iter().take(n).find(|other| other.name.value == phone.value) {
        None => {
            let reason = format!("nobody further up is called {:?}", phone.value);
            Err(ScriptError::at(phone, reason))
        }
        Some(other) if other.phone_of.is_some() => {
            let reason = format!("{:?} has no phone of their own", phone.value);
            Err(ScriptError::at(phone, reason))
        }
        Some(_) => Ok(()),
    }
}

/// A name that can be shown: not empty, not long, on one line.
pub(crate) fn check_name(what: &str, name: &Word, limit: usize) -> Result<(), ScriptError> {
    let text = &name.value;
    if text.trim().is_empty() {
        return Err(ScriptError::at(name, format!("the {what} is empty")));
    }
    if text.chars().count() > limit {
        return Err(ScriptError::at(
            name,
            format!("the {what} is longer than {limit} characters"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(ScriptError::at(name, format!("the {what} has a control character")));
    }
    Ok(())
}

/// A text that can be sent, and sought afterwards.
pub(crate) fn check_text(text: &Word) -> Result<(), ScriptError> {
    let (bytes, most) = (text.value.len(), Content::TEXT_LIMIT);
    if text.value.trim().is_empty() {
        return Err(ScriptError::at(text, "the text is empty"));
    }
    if bytes < TEXT_MIN {
        let reason =
            format!("the text has {bytes} bytes; it needs {TEXT_MIN}, or the search for leaks would find it by chance");
        return Err(ScriptError::at(text, reason));
    }
    if bytes > most {
        return Err(ScriptError::at(
            text,
            format!("the text has {bytes} bytes; a message takes {most} at most"),
        ));
    }
    Ok(())
}

fn unreadable(error: &serde_saphyr::Error) -> ScriptError {
    let reason = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
    // The place stands in front already.
    let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
    match error.location() {
        Some(location) => ScriptError::at_location(location, reason),
        None => ScriptError::whole(reason),
    }
}
