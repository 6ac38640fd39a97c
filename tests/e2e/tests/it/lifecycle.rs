//! A profile's life through the public API: opened, signed in, locked, closed, refused, erased. Every refusal has its
//! stable code, and what is refused is left as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use curo::{
    Client, ClientOptions, ConnectionState, ConversationId, DeliveryState, ErrorCode, FileVault, IntentId,
    IntentStatus, KeyVault, MessageId, PAGE_LIMIT, ProfileId, Profiles, StoreKey, UserId, VaultError,
};
use curo_kit::{
    Person, TestRelay, Tokens, Validity, texts, until, until_connection, until_delivery, until_done, until_live,
    until_text,
};

use crate::{SOON, logs, raw};

pub fn code<T>(result: curo::Result<T>) -> ErrorCode {
    match result {
        Ok(_) => panic!("not refused"),
        Err(error) => error.code().clone(),
    }
}

/// Name and content of every file below a folder.
fn snapshot(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(snapshot(&path));
        } else {
            files.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
    files
}

fn tokens(relay: &TestRelay, subject: &str) -> Arc<Tokens> {
    Arc::new(Tokens::new(Arc::clone(relay.issuer()), relay.tenant().clone(), subject))
}

async fn send(person: &Person, id: ConversationId, text: &str) -> MessageId {
    person
        .client()
        .conversation(id)
        .send_text(text.into(), MessageId::random())
        .await
        .unwrap()
}

/// A person with a conversation with somebody whom nobody knows: all of it is local.
async fn with_a_message(relay: &TestRelay, subject: &str) -> (Person, ConversationId) {
    let person = Person::new(relay, subject).await.unwrap();
    person.client().sign_in().await.unwrap();
    let (ward, _) = person.client().create_conversation(&[UserId::random()]).await.unwrap();
    send(&person, ward.id(), "kept").await;
    (person, ward.id())
}

async fn open_with(person: &Person, vault: impl KeyVault + 'static, relay: &TestRelay) -> curo::Result<Client> {
    Client::open(
        person.options().clone(),
        Arc::new(vault),
        tokens(relay, person.subject()),
    )
    .await
}

/// A vault that says no while it is told to.
#[derive(Clone)]
struct Moody {
    inner: Arc<FileVault>,
    error: VaultError,
    no: Arc<AtomicBool>,
}

impl Moody {
    fn new(person: &Person, error: VaultError) -> Self {
        Self {
            inner: Arc::clone(person.vault()),
            error,
            no: Arc::new(AtomicBool::new(true)),
        }
    }

