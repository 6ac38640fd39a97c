//! A small disk of an actor's own, which can be filled: a tmpfs, where this machine lets us mount one.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Trouble;
use crate::guard::{self, Kind, Watched};

/// Mounted until dropped.
#[derive(Debug)]
pub(crate) struct Disk {
    at: PathBuf,
    /// Dropped after the disk has been unmounted.
    _watched: Watched,
}

impl Disk {
    pub(crate) fn mount(at: &Path, megabytes: u64) -> Result<Self, Trouble> {
        std::fs::create_dir_all(at)?;
        // Before it is there: to unmount what is not mounted does no harm.
        let watched = guard::watch(Kind::Disk, at.display());
        let options = format!("size={megabytes}m,mode=700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(at)
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Ok(Self {
                at: at.to_owned(),
                _watched: watched,
            });
        }
        Err(Trouble::Cannot(
            "a small disk cannot be mounted here (a tmpfs; it takes root)".to_owned(),
        ))
    }

    fn filler(&self) -> PathBuf {
        self.at.join("filler")
    }

    /// Fills it to the last byte.
    pub(crate) fn fill(&self) -> Result<(), Trouble> {
        let mut file: File = OpenOptions::new().append(true).create(true).open(self.filler())?;
        let zeros = [0; 64 * 1024];
        let mut length = zeros.len();
        while length > 0 {
            match file.write(zeros.get(..length).unwrap_or_default()) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => length /= 2,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    pub(crate) fn free(&self) -> Result<(), Trouble> {
        Ok(std::fs::remove_file(self.filler())?)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a process that is being killed may still hold a file.
        let _ = Command::new("umount")
            .arg("-l")
            .arg(&self.at)
            .stderr(Stdio::null())
            .status();
    }
}
