//! Create, open, lock, unlock, suspend, and the lease.

use std::sync::Arc;

use curo_store::{ProfileId, Profiles, Store, StoreError, rusqlite};

use crate::support::{Hooked, PROFILE, Place, child_order, get, put, run_child};

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    assert_eq!(get(&store, b"k").await.unwrap().unwrap(), b"v");
    assert_eq!(store.profile(), PROFILE);
    store.lock().await.unwrap();
}

#[tokio::test]
async fn mls_rows_are_put_replaced_deleted_and_kept_apart_by_table() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    let seen = store
        .write(|tx| {
            tx.mls_put("table", b"k", b"new")?;
            tx.mls_put("other", b"k", b"")?;
            let both = (tx.mls_get("table", b"k")?, tx.mls_get("other", b"k")?);
            tx.mls_delete("table", b"k")?;
            tx.mls_delete("table", b"absent")?;
            Ok::<_, StoreError>((both, tx.mls_get("table", b"k")?))
        })
        .await
        .unwrap();
    assert_eq!(seen, ((Some(b"new".to_vec()), Some(Vec::new())), None));
    store.lock().await.unwrap();
}

#[tokio::test]
async fn p5_6_a_failed_write_leaves_nothing_and_changes_the_stamp() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    let stamp = || async { store.write(|tx| Ok::<_, StoreError>(tx.stamp())).await.unwrap() };
    let before = stamp().await;
    assert_eq!(stamp().await, before, "without a rollback memory stays valid");
    let failed: Result<(), StoreError> = store
        .write(|tx| {
            tx.mls_put("table", b"k", b"lost")?;
            Err(StoreError::Missing)
        })
        .await;
    assert_eq!(failed, Err(StoreError::Missing));
    assert_eq!(get(&store, b"k").await.unwrap().unwrap(), b"v");
    let after = stamp().await;
    assert_ne!(after, before);
    store.lock().await.unwrap();
    store.unlock(&place.vault).await.unwrap();
    assert_ne!(stamp().await, after, "another opening may have been in between");
    store.lock().await.unwrap();
}

#[tokio::test]
async fn callers_may_have_their_own_error_type() {
    #[derive(Debug, PartialEq)]
    enum Mine {
        Rule,
        Store(StoreError),
    }
    impl From<StoreError> for Mine {
        fn from(error: StoreError) -> Self {
            Self::Store(error)
        }
    }
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    assert_eq!(store.write(|_| Err::<(), _>(Mine::Rule)).await, Err(Mine::Rule));
    assert_eq!(store.read(|_| Err::<(), _>(Mine::Rule)).await, Err(Mine::Rule));
    store.lock().await.unwrap();
    assert_eq!(
        store.write(|_| Ok::<_, Mine>(())).await,
        Err(Mine::Store(StoreError::Locked))
    );
    assert_eq!(
        store.read(|_| Ok::<_, Mine>(())).await,
        Err(Mine::Store(StoreError::Locked))
    );
}

#[tokio::test]
async fn locking_refuses_at_once_finishes_entered_jobs_and_unlocking_brings_all_back() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    assert!(!store.is_locked());
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let (started, running) = tokio::sync::oneshot::channel();
    let entered = tokio::spawn({
        let store = store.clone();
        async move {
            store
                .write(move |tx| {
                    started.send(()).unwrap();
                    wait.recv().unwrap();
                    tx.mls_put("table", b"late", b"kept")
                })
                .await
        }
    });
    running.await.unwrap();
    let mut locking = Box::pin(store.lock());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(locking.as_mut().poll(&mut context).is_pending());
    assert!(store.is_locked());
    assert_eq!(put(&store, b"k", b"x").await, Err(StoreError::Locked));
    go_on.send(()).unwrap();
    entered.await.unwrap().unwrap();
    locking.await.unwrap();
    store.lock().await.unwrap();
    store.unlock(&place.vault).await.unwrap();
    store.unlock(&place.vault).await.unwrap();
    assert!(!store.is_locked());
    assert_eq!(get(&store, b"late").await.unwrap().unwrap(), b"kept");
    assert_eq!(get(&store, b"k").await.unwrap().unwrap(), b"v");
    store.lock().await.unwrap();
}

