//! Plays a scenario dry: every name, key and word is checked before anything starts.

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::Location;

use super::{ACTORS_LIMIT, Args, File, STEPS_LIMIT, Spanned, Step, VERBS, Verb, Word};

/// Words that a key takes, where it takes only some.
const WORDS: &[(&str, &str, &[&str])] = &[
    ("network", "is", &["up", "cut", "reset", "stalled"]),
    ("tokens", "is", &["good", "stale", "expired", "refused", "none"]),
    (
        "vault",
        "answers",
        &["key", "not_ready", "user_auth_needed", "invalidated", "missing"],
    ),
    ("key", "is", &["wrong", "right"]),
    ("disk", "is", &["full", "free"]),
    ("send", "priority", &["routine", "urgent", "stat"]),
    ("cancel", "is", &["cancelled", "too_late"]),
];
const RELAY: &[&str] = &["kill", "stop", "start", "restart"];
const SESSIONS: &[&str] = &[
    "active",
    "locked",
    "sign_in_needed",
    "waiting_for_approval",
    "revoked",
    "wiped",
    "update_required",
    "closed",
];
const CONNECTIONS: &[&str] = &["stopped", "catching_up", "live", "waiting", "sign_in_needed", "failed"];
const INTENTS: &[&str] = &["pending", "done", "failed"];
const VAULTS: &[&str] = &["background", "user_presence"];
/// What `expect` may ask of a message, of an intent, of a conversation and of the device.
const OF_MESSAGE: &[&str] = &[
    "is",
    "text",
    "edited",
    "deleted",
    "absent",
    "acknowledged_by",
    "read_by",
    "reacted_by",
    "code",
];
const OF_CONVERSATION: &[&str] = &[
    "texts",
    "reads",
    "does_not_read",
    "members",
    "title",
    "left",
    "purged",
    "frozen",
    "unread",
    "count",
    "draft",
];
const OF_DEVICE: &[&str] = &[
    "connection",
    "code",
    "session",
    "waiting",
    "failed",
    "conversations",
    "unread",
];
/// No scenario waits longer for one thing.
const WITHIN_LIMIT_S: u64 = 300;
const COUNT_LIMIT: u64 = 20_000;
const DISK_LIMIT_MB: u64 = 64;

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
    relay_up: bool,
    complaints: Vec<Complaint>,
}

/// Everything that is wrong, in the file's order.
pub(super) fn check(file: &File) -> Vec<Complaint> {
    let mut checker = Checker {
        actors: BTreeMap::new(),
        disks: BTreeSet::new(),
        named: BTreeMap::new(),
        relay_up: true,
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
            if let Some(phone) = &spec.phone_of
                && !self.actors.contains_key(phone.value.as_str())
            {
                let reason = format!("{:?}: the name of an actor further up was expected", phone.value);
                self.say(phone.referenced, reason);
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
                for step in steps {
                    self.step(step, true);
                }
            }
            Step::Relay(word) => {
                self.word(word, RELAY);
                let to_be = matches!(word.value.as_str(), "start" | "restart");
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
            "launch" => *running = args.error.is_none(),
            "sign_out" if args.unsent.is_none() => *running = false,
            "disk" if !self.disks.contains(who.value.as_str()) => {
                let reason = format!("{} has no disk of their own; `disk_mb` was expected above", who.value);
                self.say(who.referenced, reason);
            }
            _ => {}
        }
    }

    fn references(&mut self, verb: &Verb, args: &Args) {
        if let Some(place) = &args.place {
            self.known(place, Kind::Conversation);
        }
        for message in [&args.message, &args.reply_to].into_iter().flatten() {
            self.known(message, Kind::Message);
        }
        for message in args.finds.iter().flat_map(|finds| &finds.value) {
            self.known(message, Kind::Message);
        }
        if let Some(intent) = &args.intent {
            self.known(intent, Kind::Intent);
        }
        for (of, key, words) in WORDS {
            let word = match *key {
                "is" => &args.is,
                "answers" => &args.answers,
                _ => &args.priority,
            };
            if *of == verb.name
                && let Some(word) = word
            {
                self.word(word, words);
            }
        }
        if let Some(session) = &args.session {
            self.word(session, SESSIONS);
        }
        if let Some(connection) = &args.connection {
            self.word(connection, CONNECTIONS);
        }
    }

    fn values(&mut self, verb: &Verb, args: &Args, place: Location) {
        if let Some(within) = &args.within_s {
            self.within(within);
        }
        if let Some(count) = &args.count
            && count.value > COUNT_LIMIT
        {
            self.say(count.referenced, format!("{COUNT_LIMIT} at most were expected"));
        }
        if verb.name == "send" {
            let forms = [args.text.is_some(), args.text_bytes.is_some(), args.utf16.is_some()];
            if forms.iter().filter(|given| **given).count() != 1 {
                self.say(place, "exactly one of `text`, `text_bytes` and `utf16` was expected");
            }
        }
        if verb.name == "send_many"
            && let Some(text) = &args.text
            && !text.value.contains("{n}")
        {
            self.say(text.referenced, "a text with {n}, for the number, was expected");
        }
        if verb.name == "expect" {
            self.expect(args, place);
        }
    }

    /// `expect` asks about one thing: a message, an intent, a conversation or the device.
    fn expect(&mut self, args: &Args, place: Location) {
        let of = [args.message.is_some(), args.intent.is_some(), args.place.is_some()];
        if of.iter().filter(|given| **given).count() > 1 {
            self.say(
                place,
                "one of `message`, `intent` and `in` was expected, or none: then it is about the device",
            );
            return;
        }
        let (what, takes): (_, &[&str]) = if args.message.is_some() {
            ("a message", OF_MESSAGE)
        } else if let Some(_intent) = &args.intent {
            if let Some(is) = &args.is {
                self.word(is, INTENTS);
            }
            ("an intent", &["is", "code"])
        } else if args.place.is_some() {
            ("a conversation", OF_CONVERSATION)
        } else {
            ("a device", OF_DEVICE)
        };
        let given = args.given();
        let around = ["who", "in", "message", "intent", "within_s", "emoji"];
        let mut asked = given.iter().filter(|(key, _)| !around.contains(key)).peekable();
        if asked.peek().is_none() {
            self.say(
                place,
                format!("expects nothing of {what}; it takes: {}", takes.join(", ")),
            );
        }
        for (key, at) in asked {
            if !takes.contains(key) {
                self.say(
                    *at,
                    format!("`{key}` is not asked of {what}; expected: {}", takes.join(", ")),
                );
            }
        }
        if args.reacted_by.is_some() != args.emoji.is_some() {
            self.say(place, "`emoji` and `reacted_by` were expected together");
        }
    }

    /// Names that a step gives. They are given once, and never to what is refused.
    fn name(&mut self, verb: &Verb, args: &Args) {
        let Some(name) = &args.name else { return };
        let kind = match verb.name {
            "create" | "direct" => Kind::Conversation,
            "send" | "amend" => Kind::Message,
            _ => Kind::Intent,
        };
        if args.error.is_some() {
            return;
        }
        if self.named.insert(name.value.clone(), kind).is_some() {
            self.say(
                name.referenced,
                format!("{:?} is a name already; a new one was expected", name.value),
            );
        }
    }
}
