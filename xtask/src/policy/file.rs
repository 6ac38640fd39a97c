//! The form of `policy/dependencies.toml`. Knows no graph.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::failure::Failure;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    /// Target triples that are checked together.
    pub(super) targets: BTreeSet<String>,
    pub(super) licences: Licences,
    #[serde(default)]
    pub(super) banned: Vec<Ban>,
    #[serde(default)]
    pub(super) duplicates: Vec<Duplicates>,
}

/// Which licences a dependency may have.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Licences {
    /// SPDX identifiers that any crate may have.
    pub(super) allow: BTreeSet<String>,
    #[serde(default)]
    pub(super) exceptions: Vec<LicenceException>,
}

/// Further licences for a few crates.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LicenceException {
    pub(super) crates: BTreeSet<String>,
    pub(super) licences: BTreeSet<String>,
    pub(super) reason: String,
}

/// Crates that are not wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ban {
    pub(super) crates: BTreeSet<String>,
    /// Crates that may depend on them all the same.
    #[serde(default, rename = "only-through")]
    pub(super) only_through: BTreeSet<String>,
    /// Whether any crate's own tests may use them (as a development dependency).
    #[serde(default, rename = "allowed-in-tests")]
    pub(super) allowed_in_tests: bool,
    pub(super) reason: String,
}

/// Crates that are there in several incompatible versions, for one reason.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Duplicates {
    pub(super) reason: String,
    /// Name to its release series: `"1"`, `"0.9"`, `"0.0.5"`.
    pub(super) crates: BTreeMap<String, BTreeSet<String>>,
}

impl Policy {
    /// Reads the file; a missing reason, an empty list and an unknown key are errors.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let malformed = |reason: String| Failure::malformed(super::FILE, reason);
        let policy: Self = toml::from_str(text).map_err(|error| malformed(error.to_string()))?;
        if policy.targets.is_empty() {
            return Err(malformed("no targets: nothing would be checked".to_owned()));
        }
        for (crates, reason) in policy.entries() {
            if crates.is_empty() {
                return Err(malformed(format!("an entry names no crate (reason: {reason:?})")));
            }
            if reason.trim().is_empty() {
                return Err(malformed(format!("no reason is given for {}", crates.join(", "))));
            }
        }
        Ok(policy)
    }

    fn entries(&self) -> Vec<(Vec<&str>, &str)> {
        fn names<'a>(set: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
            set.map(String::as_str).collect()
        }
        let exceptions = self
            .licences
            .exceptions
            .iter()
            .map(|e| (names(e.crates.iter()), e.reason.as_str()));
        let bans = self.banned.iter().map(|b| (names(b.crates.iter()), b.reason.as_str()));
        let duplicates = self
            .duplicates
            .iter()
            .map(|d| (names(d.crates.keys()), d.reason.as_str()));
        exceptions.chain(bans).chain(duplicates).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    const HEAD: &str = "targets = [\"t\"]\n[licences]\nallow = [\"MIT\"]\n";

    #[test]
    fn every_entry_needs_crates_and_a_reason() {
        Policy::parse(HEAD).unwrap();
        Policy::parse(&format!("{HEAD}[[banned]]\ncrates = [\"a\"]\nreason = \"bad\"")).unwrap();
        for bad in [
            "[[banned]]\ncrates = [\"a\"]",
            "[[banned]]\ncrates = [\"a\"]\nreason = \" \"",
            "[[banned]]\ncrates = []\nreason = \"bad\"",
            "[[duplicates]]\nreason = \"\"\n[duplicates.crates]\na = [\"1\", \"2\"]",
            "[[licences.exceptions]]\ncrates = [\"a\"]\nlicences = [\"MPL-2.0\"]\nreason = \"\"",
            "[[bannned]]\ncrates = [\"a\"]\nreason = \"bad\"",
        ] {
            Policy::parse(&format!("{HEAD}{bad}")).expect_err(bad);
        }
    }

    #[test]
    fn a_policy_for_no_target_checks_nothing_and_is_refused() {
        Policy::parse("targets = []\n[licences]\nallow = [\"MIT\"]").unwrap_err();
    }
}
