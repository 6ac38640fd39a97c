//! Waiting for what a person would see, without a single sleep: every look follows a change that the client told of.

use std::panic::Location;
use std::time::Duration;

use curo::{
    Body, Client, ConnectionState, Conversation, ConversationId, DeliveryState, Entry, IntentId, IntentStatus, Item,
    MessageId, PAGE_LIMIT,
};

/// Something did not come about in time; says how the client stood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: not within {limit:?} ({state})")]
pub struct TimedOut {
    /// What was waited for.
    pub what: String,
    /// How long.
    pub limit: Duration,
    /// Connection and outbox of the client at the end.
    pub state: String,
}

/// Waits until `holds` answers true. It is asked at once and after every change of the client's revision or connection.
///
/// # Errors
/// [`TimedOut`] after `limit`.
pub async fn try_until(
    client: &Client,
    what: &str,
    limit: Duration,
    mut holds: impl AsyncFnMut() -> bool,
) -> Result<(), TimedOut> {
    let looking = async {
        loop {
            // Taken before the look: what changes during it is looked at again.
            let (revision, connection) = (client.revision(), client.connection());
            if holds().await {
                return;
            }
            tokio::select! {
                _ = client.next_revision(revision) => {}
                _ = client.next_connection(&connection) => {}
            }
        }
    };
    if tokio::time::timeout(limit, looking).await.is_ok() {
        return Ok(());
    }
    let outbox = match client.outbox().await {
        Ok(outbox) => format!("{} waiting, {} failed", outbox.waiting, outbox.failed),
        Err(error) => error.to_string(),
    };
    let state = format!("connection {:?}, outbox {outbox}", client.connection());
    Err(TimedOut {
        what: what.to_owned(),
        limit,
        state,
    })
}

/// As [`try_until`], for tests.
///
/// # Panics
/// After `limit`, with what was waited for, the caller's place and how the client stood.
#[track_caller]
pub fn until(
    client: &Client,
    what: &str,
    limit: Duration,
    holds: impl AsyncFnMut() -> bool,
) -> impl Future<Output = ()> {
    or_panic(Location::caller(), try_until(client, what, limit, holds))
}

/// Waits until the live stream is open.
///
/// # Panics
/// After `limit`.
#[track_caller]
pub fn until_live(client: &Client, limit: Duration) -> impl Future<Output = ()> {
    or_panic(Location::caller(), try_until_live(client, limit))
}

pub(crate) async fn try_until_live(client: &Client, limit: Duration) -> Result<(), TimedOut> {
    try_until(client, "live stream", limit, async || {
        client.connection() == ConnectionState::Live
    })
    .await
}

/// Waits until the connection is as `holds` wants it.
///
/// # Panics
/// After `limit`.
#[track_caller]
pub fn until_connection(
    client: &Client,
    what: &str,
    limit: Duration,
    holds: impl Fn(&ConnectionState) -> bool,
) -> impl Future<Output = ()> {
    let place = Location::caller();
    async move {
        or_panic(
            place,
            try_until(client, what, limit, async || holds(&client.connection())),
        )
        .await
    }
}

/// Waits until a message with this text is in the conversation, own ones included.
///
/// # Panics
/// After `limit`.
#[track_caller]
pub fn until_text(client: &Client, id: ConversationId, text: &str, limit: Duration) -> impl Future<Output = ()> {
    let place = Location::caller();
    async move {
        let conversation = client.conversation(id);
        let what = format!("text {text:?}");
        let reads = async || {
            texts(&conversation)
                .await
                .is_ok_and(|all| all.iter().any(|one| one == text))
        };
        or_panic(place, try_until(client, &what, limit, reads)).await;
    }
}

/// Waits until an own message has come so far.
///
/// # Panics
/// After `limit`.
#[track_caller]
pub fn until_delivery(
    client: &Client,
    id: ConversationId,
    message: MessageId,
    state: DeliveryState,
    limit: Duration,
) -> impl Future<Output = ()> {
    let place = Location::caller();
    async move {
        let conversation = client.conversation(id);
        let what = format!("delivery {state:?}");
        let reached = async || conversation.delivery(message).await.is_ok_and(|now| now == state);
        or_panic(place, try_until(client, &what, limit, reached)).await;
    }
}

/// Waits until an intent is done.
///
/// # Panics
/// After `limit`, and when it has failed.
#[track_caller]
pub fn until_done(client: &Client, id: ConversationId, intent: IntentId, limit: Duration) -> impl Future<Output = ()> {
    let place = Location::caller();
    async move {
        let conversation = client.conversation(id);
        let settled = async || !matches!(conversation.intent(intent).await, Ok(IntentStatus::Pending));
        or_panic(place, try_until(client, "intent done", limit, settled)).await;
        let status = conversation.intent(intent).await;
        assert!(
            matches!(status, Ok(IntentStatus::Done)),
            "{place}: the intent is {status:?}"
        );
    }
}

/// All items of a conversation in display order.
///
/// # Errors
/// As [`Conversation::latest`].
pub async fn items(conversation: &Conversation) -> curo::Result<Vec<Item>> {
    let mut page = conversation.latest(PAGE_LIMIT).await?;
    let mut items = page.items;
    while let Some(older) = page.older {
        page = conversation.before(older, PAGE_LIMIT).await?;
        let mut earlier = page.items;
        earlier.append(&mut items);
        items = earlier;
    }
    Ok(items)
}

/// All texts of a conversation in display order, own and unsent ones included.
///
/// # Errors
/// As [`Conversation::latest`].
pub async fn texts(conversation: &Conversation) -> curo::Result<Vec<String>> {
    let text = |item: Item| match item.entry {
        Entry::Message(message) => match message.body {
            Body::Text(text) => Some(text.into_string()),
            _ => None,
        },
        _ => None,
    };
    Ok(items(conversation).await?.into_iter().filter_map(text).collect())
}

#[expect(clippy::panic, reason = "the purpose: a test fails here, with the reason")]
async fn or_panic(place: &'static Location<'static>, waiting: impl Future<Output = Result<(), TimedOut>>) {
    if let Err(timed_out) = waiting.await {
        panic!("{place}: {timed_out}");
    }
}
