//! Opened, refused, locked for want of a key, erased: what becomes of the files.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn options_are_checked_before_anything_is_made() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("profiles");
    let vault = Arc::new(FileVault::new(dir.path(), &[1; 32]));
    let open = async |options: ClientOptions| Client::open(options, vault.clone(), tokens(&relay, "ana")).await;
    for address in [
        "",
        "relay.example",
        "http://relay.example",
        "http://127.0.0.1:8443",
        "ftp://relay.example",
        "https://",
        "https://relay.example/path",
        "https://relay.example/?query",
        "https://relay.example/#fragment",
        "https://relay.example:99999",
    ] {
        assert_eq!(
            code(open(ClientOptions::new(&root, address)).await),
            ErrorCode::INVALID_ARGUMENT,
            "{address}"
        );
    }
    for certificate in [b"".as_slice(), b"not a certificate", &relay.ca().root_der()[1..]] {
        let options = ClientOptions::new(&root, relay.url()).extra_root(certificate);
        assert_eq!(code(open(options).await), ErrorCode::INVALID_ARGUMENT);
    }
    assert!(snapshot(dir.path()).is_empty());

    // A root that cannot be one.
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(open(ClientOptions::new(&file, relay.url())).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn openings_at_once_of_an_empty_folder_make_one_profile() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("profiles");
    let vault = Arc::new(FileVault::new(dir.path(), &[1; 32]));
    let openings = (0..8).map(|_| {
        let options = ClientOptions::new(&root, relay.url());
        tokio::spawn(Client::open(options, vault.clone(), tokens(&relay, "ana")))
    });
    let mut open = Vec::new();
    for opening in openings.collect::<Vec<_>>() {
        match opening.await.unwrap() {
            Ok(client) => open.push(client),
            Err(busy) => assert_eq!((busy.code(), busy.retryable()), (&ErrorCode::BUSY, true)),
        }
    }
    assert_eq!(open.len(), 1);
    let only = [open[0].profile()];
    assert_eq!(Profiles::list(&root).unwrap(), only);
    for client in open {
        client.close().await.unwrap();
    }
    let again = Client::open(ClientOptions::new(&root, relay.url()), vault, tokens(&relay, "ana"))
        .await
        .unwrap();
    assert_eq!([again.profile()], only);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_has_one_client_at_a_time() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (mut ana, ward) = with_a_message(&relay, "ana").await;
    let profile = ana.client().profile();
    let vault = Arc::clone(ana.vault());
    let root = ana.dir().join("profiles");
    for _ in 0..2 {
        let busy = open_with(&ana, vault.as_ref().clone(), &relay).await.err().unwrap();
        assert_eq!((busy.code(), busy.retryable()), (&ErrorCode::BUSY, true));
        assert_eq!(
            code(Client::erase_profile(&root, profile, &*vault).await),
            ErrorCode::BUSY
        );
    }
    // The first one is not disturbed, a clone of it is the same client, and closing makes room.
    send(&ana, ward, "still here").await;
    let clone = ana.client().clone();
    assert_eq!(texts(&clone.conversation(ward)).await.unwrap(), ["kept", "still here"]);
    clone.close().await.unwrap();
    assert_eq!(code(ana.client().conversations().await), ErrorCode::CLOSED);
    ana.open().await.unwrap();
    assert_eq!(ana.client().profile(), profile);
    assert_eq!(
        texts(&ana.client().conversation(ward)).await.unwrap(),
        ["kept", "still here"]
    );
    ana.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_without_the_key_refuses_and_changes_nothing() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (mut ana, ward) = with_a_message(&relay, "ana").await;
    ana.close().await.unwrap();
    let before = snapshot(ana.dir());
    for (error, expected, retryable) in [
        (VaultError::NotReady, ErrorCode::VAULT_NOT_READY, true),
        (VaultError::UserAuthNeeded, ErrorCode::VAULT_USER_AUTH_NEEDED, false),
        (VaultError::Invalidated, ErrorCode::STORE_MISSING, false),
        (VaultError::Missing, ErrorCode::STORE_MISSING, false),
    ] {
        let refused = open_with(&ana, Moody::new(&ana, error), &relay).await.err().unwrap();
        assert_eq!(
            (refused.code(), refused.retryable()),
            (&expected, retryable),
            "{error:?}"
        );
        assert!(snapshot(ana.dir()) == before, "{error:?} left something changed");
    }
    // A key that is really gone is not replaced by a new one, which would make a new store of the old one's place.
    let keys = fs::read_dir(ana.dir().join("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let key = keys
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "key"))
        .unwrap();
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    assert_eq!(code(ana.open().await), ErrorCode::STORE_MISSING);
    assert!(!key.exists());
    let mut damaged = kept.clone();
    damaged[40] ^= 1;
    fs::write(&key, damaged).unwrap();
    assert_eq!(code(ana.open().await), ErrorCode::STORE_MISSING);
    fs::write(&key, kept).unwrap();
    ana.open().await.unwrap();
    assert_eq!(texts(&ana.client().conversation(ward)).await.unwrap(), ["kept"]);
    ana.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_client_asks_the_vault_again_and_may_be_told_no() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ward) = with_a_message(&relay, "ana").await;
    ana.close().await.unwrap();
    let vault = Moody::new(&ana, VaultError::UserAuthNeeded);
    vault.no.store(false, Ordering::SeqCst);
    let client = open_with(&ana, vault.clone(), &relay).await.unwrap();
    client.lock().await.unwrap();
    vault.no.store(true, Ordering::SeqCst);
    assert_eq!(code(client.unlock().await), ErrorCode::VAULT_USER_AUTH_NEEDED);
    assert!(client.is_locked());
    assert_eq!(code(client.conversations().await), ErrorCode::LOCKED);
    vault.no.store(false, Ordering::SeqCst);
    client.unlock().await.unwrap();
    client.unlock().await.unwrap();
    assert_eq!(texts(&client.conversation(ward)).await.unwrap(), ["kept"]);

    // What cannot be destroyed yet is locked, said so, and erased later.
    vault.no.store(true, Ordering::SeqCst);
    assert_eq!(code(client.erase().await), ErrorCode::VAULT_USER_AUTH_NEEDED);
    assert_eq!(code(client.conversations().await), ErrorCode::LOCKED);
    vault.no.store(false, Ordering::SeqCst);
    assert_eq!(code(client.unlock().await), ErrorCode::STORE_MISSING);
    client.erase().await.unwrap();
    client.erase().await.unwrap();
    assert_eq!(code(client.conversations().await), ErrorCode::STORE_MISSING);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_this_profiles_store_is_refused_and_left_as_it_is() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (mut ana, ward) = with_a_message(&relay, "ana").await;
    let (ben, _) = with_a_message(&relay, "ben").await;
    ana.close().await.unwrap();
    ben.close().await.unwrap();
    let database = ana.database();
    let good = fs::read(&database).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let plain = {
        let file = tempfile::NamedTempFile::new().unwrap();
        #[expect(clippy::disallowed_methods, reason = "a plain database is the point")]
        let plain = rusqlite::Connection::open(file.path()).unwrap();
        plain
            .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
            .unwrap();
        plain.close().unwrap();
        fs::read(file.path()).unwrap()
    };
    let key = ana.vault().load(&ana.client().profile()).await.unwrap();
    let newer = {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &good).unwrap();
        #[expect(clippy::disallowed_methods, reason = "writes what a newer release would")]
        let newer = rusqlite::Connection::open(file.path()).unwrap();
        let key = format!(
            "PRAGMA key = \"x'{}'\"; PRAGMA cipher_plaintext_header_size = 32;",
            hex::encode(key.expose())
        );
        newer
            .execute_batch(&format!(
                "{key} PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE);"
            ))
            .unwrap();
        newer.close().unwrap();
        fs::read(file.path()).unwrap()
    };
    let unreadable = ErrorCode::STORE_UNREADABLE;
    let cases = [
        ("one byte of the salted header", flipped(5), unreadable.clone()),
        ("one byte of the first page", flipped(100), unreadable.clone()),
        ("half of it", good[..good.len() / 2].to_vec(), unreadable.clone()),
        ("its first page", good[..4096].to_vec(), unreadable.clone()),
        ("zeros", vec![0; good.len()], unreadable.clone()),
        ("a text", b"To whom it may concern".to_vec(), unreadable.clone()),
        ("a plain database", plain, unreadable.clone()),
        ("another profile's", fs::read(ben.database()).unwrap(), unreadable),
        ("a newer release's", newer, ErrorCode::STORE_NEWER),
    ];
    for (what, bytes, expected) in cases {
        fs::write(&database, bytes).unwrap();
        let before = snapshot(ana.dir());
        let refused = ana.open().await.err().unwrap();
        assert_eq!((refused.code(), refused.retryable()), (&expected, false), "{what}");
        assert!(snapshot(ana.dir()) == before, "{what}: something was changed");
    }
    fs::write(&database, &good).unwrap();
    ana.open().await.unwrap();
    assert_eq!(texts(&ana.client().conversation(ward)).await.unwrap(), ["kept"]);
    ana.close().await.unwrap();

    // An empty file is a creation that was killed: nothing was in it yet, and it is completed.
    fs::write(&database, b"").unwrap();
    fs::remove_file(database.with_extension("db.check")).unwrap();
    ana.open().await.unwrap();
    assert!(ana.client().account().await.is_none());
    ana.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn erased_is_gone_for_good_and_an_interrupted_erase_is_finished() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let (ward, _) = ana.client().create_conversation(&[UserId::random()]).await.unwrap();
    let (root, profile) = (ana.dir().join("profiles"), ana.client().profile());
    ana.client().erase().await.unwrap();
    assert_eq!(ana.client().connection(), ConnectionState::Stopped);
    for refused in [
        code(ward.info().await),
        code(ana.client().conversations().await),
        code(ana.client().outbox().await),
        code(ward.send_text("gone".into(), MessageId::random()).await),
        code(ana.client().unlock().await),
    ] {
        assert_eq!(refused, ErrorCode::STORE_MISSING);
    }
    ana.client().erase().await.unwrap();
    assert!(Profiles::list(&root).unwrap().is_empty() && snapshot(&root).is_empty());
    assert_eq!(ana.vault().load(&profile).await.err().unwrap(), VaultError::Missing);

    // Interrupted: the mark is there, the key may be. Only erasing helps.
    let (ben, _) = with_a_message(&relay, "ben").await;
    let (root, profile) = (ben.dir().join("profiles"), ben.client().profile());
    ben.close().await.unwrap();
    let vault = Moody::new(&ben, VaultError::NotReady);
    assert_eq!(
        code(Client::erase_profile(&root, profile, &vault).await),
        ErrorCode::VAULT_NOT_READY
    );
    assert_eq!(Profiles::list(&root).unwrap(), [profile]);
    let before = snapshot(ben.dir());
    let half = open_with(&ben, ben.vault().as_ref().clone(), &relay).await;
    assert_eq!(code(half), ErrorCode::STORE_MISSING);
    assert!(snapshot(ben.dir()) == before);
    for _ in 0..2 {
        Client::erase_profile(&root, profile, &**ben.vault()).await.unwrap();
        assert!(Profiles::list(&root).unwrap().is_empty() && snapshot(&root).is_empty());
    }
    // The person starts anew, as another device.
    let again = open_with(&ben, ben.vault().as_ref().clone(), &relay).await.unwrap();
    assert_ne!(again.profile(), profile);
    assert!(again.account().await.is_none());
    assert_eq!(again.sign_in().await.unwrap().tenant, *relay.tenant());
    again.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_person_whose_key_vault_is_not_ready_can_try_again() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let helper = Person::new(&relay, "ana").await.unwrap();
    let vault = Moody {
        inner: Arc::new(FileVault::new(dir.path(), &[3; 32])),
        ..Moody::new(&helper, VaultError::NotReady)
    };
    let options = ClientOptions::new(dir.path().join("profiles"), relay.url()).extra_root(relay.ca().root_der());
    let refused = Client::open(options.clone(), Arc::new(vault.clone()), tokens(&relay, "ana")).await;
    assert_eq!(code(refused), ErrorCode::VAULT_NOT_READY);
    assert!(
        Profiles::list(&dir.path().join("profiles")).unwrap().is_empty(),
        "no profile was left behind"
    );
    vault.no.store(false, Ordering::SeqCst);
    let client = Client::open(options, Arc::new(vault), tokens(&relay, "ana"))
        .await
        .unwrap();
    client.sign_in().await.unwrap();
    client.close().await.unwrap();
    helper.close().await.unwrap();
}
