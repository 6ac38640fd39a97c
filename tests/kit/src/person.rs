//! A person with a device: own folder, vault, tokens, cable and client.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use curo::{Account, Client, ClientOptions, FileVault, UserId};
use tempfile::TempDir;

use crate::wait::try_until_live;
use crate::{Cable, KitError, TestRelay, Tokens};

/// How long [`Person::online`] waits for the first live stream.
const ONLINE_WITHIN: Duration = Duration::from_secs(30);

/// One device of one person. Another [`Person`] with the same subject is another device of theirs.
pub struct Person {
    subject: String,
    dir: PathBuf,
    vault: Arc<FileVault>,
    tokens: Arc<Tokens>,
    cable: Cable,
    options: ClientOptions,
    client: Client,
    _temporary: Option<TempDir>,
}

impl Person {
    /// Opens a new client for `subject` in a temporary folder. Not signed in, not started.
    ///
    /// # Errors
    /// [`KitError`] with the reason.
    pub async fn new(relay: &TestRelay, subject: &str) -> Result<Self, KitError> {
        let temporary = tempfile::tempdir()?;
        let mut person = Self::in_dir(relay, subject, temporary.path()).await?;
        person._temporary = Some(temporary);
        Ok(person)
    }

    /// Opens the client of the folder `dir`, or makes a new one there. Not started; signed in if it was.
    ///
    /// # Errors
    /// [`KitError`] with the reason.
    pub async fn in_dir(relay: &TestRelay, subject: &str, dir: &Path) -> Result<Self, KitError> {
        Self::with_options(relay, subject, dir, |options| options).await
    }

    /// As [`Person::in_dir`], with options changed. Time-outs are 10 s and waits between attempts 20 ms to 500 ms unless
    /// told.
    ///
    /// # Errors
    /// [`KitError`] with the reason.
    pub async fn with_options(
        relay: &TestRelay,
        subject: &str,
        dir: &Path,
        change: impl FnOnce(ClientOptions) -> ClientOptions,
    ) -> Result<Self, KitError> {
        let keys = dir.join("keys");
        std::fs::create_dir_all(&keys)?;
        let vault = Arc::new(FileVault::with_key_file(&keys, &dir.join("wrapping.key"))?);
        let tokens = Arc::new(Tokens::new(Arc::clone(relay.issuer()), relay.tenant().clone(), subject));
        let cable = Cable::to(relay.addr()).await?;
        let options = ClientOptions::new(dir.join("profiles"), format!("https://{}", cable.addr()))
            .extra_root(relay.ca().root_der())
            .request_timeout(Duration::from_secs(10))
            .retry_between(Duration::from_millis(20), Duration::from_millis(500));
        let options = change(options);
        let client = Client::open(options.clone(), vault.clone(), tokens.clone()).await?;
        Ok(Self {
            subject: subject.to_owned(),
            dir: dir.to_owned(),
            vault,
            tokens,
            cable,
            options,
            client,
            _temporary: None,
        })
    }

    /// A new person, signed in, started and live.
    ///
    /// # Errors
    /// [`KitError`] with the reason.
    pub async fn online(relay: &TestRelay, subject: &str) -> Result<Self, KitError> {
        let person = Self::new(relay, subject).await?;
        person.go_online().await?;
        Ok(person)
    }

    /// Signs in, starts and waits for the live stream.
    ///
    /// # Errors
    /// [`KitError::Client`], [`KitError::TimedOut`].
    pub async fn go_online(&self) -> Result<(), KitError> {
        self.client.sign_in().await?;
        self.client.start().await?;
        Ok(try_until_live(&self.client, ONLINE_WITHIN).await?)
    }

    /// The client. After [`Person::close`] its calls fail with `closed`; [`Person::open`] makes a new one.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Closes the client in good order, so that the folder can be looked at.
    ///
    /// # Errors
    /// As [`Client::close`].
    pub async fn close(&self) -> curo::Result<()> {
        self.client.close().await
    }

    /// Opens a new client from what is on disk; the old one must be closed. Neither signs in nor starts.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn open(&mut self) -> curo::Result<&Client> {
        self.client = Client::open(self.options.clone(), self.vault.clone(), self.tokens.clone()).await?;
        Ok(&self.client)
    }

    /// Closes the client, opens a new one from disk and starts it: what a restart of the app does.
    ///
    /// # Errors
    /// As [`Client::close`], [`Client::open`] and [`Client::start`].
    pub async fn reopen(&mut self) -> curo::Result<&Client> {
        self.close().await?;
        self.open().await?;
        self.client.start().await?;
        Ok(&self.client)
    }

    /// The identity provider's subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The account; the user's and device's ids are in it.
    ///
    /// # Errors
    /// `sign_in_needed` before the first sign-in, and while the client is closed and was never signed in.
    pub async fn account(&self) -> Result<Account, KitError> {
        match self.client.account().await {
            Some(account) => Ok(account),
            None => Ok(self.client.sign_in().await?),
        }
    }

    /// The user's id.
    ///
    /// # Panics
    /// Before the first sign-in, if that is not possible now.
    #[expect(
        clippy::panic,
        reason = "a test that asks too early shall fail here, with the reason"
    )]
    pub async fn user(&self) -> UserId {
        match self.account().await {
            Ok(account) => account.user,
            Err(error) => panic!("{} has no account: {error}", self.subject),
        }
    }

    /// The way to the relay, to be cut and restored.
    pub const fn cable(&self) -> &Cable {
        &self.cable
    }

    /// The token provider, to be switched.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The vault.
    pub const fn vault(&self) -> &Arc<FileVault> {
        &self.vault
    }

    /// How the client is opened.
    pub const fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// Everything that this person has on disk: profiles, wrapped keys and the wrapping key.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder of the profiles; the client's own is below it.
    pub fn profiles(&self) -> PathBuf {
        self.dir.join("profiles")
    }

    /// The encrypted database.
    pub fn database(&self) -> PathBuf {
        self.dir
            .join("profiles")
            .join(self.client.profile().to_string())
            .join("store.db")
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({})", self.subject)
    }
}
