//! Every file of every corpus is played, and so are its near relations: what a fuzzer has once found stays found.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use curo_fuzz::TARGETS;

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn files(target: &str) -> Vec<PathBuf> {
    let folder = folder().join("corpus").join(target);
    let read = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = read.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// What an input of this file should bring down stays visible: file, change, and the target's own words.
fn play(name: &str, path: &Path, change: &str, bytes: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| curo_fuzz::play(name, bytes)))
        .unwrap_or_else(|_| panic!("the target {name} panics on {} {change}", path.display()))
}

/// Each target reads something: a corpus of refusals alone would prove little.
#[test]
fn every_corpus_is_played_and_holds_what_its_target_takes() {
    for (name, _) in TARGETS {
        let files = files(name);
        let taken = files
            .iter()
            .filter(|path| play(name, path, "as it is", &fs::read(path).unwrap()));
        assert!(taken.count() > 0, "{name}: nothing of {} files is taken", files.len());
    }
}

#[test]
fn near_relations_of_the_corpora_are_played() {
    const CHANGES: usize = 6;
    for (name, _) in TARGETS {
        for path in files(name) {
            let bytes = fs::read(&path).unwrap();
            for step in 0..CHANGES {
                let at = bytes.len() * step / CHANGES;
                play(name, &path, &format!("cut to {at} bytes"), &bytes[..at]);
                let mut changed = bytes.clone();
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= 1 << (step % 8);
                    play(
                        name,
                        &path,
                        &format!("with byte {at} changed to {byte}", byte = changed[at]),
                        &changed,
                    );
                }
            }
            play(name, &path, "with a tail", &[&bytes[..], b"0"].concat());
        }
    }
}

#[test]
fn every_target_has_a_program_and_every_program_a_target() {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    let mut programs: Vec<_> = fs::read_dir(folder().join("fuzz_targets"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    programs.sort();
    let names: Vec<_> = programs
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(names, TARGETS.map_names(), "fuzz/fuzz_targets");
    for (name, path) in names.iter().zip(&programs) {
        let text = fs::read_to_string(path).unwrap();
        assert!(
            text.contains(&format!("curo_fuzz::play(\"{name}\",")),
            "{name} calls its target"
        );
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{name} stands in fuzz/Cargo.toml"
        );
    }
}

trait Names {
    fn map_names(&self) -> Vec<&'static str>;
}

impl Names for [(&'static str, curo_fuzz::Target)] {
    fn map_names(&self) -> Vec<&'static str> {
        self.iter().map(|(name, _)| *name).collect()
    }
}
