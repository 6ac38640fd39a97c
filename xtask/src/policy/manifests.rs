//! What every manifest of the workspace must say: one version, one licence, one lint table, one table
//! of dependencies, no unsafe code, a pinned compiler.

use toml::{Table, Value};

use super::finding::Finding;
use super::graph::{Graph, Origin};
use crate::doctor;
use crate::failure::Failure;
use crate::workspace::{Workspace, read};

/// Keys of `[package]` that come from the workspace.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];
const DEPENDENCIES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn check(workspace: &Workspace, graph: &Graph) -> Result<Vec<Finding>, Failure> {
    let root = workspace.read("Cargo.toml")?;
    let mut findings = findings("Cargo.toml", root_problems(&parse("Cargo.toml", &root)?));
    let toolchain = workspace.read("rust-toolchain.toml")?;
    let problems = toolchain_problems(
        &parse("rust-toolchain.toml", &toolchain)?,
        &doctor::pinned_channel(&toolchain)?,
        &root,
    )?;
    findings.extend(self::findings("rust-toolchain.toml", problems));
    for package in &graph.packages {
        let Origin::Workspace { manifest } = &package.origin else {
            continue;
        };
        let file = manifest
            .strip_prefix(workspace.root())
            .unwrap_or(manifest)
            .display()
            .to_string();
        findings.extend(self::findings(&file, member_problems(&parse(&file, &read(manifest)?)?)));
    }
    Ok(findings)
}

fn findings(file: &str, problems: Vec<String>) -> Vec<Finding> {
    problems
        .into_iter()
        .map(|problem| Finding::Manifest {
            file: file.to_owned(),
            problem,
        })
        .collect()
}

fn parse(file: &str, text: &str) -> Result<Table, Failure> {
    toml::from_str(text).map_err(|error| Failure::malformed(file, error))
}

fn root_problems(root: &Table) -> Vec<String> {
    let unsafe_code = at(root, &["workspace", "lints", "rust", "unsafe_code"]);
    let level = unsafe_code.and_then(|lint| lint.as_str().or_else(|| lint.get("level")?.as_str()));
    if level == Some("forbid") {
        Vec::new()
    } else {
        vec!["workspace.lints.rust.unsafe_code must be \"forbid\"".to_owned()]
    }
}

fn toolchain_problems(toolchain: &Table, channel: &str, root: &str) -> Result<Vec<String>, Failure> {
    let mut problems = Vec::new();
    let numbers: Vec<_> = channel.split('.').map(str::parse::<u32>).collect();
    if numbers.len() != 3 || numbers.iter().any(Result::is_err) {
        problems.push(format!(
            "channel {channel:?} must be one exact version, or two people build two things"
        ));
    }
    let root = parse("Cargo.toml", root)?;
    let minimum = at(&root, &["workspace", "package", "rust-version"])
        .and_then(Value::as_str)
        .unwrap_or_default();
    if minimum.is_empty() || !(channel == minimum || channel.starts_with(&format!("{minimum}."))) {
        problems.push(format!(
            "channel {channel:?} and rust-version {minimum:?} of Cargo.toml must agree"
        ));
    }
    let components = at(toolchain, &["toolchain", "components"]).and_then(Value::as_array);
    for wanted in ["clippy", "rustfmt"] {
        if !components.is_some_and(|list| list.iter().any(|component| component.as_str() == Some(wanted))) {
            problems.push(format!("component {wanted} is missing: `cargo xtask ci` calls it"));
        }
    }
    Ok(problems)
}

fn member_problems(manifest: &Table) -> Vec<String> {
    let mut problems = Vec::new();
    for key in INHERITED {
        if !at(manifest, &["package", key]).is_some_and(is_inherited) {
            problems.push(format!("package.{key} must be inherited: `{key}.workspace = true`"));
        }
    }
    if !manifest.get("lints").is_some_and(is_inherited) {
        problems.push("the lints must be inherited: `[lints]` with `workspace = true`".to_owned());
    }
    for (place, dependencies) in dependency_tables(manifest) {
        for (name, dependency) in dependencies {
            if !is_inherited(dependency) {
                problems.push(format!("{place}.{name} must be inherited: `{name}.workspace = true`"));
            }
        }
    }
    problems
}

