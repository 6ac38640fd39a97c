//! Why a task ended badly, and with which exit code. Knows no task.

use std::io;
use std::path::{Path, PathBuf};

/// The end of a task that did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A command ran and said no; its exit code becomes ours.
    #[error("`{command}` failed with exit code {code}")]
    Exit { command: String, code: u8 },
    /// A command was killed, because it had said nothing for so long.
    #[error("`{command}` was killed: it had said nothing for {time}")]
    Silent { command: String, time: String },
    /// A command could not be started at all.
    #[error("`{command}` could not be started: {source}")]
    Start { command: String, source: io::Error },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A file or a command's answer does not have the expected form.
    #[error("{what}: {reason}")]
    Malformed { what: String, reason: String },
    /// A step of CI failed; why is printed already.
    #[error("ci FAILED at step {label}")]
    Step { label: String, code: u8 },
    /// This machine cannot do it: a suite that says so did not run.
    #[error("{0}")]
    Unavailable(String),
    /// A check found something; what it found is printed already.
    #[error("{0}")]
    Check(String),
}

impl Failure {
    /// The process exit code: the failed command's own, otherwise 1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Exit { code, .. } | Self::Step { code, .. } => *code,
            _ => 1,
        }
    }

    /// Shorthand for [`Failure::Read`].
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Read {
            path: path.to_path_buf(),
            source,
        }
    }

    /// Shorthand for [`Failure::Malformed`].
    pub(crate) fn malformed(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Malformed {
            what: what.into(),
            reason: reason.to_string(),
        }
    }
}
