//! `cargo xtask policy`: what the workspace may depend on, and what its manifests must say.
//!
//! Checked are the packages that cargo would compile for the platforms in `policy/dependencies.toml`
//! with every feature that the workspace turns on: normal, build and development dependencies alike.
//! Security advisories are not: their database is not part of the repository.

mod bans;
mod duplicates;
mod file;
mod finding;
mod graph;
mod licences;
mod manifests;
mod sources;

use crate::failure::Failure;
use crate::workspace::Workspace;
use file::Policy;
use finding::Finding;
use graph::Graph;

const FILE: &str = "policy/dependencies.toml";

/// Prints every breach of the policy with what to do about it; fails if there is one.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let policy = Policy::parse(&workspace.read(FILE)?)?;
    let graph = Graph::load(workspace, &policy.targets)?;
    let mut findings = check(&graph, &policy);
    findings.extend(manifests::check(workspace, &graph)?);
    for finding in &findings {
        println!("policy: {finding}");
    }
    if !findings.is_empty() {
        return Err(Failure::Check(format!(
            "policy breaches: {}; the rules are in {FILE}",
            findings.len()
        )));
    }
    println!(
        "policy: {} packages on {} targets, all within {FILE}",
        graph.packages.len(),
        policy.targets.len()
    );
    Ok(())
}

/// The checks that need the graph alone.
fn check(graph: &Graph, policy: &Policy) -> Vec<Finding> {
    let mut findings = sources::check(graph);
    findings.extend(licences::check(graph, &policy.licences));
    findings.extend(bans::check(graph, &policy.banned));
    findings.extend(duplicates::check(graph, &policy.duplicates));
    findings
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_policy_of_the_repository_is_well_formed() {
        Policy::parse(&Workspace::find().unwrap().read(FILE).unwrap()).unwrap();
    }
}
