//! What only the embedded storage promises: its file.

use std::path::Path;
use std::sync::Arc;

use curo_relay::storage::{SqliteOptions, SqliteStorage, StorageError};
use curo_sqlite::{CipherKey, OpenError};

use crate::world::World;

const OPTIONS: SqliteOptions = SqliteOptions {
    readers: 1,
    cache_kib: 2048,
};

async fn open(path: &Path, key: &CipherKey) -> World {
    World::new(Arc::new(SqliteStorage::open(path, key, OPTIONS).await.unwrap()))
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = (folder.path().join("relay.db"), CipherKey::generate().unwrap());
    let w = open(&path, &key).await;
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[b]).await;
    let message = World::message(&conversation, 1);
    let first = w.append(&conversation, a, vec![message.clone()]).await;
    let before = w.sync(b, None, 0).await;
    let store = w.storage.store_id();
    w.storage.close().await;
    assert_eq!(w.storage.probe().await, Err(StorageError::Closed));
    w.storage.close().await;

    let w = open(&path, &key).await;
    assert_eq!(w.storage.store_id(), store);
    w.storage.probe().await.unwrap();
    assert_eq!(w.sync(b, None, 0).await, before);
    let again = w.append(&conversation, a, vec![message]).await;
    assert!(again.accepted[0].duplicate);
    assert_eq!(again.accepted[0].h, first.accepted[0].h);
    w.win(&mut conversation, b, &[], &[]).await;
    w.say(&conversation, a, 2, 1).await;
    w.storage.close().await;
}

#[tokio::test]
async fn p9_4_without_bodies_the_skeleton_still_judges_and_chains() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = (folder.path().join("relay.db"), CipherKey::generate().unwrap());
    let w = open(&path, &key).await;
    let (a, b) = (w.device().await, w.device().await);
    let conversation = w.create(a, &[b]).await;
    let message = World::message(&conversation, 1);
    let first = w.append(&conversation, a, vec![message.clone()]).await;
    let dropped = w.storage.drop_bodies(&w.tenant, u64::MAX).await.unwrap();
    assert_eq!((dropped.dropped, dropped.more), (2, false));
    w.storage.close().await;

    let w = open(&path, &key).await;
    let again = w.append(&conversation, a, vec![message]).await;
    assert!(again.accepted[0].duplicate, "the intent is known");
    assert_eq!(again.accepted[0].h, first.accepted[0].h);
    let next = w.append(&conversation, a, vec![World::message(&conversation, 2)]).await;
    assert_eq!(next.accepted[0].seq, 3, "the log goes on");
    w.storage.close().await;
}

#[tokio::test]
async fn every_store_has_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let key = CipherKey::generate().unwrap();
    let one = open(&folder.path().join("one.db"), &key).await;
    let two = open(&folder.path().join("two.db"), &key).await;
    assert_ne!(one.storage.store_id(), two.storage.store_id());
}

#[tokio::test]
async fn subjects_and_bodies_are_not_readable_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = (folder.path().join("relay.db"), CipherKey::generate().unwrap());
    let w = open(&path, &key).await;
    let canary = "anna.canary@example.org";
    w.storage
        .sign_in(&w.tenant, canary, curo_types::UserId::random(), w.now())
        .await
        .unwrap();
    let a = w.device().await;
    let conversation = w.create(a, &[]).await;
    let mut message = World::message(&conversation, 1);
    message.body = canary.as_bytes().to_vec();
    w.append(&conversation, a, vec![message]).await;
    // While it is open, so that the WAL is read too.
    let mut read = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        read += bytes.len();
        assert!(!bytes.windows(canary.len()).any(|window| window == canary.as_bytes()));
    }
    assert!(read > 100_000, "the database was among them");
}

#[tokio::test]
async fn another_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    open(&path, &CipherKey::generate().unwrap()).await.storage.close().await;
    let refused = SqliteStorage::open(&path, &CipherKey::generate().unwrap(), OPTIONS).await;
    assert_eq!(refused.unwrap_err(), OpenError::WrongKey);
}
