//! A step: one verb and what belongs to it. Which verbs there are, and what each takes, stands in `verbs`.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{Args, Spanned, VERBS, Verb, Word};

/// What a step is made of.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// `say: what happens now`
    Say(Word),
    /// `start: [ana, ben]`: a verb and who does it.
    Names(Word, Spanned<Vec<Word>>),
    /// `send: { who: ana, … }`
    Act(Word, Box<Args>),
    /// `relay: restart`
    Relay(Word),
    /// `parallel: [steps]`
    Parallel(Vec<Spanned<Step>>),
    /// No verb of ours; told with its place when the file is checked.
    Unknown(Word),
    /// More than one verb; the second.
    Two(Word),
}

/// How what follows a verb is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A sentence.
    Sentence,
    /// A list of actors.
    Names,
    /// A word.
    Word,
    /// `{ key: value, … }`
    Keys,
    /// A list of steps.
    Steps,
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;

        impl<'de> Visitor<'de> for One {
            type Value = Step;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a step: `verb: …`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step, A::Error> {
                let Some(verb) = map.next_key::<Word>()? else {
                    return Err(serde::de::Error::custom("a step has a verb"));
                };
                let step = match Verb::named(&verb.value).map(|verb| verb.form) {
                    Some(Form::Sentence) => Step::Say(map.next_value()?),
                    Some(Form::Names) => Step::Names(verb, map.next_value()?),
                    Some(Form::Word) => Step::Relay(map.next_value()?),
                    Some(Form::Keys) => Step::Act(verb, Box::new(map.next_value()?)),
                    Some(Form::Steps) => Step::Parallel(map.next_value()?),
                    None => {
                        map.next_value::<IgnoredAny>()?;
                        Step::Unknown(verb)
                    }
                };
                let mut second = None;
                while let Some(key) = map.next_key::<Word>()? {
                    map.next_value::<IgnoredAny>()?;
                    second.get_or_insert(key);
                }
                Ok(second.map_or(step, Step::Two))
            }
        }

        deserializer.deserialize_map(One)
    }
}

impl Verb {
    /// The verb of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        VERBS.iter().find(|verb| verb.name == name)
    }
}
