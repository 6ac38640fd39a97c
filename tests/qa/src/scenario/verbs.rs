//! Every verb of a scenario with its keys. `docs/qa.md` has the same table; a test compares.

pub use super::steps::Form;

/// What a step can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verb {
    /// Its name.
    pub name: &'static str,
    /// How what follows is written.
    pub form: Form,
    /// Keys that must be given.
    pub required: &'static [&'static str],
    /// Keys that may be given.
    pub optional: &'static [&'static str],
    /// Whether the actor's app must run.
    pub running: bool,
}

type Keys = &'static [&'static str];

const fn verb(name: &'static str, form: Form, running: bool, required: Keys, optional: Keys) -> Verb {
    Verb {
        name,
        form,
        required,
        optional,
        running,
    }
}

const fn names(name: &'static str, running: bool) -> Verb {
    verb(name, Form::Names, running, &[], &[])
}

/// Around the app: its process, its network, its device.
const fn world(name: &'static str, required: Keys, optional: Keys) -> Verb {
    verb(name, Form::Keys, false, required, optional)
}

/// In the app.
const fn act(name: &'static str, required: Keys, optional: Keys) -> Verb {
    verb(name, Form::Keys, true, required, optional)
}

/// What can be sent.
const SENT: Keys = &[
    "text",
    "text_bytes",
    "utf16",
    "as",
    "priority",
    "reply_to",
    "thread",
    "drop",
    "error",
];

/// What can be expected.
const EXPECTED: Keys = &[
    "in",
    "message",
    "intent",
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
    "is",
    "text",
    "edited",
    "deleted",
    "absent",
    "acknowledged_by",
    "read_by",
    "emoji",
    "reacted_by",
    "code",
    "connection",
    "session",
    "waiting",
    "failed",
    "conversations",
    "within_s",
];

/// All verbs, in the order in which `docs/qa.md` explains them.
pub const VERBS: &[Verb] = &[
    verb("say", Form::Sentence, false, &[], &[]),
    verb("parallel", Form::Steps, false, &[], &[]),
    names("start", false),
    names("kill", true),
    names("quit", true),
    names("settle", true),
    world("launch", &["who"], &["error"]),
    act("go_online", &["who"], &["error"]),
    verb("relay", Form::Word, false, &[], &[]),
    world("network", &["who", "is"], &["latency_ms", "bytes_per_s"]),
    world("tokens", &["who", "is"], &[]),
    world("vault", &["who", "answers"], &[]),
    world("key", &["who", "is"], &[]),
    world("clock", &["who", "days"], &[]),
    world("disk", &["who", "is"], &[]),
    world("phone", &["who", "is"], &[]),
    act("create", &["who", "as", "with"], &["title", "error"]),
    act("direct", &["who", "as", "with"], &["error"]),
    act("send", &["who", "in"], SENT),
    act("send_many", &["who", "in", "count", "text"], &[]),
    act("send_again", &["who", "message"], &["error"]),
    act("edit", &["who", "message", "text"], &["as", "error"]),
    act("amend", &["who", "message", "text", "as"], &["error"]),
    act("delete", &["who", "message"], &["as", "error"]),
    act("react", &["who", "message", "emoji"], &["error"]),
    act("unreact", &["who", "message", "emoji"], &["error"]),
    act("acknowledge", &["who", "message"], &["error"]),
    act("mark_read", &["who", "message"], &["error"]),
    act("retry", &["who", "message"], &["error"]),
    act("cancel", &["who", "message", "is"], &[]),
    act("add", &["who", "in", "people"], &["as", "error"]),
    act("remove", &["who", "in", "people"], &["as", "error"]),
    act("leave", &["who", "in"], &["error"]),
    act("set_title", &["who", "in", "title"], &["as", "error"]),
    act("set_role", &["who", "in", "person", "role"], &["as", "error"]),
    act("set_draft", &["who", "in", "text"], &["error"]),
    act("lock", &["who"], &["error"]),
    act("unlock", &["who"], &["error"]),
    act("suspend", &["who"], &["error"]),
    act("resume", &["who"], &["error"]),
    act("rekey", &["who"], &["error"]),
    act(
        "background",
        &["who"],
        &["complete", "new_messages", "waiting", "error"],
    ),
    act("push", &["who"], &["complete", "new_messages", "waiting", "error"]),
    act("sign_out", &["who"], &["unsent", "discard"]),
    act("revoke", &["who", "device"], &["error"]),
    act("approve", &["who", "device"], &[]),
    act(
        "call",
        &["who", "verb"],
        &["in", "message", "args", "gives", "drop", "error"],
    ),
    act("expect", &["who"], EXPECTED),
    act("agree", &["all", "in"], &["count", "within_s"]),
    act("screen", &["who", "in", "texts"], &["within_s"]),
    act("search", &["who", "words", "finds"], &["in", "within_s"]),
    act("pages", &["who", "in", "size", "count"], &[]),
    world("profiles", &["who", "count"], &[]),
];
