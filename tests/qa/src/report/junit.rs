//! JUnit XML: a suite for each scenario, a case for each mix of platforms.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::error::Broken;
use crate::play::{Outcome, Played};
use crate::run::Summary;

/// The whole run as JUnit XML.
///
/// # Errors
/// [`Broken`] if it cannot be written.
pub fn junit(summary: &Summary) -> Result<String, Broken> {
    let mut report = Report::new("curo-qa");
    report.set_time(summary.took);
    for plays in summary.plays.chunk_by(|one, other| one.scenario == other.scenario) {
        let Some(first) = plays.first() else { continue };
        let mut suite = TestSuite::new(first.scenario.as_str());
        suite.set_time(plays.iter().map(|play| play.took).sum());
        for play in plays {
            suite.add_test_case(case(play, summary.strict));
        }
        report.add_test_suite(suite);
    }
    report.to_string().map_err(Broken::any)
}

fn case(play: &Played, strict: bool) -> TestCase {
    let status = match &play.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Skipped(reason) if !strict => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
        Outcome::Failed(reason) | Outcome::Skipped(reason) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(reason.as_str());
            status
        }
    };
    let mut case = TestCase::new(play.mix.to_string(), status);
    case.set_classname(play.scenario.as_str());
    case.set_time(play.took);
    if matches!(play.outcome, Outcome::Failed(_)) {
        let views = play
            .views
            .iter()
            .map(|view| format!("== {} ({})\n{}\n", view.who, view.platform, view.text));
        case.set_system_out(views.collect::<String>());
    }
    case
}
