//! What stands between a verb's braces. All verbs share one set of keys, each with one type and one meaning.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Location;

use super::{Spanned, Word};

macro_rules! keys {
    ($($field:ident $key:literal: $type:ty,)*) => {
        /// The keys of a step; `None` where one is not given.
        #[derive(Clone, Debug, Default)]
        pub(crate) struct Args {
            $(pub(crate) $field: Option<Spanned<$type>>,)*
            /// Keys that no verb has.
            pub(crate) unknown: Vec<Word>,
        }

        impl Args {
            /// The keys that are given, with the places of their values.
            pub(crate) fn given(&self) -> Vec<(&'static str, Location)> {
                let mut given = Vec::new();
                $(if let Some(value) = &self.$field {
                    given.push(($key, value.referenced));
                })*
                given
            }

            fn take<'de, A: MapAccess<'de>>(&mut self, key: Word, map: &mut A) -> Result<(), A::Error> {
                match key.value.as_str() {
                    $($key => self.$field = Some(map.next_value()?),)*
                    _ => {
                        map.next_value::<IgnoredAny>()?;
                        self.unknown.push(key);
                    }
                }
                Ok(())
            }
        }
    };
}

keys! {
    who "who": String,
    place "in": String,
    name "as": String,
    all "all": Vec<Word>,
    with "with": Vec<Word>,
    people "people": Vec<Word>,
    person "person": String,
    device "device": String,
    text "text": String,
    text_bytes "text_bytes": u64,
    utf16 "utf16": Vec<u16>,
    texts "texts": Vec<Word>,
    message "message": String,
    finds "finds": Vec<Word>,
    emoji "emoji": String,
    priority "priority": String,
    reply_to "reply_to": String,
    thread "thread": String,
    role "role": String,
    title "title": String,
    words "words": String,
    error "error": String,
    dropped "drop": bool,
    count "count": u64,
    size "size": u64,
    is "is": String,
    latency_ms "latency_ms": u64,
    bytes_per_s "bytes_per_s": u64,
    days "days": i64,
    answers "answers": String,
    verb "verb": String,
    args "args": Value,
    gives "gives": Value,
    unsent "unsent": u64,
    discard "discard": bool,
    complete "complete": bool,
    new_messages "new_messages": u64,
    reads "reads": String,
    does_not_read "does_not_read": String,
    members "members": Vec<Word>,
    left "left": bool,
    purged "purged": bool,
    frozen "frozen": String,
    unread "unread": u64,
    connection "connection": String,
    session "session": String,
    waiting "waiting": u64,
    failed "failed": u64,
    conversations "conversations": u64,
    edited "edited": bool,
    deleted "deleted": bool,
    absent "absent": bool,
    acknowledged_by "acknowledged_by": Vec<Word>,
    read_by "read_by": Vec<Word>,
    reacted_by "reacted_by": Vec<Word>,
    intent "intent": String,
    code "code": String,
    draft "draft": String,
    within_s "within_s": u64,
}

impl<'de> Deserialize<'de> for Args {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Args;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`{ key: value, … }`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Args, A::Error> {
                let mut args = Args::default();
                while let Some(key) = map.next_key::<Word>()? {
                    args.take(key, &mut map)?;
                }
                Ok(args)
            }
        }

        deserializer.deserialize_map(Keys)
    }
}
