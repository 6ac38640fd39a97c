//! `PUT /v1/conversations/{id}/receipt`: how far the caller's user has read (8.3).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::api::{PutReceipt, ReceiptTaken, limits};
use curo_types::{ConversationId, ErrorCode};

use super::conversations::check_incarnation;
use super::extract::{self, Device, InPath};
use super::outcome::{self, detached};
use super::problem::Reject;
use crate::state::AppState;
use crate::storage::{NewReceipt, ReceiptOutcome};

/// Takes the place of the caller's slot in the conversation. Sealed for the members.
#[utoipa::path(
    put,
    path = "/v1/conversations/{id}/receipt",
    operation_id = "putReceipt",
    tag = "conversations",
    params(("id" = ConversationId, Path, description = "The conversation")),
    request_body = PutReceipt,
    responses((status = 200, description = "It stands", body = ReceiptTaken))
)]
pub(super) async fn put(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath(conversation): InPath<ConversationId>,
    extract::Json(request): extract::Json<PutReceipt>,
) -> Result<Json<ReceiptTaken>, Reject> {
    check_incarnation(request.incarnation)?;
    if request.sealed.is_empty() {
        return Err(Reject::malformed("there is no receipt"));
    }
    if request.sealed.len() > limits::RECEIPT_BYTES {
        return Err(Reject::too_large("a receipt has at most 256 bytes"));
    }
    detached(async move {
        let receipt = NewReceipt {
            conversation,
            incarnation: request.incarnation,
            epoch: request.epoch,
            sealed: request.sealed.0,
            least_ms: limits::RECEIPT_INTERVAL_MS,
        };
        let outcome = app
            .storage
            .put_receipt(&device.tenant, device.caller, receipt, app.clock.now_ms())
            .await
            .map_err(outcome::storage)?;
        match outcome {
            ReceiptOutcome::Stored { wake } => app.hub.wake(&device.tenant, wake),
            ReceiptOutcome::Unchanged => {}
            ReceiptOutcome::TooSoon { retry_after_ms } => {
                return Err(Reject::retry_after(ErrorCode::RATE_LIMITED, retry_after_ms));
            }
            ReceiptOutcome::Refused(refusal) => {
                return Err(outcome::refusal(&app, extract::tenant(&app, &device.tenant)?, refusal));
            }
        }
        Ok(ReceiptTaken {
            next_ms: limits::RECEIPT_INTERVAL_MS,
        })
    })
    .await
    .map(Json)
}
