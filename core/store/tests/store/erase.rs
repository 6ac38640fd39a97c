//! Crypto-erase, whole and interrupted at each step by real kills.

use std::fs;
use std::sync::Arc;

use curo_store::{KeyVault as _, Profiles, Store, StoreError, VaultError};

use crate::support::{Hooked, PROFILE, Place, child_order, put, run_child};

async fn assert_gone(place: &Place) {
    assert!(!place.folder().exists());
    assert!(Profiles::list(&place.root).unwrap().is_empty());
    assert_eq!(place.vault.load(&PROFILE).await.unwrap_err(), VaultError::Missing);
    assert_eq!(place.open().await.unwrap_err(), StoreError::Missing);
    // The profile can begin anew, with another key.
    let store = place.create().await.unwrap();
    put(&store, b"k", b"v").await.unwrap();
    store.lock().await.unwrap();
}

#[tokio::test]
async fn an_erased_store_leaves_neither_key_nor_file() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    let attachments = place.folder().join("attachments");
    fs::create_dir(&attachments).unwrap();
    fs::write(attachments.join("x"), "ciphertext").unwrap();
    store.erase(&place.vault).await.unwrap();
    assert!(store.is_locked());
    assert_eq!(put(&store, b"k", b"v").await, Err(StoreError::Missing));
    assert_eq!(store.unlock(&place.vault).await, Err(StoreError::Missing));
    assert_gone(&place).await;
}

#[tokio::test]
async fn a_locked_store_and_one_whose_key_is_lost_can_be_erased() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    store.lock().await.unwrap();
    store.erase(&place.vault).await.unwrap();
    assert_gone(&place).await;
    place.vault.destroy(&PROFILE).await.unwrap();
    assert_eq!(place.open().await.unwrap_err(), StoreError::Vault(VaultError::Missing));
    Store::erase_profile(&place.root, PROFILE, &place.vault).await.unwrap();
    assert_gone(&place).await;
}

#[tokio::test]
async fn a_profile_without_files_is_erased_without_complaint() {
    let place = Place::new();
    place.vault.create(&PROFILE).await.unwrap();
    Store::erase_profile(&place.root, PROFILE, &place.vault).await.unwrap();
    assert_gone(&place).await;
}

#[tokio::test]
async fn a_store_that_someone_holds_is_not_erased() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    assert_eq!(
        Store::erase_profile(&place.root, PROFILE, &place.vault).await,
        Err(StoreError::Busy)
    );
    put(&store, b"k", b"still here").await.unwrap();
    store.lock().await.unwrap();
}

#[tokio::test]
async fn an_erase_that_the_vault_refuses_says_so_until_it_is_repeated() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    let refusing = Hooked::failing(place.vault.clone(), VaultError::UserAuthNeeded);
    assert_eq!(
        store.erase(&refusing).await,
        Err(StoreError::Vault(VaultError::UserAuthNeeded))
    );
    assert_eq!(put(&store, b"k", b"v").await, Err(StoreError::Locked));
    assert_eq!(store.unlock(&place.vault).await, Err(StoreError::Erasing));
    assert_eq!(place.refusal().await, StoreError::Erasing);
    assert_eq!(place.create().await.unwrap_err(), StoreError::Erasing);
    store.erase(&place.vault).await.unwrap();
    assert_gone(&place).await;
}

#[tokio::test]
async fn an_erase_that_is_killed_before_or_after_the_key_is_gone_can_be_repeated() {
    for step in ["before the key", "after the key"] {
        let place = Place::with_store().await;
        let child = run_child(&place, "erase::the_erase_that_dies", step);
        assert!(!child.status.success());
        assert_eq!(place.vault.load(&PROFILE).await.is_err(), step == "after the key");
        assert!(place.database().exists());
        assert_eq!(Profiles::list(&place.root).unwrap(), [PROFILE]);
        assert_eq!(place.refusal().await, StoreError::Erasing);
        assert_eq!(place.create().await.unwrap_err(), StoreError::Erasing);
        Store::erase_profile(&place.root, PROFILE, &place.vault).await.unwrap();
        assert_gone(&place).await;
    }
}

#[tokio::test]
async fn an_erase_that_was_killed_among_the_files_can_be_repeated() {
    let place = Place::with_store().await;
    run_child(&place, "erase::the_erase_that_dies", "after the key");
    // The states that the removal passes through: the database gone, then everything but the mark, then an empty folder.
    fs::remove_file(place.database()).unwrap();
    assert_eq!(place.refusal().await, StoreError::Erasing);
    fs::remove_file(place.folder().join("store.db.check")).unwrap();
    assert_eq!(Profiles::list(&place.root).unwrap(), [PROFILE]);
    assert_eq!(place.refusal().await, StoreError::Erasing);
    fs::remove_file(place.folder().join("erasing")).unwrap();
    assert_eq!(place.refusal().await, StoreError::Missing);
    Store::erase_profile(&place.root, PROFILE, &place.vault).await.unwrap();
    assert_gone(&place).await;
}

#[tokio::test]
async fn the_erase_that_dies() {
    let Some((step, root, vault)) = child_order() else {
        return;
    };
    let store = Store::open(&root, PROFILE, &vault).await.unwrap();
    let vault = match step.as_str() {
        "before the key" => Hooked {
            before: Arc::new(|| std::process::abort()),
            ..Hooked::new(vault)
        },
        _ => Hooked {
            after: Arc::new(|| std::process::abort()),
            ..Hooked::new(vault)
        },
    };
    drop(store.erase(&vault).await);
}
