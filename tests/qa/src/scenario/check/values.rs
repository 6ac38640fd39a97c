//! What a step's keys may say.

use serde_saphyr::Location;

use super::{Checker, Kind};
use crate::scenario::{Args, Verb};

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
    ("phone", "is", &["saved", "restored"]),
    ("send", "priority", &["routine", "urgent", "stat"]),
    ("cancel", "is", &["cancelled", "too_late"]),
];
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
const COUNT_LIMIT: u64 = 20_000;

impl Checker<'_> {
    pub(super) fn references(&mut self, verb: &Verb, args: &Args) {
        if let Some(place) = &args.place {
            self.known(place, Kind::Conversation);
        }
        for message in [&args.message, &args.reply_to, &args.thread].into_iter().flatten() {
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

    pub(super) fn values(&mut self, verb: &Verb, args: &Args, place: Location) {
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
    pub(super) fn name(&mut self, verb: &Verb, args: &Args) {
        let Some(name) = &args.name else { return };
        let kind = match verb.name {
            "create" | "direct" => Kind::Conversation,
            "send" | "amend" => Kind::Message,
            _ => Kind::Intent,
        };
        if args.error.is_some() {
            return;
        }
        let known = self.named.contains_key(&name.value);
        let named = self.later.as_mut().unwrap_or(&mut self.named);
        if named.insert(name.value.clone(), kind).is_some() || known {
            let reason = format!("{:?} is a name already; a new one was expected", name.value);
            self.say(name.referenced, reason);
        }
    }
}
