//! What people see: lines of at most 100 columns, with the time since the start. Colours only where the caller says that
//! a terminal is at the other end. Control characters of a script never reach it.

use std::io::{self, Write};
use std::time::Instant;

const WIDTH: usize = 100;
/// Where the text of a timed line begins.
const INDENT: usize = 10;

/// Where the demo writes to.
pub struct Output<'a> {
    to: &'a mut (dyn Write + Send),
    colours: bool,
    started: Instant,
}

#[derive(Clone, Copy)]
enum Style {
    Plain,
    Strong,
    Dim,
    Good,
    Bad,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Bad => "\x1b[31m",
        }
    }
}

impl<'a> Output<'a> {
    /// Writes to `to`, with colours or plain.
    pub fn new(to: &'a mut (dyn Write + Send), colours: bool) -> Self {
        Self {
            to,
            colours,
            started: Instant::now(),
        }
    }

    /// Seconds since the start.
    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    pub(crate) fn heading(&mut self, text: &str) -> io::Result<()> {
        let text = clean(text);
        writeln!(self.to)?;
        self.put(Style::Strong, &text)?;
        let rule = "-".repeat(text.chars().count().min(WIDTH));
        self.put(Style::Dim, &rule)
    }

    /// Something happens now.
    pub(crate) fn step(&mut self, text: &str) -> io::Result<()> {
        let time = format!("{:>7.2}s  ", self.seconds());
        self.wrapped(Style::Plain, &time, INDENT + 2, text)
    }

    /// What came of it.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        self.wrapped(Style::Dim, &" ".repeat(INDENT + 2), INDENT + 4, text)
    }

    pub(crate) fn say(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.to)?;
        self.wrapped(Style::Strong, "* ", 2, text)
    }

    pub(crate) fn good(&mut self, text: &str) -> io::Result<()> {
        self.wrapped(Style::Good, "    ok    ", INDENT, text)
    }

    pub(crate) fn bad(&mut self, text: &str) -> io::Result<()> {
        self.wrapped(Style::Bad, "    FAIL  ", INDENT, text)
    }

    /// A line without time: `lead` stands before the first line, the others are indented.
    pub(crate) fn line(&mut self, lead: &str, text: &str) -> io::Result<()> {
        self.wrapped(Style::Plain, lead, lead.chars().count(), text)
    }

    fn wrapped(&mut self, style: Style, lead: &str, indent: usize, text: &str) -> io::Result<()> {
        for line in wrap(lead, indent, &clean(text)) {
            self.put(style, &line)?;
        }
        self.to.flush()
    }

    fn put(&mut self, style: Style, line: &str) -> io::Result<()> {
        match style.code() {
            code if self.colours && !code.is_empty() => writeln!(self.to, "{code}{line}\x1b[0m"),
            _ => writeln!(self.to, "{line}"),
        }
    }
}

impl std::fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Output")
    }
}

/// Control characters, escape sequences among them, become visible and harmless.
fn clean(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

fn wrap(lead: &str, indent: usize, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = lead.to_owned();
    let mut empty = true;
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        let used = line.chars().count();
        if !empty && used + 1 + word.len() > WIDTH {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        // A word that is longer than a line is cut.
        loop {
            let room = WIDTH.saturating_sub(line.chars().count()).max(1);
            let rest = word.split_off(word.len().min(room));
            line.extend(word);
            word = rest;
            if word.is_empty() {
                break;
            }
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
        }
        empty = false;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_longer_than_100_columns_and_nothing_is_lost() {
        let long = format!("{} {} end", "word ".repeat(60), "x".repeat(250));
        let lines = wrap("   1.00s  ", 12, &long);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        assert_eq!(letters(&lines.concat()), format!("1.00s{}", letters(&long)));
    }

    #[test]
    fn escape_sequences_of_a_script_never_reach_the_terminal() {
        let mut written = Vec::new();
        Output::new(&mut written, false).say("a\x1b[2Jb\u{9b}c\nd").unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), "\n* a\u{fffd}[2Jb\u{fffd}c d\n");
    }

    #[test]
    fn colours_come_only_when_asked_for() {
        for colours in [false, true] {
            let mut written = Vec::new();
            Output::new(&mut written, colours).good("fine").unwrap();
            assert_eq!(written.contains(&0x1b), colours);
        }
    }
}
