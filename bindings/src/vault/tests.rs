#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use curo::KeyVault as _;

use super::*;

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(60);

/// What a vault does with a reply.
type Deed = Box<dyn Fn(Arc<KeyReply>) -> Result<()> + Send + Sync>;

struct Odd {
    mode: fn() -> Result<VaultMode>,
    deed: Deed,
}

impl Odd {
    fn new(deed: impl Fn(Arc<KeyReply>) -> Result<()> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            mode: || Ok(VaultMode::Background),
            deed: Box::new(deed),
        })
    }
}

impl KeyVault for Odd {
    fn mode(&self) -> Result<VaultMode> {
        (self.mode)()
    }

    fn load_key(&self, _: ProfileId, reply: Arc<KeyReply>) -> Result<()> {
        (self.deed)(reply)
    }

    fn create_key(&self, _: ProfileId, reply: Arc<KeyReply>) -> Result<()> {
        (self.deed)(reply)
    }

    fn destroy_key(&self, _: ProfileId, reply: Arc<DoneReply>) -> Result<()> {
        reply.fail(VaultFailure::NotReady).map(drop)
    }
}

fn key() -> Vec<u8> {
    vec![7; StoreKey::LEN]
}

async fn load(vault: Arc<Odd>, deadline: Duration) -> Result<StoreKey, VaultError> {
    AppVault::with_deadline(vault, deadline)
        .await
        .load(&ProfileId::random())
        .await
}

async fn failure(vault: Arc<Odd>, deadline: Duration) -> VaultError {
    load(vault, deadline).await.map(drop).unwrap_err()
}

#[tokio::test]
async fn a_key_comes_from_whatever_thread_whenever_it_comes() {
    let at_once = Odd::new(|reply| reply.complete(key()).map(drop));
    assert_eq!(load(at_once, LONG).await.unwrap().expose(), &[7; StoreKey::LEN]);
    let later = Odd::new(|reply| {
        std::thread::spawn(move || reply.complete(key()).unwrap());
        Ok(())
    });
    assert_eq!(load(later, LONG).await.unwrap().expose(), &[7; StoreKey::LEN]);
}

#[tokio::test]
async fn each_failure_is_told_as_it_is() {
    for (said, heard) in [
        (VaultFailure::NotReady, VaultError::NotReady),
        (VaultFailure::UserAuthNeeded, VaultError::UserAuthNeeded),
        (VaultFailure::Invalidated, VaultError::Invalidated),
        (VaultFailure::Missing, VaultError::Missing),
    ] {
        let vault = Odd::new(move |reply| reply.fail(said).map(drop));
        assert_eq!(failure(vault, LONG).await, heard);
    }
}

#[tokio::test]
async fn a_vault_that_misbehaves_is_not_ready_and_loses_no_key() {
    let thrown = Odd::new(|_| Err(uniffi::UnexpectedUniFFICallbackError::new("CANARY").into()));
    assert_eq!(failure(thrown, LONG).await, VaultError::NotReady);
    let panics = Odd::new(|_| panic!("CANARY"));
    assert_eq!(failure(panics, LONG).await, VaultError::NotReady);
    let forgets = Odd::new(|_| Ok(()));
    assert_eq!(failure(forgets, LONG).await, VaultError::NotReady);
    let (tells, told) = std::sync::mpsc::channel();
    let short_key = Odd::new(move |reply| {
        tells.send(reply.complete(vec![1; 47])).unwrap();
        Ok(())
    });
    assert_eq!(failure(short_key, LONG).await, VaultError::NotReady);
    assert_eq!(told.recv().unwrap().unwrap_err(), CuroError::invalid());
}

#[tokio::test]
async fn a_vault_that_never_answers_is_given_up() {
    let (keeps, kept) = std::sync::mpsc::channel();
    let silent = Odd::new(move |reply| {
        keeps.send(reply).unwrap();
        Ok(())
    });
    assert_eq!(failure(silent, SHORT).await, VaultError::NotReady);
    // On a busy machine the vault may not even have been called yet.
    let too_late = kept.recv().unwrap();
    assert!(!too_late.complete(key()).unwrap());
    // One that blocks its thread for long is given up, too.
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let blocks = Odd::new(move |_| {
        let _ = blocked.lock().unwrap().recv();
        Ok(())
    });
    assert_eq!(failure(blocks, SHORT).await, VaultError::NotReady);
    drop(release);
}

