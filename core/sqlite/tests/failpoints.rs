//! The named points. A binary of its own, since they hold for the whole process.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use curo_sqlite::{CipherKey, Database, DbError, Migration, Mode, Options};

static MIGRATIONS: [Migration; 1] = [Migration {
    version: 1,
    name: "rows",
    sql: "CREATE TABLE rows(id INTEGER PRIMARY KEY) STRICT;",
    rust: None,
}];

async fn insert(db: &Database) -> Result<(), DbError> {
    db.write(|tx| Ok(tx.execute_batch("INSERT INTO rows(id) VALUES (1)")?))
        .await
}

#[tokio::test]
async fn a_commit_that_meets_an_io_error_is_undone_and_retryable() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        application_id: 1,
        migrations: &MIGRATIONS,
        readers: 1,
        cache_kib: 1024,
        mode: Mode::Create,
    };
    let path = dir.path().join("a.db");
    let db = Database::open(path, &CipherKey::generate().unwrap(), options)
        .await
        .unwrap();
    let scenario = fail::FailScenario::setup();
    fail::cfg("sqlite.before_commit", "return").unwrap();
    let failed = insert(&db).await.unwrap_err();
    scenario.teardown();
    assert!(matches!(failed, DbError::Io { .. }) && failed.retryable());
    // The same primary key again: nothing of the first try was kept.
    insert(&db).await.unwrap();
    assert!(matches!(insert(&db).await, Err(DbError::Constraint { .. })));
    db.close().await.unwrap();
}
