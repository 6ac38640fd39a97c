//! The packages that cargo would compile, and who depends on whom. Knows no policy.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::semver::Version;
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, PackageId};

use crate::failure::Failure;
use crate::run;
use crate::workspace::Workspace;

/// All packages, in the order of name and version.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) packages: Vec<Package>,
}

/// One version of a crate.
#[derive(Debug, Clone)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: Version,
    pub(super) licence: Option<String>,
    pub(super) origin: Origin,
    /// Names of the crates that depend on it directly.
    pub(super) dependants: BTreeMap<String, Use>,
}

/// What one crate depends on another for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// Its own tests, examples and benches only.
    Tests,
    /// Itself, or its build script.
    Build,
}

/// Where a package's source comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A member of this workspace, with its manifest.
    Workspace { manifest: PathBuf },
    /// The default registry.
    Registry,
    /// Anything else: git, another registry, a path outside.
    Other(String),
}

impl Package {
    /// Name and version, as people write them.
    pub(super) fn label(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// The release series: versions of one series are compatible, and cargo never keeps two of one.
    pub(super) fn series(&self) -> String {
        match (self.version.major, self.version.minor, self.version.patch) {
            (0, 0, patch) => format!("0.0.{patch}"),
            (0, minor, _) => format!("0.{minor}"),
            (major, _, _) => major.to_string(),
        }
    }
}

impl Graph {
    /// Asks cargo for what it would compile for `targets`, from the lock file as it stands.
    pub(super) fn load(workspace: &Workspace, targets: &BTreeSet<String>) -> Result<Self, Failure> {
        let metadata = metadata(workspace, targets)?;
        let compiled = compiled(workspace, targets)?;
        Ok(Self::build(&metadata, &compiled))
    }

    /// Packages of each name.
    pub(super) fn by_name(&self) -> BTreeMap<&str, Vec<&Package>> {
        let mut names: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for package in &self.packages {
            names.entry(package.name.as_str()).or_default().push(package);
        }
        names
    }

    fn build(metadata: &Metadata, compiled: &BTreeSet<(String, String)>) -> Self {
        let mut packages: BTreeMap<&PackageId, Package> = BTreeMap::new();
        for package in &metadata.packages {
            if !compiled.contains(&(package.name.to_string(), package.version.to_string())) {
                continue;
            }
            let manifest = package.manifest_path.as_std_path();
            let origin = match &package.source {
                Some(source) if source.is_crates_io() => Origin::Registry,
                Some(source) => Origin::Other(source.repr.clone()),
                None if metadata.workspace_members.contains(&package.id) => Origin::Workspace {
                    manifest: manifest.to_path_buf(),
                },
                None => Origin::Other(manifest.parent().unwrap_or(Path::new("?")).display().to_string()),
            };
            packages.insert(
                &package.id,
                Package {
                    name: package.name.to_string(),
                    version: package.version.clone(),
                    licence: package.license.clone(),
                    origin,
                    dependants: BTreeMap::new(),
                },
            );
        }
        for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
            let Some(dependant) = packages.get(&node.id).map(|package| package.name.clone()) else {
                continue;
            };
            for dependency in &node.deps {
                let Some(package) = packages.get_mut(&dependency.pkg) else {
                    continue;
                };
                let kinds = &dependency.dep_kinds;
                let only_tests = !kinds.is_empty() && kinds.iter().all(|info| info.kind == DependencyKind::Development);
                let new = if only_tests { Use::Tests } else { Use::Build };
                let known = package.dependants.entry(dependant.clone()).or_insert(new);
                *known = new.max(*known);
            }
        }
        let mut packages: Vec<_> = packages.into_values().collect();
        packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        Self { packages }
    }
}

fn metadata(workspace: &Workspace, targets: &BTreeSet<String>) -> Result<Metadata, Failure> {
    let mut options = vec!["--locked".to_owned()];
    for target in targets {
        options.extend(["--filter-platform".to_owned(), target.clone()]);
    }
    let described = MetadataCommand::new()
        .features(CargoOpt::SomeFeatures(Vec::new()))
        .other_options(options)
        .cargo_command();
    let mut command = workspace.cargo(described.get_args());
    MetadataCommand::parse(run::output(&mut command)?).map_err(|error| Failure::malformed("cargo metadata", error))
}

/// Name and version of each package that is really compiled: metadata also holds optional
/// dependencies that no feature turns on.
fn compiled(workspace: &Workspace, targets: &BTreeSet<String>) -> Result<BTreeSet<(String, String)>, Failure> {
    let mut command = workspace.cargo([
        "tree",
        "--workspace",
        "--locked",
        "--edges",
        "normal,build,dev",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    for target in targets {
        command.args(["--target", target]);
    }
    run::output(&mut command)?
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(name_and_version)
        .collect()
}

/// Takes `name v1.2.3 (whatever)` apart.
fn name_and_version(line: &str) -> Result<(String, String), Failure> {
    let mut words = line.split_whitespace();
    match (words.next(), words.next().and_then(|version| version.strip_prefix('v'))) {
        (Some(name), Some(version)) => Ok((name.to_owned(), version.to_owned())),
        _ => Err(Failure::malformed("cargo tree", format!("unexpected line {line:?}"))),
    }
}

/// A package for the tests of the checks: `package("a 1.2.3", &["b"])` is a crate of the registry
/// under MIT that `b` depends on.
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) fn package(label: &str, dependants: &[&str]) -> Package {
    let (name, version) = label.split_once(' ').unwrap();
    Package {
        name: name.to_owned(),
        version: version.parse().unwrap(),
        licence: Some("MIT".to_owned()),
        origin: Origin::Registry,
        dependants: dependants.iter().map(|&name| (name.to_owned(), Use::Build)).collect(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn series_are_what_cargo_takes_for_compatible() {
        assert_eq!(package("a 2.1.0", &[]).series(), "2");
        assert_eq!(package("a 0.9.4", &[]).series(), "0.9");
        assert_eq!(package("a 0.0.10", &[]).series(), "0.0.10");
    }

    #[test]
    fn lines_of_cargo_tree_are_read() {
        let read = |line| name_and_version(line).unwrap();
        assert_eq!(read("syn v2.0.1 (proc-macro)"), ("syn".to_owned(), "2.0.1".to_owned()));
        assert_eq!(read("a v1.0.0-rc.1+b (*)"), ("a".to_owned(), "1.0.0-rc.1+b".to_owned()));
        name_and_version("syn").unwrap_err();
        name_and_version("syn 2.0.1").unwrap_err();
    }

    /// The real workspace, by the real cargo: what is known to be in it is found, with its dependants.
    #[test]
    fn the_workspace_itself_is_read() {
        let host = std::process::Command::new("rustc")
            .args(["--print", "host-tuple"])
            .output()
            .unwrap();
        let host = String::from_utf8(host.stdout).unwrap().trim().to_owned();
        let graph = Graph::load(&Workspace::find().unwrap(), &BTreeSet::from([host])).unwrap();
        let names = graph.by_name();
        assert!(matches!(names["xtask"][0].origin, Origin::Workspace { .. }));
        assert_eq!(names["spdx"][0].origin, Origin::Registry);
        assert!(names["spdx"][0].dependants["xtask"] == Use::Build);
        assert!(names["tempfile"][0].dependants["xtask"] == Use::Tests);
        assert!(names["spdx"][0].licence.is_some());
    }
}
