//! What the tests of this crate share: an app, as Rust sees one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use curo::ProfileId;
use curo_kit::TestRelay;

use crate::{
    Client, ClientOptions, DoneReply, KeyReply, KeyVault, Result, TokenProvider, TokenReason, TokenReply, VaultFailure,
    VaultMode, new_store_key,
};

/// Generous: it is only waited out when a test fails.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Keeps keys in memory and answers from threads of its own, as apps do.
#[derive(Default)]
pub(crate) struct MemoryVault(Mutex<HashMap<ProfileId, Vec<u8>>>);

impl KeyVault for MemoryVault {
    fn mode(&self) -> Result<VaultMode> {
        Ok(VaultMode::Background)
    }

    fn load_key(&self, name: ProfileId, reply: Arc<KeyReply>) -> Result<()> {
        let key = self.0.lock().unwrap().get(&name).cloned();
        std::thread::spawn(move || match key {
            Some(key) => reply.complete(key).unwrap(),
            None => reply.fail(VaultFailure::Missing).unwrap(),
        });
        Ok(())
    }

    fn create_key(&self, name: ProfileId, reply: Arc<KeyReply>) -> Result<()> {
        let mut keys = self.0.lock().unwrap();
        let key = keys.entry(name).or_insert_with(|| new_store_key().unwrap()).clone();
        reply.complete(key).map(drop)
    }

    fn destroy_key(&self, name: ProfileId, reply: Arc<DoneReply>) -> Result<()> {
        self.0.lock().unwrap().remove(&name);
        reply.complete().map(drop)
    }
}

/// Good tokens of a relay's development issuer, or none.
pub(crate) struct Tokens(Option<curo_kit::Tokens>);

impl Tokens {
    pub(crate) fn of(relay: &TestRelay, subject: &str) -> Self {
        let tokens = curo_kit::Tokens::new(Arc::clone(relay.issuer()), relay.tenant().clone(), subject);
        Self(Some(tokens))
    }

    pub(crate) const fn none() -> Self {
        Self(None)
    }
}

impl TokenProvider for Tokens {
    fn token(&self, _: TokenReason, reply: Arc<TokenReply>) -> Result<()> {
        match &self.0 {
            Some(tokens) => reply.complete(tokens.good()),
            None => reply.fail(),
        }
        .map(drop)
    }
}

pub(crate) fn options(dir: &Path, relay: &str) -> ClientOptions {
    ClientOptions {
        request_timeout_ms: Some(60_000),
        retry_min_ms: Some(20),
        retry_max_ms: Some(500),
        ..ClientOptions::new(dir.to_str().unwrap(), relay)
    }
}

/// A client in a folder, of nobody yet, with a relay that is not there.
pub(crate) async fn alone(dir: &Path, vault: &Arc<MemoryVault>) -> Result<Arc<Client>> {
    let options = options(dir, "https://127.0.0.1:9");
    Client::open(options, vault.clone(), Arc::new(Tokens::none())).await
}

/// A person who is signed in and live.
pub(crate) async fn online(relay: &TestRelay, subject: &str, dir: &Path) -> Arc<Client> {
    let mut options = options(dir, &relay.url());
    options.extra_roots = vec![relay.ca().root_der().to_vec()];
    let vault = Arc::new(MemoryVault::default());
    let client = Client::open(options, vault, Arc::new(Tokens::of(relay, subject)))
        .await
        .unwrap();
    client.sign_in().await.unwrap();
    client.start().await.unwrap();
    client
}

/// Waits on a thread that knows no runtime, as foreign threads do.
pub(crate) fn wait<T: Send>(future: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            assert!(tokio::runtime::Handle::try_current().is_err());
            let mut future = Box::pin(future);
            let waker = Waker::from(Arc::new(Unparks(std::thread::current())));
            loop {
                match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(value) => return value,
                    Poll::Pending => std::thread::park(),
                }
            }
        });
        waiting.join().unwrap()
    })
}

struct Unparks(std::thread::Thread);

impl Wake for Unparks {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls so many times on this thread and drops the future: what a cancelled coroutine does. Whether it was done before.
pub(crate) fn cancelled_after(polls: usize, future: impl Future) -> bool {
    let mut future = Box::pin(future);
    (0..polls).any(|_| future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready())
}
