//! A folder with a database in it, and snapshots of the folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use curo_sqlite::{CipherKey, Database, DbError, Migration, Mode, OpenError, Options};
use tempfile::TempDir;

pub(crate) const APP: i32 = 0x7465_7374;

pub(crate) static V1: [Migration; 1] = [Migration {
    version: 1,
    name: "notes",
    sql: "CREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
          CREATE TABLE tags(note INTEGER NOT NULL REFERENCES notes(id) DEFERRABLE INITIALLY DEFERRED) STRICT;",
    rust: None,
}];

pub(crate) static V2: [Migration; 2] = [
    V1[0],
    Migration {
        version: 2,
        name: "colours",
        sql: "ALTER TABLE notes ADD COLUMN colour TEXT;",
        rust: Some(|tx| {
            tx.execute("UPDATE notes SET colour = 'red'", [])?;
            Ok(())
        }),
    },
];

pub(crate) struct Place {
    pub(crate) dir: TempDir,
    pub(crate) key: CipherKey,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            key: CipherKey::new(&[7; 32], &[9; 16]),
        }
    }

    /// A folder with a finished database that holds one note.
    pub(crate) fn with_database() -> Self {
        let place = Self::new();
        let db = place.open(Mode::Create).unwrap();
        add(&db, 1, "first").unwrap();
        db.close_blocking().unwrap();
        place
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("a.db")
    }

    pub(crate) fn sidecar(&self) -> PathBuf {
        self.dir.path().join("a.db.check")
    }

    pub(crate) fn open(&self, mode: Mode) -> Result<Database, OpenError> {
        self.open_as(&self.key, Options { mode, ..options() })
    }

    pub(crate) fn open_as(&self, key: &CipherKey, options: Options) -> Result<Database, OpenError> {
        Database::open_blocking(self.path(), key, options)
    }

    pub(crate) fn snapshot(&self) -> BTreeMap<String, Vec<u8>> {
        snapshot(self.dir.path())
    }

    /// Opens, expects a refusal, and proves that nothing in the folder has changed.
    pub(crate) fn refusal(&self, key: &CipherKey, options: Options) -> OpenError {
        let before = self.snapshot();
        let error = self.open_as(key, options).expect_err("the file is refused");
        assert!(
            before == self.snapshot(),
            "a refusal left the folder changed: {error:?}"
        );
        error
    }

    /// What a kill at this moment would leave: the files as they are, and no one who holds them.
    pub(crate) fn killed_copy(&self) -> Self {
        let copy = Self::new();
        for (name, bytes) in self.snapshot() {
            fs::write(copy.dir.path().join(name), bytes).unwrap();
        }
        copy
    }
}

pub(crate) fn options() -> Options {
    Options {
        application_id: APP,
        migrations: &V1,
        readers: 2,
        cache_kib: 1024,
        mode: Mode::Existing,
    }
}

pub(crate) fn snapshot(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

pub(crate) fn add(db: &Database, id: i64, text: &str) -> Result<(), DbError> {
    let text = text.to_owned();
    db.write_blocking(move |tx| {
        tx.execute("INSERT INTO notes(id, text) VALUES (?1, ?2)", (id, text))?;
        Ok(())
    })
}

pub(crate) async fn ids(db: &Database) -> Vec<i64> {
    db.read(|connection| {
        let mut statement = connection.prepare("SELECT id FROM notes ORDER BY id")?;
        let rows = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok::<Vec<i64>, DbError>(rows)
    })
    .await
    .unwrap()
}

/// Keeps the writer busy until `release` is called, so that the jobs entered meanwhile share one commit.
pub(crate) struct Held {
    release: mpsc::Sender<()>,
    job: tokio::task::JoinHandle<Result<(), DbError>>,
}

impl Held {
    pub(crate) async fn new(db: &Database) -> Self {
        let (release, wait) = mpsc::channel::<()>();
        let (started, running) = tokio::sync::oneshot::channel();
        let db = db.clone();
        let job = tokio::spawn(async move {
            db.write(move |_| {
                started.send(()).unwrap();
                wait.recv().unwrap();
                Ok(())
            })
            .await
        });
        running.await.unwrap();
        Self { release, job }
    }

    pub(crate) async fn release(self) {
        self.release.send(()).unwrap();
        self.job.await.unwrap().unwrap();
    }
}
