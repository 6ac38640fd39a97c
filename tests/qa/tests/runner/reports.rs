//! What a run leaves behind.

use std::time::Duration;

use curo_qa::{Event, Mix, Outcome, Played, Summary, View, html, junit};

const HOSTILE: &str = "</pre><script src=\"https://evil.example/x.js\">alert('1')</script> & \u{202e}\u{1b}[2J";

fn played(scenario: &str, outcome: Outcome) -> Played {
    let text = || format!("{HOSTILE} {scenario}");
    Played {
        scenario: scenario.to_owned(),
        title: text(),
        mix: Mix(vec!["rust".to_owned(), "swift".to_owned()]),
        actors: vec!["ana".to_owned(), "ben".to_owned()],
        outcome,
        took: Duration::from_millis(1234),
        events: vec![Event {
            from: Duration::ZERO,
            to: Duration::from_secs(1),
            line: 7,
            text: text(),
            trouble: Some(text()),
        }],
        views: vec![View {
            who: "ana".to_owned(),
            platform: "rust".to_owned(),
            text: text(),
            log: text(),
        }],
        relay_log: text(),
    }
}

fn summary(strict: bool) -> Summary {
    Summary {
        plays: vec![
            played("good", Outcome::Passed),
            played("bad", Outcome::Failed(format!("line 7: {HOSTILE}"))),
            played("none", Outcome::Skipped(HOSTILE.to_owned())),
        ],
        took: Duration::from_secs(3),
        strict,
    }
}

#[test]
fn the_page_needs_nothing_else_and_quotes_nothing_as_it_is() {
    let page = html(&summary(false));
    for forbidden in [
        "<script",
        "src=\"",
        "href=\"http",
        "url(",
        "@import",
        "\u{202e}",
        "\u{1b}",
    ] {
        assert!(!page.contains(forbidden), "{forbidden:?}");
    }
    assert!(page.contains("&lt;script src=&quot;https://evil.example/x.js&quot;&gt;alert(&#39;1&#39;)"));
    for shown in [
        "1 passed",
        "1 failed",
        "1 not played",
        "ana=rust ben=swift",
        "href=\"#play-1\"",
        "id=\"play-1\"",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains("id=\"play-0\""), "what passed has no timeline");
}

#[test]
fn junit_has_every_play_and_is_well_formed() {
    let text = junit(&summary(false)).unwrap();
    let report = quick_junit::Report::deserialize_from_str(&text).unwrap();
    assert_eq!((report.tests, report.failures), (3, 1));
    let strict = junit(&summary(true)).unwrap();
    assert_eq!(quick_junit::Report::deserialize_from_str(&strict).unwrap().failures, 2);
}

#[test]
fn what_cannot_be_played_fails_only_where_everything_must_be() {
    let skipped = |strict| Summary {
        plays: vec![
            played("good", Outcome::Passed),
            played("none", Outcome::Skipped("no disk".to_owned())),
        ],
        ..summary(strict)
    };
    assert!(skipped(false).holds());
    assert!(!skipped(true).holds());
    assert!(!summary(false).holds());
    let nothing = Summary {
        plays: Vec::new(),
        ..summary(false)
    };
    assert!(!nothing.holds());
}
