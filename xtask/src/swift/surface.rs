//! What is public in Swift, as text: out of the symbol graphs that the compiler writes for documentation, and of the few sources
//! that are compiled for Apple's platforms only. Compared with `ios/api.txt`, so that nothing becomes public, or ceases to be, by
//! accident, and that all of it is documented.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::failure::Failure;
use crate::workspace::{Workspace, read};

use super::apple;

/// The public modules.
pub(super) const MODULES: [&str; 3] = ["Curo", "CuroApp", "CuroNotifications"];
/// What is public, as it was last agreed on.
pub(crate) const API: &str = "ios/api.txt";
const RENEW: &str = "read what has changed, run `cargo xtask swift --renew-api` and commit what it writes";

/// Of `swiftc -print-target-info`.
#[derive(Deserialize)]
pub(super) struct TargetInfo {
    pub(super) target: Target,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    pub(super) unversioned_triple: String,
}

/// Fails where what is public is not what `ios/api.txt` says, or not documented.
pub(super) fn check(workspace: &Workspace, symbols: &Path) -> Result<(), Failure> {
    let fresh = surface(workspace, symbols)?;
    let agreed = workspace.read(API)?;
    if fresh == agreed {
        return Ok(());
    }
    for line in difference(&agreed, &fresh) {
        println!("{line}");
    }
    Err(Failure::Check(format!("{API} is not what is public in Swift: {RENEW}")))
}

/// Writes what is public.
pub(super) fn renew(workspace: &Workspace, symbols: &Path) -> Result<(), Failure> {
    let file = workspace.root().join(API);
    fs::write(&file, surface(workspace, symbols)?).map_err(|source| Failure::io(&file, source))
}

/// What is public, as text.
fn surface(workspace: &Workspace, symbols: &Path) -> Result<String, Failure> {
    let mut types = Types::default();
    for module in MODULES {
        let text = read(&symbols.join(format!("{module}.symbols.json")))?;
        let graph: Graph = serde_json::from_str(&text).map_err(|error| Failure::malformed(module, error))?;
        types.add(&graph);
    }
    for module in MODULES {
        apple::add(&mut types, &workspace.root().join("ios/Sources").join(module))?;
    }
    let undocumented = types.without_docs();
    if !undocumented.is_empty() {
        return Err(Failure::Check(format!(
            "public in Swift and not documented: {}",
            undocumented.join(", ")
        )));
    }
    let text = types.text();
    // The compiler sees to it, as no public source imports the generated module openly.
    match text.lines().find(|line| line.contains("FFI")) {
        None => Ok(text),
        Some(line) => Err(Failure::Check(format!(
            "a generated name is public in Swift: {}",
            line.trim()
        ))),
    }
}

/// Lines that only one of the two has, with their type.
fn difference(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (qualified(old), qualified(new));
    let gone = old.difference(&new).map(|line| format!("- {line}"));
    let come = new.difference(&old).map(|line| format!("+ {line}"));
    gone.chain(come).collect()
}

fn qualified(text: &str) -> BTreeSet<String> {
    let mut owner = "";
    let mut lines = BTreeSet::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("    ") {
            Some(member) => lines.insert(format!("{owner}: {member}")),
            None => {
                owner = line;
                lines.insert(line.to_owned())
            }
        };
    }
    lines
}

/// Public types with their members, and what belongs to none.
#[derive(Default)]
pub(super) struct Types {
    /// By name: how it is declared (none where only members are known), and its members.
    types: BTreeMap<String, (Option<String>, BTreeSet<String>)>,
    free: BTreeSet<String>,
    undocumented: BTreeSet<String>,
}

impl Types {
    pub(super) fn declare(&mut self, name: &str, declaration: String) {
        self.types.entry(name.to_owned()).or_default().0 = Some(declaration);
    }

    pub(super) fn member(&mut self, owner: &str, declaration: String) {
        self.types.entry(owner.to_owned()).or_default().1.insert(declaration);
    }

    pub(super) fn undocumented(&mut self, name: String) {
        self.undocumented.insert(name);
    }

    fn add(&mut self, graph: &Graph) {
        for symbol in &graph.symbols {
            // What the compiler makes of a conformance is said by the conformance.
            if symbol.identifier.precise.contains("::SYNTHESIZED::") {
                continue;
            }
            let path = symbol.path_components.join(".");
            if symbol.doc_comment.is_none() {
                self.undocumented.insert(path.clone());
            }
            let declared = symbol.declared();
            let is_type = matches!(
                symbol.kind.identifier.as_str(),
                "swift.class" | "swift.struct" | "swift.enum" | "swift.protocol"
            );
            match symbol.path_components.as_slice() {
                _ if is_type => {
                    let name = symbol.path_components.last().map_or("", String::as_str);
                    let declared = declared.replacen(name, &path, 1);
                    self.declare(&path, format!("{declared}{}", graph.conformances(symbol)));
                }
                [owners @ .., _] if !owners.is_empty() => self.member(&owners.join("."), declared),
                _ => {
                    self.free.insert(declared);
                }
            }
        }
    }

    /// What is public and not documented.
    pub(super) fn without_docs(&self) -> Vec<&str> {
        self.undocumented.iter().map(String::as_str).collect()
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (name, (declared, members)) in &self.types {
            let extended = format!("extension {name}");
            text.push_str(declared.as_ref().unwrap_or(&extended));
            text.push('\n');
            for member in members {
                text.push_str("    ");
                text.push_str(member);
                text.push('\n');
            }
            text.push('\n');
        }
        for declared in &self.free {
            text.push_str(declared);
            text.push('\n');
        }
        text
    }
}

