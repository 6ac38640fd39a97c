//! The scenarios and their documentation.

use std::path::Path;

use curo_qa::{VERBS, load};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn every_scenario_of_the_repository_is_right() {
    let scenarios = load(&root().join("tests/scenarios")).unwrap_or_else(|wrongs| {
        panic!(
            "{}",
            wrongs.iter().map(|wrong| format!("{wrong}\n")).collect::<String>()
        );
    });
    let proofs = scenarios.iter().filter(|scenario| scenario.fails.is_none()).count();
    assert!(proofs >= 25, "{proofs} scenarios");
    for scenario in &scenarios {
        assert_eq!(
            scenario.name.starts_with("must-fail-"),
            scenario.fails.is_some(),
            "{}",
            scenario.name
        );
    }
}

#[test]
fn every_verb_and_every_key_is_documented() {
    let page = std::fs::read_to_string(root().join("docs/qa.md")).unwrap();
    for verb in VERBS {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{}: ", verb.name)));
        let row = row.unwrap_or_else(|| panic!("docs/qa.md does not explain `{}`", verb.name));
        for key in verb.required.iter().chain(verb.optional) {
            let expected_elsewhere = verb.name == "expect" && page.contains(&format!("`{key}`"));
            let named = row
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .any(|word| word == *key);
            assert!(
                named || expected_elsewhere,
                "docs/qa.md, `{}`: `{key}` is missing",
                verb.name
            );
        }
    }
}

#[test]
fn the_example_of_the_documentation_is_a_scenario() {
    let page = std::fs::read_to_string(root().join("docs/qa.md")).unwrap();
    let (_, rest) = page.split_once("```yaml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    curo_qa::Scenario::parse("docs/qa.md", example).unwrap();
}

#[test]
fn all_wrong_files_of_a_folder_are_told() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.yaml", "b.yaml"] {
        std::fs::write(dir.path().join(name), "title: t\nactors: []\nsteps: []\n").unwrap();
    }
    std::fs::write(dir.path().join("c.txt"), "not looked at").unwrap();
    let wrongs = load(dir.path()).unwrap_err();
    for name in ["a.yaml", "b.yaml"] {
        assert!(wrongs.iter().any(|wrong| wrong.file.ends_with(name)), "{wrongs:?}");
    }
    assert!(load(&dir.path().join("nowhere")).is_err());
}
