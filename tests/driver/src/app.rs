//! What the app holds: one client at a time, streams that are watched, places in pages.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use curo::{
    AccessToken, Client, ClientOptions, ConnectionState, ConversationInfo, ConversationList, Cursor, NoToken, Observed,
    OutboxState, SearchCursor, SessionState, Timeline, TokenProvider, TokenReason, Unread,
};
use serde_json::{Value, json};

use crate::args::{Outcome, bad, millis, number, optional, parsed, string};
use crate::vault::Vault;

/// The app. Its locks are held for moments, never across a wait.
#[derive(Default)]
pub(crate) struct App {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    client: Option<Client>,
    vault: Option<Arc<Vault>>,
    streams: HashMap<u64, Stream>,
    places: Vec<Place>,
    next_stream: u64,
}

/// What can be watched.
#[derive(Clone)]
pub(crate) enum Stream {
    Session(Observed<SessionState>),
    Connection(Observed<ConnectionState>),
    Outbox(Observed<OutboxState>),
    Unread(Observed<Unread>),
    Conversation(Observed<Option<ConversationInfo>>),
    List(ConversationList),
    Timeline(Timeline),
}

/// Places in lists are opaque to apps, so they cross as numbers.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Page(Cursor),
    Search(SearchCursor),
}

/// Tokens as the runner has put them into a folder: a file for each reason; none means that there is no token.
struct Tokens(PathBuf);

#[async_trait]
impl TokenProvider for Tokens {
    async fn token(&self, reason: TokenReason) -> Result<AccessToken, NoToken> {
        let file = match reason {
            TokenReason::First => "first",
            TokenReason::Refused => "refused",
            TokenReason::SessionOver => "session_over",
        };
        let token = std::fs::read_to_string(self.0.join(file)).map_err(|_| NoToken)?;
        Ok(AccessToken::new(token))
    }
}

impl App {
    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client, open or closed.
    pub(crate) fn client(&self) -> Outcome<Client> {
        self.held().client.clone().ok_or_else(|| bad("`open` comes first"))
    }

    /// `open`: a client from what is on disk.
    pub(crate) async fn open(&self, args: &Value) -> Outcome {
        let vault = Arc::new(Vault::new(Path::new(string(args, "keys")?), string(args, "mode")?)?);
        vault.answer(args["answers"].as_str().unwrap_or("key"))?;
        self.held().vault = Some(Arc::clone(&vault));
        let root = std::fs::read(string(args, "ca")?).map_err(|error| bad(format!("`ca`: {error}")))?;
        let mut options = ClientOptions::new(string(args, "root")?, string(args, "relay")?)
            .extra_root(root)
            .request_timeout(millis(args, "request_timeout_ms")?)
            .retry_between(Duration::from_millis(20), Duration::from_millis(500));
        if let Some(profile) = optional(args, "profile", parsed)? {
            options = options.profile(profile);
        }
        if let Some(after) = optional(args, "idle_lock_ms", millis)? {
            options = options.idle_lock(after);
        }
        if let Some(limit) = optional(args, "session_limit_ms", millis)? {
            options = options.session_limit(limit);
        }
        let tokens = Arc::new(Tokens(string(args, "tokens")?.into()));
        let client = Client::open(options, vault, tokens).await?;
        let profile = client.profile();
        let mut held = self.held();
        held.client = Some(client);
        held.streams.clear();
        held.places.clear();
        Ok(json!({ "profile": profile.to_string() }))
    }

    /// `vault`: what it answers from now on.
    pub(crate) fn vault_answers(&self, args: &Value) -> Outcome {
        let held = self.held();
        let vault = held.vault.as_ref().ok_or_else(|| bad("`open` comes first"))?;
        vault.answer(string(args, "answers")?)?;
        Ok(Value::Null)
    }

    /// `profiles`: whose profiles are on this phone.
    pub(crate) async fn profiles(args: &Value) -> Outcome {
        let vault = Vault::new(Path::new(string(args, "keys")?), string(args, "mode")?)?;
        let entries = Client::accounts(Path::new(string(args, "root")?), &vault).await?;
        Ok(entries.iter().map(crate::shapes::profile).collect())
    }

    /// Keeps a stream and gives its number.
    pub(crate) fn watch(&self, stream: Stream) -> Value {
        let mut held = self.held();
        held.next_stream += 1;
        let number = held.next_stream;
        held.streams.insert(number, stream);
        json!({ "stream": number })
    }

    pub(crate) fn stream(&self, args: &Value) -> Outcome<Stream> {
        let stream = self.held().streams.get(&number(args, "stream")?).cloned();
        stream.ok_or_else(|| bad("no such stream"))
    }

    pub(crate) fn unwatch(&self, args: &Value) -> Outcome {
        self.held().streams.remove(&number(args, "stream")?);
        Ok(Value::Null)
    }

    /// A number for a place; null for none.
    pub(crate) fn keep(&self, place: Option<Place>) -> Value {
        let Some(place) = place else { return Value::Null };
        let mut held = self.held();
        held.places.push(place);
        json!(held.places.len() - 1)
    }

    pub(crate) fn place(&self, args: &Value, name: &str) -> Outcome<Place> {
        let number = crate::args::size(args, name)?;
        let place = self.held().places.get(number).copied();
        place.ok_or_else(|| bad(format!("`{name}`: no such place")))
    }
}
