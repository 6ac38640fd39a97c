//! Jobs: order, group commit, failures that stay with their job, closing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use curo_sqlite::{Database, DbError, Migration, Mode, Options, WriteTx};

use crate::support::{Held, Place, add, ids, options};

const CONSTRAINT_PRIMARY_KEY: i32 = 1555;
const CONSTRAINT_FOREIGN_KEY: i32 = 787;
const READONLY: i32 = 8;
const AUTH: i32 = 23;

async fn place() -> (Place, Database) {
    let place = Place::new();
    let db = Database::open(
        place.path(),
        &place.key,
        Options {
            mode: Mode::Create,
            ..options()
        },
    )
    .await
    .unwrap();
    (place, db)
}

fn insert(tx: &WriteTx<'_>, id: i64) -> Result<(), DbError> {
    tx.prepare_cached("INSERT INTO notes(id, text) VALUES (?1, 'x')")?
        .execute([id])?;
    Ok(())
}

/// Enters a job now and returns what waits for its answer. The writer must be [`Held`]: else it may be faster than the poll.
fn enter<T: Send + 'static>(
    db: &Database,
    job: impl FnOnce(&WriteTx<'_>) -> Result<T, DbError> + Send + 'static,
) -> impl Future<Output = Result<T, DbError>> {
    let mut future = Box::pin({
        let db = db.clone();
        async move { db.write(job).await }
    });
    // One poll enters the job: the queue has room.
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    future
}

#[tokio::test]
async fn jobs_run_in_the_order_in_which_they_were_entered() {
    let (_place, db) = place().await;
    let held = Held::new(&db).await;
    let (seen, order) = mpsc::channel();
    let answers: Vec<_> = (0..700)
        .map(|n| {
            let seen = seen.clone();
            enter(&db, move |tx| {
                seen.send(n).unwrap();
                insert(tx, n)
            })
        })
        .collect();
    assert_eq!(db.waiting_writes(), 701);
    held.release().await;
    for answer in answers {
        answer.await.unwrap();
    }
    drop(seen);
    assert!(order.into_iter().eq(0..700));
    assert_eq!(ids(&db).await.len(), 700);
    db.close().await.unwrap();
}

