//! Work without a person in front, and the phone that people share.

use std::time::Duration;

use curo::{OnUnsent, ProfileOwner, SignOutOutcome, VaultMode};
use serde_json::json;

use super::*;
use crate::child::Mover;
use crate::team::{group, read, until_texts};

const LIMIT: Duration = Duration::from_secs(30);

/// A vault that opens only with the person there, and counts how often it was asked.
struct Present {
    inner: Arc<FileVault>,
    asked: std::sync::atomic::AtomicUsize,
}

#[async_trait]
impl KeyVault for Present {
    fn mode(&self) -> VaultMode {
        VaultMode::UserPresence
    }

    async fn load(&self, profile: &ProfileId) -> Result<StoreKey, VaultError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.inner.load(profile).await
    }

    async fn create(&self, profile: &ProfileId) -> Result<StoreKey, VaultError> {
        self.inner.create(profile).await
    }

    async fn destroy(&self, profile: &ProfileId) -> Result<(), VaultError> {
        self.inner.destroy(profile).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_locked_a_pass_fetches_and_sends_and_shows_nothing() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let id = group(&[&ana, &ben]).await;
    ana.cable().cut();
    send(&ana, id, "queued").await;
    ana.client().lock().await.unwrap();
    ana.cable().restore();
    for n in 0..3 {
        send(&ben, id, &format!("news {n}")).await;
    }
    crate::team::until_sent(&ben).await;
    let outcome = ana.client().run_background(LIMIT).await.unwrap();
    assert_eq!((outcome.complete, outcome.code, outcome.waiting), (true, None, 0));
    assert_eq!((outcome.new_messages, outcome.conversations), (3, vec![id]));
    assert!(ana.client().is_locked());
    assert_eq!(code(ana.client().conversations().await), ErrorCode::LOCKED);
    assert_eq!(ana.client().session(), SessionState::Locked);
    until_text(ben.client(), id, "queued", SOON).await;
    // Nothing new: nothing is counted twice. Another client may have the store: this one holds nothing.
    assert_eq!(ana.client().run_background(LIMIT).await.unwrap().new_messages, 0);
    ana.client().unlock().await.unwrap();
    assert_eq!(read(&ana, id).await.len(), 4);
    // Open, it is one more pass; suspended, it works as locked.
    send(&ben, id, "more").await;
    crate::team::until_sent(&ben).await;
    let outcome = ana.client().run_background(LIMIT).await.unwrap();
    assert_eq!((outcome.new_messages, ana.client().is_locked()), (1, false));
    ana.client().suspend().await.unwrap();
    send(&ben, id, "and more").await;
    crate::team::until_sent(&ben).await;
    assert_eq!(ana.client().run_background(LIMIT).await.unwrap().new_messages, 1);
    ana.client().resume().await.unwrap();
    assert_eq!(read(&ana, id).await.len(), 6);
    ana.close().await.unwrap();
    assert_eq!(code(ana.client().run_background(LIMIT).await), ErrorCode::CLOSED);
    ben.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_and_a_person_who_comes_cut_a_pass_off_and_lose_nothing() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let id = group(&[&ana, &ben]).await;
    send(&ana, id, "first").await;
    crate::team::until_sent(&ana).await;
    ana.client().lock().await.unwrap();
    send(&ben, id, "news").await;
    crate::team::until_sent(&ben).await;
    // Nobody answers until the deadline comes.
    ana.cable().swallow_answers();
    let outcome = ana.client().run_background(Duration::from_secs(10)).await.unwrap();
    assert_eq!((outcome.complete, outcome.new_messages), (false, 0));
    // Nobody answers until the person comes, who does not wait for the hour.
    let before = ana.cable().swallowed();
    let client = ana.client().clone();
    let pass = tokio::spawn(async move { client.run_background(Duration::from_secs(3600)).await });
    ana.cable().until_swallowed(before).await;
    assert!(!pass.is_finished());
    ana.client().unlock().await.unwrap();
    let outcome = pass.await.unwrap().unwrap();
    assert_eq!((outcome.complete, outcome.code), (false, None));
    ana.cable().restore();
    ana.client().start().await.unwrap();
    until_texts(&ana, id, 2).await;
    assert_eq!(read(&ana, id).await, ["first", "news"]);
    // Offline is said, and is no error of the pass.
    ana.client().lock().await.unwrap();
    ana.cable().cut();
    let outcome = ana.client().run_background(LIMIT).await.unwrap();
    assert_eq!((outcome.complete, outcome.code), (false, Some(ErrorCode::OFFLINE)));
    ana.cable().restore();
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_wants_the_person_is_not_asked_in_the_background() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, _) = with_a_message(&relay, "ana").await;
    ana.close().await.unwrap();
    let vault = Arc::new(Present {
        inner: Arc::clone(ana.vault()),
        asked: Default::default(),
    });
    let client = Client::open(ana.options().clone(), vault.clone(), tokens(&relay, "ana"))
        .await
        .unwrap();
    client.lock().await.unwrap();
    let asked = vault.asked.load(Ordering::SeqCst);
    assert_eq!(code(client.run_background(LIMIT).await), ErrorCode::LOCKED);
    let entries = Client::accounts(&ana.profiles(), &*vault).await.unwrap();
    assert_eq!(
        entries[0].owner,
        ProfileOwner::Hidden {
            code: ErrorCode::LOCKED
        }
    );
    assert_eq!(vault.asked.load(Ordering::SeqCst), asked, "no prompt came up");
    client.unlock().await.unwrap();
    client.close().await.unwrap();
    // What a vault in the background says is passed on.
    for (error, expected) in [
        (VaultError::NotReady, ErrorCode::VAULT_NOT_READY),
        (VaultError::UserAuthNeeded, ErrorCode::VAULT_USER_AUTH_NEEDED),
        (VaultError::Invalidated, ErrorCode::STORE_MISSING),
        (VaultError::Missing, ErrorCode::STORE_MISSING),
    ] {
        let vault = Moody::new(&ana, error);
        vault.no.store(false, Ordering::SeqCst);
        let client = open_with(&ana, vault.clone(), &relay).await.unwrap();
        client.lock().await.unwrap();
        vault.no.store(true, Ordering::SeqCst);
        assert_eq!(code(client.run_background(LIMIT).await), expected);
        assert_eq!(code(client.rekey().await), ErrorCode::LOCKED);
        vault.no.store(false, Ordering::SeqCst);
        client.unlock().await.unwrap();
        vault.no.store(true, Ordering::SeqCst);
        assert_eq!(code(client.rekey().await), expected);
        // The files are as they were, and nobody was signed out by a vault's trouble.
        vault.no.store(false, Ordering::SeqCst);
        client.unlock().await.unwrap();
        assert_eq!(client.conversations().await.unwrap().len(), 1);
        client.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ward_phone_changes_hands() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let phone = tempfile::tempdir().unwrap();
    let doc = Person::online(&relay, "doc").await.unwrap();
    // Nurse A signs in, is written to, and locks.
    let ana = Person::in_dir(&relay, "ana", phone.path()).await.unwrap();
    ana.go_online().await.unwrap();
    ana.client()
        .set_profile_label(Some("Ana, ward 3".into()))
        .await
        .unwrap();
    let for_ana = group(&[&doc, &ana]).await;
    send(&doc, for_ana, "for ana").await;
    until_text(ana.client(), for_ana, "for ana", SOON).await;
    ana.client().lock().await.unwrap();

    // Nurse B has a profile of her own beside it.
    let own = ProfileId::random();
    let ben = Person::with_options(&relay, "ben", phone.path(), |options| options.profile(own))
        .await
        .unwrap();
    let entries = Client::accounts(&ana.profiles(), &**ana.vault()).await.unwrap();
    assert_eq!(entries.len(), 2);
    let owner = |profile: ProfileId, entries: &[curo::ProfileEntry]| {
        let entry = entries.iter().find(|entry| entry.profile == profile);
        entry.unwrap().owner.clone()
    };
    assert_eq!(owner(own, &entries), ProfileOwner::Nobody);
    ben.go_online().await.unwrap();
    let for_ben = group(&[&doc, &ben]).await;
    send(&doc, for_ben, "for ben").await;
    until_text(ben.client(), for_ben, "for ben", SOON).await;
    assert_eq!(ben.client().conversations().await.unwrap().len(), 1);
    assert!(texts(&ben.client().conversation(for_ana)).await.unwrap().is_empty());
    let entries = Client::accounts(&ana.profiles(), &**ana.vault()).await.unwrap();
    for (person, label) in [(&ana, Some("Ana, ward 3".into())), (&ben, None)] {
        let account = person.account().await.unwrap();
        assert_eq!(
            owner(person.client().profile(), &entries),
            ProfileOwner::Account { account, label }
        );
    }
    // The folders alone say nothing of it.
    let user = ana.user().await.to_string();
    for (name, bytes) in snapshot(&ana.profiles()) {
        for secret in ["ward 3", "st-mary", user.as_str()] {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found && !name.contains(secret), "{secret} in {name}");
        }
    }
    // Her colleague's token does not open nurse A's profile, and her own profile is not another's.
    let as_ana = ana.options().clone().profile(ana.client().profile());
    ana.client().unlock().await.unwrap();
    ana.close().await.unwrap();
    let wrong = Client::open(as_ana, Arc::clone(ana.vault()) as _, tokens(&relay, "ben"))
        .await
        .unwrap();
    assert_eq!(code(wrong.sign_in().await), ErrorCode::WRONG_ACCOUNT);
    wrong.close().await.unwrap();

    // Nurse B signs out: what is unsent is said first, then all of it is gone, and A's is not.
    ben.cable().cut();
    send(&ben, for_ben, "unsent").await;
    let left = ben
        .client()
        .sign_out(Duration::from_secs(1), OnUnsent::Keep)
        .await
        .unwrap();
    let SignOutOutcome::Unsent(left) = left else {
        panic!("{left:?}")
    };
    assert_eq!((left, left.waiting), (ben.client().unsent().await.unwrap(), 1));
    ben.cable().restore();
    let outcome = ben.client().sign_out(LIMIT, OnUnsent::Keep).await.unwrap();
    assert!(matches!(outcome, SignOutOutcome::SignedOut { lost } if lost.waiting == 0));
    until_text(doc.client(), for_ben, "unsent", SOON).await;
    assert_eq!(ben.client().session(), SessionState::Wiped);
    assert_eq!(code(ben.client().conversations().await), ErrorCode::STORE_MISSING);
    assert_eq!(Profiles::list(&ana.profiles()).unwrap(), [ana.client().profile()]);
    assert_eq!(ben.vault().load(&own).await.err(), Some(VaultError::Missing));
    doc.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_that_is_killed_is_finished_at_the_next_opening() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    for point in curo::failpoints::ENDING {
        let mut mover = Mover::new(&relay, "mover", [((*point).to_owned(), 1)]);
        mover.begin();
        let before = mover.device.clone();
        mover.create(&[UserId::random()]);
        mover.dies(&json!({ "do": "sign_out" }));
        mover.begin();
        assert_ne!(mover.device, before, "{point}: another device");
        let none: Vec<ConversationId> = serde_json::from_value(mover.call(&json!({ "do": "conversations" }))).unwrap();
        assert!(none.is_empty());
    }
}
