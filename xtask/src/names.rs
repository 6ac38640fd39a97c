//! `cargo xtask names`: the table Rust | Kotlin | Swift in docs/api.md, made from the sources, and what is wrong with the names.
//!
//! Reads text alone: Rust's sources, the API files of Kotlin and Swift, and the differences that are meant. Whether the bindings
//! are whole is another question, which `cargo xtask bindings` answers.

mod codes;
mod defaults;
mod differences;
mod kotlin;
mod rust;
mod swift;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::failure::Failure;
use crate::workspace::Workspace;

const DOC: &str = "docs/api.md";
const DIFFERENCES: &str = "bindings/names.toml";
const START: &str = "<!-- made by `cargo xtask names` from the sources: not written by hand -->";
const END: &str = "<!-- end of what `cargo xtask names` makes -->";
const KOTLIN_API: &str = "android/curo/api.txt";
const SWIFT_API: &str = "ios/api.txt";

/// What a platform offers: types with their members, as that platform writes both.
type Names = BTreeMap<String, BTreeSet<String>>;
/// The type that holds what belongs to none.
const FREE: &str = "";

/// The check, as a step of CI.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    run(workspace, true)
}

/// Compares the names, and writes the table. A check writes nothing and fails on drift.
pub(crate) fn run(workspace: &Workspace, check: bool) -> Result<(), Failure> {
    let kotlin_api = workspace.read(KOTLIN_API)?;
    let swift_api = workspace.read(SWIFT_API)?;
    let offered = [
        rust::names(workspace)?,
        kotlin::names(&kotlin_api),
        swift::names(&swift_api),
    ];
    let meant = differences::read(&workspace.read(DIFFERENCES)?)?;
    let not_exported = differences::not_exported(&workspace.read("bindings/api-map.toml")?)?;
    let compared = differences::compare(&offered, &meant, &not_exported);
    let (codes, mut wrong) = codes::compare(workspace)?;
    let (defaults, wrong_defaults) = defaults::compare(workspace, &kotlin_api, &swift_api)?;
    wrong.extend(compared.wrong.iter().cloned());
    wrong.extend(wrong_defaults);
    if !wrong.is_empty() {
        for line in &wrong {
            println!("{line}");
        }
        return Err(Failure::Check(format!(
            "{} names differ between the platforms, and {DIFFERENCES} gives no reason",
            wrong.len()
        )));
    }
    let made = table::text(&compared, &defaults, &codes);
    let doc = workspace.read(DOC)?;
    let fresh = between(&doc, &made)?;
    if fresh == doc {
        return Ok(());
    }
    if check {
        return Err(Failure::Check(format!(
            "the table in {DOC} is not what the sources say: run `cargo xtask names` and commit what it writes"
        )));
    }
    let file = workspace.root().join(DOC);
    fs::write(&file, fresh).map_err(|source| Failure::io(&file, source))
}

/// The document with another text between its two marks.
fn between(doc: &str, made: &str) -> Result<String, Failure> {
    let parts = doc
        .split_once(START)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    match parts {
        Some((before, after)) => Ok(format!("{before}{START}\n\n{made}\n{END}{after}")),
        None => Err(Failure::malformed(DOC, "the two marks around the table are missing")),
    }
}

/// `sign_in`, `SIGN_IN` and `SignIn` as `signIn`.
fn camel(name: &str) -> String {
    let mut made = String::new();
    let screams = name.chars().all(|it| !it.is_lowercase());
    for (index, word) in name.split('_').filter(|word| !word.is_empty()).enumerate() {
        let mut letters = word.chars();
        let first = letters.next().into_iter();
        match index {
            0 => made.extend(first.flat_map(char::to_lowercase)),
            _ => made.extend(first.flat_map(char::to_uppercase)),
        }
        if screams {
            made.extend(letters.flat_map(char::to_lowercase));
        } else {
            made.extend(letters);
        }
    }
    made
}

/// The leading name in a text.
fn word(text: &str) -> &str {
    let end = text.find(|it: char| !it.is_alphanumeric() && it != '_' && it != '.');
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_in_every_spelling() {
        for name in ["sign_in", "SIGN_IN", "SignIn", "signIn"] {
            assert_eq!(camel(name), "signIn");
        }
        assert_eq!(camel("STAT"), "stat");
    }

    #[test]
    fn only_what_stands_between_the_marks_is_made() {
        let doc = format!("before\n{START}\nold\n{END}\nafter\n");
        assert_eq!(
            between(&doc, "new\n").unwrap(),
            format!("before\n{START}\n\nnew\n\n{END}\nafter\n")
        );
        between("no marks", "new").unwrap_err();
    }

    #[test]
    fn the_table_is_what_the_sources_say() {
        check(&Workspace::find().unwrap()).unwrap();
    }
}
