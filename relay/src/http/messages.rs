//! `POST /v1/conversations/{id}/messages`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::api::{MessagesAccepted, MessagesRequest, limits};
use curo_types::{Blob, ConversationId, ErrorCode};

use super::conversations::check_incarnation;
use super::extract::{self, Device, InPath};
use super::outcome::{self, detached};
use super::problem::Reject;
use crate::accept;
use crate::state::AppState;
use crate::storage::{AppendMessages, NewMessage};

/// Sends messages of one epoch, in order. A prefix of them may be accepted. Idempotent by intent and bytes.
#[utoipa::path(
    post,
    path = "/v1/conversations/{id}/messages",
    operation_id = "sendMessages",
    tag = "conversations",
    params(("id" = ConversationId, Path, description = "The conversation")),
    request_body = MessagesRequest,
    responses((status = 200, description = "The accepted prefix", body = MessagesAccepted))
)]
pub(super) async fn append(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath(conversation): InPath<ConversationId>,
    extract::Json(request): extract::Json<MessagesRequest, { limits::REQUEST_BYTES }>,
) -> Result<Json<MessagesAccepted>, Reject> {
    check_incarnation(request.incarnation)?;
    if request.messages.is_empty() {
        return Err(Reject::malformed("there is no message"));
    }
    if request.messages.len() > limits::MESSAGES_PER_BATCH {
        return Err(Reject::too_large("more than 256 messages in one request"));
    }
    if request.messages.iter().map(Blob::len).sum::<usize>() > limits::BATCH_BYTES {
        return Err(Reject::too_large("more than 4 MiB of messages in one request"));
    }
    let messages = readable(request.messages)?;
    let batch = AppendMessages {
        conversation,
        incarnation: request.incarnation,
        messages,
    };
    detached(async move {
        let outcome = app
            .storage
            .append_messages(&device.tenant, device.caller, batch, app.clock.now_ms())
            .await
            .map_err(outcome::storage)?;
        app.push.wake(&app.hub, &device.tenant, &outcome.wake);
        app.hub.wake(&device.tenant, outcome.wake);
        let new = outcome.accepted.iter().filter(|accepted| !accepted.duplicate).count();
        app.metrics.accepted_messages(&device.tenant, new);
        let tenant = extract::tenant(&app, &device.tenant)?;
        match (outcome.tip, outcome.refused) {
            (Some(tip), _) if !outcome.accepted.is_empty() => Ok(MessagesAccepted {
                accepted: outcome.accepted,
                tip: tenant.sign_tip(&app, tip),
            }),
            (_, Some(refusal)) => Err(outcome::refusal(&app, tenant, refusal)),
            _ => Err(Reject::new(ErrorCode::INTERNAL)),
        }
    })
    .await
    .map(Json)
}

/// The messages up to the first that cannot be read, which is told once it is the first.
fn readable(bodies: Vec<Blob>) -> Result<Vec<NewMessage>, Reject> {
    let mut messages = Vec::with_capacity(bodies.len());
    for body in bodies {
        match accept::read_message(body) {
            Ok(message) => messages.push(message),
            Err(error) if messages.is_empty() => return Err(error.into()),
            Err(_) => break,
        }
    }
    Ok(messages)
}
