//! What concerns one message.

use curo::{Conversation, IntentId, NewMessage, Priority};
use serde_json::{Value, json};

use super::device::done;
use crate::args::{Outcome, bad, list, optional, parsed, reference, string, text};
use crate::shapes;

/// `None`: no verb of these.
pub(crate) async fn perform(care: &Conversation, verb: &str, args: &Value) -> Option<Outcome> {
    Some(match verb {
        "send" => send(care, args).await,
        "amend" => amend(care, args).await,
        "edit" => edit(care, args).await,
        "delete" => delete(care, args).await,
        "react" | "unreact" => react(care, verb, args).await,
        "acknowledge" => acknowledge(care, args).await,
        "mark_read" => mark_read(care, args).await,
        "message" => message(care, args).await,
        "delivery" => delivery(care, args).await,
        "receipts" => receipts(care, args).await,
        "purge" => purge(care, args).await,
        _ => return None,
    })
}

fn maybe(intent: Option<IntentId>) -> Value {
    json!({ "intent": intent.map(|intent| intent.to_string()) })
}

async fn send(care: &Conversation, args: &Value) -> Outcome {
    let message = NewMessage {
        mentions: optional(args, "mentions", list)?.unwrap_or_default(),
        priority: match args["priority"].as_str() {
            None | Some("routine") => Priority::Routine,
            Some("urgent") => Priority::Urgent,
            Some("stat") => Priority::Stat,
            Some(_) => return Err(bad("`priority` is routine, urgent or stat")),
        },
        reply_to: optional(args, "reply_to", reference)?,
        thread: optional(args, "thread", reference)?,
        ..NewMessage::text(text(args, "text")?)
    };
    let id = care.send(message, parsed(args, "message")?).await?;
    Ok(json!({ "message": id.to_string() }))
}

async fn amend(care: &Conversation, args: &Value) -> Outcome {
    let id = care
        .amend(reference(args, "of")?, text(args, "text")?, parsed(args, "message")?)
        .await?;
    Ok(json!({ "message": id.to_string() }))
}

async fn edit(care: &Conversation, args: &Value) -> Outcome {
    let intent = care.edit(reference(args, "message")?, text(args, "text")?, &[]).await?;
    Ok(maybe(Some(intent)))
}

async fn delete(care: &Conversation, args: &Value) -> Outcome {
    Ok(maybe(Some(care.delete(reference(args, "message")?).await?)))
}

async fn react(care: &Conversation, verb: &str, args: &Value) -> Outcome {
    let (message, emoji) = (reference(args, "message")?, string(args, "emoji")?);
    Ok(maybe(match verb {
        "react" => care.react(message, emoji).await?,
        _ => care.unreact(message, emoji).await?,
    }))
}

async fn acknowledge(care: &Conversation, args: &Value) -> Outcome {
    Ok(maybe(care.acknowledge(reference(args, "message")?).await?))
}

async fn mark_read(care: &Conversation, args: &Value) -> Outcome {
    done(care.mark_read(reference(args, "message")?).await)
}

async fn message(care: &Conversation, args: &Value) -> Outcome {
    let found = care.message(reference(args, "message")?).await?;
    Ok(found.as_ref().map_or(Value::Null, shapes::item))
}

async fn delivery(care: &Conversation, args: &Value) -> Outcome {
    Ok(shapes::delivery(&care.delivery(parsed(args, "message")?).await?))
}

async fn receipts(care: &Conversation, args: &Value) -> Outcome {
    let receipts = care.receipts(reference(args, "message")?).await?;
    let shape = |one: &curo::PersonReceipt| json!({ "user": one.user.to_string(), "delivered": one.delivered, "read": one.read });
    Ok(receipts.iter().map(shape).collect())
}

async fn purge(care: &Conversation, args: &Value) -> Outcome {
    let purge = care.purge(reference(args, "message")?).await?;
    Ok(json!({ "by": purge.by, "of": purge.of }))
}