#[tokio::test]
async fn p4_a_failing_job_undoes_only_itself_and_raises_the_rollback_count() {
    let (_place, db) = place().await;
    let held = Held::new(&db).await;
    let count = |tx: &WriteTx<'_>| tx.rollbacks();
    let first = enter(&db, move |tx| insert(tx, 1).map(|()| count(tx)));
    let failing = enter(&db, |tx| {
        insert(tx, 2)?;
        insert(tx, 1)
    });
    let last = enter(&db, move |tx| insert(tx, 3).map(|()| count(tx)));
    held.release().await;
    let before = first.await.unwrap();
    assert_eq!(
        failing.await,
        Err(DbError::Constraint {
            code: CONSTRAINT_PRIMARY_KEY
        })
    );
    assert!(last.await.unwrap() > before);
    assert_eq!(ids(&db).await, [1, 3]);
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_job_that_fails_alone_is_undone_and_raises_the_rollback_count() {
    let (_place, db) = place().await;
    let before = db.write(|tx| Ok::<_, DbError>(tx.rollbacks())).await.unwrap();
    let failed: Result<(), DbError> = db
        .write(|tx| {
            insert(tx, 1)?;
            Err(DbError::NoRow)
        })
        .await;
    assert_eq!(failed, Err(DbError::NoRow));
    let after = db.write(|tx| Ok::<_, DbError>(tx.rollbacks())).await.unwrap();
    assert_eq!(after, before + 1);
    assert!(ids(&db).await.is_empty());
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_failing_commit_fails_every_job_of_the_batch() {
    let (_place, db) = place().await;
    let held = Held::new(&db).await;
    let good = enter(&db, |tx| insert(tx, 1));
    // A deferred foreign key is checked by the commit only.
    let bad = enter(&db, |tx| {
        tx.execute("INSERT INTO tags(note) VALUES (99)", [])?;
        Ok(())
    });
    held.release().await;
    let expected = Err(DbError::Constraint {
        code: CONSTRAINT_FOREIGN_KEY,
    });
    assert_eq!(good.await, expected);
    assert_eq!(bad.await, expected);
    assert!(ids(&db).await.is_empty());
    assert!(db.write(|tx| Ok::<_, DbError>(tx.rollbacks())).await.unwrap() > 0);
    add_async(&db, 1).await.unwrap();
    db.close().await.unwrap();
}

async fn add_async(db: &Database, id: i64) -> Result<(), DbError> {
    db.write(move |tx| insert(tx, id)).await
}

#[tokio::test]
async fn when_sqlite_drops_the_transaction_earlier_jobs_learn_it_and_later_ones_run() {
    let (_place, db) = place().await;
    add_async(&db, 1).await.unwrap();
    let held = Held::new(&db).await;
    let earlier = enter(&db, |tx| insert(tx, 2));
    let culprit = enter(&db, |tx| {
        tx.execute("INSERT OR ROLLBACK INTO notes(id, text) VALUES (1, 'x')", [])?;
        Ok(())
    });
    let later = enter(&db, |tx| insert(tx, 3));
    held.release().await;
    let lost = earlier.await.unwrap_err();
    assert_eq!(lost, DbError::RolledBack);
    assert!(lost.retryable());
    assert_eq!(
        culprit.await,
        Err(DbError::Constraint {
            code: CONSTRAINT_PRIMARY_KEY
        })
    );
    later.await.unwrap();
    assert_eq!(ids(&db).await, [1, 3]);
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_panic_is_an_error_of_its_job_and_the_threads_live_on() {
    let (_place, db) = place().await;
    let held = Held::new(&db).await;
    let good = enter(&db, |tx| insert(tx, 1));
    let panics = enter(&db, |tx| -> Result<(), DbError> {
        insert(tx, 2)?;
        let mut rows = tx.prepare("SELECT id FROM notes")?;
        let _open = rows.query([])?;
        panic!("on purpose");
    });
    held.release().await;
    good.await.unwrap();
    assert_eq!(panics.await, Err(DbError::Panic));
    let alone: Result<(), DbError> = db.write(|_| panic!("on purpose")).await;
    assert_eq!(alone, Err(DbError::Panic));
    for _ in 0..4 {
        let read: Result<(), DbError> = db.read(|_| panic!("on purpose")).await;
        assert_eq!(read, Err(DbError::Panic));
    }
    add_async(&db, 3).await.unwrap();
    assert_eq!(ids(&db).await, [1, 3]);
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_value_whose_drop_panics_does_not_end_the_writer() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    let (_place, db) = place().await;
    let held = Held::new(&db).await;
    drop(enter(&db, |tx| insert(tx, 1).map(|()| Bomb)));
    held.release().await;
    add_async(&db, 2).await.unwrap();
    assert_eq!(ids(&db).await, [1, 2]);
    db.close().await.unwrap();
}

#[tokio::test]
async fn dropping_the_future_does_not_undo_an_entered_job() {
    let (_place, db) = place().await;
    let held = Held::new(&db).await;
    drop(enter(&db, |tx| insert(tx, 1)));
    held.release().await;
    add_async(&db, 2).await.unwrap();
    assert_eq!(ids(&db).await, [1, 2]);
    db.close().await.unwrap();
}

#[tokio::test]
async fn jobs_cannot_end_the_transaction_or_lower_the_safeguards() {
    let (_place, db) = place().await;
    for sql in [
        "COMMIT",
        "ROLLBACK",
        "BEGIN",
        "SAVEPOINT mine",
        "ROLLBACK TO job",
        "ATTACH ':memory:' AS other",
        "PRAGMA synchronous = OFF",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA rekey = 'x'",
        "PRAGMA foreign_keys(0)",
    ] {
        let tried: Result<(), DbError> = db.write(|tx| Ok(tx.execute_batch(sql)?)).await;
        assert_eq!(tried, Err(DbError::Sqlite { code: AUTH }), "write: {sql}");
        let tried: Result<(), DbError> = db.read(|connection| Ok(connection.execute_batch(sql)?)).await;
        assert_eq!(tried, Err(DbError::Sqlite { code: AUTH }), "read: {sql}");
    }
    let (sync, secure, keys): (i64, i64, i64) = db
        .write(|tx| {
            let get = |sql| tx.query_row(sql, [], |row| row.get(0));
            Ok::<_, DbError>((
                get("PRAGMA synchronous")?,
                get("PRAGMA secure_delete")?,
                get("PRAGMA foreign_keys")?,
            ))
        })
        .await
        .unwrap();
    assert_eq!((sync, secure, keys), (2, 1, 1));
    db.close().await.unwrap();
}

/// The authorizer sees statements when they are compiled: what the writer keeps compiled, a job must not find.
#[tokio::test]
async fn a_compiled_statement_does_not_pass_the_fence_either() {
    let (_place, db) = place().await;
    // The writer and both readers have begun and ended transactions by now, alone and in a batch.
    let held = Held::new(&db).await;
    let batch = [1, 2].map(|id| enter(&db, move |tx| insert(tx, id)));
    held.release().await;
    for job in batch {
        job.await.unwrap();
    }
    for _ in 0..8 {
        ids(&db).await;
    }
    for sql in [
        "COMMIT",
        "BEGIN IMMEDIATE",
        "BEGIN DEFERRED",
        "ROLLBACK",
        "SAVEPOINT job",
        "RELEASE job",
    ] {
        let cached = |connection: &rusqlite::Connection| -> Result<(), DbError> {
            connection.prepare_cached(sql)?.execute([])?;
            Ok(())
        };
        let tried = db.write(move |tx| cached(tx)).await;
        assert_eq!(tried, Err(DbError::Sqlite { code: AUTH }), "write: {sql}");
        let tried = db.read(move |connection| cached(connection)).await;
        assert_eq!(tried, Err(DbError::Sqlite { code: AUTH }), "read: {sql}");
    }
    assert_eq!(ids(&db).await, [1, 2]);
    db.close().await.unwrap();
}

#[tokio::test]
async fn full_text_search_works_behind_the_fence() {
    static FTS: [Migration; 1] = [Migration {
        version: 1,
        name: "search",
        sql: "CREATE VIRTUAL TABLE search USING fts5(body);",
        rust: None,
    }];
    let place = Place::new();
    let options = Options {
        migrations: &FTS,
        mode: Mode::Create,
        ..options()
    };
    let db = Database::open(place.path(), &place.key, options).await.unwrap();
    for body in ["the quick fox", "the slow dog"] {
        let written: Result<usize, DbError> = db
            .write(move |tx| Ok(tx.execute("INSERT INTO search(body) VALUES (?1)", [body])?))
            .await;
        written.unwrap();
    }
    let hits: i64 = db
        .read(|connection| {
            let sql = "SELECT count(*) FROM search WHERE search MATCH 'quick'";
            Ok::<_, DbError>(connection.query_row(sql, [], |row| row.get(0))?)
        })
        .await
        .unwrap();
    assert_eq!(hits, 1);
    db.close().await.unwrap();
}

#[tokio::test]
async fn readers_see_one_state_and_cannot_write() {
    let (_place, db) = place().await;
    add_async(&db, 1).await.unwrap();
    let (go_on, wait) = mpsc::channel::<()>();
    let (started, running) = tokio::sync::oneshot::channel();
    let count = "SELECT count(*) FROM notes";
    let slow = tokio::spawn({
        let db = db.clone();
        async move {
            db.read(move |connection| {
                let before: i64 = connection.query_row(count, [], |row| row.get(0))?;
                started.send(()).unwrap();
                wait.recv().unwrap();
                let after: i64 = connection.query_row(count, [], |row| row.get(0))?;
                Ok::<_, DbError>((before, after))
            })
            .await
        }
    });
    running.await.unwrap();
    add_async(&db, 2).await.unwrap();
    assert_eq!(ids(&db).await, [1, 2], "another reader sees an answered write at once");
    go_on.send(()).unwrap();
    assert_eq!(slow.await.unwrap(), Ok((1, 1)));
    let tried: Result<usize, DbError> = db
        .read(|connection| Ok(connection.execute("DELETE FROM notes", [])?))
        .await;
    assert_eq!(tried, Err(DbError::Sqlite { code: READONLY }));
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_typed_retryable_and_undoes_only_the_job() {
    static SMALL: [Migration; 1] = [Migration {
        sql: "CREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
              PRAGMA max_page_count = 20;",
        ..crate::support::V1[0]
    }];
    let place = Place::new();
    let options = Options {
        migrations: &SMALL,
        mode: Mode::Create,
        ..options()
    };
    let db = Database::open(place.path(), &place.key, options).await.unwrap();
    add_async(&db, 1).await.unwrap();
    let big: Result<usize, DbError> = db
        .write(|tx| Ok(tx.execute("INSERT INTO notes(id, text) VALUES (2, hex(zeroblob(1000000)))", [])?))
        .await;
    assert_eq!(big, Err(DbError::Full));
    assert!(DbError::Full.retryable());
    add_async(&db, 3).await.unwrap();
    assert_eq!(ids(&db).await, [1, 3]);
    db.close().await.unwrap();
}

#[tokio::test]
async fn more_callers_than_the_queue_holds_all_get_their_turn() {
    let (_place, db) = place().await;
    let tasks: Vec<_> = (0..3000)
        .map(|id| {
            let db = db.clone();
            tokio::spawn(async move { add_async(&db, id).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(ids(&db).await.len(), 3000);
    db.close().await.unwrap();
}

#[tokio::test]
async fn closing_finishes_entered_jobs_and_refuses_later_ones() {
    let (place, db) = place().await;
    let held = Held::new(&db).await;
    let entered = enter(&db, |tx| insert(tx, 1));
    let mut closing = Box::pin(db.close());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(closing.as_mut().poll(&mut context).is_pending());
    assert_eq!(add_async(&db, 2).await, Err(DbError::Closed));
    let read: Result<(), DbError> = db.read(|_| Ok(())).await;
    assert_eq!(read, Err(DbError::Closed));
    held.release().await;
    entered.await.unwrap();
    closing.await.unwrap();
    db.close().await.unwrap();
    let db = Database::open(place.path(), &place.key, options()).await.unwrap();
    assert_eq!(ids(&db).await, [1]);
    db.close().await.unwrap();
}

#[tokio::test]
async fn the_guard_lives_until_the_file_is_closed() {
    struct Guard(Arc<AtomicBool>, std::path::PathBuf);
    impl Drop for Guard {
        fn drop(&mut self) {
            assert!(!self.1.exists(), "the WAL is still there");
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let place = Place::with_database();
    let wal = place.dir.path().join("a.db-wal");
    let dropped = Arc::new(AtomicBool::new(false));
    let guard = Guard(Arc::clone(&dropped), wal.clone());
    let db = Database::open_guarded(place.path(), &place.key, options(), guard)
        .await
        .unwrap();
    add_async(&db, 2).await.unwrap();
    assert!(wal.exists() && !dropped.load(Ordering::SeqCst));
    db.close().await.unwrap();
    assert!(dropped.load(Ordering::SeqCst));
    // A refusal gives it back as well.
    let dropped = Arc::new(AtomicBool::new(false));
    let guard = Guard(Arc::clone(&dropped), wal);
    let create = Options {
        mode: Mode::Create,
        ..options()
    };
    Database::open_guarded(place.path(), &place.key, create, guard)
        .await
        .unwrap_err();
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn dropping_every_handle_closes_the_file_in_the_background() {
    let place = Place::with_database();
    let (dropped, closed) = tokio::sync::oneshot::channel::<()>();
    let db = Database::open_guarded(place.path(), &place.key, options(), dropped)
        .await
        .unwrap();
    let held = Held::new(&db).await;
    drop(enter(&db, |tx| insert(tx, 2)));
    drop(db);
    // The job that holds the writer has the last handle.
    held.release().await;
    closed.await.unwrap_err();
    let db = Database::open(place.path(), &place.key, options()).await.unwrap();
    assert_eq!(ids(&db).await, [1, 2]);
    db.close().await.unwrap();
}

#[tokio::test]
async fn blocking_calls_work_inside_a_runtime_and_refuse_to_wait_for_themselves() {
    let (_place, db) = place().await;
    for id in 0..300 {
        add(&db, id, "x").unwrap();
    }
    let inner = db.clone();
    let nested: Result<(), DbError> = db.write(move |_| add(&inner, 999, "x")).await;
    assert_eq!(nested, Err(DbError::Reentrant));
    let inner = db.clone();
    let nested: Result<(), DbError> = db.write(move |_| inner.close_blocking()).await;
    assert_eq!(nested, Err(DbError::Reentrant));
    assert_eq!(ids(&db).await.len(), 300);
    db.close_blocking().unwrap();
}