    fn answer(&self) -> Result<(), VaultError> {
        if self.no.load(Ordering::SeqCst) {
            Err(self.error)
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl KeyVault for Moody {
    async fn load(&self, profile: &ProfileId) -> Result<StoreKey, VaultError> {
        self.answer()?;
        self.inner.load(profile).await
    }

    async fn create(&self, profile: &ProfileId) -> Result<StoreKey, VaultError> {
        self.answer()?;
        self.inner.create(profile).await
    }

    async fn destroy(&self, profile: &ProfileId) -> Result<(), VaultError> {
        self.answer()?;
        self.inner.destroy(profile).await
    }
}

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
    assert_eq!(code(ana.client().conversations().await), ErrorCode::LOCKED);
    ana.open().await.unwrap();
    assert_eq!(ana.client().profile(), profile);
    assert_eq!(
        texts(&ana.client().conversation(ward)).await.unwrap(),
        ["kept", "still here"]
    );
    ana.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_may_hold_several_profiles_and_then_one_is_chosen() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, hers) = with_a_message(&relay, "ana").await;
    let (vault, first) = (Arc::clone(ana.vault()), ana.client().profile());
    let second = ProfileId::random();
    let options = ana.options().clone().profile(second);
    let ben = Client::open(options.clone(), vault.clone(), tokens(&relay, "ben"))
        .await
        .unwrap();
    assert!(ben.account().await.is_none());
    let account = ben.sign_in().await.unwrap();
    assert_ne!(account.user, ana.user().await);
    assert_eq!(ben.account().await, Some(account.clone()));
    assert!(ben.conversations().await.unwrap().is_empty());
    assert_eq!(code(ben.conversation(hers).info().await), ErrorCode::UNKNOWN);
    ben.close().await.unwrap();
    ana.close().await.unwrap();

    let mut profiles = [first, second];
    profiles.sort_unstable();
    let root = ana.dir().join("profiles");
    assert_eq!(Profiles::list(&root).unwrap(), profiles);
    let none_chosen = Client::open(ana.options().clone(), vault.clone(), tokens(&relay, "ana")).await;
    assert_eq!(code(none_chosen), ErrorCode::INVALID_ARGUMENT);
    let ben = Client::open(options, vault.clone(), tokens(&relay, "ben"))
        .await
        .unwrap();
    assert_eq!(ben.account().await, Some(account));

    // Erasing one leaves the other, which is the only one again.
    ben.erase().await.unwrap();
    assert_eq!(Profiles::list(&root).unwrap(), [first]);
    let ana = Client::open(ana.options().clone(), vault, tokens(&relay, "ana"))
        .await
        .unwrap();
    assert_eq!(texts(&ana.conversation(hers)).await.unwrap(), ["kept"]);
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
async fn a_profile_is_bound_to_the_first_who_signs_in() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ward) = with_a_message(&relay, "ana").await;
    let account = ana.account().await.unwrap();
    ana.close().await.unwrap();
    let other = Client::open(ana.options().clone(), ana.vault().clone(), tokens(&relay, "eve"))
        .await
        .unwrap();
    for _ in 0..2 {
        let refused = other.sign_in().await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.retryable()),
            (&ErrorCode::WRONG_ACCOUNT, false)
        );
    }
    // Nothing of the owner's is lost, and nothing of it is sent as somebody else.
    assert_eq!(other.account().await, Some(account.clone()));
    assert_eq!(texts(&other.conversation(ward)).await.unwrap(), ["kept"]);
    other.start().await.unwrap();
    let refused = ConnectionState::Failed {
        code: ErrorCode::UNKNOWN_DEVICE,
    };
    until_connection(&other, "refused", SOON, |state| *state == refused).await;
    assert_eq!(other.outbox().await.unwrap().waiting, 2);
    other.close().await.unwrap();
    let back = Client::open(ana.options().clone(), ana.vault().clone(), tokens(&relay, "ana"))
        .await
        .unwrap();
    assert_eq!(back.sign_in().await.unwrap(), account);
    back.start().await.unwrap();
    until_live(&back, SOON).await;
    back.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_sign_in_only_looking_is_possible() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut ana = Person::new(&relay, "ana").await.unwrap();
    for restarted in [false, true] {
        let client = ana.client();
        assert!(client.account().await.is_none());
        assert_eq!(client.connection(), ConnectionState::Stopped);
        assert!(client.conversations().await.unwrap().is_empty());
        assert_eq!(client.outbox().await.unwrap().waiting, 0);
        let nowhere = client.conversation(ConversationId::random());
        for refused in [
            code(client.start().await),
            code(client.catch_up().await),
            code(client.find_people(&["ben"]).await),
            code(client.create_conversation(&[UserId::random()]).await),
            code(client.direct_conversation(UserId::random()).await),
            code(nowhere.send_text("too early".into(), MessageId::random()).await),
            code(nowhere.add(&[UserId::random()]).await),
            code(nowhere.remove(&[UserId::random()]).await),
            code(nowhere.renew_keys().await),
            code(nowhere.latest(1).await),
            code(nowhere.delivery(MessageId::random()).await),
        ] {
            assert_eq!(refused, ErrorCode::SIGN_IN_NEEDED, "restarted: {restarted}");
        }
        assert_eq!(code(nowhere.info().await), ErrorCode::UNKNOWN);
        if !restarted {
            // A sign-in that does not come through leaves it so, also across a restart.
            ana.tokens().set(Validity::Nobody);
            assert_eq!(code(ana.client().sign_in().await), ErrorCode::SIGN_IN_NEEDED);
            ana.tokens().set(Validity::Refused);
            assert_eq!(code(ana.client().sign_in().await), ErrorCode::SIGN_IN_NEEDED);
            ana.tokens().set(Validity::Expired);
            assert_eq!(code(ana.client().sign_in().await), ErrorCode::TOKEN_EXPIRED);
            ana.tokens().set(Validity::Good);
            ana.cable().cut();
            assert_eq!(code(ana.client().sign_in().await), ErrorCode::OFFLINE);
            ana.cable().restore();
            ana.close().await.unwrap();
            ana.open().await.unwrap();
        }
    }
    // Signed in once, it stays signed in, offline too.
    let account = ana.client().sign_in().await.unwrap();
    assert_eq!(ana.client().sign_in().await.unwrap(), account);
    ana.close().await.unwrap();
    ana.cable().cut();
    ana.open().await.unwrap();
    assert_eq!(ana.client().account().await, Some(account.clone()));
    ana.client().start().await.unwrap();
    until_connection(ana.client(), "offline", SOON, |state| {
        *state
            == ConnectionState::Waiting {
                code: ErrorCode::OFFLINE,
            }
    })
    .await;
    ana.cable().restore();
    until_live(ana.client(), SOON).await;
    ana.close().await.unwrap();
}

