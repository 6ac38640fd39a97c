//! Kotlin's names, out of `android/curo/api.txt`.

use super::{FREE, Names, camel, word};

/// By type; `Client.Companion` counts as `Client`, and a class inside of a sealed interface as one of its cases.
pub(super) fn names(api: &str) -> Names {
    let mut names = Names::new();
    let mut owner: Option<String> = None;
    for line in api.lines().filter(|line| !line.is_empty()) {
        if let Some(member) = line.strip_prefix("    ") {
            if let (Some(owner), Some(name)) = (&owner, member_name(member)) {
                names.entry(owner.clone()).or_default().insert(name);
            }
            continue;
        }
        let Some(name) = type_name(line) else {
            if let Some(name) = member_name(line) {
                names.entry(FREE.to_owned()).or_default().insert(name);
            }
            continue;
        };
        owner = match name.split_once('.') {
            None => {
                names.entry(name.to_owned()).or_default();
                Some(name.to_owned())
            }
            Some((outer, "Companion")) => Some(outer.to_owned()),
            // What a case carries stands behind its name in the API file.
            Some((outer, case)) => {
                names.entry(outer.to_owned()).or_default().insert(camel(case));
                None
            }
        };
    }
    names
}

fn type_name(line: &str) -> Option<&str> {
    const KINDS: [&str; 8] = [
        "class ",
        "value class ",
        "enum ",
        "interface ",
        "fun interface ",
        "sealed interface ",
        "object ",
        "data object ",
    ];
    KINDS.iter().find_map(|kind| line.strip_prefix(kind)).map(word)
}

fn member_name(line: &str) -> Option<String> {
    if let Some(entry) = line.strip_prefix("entry ") {
        return Some(camel(word(entry)));
    }
    let line = line.strip_prefix("suspend ").unwrap_or(line);
    let name = word(line.strip_prefix("val ").or_else(|| line.strip_prefix("fun "))?);
    // A constant, or a function that extends a type.
    let name = name.rsplit('.').next().unwrap_or(name);
    Some(if name.chars().all(|it| !it.is_lowercase()) {
        camel(name)
    } else {
        name.to_owned()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn members_cases_and_constants_belong_to_their_type() {
        let names = names(
            "interface Client\n    suspend fun signIn(): Account\n    val session: X\n\nobject Client.Companion\n    suspend fun open(): Client\n\n\
             sealed interface Edge\n\nclass Edge.Failed : Edge\n    val failure: Failure\n\ndata object Edge.End : Edge\n\n\
             enum Mode\n    entry USER_PRESENCE\n\nobject Key.Companion\n    val SIZE: Int\n\nsuspend fun configure(): Unit\n",
        );
        let of = |name: &str| names.get(name).unwrap().iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(of("Client"), ["open", "session", "signIn"]);
        assert_eq!(of("Edge"), ["end", "failed"]);
        assert_eq!(of("Mode"), ["userPresence"]);
        assert_eq!(of("Key"), ["size"]);
        assert_eq!(of(FREE), ["configure"]);
        assert_eq!(names.len(), 5);
    }
}
