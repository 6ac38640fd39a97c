//! Every refusal has its own error and leaves the folder byte for byte as it was (`Place::refusal` asserts that).

use std::fs;

use curo_sqlite::rusqlite::Connection;
use curo_sqlite::{CipherKey, DbError, ForeignKind, Migration, Mode, OpenError, Options};

use crate::support::{APP, Place, V1, V2, add, options};

const MODES: [Mode; 3] = [Mode::Create, Mode::Existing, Mode::CreateIfMissing];

fn flip(place: &Place, offset: usize) {
    let mut bytes = fs::read(place.path()).unwrap();
    *bytes.get_mut(offset).unwrap() ^= 1;
    fs::write(place.path(), bytes).unwrap();
}

fn refused_in_every_mode(place: &Place, key: &CipherKey, expected: &OpenError) {
    for mode in MODES {
        assert_eq!(&place.refusal(key, Options { mode, ..options() }), expected, "{mode:?}");
    }
}

#[test]
fn nothing_there_is_missing_and_creates_nothing() {
    let place = Place::new();
    assert_eq!(place.refusal(&place.key, options()), OpenError::Missing);
    assert!(place.snapshot().is_empty());
}

#[test]
fn a_finished_database_is_not_created_again() {
    let place = Place::with_database();
    assert_eq!(
        place.refusal(
            &place.key,
            Options {
                mode: Mode::Create,
                ..options()
            }
        ),
        OpenError::Exists
    );
}

#[test]
fn a_plain_database_is_foreign_also_with_our_sidecar_beside_it() {
    for wal in [false, true] {
        for sidecar in [false, true] {
            let place = Place::with_database();
            fs::remove_file(place.path()).unwrap();
            if !sidecar {
                fs::remove_file(place.sidecar()).unwrap();
            }
            let plain = Connection::open(place.path()).unwrap();
            if wal {
                plain.pragma_update(None, "journal_mode", "wal").unwrap();
            }
            plain.pragma_update(None, "application_id", APP).unwrap();
            plain
                .execute_batch("PRAGMA user_version = 1; CREATE TABLE notes(id, text)")
                .unwrap();
            drop(plain);
            refused_in_every_mode(&place, &place.key, &OpenError::Foreign(ForeignKind::Plaintext));
        }
    }
}

#[test]
fn any_other_file_is_foreign() {
    for content in [&b"%PDF-1.7 something"[..], b"x", &[0; 20_000]] {
        let place = Place::new();
        fs::write(place.path(), content).unwrap();
        refused_in_every_mode(&place, &place.key, &OpenError::Foreign(ForeignKind::NotDatabase));
    }
}

#[test]
fn an_encrypted_database_of_another_application_is_foreign() {
    let place = Place::with_database();
    for mode in MODES {
        let other = Options {
            application_id: APP + 1,
            mode,
            ..options()
        };
        let error = place.refusal(&place.key, other);
        assert_eq!(error, OpenError::Foreign(ForeignKind::OtherApplication { found: APP }));
    }
}

#[test]
fn a_wrong_key_is_told_from_damage() {
    let place = Place::with_database();
    let wrong_key = CipherKey::new(&[8; 32], &[9; 16]);
    let wrong_salt = CipherKey::new(&[7; 32], &[8; 16]);
    refused_in_every_mode(&place, &wrong_key, &OpenError::WrongKey);
    refused_in_every_mode(&place, &wrong_salt, &OpenError::WrongKey);
    // Without the sidecar SQLCipher itself must refuse.
    fs::remove_file(place.sidecar()).unwrap();
    refused_in_every_mode(&place, &wrong_key, &OpenError::WrongKey);
}

#[test]
fn a_damaged_first_page_is_corrupt_under_the_right_key() {
    for offset in [5, 40, 2000, 4090] {
        let place = Place::with_database();
        flip(&place, offset);
        refused_in_every_mode(&place, &place.key, &OpenError::Corrupt);
    }
}

#[test]
fn a_truncated_file_is_corrupt() {
    let place = Place::with_database();
    for length in [6000, 4096, 3000, 50, 10] {
        fs::File::options()
            .write(true)
            .open(place.path())
            .unwrap()
            .set_len(length)
            .unwrap();
        refused_in_every_mode(&place, &place.key, &OpenError::Corrupt);
    }
}

#[test]
fn damage_in_a_later_page_is_found_when_it_is_read() {
    let place = Place::with_database();
    flip(&place, 4096 + 1000);
    let db = place.open(Mode::Existing).unwrap();
    assert_eq!(add(&db, 2, "x"), Err(DbError::Corrupt));
    db.close_blocking().ok();
}

