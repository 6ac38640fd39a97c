//! Crates in several versions: each is code, time and, for cryptography, a second thing to trust,
//! so each is listed with its reason; and a listing goes when its reason is gone.

use std::collections::{BTreeMap, BTreeSet};

use super::file::Duplicates;
use super::finding::Finding;
use super::graph::Graph;

pub(super) fn check(graph: &Graph, listings: &[Duplicates]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut listed: BTreeMap<&str, &BTreeSet<String>> = BTreeMap::new();
    for (name, series) in listings.iter().flat_map(|listing| &listing.crates) {
        if listed.insert(name, series).is_some() {
            findings.push(Finding::ListedTwice { name: name.clone() });
        }
    }
    let found: BTreeMap<&str, BTreeSet<String>> = graph
        .by_name()
        .into_iter()
        .map(|(name, packages)| (name, packages.iter().map(|package| package.series()).collect()))
        .collect();
    for (name, series) in &found {
        if series.len() > 1 && !listed.contains_key(name) {
            findings.push(Finding::Duplicate {
                name: (*name).to_owned(),
                versions: join(series),
            });
        }
    }
    for (name, series) in listed {
        let there = found.get(name).cloned().unwrap_or_default();
        if there != *series || series.len() < 2 {
            findings.push(Finding::UnusedDuplicate {
                name: name.to_owned(),
                listed: join(series),
                found: if there.is_empty() {
                    "none".to_owned()
                } else {
                    join(&there)
                },
            });
        }
    }
    findings
}

fn join(series: &BTreeSet<String>) -> String {
    series.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::policy::graph::package;

    fn graph(labels: &[&str]) -> Graph {
        Graph {
            packages: labels.iter().map(|label| package(label, &["curo"])).collect(),
        }
    }

    fn listing(crates: &[(&str, &[&str])]) -> Duplicates {
        let set = |series: &[&str]| series.iter().map(|&series| series.to_owned()).collect();
        let crates = crates
            .iter()
            .map(|(name, series)| ((*name).to_owned(), set(series)))
            .collect();
        Duplicates {
            reason: "r".to_owned(),
            crates,
        }
    }

    #[test]
    fn an_unlisted_duplicate_is_found() {
        let findings = check(&graph(&["a 0.1.9", "a 0.2.0", "b 1.0.0"]), &[]);
        assert_eq!(
            findings,
            [Finding::Duplicate {
                name: "a".to_owned(),
                versions: "0.1, 0.2".to_owned()
            }]
        );
    }

    #[test]
    fn a_listed_duplicate_is_accepted_in_its_series_only() {
        let listing = [listing(&[("a", &["0.1", "0.2"])])];
        assert_eq!(check(&graph(&["a 0.1.9", "a 0.2.0"]), &listing), []);
        assert_eq!(check(&graph(&["a 0.1.0", "a 0.2.7"]), &listing), []);
        let third = check(&graph(&["a 0.1.9", "a 0.2.0", "a 0.3.0"]), &listing);
        assert!(matches!(&third[..], [Finding::UnusedDuplicate { found, .. }] if found == "0.1, 0.2, 0.3"));
    }

    #[test]
    fn a_listing_without_its_duplicate_is_found() {
        let listing = [listing(&[("a", &["0.1", "0.2"]), ("gone", &["1", "2"])])];
        let findings = check(&graph(&["a 0.2.0"]), &listing);
        assert!(matches!(&findings[..], [
            Finding::UnusedDuplicate { found: first, .. },
            Finding::UnusedDuplicate { found: second, .. },
        ] if first == "0.2" && second == "none"));
    }

    #[test]
    fn one_version_is_no_duplicate_and_two_listings_are_one_too_many() {
        let single = check(&graph(&["a 0.2.0"]), &[listing(&[("a", &["0.2"])])]);
        assert!(matches!(&single[..], [Finding::UnusedDuplicate { .. }]));
        let twice = check(
            &graph(&["a 0.1.0", "a 0.2.0"]),
            &[listing(&[("a", &["0.1", "0.2"])]), listing(&[("a", &["0.1", "0.2"])])],
        );
        assert_eq!(twice, [Finding::ListedTwice { name: "a".to_owned() }]);
    }
}
