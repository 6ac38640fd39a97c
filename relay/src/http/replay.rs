//! `POST /v1/conversations/{id}/replay`: what a restored store has lost comes back from a member (7.2).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::api::{ReplayAnswer, ReplayRequest, limits};
use curo_types::{ConversationId, ErrorCode};

use super::conversations::check_incarnation;
use super::extract::{self, Device, InPath};
use super::outcome::{self, computed, detached};
use super::problem::Reject;
use crate::accept;
use crate::state::AppState;
use crate::storage::{ReplayCheck, ReplayOutcome};

/// How often an offer is checked again because others have brought entries meanwhile.
const TRIES: usize = 4;

/// Appends entries that this relay has signed and lost, exactly as they stood. Idempotent.
#[utoipa::path(
    post,
    path = "/v1/conversations/{id}/replay",
    operation_id = "replay",
    tag = "conversations",
    params(("id" = ConversationId, Path, description = "The conversation")),
    request_body = ReplayRequest,
    responses((status = 200, description = "They stand", body = ReplayAnswer))
)]
pub(super) async fn replay(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath(conversation): InPath<ConversationId>,
    extract::Json(request): extract::Json<ReplayRequest, { limits::REQUEST_BYTES }>,
) -> Result<Json<ReplayAnswer>, Reject> {
    check_incarnation(request.incarnation)?;
    detached(async move {
        let Device { tenant, caller, .. } = device;
        let signer = extract::tenant(&app, &tenant)?;
        // First: nothing else proves that these entries were ever accepted.
        if request.tip.verify(&signer.signer.log_public()).is_err() {
            return Err(Reject::new(ErrorCode::TIP_NOT_OURS));
        }
        let key = accept::replay::read(&tenant, conversation, &request)?;
        for _ in 0..TRIES {
            let check = app.storage.check_replay(&tenant, caller, key.clone());
            let base = match check.await.map_err(outcome::storage)? {
                ReplayCheck::Open(base) => base,
                ReplayCheck::Known(tip) => {
                    return Ok(ReplayAnswer {
                        appended: 0,
                        tip: signer.sign_tip(&app, tip),
                    });
                }
                ReplayCheck::Refused(refusal) => return Err(outcome::refusal(&app, signer, refusal)),
            };
            let (for_check, offered) = (tenant.clone(), request.clone());
            let checked = computed(move || Ok(accept::replay::check(&for_check, conversation, base, offered)?)).await?;
            let appended = u64::try_from(checked.entries.len()).unwrap_or(u64::MAX);
            let outcome = app.storage.replay(&tenant, caller, checked, app.clock.now_ms());
            match outcome.await.map_err(outcome::storage)? {
                ReplayOutcome::Appended { tip, wake } => {
                    tracing::info!(%tenant, %conversation, incarnation = tip.incarnation, appended, "lost entries are back");
                    app.hub.wake(&tenant, wake);
                    return Ok(ReplayAnswer {
                        appended,
                        tip: signer.sign_tip(&app, tip),
                    });
                }
                ReplayOutcome::Moved => {}
                ReplayOutcome::Refused(refusal) => return Err(outcome::refusal(&app, signer, refusal)),
            }
        }
        Err(Reject::retry_after(ErrorCode::UNAVAILABLE, 1_000))
    })
    .await
    .map(Json)
}
