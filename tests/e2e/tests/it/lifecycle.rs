//! A profile's life through the public API: opened, signed in, locked, closed, refused, erased. Every refusal has its
//! stable code, and what is refused is left as it was.

mod account;
mod background;
mod guard;
mod intents;
mod locks;
mod processes;
mod store;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use curo::{
    Client, ClientOptions, ConnectionState, ConversationId, DeliveryState, ErrorCode, FileVault, IntentId,
    IntentStatus, KeyVault, MessageId, PAGE_LIMIT, ProfileId, Profiles, SessionState, StoreKey, UserId, VaultError,
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

pub fn tokens(relay: &TestRelay, subject: &str) -> Arc<Tokens> {
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
