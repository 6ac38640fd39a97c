//! Rust's names, out of the sources as rustfmt leaves them: of the client, and of types that it shows from crates below it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::workspace::{Workspace, read};

use super::{FREE, Names, camel, word};

/// What the client shows under another name.
const RENAMED: [(&str, &str); 1] = [("Reference", "MessageRef")];

/// Stands for what a type has where macros make it: not to be read here.
pub(super) const UNREAD: &str = "?";

/// By type, public items alone, in camel case; times without their unit.
pub(super) fn names(workspace: &Workspace) -> Result<Names, Failure> {
    let mut names = of_crate(&workspace.root().join("core/client/src"))?;
    for below in ["core/types/src", "core/store/src"] {
        for (name, members) in of_crate(&workspace.root().join(below))? {
            let shown = RENAMED.iter().find(|(own, _)| *own == name);
            let name = shown.map_or(name, |(_, shown)| (*shown).to_owned());
            names.entry(name).or_insert(members);
        }
    }
    for shown in shown(&workspace.read("core/client/src/lib.rs")?) {
        names.entry(shown).or_insert_with(|| [UNREAD.to_owned()].into());
    }
    Ok(names)
}

/// What the crate shows, by the names that it shows it under.
fn shown(lib: &str) -> Vec<String> {
    let uses = lib.split("pub use ").skip(1).filter_map(|rest| rest.split_once(';'));
    let lists = uses.map(|(list, _)| list.rsplit("::{").next().unwrap_or(list).to_owned());
    let names = lists.flat_map(|list| list.split(',').map(str::to_owned).collect::<Vec<_>>());
    names
        .map(|name| {
            let name = name.rsplit(" as ").next().unwrap_or_default();
            let name = name.rsplit("::").next().unwrap_or_default();
            name.trim_matches(|it: char| !it.is_alphanumeric()).to_owned()
        })
        .filter(|name| name.starts_with(|it: char| it.is_uppercase()))
        .collect()
}

fn of_crate(folder: &Path) -> Result<Names, Failure> {
    let mut files = Vec::new();
    sources(folder, &mut files)?;
    let mut names = Names::new();
    for file in files {
        add(&mut names, &read(&file)?);
    }
    Ok(names)
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |source| Failure::io(folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("fuzzing.rs") {
            // What is opened to the fuzz targets is no API, and nothing that ships has it.
            found.push(path);
        }
    }
    Ok(())
}

/// What stands around a line.
enum Around {
    /// A type's own methods, or its public fields: public where they say so.
    Type(String),
    /// All that stands in it is public.
    Open(String),
    /// The macro that makes the error codes.
    Codes,
    Nothing,
}

fn add(names: &mut Names, text: &str) {
    let mut around = Around::Nothing;
    for line in text.lines() {
        if let Some(inner) = line.strip_prefix("    ") {
            let found = match &around {
                Around::Type(owner) => public(inner).map(|name| (owner.as_str(), name)),
                Around::Open(owner) => open(inner).map(|name| (owner.as_str(), name)),
                Around::Codes => inner.split_once(" = \"").map(|(name, _)| ("ErrorCode", camel(name))),
                Around::Nothing => None,
            };
            if let Some((owner, name)) = found {
                names.entry(owner.to_owned()).or_default().insert(name);
            }
        } else if let Some(rest) = line.strip_prefix("pub struct ") {
            names.entry(word(rest).to_owned()).or_default();
            around = Around::Type(word(rest).to_owned());
        } else if let Some(rest) = line
            .strip_prefix("pub enum ")
            .or_else(|| line.strip_prefix("pub trait "))
        {
            names.entry(word(rest).to_owned()).or_default();
            around = Around::Open(word(rest).to_owned());
        } else if let Some(rest) = line.strip_prefix("impl ").filter(|rest| !rest.contains(" for ")) {
            around = Around::Type(word(rest).to_owned());
        } else if let Some(rest) = line.strip_prefix("pub fn ") {
            names.entry(FREE.to_owned()).or_default().insert(camel(word(rest)));
        } else if line == "codes! {" {
            around = Around::Codes;
        } else if line.starts_with('}') || line.starts_with("mod ") || line.starts_with("impl") {
            around = Around::Nothing;
        }
    }
}

/// A public method, constant or field.
fn public(line: &str) -> Option<String> {
    let mut rest = line.strip_prefix("pub ")?;
    for modifier in ["const fn ", "async fn ", "fn ", "const "] {
        if let Some(name) = rest.strip_prefix(modifier) {
            rest = name;
            break;
        }
    }
    let name = timeless(word(rest));
    // What is watched is called by what it shows.
    Some(match name.strip_prefix("observe") {
        Some(shown) if !shown.is_empty() => camel(shown),
        _ => name,
    })
}

/// A case of an enum, or a trait's method.
fn open(line: &str) -> Option<String> {
    let line = line.strip_prefix("async ").unwrap_or(line);
    let name = line.strip_prefix("fn ").unwrap_or(line);
    let is_case = name.starts_with(|it: char| it.is_uppercase());
    (is_case || name.len() < line.len()).then(|| camel(word(name)))
}

/// Milliseconds are a matter of the type on the other platforms: `accepted_ms` is `acceptedAt`.
fn timeless(name: &str) -> String {
    match name.strip_suffix("_ms") {
        Some("time") => "time".to_owned(),
        Some("read_by") => "readBy".to_owned(),
        Some(event) => format!("{}At", camel(event)),
        None => camel(name),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn public_items_belong_to_their_type() {
        let mut names = Names::new();
        add(
            &mut names,
            "pub struct Item {\n    /// Doc.\n    pub accepted_ms: Option<u64>,\n    pub(crate) own: bool,\n}\n\nimpl Item {\n    \
             pub async fn mark_read(&self) {\n        pub_not();\n    }\n\n    fn hidden(&self) {}\n}\n\npub enum Edge {\n    /// Doc.\n    \
             End,\n    Failed(Error),\n}\n\nimpl Edge for X {\n    fn no(&self) {}\n}\n\npub trait Vault: Send {\n    async fn load(&self);\n}\n\n\
             pub fn set_sink() {}\n",
        );
        let of = |name: &str| names.get(name).unwrap().iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(of("Item"), ["acceptedAt", "markRead"]);
        assert_eq!(of("Edge"), ["end", "failed"]);
        assert_eq!(of("Vault"), ["load"]);
        assert_eq!(of(FREE), ["setSink"]);
    }

    #[test]
    fn what_the_crate_shows_is_known_by_that_name() {
        let lib = "pub use pin::SpkiPin;\npub use a::b::{\n    Edge, Reference as MessageRef,\n    clear_sink,\n};\nuse own::Thing;\n";
        assert_eq!(shown(lib), ["SpkiPin", "Edge", "MessageRef"]);
        let mut names = Names::new();
        add(
            &mut names,
            "codes! {\n    /// Doc.\n    NOT_FOUND = \"not_found\", 404, false;\n}\n",
        );
        assert!(names.get("ErrorCode").unwrap().contains("notFound"));
    }
}