/// Every call of a client that is locked, closed or otherwise not to be used.
async fn refusals(client: &Client, id: ConversationId, message: MessageId, intent: IntentId) -> Vec<ErrorCode> {
    let conversation = client.conversation(id);
    let cursorless = conversation.latest(1).await;
    vec![
        code(client.conversations().await),
        code(client.outbox().await),
        code(client.start().await),
        code(client.catch_up().await),
        code(client.find_people(&["ben"]).await),
        code(client.create_conversation(&[UserId::random()]).await),
        code(client.direct_conversation(UserId::random()).await),
        code(client.sign_in().await),
        code(conversation.info().await),
        code(conversation.send_text("no".into(), MessageId::random()).await),
        code(conversation.add(&[UserId::random()]).await),
        code(conversation.remove(&[UserId::random()]).await),
        code(conversation.renew_keys().await),
        code(conversation.intent(intent).await),
        code(conversation.retry(intent).await),
        code(cursorless),
        code(conversation.delivery(message).await),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_or_closed_client_refuses_everything_and_comes_back_unharmed() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let (ward, created) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    let first = send(&ana, ward.id(), "first").await;
    until_text(ben.client(), ward.id(), "first", SOON).await;
    until_done(ana.client(), ward.id(), created, SOON).await;
    for round in ["locked", "closed"] {
        let queued = send(&ana, ward.id(), round).await;
        if round == "locked" {
            ana.client().lock().await.unwrap();
        } else {
            ana.client().close().await.unwrap();
        }
        assert!(ana.client().is_locked());
        assert_eq!(ana.client().connection(), ConnectionState::Stopped);
        for (n, refused) in refusals(ana.client(), ward.id(), first, created)
            .await
            .into_iter()
            .enumerate()
        {
            assert_eq!(refused, ErrorCode::LOCKED, "{round}, call {n}");
        }
        // Again is no error.
        ana.client().lock().await.unwrap();
        ana.client().close().await.unwrap();
        ana.client().stop().await;
        let revision = ana.client().revision();
        ana.client().unlock().await.unwrap();
        assert!(
            ana.client().next_revision(revision).await > revision,
            "watchers are told"
        );
        // Unlocked is not started.
        assert_eq!(ana.client().connection(), ConnectionState::Stopped);
        ana.client().start().await.unwrap();
        until_text(ben.client(), ward.id(), round, SOON).await;
        until_delivery(
            ana.client(),
            ward.id(),
            queued,
            DeliveryState::Delivered { by: 1, of: 1 },
            SOON,
        )
        .await;
        send(&ben, ward.id(), &format!("after {round}")).await;
        until_text(ana.client(), ward.id(), &format!("after {round}"), SOON).await;
    }
    assert_eq!(
        texts(&ward).await.unwrap(),
        ["first", "locked", "after locked", "closed", "after closed"]
    );
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn locking_in_the_middle_of_everything_loses_nothing() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let (ward, _) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    let mut expected = Vec::new();
    for n in 0..12 {
        for part in 0..3 {
            let text = format!("{n}.{part}");
            send(&ana, ward.id(), &text).await;
            expected.push(text);
        }
        if n % 4 == 1 {
            ward.renew_keys().await.unwrap();
        }
        // At once: what is under way is cut off wherever it stands.
        ana.client().lock().await.unwrap();
        ana.client().unlock().await.unwrap();
        ana.client().start().await.unwrap();
    }
    until_text(ben.client(), ward.id(), "11.2", SOON).await;
    assert_eq!(texts(&ben.client().conversation(ward.id())).await.unwrap(), expected);
    let empty = async || ana.client().outbox().await.is_ok_and(|outbox| outbox.waiting == 0);
    until(ana.client(), "outbox empty", SOON, empty).await;
    assert_eq!(texts(&ward).await.unwrap(), expected);
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_are_woken_and_starting_and_stopping_may_be_repeated() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let client = ana.client().clone();
    client.start().await.unwrap();
    assert_eq!(client.connection(), ConnectionState::Live);
    let (revision, live) = (client.revision(), client.connection());
    let watched = client.clone();
    let connection = tokio::spawn(async move { watched.next_connection(&live).await });
    let watched = client.clone();
    let change = tokio::spawn(async move { watched.next_revision(revision).await });
    client.stop().await;
    client.stop().await;
    assert_ne!(connection.await.unwrap(), ConnectionState::Live);
    assert_eq!(client.connection(), ConnectionState::Stopped);
    client.create_conversation(&[UserId::random()]).await.unwrap();
    assert!(change.await.unwrap() > revision);
    for _ in 0..3 {
        client.start().await.unwrap();
        client.start().await.unwrap();
        until_live(&client, SOON).await;
        client.stop().await;
    }
    ana.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_id_is_the_same_message_and_never_two() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let (ward, _) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    let (other, _) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    let id = MessageId::random();
    let all = futures_util::future::join_all((0..8).map(|_| ward.send_text("once".into(), id))).await;
    assert!(all.into_iter().all(|sent| sent == Ok(id)));
    until_text(ben.client(), ward.id(), "once", SOON).await;
    until_delivery(
        ana.client(),
        ward.id(),
        id,
        DeliveryState::Delivered { by: 1, of: 1 },
        SOON,
    )
    .await;
    // Long after, with another text: the first one stands.
    assert_eq!(ward.send_text("again".into(), id).await, Ok(id));
    send(&ana, ward.id(), "next").await;
    until_text(ben.client(), ward.id(), "next", SOON).await;
    for person in [&ana, &ben] {
        assert_eq!(
            texts(&person.client().conversation(ward.id())).await.unwrap(),
            ["once", "next"]
        );
    }

    // One that waits in one conversation is refused in another: it could not be told apart there.
    ana.cable().cut();
    let waiting = MessageId::random();
    ward.send_text("here".into(), waiting).await.unwrap();
    assert_eq!(
        code(other.send_text("there".into(), waiting).await),
        ErrorCode::INVALID_ARGUMENT
    );
    let renewed = ward.renew_keys().await.unwrap();
    assert_eq!(
        code(ward.send_text("an intent's".into(), renewed.into()).await),
        ErrorCode::INVALID_ARGUMENT
    );
    assert!(texts(&other).await.unwrap().is_empty());
    ana.cable().restore();
    until_text(ben.client(), ward.id(), "here", SOON).await;
    assert_eq!(ana.client().outbox().await.unwrap().failed, 0);
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_outside_their_limits_and_things_that_are_not_there() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ward) = with_a_message(&relay, "ana").await;
    let (client, me) = (ana.client(), ana.user().await);
    let ward = client.conversation(ward);
    let many: Vec<_> = (0..251).map(|_| UserId::random()).collect();
    let invalid = ErrorCode::INVALID_ARGUMENT;
    assert_eq!(code(client.create_conversation(&[]).await), invalid);
    assert_eq!(code(client.create_conversation(&[me]).await), invalid);
    assert_eq!(code(client.create_conversation(&many).await), invalid);
    assert_eq!(code(client.direct_conversation(me).await), invalid);
    assert_eq!(code(client.find_people(&[]).await), invalid);
    assert_eq!(code(client.find_people(&["x"; 251]).await), invalid);
    assert_eq!(code(ward.add(&[]).await), invalid);
    assert_eq!(code(ward.add(&many).await), invalid);
    assert_eq!(code(ward.remove(&[]).await), invalid);
    assert_eq!(code(ward.remove(&many).await), invalid);
    assert_eq!(code(ward.remove(&[UserId::random(), me]).await), invalid);
    assert_eq!(code(ward.send_text("".into(), MessageId::random()).await), invalid);
    let page = ward.latest(1).await.unwrap();
    let cursor = page.items[0].cursor;
    for limit in [0, PAGE_LIMIT + 1, usize::MAX] {
        assert_eq!(code(ward.latest(limit).await), invalid);
        assert_eq!(code(ward.before(cursor, limit).await), invalid);
        assert_eq!(code(ward.after(cursor, limit).await), invalid);
    }
    // A subject that no identity provider could have issued.
    let long = "x".repeat(256);
    let refused = client.find_people(&[&long]).await.unwrap_err();
    assert_eq!((refused.code(), refused.retryable()), (&ErrorCode::TOO_LARGE, false));
    assert!(client.find_people(&[""]).await.unwrap().is_empty());

    let unknown = ErrorCode::UNKNOWN;
    let nowhere = client.conversation(ConversationId::random());
    assert_eq!(code(nowhere.info().await), unknown);
    assert_eq!(
        code(nowhere.send_text("lost".into(), MessageId::random()).await),
        unknown
    );
    assert_eq!(code(nowhere.add(&[UserId::random()]).await), unknown);
    assert_eq!(code(nowhere.remove(&[UserId::random()]).await), unknown);
    assert_eq!(code(nowhere.renew_keys().await), unknown);
    assert_eq!(code(nowhere.retry(IntentId::random()).await), unknown);
    assert_eq!(code(nowhere.delivery(MessageId::random()).await), unknown);
    assert_eq!(code(ward.delivery(MessageId::random()).await), unknown);
    assert_eq!(code(ward.intent(IntentId::random()).await), unknown);
    assert_eq!(code(ward.retry(IntentId::random()).await), unknown);
    assert!(nowhere.latest(10).await.unwrap().items.is_empty());
    // An intent is known where it belongs and nowhere else; what has not failed cannot be retried.
    let (care, created) = client.create_conversation(&[UserId::random()]).await.unwrap();
    assert_eq!(care.intent(created).await.unwrap(), IntentStatus::Pending);
    assert_eq!(code(ward.intent(created).await), unknown);
    assert_eq!(code(care.retry(created).await), unknown);
    // Nothing of all this was left in the outbox but what was taken.
    assert_eq!(
        (
            client.outbox().await.unwrap().waiting,
            client.conversations().await.unwrap().len()
        ),
        (3, 2)
    );
    ana.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_7_who_has_no_device_fails_what_was_for_them_and_blocks_nothing() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let client = ana.client();
    let (nobody, created) = client.create_conversation(&[UserId::random()]).await.unwrap();
    let message = send(&ana, nobody.id(), "hello?").await;
    let failed = DeliveryState::Failed {
        code: ErrorCode::NO_DEVICE,
        retryable: false,
    };
    until_delivery(client, nobody.id(), message, failed.clone(), SOON).await;
    let intent = IntentStatus::Failed {
        code: ErrorCode::NO_DEVICE,
        retryable: false,
    };
    assert_eq!(nobody.intent(created).await.unwrap(), intent);
    assert_eq!(
        (
            client.outbox().await.unwrap().waiting,
            client.outbox().await.unwrap().failed
        ),
        (0, 2)
    );

    // In a conversation that goes on, what stands behind is sent.
    let (ward, _) = client.create_conversation(&[ben.user().await]).await.unwrap();
    let added = ward.add(&[UserId::random()]).await.unwrap();
    send(&ana, ward.id(), "behind").await;
    until_text(ben.client(), ward.id(), "behind", SOON).await;
    assert_eq!(ward.intent(added).await.unwrap(), intent);

    // Tried again it fails again; the message that is tried without its conversation too.
    let counts = async || {
        let outbox = client.outbox().await.unwrap();
        (outbox.waiting, outbox.failed)
    };
    nobody.retry(created).await.unwrap();
    until(client, "failed again", SOON, async || counts().await == (0, 3)).await;
    assert_eq!(nobody.intent(created).await.unwrap(), intent);
    nobody.retry(message.into()).await.unwrap();
    until(client, "failed again", SOON, async || counts().await == (0, 3)).await;
    assert!(matches!(
        nobody.delivery(message).await,
        Ok(DeliveryState::Failed { .. })
    ));
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

/// Somebody signs in for the first time after they were invited in vain: the creation and the message are tried again.
#[tokio::test(flavor = "multi_thread")]
async fn p4_a_failed_creation_that_is_retried_is_done_and_its_message_follows() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let ben = Person::new(&relay, "ben").await.unwrap();
    // Known to the relay, and not yet on any device.
    let (_, session) = raw::post(
        &relay,
        &ben.tokens().good(),
        None,
        "/v1/session",
        &serde_json::json!({}),
    )
    .await;
    let user: UserId = serde_json::from_value(session["user"].clone()).unwrap();
    let (ward, created) = ana.client().create_conversation(&[user]).await.unwrap();
    let message = send(&ana, ward.id(), "hello").await;
    let failed = DeliveryState::Failed {
        code: ErrorCode::NO_DEVICE,
        retryable: false,
    };
    until_delivery(ana.client(), ward.id(), message, failed, SOON).await;
    ben.go_online().await.unwrap();
    ward.retry(created).await.unwrap();
    until_done(ana.client(), ward.id(), created, SOON).await;
    ward.retry(message.into()).await.unwrap();
    until_text(ben.client(), ward.id(), "hello", SOON).await;
    until_delivery(
        ana.client(),
        ward.id(),
        message,
        DeliveryState::Delivered { by: 1, of: 1 },
        SOON,
    )
    .await;
    assert_eq!(texts(&ben.client().conversation(ward.id())).await.unwrap(), ["hello"]);
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_2_delivery_is_counted_by_people_who_were_there() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben, carol) = tokio::join!(
        Person::online(&relay, "ana"),
        Person::online(&relay, "ben"),
        Person::online(&relay, "carol")
    );
    let (ana, ben, carol) = (ana.unwrap(), ben.unwrap(), carol.unwrap());
    let dave = Person::online(&relay, "dave").await.unwrap();
    ana.cable().cut();
    let users = [ben.user().await, carol.user().await];
    let (ward, _) = ana.client().create_conversation(&users).await.unwrap();
    let id = ward.id();
    let message = send(&ana, id, "for two").await;
    assert_eq!(ward.delivery(message).await.unwrap(), DeliveryState::Queued);
    carol.client().stop().await;
    ben.client().stop().await;
    ana.cable().restore();
    until_delivery(ana.client(), id, message, DeliveryState::Sent, SOON).await;
    ben.client().start().await.unwrap();
    until_delivery(
        ana.client(),
        id,
        message,
        DeliveryState::Delivered { by: 1, of: 2 },
        SOON,
    )
    .await;
    // Whoever comes later was not meant, whoever goes later was.
    let added = ward.add(&[dave.user().await]).await.unwrap();
    until_done(ana.client(), id, added, SOON).await;
    let second = send(&ana, id, "for three").await;
    until_delivery(
        ana.client(),
        id,
        second,
        DeliveryState::Delivered { by: 2, of: 3 },
        SOON,
    )
    .await;
    assert_eq!(
        ward.delivery(message).await.unwrap(),
        DeliveryState::Delivered { by: 1, of: 2 }
    );
    let removed = ward.remove(&[ben.user().await]).await.unwrap();
    until_done(ana.client(), id, removed, SOON).await;
    assert_eq!(
        ward.delivery(second).await.unwrap(),
        DeliveryState::Delivered { by: 2, of: 3 }
    );
    carol.client().start().await.unwrap();
    until_delivery(
        ana.client(),
        id,
        message,
        DeliveryState::Delivered { by: 2, of: 2 },
        SOON,
    )
    .await;
    until_delivery(
        ana.client(),
        id,
        second,
        DeliveryState::Delivered { by: 3, of: 3 },
        SOON,
    )
    .await;
    let third = send(&ana, id, "for two again").await;
    until_delivery(ana.client(), id, third, DeliveryState::Delivered { by: 2, of: 2 }, SOON).await;
    // Of others' messages there is nothing to say.
    until_text(dave.client(), id, "for two again", SOON).await;
    let theirs = dave.client().conversation(id);
    assert_eq!(code(theirs.delivery(third).await), ErrorCode::UNKNOWN);
    for person in [ana, ben, carol, dave] {
        person.close().await.unwrap();
    }
}

