//! Looking into a closed person's store past the client, to make of it what accidents make.

use std::path::Path;

use curo::{FileVault, ProfileId};
use curo_store::rusqlite::Connection;
use curo_store::{Store, StoreError};

/// Runs `change` on the one store below `dir`, whose client must be closed or dead.
pub async fn change(dir: &Path, change: impl FnOnce(&Connection) + Send + 'static) {
    let vault = FileVault::with_key_file(dir.join("keys"), &dir.join("wrapping.key")).unwrap();
    let profiles = dir.join("profiles");
    let mut names = std::fs::read_dir(&profiles)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let profile: ProfileId = names.find_map(|name| name.parse().ok()).unwrap();
    let store = Store::open(&profiles, profile, &vault).await.unwrap();
    let changed = store.write(move |tx| {
        change(tx);
        Ok::<_, StoreError>(())
    });
    changed.await.unwrap();
    store.lock().await.unwrap();
}

/// No group of it can be read any more.
pub async fn groups(dir: &Path) {
    change(dir, |conn| {
        let damaged = conn
            .execute(
                "UPDATE mls SET value = x'00' WHERE tbl IN ('tree', 'epoch_secrets')",
                [],
            )
            .unwrap();
        assert!(damaged >= 2, "{damaged}");
    })
    .await;
}

/// A copy of a folder, as a backup makes one.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Puts a folder back as a backup has it.
pub fn restore(backup: &Path, dir: &Path) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }
    copy(backup, dir);
}
