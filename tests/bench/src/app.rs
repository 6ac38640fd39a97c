//! An app without a screen: its client, and what it looks for in what it is shown.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use curo::{
    AccessToken, Body, Client, ClientOptions, Conversation, Entry, FileVault, NoToken, Start, Timeline, TimelineItem,
    TimelineOptions, TokenProvider, TokenReason,
};

use crate::Outcome;

struct Token(PathBuf);

#[async_trait]
impl TokenProvider for Token {
    async fn token(&self, _: TokenReason) -> Result<AccessToken, NoToken> {
        let token = std::fs::read_to_string(&self.0).map_err(|_| NoToken)?;
        Ok(AccessToken::new(token))
    }
}

/// Opens the folder's client, or makes a new one there.
pub(crate) async fn open(folder: &Path) -> Outcome<Client> {
    let keys = folder.join("keys");
    std::fs::create_dir_all(&keys)?;
    let vault = FileVault::with_key_file(&keys, &folder.join("wrapping.key"))?;
    let relay = std::fs::read_to_string(folder.join("relay"))?;
    let options = ClientOptions::new(folder.join("profiles"), relay).extra_root(std::fs::read(folder.join("ca.der"))?);
    let tokens = Token(folder.join("token"));
    Ok(Client::open(options, Arc::new(vault), Arc::new(tokens)).await?)
}

/// The conversation of this client, as soon as there is one.
pub(crate) async fn conversation(client: &Client) -> Outcome<Conversation> {
    let list = client.conversation_list(50)?;
    let mut seen = 0;
    loop {
        let snapshot = list.next(seen).await?;
        if let Some(first) = snapshot.state.items.first() {
            return Ok(client.conversation(first.id));
        }
        seen = snapshot.revision;
    }
}

/// A timeline at the live end.
pub(crate) fn newest(conversation: &Conversation, page: usize) -> Outcome<Timeline> {
    let start = Start::Newest;
    Ok(conversation.timeline(TimelineOptions { start, page })?)
}

/// What an item says.
pub(crate) fn text(item: &TimelineItem) -> Option<&str> {
    match &item.item.entry {
        Entry::Message(message) => match &message.body {
            Body::Text(text) => Some(text.as_str()),
            _ => None,
        },
        _ => None,
    }
}
