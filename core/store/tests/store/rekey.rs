//! A change of keys: what it leaves, and what a kill in the middle leaves.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use curo_store::{KeyVault, Profiles, Store, StoreError, VaultError};

use crate::support::{Hooked, PROFILE, Place, child_order, files, get, put, run_child};

/// The vault's keys, as files.
fn keys(place: &Place) -> Vec<Vec<u8>> {
    files(&place.keys).into_values().collect()
}

async fn card(place: &Place) -> Option<Vec<u8>> {
    let card = Profiles::card(&place.root, PROFILE, &place.vault).await.unwrap();
    card.map(|card| card.to_vec())
}

/// Opens, reads the row, and finds one key and the files of one database.
async fn assert_whole(place: &Place) {
    let store = place.open().await.unwrap();
    assert_eq!(get(&store, b"k").await.unwrap().as_deref(), Some(b"v".as_slice()));
    assert_eq!(keys(place).len(), 1, "one key");
    assert!(!place.folder().join("rekeying").exists());
    store.lock().await.unwrap();
    let names: Vec<_> = place.snapshot().into_keys().collect();
    let databases = names.iter().filter(|name| name.ends_with(".db")).count();
    let cards = names.iter().filter(|name| name.starts_with("card")).count();
    assert_eq!((databases, cards), (1, 1), "{names:?}");
    assert_eq!(card(place).await.as_deref(), Some(b"rn-kim".as_slice()));
    assert_eq!(Profiles::list(&place.root).unwrap(), [PROFILE]);
}

#[tokio::test]
async fn a_new_key_opens_what_the_old_one_had_and_the_old_one_is_gone() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    store.set_card(b"rn-kim".to_vec()).await.unwrap();
    for round in 0..3 {
        let (before, database) = (keys(&place), place.snapshot());
        let stamp = |store: &Store| {
            let store = store.clone();
            async move { store.write(|tx| Ok::<_, StoreError>(tx.stamp())).await.unwrap() }
        };
        let stamped = stamp(&store).await;
        store.rekey(&place.vault).await.unwrap();
        assert!(!store.is_locked());
        assert_ne!(stamp(&store).await, stamped, "mirrors of rows are dropped");
        assert_eq!(get(&store, b"k").await.unwrap().as_deref(), Some(b"v".as_slice()));
        put(&store, b"round", b"more").await.unwrap();
        assert_ne!(keys(&place), before, "round {round}");
        store.lock().await.unwrap();
        let after = place.snapshot();
        for (name, bytes) in database
            .iter()
            .filter(|(name, _)| name.contains(".db") && !name.ends_with("-shm"))
        {
            assert!(after.get(name) != Some(bytes), "{name} is still there");
        }
        assert_whole(&place).await;
        store.unlock(&place.vault).await.unwrap();
    }
    store.lock().await.unwrap();
    assert_eq!(store.rekey(&place.vault).await, Err(StoreError::Locked));
    Store::erase_profile(&place.root, PROFILE, &place.vault).await.unwrap();
    assert!(keys(&place).is_empty(), "also the key of a later slot is destroyed");
    assert!(Profiles::list(&place.root).unwrap().is_empty());
}

#[tokio::test]
async fn a_vault_that_refuses_leaves_the_old_key_and_an_open_store() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    store.set_card(b"rn-kim".to_vec()).await.unwrap();
    // Refuses to make a key; loading works, before and after.
    let calls = Arc::new(AtomicUsize::new(0));
    let vault = Hooked {
        before: {
            let calls = Arc::clone(&calls);
            Arc::new(move || match calls.fetch_add(1, Ordering::SeqCst) {
                1 => Err(VaultError::UserAuthNeeded),
                _ => Ok(()),
            })
        },
        ..Hooked::new(place.vault.clone())
    };
    assert_eq!(
        store.rekey(&vault).await,
        Err(StoreError::Vault(VaultError::UserAuthNeeded))
    );
    put(&store, b"k", b"v").await.unwrap();
    store.lock().await.unwrap();
    assert_whole(&place).await;
}

