//! The documentation of the library as pages, made by dokka from the sources. Knows what dokka says, and what of it is a fault.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::{kotlin, run};

use super::{Layout, fresh};

/// Members that every value has and that say what they say everywhere; nobody documents them one by one.
const SELF_EVIDENT: [&str; 3] = ["/equals/#kotlin.Any?/", "/hashCode/#/", "/toString/#/"];

/// Makes the pages anew; the folder they lie in. What is public and not documented is a fault, and so is all else that dokka
/// warns of.
pub(super) fn build(layout: &Layout) -> Result<PathBuf, Failure> {
    let pages = layout.target.join("docs/pages");
    fresh(&pages)?;
    let mut maven = kotlin::maven(&layout.sources.join("docs"));
    maven.arg("package");
    let mut dokka = Dokka::default();
    run::run_lines(&mut maven, |line| dokka.hear(line))?;
    if !dokka.begun {
        return Err(Failure::Check("dokka was not heard to begin".to_owned()));
    }
    if !dokka.faults.is_empty() {
        return Err(Failure::Check(format!("dokka says:\n{}", dokka.faults.join("\n"))));
    }
    match pages.join("index.html").is_file() {
        true => Ok(pages),
        false => Err(Failure::Check(format!(
            "dokka has made no pages in {}",
            pages.display()
        ))),
    }
}

/// What dokka has said until now.
#[derive(Default)]
struct Dokka {
    begun: bool,
    faults: Vec<String>,
}

impl Dokka {
    /// Takes a line of Maven's output. What it says before dokka begins, of the network for instance, is not dokka's.
    fn hear(&mut self, line: &str) {
        self.begun |= line.contains("Dokka is performing");
        if !self.begun {
            if line.starts_with("[ERROR]") {
                println!("{line}");
            }
            return;
        }
        let told = line
            .strip_prefix("[WARNING] ")
            .or_else(|| line.strip_prefix("[ERROR] "));
        if let Some(told) = told
            && !is_self_evident(told)
        {
            println!("{line}");
            self.faults.push(told.to_owned());
        }
    }
}

fn is_self_evident(told: &str) -> bool {
    told.starts_with("Undocumented: ") && SELF_EVIDENT.iter().any(|member| told.contains(member))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(output: &str) -> Vec<String> {
        let mut dokka = Dokka::default();
        output.lines().for_each(|line| dokka.hear(line));
        dokka.faults
    }

    #[test]
    fn what_is_public_and_undocumented_is_a_fault() {
        let output = "[INFO] Dokka is performing: documentation for Curo\n\
            [WARNING] Undocumented: health.curo/Account/equals/#kotlin.Any?/ (JVM)\n\
            [WARNING] Undocumented: health.curo/Account/hashCode/#/ (JVM)\n\
            [WARNING] Undocumented: health.curo/ConversationId/toString/#/ (JVM)\n\
            [WARNING] Undocumented: health.curo/Client.Companion/ (JVM)\n\
            [INFO] BUILD SUCCESS";
        assert_eq!(faults(output), ["Undocumented: health.curo/Client.Companion/ (JVM)"]);
    }

    #[test]
    fn whatever_else_dokka_says_is_a_fault_even_of_such_a_member() {
        let output = "[INFO] Dokka is performing: documentation for Curo\n\
            [WARNING] Couldn't resolve link for health.curo/Account/equals/#kotlin.Any?/\n\
            [ERROR] Could not generate pages";
        assert_eq!(faults(output).len(), 2);
    }

    #[test]
    fn what_maven_says_before_is_not_dokkas() {
        assert_eq!(
            faults("[WARNING] a repository did not answer\n[INFO] Dokka is performing"),
            [""; 0]
        );
    }
}
