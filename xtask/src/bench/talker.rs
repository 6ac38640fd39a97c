//! A program that is talked with by lines. Whatever happens here, it does not outlive us.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::failure::Failure;

pub(super) struct Talker {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    limit: Duration,
    deadline: Instant,
}

impl Talker {
    /// Starts a command. All of what it says must come within `limit` of this, or of the last [`Talker::tell`], and its end within
    /// `limit` of the end of its input.
    pub(super) fn start(name: &str, command: &[String], more: &[&str], limit: Duration) -> Result<Self, Failure> {
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| Failure::malformed(name, "no command"))?;
        let started = Command::new(program)
            .args(arguments)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = started.map_err(|source| Failure::Start {
            command: name.to_owned(),
            source,
        })?;
        let (sender, lines) = channel();
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                // Ends with the program's output, or when nobody listens any more.
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Self {
            name: name.to_owned(),
            input: child.stdin.take(),
            child,
            lines,
            limit,
            deadline: Instant::now() + limit,
        })
    }

    /// What it says next; none where it has said all.
    pub(super) fn heard(&mut self) -> Result<Option<String>, Failure> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(Failure::Check(format!("{} takes for ever", self.name))),
        }
    }

    /// What it says next, which it must.
    pub(super) fn answer(&mut self) -> Result<String, Failure> {
        self.heard()?
            .ok_or_else(|| Failure::Check(format!("{} has ended too early", self.name)))
    }

    /// Says a line to it.
    pub(super) fn tell(&mut self, line: &str, limit: Duration) -> Result<(), Failure> {
        self.deadline = Instant::now() + limit;
        let written = self.input.as_mut().map(|input| writeln!(input, "{line}"));
        match written {
            Some(Ok(())) => Ok(()),
            _ => Err(Failure::Check(format!("{} does not listen", self.name))),
        }
    }

    /// Ends its input and waits for its end, which must be a good one.
    pub(super) fn end(mut self) -> Result<(), Failure> {
        self.input = None;
        self.deadline = Instant::now() + self.limit;
        while self.heard()?.is_some() {}
        let status = self.child.wait().map_err(|source| Failure::Start {
            command: self.name.clone(),
            source,
        })?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::Check(format!("{}: {status}", self.name)))
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        // It has ended already, or it must.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: &str, limit: Duration) -> Talker {
        let command = ["sh", "-c", script].map(str::to_owned);
        Talker::start("a shell", &command, &[], limit).unwrap()
    }

    #[test]
    fn lines_are_said_and_heard() {
        let mut talker = shell("echo ready; read word; echo got $word", LONG);
        assert_eq!(talker.answer().unwrap(), "ready");
        talker.tell("it", LONG).unwrap();
        assert_eq!(talker.answer().unwrap(), "got it");
        assert_eq!(talker.heard().unwrap(), None);
        talker.end().unwrap();
    }

    #[test]
    fn a_bad_end_and_an_early_one_are_failures() {
        let mut early = shell("exit 3", LONG);
        assert_eq!(early.answer().unwrap_err().to_string(), "a shell has ended too early");
        early.end().unwrap_err();
    }

    #[test]
    fn what_does_not_end_is_given_up() {
        let mut deaf = shell("echo here; exec sleep 3600", Duration::from_secs(1));
        assert_eq!(deaf.answer().unwrap(), "here");
        assert_eq!(deaf.end().unwrap_err().to_string(), "a shell takes for ever");
    }

    #[test]
    fn what_takes_for_ever_is_given_up_and_killed() {
        let mut silent = shell("exec sleep 3600", Duration::from_millis(1));
        let failure = silent.heard().unwrap_err();
        assert_eq!(failure.to_string(), "a shell takes for ever");
        // Would wait for an hour.
        drop(silent);
    }
}