#[tokio::test]
async fn whoever_locks_waits_until_it_is_closed_also_after_a_lock_whose_caller_has_gone() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    for unlock in [false, true] {
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let (started, running) = tokio::sync::oneshot::channel();
        let entered = tokio::spawn({
            let store = store.clone();
            async move {
                store
                    .write(move |tx| {
                        started.send(()).unwrap();
                        wait.recv().unwrap();
                        tx.mls_put("table", b"late", b"kept")
                    })
                    .await
            }
        });
        running.await.unwrap();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut gone = Box::pin(store.lock());
        assert!(gone.as_mut().poll(&mut context).is_pending());
        drop(gone);
        if unlock {
            let mut unlocking = Box::pin(store.unlock(&place.vault));
            assert!(unlocking.as_mut().poll(&mut context).is_pending());
            go_on.send(()).unwrap();
            unlocking.await.unwrap();
            assert!(!store.is_locked());
        } else {
            let mut locking = Box::pin(store.lock());
            assert!(locking.as_mut().poll(&mut context).is_pending());
            go_on.send(()).unwrap();
            locking.await.unwrap();
            // The lease is free: another handle opens the profile.
            place.open().await.unwrap().lock().await.unwrap();
            store.unlock(&place.vault).await.unwrap();
        }
        entered.await.unwrap().unwrap();
        assert_eq!(get(&store, b"late").await.unwrap().unwrap(), b"kept");
    }
    store.lock().await.unwrap();
}

#[tokio::test]
async fn a_suspended_store_holds_no_lock_and_leaves_a_folded_file() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    put(&store, b"k", b"new").await.unwrap();
    assert!(place.snapshot().contains_key("store.db-wal"));
    store.suspend().await.unwrap();
    assert!(store.is_locked());
    let names: Vec<_> = place.snapshot().into_keys().collect();
    assert_eq!(names, ["lease", "store.db", "store.db.check"]);
    let lease = std::fs::File::open(place.folder().join("lease")).unwrap();
    lease.try_lock().unwrap();
    // Also for the copies that a process has which another test starts at this moment.
    lease.unlock().unwrap();
    store.unlock(&place.vault).await.unwrap();
    assert_eq!(get(&store, b"k").await.unwrap().unwrap(), b"new");
    store.lock().await.unwrap();
}

#[tokio::test]
async fn one_store_at_a_time_within_a_process_and_between_processes() {
    let place = Place::with_store().await;
    let first = place.open().await.unwrap();
    let busy = place.open().await.unwrap_err();
    assert_eq!(busy, StoreError::Busy);
    assert!(busy.retryable());
    let child = run_child(&place, "life::the_other_process", "expect busy");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    first.lock().await.unwrap();
    let child = run_child(&place, "life::the_other_process", "expect open");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    // A process that dies with the store open gives the lease back, and its answered write is there.
    let child = run_child(&place, "life::the_other_process", "die");
    assert!(!child.status.success());
    first.unlock(&place.vault).await.unwrap();
    assert_eq!(get(&first, b"k").await.unwrap().unwrap(), b"from a process that died");
    first.lock().await.unwrap();
}

#[tokio::test]
async fn the_other_process() {
    let Some((step, root, vault)) = child_order() else {
        return;
    };
    let opened = Store::open(&root, PROFILE, &vault).await;
    match step.as_str() {
        "expect busy" => assert_eq!(opened.unwrap_err(), StoreError::Busy),
        "expect open" => opened.unwrap().lock().await.unwrap(),
        _ => {
            put(&opened.unwrap(), b"k", b"from a process that died").await.unwrap();
            std::process::abort();
        }
    }
}

#[tokio::test]
async fn a_store_that_was_unlocked_elsewhere_stays_locked_here() {
    let place = Place::with_store().await;
    let here = place.open().await.unwrap();
    here.lock().await.unwrap();
    let there = place.open().await.unwrap();
    assert_eq!(here.unlock(&place.vault).await, Err(StoreError::Busy));
    assert!(here.is_locked());
    there.lock().await.unwrap();
    here.unlock(&place.vault).await.unwrap();
    here.lock().await.unwrap();
}

#[tokio::test]
async fn a_writer_whose_generation_was_overtaken_stops() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    // As if the lease's lock had been lost and another process had taken the store.
    let overtake = store.write(|tx| {
        tx.execute("UPDATE meta SET generation = generation + 1", [])?;
        Ok::<_, StoreError>(())
    });
    overtake.await.unwrap();
    assert_eq!(put(&store, b"k", b"x").await, Err(StoreError::Busy));
    store.lock().await.unwrap();
    store.unlock(&place.vault).await.unwrap();
    assert_eq!(get(&store, b"k").await.unwrap().unwrap(), b"v");
    store.lock().await.unwrap();
}

