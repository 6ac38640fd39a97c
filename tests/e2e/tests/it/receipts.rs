//! Delivered and read: who has what was said, and who has seen it (rules 8.2 and 8.3).

mod big;
mod delivered;
mod hostile;
mod read;
mod restored;
mod sent;

use curo::{ConversationId, DeliveryState, MessageId, MessageRef};
use curo_kit::{Person, until_delivery};

use crate::SOON;
use crate::team::until_holds;

const fn delivered(by: u32, of: u32) -> DeliveryState {
    DeliveryState::Delivered { by, of }
}

const fn read(by: u32, of: u32) -> DeliveryState {
    DeliveryState::Read { by, of }
}

/// How everybody refers to what a person sent.
async fn reference(person: &Person, message: MessageId) -> MessageRef {
    MessageRef {
        sender: person.account().await.unwrap().device,
        message,
    }
}

/// A person reads up to a message, once it is there.
async fn reads(person: &Person, id: ConversationId, message: MessageRef) {
    let conversation = person.client().conversation(id);
    until_holds(person, "a message to read".into(), async || {
        conversation.message(message).await.unwrap().is_some()
    })
    .await;
    conversation.mark_read(message).await.unwrap();
}

#[track_caller]
fn until_stands(
    person: &Person,
    id: ConversationId,
    message: MessageId,
    state: DeliveryState,
) -> impl Future<Output = ()> {
    until_delivery(person.client(), id, message, state, SOON)
}

async fn stands(person: &Person, id: ConversationId, message: MessageId) -> DeliveryState {
    person.client().conversation(id).delivery(message).await.unwrap()
}
