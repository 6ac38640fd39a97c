//! The differences that are meant, with their reasons (`bindings/names.toml`), and what else differs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::failure::Failure;

use super::rust::UNREAD;
use super::table::is_handle;
use super::{FREE, Names, camel};

pub(super) const PLATFORMS: [&str; 3] = ["Rust", "Kotlin", "Swift"];

/// What stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meant {
    /// By the noun of the row; usually Rust's.
    types: BTreeMap<String, Difference>,
    /// By type and member, `Client.isLocked`; `*.id` holds for every type that has it.
    members: BTreeMap<String, Difference>,
}

/// What something is called. A platform that is not named calls it as the row; empty: it has no such thing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    rust: Option<String>,
    kotlin: Option<String>,
    swift: Option<String>,
    why: String,
}

impl Difference {
    fn names(&self, row: &str) -> [String; 3] {
        [&self.rust, &self.kotlin, &self.swift].map(|name| name.as_deref().unwrap_or(row).to_owned())
    }
}

/// One noun with its verbs and parts.
pub(super) struct Row {
    /// As each platform calls it; empty where it has none.
    pub(super) names: [String; 3],
    /// What all that have the noun call the same.
    pub(super) members: BTreeSet<String>,
    /// What they do not.
    pub(super) differing: Vec<([String; 3], String)>,
    /// Why the noun is not called the same.
    pub(super) why: String,
}

#[derive(Default)]
pub(super) struct Compared {
    pub(super) rows: BTreeMap<String, Row>,
    /// What every type of a platform has for its platform: names and why.
    pub(super) everywhere: Vec<([String; 3], String)>,
    pub(super) wrong: Vec<String>,
}

pub(super) fn read(text: &str) -> Result<Meant, Failure> {
    toml::from_str(text).map_err(|error| Failure::malformed(super::DIFFERENCES, error))
}

/// What Rust offers to Rust alone, with its reason in the other table: names as here.
pub(super) fn not_exported(text: &str) -> Result<BTreeSet<(String, String)>, Failure> {
    #[derive(Deserialize)]
    struct Map {
        without: BTreeMap<String, String>,
    }
    let map: Map = toml::from_str(text).map_err(|error| Failure::malformed("bindings/api-map.toml", error))?;
    let names = map.without.keys();
    Ok(names
        .map(|name| match name.split_once("::") {
            Some((owner, member)) => (owner.to_owned(), camel(member)),
            // A function, or a type as a whole.
            None => (String::new(), camel(name)),
        })
        .collect())
}

/// Puts the same things side by side. All that differs and is not meant, and all that is meant and does not differ, is wrong.
pub(super) fn compare(offered: &[Names; 3], meant: &Meant, not_exported: &BTreeSet<(String, String)>) -> Compared {
    let mut compared = Compared::default();
    let mut left = offered.clone();
    let mut used = BTreeSet::new();
    for (row, difference) in &meant.types {
        let names = difference.names(row);
        add(
            &mut compared,
            row,
            names,
            &difference.why,
            &mut left,
            meant,
            not_exported,
            &mut used,
        );
    }
    let [_, kotlin, swift] = &left;
    let nouns: BTreeSet<_> = kotlin.keys().chain(swift.keys()).cloned().collect();
    for noun in nouns {
        let names = [0, 1, 2].map(|_| noun.clone());
        add(
            &mut compared,
            &noun,
            names,
            "",
            &mut left,
            meant,
            not_exported,
            &mut used,
        );
    }
    for (key, difference) in &meant.members {
        if let Some(member) = key.strip_prefix("*.") {
            compared
                .everywhere
                .push((difference.names(member), difference.why.clone()));
        }
    }
    for unused in meant.members.keys().filter(|key| !used.contains(*key)) {
        compared.wrong.push(format!(
            "{unused}: stands in the table of differences, but there is none"
        ));
    }
    let reasons = meant.types.iter().chain(&meant.members);
    for (name, _) in reasons.filter(|(_, difference)| difference.why.len() < 10) {
        compared.wrong.push(format!("{name}: differs without a reason"));
    }
    compared
}

