//! Backup and restore of the relay's data: files and their order. Knows the storage as files with a key, and no HTTP.
//!
//! Both may be killed at any moment. A backup is made in a folder of its own beside the target and gets its name when it is
//! whole. A restore is made in a folder inside the data folder; while that is there and no database beside it, the relay
//! does not start, because it would make an empty store.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use curo_sqlite::{CipherKey, OpenError, durable};
use curo_types::StoreId;

use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::storage::SqliteStorage;

/// The database's name in the data folder and in a backup.
pub(crate) const DATABASE: &str = "relay.db";
const SIDECAR: &str = "relay.db.check";
const RESTORING: &str = "restoring";
/// Held while a folder is filled. A kill lets go of it.
const LOCK: &str = "lock";

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is something at the backup's target.
    #[error("{0:?} exists already")]
    TargetExists(PathBuf),
    /// The data folder holds something; a restore overwrites nothing.
    #[error("the data folder {0:?} is not empty")]
    NotEmpty(PathBuf),
    /// Another backup or restore is at work in the same place.
    #[error("another backup or restore is at work in {0:?}")]
    Busy(PathBuf),
    /// The database cannot be read, or is no backup of a relay, or the key does not fit.
    #[error("database {path:?}: {error}")]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        error: OpenError,
    },
    /// A file or folder cannot be made or moved.
    #[error("{path:?}: {reason}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: io::ErrorKind,
    },
}

/// What a kill may come after; tests stop here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Prepared,
    Copied,
    Renamed,
    Marked,
    Placed,
    Cleared,
}

type After<'a> = &'a dyn Fn(Step) -> Result<(), BackupError>;

/// Writes a backup of the data folder to the new folder `to`: one moment of it, while a relay may be serving from it,
/// encrypted with the same key. Durable and checked when this returns. Blocks.
///
/// After a kill `to` is absent or whole; what was left beside it (`to` with `.partial`) is cleared by the next attempt.
///
/// # Errors
/// [`BackupError`].
pub fn backup(config: &Config, to: &Path) -> Result<(), BackupError> {
    backup_in_steps(config, to, &|_| Ok(()))
}

/// Makes the data folder, which must be absent or empty, from the backup in the folder `from`. The restored store has a new
/// store id, which is returned: clients notice that the relay was restored (`docs/protocol.md` 7.2). Its directory versions go
/// on behind all that the lost store can have used, by this machine's clock. Blocks.
///
/// After a kill the relay refuses to start until another restore is through. The backup is not changed.
///
/// # Errors
/// [`BackupError`].
pub fn restore(config: &Config, from: &Path) -> Result<StoreId, BackupError> {
    restore_in_steps(config, from, &|_| Ok(()))
}

/// Whether a restore into the data folder began and was not finished.
pub(crate) fn restore_unfinished(data_dir: &Path) -> bool {
    data_dir.join(RESTORING).exists() && !data_dir.join(DATABASE).exists()
}

fn backup_in_steps(config: &Config, to: &Path, after: After<'_>) -> Result<(), BackupError> {
    // Without a slash at its end, which would put the folder beside it inside.
    let to = to.components().collect::<PathBuf>();
    let to = to.as_path();
    if fs::symlink_metadata(to).is_ok() {
        return Err(BackupError::TargetExists(to.to_owned()));
    }
    let partial = durable::with_suffix(to, ".partial");
    let lock = Workplace::take(&partial)?;
    after(Step::Prepared)?;
    copy(config, &config.data_dir, &partial)?;
    after(Step::Copied)?;
    lock.leave()?;
    // A folder that appeared meanwhile is replaced only if it is empty.
    fs::rename(&partial, to).map_err(file(to))?;
    after(Step::Renamed)?;
    durable::sync_parent(to).map_err(file(to))
}

fn restore_in_steps(config: &Config, from: &Path, after: After<'_>) -> Result<StoreId, BackupError> {
    let data = &config.data_dir;
    fs::create_dir_all(data).map_err(file(data))?;
    durable::sync_parent(data).map_err(file(data))?;
    require_empty(data)?;
    let restoring = data.join(RESTORING);
    let lock = Workplace::take(&restoring)?;
    after(Step::Prepared)?;
    copy(config, from, &restoring)?;
    after(Step::Copied)?;
    let database = restoring.join(DATABASE);
    let store = SqliteStorage::rename_store(&database, &cipher_key(config), SystemClock.now_ms()).map_err(|error| {
        BackupError::Database {
            path: database.clone(),
            error,
        }
    })?;
    after(Step::Renamed)?;
    let place = |name: &str| {
        let target = data.join(name);
        fs::rename(restoring.join(name), &target).map_err(file(&target))?;
        durable::sync_parent(&target).map_err(file(&target))
    };
    place(SIDECAR)?;
    after(Step::Marked)?;
    // With the database in its place the restore has happened.
    place(DATABASE)?;
    after(Step::Placed)?;
    lock.leave()?;
    fs::remove_dir(&restoring).map_err(file(&restoring))?;
    after(Step::Cleared)?;
    durable::sync_parent(&restoring).map_err(file(data))?;
    Ok(store)
}

