//! Plays a scenario dry: every name, key and word is checked before anything starts.

mod values;

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::Location;

use super::{ACTORS_LIMIT, Args, File, STEPS_LIMIT, Spanned, Step, VERBS, Verb, Word};

/// No scenario waits longer for one thing.
const WITHIN_LIMIT_S: u64 = 900;
const DISK_LIMIT_MB: u64 = 64;
const RELAY: &[&str] = &["kill", "stop", "start", "restart", "backup", "restore"];
const VAULTS: &[&str] = &["background", "user_presence"];
const APPROVALS: &[&str] = &["none", "required"];
const CONTENTS: &[&str] = &["keep", "purge"];

type Complaint = (Location, String);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Conversation,
    Message,
    Intent,
}

struct Checker<'f> {
    actors: BTreeMap<&'f str, bool>,
    disks: BTreeSet<&'f str>,
    named: BTreeMap<String, Kind>,
    /// Names that the steps of a `parallel` give: they hold only after it.
    later: Option<BTreeMap<String, Kind>>,
    relay_up: bool,
    backed_up: bool,
    complaints: Vec<Complaint>,
}

/// Everything that is wrong, in the file's order.
pub(super) fn check(file: &File) -> Vec<Complaint> {
    let mut checker = Checker {
        actors: BTreeMap::new(),
        disks: BTreeSet::new(),
        named: BTreeMap::new(),
        later: None,
        relay_up: true,
        backed_up: false,
        complaints: Vec::new(),
    };
    checker.head(file);
    let mut count = 0;
    for step in &file.steps.value {
        count += 1;
        if let Step::Parallel(steps) = &step.value {
            count += steps.len();
        }
        checker.step(step, false);
    }
    if !(1..=STEPS_LIMIT).contains(&count) {
        let reason = format!("there are {count} steps; 1 to {STEPS_LIMIT} were expected");
        checker.say(file.steps.referenced, reason);
    }
    checker.complaints
}

impl<'f> Checker<'f> {
    fn say(&mut self, place: Location, reason: impl Into<String>) {
        self.complaints.push((place, reason.into()));
    }

    fn head(&mut self, file: &'f File) {
        if file.title.value.trim().is_empty() {
            self.say(file.title.referenced, "the title is empty; a sentence was expected");
        }
        if let Some(within) = &file.within_s {
            self.within(within);
        }
        if let Some(approval) = &file.relay.device_approval {
            self.word(approval, APPROVALS);
        }
        if let Some(content) = &file.relay.removed_content {
            self.word(content, CONTENTS);
        }
        let actors = &file.actors.value;
        if !(1..=ACTORS_LIMIT).contains(&actors.len()) {
            let reason = format!("there are {} actors; 1 to {ACTORS_LIMIT} were expected", actors.len());
            self.say(file.actors.referenced, reason);
        }
        for actor in actors {
            let spec = &actor.value;
            let name = &spec.name;
            let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if name.value.is_empty() || name.value.len() > 24 || !name.value.chars().all(good) {
                let reason = format!("{:?}: a name of 1 to 24 of a-z, 0-9 and - was expected", name.value);
                self.say(name.referenced, reason);
            }
            if let Some(phone) = &spec.phone_of {
                let owner = actors.iter().take_while(|other| other.value.name.value != name.value);
                let mut owner = owner.filter(|other| other.value.phone_of.is_none());
                if !owner.any(|owner| owner.value.name.value == phone.value) {
                    let reason = format!(
                        "{:?}: an actor further up with a phone of its own was expected",
                        phone.value
                    );
                    self.say(phone.referenced, reason);
                }
                if let Some(size) = &spec.disk_mb {
                    self.say(
                        size.referenced,
                        "a disk of the phone's owner was expected, not of who shares it",
                    );
                }
            }
            if let Some(vault) = &spec.vault {
                self.word(vault, VAULTS);
            }
            if let Some(size) = &spec.disk_mb {
                self.disks.insert(&name.value);
                if !(1..=DISK_LIMIT_MB).contains(&size.value) {
                    self.say(size.referenced, format!("a size of 1 to {DISK_LIMIT_MB} was expected"));
                }
            }
            if self.actors.insert(&name.value, false).is_some() {
                self.say(name.referenced, format!("two actors are called {:?}", name.value));
            }
        }
    }

    fn step(&mut self, step: &Spanned<Step>, inside: bool) {
        let place = step.referenced;
        match &step.value {
            Step::Say(text) if text.value.trim().is_empty() => self.say(text.referenced, "a sentence was expected"),
            Step::Say(_) => {}
            Step::Unknown(verb) => {
                let known: Vec<_> = VERBS.iter().map(|verb| verb.name).collect();
                let reason = format!("`{}` is no verb; expected one of {}", verb.value, known.join(", "));
                self.say(verb.referenced, reason);
            }
            Step::Two(verb) => {
                let reason = format!("`{}` is a second verb; one in each step was expected", verb.value);
                self.say(verb.referenced, reason);
            }
            Step::Parallel(steps) => {
                if inside {
                    self.say(place, "`parallel` inside `parallel`; a single step was expected");
                } else if steps.len() < 2 {
                    self.say(place, "two or more steps were expected");
                }
                self.later = Some(BTreeMap::new());
                for step in steps {
                    self.step(step, true);
                }
                self.named.append(&mut self.later.take().unwrap_or_default());
            }
            Step::Relay(word) => {
                self.word(word, RELAY);
                let to_be = !matches!(word.value.as_str(), "kill" | "stop");
                if word.value == "restore" && !self.backed_up {
                    self.say(
                        word.referenced,
                        "there is no backup yet; `relay: backup` was expected before",
                    );
                }
                self.backed_up |= word.value == "backup";
                if word.value == "start" && self.relay_up || word.value != "start" && !self.relay_up {
                    let now = if self.relay_up { "runs" } else { "does not run" };
                    self.say(
                        word.referenced,
                        format!("the relay {now} here: another word was expected"),
                    );
                }
                self.relay_up = to_be;
            }
            Step::Names(verb, names) => self.names(verb, names),
            Step::Act(verb, args) => self.act(verb, args, place),
        }
    }