#[expect(clippy::too_many_arguments, reason = "one step of `compare`, with its state")]
fn add(
    compared: &mut Compared,
    row: &str,
    names: [String; 3],
    why: &str,
    left: &mut [Names; 3],
    meant: &Meant,
    not_exported: &BTreeSet<(String, String)>,
    used: &mut BTreeSet<String>,
) {
    let mut parts: [Option<BTreeSet<String>>; 3] = [None, None, None];
    for ((part, name), (offered, platform)) in parts.iter_mut().zip(&names).zip(left.iter_mut().zip(PLATFORMS)) {
        let is_there = !name.is_empty() || row == FREE;
        *part = if is_there { offered.remove(name) } else { None };
        if part.as_ref().is_some_and(|part| part.contains(UNREAD)) {
            *part = None;
        } else if part.is_none() && is_there {
            compared.wrong.push(format!("{name}: {platform} has no such type"));
        }
    }
    let mut differing = Vec::new();
    for (key, difference) in &meant.members {
        let Some(member) = key.strip_prefix(row).and_then(|rest| rest.strip_prefix('.')) else {
            continue;
        };
        used.insert(key.clone());
        let names = difference.names(member);
        for ((part, name), platform) in parts.iter_mut().zip(&names).zip(PLATFORMS) {
            if !name.is_empty() && !part.as_mut().is_some_and(|part| part.remove(name)) {
                compared.wrong.push(format!("{key}: {platform} has no {name}"));
            }
        }
        differing.push((names, difference.why.clone()));
    }
    let here: Vec<_> = parts.iter().flatten().collect();
    let all: BTreeSet<_> = here.iter().flat_map(|part| part.iter().cloned()).collect();
    let mut members = BTreeSet::new();
    // A noun that one platform alone has is its own matter.
    let alone = here.len() == 1;
    for member in all {
        if alone || parts.iter().flatten().all(|part| part.contains(&member)) {
            members.insert(member);
            continue;
        }
        let everywhere = meant.members.iter().find(|(key, difference)| {
            let of_all = key.strip_prefix("*.");
            of_all.is_some_and(|of_all| difference.names(of_all).contains(&member))
        });
        if let Some((key, _)) = everywhere {
            used.insert(key.clone());
            continue;
        }
        let has = |part: &Option<BTreeSet<String>>| part.as_ref().is_some_and(|part| part.contains(&member));
        let with = parts.iter().zip(PLATFORMS).filter(|(part, _)| has(part));
        let with: Vec<_> = with.map(|(_, platform)| platform).collect();
        // Whether what Rust has crosses is another check's question; here the verbs of apps are told one by one.
        let rust_alone = with == ["Rust"];
        let known = !is_handle(row) || not_exported.contains(&(row.to_owned(), member.clone()));
        if !(rust_alone && known) {
            compared
                .wrong
                .push(format!("{row}.{member}: in {} only", with.join(" and ")));
        }
    }
    let row_made = Row {
        names,
        members,
        differing,
        why: why.to_owned(),
    };
    compared.rows.insert(row.to_owned(), row_made);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn names(types: &[(&str, &[&str])]) -> Names {
        let of = |members: &[&str]| members.iter().map(|member| (*member).to_owned()).collect();
        types
            .iter()
            .map(|(name, members)| ((*name).to_owned(), of(members)))
            .collect()
    }

    fn wrong(offered: &[Names; 3], meant: &str) -> Vec<String> {
        compare(offered, &read(meant).unwrap(), &BTreeSet::new()).wrong
    }

    #[test]
    fn what_is_called_the_same_is_right() {
        let page = names(&[("Page", &["items", "older"])]);
        let same = [page.clone(), page.clone(), page];
        assert!(wrong(&same, "[types]\n[members]\n").is_empty());
        let meant = "[types]\n[members]\n\"Page.gone\" = { swift = \"\", why = \"an old difference\" }\n";
        assert_eq!(wrong(&same, meant).len(), 2);
    }

    #[test]
    fn a_difference_needs_a_reason() {
        let offered = [
            names(&[("Error", &["code"])]),
            names(&[("CuroException", &["code"])]),
            names(&[("CuroError", &["code", "summary"])]),
        ];
        assert!(!wrong(&offered, "[types]\n[members]\n").is_empty());
        let types = "[types]\nError = { kotlin = \"CuroException\", swift = \"CuroError\", why = \"the platform's word\" }\n[members]\n";
        assert_eq!(wrong(&offered, types), ["Error.summary: in Swift only"]);
        let all = format!("{types}\"Error.summary\" = {{ rust = \"\", kotlin = \"\", why = \"Swift wants one\" }}\n");
        assert!(wrong(&offered, &all).is_empty());
        let empty = format!("{types}\"*.summary\" = {{ rust = \"\", kotlin = \"\", why = \"\" }}\n");
        assert_eq!(wrong(&offered, &empty), ["*.summary: differs without a reason"]);
    }
}
