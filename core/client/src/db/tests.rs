use std::sync::atomic::{AtomicUsize, Ordering};

use curo_store::FileVault;
use curo_types::ProfileId;
use futures_util::FutureExt as _;
use tempfile::TempDir;

use super::*;

async fn db() -> (Db, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let vault = FileVault::with_key_file(dir.path(), &dir.path().join("wrapping.key")).unwrap();
    let store = Store::create(&dir.path().join("profiles"), ProfileId::random(), &vault).await;
    (Db::new(store.unwrap()), dir)
}

#[tokio::test]
async fn what_follows_a_write_happens_once_whether_anybody_waits_for_it_or_not() {
    let (db, _dir) = db().await;
    let acted = Arc::new(AtomicUsize::new(0));
    let act = |by: usize| {
        let acted = Arc::clone(&acted);
        move |value: &usize| {
            acted.fetch_add(by * value, Ordering::SeqCst);
        }
    };
    assert_eq!(db.write_then(|_| Ok(7), act(1)).await.unwrap(), 7);
    assert_eq!(acted.load(Ordering::SeqCst), 7);

    // The caller gives up while the write waits for its turn.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let mut busy = Box::pin(db.write(move |_| {
        wait.recv().unwrap();
        Ok(())
    }));
    assert!(busy.as_mut().now_or_never().is_none());
    assert!(db.write_then(|_| Ok(1), act(100)).now_or_never().is_none());
    go.send(()).unwrap();
    busy.await.unwrap();
    db.write(|_| Ok(())).await.unwrap();
    assert_eq!(acted.load(Ordering::SeqCst), 107);

    // What is refused is followed by nothing.
    let refused = db.write_then(|_| Err::<usize, _>(Fault::Code(ErrorCode::UNKNOWN)), act(10_000));
    assert_eq!(refused.await.unwrap_err().code(), ErrorCode::UNKNOWN);
    assert_eq!(acted.load(Ordering::SeqCst), 107);
}
