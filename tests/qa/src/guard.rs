//! What a run has started outlives nobody: a second process that holds the end of a pipe and cleans up when the runner is
//! gone, at whatever instruction it was killed. Knows processes, mounts and folders, and nothing of plays.

use std::collections::BTreeSet;
use std::io::{BufRead as _, ErrorKind, Write as _};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use crate::error::Broken;

/// The pipe to it. It is one for the whole process, as the end of the process is.
static GUARD: OnceLock<Mutex<ChildStdin>> = OnceLock::new();

/// What is to be cleaned up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A process, by its number.
    Process,
    /// A mounted disk, by its folder.
    Disk,
    /// A folder with all that is in it.
    Folder,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Process, Self::Disk, Self::Folder];

    const fn word(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Disk => "disk",
            Self::Folder => "folder",
        }
    }
}

/// Something that the guard cleans up unless this is dropped before the runner ends: then it is done already.
#[derive(Debug)]
pub(crate) struct Watched(Kind, String);

/// Has it cleaned up if this process is gone before it is dropped. Without a guard nothing happens.
pub(crate) fn watch(kind: Kind, what: impl std::fmt::Display) -> Watched {
    let watched = Watched(kind, what.to_string());
    tell('+', &watched);
    watched
}

impl Drop for Watched {
    fn drop(&mut self) {
        tell('-', self);
    }
}

fn tell(sign: char, Watched(kind, what): &Watched) {
    if let Some(guard) = GUARD.get() {
        let mut guard = guard.lock().unwrap_or_else(PoisonError::into_inner);
        // A guard that is gone guards nothing, and the run goes on.
        let _ = writeln!(guard, "{sign}{} {what}", kind.word());
    }
}

/// Starts it: this program again, with the argument by which [`guard`] is called.
///
/// # Errors
/// [`Broken`] if it does not start.
pub fn start(argument: &str) -> Result<(), Broken> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(argument).stdin(Stdio::piped()).stdout(Stdio::null());
    // What a terminal sends to the runner is not meant for it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let stdin = command.spawn()?.stdin;
    let stdin = stdin.ok_or_else(|| Broken::new("the guard has no standard input"))?;
    // The first one stays.
    let _ = GUARD.set(Mutex::new(stdin));
    Ok(())
}

/// The guard itself: reads what there is to clean up until its input ends, and cleans up what is left.
///
/// # Errors
/// [`Broken`] if it cannot read.
pub fn guard() -> Result<(), Broken> {
    let mut left = BTreeSet::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        for kind in Kind::ALL {
            if let Some(what) = line.strip_prefix('+').and_then(|line| named(line, kind)) {
                left.insert((kind, what.to_owned()));
            } else if let Some(what) = line.strip_prefix('-').and_then(|line| named(line, kind)) {
                left.remove(&(kind, what.to_owned()));
            }
        }
    }
    // Processes first: they have files on the disks, and disks are in the folders.
    for (kind, what) in left {
        clean(kind, &what);
    }
    Ok(())
}

fn named(line: &str, kind: Kind) -> Option<&str> {
    line.strip_prefix(kind.word())?.strip_prefix(' ')
}

/// As well as it can be done: nobody is left to be told.
fn clean(kind: Kind, what: &str) {
    // The shell's own `kill`: not every machine has a program of this name.
    let script = match kind {
        Kind::Process => "kill -KILL \"$0\"",
        Kind::Disk => "umount -l \"$0\"",
        Kind::Folder => {
            // Processes that were killed just now may still write into it.
            for _ in 0..50 {
                match std::fs::remove_dir_all(what) {
                    Err(error) if error.kind() != ErrorKind::NotFound => sleep(Duration::from_millis(100)),
                    _ => return,
                }
            }
            return;
        }
    };
    let mut command = Command::new("sh");
    command
        .args(["-c", script, what])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let _ = command.status();
}
