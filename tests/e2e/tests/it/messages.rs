//! What people say about what was said: edits, deletes, reactions, threads, acknowledgements, drafts, search. Each looks
//! the same to everybody in the conversation, whoever was offline when.

mod deleted;
mod queued;
mod reading;
mod said;
mod searched;

use curo::{Body, ConversationId, Entry, ErrorCode, Message, MessageId, MessageRef, NewMessage, Priority};
use curo_kit::{Person, TestRelay};

use crate::lifecycle::code;
use crate::logs;
use crate::team::{group, people, same_everywhere, send, until_holds, until_sent, until_texts};

/// How everybody refers to what a person sent.
async fn reference(person: &Person, message: MessageId) -> MessageRef {
    MessageRef {
        sender: person.account().await.unwrap().device,
        message,
    }
}

/// A message as a person sees it.
async fn see(person: &Person, id: ConversationId, message: MessageRef) -> Option<Message> {
    let item = person.client().conversation(id).message(message).await.unwrap()?;
    match item.entry {
        Entry::Message(message) => Some(*message),
        _ => None,
    }
}

/// What it says.
async fn text_of(person: &Person, id: ConversationId, message: MessageRef) -> Option<String> {
    match see(person, id, message).await?.body {
        Body::Text(text) => Some(text.into_string()),
        _ => None,
    }
}

/// Until a person sees of a message what is wanted.
#[track_caller]
fn until_sees(
    person: &Person,
    id: ConversationId,
    message: MessageRef,
    what: &'static str,
    wanted: impl Fn(&Message) -> bool,
) -> impl Future<Output = ()> {
    until_holds(person, what.into(), async move || {
        see(person, id, message).await.is_some_and(|message| wanted(&message))
    })
}

/// What everybody sees alike: without what is one's own and how far it has come.
fn alike(mut message: Message) -> Message {
    message.own = false;
    message.delivery = None;
    message.unsent_change = None;
    for reaction in &mut message.reactions {
        reaction.own = false;
    }
    message
}
