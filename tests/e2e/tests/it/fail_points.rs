//! The fail points themselves: every one in the sources is listed, every listed one is used, and the ordinary work of a
//! client passes each. The kill tests mean something only then; that the relay's are passed, they prove themselves.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::kills::{ELSEWHERE, World};

#[tokio::test(flavor = "multi_thread")]
async fn ordinary_work_passes_every_point_of_a_client() {
    let world = World::start().await;
    let mover = world.job("mover", &[]).await;
    let never: Vec<_> = curo_e2e::client_points()
        .filter(|point| !ELSEWHERE.contains(point) && mover.passes[*point] == 0)
        .collect();
    assert!(never.is_empty(), "{never:?}");
    world.end().await;
}

#[test]
fn names_are_unique() {
    let points = curo::failpoints::ALL
        .iter()
        .chain(curo_relay::failpoints::ALL)
        .chain(&curo_e2e::SQLITE_POINTS)
        .chain(&curo_e2e::STORE_POINTS);
    let unique: BTreeSet<_> = points.clone().collect();
    assert_eq!(unique.len(), points.count());
}

/// A point that is written down where it stands, and not in a list, would never be tested.
#[test]
fn every_point_in_the_sources_is_listed() {
    let mut found = BTreeSet::new();
    for folder in ["core", "relay/src"] {
        for file in rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)) {
            let source = fs::read_to_string(file).unwrap();
            let points = source
                .split("fail_point!(\"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next());
            found.extend(points.map(str::to_owned));
        }
    }
    let listed = curo_e2e::SQLITE_POINTS.into_iter().chain(curo_e2e::STORE_POINTS);
    assert_eq!(found, listed.map(str::to_owned).collect());
}

/// Of the lists' constants, each is named once where it stands beside its own line.
#[test]
fn every_listed_point_stands_somewhere() {
    for (folder, list) in [("core/client/src", "failpoints.rs"), ("relay/src", "failpoints.rs")] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
        let declared = fs::read_to_string(folder.join(list)).unwrap();
        let names = declared
            .lines()
            .filter_map(|line| Some(line.split_once(" = \"")?.0.trim()));
        let sources: Vec<_> = rust_files(&folder)
            .into_iter()
            .filter(|file| file != &folder.join(list))
            .map(|file| fs::read_to_string(file).unwrap())
            .collect();
        let mut count = 0;
        for name in names {
            count += 1;
            assert!(sources.iter().any(|source| source.contains(name)), "{name} is not used");
        }
        assert!(count > 10, "{count} names in {}", folder.display());
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
