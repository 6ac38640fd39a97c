//! How values of the API look in answers. The drivers of all platforms give the same.

use curo::{
    BackgroundOutcome, Body, ConnectionState, ConversationInfo, DeliveryState, Entry, IntentStatus, Item, Message,
    MessageRef, OutboxState, Priority, ProfileEntry, ProfileOwner, SessionState, Subject, UserId,
};
use serde_json::{Value, json};

pub(crate) fn users(users: &[UserId]) -> Value {
    users.iter().map(|user| json!(user.to_string())).collect()
}

pub(crate) fn reference(message: MessageRef) -> Value {
    json!({ "device": message.sender.to_string(), "message": message.message.to_string() })
}

pub(crate) fn outbox(state: OutboxState) -> Value {
    json!({ "waiting": state.waiting, "failed": state.failed })
}

pub(crate) fn session(state: &SessionState) -> Value {
    json!({ "state": match state {
        SessionState::Active => "active",
        SessionState::Locked => "locked",
        SessionState::SignInNeeded => "sign_in_needed",
        SessionState::WaitingForApproval => "waiting_for_approval",
        SessionState::Revoked => "revoked",
        SessionState::Wiped => "wiped",
        SessionState::UpdateRequired => "update_required",
        SessionState::Closed => "closed",
        _ => "other",
    } })
}

pub(crate) fn connection(state: &ConnectionState) -> Value {
    let (name, code) = match state {
        ConnectionState::Stopped => ("stopped", None),
        ConnectionState::CatchingUp => ("catching_up", None),
        ConnectionState::Live => ("live", None),
        ConnectionState::Waiting { code } => ("waiting", Some(code.as_str())),
        ConnectionState::SignInNeeded => ("sign_in_needed", None),
        ConnectionState::Failed { code } => ("failed", Some(code.as_str())),
        _ => ("other", None),
    };
    json!({ "state": name, "code": code })
}

/// As apps would show it: `delivered 1/2`, `failed (removed)`.
pub(crate) fn delivery(state: &DeliveryState) -> Value {
    json!(state.to_string())
}

pub(crate) fn intent(status: &IntentStatus) -> Value {
    let (name, code) = match status {
        IntentStatus::Pending => ("pending", None),
        IntentStatus::Done => ("done", None),
        IntentStatus::Failed { code, .. } => ("failed", Some(code.as_str())),
        _ => ("other", None),
    };
    json!({ "state": name, "code": code })
}

pub(crate) fn subject(subject: &Subject) -> Value {
    json!({ "system": subject.system, "value": subject.value })
}

pub(crate) fn info(info: &ConversationInfo) -> Value {
    let roster: Vec<_> = info
        .roster
        .iter()
        .map(|member| {
            json!({
                "user": member.user.to_string(),
                "role": member.role.as_str(),
                "name": member.name.as_ref().map(curo::Text::as_str),
                "mandatory": member.mandatory,
            })
        })
        .collect();
    json!({
        "conversation": info.id.to_string(),
        "title": info.title.as_ref().map(curo::Text::as_str),
        "subjects": info.subjects.iter().map(subject).collect::<Vec<_>>(),
        "roster": roster,
        "members": users(&info.members),
        "frozen": info.frozen.as_ref().map(curo::ErrorCode::as_str),
        "left": info.left,
        "purged": info.purged,
        "behind": info.behind,
    })
}

pub(crate) fn item(item: &Item) -> Value {
    let mut shape = match &item.entry {
        Entry::Message(message) => self::message(message),
        Entry::Members {
            by,
            added,
            removed,
            left,
        } => json!({
            "kind": "members",
            "by": by.map(|user| user.to_string()),
            "added": users(added),
            "removed": users(removed),
            "left": users(left),
        }),
        Entry::About(change) => json!({
            "kind": "about",
            "by": change.by.map(|user| user.to_string()),
            "title": change.title.as_ref().map(curo::Text::as_str),
        }),
        Entry::Joined => json!({ "kind": "joined" }),
        Entry::Gap { .. } => json!({ "kind": "gap" }),
        Entry::Incarnation { number } => json!({ "kind": "incarnation", "number": number }),
        Entry::Unreadable { code, .. } => json!({ "kind": "unreadable", "code": code.as_str() }),
        Entry::ContentLost => json!({ "kind": "content_lost" }),
        _ => json!({ "kind": "other" }),
    };
    shape["accepted_ms"] = json!(item.accepted_ms);
    shape
}

fn message(message: &Message) -> Value {
    let (body, text) = match &message.body {
        Body::Text(text) => ("text", Some(text.as_str())),
        Body::Amendment { text, .. } => ("amendment", Some(text.as_str())),
        Body::Deleted => ("deleted", None),
        Body::Unsupported => ("unsupported", None),
        _ => ("other", None),
    };
    let reactions: Vec<_> = message
        .reactions
        .iter()
        .map(|reaction| json!({ "emoji": reaction.emoji.as_str(), "users": users(&reaction.users), "own": reaction.own }))
        .collect();
    json!({
        "kind": "message",
        "message": message.id.to_string(),
        "device": message.sender_device.to_string(),
        "sender": message.sender.to_string(),
        "own": message.own,
        "body": body,
        "text": text,
        "delivery": message.delivery.as_ref().map(delivery),
        "edited": message.edited,
        "priority": match message.priority {
            Priority::Routine => "routine",
            Priority::Urgent => "urgent",
            Priority::Stat => "stat",
        },
        "mentions": users(&message.mentions),
        "reply_to": message.reply_to.as_ref().map(|quote| reference(quote.message)),
        "thread": message.thread.map(reference),
        "thread_count": message.thread_count,
        "reactions": reactions,
        "acknowledged_by": users(&message.acknowledged_by),
        "claimed_ms": message.claimed_ms,
    })
}

pub(crate) fn background(outcome: &BackgroundOutcome) -> Value {
    json!({
        "complete": outcome.complete,
        "code": outcome.code.as_ref().map(curo::ErrorCode::as_str),
        "new_messages": outcome.new_messages,
        "conversations": outcome.conversations.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "waiting": outcome.waiting,
    })
}

pub(crate) fn profile(entry: &ProfileEntry) -> Value {
    let (owner, user, label) = match &entry.owner {
        ProfileOwner::Account { account, label } => ("account", Some(account.user), label.as_ref()),
        ProfileOwner::Nobody => ("nobody", None, None),
        ProfileOwner::Hidden { .. } => ("hidden", None, None),
        ProfileOwner::Lost => ("lost", None, None),
        _ => ("other", None, None),
    };
    json!({
        "profile": entry.profile.to_string(),
        "owner": owner,
        "user": user.map(|user| user.to_string()),
        "label": label.map(curo::Text::as_str),
    })
}
