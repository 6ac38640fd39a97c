//! Where packages may come from: this workspace and the default registry, nothing else.

use super::finding::Finding;
use super::graph::{Graph, Origin};

pub(super) fn check(graph: &Graph) -> Vec<Finding> {
    let foreign = graph.packages.iter().filter_map(|package| match &package.origin {
        Origin::Workspace { .. } | Origin::Registry => None,
        Origin::Other(from) => Some(Finding::Source {
            package: package.label(),
            source_of: from.clone(),
        }),
    });
    foreign.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::policy::graph::package;

    #[test]
    fn only_the_registry_and_the_workspace_are_sources() {
        let mut member = package("member 0.1.0", &[]);
        member.origin = Origin::Workspace {
            manifest: "Cargo.toml".into(),
        };
        let mut graph = Graph {
            packages: vec![member, package("a 1.0.0", &[])],
        };
        assert_eq!(check(&graph), []);

        graph.packages[1].origin = Origin::Other("git+https://example.org/a".to_owned());
        assert!(matches!(&check(&graph)[..], [Finding::Source { package, .. }] if package == "a 1.0.0"));
    }
}