/// The relay allows ten devices of a user; one more revokes the one that was used least recently (rule 6).
#[tokio::test(flavor = "multi_thread")]
async fn p6_a_revoked_device_stops_and_stays_readable() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (mut first, ward) = with_a_message(&relay, "ana").await;
    for _ in 0..10 {
        let another = Person::new(&relay, "ana").await.unwrap();
        another.client().sign_in().await.unwrap();
        another.close().await.unwrap();
    }
    first.client().start().await.unwrap();
    let revoked = ConnectionState::Failed {
        code: ErrorCode::DEVICE_REVOKED,
    };
    until_connection(first.client(), "revoked", SOON, |state| *state == revoked).await;
    assert_eq!(code(first.client().catch_up().await), ErrorCode::DEVICE_REVOKED);
    assert_eq!(texts(&first.client().conversation(ward)).await.unwrap(), ["kept"]);
    first.reopen().await.unwrap();
    until_connection(first.client(), "revoked", SOON, |state| *state == revoked).await;
    first.close().await.unwrap();
}

/// The relay begins anew, or comes back as it was yesterday: both stop the client, which has more than the relay.
#[tokio::test(flavor = "multi_thread")]
async fn p7_2_another_or_an_older_store_at_the_relay_stops_the_client_and_loses_nothing() {
    logs();
    for restored in [false, true] {
        let mut relay = TestRelay::start().await.unwrap();
        let (mut ana, mut ben) = (
            Person::online(&relay, "ana").await.unwrap(),
            Person::online(&relay, "ben").await.unwrap(),
        );
        let (ward, _) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
        let id = ward.id();
        send(&ana, id, "before").await;
        until_text(ben.client(), id, "before", SOON).await;
        relay.stop().await;
        let backup = snapshot(relay.data_dir());
        relay.start_again().await.unwrap();
        send(&ana, id, "after").await;
        until_text(ben.client(), id, "after", SOON).await;
        relay.stop().await;
        for file in snapshot(relay.data_dir()).into_keys() {
            fs::remove_file(file).unwrap();
        }
        if restored {
            for (file, bytes) in backup {
                fs::write(file, bytes).unwrap();
            }
        }
        relay.start_again().await.unwrap();
        send(&ana, id, "unsent").await;
        for person in [&ana, &ben] {
            let stopped = async || matches!(person.client().connection(), ConnectionState::Failed { .. });
            until(person.client(), "stopped", SOON, stopped).await;
            let ConnectionState::Failed { code: why } = person.client().connection() else {
                panic!()
            };
            let expected = if restored {
                ErrorCode::STORE_CHANGED
            } else {
                ErrorCode::UNKNOWN_DEVICE
            };
            assert_eq!(why, expected, "restored: {restored}");
        }
        if !restored {
            assert_eq!(code(ana.client().sign_in().await), ErrorCode::STORE_CHANGED);
        }
        let kept = ["before", "after", "unsent"];
        for (person, count) in [(&mut ana, 3), (&mut ben, 2)] {
            assert_eq!(texts(&person.client().conversation(id)).await.unwrap(), kept[..count]);
            person.reopen().await.unwrap();
            assert_eq!(texts(&person.client().conversation(id)).await.unwrap(), kept[..count]);
            person.close().await.unwrap();
        }
        relay.stop().await;
    }
}