fn copy(config: &Config, from: &Path, to: &Path) -> Result<(), BackupError> {
    let source = from.join(DATABASE);
    SqliteStorage::copy(&source, &to.join(DATABASE), &cipher_key(config))
        .map_err(|error| BackupError::Database { path: source, error })
}

fn cipher_key(config: &Config) -> CipherKey {
    CipherKey::new(&config.database_key.key, &config.database_key.salt)
}

/// Nothing may be there but what an interrupted restore left.
fn require_empty(data: &Path) -> Result<(), BackupError> {
    let unfinished = restore_unfinished(data);
    for entry in fs::read_dir(data).map_err(file(data))? {
        let name = entry.map_err(file(data))?.file_name();
        let left = name == RESTORING || name == SIDECAR;
        if !(unfinished && left) {
            return Err(BackupError::NotEmpty(data.to_owned()));
        }
    }
    Ok(())
}

/// A folder that one process fills.
struct Workplace {
    path: PathBuf,
    _lock: File,
}

impl Workplace {
    /// Makes the folder, or takes over what a kill left, and empties it.
    fn take(path: &Path) -> Result<Self, BackupError> {
        let here = file(path);
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(here(error)),
            _ => {}
        }
        let mut options = OpenOptions::new();
        let lock = durable::private(options.create(true).append(true))
            .open(path.join(LOCK))
            .map_err(&here)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(BackupError::Busy(path.to_owned())),
            Err(fs::TryLockError::Error(error)) => return Err(here(error)),
        }
        for entry in fs::read_dir(path).map_err(&here)? {
            let entry = entry.map_err(&here)?;
            let name = entry.file_name();
            // Only what a copy leaves: a folder of somebody else's with this name stays as it is.
            let ours = name.to_str().is_some_and(|name| name.starts_with(DATABASE));
            if ours {
                fs::remove_file(entry.path()).map_err(&here)?;
            } else if name != LOCK {
                return Err(BackupError::TargetExists(path.to_owned()));
            }
        }
        durable::sync_parent(path).map_err(&here)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Takes the lock's file away; the lock itself is let go of at the end.
    fn leave(&self) -> Result<(), BackupError> {
        durable::remove(&self.path.join(LOCK)).map_err(file(&self.path))
    }
}

