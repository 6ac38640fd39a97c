//! Whose turn it is to make the first profile below a root folder. Knows the file that says so, and no profile.

use std::path::{Path, PathBuf};

use curo_sqlite::durable;

use crate::StoreError;
use crate::lease::{self, Lease};
use crate::profiles::private_folder;

/// Beside the profiles' folders. No profile is called so.
const FILE: &str = "first.lease";

/// The right to look for profiles below a root folder and, where there is none, to make one. Given back on drop.
///
/// Without it two openings at once of an empty folder would each make a profile, and nobody could say later which one is meant.
#[derive(Debug)]
pub struct FirstProfile {
    path: PathBuf,
    _lease: Lease,
}

impl FirstProfile {
    /// Takes the turn; makes the folder if it is absent. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where somebody else has it, in this process or another; [`StoreError::Io`].
    pub fn turn(root: &Path) -> Result<Self, StoreError> {
        private_folder(root)?;
        let path = root.join(FILE);
        let lease = lease::take(&path)?;
        Ok(Self { path, _lease: lease })
    }
}

impl Drop for FirstProfile {
    fn drop(&mut self) {
        // Before the lease is given back: whoever waits for the nameless rest does not take it for the file. What a kill leaves
        // here is an empty file, which the next first opening takes.
        let _ = durable::remove(&self.path);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("profiles");
        let turn = FirstProfile::turn(&root).unwrap();
        assert_eq!(FirstProfile::turn(&root).unwrap_err(), StoreError::Busy);
        drop(turn);
        assert_eq!(std::fs::read_dir(&root).unwrap().count(), 0);
        // As a kill leaves it.
        std::fs::write(root.join(FILE), "").unwrap();
        drop(FirstProfile::turn(&root).unwrap());
        assert!(crate::Profiles::list(&root).unwrap().is_empty());
    }
}
