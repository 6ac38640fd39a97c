//! The table in docs/api.md: verbs one by one, values in a line each, differences with their reasons, defaults, codes.

use super::FREE;
use super::codes::Code;
use super::defaults::Defaults;
use super::differences::{Compared, Row};

/// What has verbs; the rest are values.
const HANDLES: [(&str, &str); 5] = [
    ("Client", "A client"),
    ("Conversation", "A conversation"),
    ("Timeline", "A timeline"),
    ("ConversationList", "A list of conversations"),
    (FREE, "The library"),
];

/// Whether its verbs are told one by one.
pub(super) fn is_handle(name: &str) -> bool {
    HANDLES.iter().any(|(handle, _)| *handle == name)
}

pub(super) fn text(compared: &Compared, defaults: &Defaults, codes: &[Code]) -> String {
    let mut text = String::new();
    for (name, title) in HANDLES {
        if let Some(row) = compared.rows.get(name) {
            text.push_str(&handle(row, title));
        }
    }
    text.push_str("### Values\n\n| Rust | Kotlin | Swift | Parts and cases, the same on all |\n|---|---|---|---|\n");
    let values = compared.rows.iter().filter(|(name, _)| !is_handle(name));
    for (_, row) in values {
        let members: Vec<_> = row.members.iter().map(String::as_str).collect();
        let listed = match row.names.first().is_some_and(|name| name == "ErrorCode") {
            true => "the codes, below".to_owned(),
            false => members.join(", "),
        };
        text.push_str(&format!("| {} | {listed} |\n", cells(&row.names, spelt)));
    }
    text.push_str("\n### Differences, and why\n\n| Rust | Kotlin | Swift | |\n|---|---|---|---|\n");
    for (names, why) in &compared.everywhere {
        let all = ["", "", ""].map(str::to_owned);
        text.push_str(&format!(
            "| {} | {why} |\n",
            cells(&owned(&all, names), |_, name| code(name))
        ));
    }
    for row in compared.rows.values() {
        if !row.why.is_empty() {
            text.push_str(&format!("| {} | {} |\n", cells(&row.names, spelt), row.why));
        }
        for (names, why) in &row.differing {
            let owned = owned(&row.names, names);
            text.push_str(&format!("| {} | {why} |\n", cells(&owned, |_, name| code(name))));
        }
    }
    text.push_str("\n### Defaults\n\n| | |\n|---|---|\n");
    for (what, value) in defaults {
        text.push_str(&format!("| {what} | {value} |\n"));
    }
    text.push_str("\n### Error codes\n\n| Code | Try again | Means |\n|---|---|---|\n");
    for one in codes {
        let again = if one.retryable { "yes" } else { "" };
        text.push_str(&format!("| `{}` | {again} | {} |\n", one.text, one.meaning));
    }
    text
}

/// A line for each verb.
fn handle(row: &Row, title: &str) -> String {
    let mut text = format!("### {title}\n\n| Rust | Kotlin | Swift |\n|---|---|---|\n");
    let mut lines: Vec<_> = row
        .members
        .iter()
        .map(|member| [snake(member), member.clone(), swift(member)])
        .collect();
    let differing = row.differing.iter().map(|(names, _)| {
        let [rust, kotlin, other] = names;
        [snake(rust), kotlin.clone(), swift(other)]
    });
    lines.extend(differing);
    lines.sort_by_key(|[rust, kotlin, other]| {
        [rust, kotlin, other]
            .map(|name| name.replace('_', "").to_lowercase())
            .concat()
    });
    for line in lines {
        text.push_str(&format!("| {} |\n", line.map(|name| code(&name)).join(" | ")));
    }
    text.push('\n');
    text
}

fn cells(names: &[String; 3], spelt: impl Fn(usize, &str) -> String) -> String {
    let cells: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(platform, name)| spelt(platform, name))
        .collect();
    cells.join(" | ")
}

fn spelt(platform: usize, name: &str) -> String {
    match platform {
        2 => code(&swift(name)),
        _ => code(name),
    }
}

/// Members with their type, as each platform writes them.
fn owned(owners: &[String; 3], members: &[String; 3]) -> [String; 3] {
    let [rust, kotlin, other] = [0, 1, 2].map(|platform| {
        let (owner, member) = (owners.get(platform), members.get(platform));
        (owner.map_or("", String::as_str), member.map_or("", String::as_str))
    });
    let dotted = |(owner, member): (&str, &str)| match (owner, member) {
        (_, "") => String::new(),
        ("", member) => member.to_owned(),
        (owner, member) => format!("{owner}.{member}"),
    };
    let rust = match rust {
        (_, "") => String::new(),
        ("", member) => snake(member),
        (owner, member) => format!("{owner}::{}", snake(member)),
    };
    [rust, dotted(kotlin), swift(&dotted(other))]
}

/// As Swift writes abbreviations.
fn swift(name: &str) -> String {
    let name = name.replace("Spki", "SPKI").replace("Sha256", "SHA256");
    match name.strip_suffix("Id") {
        Some(before) if !before.is_empty() => format!("{before}ID"),
        _ => name,
    }
}

fn snake(name: &str) -> String {
    let mut made = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !made.is_empty() {
            made.push('_');
        }
        made.extend(letter.to_lowercase());
    }
    made
}

/// A name as code; what is not there as a dash.
fn code(name: &str) -> String {
    match name {
        "" => "–".to_owned(),
        name => format!("`{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_each_platform_writes_them() {
        assert_eq!(snake("markRead"), "mark_read");
        assert_eq!(swift("UserId"), "UserID");
        assert_eq!(swift("id"), "id");
        assert_eq!(code(""), "–");
        let row = Row {
            names: ["A", "A", "A"].map(str::to_owned),
            members: ["markRead".to_owned()].into(),
            differing: vec![(["intent", "", "intentId"].map(str::to_owned), "because".to_owned())],
            why: String::new(),
        };
        assert_eq!(
            handle(&row, "A"),
            "### A\n\n| Rust | Kotlin | Swift |\n|---|---|---|\n| `intent` | – | `intentID` |\n| `mark_read` | `markRead` | `markRead` |\n\n"
        );
    }
}
