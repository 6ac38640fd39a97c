//! What is public in the sources that only Apple's compiler compiles. No compiler reads them where this runs, so their lines are
//! read here: they are few, and written in one way.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::workspace::read;

use super::surface::Types;

/// What begins a file that is compiled for Apple's platforms only.
const APPLE: &str = "#if canImport(";

/// Adds what the files of a module make public.
pub(super) fn add(types: &mut Types, module: &Path) -> Result<(), Failure> {
    let mut files = Vec::new();
    swift_files(module, &mut files)?;
    files.sort();
    for file in files {
        let text = read(&file)?;
        if text.starts_with(APPLE) {
            add_file(types, &text);
        }
    }
    Ok(())
}

fn swift_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |source| Failure::io(folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            swift_files(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "swift") {
            found.push(path);
        }
    }
    Ok(())
}

fn add_file(types: &mut Types, text: &str) {
    // The type or extension around a line, and how far that stands in.
    let mut owner: Option<(String, usize)> = None;
    let mut documented = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim();
        if line.is_empty() || line.starts_with('@') {
            continue;
        }
        if line.starts_with("///") {
            documented = true;
            continue;
        }
        if owner.as_ref().is_some_and(|(_, outer)| indent <= *outer) {
            owner = None;
        }
        if let Some(name) = line.strip_prefix("extension ") {
            owner = Some((first_name(name), indent));
        } else if let Some(declared) = line.strip_prefix("public ") {
            let declared = whole(declared, &mut lines);
            match type_name(&declared) {
                Some(name) => {
                    types.declare(&name, format!("{declared} /* Apple only */"));
                    note(types, documented, &name);
                    owner = Some((name, indent));
                }
                None => {
                    let around = owner.as_ref().map_or("", |(name, _)| name.as_str());
                    note(types, documented, &format!("{around}: {declared}"));
                    types.member(around, format!("{declared} /* Apple only */"));
                }
            }
        }
        documented = false;
    }
}

fn note(types: &mut Types, documented: bool, name: &str) {
    if !documented {
        types.undocumented(name.to_owned());
    }
}

/// A declaration up to its body, on one line.
fn whole<'text>(first: &str, more: &mut impl Iterator<Item = &'text str>) -> String {
    let mut declared = first.to_owned();
    while open(&declared) > 0 {
        let Some(line) = more.next() else { break };
        declared.push(' ');
        declared.push_str(line.trim());
    }
    let body = declared.split_once(" {").map_or(declared.as_str(), |(head, _)| head);
    body.replace("( ", "(").replace(" )", ")")
}

/// Parentheses that are open at the end.
fn open(text: &str) -> usize {
    let count = |sought| text.chars().filter(|it| *it == sought).count();
    count('(').saturating_sub(count(')'))
}

fn type_name(declared: &str) -> Option<String> {
    let mut words = declared.split_whitespace().skip_while(|word| *word == "final");
    match words.next() {
        Some("class" | "struct" | "enum" | "protocol") => words.next().map(first_name),
        _ => None,
    }
}

fn first_name(text: &str) -> String {
    text.chars()
        .take_while(|it| it.is_alphanumeric() || *it == '.')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::surface::Types;
    use super::*;

    const FILE: &str = r#"#if canImport(Security)
    import Security

    /// Keeps keys.
    public struct Vault: KeyVault {
        public let mode: Mode
        private let keys: Keys

        /// A vault.
        public init(
            service: String = "keys", mode: Mode = .background
        ) {
            self.mode = mode
        }

        /// Destroys.
        @discardableResult
        public func destroy(except kept: Set<String>) async throws -> Int {
            let public = 1
            return public
        }
    }

    extension Options {
        /// A folder.
        public static func folder(group: String? = nil) throws -> URL {
            URL()
        }
    }
#endif
"#;

    #[test]
    fn what_only_apple_compiles_is_read_from_its_sources() {
        let mut types = Types::default();
        add_file(&mut types, FILE);
        assert_eq!(
            types.text(),
            "extension Options\n    static func folder(group: String? = nil) throws -> URL /* Apple only */\n\n\
             struct Vault: KeyVault /* Apple only */\n\
             \x20   func destroy(except kept: Set<String>) async throws -> Int /* Apple only */\n\
             \x20   init(service: String = \"keys\", mode: Mode = .background) /* Apple only */\n\
             \x20   let mode: Mode /* Apple only */\n\n"
        );
        assert_eq!(types.without_docs(), ["Vault: let mode: Mode"]);
    }
}
