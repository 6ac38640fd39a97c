//! A phone's files, as a backup of the whole phone keeps them and brings them back. The vault is not among them: what holds
//! keys on phones is in no backup.

use std::io;
use std::path::{Path, PathBuf};

/// Where the copy of an app's folder lies: beside it.
fn copy_of(root: &Path) -> PathBuf {
    root.with_extension("saved")
}

/// Keeps a copy; the one before is thrown away. The app does not run.
pub(super) fn save(root: &Path) -> io::Result<()> {
    replace(root, &copy_of(root))
}

/// Puts the copy in the place of the files. The app does not run.
pub(super) fn restore(root: &Path) -> io::Result<()> {
    replace(&copy_of(root), root)
}

fn replace(from: &Path, to: &Path) -> io::Result<()> {
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    copy(from, to)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir(to)?;
    std::fs::set_permissions(to, std::fs::metadata(from)?.permissions())?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            // With its permissions.
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_comes_back_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("profiles");
        std::fs::create_dir_all(root.join("one")).unwrap();
        std::fs::write(root.join("one/store"), "old").unwrap();
        save(&root).unwrap();
        std::fs::write(root.join("one/store"), "new").unwrap();
        std::fs::write(root.join("later"), "new").unwrap();
        for _ in 0..2 {
            restore(&root).unwrap();
            assert_eq!(std::fs::read_to_string(root.join("one/store")).unwrap(), "old");
            assert!(!root.join("later").exists());
        }
    }
}
