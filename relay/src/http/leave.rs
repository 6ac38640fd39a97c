//! `POST /v1/conversations/{id}/leave`: a user goes (rule 6.1).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::api::{LeaveAnswer, LeaveRequest, Problem};
use curo_types::format::Leave;
use curo_types::{ConversationId, ErrorCode};

use super::devices;
use super::extract::{self, Device, InPath};
use super::outcome::{self, detached};
use super::problem::Reject;
use crate::state::AppState;
use crate::storage::{LeaveOutcome, NewLeave};

/// Leaves a conversation with all devices of the caller's user. Idempotent by intent and bytes.
#[utoipa::path(
    post,
    path = "/v1/conversations/{id}/leave",
    operation_id = "leave",
    tag = "conversations",
    params(("id" = ConversationId, Path, description = "The conversation")),
    request_body = LeaveRequest,
    responses((status = 200, description = "The user is out", body = LeaveAnswer))
)]
pub(super) async fn leave(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath(conversation): InPath<ConversationId>,
    extract::Json(request): extract::Json<LeaveRequest>,
) -> Result<Json<LeaveAnswer>, Reject> {
    let new = check(&device, conversation, request.leave.0)?;
    let mandatory = &extract::tenant(&app, &device.tenant)?.policy.mandatory;
    if mandatory.contains(&device.caller.user) {
        let mut problem = Problem::new(ErrorCode::MANDATORY_MEMBER);
        problem.mandatory.clone_from(mandatory);
        return Err(problem.into());
    }
    detached(async move {
        let outcome = app
            .storage
            .leave(&device.tenant, device.caller, new, app.clock.now_ms())
            .await
            .map_err(outcome::storage)?;
        match outcome {
            LeaveOutcome::Left { closed, wake } => {
                app.hub.wake(&device.tenant, wake);
                Ok(LeaveAnswer { closed })
            }
            LeaveOutcome::Refused(refusal) => {
                let tenant = extract::tenant(&app, &device.tenant)?;
                Err(outcome::refusal(&app, tenant, refusal))
            }
        }
    })
    .await
    .map(Json)
}

/// What can be checked without the conversation: names and signature. Members check the same again.
fn check(device: &Device, conversation: ConversationId, bytes: Vec<u8>) -> Result<NewLeave, Reject> {
    let leave = Leave::from_bytes(&bytes)?;
    let body = leave.body();
    if body.tenant != device.tenant || body.user != device.caller.user || body.device != device.caller.device {
        return Err(Reject::because(ErrorCode::FORBIDDEN, "the request is another device's"));
    }
    if body.conversation != conversation {
        return Err(Reject::malformed("the request is for another conversation"));
    }
    let key = device.state.keys.iter().find(|(suite, _)| *suite == body.suite);
    let (_, key) = key.ok_or_else(|| Reject::because(ErrorCode::REFUSED, "the device has no key of this suite"))?;
    leave.verify(key, &devices::verify_suite)?;
    Ok(NewLeave {
        conversation,
        incarnation: body.incarnation,
        intent: body.intent,
        seq: body.seq,
        request: bytes,
    })
}
