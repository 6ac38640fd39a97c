//! What a call takes when it is told nothing: the same on Kotlin and Swift, and what the core takes where they tell it nothing.

use std::collections::BTreeMap;

use crate::failure::Failure;
use crate::workspace::Workspace;

use super::camel;

/// The interfaces whose calls have defaults.
const HANDLES: [&str; 2] = ["Client", "Conversation"];
/// Numbers of the core: what it is for people, the file, and the text before the number or the term.
const CORE: [(&str, &str, &str); 8] = [
    (
        "most items of a page and of a window",
        "core/client/src/pages.rs",
        "pub const PAGE_LIMIT: usize = ",
    ),
    (
        "items that a timeline reads at a time",
        "core/client/src/observe/timeline.rs",
        "            page: ",
    ),
    (
        "connectTimeout",
        "core/client/src/options.rs",
        "            connect_timeout: Duration::",
    ),
    (
        "requestTimeout",
        "core/client/src/options.rs",
        "            request_timeout: Duration::",
    ),
    (
        "retryMin",
        "core/client/src/options.rs",
        "            retry_min: Duration::",
    ),
    (
        "retryMax",
        "core/client/src/options.rs",
        "            retry_max: Duration::",
    ),
    (
        "connectTimeout of a notification extension",
        "core/client/src/options.rs",
        "             connect_timeout: Duration::",
    ),
    (
        "requestTimeout of a notification extension",
        "core/client/src/options.rs",
        "             request_timeout: Duration::",
    ),
];

/// What is taken, for people: of what, and the value.
pub(super) type Defaults = Vec<(String, String)>;

pub(super) fn compare(
    workspace: &Workspace,
    kotlin_api: &str,
    swift_api: &str,
) -> Result<(Defaults, Vec<String>), Failure> {
    let mut wrong = Vec::new();
    let mut defaults = core(workspace, &mut wrong)?;
    let page = defaults.get(1).map_or(String::new(), |(_, value)| value.clone());
    let swift = of_api(swift_api);
    let mut compared = 0;
    for handle in HANDLES {
        let source = workspace.read(&format!("android/curo/src/main/kotlin/health/curo/{handle}.kt"))?;
        let kotlin = of_source(&source);
        let announced = of_api(kotlin_api);
        for (owner, call) in announced
            .keys()
            .chain(swift.keys())
            .filter(|(owner, _)| owner == handle)
        {
            let values = |found: Option<&Vec<(String, String)>>| -> Vec<String> {
                found.into_iter().flatten().map(|(_, value)| value.clone()).collect()
            };
            let (ours, theirs) = (kotlin.get(call), swift.get(&(owner.clone(), call.clone())));
            if values(ours) != values(theirs) {
                wrong.push(format!(
                    "{owner}.{call}: Kotlin takes {:?}, Swift {:?}",
                    values(ours),
                    values(theirs)
                ));
            }
            for (name, value) in ours.into_iter().flatten() {
                compared += 1;
                if name == "pageSize" && *value != page {
                    wrong.push(format!("{owner}.{call}: pageSize is {value}, and {page} in Rust"));
                }
                let line = (format!("`{owner}.{call}`, {name}"), value.clone());
                if !defaults.contains(&line) {
                    defaults.push(line);
                }
            }
        }
    }
    if compared == 0 {
        wrong.push("no call with a default was found".to_owned());
    }
    Ok((defaults, wrong))
}

fn core(workspace: &Workspace, wrong: &mut Vec<String>) -> Result<Defaults, Failure> {
    let mut defaults = Vec::new();
    for (what, file, before) in CORE {
        let text = workspace.read(file)?;
        // One space more asks for the second place.
        let second = before.starts_with("             ");
        let before = if second {
            before.strip_prefix(' ').unwrap_or(before)
        } else {
            before
        };
        let mut found = text.lines().filter_map(|line| line.strip_prefix(before));
        let found = if second { found.nth(1) } else { found.next() };
        match found {
            Some(rest) => defaults.push((what.to_owned(), time(rest.trim_end_matches([',', ';'])))),
            None => wrong.push(format!("{file}: `{}` was not found", before.trim())),
        }
    }
    Ok(defaults)
}

/// `from_secs(10)` as `10 s`.
fn time(term: &str) -> String {
    for (call, unit) in [("from_secs(", "s"), ("from_millis(", "ms")] {
        if let Some(number) = term.strip_prefix(call).and_then(|rest| rest.strip_suffix(')')) {
            return format!("{number} {unit}");
        }
    }
    term.to_owned()
}