    fn names(&mut self, verb: &Word, names: &Spanned<Vec<Word>>) {
        if names.value.is_empty() {
            self.say(names.referenced, "one or more actors were expected");
        }
        let needs = Verb::named(&verb.value).is_some_and(|verb| verb.running);
        for name in &names.value {
            self.actor(name, needs);
            let runs = match verb.value.as_str() {
                "start" => true,
                "kill" | "quit" => false,
                _ => continue,
            };
            if let Some(running) = self.actors.get_mut(name.value.as_str()) {
                *running = runs;
            }
        }
    }

    /// Whether somebody is called so, and, where it matters, whether their app runs.
    fn actor(&mut self, name: &Word, must_run: bool) {
        match self.actors.get(name.value.as_str()) {
            None => {
                let known: Vec<_> = self.actors.keys().copied().collect();
                let reason = format!(
                    "nobody is called {:?}; expected one of {}",
                    name.value,
                    known.join(", ")
                );
                self.say(name.referenced, reason);
            }
            Some(false) if must_run => {
                let reason = format!(
                    "{}'s app does not run here; `start` or `launch` was expected before",
                    name.value
                );
                self.say(name.referenced, reason);
            }
            Some(_) => {}
        }
    }

    fn word(&mut self, word: &Word, known: &[&str]) {
        if !known.contains(&word.value.as_str()) {
            let reason = format!("{:?}: expected one of {}", word.value, known.join(", "));
            self.say(word.referenced, reason);
        }
    }

    fn within(&mut self, within: &Spanned<u64>) {
        if !(1..=WITHIN_LIMIT_S).contains(&within.value) {
            self.say(
                within.referenced,
                format!("1 to {WITHIN_LIMIT_S} seconds were expected"),
            );
        }
    }

    fn known(&mut self, name: &Word, kind: Kind) {
        let kinds = |kind| match kind {
            Kind::Conversation => "conversation",
            Kind::Message => "message",
            Kind::Intent => "intent",
        };
        match self.named.get(&name.value) {
            Some(found) if *found == kind => {}
            Some(found) => {
                let reason = format!(
                    "{:?} names a {}; a {} was expected",
                    name.value,
                    kinds(*found),
                    kinds(kind)
                );
                self.say(name.referenced, reason);
            }
            None => {
                let all = self
                    .named
                    .iter()
                    .filter(|(_, found)| **found == kind)
                    .map(|(name, _)| name.as_str());
                let all: Vec<_> = all.collect();
                let known = if all.is_empty() {
                    "none yet".to_owned()
                } else {
                    all.join(", ")
                };
                let reason = format!("no {} {:?} further up; there are: {known}", kinds(kind), name.value);
                self.say(name.referenced, reason);
            }
        }
    }

    fn act(&mut self, word: &Word, args: &Args, place: Location) {
        let Some(verb) = Verb::named(&word.value) else { return };
        let takes = || [verb.required, verb.optional].concat().join(", ");
        for key in &args.unknown {
            let reason = format!("`{}` takes no `{}`; expected: {}", verb.name, key.value, takes());
            self.say(key.referenced, reason);
        }
        let given = args.given();
        for (key, at) in &given {
            if !verb.required.contains(key) && !verb.optional.contains(key) {
                self.say(*at, format!("`{}` takes no `{key}`; expected: {}", verb.name, takes()));
            }
        }
        for key in verb.required {
            if !given.iter().any(|(one, _)| one == key) {
                self.say(place, format!("`{}` without `{key}`; it takes: {}", verb.name, takes()));
            }
        }
        if let Some(who) = &args.who {
            self.actor(who, verb.running);
            self.state(verb, who, args);
        }
        let people = [
            &args.all,
            &args.with,
            &args.people,
            &args.members,
            &args.acknowledged_by,
            &args.read_by,
            &args.reacted_by,
        ];
        for names in people.into_iter().flatten() {
            for name in &names.value {
                self.actor(name, verb.name == "agree");
            }
        }
        for name in [&args.person, &args.device].into_iter().flatten() {
            self.actor(name, false);
        }
        self.references(verb, args);
        self.values(verb, args, place);
        self.name(verb, args);
    }

    /// What a step changes of who runs.
    fn state(&mut self, verb: &Verb, who: &Word, args: &Args) {
        let Some(running) = self.actors.get_mut(who.value.as_str()) else {
            return;
        };
        match verb.name {
            "launch" | "key" | "phone" | "clock" if *running => {
                let reason = format!("{}'s app runs here; `quit` or `kill` was expected before", who.value);
                self.say(who.referenced, reason);
            }
            "launch" => *running = args.error.is_none(),
            "sign_out" if args.unsent.is_none() => *running = false,
            "disk" if !self.disks.contains(who.value.as_str()) => {
                let reason = format!("{} has no disk of their own; `disk_mb` was expected above", who.value);
                self.say(who.referenced, reason);
            }
            _ => {}
        }
    }
}
