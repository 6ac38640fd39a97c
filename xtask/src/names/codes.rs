//! The error codes: the same on all platforms, or something is wrong.

use std::collections::BTreeMap;

use crate::failure::Failure;
use crate::workspace::Workspace;

use super::{camel, word};

const RUST: &str = "core/types/src/code.rs";
const KOTLIN: &str = "android/curo/src/main/kotlin/health/curo/ErrorCode.kt";
const SWIFT: &str = "ios/Sources/Curo/ErrorCode.swift";

/// A code, and what it means.
pub(super) struct Code {
    pub(super) text: String,
    pub(super) meaning: String,
    pub(super) retryable: bool,
}

/// Rust's codes in their order, and where the others differ.
pub(super) fn compare(workspace: &Workspace) -> Result<(Vec<Code>, Vec<String>), Failure> {
    let codes = rust(&workspace.read(RUST)?);
    let mut wrong = Vec::new();
    if codes.is_empty() {
        wrong.push(format!("{RUST}: no code was found"));
    }
    for (file, spelt) in [(KOTLIN, spelt_in_kotlin as fn(&str) -> String), (SWIFT, camel)] {
        let named = constants(&workspace.read(file)?);
        for code in &codes {
            match named.get(&code.text) {
                Some(name) if *name == spelt(&code.text) => {}
                Some(name) => wrong.push(format!("{file}: {} is called {name}", code.text)),
                None => wrong.push(format!("{file}: {} is missing", code.text)),
            }
        }
        let unknown = named
            .keys()
            .filter(|text| !codes.iter().any(|code| code.text == **text));
        wrong.extend(unknown.map(|text| format!("{file}: Rust has no code {text}")));
    }
    Ok((codes, wrong))
}

fn spelt_in_kotlin(code: &str) -> String {
    code.to_uppercase()
}

/// `    NAME = "text", status, retryable;` behind its documentation.
fn rust(text: &str) -> Vec<Code> {
    let mut codes = Vec::new();
    let mut meaning = String::new();
    for line in text.lines().skip_while(|line| *line != "codes! {").skip(1) {
        let line = line.trim();
        if line == "}" {
            break;
        }
        if let Some(doc) = line.strip_prefix("///") {
            meaning.push_str(doc);
        } else if let Some((code, rest)) = line.split_once(" = \"").and_then(|(_, rest)| rest.split_once('"')) {
            codes.push(Code {
                text: code.to_owned(),
                meaning: std::mem::take(&mut meaning).trim().to_owned(),
                retryable: rest.contains("true"),
            });
        }
    }
    codes
}

/// Code and constant of lines such as `public val OFFLINE: ErrorCode = ErrorCode("offline")`.
fn constants(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for line in text.lines().filter(|line| line.contains("= ErrorCode(")) {
        let name = line
            .split_once(" val ")
            .or_else(|| line.split_once(" let "))
            .map(|(_, rest)| rest);
        let code = line.split('"').nth(1);
        if let (Some(name), Some(code)) = (name, code) {
            found.insert(code.to_owned(), word(name.trim_start_matches('`')).to_owned());
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_on_every_platform() {
        let codes = rust(
            "codes! {\n    /// Doc of\n    /// two lines.\n    NOT_A_MEMBER = \"not_a_member\", 403, true;\n}\nx = \"no\"\n",
        );
        let code = codes.first().unwrap();
        assert_eq!(
            (code.text.as_str(), code.retryable, codes.len()),
            ("not_a_member", true, 1)
        );
        assert_eq!(code.meaning, "Doc of two lines.");
        let kotlin = constants("        public val OFFLINE: ErrorCode = ErrorCode(\"offline\")\n");
        assert_eq!(kotlin.get("offline").unwrap(), &spelt_in_kotlin("offline"));
        let swift = constants("    public static let `internal` = ErrorCode(rawValue: \"internal\")\n");
        assert_eq!(swift.get("internal").unwrap(), "internal");
    }
}
