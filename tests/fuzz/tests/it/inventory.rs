//! `fuzz/README.md` names every reader of bytes from outside and what plays it. A reader that is missing there, and a row
//! without a reader, fail here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use curo_fuzz::TARGETS;
use regex::Regex;

use crate::corpus::folder;

/// The crates that see bytes from outside.
const CRATES: [&str; 7] = [
    "bindings",
    "core/client",
    "core/mls",
    "core/sqlite",
    "core/store",
    "core/types",
    "relay",
];

/// What readers are called.
const NAMES: &str = "^(from_(bytes|slice|str|hex|header)|decode\\w*|parse\\w*|read|read_\\w+|unseal|unwrap|inspect|admit|body\
    |validated|key_package_info|welcome_recipients|is_canonical|query|ranges|bearer|declared|event|is_relay|retry_after_ms|again|address\
    |load|open|replay|join|process|stage|accept|prepare_external_commit|verify|verify_signature|check|check_creation)$";

/// What they take: bytes and text as they come.
const RAW: &str = r"\[u8\]|&(?:'\w+ )?str\b|\bString\b|\bBlob\b|\bResponse\b|\bHeaderMap\b|\bReader<|&CommitBundle\b|\bCreateConversation\b|\bReplayRequest\b";

/// A function by file and name.
type Place = (String, String);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && name != "tests" && name != "fuzzing" {
            found.push(path);
        }
    }
}

fn readers_in(text: &str) -> BTreeSet<String> {
    let tests = Regex::new(r"(?s)#\[cfg\(test\)\]\s*(#\[allow[^\]]*\]\s*)?mod \w+ \{.*$").unwrap();
    let function = Regex::new(r"fn\s+(\w+)\s*(?:<[^(]*>)?\(([^{;]*?)\)\s*(->[^{;]+)?[{;]").unwrap();
    let (names, raw) = (Regex::new(NAMES).unwrap(), Regex::new(RAW).unwrap());
    // A fixed text is a name of ours.
    let text = tests.replace(text, "").replace("&'static str", "");
    let functions = function.captures_iter(&text);
    functions
        .filter(|found| names.is_match(&found[1]) && raw.is_match(&found[2]) && found.get(3).is_some())
        .map(|found| found[1].to_owned())
        .collect()
}

fn readers() -> BTreeSet<Place> {
    let mut readers = BTreeSet::new();
    for name in CRATES {
        let mut files = Vec::new();
        sources(&root().join(name).join("src"), &mut files);
        for path in files {
            let file = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            let found = readers_in(&fs::read_to_string(&path).unwrap());
            readers.extend(found.into_iter().map(|name| (file.clone(), name)));
        }
    }
    readers
}

/// The table of the inventory: what plays a reader, or why nothing does.
fn rows() -> BTreeMap<Place, String> {
    let text = fs::read_to_string(folder().join("README.md")).unwrap();
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [file, names, played] = cells[..] else { continue };
        let Some(file) = file.strip_prefix('`').and_then(|file| file.strip_suffix('`')) else {
            continue;
        };
        for name in names.split(", ") {
            let place = (file.to_owned(), name.trim_matches('`').to_owned());
            let before = rows.insert(place.clone(), played.to_owned());
            assert_eq!(before, None, "{place:?} stands there twice");
        }
    }
    rows
}

#[test]
fn every_reader_has_a_target_or_a_reason() {
    let (readers, rows) = (readers(), rows());
    let listed: BTreeSet<_> = rows.keys().cloned().collect();
    let missing: Vec<_> = readers.difference(&listed).collect();
    assert!(missing.is_empty(), "not in fuzz/README.md: {missing:#?}");
    let gone: Vec<_> = listed.difference(&readers).collect();
    assert!(gone.is_empty(), "in fuzz/README.md, and no reader: {gone:#?}");
}

#[test]
fn every_target_plays_a_reader_and_every_row_names_targets_or_a_reason() {
    let known: BTreeSet<_> = TARGETS.iter().map(|(name, _)| *name).collect();
    let mut used = BTreeSet::new();
    for (place, played) in rows() {
        if let Some(reason) = played.strip_prefix("none: ") {
            assert!(reason.len() > 20, "{place:?}: a reason that a reader can judge");
            continue;
        }
        for name in played.split(", ").map(|name| name.trim_matches('`')) {
            let name = known
                .get(name)
                .unwrap_or_else(|| panic!("{place:?} names {name}, which is no target"));
            used.insert(*name);
        }
    }
    // Whole bodies are read by serde, without a function of their own.
    used.extend(["requests", "results"]);
    assert_eq!(used, known, "every target has a reader");
}

#[test]
fn a_reader_is_known_by_its_name_and_what_it_takes() {
    let text = "
        pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {}
        fn read_other<'a>(
            reader: &mut Reader<'a>,
        ) -> Option<u8> {}
        fn parse(name: &str) -> u8;
        fn parse_nothing(number: u64) -> u8 {}
        fn hash(bytes: &[u8]) -> u8 {}
        fn read_to(bytes: &[u8]) {}
        #[cfg(test)]
        mod tests { fn parse_test(text: &str) -> u8 {} }";
    let expected = ["from_bytes", "parse", "read_other"].map(str::to_owned);
    assert_eq!(readers_in(text), BTreeSet::from(expected));
}