/// A restored relay whose news end where this device's token stands: only what is sent meets the difference.
#[tokio::test(flavor = "multi_thread")]
async fn p7_2_a_message_that_meets_an_older_store_stops_the_client_too() {
    logs();
    let mut relay = TestRelay::start().await.unwrap();
    let (ana, ben) = (
        Person::online(&relay, "ana").await.unwrap(),
        Person::online(&relay, "ben").await.unwrap(),
    );
    let (ward, _) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    let first = send(&ana, ward.id(), "before").await;
    until_delivery(
        ana.client(),
        ward.id(),
        first,
        DeliveryState::Delivered { by: 1, of: 1 },
        SOON,
    )
    .await;
    // All that Ana does from now on comes back in her own answers; no token of hers moves past the backup.
    ana.client().catch_up().await.unwrap();
    ben.close().await.unwrap();
    ana.client().stop().await;
    relay.stop().await;
    let backup = snapshot(relay.data_dir());

    relay.start_again().await.unwrap();
    send(&ana, ward.id(), "after").await;
    ana.client().catch_up().await.unwrap();

    relay.stop().await;
    for file in snapshot(relay.data_dir()).into_keys() {
        fs::remove_file(file).unwrap();
    }
    for (file, bytes) in backup {
        fs::write(file, bytes).unwrap();
    }
    relay.start_again().await.unwrap();
    // Others go on with the older store, so that its news are ahead of Ana's token again.
    for n in 0..5 {
        let another = Person::online(&relay, &format!("another-{n}")).await.unwrap();
        let (talk, created) = another.client().create_conversation(&[ben.user().await]).await.unwrap();
        until_done(another.client(), talk.id(), created, SOON).await;
        another.close().await.unwrap();
    }
    let message = send(&ana, ward.id(), "unsent").await;
    ana.client().start().await.unwrap();
    let stopped = ConnectionState::Failed {
        code: ErrorCode::STORE_CHANGED,
    };
    until_connection(ana.client(), "stopped", SOON, |state| *state == stopped).await;
    assert_eq!(ward.delivery(message).await.unwrap(), DeliveryState::Queued);
    assert_eq!(texts(&ward).await.unwrap(), ["before", "after", "unsent"]);
    ana.close().await.unwrap();
    relay.stop().await;
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
