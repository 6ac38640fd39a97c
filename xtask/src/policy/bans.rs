//! Crates that are not wanted, or only through a crate that needs them.

use std::collections::BTreeSet;

use super::file::Ban;
use super::finding::Finding;
use super::graph::{Graph, Use};

pub(super) fn check(graph: &Graph, bans: &[Ban]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    let names = graph.by_name();
    for ban in bans {
        let mut used = BTreeSet::new();
        for name in &ban.crates {
            if !seen.insert(name) {
                findings.push(Finding::BannedTwice { name: name.clone() });
            }
            for package in names.get(name.as_str()).into_iter().flatten() {
                for (dependant, purpose) in &package.dependants {
                    // A family that is banned together may depend on itself: who brings it in is reported.
                    let inside = ban.crates.contains(dependant);
                    let in_tests = ban.allowed_in_tests && *purpose == Use::Tests;
                    if ban.only_through.contains(dependant) {
                        used.insert(dependant.clone());
                    } else if !inside && !in_tests {
                        findings.push(Finding::Banned {
                            package: package.label(),
                            dependant: dependant.clone(),
                            reason: ban.reason.clone(),
                        });
                    }
                }
            }
        }
        for dependant in ban.only_through.difference(&used) {
            findings.push(Finding::UnusedThrough {
                names: ban.crates.iter().cloned().collect::<Vec<_>>().join(", "),
                dependant: dependant.clone(),
            });
        }
    }
    findings
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::policy::graph::package;

    fn ban(crates: &[&str], only_through: &[&str]) -> Ban {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Ban {
            crates: set(crates),
            only_through: set(only_through),
            allowed_in_tests: false,
            reason: "r".to_owned(),
        }
    }

    fn dependants(findings: &[Finding]) -> Vec<&str> {
        let of = |finding: &'_ Finding| matches!(finding, Finding::Banned { .. });
        assert!(findings.iter().all(of), "{findings:?}");
        findings
            .iter()
            .filter_map(|finding| match finding {
                Finding::Banned { dependant, .. } => Some(dependant.as_str()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_banned_crate_is_found_with_who_brings_it() {
        let graph = Graph {
            packages: vec![package("bad 1.0.0", &["curo"]), package("good 1.0.0", &["curo"])],
        };
        assert_eq!(dependants(&check(&graph, &[ban(&["bad"], &[])])), ["curo"]);
        assert_eq!(check(&graph, &[ban(&["absent"], &[])]), []);
    }

    #[test]
    fn it_may_come_through_the_named_crate_only() {
        let graph = Graph {
            packages: vec![package("bad 1.0.0", &["needs-it", "curo"])],
        };
        assert_eq!(dependants(&check(&graph, &[ban(&["bad"], &["needs-it"])])), ["curo"]);
        let graph = Graph {
            packages: vec![package("bad 1.0.0", &["needs-it"])],
        };
        assert_eq!(check(&graph, &[ban(&["bad"], &["needs-it"])]), []);
    }

    #[test]
    fn tests_may_use_it_where_the_policy_says_so_and_nothing_else_may() {
        let mut in_tests = package("bad 1.0.0", &["relay"]);
        in_tests.dependants.insert("relay".to_owned(), Use::Tests);
        let mut graph = Graph {
            packages: vec![in_tests],
        };
        let allowed = [Ban {
            allowed_in_tests: true,
            ..ban(&["bad"], &[])
        }];
        assert_eq!(check(&graph, &allowed), []);
        assert_eq!(dependants(&check(&graph, &[ban(&["bad"], &[])])), ["relay"]);

        graph.packages[0].dependants.insert("relay".to_owned(), Use::Build);
        assert_eq!(dependants(&check(&graph, &allowed)), ["relay"]);
    }

    #[test]
    fn a_family_is_reported_where_it_enters() {
        let graph = Graph {
            packages: vec![package("bad 1.0.0", &["curo"]), package("bad-sys 1.0.0", &["bad"])],
        };
        assert_eq!(dependants(&check(&graph, &[ban(&["bad", "bad-sys"], &[])])), ["curo"]);
    }

    #[test]
    fn an_unused_permission_and_a_repeated_ban_are_found() {
        let graph = Graph {
            packages: vec![package("bad 1.0.0", &["needs-it"])],
        };
        let findings = check(
            &graph,
            &[ban(&["bad"], &["needs-it", "gone"]), ban(&["bad"], &["needs-it"])],
        );
        assert!(matches!(&findings[..], [
            Finding::UnusedThrough { dependant, .. },
            Finding::BannedTwice { .. },
        ] if dependant == "gone"));
    }
}
