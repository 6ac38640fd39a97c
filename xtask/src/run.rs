//! Running a command: said aloud, timed, its exit code kept. Knows no task.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// Runs `command` with our own input and output; fails with its exit code.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let line = echo(command);
    let started = Instant::now();
    let status = command.status().map_err(|source| start_failure(&line, source))?;
    conclude(&line, status, started)
}

/// Runs `command` and hands each line of its standard output to `each` as it comes.
pub(crate) fn run_lines(command: &mut Command, mut each: impl FnMut(&str)) -> Result<(), Failure> {
    let line = echo(command);
    let started = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|source| start_failure(&line, source))?;
    if let Some(stdout) = child.stdout.take() {
        for text in BufReader::new(stdout).split(b'\n') {
            let text = text.map_err(|source| start_failure(&line, source))?;
            each(&String::from_utf8_lossy(&text));
        }
    }
    let status = child.wait().map_err(|source| start_failure(&line, source))?;
    conclude(&line, status, started)
}

/// As [`run_lines`], but kills a command that has said nothing for so long: it hangs, and would hang us.
pub(crate) fn run_lines_within(
    command: &mut Command,
    silence: Duration,
    mut each: impl FnMut(&str),
) -> Result<(), Failure> {
    let line = echo(command);
    let started = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|source| start_failure(&line, source))?;
    let (said, heard) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        // Not joined: what the command has started may hold its output open longer than it lives.
        thread::spawn(move || {
            for text in BufReader::new(stdout).split(b'\n') {
                if said.send(text).is_err() {
                    return;
                }
            }
        });
    }
    loop {
        match heard.recv_timeout(silence) {
            Ok(text) => each(&String::from_utf8_lossy(
                &text.map_err(|source| start_failure(&line, source))?,
            )),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                // It may have ended, and something that it has started holds its output open.
                if let Ok(Some(status)) = child.try_wait() {
                    return conclude(&line, status, started);
                }
                let _ = child.kill();
                let _ = child.wait();
                return Err(Failure::Silent {
                    command: line,
                    time: duration(silence),
                });
            }
        }
    }
    let status = child.wait().map_err(|source| start_failure(&line, source))?;
    conclude(&line, status, started)
}

/// Runs `command` silently and gives its standard output; its errors stay visible, and where it fails all that it has said.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let line = display(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| start_failure(&line, source))?;
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stdout));
    }
    check(&line, output.status)?;
    String::from_utf8(output.stdout).map_err(|error| Failure::malformed(line, error))
}

/// A duration for people: `0.4 s`, `12 s`, `3 min 05 s`.
pub(crate) fn duration(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

fn echo(command: &Command) -> String {
    let line = display(command);
    eprintln!("$ {line}");
    line
}

fn conclude(line: &str, status: ExitStatus, started: Instant) -> Result<(), Failure> {
    check(line, status)?;
    eprintln!("  done in {}", duration(started.elapsed()));
    Ok(())
}

fn check(line: &str, status: ExitStatus) -> Result<(), Failure> {
    match exit_code(status) {
        0 => Ok(()),
        code => Err(Failure::Exit {
            command: line.to_owned(),
            code,
        }),
    }
}

/// The code that a shell would report: the command's own, or 128 and the signal that ended it.
fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    let code = status.code().or(signal.map(|signal| 128 + signal)).unwrap_or(1);
    // A code that does not fit into a byte (possible on Windows) must not become success.
    u8::try_from(code).unwrap_or(1)
}

fn display(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut line = program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        let argument = argument.to_string_lossy();
        line.push(' ');
        if argument.is_empty() || argument.contains([' ', '"', '\'']) {
            line.push_str(&format!("{argument:?}"));
        } else {
            line.push_str(&argument);
        }
    }
    line
}

fn start_failure(line: &str, source: std::io::Error) -> Failure {
    Failure::Start {
        command: line.to_owned(),
        source,
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn the_exit_code_of_the_command_is_ours() {
        assert_eq!(run(&mut shell("exit 7")).unwrap_err().exit_code(), 7);
        assert_eq!(run_lines(&mut shell("exit 8"), |_| ()).unwrap_err().exit_code(), 8);
        assert_eq!(output(&mut shell("exit 9")).unwrap_err().exit_code(), 9);
        run(&mut shell("exit 0")).unwrap();
    }

    #[test]
    fn a_killed_command_is_a_failure() {
        assert_eq!(run(&mut shell("kill -9 $$")).unwrap_err().exit_code(), 137);
    }

    #[test]
    fn a_missing_program_is_named() {
        let failure = run(&mut Command::new("no-such-program-of-curo")).unwrap_err();
        assert!(matches!(&failure, Failure::Start { command, .. } if command == "no-such-program-of-curo"));
        assert_eq!(failure.exit_code(), 1);
    }

    #[test]
    fn lines_come_one_by_one_and_bad_utf8_does_not_stop_them() {
        let mut lines = Vec::new();
        run_lines(&mut shell("printf 'a\\n\\377\\nb'"), |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["a", "\u{fffd}", "b"]);
    }

    #[test]
    fn what_says_nothing_any_more_is_killed() {
        // However slow the machine: it never ends by itself.
        let mut hanging = shell("echo a; exec sleep 86400");
        let failure = run_lines_within(&mut hanging, Duration::from_millis(500), |_| ()).unwrap_err();
        assert!(
            matches!(&failure, Failure::Silent { time, .. } if time == "0.5 s"),
            "{failure}"
        );
        assert_eq!(failure.exit_code(), 1);
    }

    #[test]
    fn what_speaks_until_it_ends_keeps_its_exit_code() {
        let hour = Duration::from_secs(3600);
        let mut lines = 0;
        run_lines_within(&mut shell("echo a; echo b"), hour, |_| lines += 1).unwrap();
        assert_eq!(lines, 2);
        let failure = run_lines_within(&mut shell("echo a; exit 7"), hour, |_| ()).unwrap_err();
        assert_eq!(failure.exit_code(), 7);
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(Duration::from_millis(420)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(59)), "59 s");
        assert_eq!(duration(Duration::from_secs(185)), "3 min 05 s");
    }
}
