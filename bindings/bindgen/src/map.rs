//! The table of names that differ and of things without a counterpart, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::Failure;

/// `bindings/api-map.toml`. What stands in neither part has the same name on both sides.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Map {
    /// Name in the Rust client = name in the bindings. That of a type holds for all that is in it.
    pub(crate) named: BTreeMap<String, String>,
    /// Name in the Rust client = why it has no counterpart. That of a type holds for all that is in it.
    pub(crate) without: BTreeMap<String, String>,
}

pub(crate) fn read(text: &str) -> Result<Map, Failure> {
    Ok(toml::from_str(text)?)
}

impl Map {
    /// One line for each thing that is wrong.
    pub(crate) fn wrong(&self, offered: &BTreeSet<String>, exported: &BTreeSet<String>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, reason) in &self.without {
            if reason.trim().len() < 10 {
                wrong.push(format!("{name}: without a counterpart, and without a reason"));
            }
            if self.named.contains_key(name) {
                wrong.push(format!("{name}: stands in both parts of the table"));
            }
        }
        for name in self.named.keys().chain(self.without.keys()) {
            if !offered.contains(name) {
                wrong.push(format!(
                    "{name}: stands in the table, but the Rust client has no such thing"
                ));
            }
        }
        for name in offered.iter().filter(|name| !self.is_without(name)) {
            let counterpart = self.counterpart(name);
            if !exported.contains(&counterpart) {
                wrong.push(format!(
                    "{name}: the bindings export no {counterpart}, and the table gives no reason"
                ));
            }
        }
        wrong
    }

    fn is_without(&self, name: &str) -> bool {
        let of_type = name
            .split_once("::")
            .is_some_and(|(owner, _)| self.without.contains_key(owner));
        of_type && !self.named.contains_key(name) || self.without.contains_key(name)
    }

    fn counterpart(&self, name: &str) -> String {
        if let Some(named) = self.named.get(name) {
            return named.clone();
        }
        match name.split_once("::") {
            Some((owner, part)) => match self.named.get(owner) {
                Some(named) => format!("{named}::{part}"),
                None => name.to_owned(),
            },
            None => name.to_owned(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn wrong(table: &str, offered: &[&str], exported: &[&str]) -> Vec<String> {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        read(table).unwrap().wrong(&set(offered), &set(exported))
    }

    const EMPTY: &str = "[named]\n[without]\n";

    #[test]
    fn what_has_the_same_name_needs_no_word() {
        let names = ["Client", "Client::open", "accounts"];
        assert!(wrong(EMPTY, &names, &names).is_empty());
        assert_eq!(wrong(EMPTY, &names, &["Client", "accounts"]).len(), 1);
    }

    #[test]
    fn another_name_holds_for_all_that_is_in_it() {
        let table = "[named]\nMessageRef = \"Ref\"\n\"MessageRef::old\" = \"new\"\n[without]\n";
        let offered = ["MessageRef", "MessageRef::sender", "MessageRef::old"];
        assert!(wrong(table, &offered, &["Ref", "Ref::sender", "new"]).is_empty());
        let missing = wrong(table, &offered, &["Ref", "Ref::sender"]);
        assert!(missing.first().unwrap().contains("MessageRef::old"), "{missing:?}");
    }

    #[test]
    fn a_counterpart_that_is_gone_a_reason_that_is_none_and_a_line_too_many_are_found() {
        let table = "[named]\nA = \"B\"\n[without]\nC = \"\"\nGone = \"there was one once\"\n";
        let found = wrong(table, &["A", "C"], &[]);
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn a_reason_holds_for_all_that_is_in_a_type() {
        let table = "[named]\n[without]\nFileVault = \"for tests and tools\"\n";
        assert!(wrong(table, &["FileVault", "FileVault::new"], &[]).is_empty());
        assert!(read("[named]\n[without]\n[other]\n").is_err());
    }
}