/// What a type conforms to because it conforms to something else, or because all types do.
const IMPLIED: [(&str, &str); 8] = [
    ("", "BitwiseCopyable"),
    ("", "Copyable"),
    ("", "Escapable"),
    ("", "SendableMetatype"),
    ("Hashable", "Equatable"),
    ("Redacted", "CustomDebugStringConvertible"),
    ("Redacted", "CustomReflectable"),
    ("Redacted", "CustomStringConvertible"),
];

/// The part of a symbol graph that matters here.
#[derive(Deserialize)]
struct Graph {
    symbols: Vec<Symbol>,
    relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Symbol {
    kind: Identifier,
    identifier: Precise,
    path_components: Vec<String>,
    doc_comment: Option<serde::de::IgnoredAny>,
    declaration_fragments: Vec<Fragment>,
}

#[derive(Deserialize)]
struct Identifier {
    identifier: String,
}

#[derive(Deserialize)]
struct Precise {
    precise: String,
}

#[derive(Deserialize)]
struct Fragment {
    spelling: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    kind: String,
    source: String,
    target: String,
    target_fallback: Option<String>,
}

impl Symbol {
    /// As it stands in the sources, with defaults.
    fn declared(&self) -> String {
        let fragments = self.declaration_fragments.iter();
        let spelt: String = fragments.map(|fragment| fragment.spelling.as_str()).collect();
        let words = spelt.split_whitespace().filter(|word| *word != "@discardableResult");
        words.collect::<Vec<_>>().join(" ")
    }
}

impl Graph {
    /// What a type conforms to, without what follows from the rest or from the language. A protocol is declared with it.
    fn conformances(&self, symbol: &Symbol) -> String {
        if symbol.kind.identifier == "swift.protocol" {
            return String::new();
        }
        let of_type = |relationship: &&Relationship| {
            relationship.kind == "conformsTo" && relationship.source == symbol.identifier.precise
        };
        let all: BTreeSet<_> = self
            .relationships
            .iter()
            .filter(of_type)
            .map(|one| self.name(one))
            .collect();
        let follows = |name: &str| {
            IMPLIED
                .iter()
                .any(|(by, implied)| *implied == name && (by.is_empty() || all.contains(*by)))
        };
        let names: Vec<_> = all.iter().map(String::as_str).filter(|name| !follows(name)).collect();
        match names.as_slice() {
            [] => String::new(),
            names => format!(": {}", names.join(", ")),
        }
    }

    fn name(&self, relationship: &Relationship) -> String {
        let own = self
            .symbols
            .iter()
            .find(|symbol| symbol.identifier.precise == relationship.target);
        match (own, &relationship.target_fallback) {
            (Some(symbol), _) => symbol.path_components.join("."),
            (None, Some(name)) => name.split_once('.').map_or(name.as_str(), |(_, name)| name).to_owned(),
            (None, None) => relationship.target.clone(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn symbol(kind: &str, precise: &str, path: &str, fragments: &str, documented: bool) -> String {
        let path: Vec<_> = path.split('.').map(|part| format!("{part:?}")).collect();
        let fragments: Vec<_> = fragments
            .split('|')
            .map(|part| format!(r#"{{"kind":"text","spelling":{part:?}}}"#))
            .collect();
        let docs = if documented {
            r#""docComment":{"lines":[]},"#
        } else {
            ""
        };
        format!(
            r#"{{"kind":{{"identifier":"swift.{kind}"}},"identifier":{{"precise":"{precise}"}},"pathComponents":[{}],{docs}
            "declarationFragments":[{}]}}"#,
            path.join(","),
            fragments.join(",")
        )
    }

    fn types(symbols: &[String]) -> Types {
        let graph = format!(
            r#"{{"symbols":[{}],"relationships":[
            {{"kind":"conformsTo","source":"page","target":"h","targetFallback":"Swift.Hashable"}},
            {{"kind":"conformsTo","source":"page","target":"e","targetFallback":"Swift.Equatable"}},
            {{"kind":"memberOf","source":"items","target":"page"}}]}}"#,
            symbols.join(",")
        );
        let mut types = Types::default();
        types.add(&serde_json::from_str(&graph).unwrap());
        types
    }

    #[test]
    fn types_stand_with_their_members_and_defaults() {
        let types = types(&[
            symbol("struct", "page", "Page", "struct| Page", true),
            symbol("property", "items", "Page.items", "let| items: [Item]", true),
            symbol(
                "method",
                "s",
                "Page.first(of:)",
                "@discardableResult| func| first(of: Int = 50)\n -> Item",
                true,
            ),
            symbol("struct", "inner", "Page.Iterator", "struct| Iterator", true),
            symbol("func", "free", "configure(_:)", "func| configure(_ with: Int)", true),
            symbol(
                "method",
                "s::SYNTHESIZED::page",
                "Page.==(_:_:)",
                "static func| ==",
                false,
            ),
        ]);
        assert_eq!(
            types.text(),
            "struct Page: Hashable\n    func first(of: Int = 50) -> Item\n    let items: [Item]\n\n\
             struct Page.Iterator\n\nfunc configure(_ with: Int)\n"
        );
        assert!(types.without_docs().is_empty());
    }

    #[test]
    fn what_nobody_has_documented_is_named() {
        let types = types(&[symbol("property", "items", "Page.items", "let| items: [Item]", false)]);
        assert_eq!(types.without_docs(), ["Page.items"]);
    }

    #[test]
    fn a_difference_is_told_with_its_type() {
        let old = "struct Page\n    let items: [Item]\n\nstruct Item\n    let items: [Item]\n";
        let new = "struct Page\n    let items: [Item]\n\nstruct Item\n    let item: Item\n";
        assert_eq!(
            difference(old, new),
            ["- struct Item: let items: [Item]", "+ struct Item: let item: Item"]
        );
    }
}
