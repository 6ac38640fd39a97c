//! The demo from outside: wrong scripts, plays, and the program itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod plays;
mod program;
mod wrong_scripts;

/// A script of three people with these steps.
pub(crate) fn script(steps: &str) -> String {
    let people = "title: t\npeople:\n  - { name: Ana, role: nurse, subject: ana }\n  \
                  - { name: Ben, role: patient, subject: ben }\n  - { name: Cleo, role: physician, subject: cleo }\nsteps:\n";
    format!("{people}{steps}")
}
