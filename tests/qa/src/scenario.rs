//! The scenario file: its form, and where in it something is wrong. `docs/qa.md` describes it for those who write one.
//!
//! Everything that can be checked without playing is checked here; what a step *does* is `play`'s.

mod args;
mod check;
mod steps;
mod verbs;

use std::fmt;

use serde::Deserialize;
use serde_saphyr::Location;
pub(crate) use serde_saphyr::Spanned;

pub(crate) use args::Args;
pub(crate) use steps::Step;
pub use verbs::{Form, VERBS, Verb};

/// A word of the file that remembers its place.
pub(crate) type Word = Spanned<String>;

/// Largest file in bytes.
pub const FILE_LIMIT: usize = 1024 * 1024;
/// How long anything may take unless the scenario says otherwise: long, since a busy machine is no fault of the product.
const WITHIN_S: u64 = 60;
/// Most actors.
pub const ACTORS_LIMIT: usize = 8;
/// Most steps, those in `parallel` included.
pub const STEPS_LIMIT: usize = 500;

/// A scenario that was read and checked: everything in it can be played.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file's name without its extension.
    pub name: String,
    /// What it shows, in one sentence.
    pub title: String,
    /// Whether it takes minutes: then fewer mixes of platforms are played.
    pub slow: bool,
    /// It must fail, for a reason with these words: proof that the runner sees it.
    pub fails: Option<String>,
    pub(crate) within_s: u64,
    pub(crate) relay: RelayPolicy,
    pub(crate) actors: Vec<Actor>,
    pub(crate) steps: Vec<Spanned<Step>>,
    pub(crate) lines: Vec<String>,
}

/// As it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: Word,
    #[serde(default)]
    slow: bool,
    fails: Option<Word>,
    within_s: Option<Spanned<u64>>,
    #[serde(default)]
    relay: RelayPolicy,
    actors: Spanned<Vec<Spanned<ActorSpec>>>,
    steps: Spanned<Vec<Spanned<Step>>>,
}

/// Somebody's device, as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ActorSpec {
    name: Word,
    person: Option<Word>,
    phone_of: Option<Word>,
    vault: Option<Word>,
    disk_mb: Option<Spanned<u64>>,
    idle_lock_ms: Option<u64>,
    request_timeout_ms: Option<u64>,
}

/// One installation of the app and its person.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) name: String,
    /// Who signs in on it. Several actors may be devices of one person.
    pub(crate) person: String,
    /// Whose phone it is: its files lie beside that actor's.
    pub(crate) phone_of: Option<String>,
    pub(crate) vault: String,
    /// The size of its own small disk.
    pub(crate) disk_mb: Option<u64>,
    pub(crate) idle_lock_ms: Option<u64>,
    pub(crate) request_timeout_ms: Option<u64>,
}

/// What differs from a relay's defaults; the words are those of its configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RelayPolicy {
    pub(crate) device_approval: Option<Word>,
    pub(crate) removed_content: Option<Word>,
    #[serde(default)]
    pub(crate) mandatory_members: Vec<String>,
    pub(crate) max_conversations: Option<u64>,
    pub(crate) max_devices: Option<u64>,
    pub(crate) max_stored_bytes: Option<u64>,
    pub(crate) idle_lock_ms: Option<u64>,
    pub(crate) session_limit_ms: Option<u64>,
    pub(crate) requests_per_user_per_second: Option<u64>,
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The file, as it was given.
    pub file: String,
    /// The line, from 1; 0 where the whole file is meant.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
    /// What is wrong, and what was expected.
    pub reason: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.reason),
            line => write!(f, "{}:{line}:{}: {}", self.file, self.column, self.reason),
        }
    }
}

impl std::error::Error for Wrong {}

impl Scenario {
    /// Reads and checks a scenario. `file` is what errors call it.
    ///
    /// # Errors
    /// Everything that is wrong, in the file's order; where it is no YAML of the right form, the first.
    pub fn parse(file: &str, yaml: &str) -> Result<Self, Vec<Wrong>> {
        let whole = |reason: String| {
            vec![Wrong {
                file: file.to_owned(),
                line: 0,
                column: 0,
                reason,
            }]
        };
        if yaml.len() > FILE_LIMIT {
            return Err(whole(format!("the file is larger than {FILE_LIMIT} bytes")));
        }
        let options = serde_saphyr::options! { with_snippet: false };
        let read: File = serde_saphyr::from_str_with_options(yaml, options).map_err(|error| {
            let reason = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
            // The place stands in front already.
            let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
            match error.location() {
                Some(place) => vec![wrong(file, place, reason)],
                None => whole(reason),
            }
        })?;
        let complaints = check::check(&read);
        if !complaints.is_empty() {
            let told = complaints.into_iter().map(|(place, reason)| wrong(file, place, reason));
            let mut told: Vec<_> = told.collect();
            told.sort_by_key(|wrong| (wrong.line, wrong.column));
            return Err(told);
        }
        let stem = std::path::Path::new(file).file_stem();
        Ok(Self {
            name: stem.map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
            title: read.title.value,
            slow: read.slow,
            fails: read.fails.map(|fails| fails.value),
            within_s: read.within_s.map_or(WITHIN_S, |within| within.value),
            relay: read.relay,
            actors: read.actors.value.into_iter().map(|actor| actor.value.whole()).collect(),
            steps: read.steps.value,
            lines: yaml.lines().map(str::to_owned).collect(),
        })
    }

    /// The names of its actors, in the file's order.
    pub fn actors(&self) -> impl Iterator<Item = &str> {
        self.actors.iter().map(|actor| actor.name.as_str())
    }

    /// For each actor the one whose platform it shares: itself, or whose phone it uses.
    pub(crate) fn hosts(&self) -> Vec<usize> {
        let host = |(own, actor): (usize, &Actor)| match &actor.phone_of {
            Some(phone) => self.actors.iter().position(|other| other.name == *phone).unwrap_or(own),
            None => own,
        };
        self.actors.iter().enumerate().map(host).collect()
    }

    /// A step as it stands in the file.
    pub(crate) fn line(&self, line: u64) -> &str {
        let index = usize::try_from(line).unwrap_or_default().saturating_sub(1);
        self.lines.get(index).map_or("", |line| line.trim())
    }
}

impl ActorSpec {
    fn whole(self) -> Actor {
        Actor {
            person: self
                .person
                .map_or_else(|| self.name.value.clone(), |person| person.value),
            name: self.name.value,
            phone_of: self.phone_of.map(|phone| phone.value),
            vault: self.vault.map_or_else(|| "background".to_owned(), |vault| vault.value),
            disk_mb: self.disk_mb.map(|size| size.value),
            idle_lock_ms: self.idle_lock_ms,
            request_timeout_ms: self.request_timeout_ms,
        }
    }
}

fn wrong(file: &str, place: Location, reason: String) -> Wrong {
    Wrong {
        file: file.to_owned(),
        line: place.line(),
        column: place.column(),
        reason,
    }
}