#[tokio::test]
async fn profiles_are_listed_and_other_folders_are_not() {
    let place = Place::with_store().await;
    let other = ProfileId([0x01; 16]);
    let store = Store::create(&place.root, other, &place.vault).await.unwrap();
    store.lock().await.unwrap();
    for stray in [
        "cache",
        "A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1",
        "02020202020202020202020202020202",
    ] {
        std::fs::create_dir(place.root.join(stray)).unwrap();
    }
    std::fs::write(place.root.join("03030303030303030303030303030303"), "a file").unwrap();
    assert_eq!(Profiles::list(&place.root).unwrap(), [other, PROFILE]);
    assert!(Profiles::list(&place.root.join("nowhere")).unwrap().is_empty());
    assert_eq!(format!("{store:?}"), format!("Store {{ profile: {other:?}, .. }}"));
}

#[tokio::test]
async fn a_creation_that_dies_after_its_key_was_made_is_completed_with_that_key() {
    let place = Place::new();
    let child = run_child(&place, "life::the_creation_that_dies", "now");
    assert!(!child.status.success());
    assert_eq!(place.refusal().await, StoreError::Missing);
    let before = std::fs::read(place.keys.join(format!("{PROFILE}.key"))).unwrap();
    let store = place.create().await.unwrap();
    put(&store, b"k", b"v").await.unwrap();
    store.lock().await.unwrap();
    assert_eq!(
        std::fs::read(place.keys.join(format!("{PROFILE}.key"))).unwrap(),
        before
    );
    place.open().await.unwrap().lock().await.unwrap();
}

#[tokio::test]
async fn the_creation_that_dies() {
    let Some((_, root, vault)) = child_order() else {
        return;
    };
    let vault = Hooked {
        after: Arc::new(|| std::process::abort()),
        ..Hooked::new(vault)
    };
    drop(Store::create(&root, PROFILE, &vault).await);
}

#[tokio::test]
async fn the_schema_has_no_broken_reference_and_every_table_is_strict() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    let (loose, broken) = store
        .read(|connection| {
            let count = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
            let loose = count(
                "SELECT count(*) FROM pragma_table_list
                 WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%' AND strict = 0",
            );
            let broken = count("SELECT count(*) FROM pragma_foreign_key_check");
            Ok::<_, StoreError>((loose.map_err(from)?, broken.map_err(from)?))
        })
        .await
        .unwrap();
    assert_eq!((loose, broken), (0, 0));
    store.lock().await.unwrap();
}

fn from(error: rusqlite::Error) -> StoreError {
    error.into()
}

#[tokio::test]
async fn a_lock_that_nobody_waits_for_goes_on_and_the_next_one_waits_for_its_end() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let entered = Arc::new(tokio::sync::Notify::new());
    let job = {
        let (store, entered) = (store.clone(), Arc::clone(&entered));
        tokio::spawn(async move {
            let job = store.write(move |_| {
                entered.notify_one();
                let _ = wait.recv();
                Ok::<_, StoreError>(())
            });
            job.await
        })
    };
    entered.notified().await;
    // Asked for, and given up at once.
    tokio::select! {
        biased;
        _ = store.lock() => panic!("a job is still running"),
        () = std::future::ready(()) => {}
    }
    assert!(store.is_locked());
    let mut second = Box::pin(store.lock());
    tokio::select! {
        biased;
        _ = &mut second => panic!("a job is still running"),
        () = std::future::ready(()) => {}
    }
    go_on.send(()).unwrap();
    second.await.unwrap();
    job.await.unwrap().unwrap();
    // Closed means that the lease is free.
    place.open().await.unwrap().lock().await.unwrap();
    store.unlock(&place.vault).await.unwrap();
    store.lock().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_lock_at_a_time_neither_is_done_before_the_lease_is_free() {
    let place = Place::with_store().await;
    let mut store = place.open().await.unwrap();
    for _ in 0..100 {
        let locks = [store.clone(), store.clone()].map(|store| tokio::spawn(async move { store.lock().await }));
        let [first, second] = locks;
        tokio::select! {
            done = first => done.unwrap().unwrap(),
            done = second => done.unwrap().unwrap(),
        }
        store = place.open().await.unwrap();
    }
    store.lock().await.unwrap();
}