/// Defaults by type and call in an API file.
fn of_api(api: &str) -> BTreeMap<(String, String), Vec<(String, String)>> {
    let mut found = BTreeMap::new();
    let mut owner = "";
    for line in api.lines() {
        match line.strip_prefix("    ") {
            None => {
                let words = ["final class ", "interface ", "class ", "struct "];
                owner = words
                    .iter()
                    .find_map(|kind| line.strip_prefix(kind))
                    .map_or("", super::word);
            }
            Some(member) => {
                if let Some((call, defaults)) = of_call(member) {
                    found.insert((owner.to_owned(), call), defaults);
                }
            }
        }
    }
    found
}

/// Defaults by call in a Kotlin interface.
fn of_source(source: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut found = BTreeMap::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let mut declared = line.trim().to_owned();
        if !declared.contains("fun ") || declared.starts_with('*') {
            continue;
        }
        while declared.matches('(').count() > declared.matches(')').count() {
            let Some(more) = lines.next() else { break };
            declared.push_str(more.trim());
        }
        if let Some((call, defaults)) = of_call(&declared) {
            found.insert(call, defaults);
        }
    }
    found
}

/// A call's name and its defaults, if it has any: `fun latest(limit: Int = 50): Page`.
fn of_call(declared: &str) -> Option<(String, Vec<(String, String)>)> {
    let (_, rest) = declared.split_once("fun ").or_else(|| declared.split_once("func "))?;
    let (name, rest) = rest.split_once('(')?;
    let mut defaults = Vec::new();
    for parameter in rest.split(',') {
        if let Some((left, value)) = parameter.split_once(" = ") {
            let label = left.split(':').next().unwrap_or_default();
            let label = label.split_whitespace().last().unwrap_or_default();
            let value = value
                .split(|it: char| it == ')' && !value.contains("()"))
                .next()
                .unwrap_or_default();
            defaults.push((label.to_owned(), plain(value)));
        }
    }
    (!defaults.is_empty()).then(|| (name.to_owned(), defaults))
}

/// A value as no language writes it: `OnUnsent.KEEP` and `.keep` are `keep`.
fn plain(value: &str) -> String {
    let value = value.trim();
    let value = value.split_once("))").map_or(value, |(call, _)| call);
    match value.trim_end_matches(')').trim_end_matches('(') {
        // A message without an id gets a new one.
        "null" | "nil" | "MessageId.random" => "none".to_owned(),
        "emptyList" | "[]" => "empty".to_owned(),
        name => camel(name.rsplit('.').next().unwrap_or(name)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_same_default_is_one_in_every_spelling() {
        let kotlin = of_source(
            "    public suspend fun signOut(\n        deadline: Duration,\n        unsent: OnUnsent = OnUnsent.KEEP,\n    ): X\n\
             \x20   /** fun fact (never = 1) */\n    suspend fun send(text: String, id: MessageId = MessageId.random()): MessageId\n\
             \x20   fun search(q: String, after: C? = null, limit: Int = 50): P\n    fun create(p: L, options: O = O()): C\n",
        );
        let swift = of_api(
            "final class Client: Sendable\n    func signOut(deadline: Duration, unsent: OnUnsent = .keep) async throws(E) -> X\n\
             \x20   func send(_ text: String, id: MessageID? = nil) async -> MessageID\n    func search(_ q: String, after p: C? = nil, limit: Int = 50) -> P\n\
             \x20   func create(with p: [U], options: O = O()) async throws(E) -> C\n",
        );
        for call in ["signOut", "send", "search", "create"] {
            let values =
                |found: &Vec<(String, String)>| found.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>();
            let theirs = swift.get(&("Client".to_owned(), call.to_owned())).unwrap();
            assert_eq!(values(kotlin.get(call).unwrap()), values(theirs), "{call}");
        }
        assert_eq!(
            kotlin.get("search").unwrap().last().unwrap(),
            &("limit".to_owned(), "50".to_owned())
        );
    }

    #[test]
    fn times_are_said_with_their_unit() {
        assert_eq!(time("from_secs(10)"), "10 s");
        assert_eq!(time("from_millis(250)"), "250 ms");
        assert_eq!(time("300"), "300");
    }
}
