//! What is left of a run whose runner was killed.

use std::io::Write as _;
use std::process::{Child, Command, ExitStatus, Stdio};

fn sleeper() -> Child {
    Command::new("sleep").arg("600").spawn().unwrap()
}

#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(9)
}

#[cfg(unix)]
#[test]
fn the_guard_ends_what_is_left_and_nothing_else() {
    let (mut left, mut over) = (sleeper(), sleeper());
    let (kept, lost) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(lost.path().join("file"), "x").unwrap();
    let mut guard = Command::new(env!("CARGO_BIN_EXE_curo-qa"))
        .arg("--guard")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = guard.stdin.take().unwrap();
    for line in [
        format!("+process {}", left.id()),
        format!("+process {}", over.id()),
        format!("+folder {}", kept.path().display()),
        format!("+folder {}", lost.path().display()),
        "what it does not know".to_owned(),
        format!("-process {}", over.id()),
        format!("-folder {}", kept.path().display()),
    ] {
        writeln!(stdin, "{line}").unwrap();
    }
    // As the end of whoever holds the pipe.
    drop(stdin);
    assert!(guard.wait().unwrap().success());
    assert!(was_killed(left.wait().unwrap()));
    assert!(!lost.path().exists());
    assert!(kept.path().exists());
    assert!(over.try_wait().unwrap().is_none(), "it was not left to the guard");
    over.kill().unwrap();
    over.wait().unwrap();
}
