//! Copies: of one moment, encrypted, checked, and of our databases only.

use std::fs;
use std::path::PathBuf;

use curo_sqlite::{CipherKey, Database, ForeignKind, Mode, OpenError, Options, copy_blocking, recrypt_blocking};

use crate::support::{APP, Held, Place, add, ids, options};

fn target(place: &Place) -> PathBuf {
    let folder = place.dir.path().join("copy");
    fs::create_dir_all(&folder).unwrap();
    folder.join("a.db")
}

fn copy(place: &Place) -> Result<PathBuf, OpenError> {
    let target = target(place);
    copy_blocking(&place.path(), &target, &place.key, APP).map(|()| target)
}

async fn open(place: &Place, path: PathBuf) -> Database {
    Database::open(path, &place.key, options()).await.unwrap()
}

#[tokio::test]
async fn a_copy_has_what_was_answered_before_it_and_nothing_that_was_not() {
    let place = Place::with_database();
    let db = place.open(Mode::Existing).unwrap();
    add(&db, 2, "in the WAL").unwrap();
    // A job is at work: it neither holds up the copy nor stands in it.
    let held = Held::new(&db).await;
    let late = {
        let db = db.clone();
        tokio::spawn(async move {
            db.write(|tx| {
                tx.execute("INSERT INTO notes(id, text) VALUES (3, 'late')", [])?;
                Ok::<_, curo_sqlite::DbError>(())
            })
            .await
        })
    };
    let path = copy(&place).unwrap();
    held.release().await;
    late.await.unwrap().unwrap();
    assert_eq!(ids(&db).await, [1, 2, 3]);
    let names: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "the file and its sidecar: {names:?}");
    let bytes = fs::read(&path).unwrap();
    assert!(
        !bytes.windows(10).any(|window| window == b"in the WAL"),
        "it is encrypted"
    );
    let copied = open(&place, path).await;
    assert_eq!(ids(&copied).await, [1, 2]);
    // Both go on by themselves.
    add(&copied, 9, "copy").unwrap();
    assert_eq!(ids(&db).await, [1, 2, 3]);
}

#[tokio::test]
async fn a_closed_database_is_copied_too_and_not_changed() {
    let place = Place::with_database();
    let before = fs::read(place.path()).unwrap();
    let path = copy(&place).unwrap();
    assert!(before == fs::read(place.path()).unwrap());
    assert_ne!(before, fs::read(&path).unwrap(), "every page is encrypted anew");
    assert_eq!(ids(&open(&place, path).await).await, [1]);
}

#[test]
fn only_our_own_databases_are_copied_and_nothing_is_overwritten() {
    let place = Place::with_database();
    let target = target(&place);
    let from = |key: &CipherKey, app| copy_blocking(&place.path(), &target, key, app).unwrap_err();
    assert_eq!(from(&CipherKey::new(&[8; 32], &[9; 16]), APP), OpenError::WrongKey);
    let other = OpenError::Foreign(ForeignKind::OtherApplication { found: APP });
    assert_eq!(from(&place.key, APP + 1), other);
    assert!(!target.exists(), "a refusal leaves nothing");
    fs::remove_file(place.sidecar()).unwrap();
    assert_eq!(from(&CipherKey::new(&[8; 32], &[9; 16]), APP), OpenError::WrongKey);
    fs::write(&target, "something").unwrap();
    assert_eq!(from(&place.key, APP), OpenError::Exists);
    assert_eq!(fs::read(&target).unwrap(), b"something");
    let nowhere = copy_blocking(&place.dir.path().join("b.db"), &target, &place.key, APP);
    assert_eq!(nowhere, Err(OpenError::Missing));
}

#[tokio::test]
async fn a_copy_under_a_new_key_and_salt_opens_with_those_only() {
    let place = Place::with_database();
    let before = fs::read(place.path()).unwrap();
    let (path, new_key) = (target(&place), CipherKey::generate().unwrap());
    recrypt_blocking(&place.path(), &path, &place.key, &new_key, APP).unwrap();
    assert!(before == fs::read(place.path()).unwrap(), "the source is not changed");
    let refused = Database::open(&path, &place.key, options()).await.unwrap_err();
    assert_eq!(refused, OpenError::WrongKey);
    let copied = Database::open(&path, &new_key, options()).await.unwrap();
    assert_eq!(ids(&copied).await, [1]);
    add(&copied, 2, "later").unwrap();
    copied.close().await.unwrap();
    assert_eq!(
        ids(&Database::open(&path, &new_key, options()).await.unwrap()).await,
        [1, 2]
    );
    assert_eq!(
        recrypt_blocking(&place.path(), &path, &place.key, &new_key, APP),
        Err(OpenError::Exists)
    );
}

#[test]
fn a_damaged_page_is_not_copied_silently() {
    let place = Place::new();
    let db = place
        .open_as(
            &place.key,
            Options {
                mode: Mode::Create,
                ..options()
            },
        )
        .unwrap();
    for id in 0..200 {
        add(&db, id, &"x".repeat(500)).unwrap();
    }
    db.close_blocking().unwrap();
    let mut bytes = fs::read(place.path()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(place.path(), bytes).unwrap();
    let error = copy(&place).unwrap_err();
    assert!(
        matches!(error, OpenError::Corrupt | OpenError::Db(curo_sqlite::DbError::Corrupt)),
        "{error:?}"
    );
}