fn dependency_tables(manifest: &Table) -> Vec<(String, &Table)> {
    let mut tables = Vec::new();
    for kind in DEPENDENCIES {
        if let Some(table) = manifest.get(*kind).and_then(Value::as_table) {
            tables.push(((*kind).to_owned(), table));
        }
    }
    let targets = manifest.get("target").and_then(Value::as_table);
    for (target, table) in targets.into_iter().flatten() {
        for kind in DEPENDENCIES {
            if let Some(table) = table.get(*kind).and_then(Value::as_table) {
                tables.push((format!("target.{target}.{kind}"), table));
            }
        }
    }
    tables
}

fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

fn at<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(*key))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    const MEMBER: &str = "[package]\nname = \"a\"\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n[lints]\nworkspace = true\n";
    const ROOT: &str = "[workspace.package]\nrust-version = \"1.95\"\n";

    fn member(extra: &str) -> Vec<String> {
        member_problems(&parse("t", &format!("{MEMBER}{extra}")).unwrap())
    }

    fn toolchain(channel: &str, components: &str) -> Vec<String> {
        let table = parse("t", &format!("[toolchain]\ncomponents = {components}")).unwrap();
        toolchain_problems(&table, channel, ROOT).unwrap()
    }

    #[test]
    fn a_member_inherits_everything() {
        assert_eq!(member(""), [""; 0]);
        assert_eq!(
            member("[dependencies]\nserde.workspace = true\nb = { workspace = true, features = [\"x\"] }"),
            [""; 0]
        );
    }

    #[test]
    fn each_thing_that_is_not_inherited_is_found() {
        for (line, word) in [
            ("\nversion.workspace = true", "package.version"),
            ("\nlicense.workspace = true", "package.license"),
            ("[lints]\nworkspace = true\n", "lints"),
        ] {
            let problems = member_problems(&parse("t", &MEMBER.replace(line, "\n")).unwrap());
            assert!(
                matches!(&problems[..], [problem] if problem.contains(word)),
                "{problems:?}"
            );
        }
        for dependency in [
            "[dependencies]\nserde = \"1\"",
            "[dev-dependencies]\nserde = { version = \"1\" }",
            "[build-dependencies]\nserde = { git = \"https://example.org\" }",
            "[target.'cfg(unix)'.dependencies]\nserde = { path = \"../serde\" }",
        ] {
            assert!(
                matches!(&member(dependency)[..], [problem] if problem.contains("serde")),
                "{dependency}"
            );
        }
    }

    #[test]
    fn unsafe_code_is_forbidden_for_all() {
        let root = |lint: &str| root_problems(&parse("t", &format!("[workspace.lints.rust]\n{lint}")).unwrap());
        assert_eq!(root("unsafe_code = \"forbid\""), [""; 0]);
        assert_eq!(root("unsafe_code = { level = \"forbid\", priority = 1 }"), [""; 0]);
        assert_eq!(root("unsafe_code = \"deny\"").len(), 1);
        assert_eq!(root("").len(), 1);
    }

    #[test]
    fn the_compiler_is_pinned_exactly_and_agrees_with_the_manifest() {
        let both = "[\"clippy\", \"rustfmt\"]";
        assert_eq!(toolchain("1.95.0", both), [""; 0]);
        assert_eq!(toolchain("stable", both).len(), 2);
        assert_eq!(toolchain("1.95", both).len(), 1);
        assert_eq!(toolchain("1.96.0", both).len(), 1);
        assert_eq!(toolchain("1.950.0", both).len(), 1);
        assert_eq!(toolchain("1.95.0", "[\"clippy\"]").len(), 1);
    }
}
