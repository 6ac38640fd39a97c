//! Swift's names, out of `ios/api.txt`.

use super::{FREE, Names, word};

/// By type. An argument's label belongs to a name as long as it is needed to say it: `jump(to:)` is `jumpTo`.
pub(super) fn names(api: &str) -> Names {
    let mut names = Names::new();
    let mut owner = FREE.to_owned();
    for line in api.lines().filter(|line| !line.is_empty()) {
        if let Some(member) = line.strip_prefix("    ") {
            if let Some(name) = member_name(member) {
                names.entry(owner.clone()).or_default().insert(name);
            }
        } else if let Some(name) = type_name(line) {
            owner = spelt(name);
            names.entry(owner.clone()).or_default();
        } else if let Some(alias) = line.strip_prefix("typealias ") {
            names.entry(spelt(word(alias))).or_default();
        } else if let Some(name) = member_name(line) {
            names.entry(FREE.to_owned()).or_default().insert(name);
        }
    }
    names
}

fn type_name(line: &str) -> Option<&str> {
    const KINDS: [&str; 5] = ["struct ", "final class ", "enum ", "protocol ", "extension "];
    KINDS.iter().find_map(|kind| line.strip_prefix(kind)).map(word)
}

fn member_name(line: &str) -> Option<String> {
    const KINDS: [&str; 4] = ["case ", "let ", "var ", "func "];
    let line = line.strip_prefix("static ").unwrap_or(line);
    let line = line.strip_prefix("mutating ").unwrap_or(line);
    let rest = KINDS.iter().find_map(|kind| line.strip_prefix(kind))?;
    let name = word(rest.trim_start_matches('`'));
    match rest.starts_with("jump(to ") {
        true => Some("jumpTo".to_owned()),
        false if name.is_empty() => None,
        false => Some(spelt(name)),
    }
}

/// Swift writes abbreviations in capitals: `UserID`, `SPKIPin`, `fromSHA256`.
fn spelt(name: &str) -> String {
    let name = name.replace("SPKI", "Spki").replace("SHA256", "Sha256");
    match name.strip_suffix("ID") {
        Some(before) => format!("{before}Id"),
        None => name,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn members_belong_to_their_type_and_spelling_is_no_difference() {
        let names = names(
            "final class Client: Sendable\n    func signIn() async\n    static func open(_ a: B)\n    var id: UserID { get }\n\n\
             struct UserID\n    init(rawValue: String)\n    let rawValue: String\n\nenum P\n    case `extension`\n    case at(Key)\n\n\
             final class T\n    func jump(to key: Key)\n    static func == (one: T, other: T)\n\n\
             func configure()\ntypealias Sink = @Sendable (B) -> Void\n",
        );
        let of = |name: &str| names.get(name).unwrap().iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(of("Client"), ["id", "open", "signIn"]);
        assert_eq!(of("UserId"), ["rawValue"]);
        assert_eq!(of("P"), ["at", "extension"]);
        assert_eq!(of("T"), ["jumpTo"]);
        assert_eq!(of(FREE), ["configure"]);
        assert!(names.contains_key("Sink"));
    }
}