#[tokio::test]
async fn killed_at_any_call_of_the_vault_the_store_has_its_old_key_or_its_new_one() {
    // load, create, destroy, load: before and after each.
    for call in 0..4 {
        for when in ["before", "after"] {
            let place = Place::with_store().await;
            let store = place.open().await.unwrap();
            store.set_card(b"rn-kim".to_vec()).await.unwrap();
            store.lock().await.unwrap();
            let child = run_child(&place, "rekey::the_change_that_dies", &format!("{when} {call}"));
            assert!(!child.status.success(), "{when} {call}");
            assert_whole(&place).await;
            // And it can be changed again.
            let store = place.open().await.unwrap();
            store.rekey(&place.vault).await.unwrap();
            store.lock().await.unwrap();
            assert_whole(&place).await;
        }
    }
}

/// What is left when the copy was made and the change was killed before it counted.
#[tokio::test]
async fn an_unfinished_copy_is_removed_and_an_erase_finds_both_keys() {
    for erase in [false, true] {
        let place = Place::with_store().await;
        let store = place.open().await.unwrap();
        store.set_card(b"rn-kim".to_vec()).await.unwrap();
        store.lock().await.unwrap();
        run_child(&place, "rekey::the_change_that_dies", "after 1");
        assert_eq!(keys(&place).len(), 2);
        for name in ["store-1.db", "store-1.db.check", "store-1.db-journal", "card-1"] {
            fs::write(place.folder().join(name), "half of it").unwrap();
        }
        if erase {
            fs::write(place.folder().join("rekeying"), "damaged").unwrap();
            Store::erase_profile(&place.root, PROFILE, &place.vault).await.unwrap();
            assert!(keys(&place).is_empty() && !place.folder().exists());
        } else {
            assert_whole(&place).await;
        }
    }
}

#[tokio::test]
async fn a_damaged_slot_file_is_refused_and_no_key_is_made_for_it() {
    let place = Place::with_store().await;
    let store = place.open().await.unwrap();
    store.rekey(&place.vault).await.unwrap();
    store.lock().await.unwrap();
    let before = keys(&place);
    fs::write(place.folder().join("slot"), "nonsense").unwrap();
    assert_eq!(place.refusal().await, StoreError::Corrupt);
    assert_eq!(place.create().await.unwrap_err(), StoreError::Corrupt);
    // Set back to the first slot: its key is gone, and no new one takes its place.
    fs::remove_file(place.folder().join("slot")).unwrap();
    assert_eq!(place.refusal().await, StoreError::Missing);
    assert_eq!(place.create().await.unwrap_err(), StoreError::Corrupt);
    assert_eq!(keys(&place), before);
}

#[tokio::test]
async fn a_card_is_read_while_the_store_is_open_and_not_without_the_key() {
    let place = Place::with_store().await;
    assert_eq!(card(&place).await, None);
    let store = place.open().await.unwrap();
    store.set_card(b"rn-kim".to_vec()).await.unwrap();
    assert_eq!(card(&place).await.as_deref(), Some(b"rn-kim".as_slice()));
    assert!(store.set_card(vec![0; 511]).await.is_err());
    store.lock().await.unwrap();
    assert_eq!(store.set_card(b"no".to_vec()).await, Err(StoreError::Locked));
    for error in [VaultError::NotReady, VaultError::UserAuthNeeded] {
        let vault = Hooked::failing(place.vault.clone(), error);
        let refused = Profiles::card(&place.root, PROFILE, &vault).await.unwrap_err();
        assert_eq!(refused, StoreError::Vault(error));
    }
    place.vault.destroy(&PROFILE).await.unwrap();
    let lost = Profiles::card(&place.root, PROFILE, &place.vault).await.unwrap_err();
    assert_eq!(lost, StoreError::Vault(VaultError::Missing));
}

#[tokio::test]
async fn the_change_that_dies() {
    let Some((step, root, vault)) = child_order() else {
        return;
    };
    let store = Store::open(&root, PROFILE, &vault).await.unwrap();
    let (when, call) = step.split_once(' ').unwrap();
    let call: usize = call.parse().unwrap();
    let calls = AtomicUsize::new(0);
    let die = Arc::new(move || {
        if calls.fetch_add(1, Ordering::SeqCst) == call {
            std::process::abort();
        }
        Ok(())
    });
    let vault = match when {
        "before" => Hooked {
            before: die,
            ..Hooked::new(vault)
        },
        _ => Hooked {
            after: die,
            ..Hooked::new(vault)
        },
    };
    drop(store.rekey(&vault).await);
}