fn file(path: &Path) -> impl Fn(io::Error) -> BackupError {
    let path = path.to_owned();
    move |error| BackupError::File {
        path: path.clone(),
        reason: error.kind(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use curo_types::{TenantId, UserId};
    use tempfile::TempDir;

    use super::*;
    use crate::config::{DatabaseKey, Limits, TlsConfig};
    use crate::storage::{SqliteOptions, Storage as _};

    struct Place {
        dir: TempDir,
        user: UserId,
        store: StoreId,
    }

    fn tenant() -> TenantId {
        TenantId::new("st-mary").unwrap()
    }

    impl Place {
        /// A store with one user in it.
        async fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let user = UserId::random();
            let mut place = Self {
                dir,
                user,
                store: StoreId([0; 16]),
            };
            let data = place.config("data").data_dir;
            fs::create_dir(&data).unwrap();
            let storage = open(&place.config("data")).await.unwrap();
            storage.sign_in(&tenant(), "anna", user, 1).await.unwrap();
            place.store = storage.store_id();
            storage.close().await;
            place
        }

        fn config(&self, data: &str) -> Config {
            Config {
                listen: "127.0.0.1:0".parse().unwrap(),
                tls: TlsConfig {
                    cert: PathBuf::new(),
                    key: PathBuf::new(),
                },
                data_dir: self.dir.path().join(data),
                database_key: DatabaseKey::new([7; 32], [8; 16]),
                tenants: Vec::new(),
                limits: Limits::default(),
                min_client_version: None,
                push: None,
            }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        /// What is in the data folder has come from the backup, under a new name.
        async fn check_restored(&self, data: &str) {
            let storage = open(&self.config(data)).await.unwrap();
            assert_ne!(storage.store_id(), self.store);
            let user = storage.sign_in(&tenant(), "anna", UserId::random(), 2).await.unwrap();
            assert_eq!(user, self.user);
            storage.close().await;
        }
    }

    async fn open(config: &Config) -> Result<SqliteStorage, OpenError> {
        let path = config.data_dir.join(DATABASE);
        SqliteStorage::open(&path, &cipher_key(config), SqliteOptions::default()).await
    }

    /// Stops after a step as a kill would: nothing is tidied up.
    fn killed_after(step: Step) -> impl Fn(Step) -> Result<(), BackupError> {
        move |now| {
            if now == step {
                Err(BackupError::Busy(PathBuf::new()))
            } else {
                Ok(())
            }
        }
    }

    #[tokio::test]
    async fn a_backup_that_is_killed_after_any_step_is_absent_or_whole() {
        let place = Place::new().await;
        let config = place.config("data");
        for (n, step) in [Step::Prepared, Step::Copied, Step::Renamed].into_iter().enumerate() {
            let target = place.path(&format!("backup-{n}"));
            backup_in_steps(&config, &target, &killed_after(step)).unwrap_err();
            if step != Step::Renamed {
                assert!(!target.exists(), "{step:?}");
                backup(&config, &target).unwrap();
            }
            let mut names: Vec<_> = fs::read_dir(&target).unwrap().map(|e| e.unwrap().file_name()).collect();
            names.sort();
            assert_eq!(names, [DATABASE, SIDECAR], "{step:?}");
            assert!(!place.path(&format!("backup-{n}.partial")).exists());
            let restored = format!("restored-{n}");
            restore(&place.config(&restored), &target).unwrap();
            place.check_restored(&restored).await;
        }
    }

    #[tokio::test]
    async fn a_restore_that_is_killed_after_any_step_leaves_nothing_that_a_relay_would_start_on() {
        let place = Place::new().await;
        let from = place.path("backup");
        backup(&place.config("data"), &from).unwrap();
        let steps = [
            Step::Prepared,
            Step::Copied,
            Step::Renamed,
            Step::Marked,
            Step::Placed,
            Step::Cleared,
        ];
        for (n, step) in steps.into_iter().enumerate() {
            let data = format!("data-{n}");
            let config = place.config(&data);
            restore_in_steps(&config, &from, &killed_after(step)).unwrap_err();
            let done = matches!(step, Step::Placed | Step::Cleared);
            assert_eq!(restore_unfinished(&config.data_dir), !done, "{step:?}");
            match restore(&config, &from) {
                Ok(_) => assert!(!done),
                Err(BackupError::NotEmpty(_)) => assert!(done, "{step:?}"),
                Err(other) => panic!("{step:?}: {other}"),
            }
            place.check_restored(&data).await;
        }
    }

    #[tokio::test]
    async fn nothing_is_overwritten_and_two_do_not_meet() {
        let place = Place::new().await;
        let (config, target) = (place.config("data"), place.path("backup"));
        let held = Workplace::take(&place.path("backup.partial")).unwrap();
        assert!(matches!(backup(&config, &target), Err(BackupError::Busy(_))));
        drop(held);
        backup(&config, &target.join("")).unwrap();
        assert!(matches!(backup(&config, &target), Err(BackupError::TargetExists(_))));
        assert!(matches!(restore(&config, &target), Err(BackupError::NotEmpty(_))));
        fs::create_dir(place.path("full")).unwrap();
        fs::write(place.path("full/notes.txt"), "mine").unwrap();
        assert!(matches!(
            restore(&place.config("full"), &target),
            Err(BackupError::NotEmpty(_))
        ));
        fs::create_dir(place.path("other.partial")).unwrap();
        fs::write(place.path("other.partial/notes.txt"), "mine").unwrap();
        assert!(matches!(
            backup(&config, &place.path("other")),
            Err(BackupError::TargetExists(_))
        ));
        assert_eq!(fs::read(place.path("other.partial/notes.txt")).unwrap(), b"mine");
    }

    #[tokio::test]
    async fn a_wrong_key_and_a_foreign_file_are_told_apart_from_a_backup() {
        let place = Place::new().await;
        let (config, target) = (place.config("data"), place.path("backup"));
        backup(&config, &target).unwrap();
        let mut other = place.config("restored");
        other.database_key = DatabaseKey::new([9; 32], [8; 16]);
        let wrong = restore(&other, &target).unwrap_err();
        assert!(
            matches!(
                wrong,
                BackupError::Database {
                    error: OpenError::WrongKey,
                    ..
                }
            ),
            "{wrong:?}"
        );
        let missing = restore(&place.config("restored"), &place.path("nowhere")).unwrap_err();
        assert!(
            matches!(
                missing,
                BackupError::Database {
                    error: OpenError::Missing,
                    ..
                }
            ),
            "{missing:?}"
        );
        // What these refusals left does not stand in the way.
        restore(&place.config("restored"), &target).unwrap();
        place.check_restored("restored").await;
    }
}
