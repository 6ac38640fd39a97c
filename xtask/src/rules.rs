//! `cargo xtask rules`: every numbered rule of `docs/protocol.md` beside the tests that name it. Knows Rust tests and the
//! page's two ways of numbering: a paragraph that begins with a bold number, a table row that begins with one.
//!
//! A test names rules in its name: `p4_3_…` proves rule 4.3. Sections 2 (2.1 to 2.8) to 9 hold rules; the
//! numbers above are formats and calls, whose tests may be named after them too.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::workspace::{Workspace, read};

const PAGE: &str = "docs/protocol.md";
/// What the page says of a rule that is decided and not built.
const NOT_BUILT: [&str; 2] = ["not in this version", "not yet"];

type Number = (u32, u32);

#[derive(Default)]
struct Rule {
    not_built: bool,
    tests: Vec<String>,
}

/// Prints the table; fails if a rule that is built has no test, or if the page's numbers have a hole.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let mut rules = rules(&read(&workspace.root().join(PAGE))?);
    let mut tests = Vec::new();
    collect(workspace.root(), &mut tests)?;
    for (number, name) in tests {
        if let Some(rule) = rules.get_mut(&number) {
            rule.tests.push(name);
        }
    }
    let problems = report(&rules);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::Check(problems.join("; ")))
    }
}

fn report(rules: &BTreeMap<Number, Rule>) -> Vec<String> {
    let (mut problems, mut not_built, mut before) = (Vec::new(), 0, (0, 0));
    for (&(section, number), rule) in rules {
        let next = if section == before.0 { before.1 + 1 } else { 1 };
        for missing in next..number {
            problems.push(format!("{PAGE} has no rule {section}.{missing}"));
        }
        before = (section, number);
        not_built += u32::from(rule.not_built);
        let first = rule.tests.first().map_or("", String::as_str);
        let more = match rule.tests.len() {
            0 if rule.not_built => "not in this version".to_owned(),
            0 => "NO TEST".to_owned(),
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        println!("{section}.{number:<3} {first}{more}");
        if rule.tests.is_empty() && !rule.not_built {
            problems.push(format!("rule {section}.{number} has no test"));
        }
    }
    if rules.is_empty() {
        problems.push(format!("{PAGE} has no rules"));
    }
    println!("rules: {}, of which {not_built} are not in this version", rules.len());
    problems
}

/// The rules of the page.
fn rules(page: &str) -> BTreeMap<Number, Rule> {
    let mut rules = BTreeMap::<Number, Rule>::new();
    let mut paragraph: Vec<Number> = Vec::new();
    for line in page.lines() {
        let numbers = if let Some(rest) = line.strip_prefix("**") {
            rest.split_once("**").map_or_else(Vec::new, |(bold, _)| leading(bold))
        } else if let Some(rest) = line.strip_prefix("| ") {
            rest.split_once('|')
                .filter(|(cell, _)| cell.split(' ').nth(1) != Some("to"))
                .map_or_else(Vec::new, |(cell, _)| leading(cell))
        } else {
            Vec::new()
        };
        if !numbers.is_empty() {
            paragraph = numbers;
            for number in &paragraph {
                rules.entry(*number).or_default();
            }
        } else if line.is_empty() || line.starts_with('#') {
            paragraph.clear();
        }
        if NOT_BUILT.iter().any(|mark| line.contains(mark)) {
            for number in &paragraph {
                rules.entry(*number).or_default().not_built = true;
            }
        }
    }
    rules.retain(|&(section, number), _| (3..=9).contains(&section) || (section == 2 && number <= 8));
    rules
}

/// The numbers that a text begins with: `3.1 Order`, `5.5, 5.6`.
fn leading(text: &str) -> Vec<Number> {
    let mut numbers = Vec::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        let parsed = word
            .trim_end_matches('.')
            .split_once('.')
            .and_then(|(section, number)| Some((section.parse().ok()?, number.parse().ok()?)));
        match parsed {
            Some(number) => numbers.push(number),
            None => break,
        }
    }
    numbers
}

fn collect(folder: &Path, tests: &mut Vec<(Number, String)>) -> Result<(), Failure> {
    let failure = |source| Failure::Read {
        path: folder.to_path_buf(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(failure)? {
        let entry = entry.map_err(failure)?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let kind = entry.file_type().map_err(failure)?;
        if kind.is_dir() && name != "target" && !name.starts_with('.') {
            collect(&path, tests)?;
        } else if kind.is_file() && name.ends_with(".rs") {
            tests.extend(named(&read(&path)?));
        }
    }
    tests.sort();
    Ok(())
}

/// The functions of a source file whose names name rules. Compilers warn of those that nothing calls, so each is a test
/// or, in a conformance suite, called by one.
fn named(source: &str) -> Vec<(Number, String)> {
    let mut found = Vec::new();
    for line in source.lines() {
        let Some((before, rest)) = line.split_once("fn ") else {
            continue;
        };
        let declares = before.split_whitespace().all(|word| word == "pub" || word == "async");
        let name = rest.split(['(', '<']).next().unwrap_or_default();
        if !declares {
            continue;
        }
        let words: Vec<_> = name.split('_').collect();
        for pair in words.windows(2) {
            if let [section, rule] = pair
                && let Some(section) = section.strip_prefix('p').and_then(|digits| digits.parse().ok())
                && let Ok(rule) = rule.parse()
            {
                found.push(((section, rule), name.to_owned()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "| 2.9 to 2.18 | formats |\n\n| 2.1 | a |\n\n**3.1 Order.** x\nmore\n\n**3.2, 3.4** two\n\n\
                        **3.3** later: *not in this\n\n**3.5** *not in this version.*\n| 6.1 leaving | not yet |\n**10.1** no";

    #[test]
    fn rules_are_found_in_paragraphs_and_tables() {
        let rules = rules(PAGE);
        let numbers: Vec<_> = rules.keys().copied().collect();
        assert_eq!(numbers, [(2, 1), (3, 1), (3, 2), (3, 3), (3, 4), (3, 5), (6, 1)]);
        let later: Vec<_> = rules
            .iter()
            .filter(|(_, rule)| rule.not_built)
            .map(|(n, _)| *n)
            .collect();
        assert_eq!(later, [(3, 5), (6, 1)]);
    }

    #[test]
    fn every_number_in_a_functions_name_counts() {
        let source = "async fn p3_1_x() {}\n    pub async fn p4_10_p2_1_y(w: &World) {}\nfn trap_p5_5_z() {}\n\
                      fn p4_unnumbered() {}\nlet s = \"fn p7_1_text() \";";
        let found: Vec<_> = named(source).into_iter().map(|(number, _)| number).collect();
        assert_eq!(found, [(3, 1), (4, 10), (2, 1), (5, 5)]);
    }

    #[test]
    fn a_rule_without_test_and_a_hole_are_problems() {
        let mut rules = rules(PAGE);
        for rule in rules.values_mut() {
            rule.tests.push("p".to_owned());
        }
        assert!(report(&rules).is_empty());
        rules.remove(&(3, 3));
        if let Some(rule) = rules.get_mut(&(2, 1)) {
            rule.tests.clear();
        }
        if let Some(rule) = rules.get_mut(&(6, 1)) {
            rule.tests.clear();
        }
        assert_eq!(
            report(&rules),
            ["rule 2.1 has no test", "docs/protocol.md has no rule 3.3"]
        );
    }
}