#[test]
fn a_newer_database_is_refused() {
    let place = Place::with_database();
    let newer = Options {
        migrations: &V2,
        ..options()
    };
    place.open_as(&place.key, newer).unwrap().close_blocking().unwrap();
    for mode in MODES {
        let error = place.refusal(&place.key, Options { mode, ..options() });
        assert_eq!(error, OpenError::Newer { found: 2, known: 1 });
    }
}

#[test]
fn a_newer_database_that_was_killed_keeps_its_wal_untouched() {
    let place = Place::with_database();
    let db = place
        .open_as(
            &place.key,
            Options {
                migrations: &V2,
                ..options()
            },
        )
        .unwrap();
    add(&db, 2, "only in the WAL").unwrap();
    let killed = place.killed_copy();
    db.close_blocking().unwrap();
    assert!(killed.snapshot().get("a.db-wal").is_some_and(|wal| !wal.is_empty()));
    assert_eq!(
        killed.refusal(&killed.key, options()),
        OpenError::Newer { found: 2, known: 1 }
    );
    // The same without the index that a kill may or may not leave.
    fs::remove_file(killed.dir.path().join("a.db-shm")).unwrap();
    assert_eq!(
        killed.refusal(&killed.key, options()),
        OpenError::Newer { found: 2, known: 1 }
    );
    // And it is whole for the release that knows it.
    let db = killed
        .open_as(
            &killed.key,
            Options {
                migrations: &V2,
                ..options()
            },
        )
        .unwrap();
    assert_eq!(add(&db, 2, "again").unwrap_err(), DbError::Constraint { code: 1555 });
    db.close_blocking().unwrap();
}

#[test]
fn a_second_opener_is_told_busy_and_the_first_goes_on() {
    let place = Place::with_database();
    let db = place.open(Mode::Existing).unwrap();
    let error = place.open(Mode::Existing).unwrap_err();
    assert_eq!(error, OpenError::Busy);
    assert!(error.retryable());
    add(&db, 2, "still mine").unwrap();
    db.close_blocking().unwrap();
    place.open(Mode::Existing).unwrap().close_blocking().unwrap();
}

#[test]
fn a_failing_migration_undoes_itself_and_is_named() {
    static BROKEN: [Migration; 2] = [
        V1[0],
        Migration {
            version: 2,
            name: "broken",
            sql: "UPDATE notes SET text = 'changed';",
            rust: Some(|tx| Ok(tx.execute_batch("INSERT INTO nowhere VALUES (1)")?)),
        },
    ];
    let place = Place::with_database();
    let error = place
        .open_as(
            &place.key,
            Options {
                migrations: &BROKEN,
                ..options()
            },
        )
        .unwrap_err();
    assert_eq!(
        error,
        OpenError::Migration {
            version: 2,
            source: DbError::Sqlite { code: 1 }
        }
    );
    let db = place.open(Mode::Existing).unwrap();
    let text: String = db
        .write_blocking(|tx| Ok::<_, DbError>(tx.query_row("SELECT text FROM notes", [], |row| row.get(0))?))
        .unwrap();
    assert_eq!(text, "first");
    db.close_blocking().unwrap();
}

#[test]
fn wrong_options_are_refused_before_anything_is_touched() {
    let place = Place::new();
    for wrong in [
        Options {
            application_id: 0,
            ..options()
        },
        Options {
            readers: 0,
            ..options()
        },
        Options {
            readers: 5,
            ..options()
        },
        Options {
            migrations: &[],
            ..options()
        },
    ] {
        let error = place.refusal(
            &place.key,
            Options {
                mode: Mode::CreateIfMissing,
                ..wrong
            },
        );
        assert!(matches!(error, OpenError::Options(_)));
    }
}

#[test]
fn a_folder_that_is_missing_or_in_the_way_is_an_io_error() {
    let place = Place::new();
    fs::create_dir(place.path()).unwrap();
    assert!(matches!(
        place.open(Mode::CreateIfMissing).unwrap_err(),
        OpenError::Io(_)
    ));
    let gone = place.dir.path().join("gone").join("a.db");
    let create = Options {
        mode: Mode::Create,
        ..options()
    };
    let error = curo_sqlite::Database::open_blocking(&gone, &place.key, create).unwrap_err();
    assert!(matches!(error, OpenError::Io(std::io::ErrorKind::NotFound)));
    let error = curo_sqlite::Database::open_blocking(&gone, &place.key, options()).unwrap_err();
    assert_eq!(error, OpenError::Missing);
}
