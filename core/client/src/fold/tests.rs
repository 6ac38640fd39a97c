//! Folding over a real store: each kind of change, and against a naive recomputation from the log.

mod again;
mod each;
mod naive;

use curo_store::repo::account::Account;
use curo_store::repo::item::{Fold, ItemRow};
use curo_store::{FileVault, ProfileId, Store};
use curo_types::format::{Content, ContentBody, Priority, Reference, TextBody};
use curo_types::{ChainId, ConversationId, DeviceId, Digest, MessageId, StoreId, UserId};

use super::*;

pub(crate) const ID: ConversationId = ConversationId([0xc1; 16]);

/// This user is 1, this device 1/1.
pub(crate) fn me() -> Account {
    Account {
        tenant: "st-mary".parse().unwrap(),
        user: user(1),
        device: device(1, 1),
        suites: Vec::new(),
        keys: Vec::new(),
        rotation: None,
        read_suites: String::new(),
        dpop_key: Vec::new(),
        audit_chain: ChainId([0; 16]),
        relay_store: StoreId([0; 16]),
        directory_key: Digest::ZERO,
        log_key: Digest::ZERO,
        envelope: Vec::new(),
        registered: None,
        directory_version: 0,
        sync_token: None,
        inbox_ack: 0,
    }
}

pub(crate) fn user(n: u8) -> UserId {
    UserId([n; 16])
}

pub(crate) fn device(user: u8, n: u8) -> DeviceId {
    let mut id = [user; 16];
    id[15] = n;
    DeviceId(id)
}

pub(crate) fn message(n: u16) -> MessageId {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&n.to_be_bytes());
    MessageId(id)
}

pub(crate) fn reference(sender: DeviceId, n: u16) -> Reference {
    Reference {
        sender,
        message: message(n),
    }
}

pub(crate) fn log(seq: u64) -> Place {
    Place::Log { incarnation: 1, seq }
}

/// Runs in a transaction of a new store.
pub(crate) fn with_store(job: impl FnOnce(&Connection) + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("keys")).unwrap();
        let vault = FileVault::new(folder.path().join("keys"), &[7; 32]);
        let store = Store::create(folder.path(), ProfileId([1; 16]), &vault).await.unwrap();
        let done = store.write::<_, Fault>(|tx| {
            job(tx);
            Ok(())
        });
        done.await.unwrap();
    });
}

/// What sync or the outbox does with a message.
pub(crate) fn say(conn: &Connection, sender: (u8, u8), n: u16, place: Place, body: &ContentBody) {
    let content = Content::of(message(n), body).unwrap();
    let accepted_ms = match place {
        Place::Log { incarnation, seq } => Some(1000 * incarnation + seq),
        Place::Unsent(_) => None,
    };
    let row = ItemRow {
        place,
        kind: ItemKind::Message,
        sender_device: device(sender.0, sender.1),
        sender_user: Some(user(sender.0)),
        message: message(n),
        content: Some(content.to_bytes().unwrap()),
        claimed_ms: None,
        accepted_ms,
        code: None,
        fold: Fold::default(),
    };
    Folding::new(conn, &me(), ID).take(row, Some(&content)).unwrap();
}

pub(crate) fn text(words: &str) -> ContentBody {
    ContentBody::Text(TextBody {
        text: words.into(),
        ..TextBody::default()
    })
}

pub(crate) fn urgent(words: &str) -> ContentBody {
    ContentBody::Text(TextBody {
        text: words.into(),
        priority: Priority::Urgent,
        ..TextBody::default()
    })
}

pub(crate) fn edit(target: Reference, words: &str) -> ContentBody {
    ContentBody::Edit {
        target,
        text: words.into(),
        mentions: Vec::new(),
    }
}

pub(crate) fn react(target: Reference, emoji: &str, set: bool) -> ContentBody {
    ContentBody::Reaction {
        target,
        emoji: emoji.into(),
        set,
    }
}

/// What is shown of a message.
pub(crate) fn shown(conn: &Connection, target: Reference) -> Option<String> {
    let row = item::get(conn, ID, target.sender, target.message).unwrap()?;
    match Content::from_bytes(row.shown()?).unwrap().typed() {
        ContentBody::Text(body) => Some(body.text.into_string()),
        ContentBody::Edit { text, .. } | ContentBody::Amendment { text, .. } => Some(text.into_string()),
        _ => None,
    }
}

/// The reactions that are shown: emoji and user.
pub(crate) fn reactions(conn: &Connection, target: Reference) -> Vec<(String, UserId)> {
    let mut last = std::collections::BTreeMap::new();
    for row in change::live(conn, ID, target, ChangeKind::Reaction).unwrap() {
        last.insert((row.emoji, row.sender_user), row.value);
    }
    last.into_iter().filter(|(_, set)| *set).map(|(key, _)| key).collect()
}

pub(crate) fn found(conn: &Connection, typed: &str) -> bool {
    let query = index::query(typed).unwrap();
    !search::find(conn, &query, Some(ID), None, index::MARKS, 9)
        .unwrap()
        .is_empty()
}
