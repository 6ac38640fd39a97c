//! Every refusal has its own error and leaves the folder byte for byte as it was (`Place::refusal` asserts that).

use std::fs;

use curo_sqlite::{Database, Migration, Mode, Options};
use curo_store::{FileVault, KeyVault as _, ProfileId, Store, StoreError, VaultError, rusqlite};

use crate::support::{Hooked, PROFILE, Place};

#[tokio::test]
async fn nothing_there_is_missing_and_makes_nothing() {
    let place = Place::new();
    assert_eq!(place.refusal().await, StoreError::Missing);
    assert!(!place.root.exists());
}

#[tokio::test]
async fn an_empty_database_is_missing() {
    let place = Place::with_store().await;
    fs::write(place.database(), "").unwrap();
    assert_eq!(place.refusal().await, StoreError::Missing);
}

#[tokio::test]
async fn a_finished_store_is_not_created_again() {
    let place = Place::with_store().await;
    let before = place.snapshot();
    assert_eq!(place.create().await.unwrap_err(), StoreError::Exists);
    assert!(before == place.snapshot());
    place.open().await.unwrap().lock().await.unwrap();
}

#[tokio::test]
async fn a_plain_database_and_no_database_are_foreign() {
    let place = Place::with_store().await;
    fs::remove_file(place.database()).unwrap();
    let plain = rusqlite::Connection::open(place.database()).unwrap();
    plain
        .execute_batch("CREATE TABLE meta(id, profile, generation)")
        .unwrap();
    drop(plain);
    assert_eq!(place.refusal().await, StoreError::Foreign);
    fs::remove_file(place.folder().join("store.db.check")).unwrap();
    fs::write(place.database(), "%PDF-1.7").unwrap();
    assert_eq!(place.refusal().await, StoreError::Foreign);
}

#[tokio::test]
async fn another_profiles_store_is_foreign_even_with_its_key() {
    let place = Place::with_store().await;
    let other = ProfileId([0x0b; 16]);
    let folder = place.root.join(other.to_string());
    fs::create_dir(&folder).unwrap();
    for (name, bytes) in place.snapshot() {
        fs::write(folder.join(name), bytes).unwrap();
    }
    struct SameKey(FileVault);
    #[async_trait::async_trait]
    impl curo_store::KeyVault for SameKey {
        async fn load(&self, _: &ProfileId) -> Result<curo_store::StoreKey, VaultError> {
            self.0.load(&PROFILE).await
        }
        async fn create(&self, _: &ProfileId) -> Result<curo_store::StoreKey, VaultError> {
            self.0.load(&PROFILE).await
        }
        async fn destroy(&self, _: &ProfileId) -> Result<(), VaultError> {
            Ok(())
        }
    }
    let error = Store::open(&place.root, other, &SameKey(place.vault.clone()))
        .await
        .unwrap_err();
    assert_eq!(error, StoreError::Foreign);
    assert!(
        crate::support::files(&folder) == place.snapshot(),
        "the foreign store was changed"
    );
}

#[tokio::test]
async fn a_newer_store_is_refused() {
    const NOTHING: Migration = Migration {
        version: 0,
        name: "",
        sql: "",
        rust: None,
    };
    // Far more than there are.
    static NEWER: [Migration; 64] = {
        let mut all = [NOTHING; 64];
        let mut version = 0;
        while version < all.len() {
            all[version].version = version as u32 + 1;
            version += 1;
        }
        all
    };
    let place = Place::with_store().await;
    let key = place.vault.load(&PROFILE).await.unwrap();
    let options = Options {
        application_id: 0x4375_726f,
        migrations: &NEWER,
        readers: 1,
        cache_kib: 100,
        mode: Mode::Existing,
    };
    let newer = Database::open(place.database(), &key, options).await.unwrap();
    newer.close().await.unwrap();
    let error = place.refusal().await;
    assert!(
        matches!(error, StoreError::Newer { found: 64, known } if known < 64),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_wrong_key_and_a_damaged_file_are_told_apart() {
    let place = Place::with_store().await;
    let other_keys = tempfile::tempdir().unwrap();
    let other = FileVault::new(other_keys.path(), &[5; 32]);
    other.create(&PROFILE).await.unwrap();
    assert_eq!(place.refusal_with(&other).await, StoreError::WrongKey);
    let mut bytes = fs::read(place.database()).unwrap();
    *bytes.get_mut(200).unwrap() ^= 1;
    fs::write(place.database(), bytes).unwrap();
    assert_eq!(place.refusal().await, StoreError::Corrupt);
}

#[tokio::test]
async fn each_answer_of_the_vault_is_passed_on() {
    let place = Place::with_store().await;
    for (error, retryable) in [
        (VaultError::NotReady, true),
        (VaultError::UserAuthNeeded, true),
        (VaultError::Invalidated, false),
        (VaultError::Missing, false),
    ] {
        let refusal = place.refusal_with(&Hooked::failing(place.vault.clone(), error)).await;
        assert_eq!(refusal, StoreError::Vault(error));
        assert_eq!(refusal.retryable(), retryable);
    }
    place.open().await.unwrap().lock().await.unwrap();
}

#[tokio::test]
async fn a_store_whose_key_is_lost_gets_no_new_key_by_create() {
    let place = Place::with_store().await;
    place.vault.destroy(&PROFILE).await.unwrap();
    assert_eq!(
        place.create().await.unwrap_err(),
        StoreError::Vault(VaultError::Missing)
    );
    assert_eq!(place.vault.load(&PROFILE).await.unwrap_err(), VaultError::Missing);
    assert_eq!(place.refusal().await, StoreError::Vault(VaultError::Missing));
}

#[tokio::test]
async fn trouble_with_the_file_system_is_an_io_error() {
    let place = Place::with_store().await;
    fs::remove_file(place.database()).unwrap();
    fs::create_dir(place.database()).unwrap();
    fs::write(place.database().join("x"), "x").unwrap();
    assert!(matches!(place.refusal().await, StoreError::Io(_)));
    let blocked = tempfile::tempdir().unwrap();
    let root = blocked.path().join("root");
    fs::write(&root, "a file").unwrap();
    let error = Store::create(&root, PROFILE, &place.vault).await.unwrap_err();
    assert!(matches!(error, StoreError::Io(_)) && error.retryable());
}

#[tokio::test]
async fn a_refused_open_gives_the_lease_back() {
    let place = Place::with_store().await;
    let good = fs::read(place.database()).unwrap();
    fs::write(place.database(), "%PDF-1.7").unwrap();
    assert_eq!(place.refusal().await, StoreError::Corrupt);
    fs::write(place.database(), good).unwrap();
    place
        .refusal_with(&Hooked::failing(place.vault.clone(), VaultError::NotReady))
        .await;
    place.open().await.unwrap().lock().await.unwrap();
}
