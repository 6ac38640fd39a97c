//! Licences: an allow-list, exceptions per crate, and no entry that nobody needs.

use std::collections::BTreeSet;

use spdx::{Expression, LicenseReq, ParseMode};

use super::file::{LicenceException, Licences};
use super::finding::Finding;
use super::graph::{Graph, Origin, Package};

pub(super) fn check(graph: &Graph, policy: &Licences) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut used = Used::default();
    let named = policy
        .allow
        .iter()
        .chain(policy.exceptions.iter().flat_map(|exception| &exception.licences));
    for licence in named.filter(|licence| spdx::license_id(licence).is_none()) {
        findings.push(Finding::UnknownLicence {
            licence: licence.clone(),
        });
    }
    for package in graph
        .packages
        .iter()
        .filter(|package| !matches!(package.origin, Origin::Workspace { .. }))
    {
        findings.extend(judge(package, policy, &mut used));
    }
    for licence in policy.allow.difference(&used.allowed) {
        findings.push(Finding::UnusedLicence {
            licence: licence.clone(),
        });
    }
    for LicenceException { crates, licences, .. } in &policy.exceptions {
        for name in crates {
            for licence in licences {
                if !used.exceptions.contains(&(name.clone(), licence.clone())) {
                    findings.push(Finding::UnusedException {
                        name: name.clone(),
                        licence: licence.clone(),
                    });
                }
            }
        }
    }
    findings
}

#[derive(Default)]
struct Used {
    allowed: BTreeSet<String>,
    exceptions: BTreeSet<(String, String)>,
}

fn judge(package: &Package, policy: &Licences, used: &mut Used) -> Option<Finding> {
    let Some(licence) = &package.licence else {
        return Some(Finding::NoLicence {
            package: package.label(),
        });
    };
    // Lax: older crates write `MIT/Apache-2.0`.
    let expression = match Expression::parse_mode(licence, ParseMode::LAX) {
        Ok(expression) => expression,
        Err(error) => {
            return Some(Finding::UnreadableLicence {
                package: package.label(),
                licence: licence.clone(),
                reason: error.reason.to_string(),
            });
        }
    };
    // The allow-list alone first, so that an exception counts as used only if it is needed.
    if expression.evaluate(|term| id(term).is_some_and(|id| policy.allow.contains(id))) {
        for term in expression.requirements() {
            used.allowed
                .extend(id(&term.req).filter(|id| policy.allow.contains(*id)).map(str::to_owned));
        }
        return None;
    }
    let exempt: BTreeSet<&str> = policy
        .exceptions
        .iter()
        .filter(|exception| exception.crates.contains(&package.name))
        .flat_map(|exception| exception.licences.iter().map(String::as_str))
        .collect();
    let judged = expression.evaluate_with_failures(|term| {
        let Some(id) = id(term) else { return false };
        if policy.allow.contains(id) {
            used.allowed.insert(id.to_owned());
            return true;
        }
        if exempt.contains(id) {
            used.exceptions.insert((package.name.clone(), id.to_owned()));
            return true;
        }
        false
    });
    let refused = judged.err()?;
    let refused: BTreeSet<_> = refused.iter().map(|term| term.req.to_string()).collect();
    Some(Finding::Licence {
        package: package.label(),
        licence: licence.clone(),
        refused: refused.into_iter().collect::<Vec<_>>().join(", "),
    })
}

/// The identifier of a term that is a plain SPDX licence. `X WITH exception` is not: an addition
/// changes the licence, so none is taken for its base.
fn id(term: &LicenseReq) -> Option<&'static str> {
    term.license.id().filter(|_| term.addition.is_none()).map(|id| id.name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::policy::graph::package;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn graph(licences: &[(&str, &str)]) -> Graph {
        let with = |&(label, licence): &(&str, &str)| Package {
            licence: Some(licence.to_owned()),
            ..package(label, &["curo"])
        };
        Graph {
            packages: licences.iter().map(with).collect(),
        }
    }

    fn allow(names: &[&str]) -> Licences {
        Licences {
            allow: set(names),
            exceptions: Vec::new(),
        }
    }

    fn mpl_for(name: &str) -> Vec<LicenceException> {
        vec![LicenceException {
            crates: set(&[name]),
            licences: set(&["MPL-2.0"]),
            reason: "r".to_owned(),
        }]
    }

    #[test]
    fn one_allowed_choice_is_enough_but_all_duties_count() {
        let graph = graph(&[
            ("choice 1.0.0", "GPL-3.0-only OR MIT"),
            ("slash 1.0.0", "MIT/Apache-2.0"),
            ("duties 1.0.0", "MIT AND GPL-3.0-only"),
            ("addition 1.0.0", "MIT WITH LLVM-exception"),
        ]);
        let findings = check(&graph, &allow(&["MIT"]));
        let refused: Vec<_> = findings
            .iter()
            .map(|finding| match finding {
                Finding::Licence { package, refused, .. } => (package.as_str(), refused.as_str()),
                other => panic!("{other}"),
            })
            .collect();
        assert_eq!(
            refused,
            [
                ("duties 1.0.0", "GPL-3.0-only"),
                ("addition 1.0.0", "MIT WITH LLVM-exception")
            ]
        );
    }

    #[test]
    fn an_exception_holds_for_its_crate_only() {
        let graph = graph(&[("a 1.0.0", "MPL-2.0"), ("b 1.0.0", "MPL-2.0"), ("c 1.0.0", "MIT")]);
        let policy = Licences {
            exceptions: mpl_for("a"),
            ..allow(&["MIT"])
        };
        assert!(matches!(&check(&graph, &policy)[..], [Finding::Licence { package, .. }] if package == "b 1.0.0"));
    }

    #[test]
    fn what_nobody_needs_is_found() {
        let graph = graph(&[("a 1.0.0", "MIT OR MPL-2.0")]);
        let policy = Licences {
            exceptions: mpl_for("a"),
            ..allow(&["MIT", "Zlib"])
        };
        assert_eq!(
            check(&graph, &policy),
            [
                Finding::UnusedLicence {
                    licence: "Zlib".to_owned()
                },
                Finding::UnusedException {
                    name: "a".to_owned(),
                    licence: "MPL-2.0".to_owned()
                },
            ]
        );
    }

    #[test]
    fn a_missing_or_unreadable_licence_is_found() {
        let mut graph = graph(&[("a 1.0.0", "MIT"), ("b 1.0.0", "My own licence")]);
        graph.packages.push(Package {
            licence: None,
            ..package("c 1.0.0", &[])
        });
        let findings = check(&graph, &allow(&["MIT"]));
        assert!(
            matches!(&findings[..], [Finding::UnreadableLicence { .. }, Finding::NoLicence { package }] if package == "c 1.0.0")
        );
    }

    #[test]
    fn a_slip_in_the_policy_is_found() {
        let findings = check(&graph(&[("a 1.0.0", "MIT")]), &allow(&["MIT", "Apache2"]));
        assert!(findings.contains(&Finding::UnknownLicence {
            licence: "Apache2".to_owned()
        }));
    }
}
