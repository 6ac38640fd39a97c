//! One HTML page: what was played and how it ended, and of what failed a timeline, each side's view, and the logs. It
//! needs no other file, no script and no network, and whatever it quotes is escaped.

use std::fmt::Write as _;

use crate::play::{Event, Outcome, Played};
use crate::run::Summary;

const STYLE: &str = "
:root { color-scheme: light dark }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.15rem; margin-top: 2.5rem }
table { border-collapse: collapse; width: 100% } td, th { border-bottom: 1px solid #8884; padding: .3rem .6rem; text-align: left; vertical-align: top }
pre { background: #8881; border-radius: 4px; max-height: 32rem; overflow: auto; padding: .7rem; white-space: pre-wrap; overflow-wrap: anywhere }
.mix { border-radius: 4px; display: inline-block; margin: 1px; padding: 0 .45rem; white-space: nowrap }
.passed { background: #1a7f3733 } .failed { background: #cf222e44 } .skipped { background: #9a670044 }
.num { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap }
.sides { display: flex; flex-wrap: wrap; gap: 1rem } .sides > div { flex: 1 1 22rem; min-width: 0 }
code { overflow-wrap: anywhere }
";

/// The page.
pub fn html(summary: &Summary) -> String {
    let mut page = String::from("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
    );
    page.push_str("<meta name=\"viewport\" content=\"width=device-width\"><title>Curo QA</title><style>");
    page.push_str(STYLE);
    page.push_str("</style></head><body><h1>Curo QA</h1>\n");
    let passed = summary.count(|outcome| *outcome == Outcome::Passed);
    let failed = summary.count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = summary.count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    put(
        &mut page,
        format_args!(
            "<p>{} plays in {:.1} s: <b>{passed} passed</b>, <b>{failed} failed</b>, <b>{skipped} not played</b></p>\n",
            summary.plays.len(),
            summary.took.as_secs_f64()
        ),
    );
    matrix(&mut page, summary);
    for (number, play) in summary.plays.iter().enumerate() {
        if matches!(play.outcome, Outcome::Failed(_)) {
            failure(&mut page, number, play);
        }
    }
    page.push_str("</body></html>\n");
    page
}

/// A row for each scenario, a field for each mix of platforms.
fn matrix(page: &mut String, summary: &Summary) {
    page.push_str(
        "<table><thead><tr><th>scenario</th><th>what it shows</th><th>actors on platforms</th></tr></thead><tbody>\n",
    );
    let mut number = 0;
    for plays in summary.plays.chunk_by(|one, other| one.scenario == other.scenario) {
        let Some(first) = plays.first() else { continue };
        let (name, title) = (escape(&first.scenario), escape(&first.title));
        put(
            page,
            format_args!("<tr><td><code>{name}</code></td><td>{title}</td><td>"),
        );
        for play in plays {
            let (class, sign, tip) = match &play.outcome {
                Outcome::Passed => ("passed", "\u{2713}", String::new()),
                Outcome::Failed(reason) => ("failed", "\u{2717}", escape(reason)),
                Outcome::Skipped(reason) => ("skipped", "\u{2013}", escape(reason)),
            };
            let who = play
                .actors
                .iter()
                .zip(&play.mix.0)
                .map(|(actor, platform)| format!("{actor}={platform}"));
            let text = escape(&who.collect::<Vec<_>>().join(" "));
            let seconds = play.took.as_secs_f64();
            let shown = format!("<span class=\"mix {class}\" title=\"{tip}\">{sign} {text} {seconds:.1} s</span>");
            match &play.outcome {
                Outcome::Failed(_) => put(page, format_args!("<a href=\"#play-{number}\">{shown}</a> ")),
                Outcome::Skipped(_) => put(page, format_args!("{shown} {tip} ")),
                Outcome::Passed => put(page, format_args!("{shown} ")),
            }
            number += 1;
        }
        page.push_str("</td></tr>\n");
    }
    page.push_str("</tbody></table>\n");
}

fn failure(page: &mut String, number: usize, play: &Played) {
    let Outcome::Failed(reason) = &play.outcome else { return };
    let (name, mix) = (escape(&play.scenario), escape(&play.mix.to_string()));
    put(
        page,
        format_args!(
            "<h2 id=\"play-{number}\">{name} ({mix})</h2>\n<p class=\"failed\">{}</p>\n",
            escape(reason)
        ),
    );
    page.push_str(
        "<h3>Timeline</h3><table><thead><tr><th>from</th><th>took</th><th>line</th><th>step</th></tr></thead><tbody>\n",
    );
    for event in &play.events {
        row(page, event);
    }
    page.push_str("</tbody></table>\n<h3>What each side saw at the end</h3><div class=\"sides\">\n");
    for view in &play.views {
        let (who, platform) = (escape(&view.who), escape(&view.platform));
        put(
            page,
            format_args!(
                "<div><h4>{who} ({platform})</h4><pre>{}</pre></div>\n",
                escape(&view.text)
            ),
        );
    }
    page.push_str("</div>\n<h3>Logs</h3>\n");
    for view in &play.views {
        attach(
            page,
            &format!("{}: requests, answers, log of the core", view.who),
            &view.log,
        );
    }
    attach(page, "relay", &play.relay_log);
}

fn row(page: &mut String, event: &Event) {
    let class = if event.trouble.is_some() {
        " class=\"failed\""
    } else {
        ""
    };
    let took = event.to.saturating_sub(event.from).as_secs_f64();
    put(
        page,
        format_args!(
            "<tr{class}><td class=\"num\">{:.2} s</td><td class=\"num\">{took:.2} s</td><td class=\"num\">{}</td><td><code>{}</code>",
            event.from.as_secs_f64(),
            event.line,
            escape(&event.text)
        ),
    );
    if let Some(trouble) = &event.trouble {
        put(page, format_args!("<br>{}", escape(trouble)));
    }
    page.push_str("</td></tr>\n");
}

fn attach(page: &mut String, name: &str, text: &str) {
    put(
        page,
        format_args!(
            "<details><summary>{}</summary><pre>{}</pre></details>\n",
            escape(name),
            escape(text)
        ),
    );
}

fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    // A string takes all that is written to it.
    let _ = page.write_fmt(text);
}

/// Text as HTML, in content and in attributes. Control characters become visible.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            // What turns the direction of a line could make the page lie about what was said.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                put(&mut escaped, format_args!("\\u{{{:x}}}", u32::from(c)))
            }
            c if c.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            c => escaped.push(c),
        }
    }
    escaped
}
