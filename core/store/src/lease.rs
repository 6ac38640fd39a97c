//! The lease: a locked file that says which process, and which store object in it, holds a profile.
//!
//! The lock ends with the process, however it ends. It is held from before the key is fetched until the last connection
//! is closed; a suspended app holds none, since iOS kills an app that is suspended with one.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use curo_sqlite::durable;

use crate::StoreError;

/// Given back on drop.
#[derive(Debug)]
pub(crate) struct Lease {
    file: File,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Closing alone would not do: a process that this one is just starting shares the open file until it runs its own
        // program, and the lock with it.
        let _ = self.file.unlock();
    }
}

/// Takes the lease or says [`StoreError::Busy`] at once.
pub(crate) fn take(path: &Path) -> Result<Lease, StoreError> {
    // An erase removes the file that it holds. Whoever opened it before must not take the nameless rest for the lease.
    for _ in 0..3 {
        let file = durable::private(OpenOptions::new().create(true).append(true)).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        if still_named(&file, path)? {
            return Ok(Lease { file });
        }
    }
    Err(StoreError::Busy)
}

#[cfg(unix)]
fn still_named(file: &File, path: &Path) -> Result<bool, StoreError> {
    use std::os::unix::fs::MetadataExt as _;
    let held = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(named) => Ok((held.dev(), held.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Elsewhere a file that is open cannot be replaced under its name.
#[cfg(not(unix))]
fn still_named(_: &File, _: &Path) -> Result<bool, StoreError> {
    Ok(true)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_also_within_a_process_and_free_after_drop() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lease");
        let first = take(&path).unwrap();
        assert_eq!(take(&path).unwrap_err(), StoreError::Busy);
        drop(first);
        take(&path).unwrap();
    }

    #[test]
    fn a_copy_of_the_open_file_does_not_keep_the_lease() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lease");
        let first = take(&path).unwrap();
        let _as_a_child_has_it = first.file.try_clone().unwrap();
        drop(first);
        take(&path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_lease_file_that_was_removed_is_not_the_lease() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lease");
        let stale = File::create(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!still_named(&stale, &path).unwrap());
        let _other = take(&path).unwrap();
        assert!(!still_named(&stale, &path).unwrap());
    }
}