/// The library's threads are few in a notification extension: a vault that keeps each that it is called on gets no more of them.
#[tokio::test]
async fn a_vault_that_blocks_again_and_again_holds_two_threads() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let blocks = Odd::new(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        let _ = blocked.lock().unwrap().recv();
        Ok(())
    });
    let vault = AppVault::with_deadline(blocks, SHORT).await;
    for _ in 0..6 {
        let asked = vault.load(&ProfileId::random()).await;
        assert_eq!(asked.map(drop).unwrap_err(), VaultError::NotReady);
    }
    assert!(calls.load(Ordering::SeqCst) <= 2);
    drop(release);
}

#[tokio::test]
async fn the_first_answer_counts_and_those_after_it_are_told_so() {
    let answers = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&answers);
    let eager = Odd::new(move |reply| {
        let mut told = told.lock().unwrap();
        told.push(reply.complete(vec![1; StoreKey::LEN]).unwrap());
        told.push(reply.complete(vec![2; StoreKey::LEN]).unwrap());
        told.push(reply.fail(VaultFailure::Missing).unwrap());
        // An exception after an answer takes nothing back.
        Err(CuroError::internal())
    });
    assert_eq!(load(eager, LONG).await.unwrap().expose(), &[1; StoreKey::LEN]);
    assert_eq!(*answers.lock().unwrap(), [true, false, false]);
}

#[tokio::test]
async fn whoever_waits_for_a_vault_that_is_let_go_of_is_woken() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeps = Arc::clone(&kept);
    let (called, calls) = std::sync::mpsc::channel();
    let silent = Odd::new(move |reply| {
        keeps.lock().unwrap().push(reply);
        called.send(()).unwrap();
        Ok(())
    });
    let weak = Arc::downgrade(&silent);
    let vault = Arc::new(AppVault::with_deadline(silent, LONG).await);
    let waiting = tokio::spawn({
        let vault = Arc::clone(&vault);
        async move { vault.load(&ProfileId::random()).await.map(drop) }
    });
    tokio::task::spawn_blocking(move || calls.recv().unwrap())
        .await
        .unwrap();
    vault.end();
    vault.end();
    assert_eq!(waiting.await.unwrap().unwrap_err(), VaultError::NotReady);
    assert_eq!(
        vault.load(&ProfileId::random()).await.map(drop).unwrap_err(),
        VaultError::NotReady
    );
    // It was let go of while it was called: it goes when that call has returned.
    let gone = async {
        while weak.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(LONG, gone).await;
    assert!(in_time.is_ok(), "the app's object is still held");
}

#[tokio::test]
async fn the_mode_is_asked_once_and_the_stricter_one_without_an_answer() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let vault = AppVault::with_deadline(
        Arc::new(Odd {
            mode: || {
                ASKED.fetch_add(1, Ordering::SeqCst);
                Ok(VaultMode::Background)
            },
            deed: Box::new(|_| Ok(())),
        }),
        LONG,
    )
    .await;
    assert_eq!(
        (vault.mode(), vault.mode()),
        (curo::VaultMode::Background, curo::VaultMode::Background)
    );
    assert_eq!(ASKED.load(Ordering::SeqCst), 1);
    let throws: [fn() -> Result<VaultMode>; 2] = [|| Err(CuroError::internal()), || panic!("CANARY")];
    for mode in throws {
        let odd = Arc::new(Odd {
            mode,
            deed: Box::new(|_| Ok(())),
        });
        let vault = AppVault::with_deadline(odd, LONG).await;
        assert_eq!(vault.mode(), curo::VaultMode::UserPresence);
    }
}

#[test]
fn new_keys_are_random_and_of_the_right_length() {
    let (one, other) = (new_store_key().unwrap(), new_store_key().unwrap());
    assert_eq!((one.len(), other.len()), (StoreKey::LEN, StoreKey::LEN));
    assert_ne!(one, other);
}
