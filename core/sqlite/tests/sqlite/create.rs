//! Creation, reopening, migration, and what a real kill leaves.

use std::fs;
use std::path::Path;
use std::process::Command;

use curo_sqlite::{CipherKey, Database, DbError, Migration, Mode, OpenError, Options};

use crate::support::{Place, V2, add, ids, options, snapshot};

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let place = Place::with_database();
    let db = Database::open(place.path(), &place.key, options()).await.unwrap();
    assert_eq!(ids(&db).await, [1]);
    db.close().await.unwrap();
    let names: Vec<_> = place.snapshot().into_keys().collect();
    assert_eq!(names, ["a.db", "a.db.check"], "closing folds the WAL in");
}

#[test]
fn no_byte_on_disk_shows_the_content_and_the_header_is_plain() {
    const CANARY: &str = "canary 8c1f jane doe has pneumonia";
    let place = Place::new();
    let db = place.open(Mode::Create).unwrap();
    for id in 0..200 {
        add(&db, id, CANARY).unwrap();
    }
    let open = place.snapshot();
    assert!(
        open.get("a.db-wal").is_some_and(|wal| wal.len() > 4096),
        "the WAL is searched too"
    );
    db.close_blocking().unwrap();
    for (name, bytes) in open.into_iter().chain(place.snapshot()) {
        for needle in [CANARY.as_bytes(), b"CREATE TABLE", b"notes"] {
            assert!(
                !bytes.windows(needle.len()).any(|window| window == needle),
                "found in {name}"
            );
        }
    }
    let file = fs::read(place.path()).unwrap();
    assert!(file.starts_with(b"SQLite format 3\0"), "iOS must recognise the file");
    assert_eq!(
        file.get(18..20),
        Some(&[2, 2][..]),
        "WAL mode stands in the plain header"
    );
}

#[cfg(unix)]
#[test]
fn files_are_private_to_their_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let db = place.open(Mode::Create).unwrap();
    add(&db, 1, "x").unwrap();
    for entry in fs::read_dir(place.dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o077,
            0,
            "{:?}",
            entry.file_name()
        );
    }
    db.close_blocking().unwrap();
}

#[test]
fn migrations_run_once_each_with_their_rust_part() {
    let place = Place::with_database();
    for _ in 0..2 {
        let db = place
            .open_as(
                &place.key,
                Options {
                    migrations: &V2,
                    ..options()
                },
            )
            .unwrap();
        let (colour, count): (String, i64) = db
            .write_blocking(|tx| {
                let row = tx.query_row("SELECT max(colour), count(*) FROM notes", [], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
                Ok::<_, DbError>(row)
            })
            .unwrap();
        assert_eq!((colour.as_str(), count), ("red", 1));
        db.close_blocking().unwrap();
    }
}

#[test]
fn a_lost_sidecar_is_written_again() {
    let place = Place::with_database();
    let original = fs::read(place.sidecar()).unwrap();
    for damage in [None, Some(&b"garbage"[..])] {
        fs::remove_file(place.sidecar()).unwrap();
        if let Some(bytes) = damage {
            fs::write(place.sidecar(), bytes).unwrap();
        }
        place.open(Mode::Existing).unwrap().close_blocking().unwrap();
        assert_eq!(fs::read(place.sidecar()).unwrap(), original);
    }
}

#[test]
fn an_interrupted_creation_is_missing_and_the_next_one_completes_it() {
    let sidecar_only = Place::with_database();
    fs::remove_file(sidecar_only.path()).unwrap();
    let empty_file = Place::with_database();
    fs::write(empty_file.path(), "").unwrap();
    // A sidecar of a key that never reached a database is a leftover.
    let other_key = Place {
        key: CipherKey::new(&[1; 32], &[1; 16]),
        ..Place::with_database()
    };
    fs::remove_file(other_key.path()).unwrap();
    let in_migration = Place::new();
    kill_child_at("migration", in_migration.dir.path());
    assert!(
        fs::metadata(in_migration.path()).unwrap().len() > 0,
        "the kill came after the first page"
    );
    for place in [sidecar_only, empty_file, other_key, in_migration] {
        for mode in [Mode::Create, Mode::CreateIfMissing] {
            let copy = Place {
                key: CipherKey::from_bytes(place.key.expose()),
                ..place.killed_copy()
            };
            assert_eq!(copy.open(Mode::Existing).unwrap_err(), OpenError::Missing);
            let db = copy.open(mode).unwrap();
            add(&db, 1, "x").unwrap();
            db.close_blocking().unwrap();
            copy.open(Mode::Existing).unwrap().close_blocking().unwrap();
        }
    }
}

#[tokio::test]
async fn a_kill_inside_a_job_keeps_every_answered_write_and_nothing_of_the_job() {
    let place = Place::new();
    kill_child_at("job", place.dir.path());
    assert!(
        snapshot(place.dir.path())
            .get("a.db-wal")
            .is_some_and(|wal| !wal.is_empty())
    );
    let db = Database::open(place.path(), &place.key, options()).await.unwrap();
    assert_eq!(ids(&db).await, [1]);
    db.close().await.unwrap();
}

const STEP: &str = "CURO_SQLITE_TEST_KILL_STEP";
const DIR: &str = "CURO_SQLITE_TEST_KILL_DIR";

/// Runs `the_child_that_is_killed` in a process of its own, which aborts at the named step.
fn kill_child_at(step: &str, dir: &Path) {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["create::the_child_that_is_killed", "--exact", "--nocapture"])
        .env(STEP, step)
        .env(DIR, dir)
        .output()
        .unwrap();
    assert!(!status.status.success(), "the child was to die at step {step}");
}

#[test]
fn the_child_that_is_killed() {
    static MIGRATIONS: [Migration; 1] = [Migration {
        rust: Some(|_| {
            if std::env::var(STEP).as_deref() == Ok("migration") {
                std::process::abort();
            }
            Ok(())
        }),
        ..crate::support::V1[0]
    }];
    // Without the variable this is the ordinary test run, and there is nothing to do.
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let key = CipherKey::new(&[7; 32], &[9; 16]);
    let options = Options {
        migrations: &MIGRATIONS,
        mode: Mode::Create,
        ..options()
    };
    let db = Database::open_blocking(Path::new(&dir).join("a.db"), &key, options).unwrap();
    add(&db, 1, "answered").unwrap();
    let _: Result<(), DbError> = db.write_blocking(|tx| {
        tx.execute("INSERT INTO notes(id, text) VALUES (2, 'not answered')", [])?;
        std::process::abort();
    });
}
