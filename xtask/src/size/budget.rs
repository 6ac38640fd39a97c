//! How large the library may be: `policy/size.toml`.

use std::env::consts::{ARCH, OS};

use serde::Deserialize;

use crate::failure::Failure;

/// What a library for one platform may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budget {
    target: String,
    /// Of the stripped library.
    pub(super) bytes: u64,
    /// What the number comes from.
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "library")]
    budgets: Vec<Budget>,
}

impl Budget {
    /// That of the machine we run on.
    pub(super) fn of_this_machine(text: &str) -> Result<Self, Failure> {
        Self::of(text, &format!("{ARCH}-{OS}"))
    }

    fn of(text: &str, target: &str) -> Result<Self, Failure> {
        let file: File = toml::from_str(text).map_err(|error| Failure::malformed(super::BUDGETS, error))?;
        if file.budgets.iter().any(|budget| budget.why.trim().is_empty()) {
            return Err(Failure::malformed(super::BUDGETS, "a budget without a reason"));
        }
        let found = file.budgets.into_iter().find(|budget| budget.target == target);
        found.ok_or_else(|| Failure::malformed(super::BUDGETS, format!("no budget for {target}")))
    }

    /// Fails over it.
    pub(super) fn check(&self, bytes: u64) -> Result<(), Failure> {
        if bytes <= self.bytes {
            println!("{bytes} of {} bytes for {}", self.bytes, self.target);
            return Ok(());
        }
        Err(Failure::Check(format!(
            "the library for {} has {bytes} bytes, {} more than {} allows: {}",
            self.target,
            bytes - self.bytes,
            super::BUDGETS,
            self.why
        )))
    }
}

/// A quotient with three digits behind the point.
#[expect(clippy::cast_precision_loss, reason = "sizes of files are far below 2^53")]
pub(super) fn thousandths(one: u64, other: u64) -> f64 {
    (one as f64 / other.max(1) as f64 * 1000.0).round() / 1000.0
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    const TEXT: &str = "[[library]]\ntarget = \"a-b\"\nbytes = 100\nwhy = \"measured\"\n";

    #[test]
    fn a_byte_over_the_budget_is_a_failure() {
        let budget = Budget::of(TEXT, "a-b").unwrap();
        budget.check(100).unwrap();
        let failure = budget.check(103).unwrap_err().to_string();
        assert!(
            failure.contains("3 more than policy/size.toml allows: measured"),
            "{failure}"
        );
    }

    #[test]
    fn a_budget_is_for_one_platform_and_has_a_reason() {
        assert!(Budget::of(TEXT, "a-c").is_err());
        assert!(Budget::of(&TEXT.replace("measured", " "), "a-b").is_err());
        assert!(Budget::of(&TEXT.replace("why", "because"), "a-b").is_err());
    }

    #[test]
    fn ci_has_a_budget() {
        let text = Workspace::find().unwrap().read(super::super::BUDGETS).unwrap();
        assert!(Budget::of(&text, "x86_64-linux").unwrap().bytes > 0);
    }

    #[test]
    fn quotients_are_short() {
        assert_eq!(thousandths(2, 3), 0.667);
        assert_eq!(thousandths(1, 0), 1.0);
    }
}
