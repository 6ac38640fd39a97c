//! `…/reports`, `…/duty` and `…/incarnations`: how a conversation goes on when its group cannot.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::api::{DutyOffer, DutyRequest, IncarnationsAnswer, LostLog, ReportCommit, Reported};
use curo_types::{ConversationId, ErrorCode, TenantId};

use super::conversations::check_incarnation;
use super::extract::{self, Device, InPath};
use super::outcome::{self, detached};
use super::problem::Reject;
use crate::state::{AppState, Tenant};
use crate::storage::{CommitReport, DutyAsked, DutyOutcome, IncarnationsOutcome, LostEntries, ReportOutcome};

/// Says that the commit that ended an epoch cannot be processed here. Idempotent.
#[utoipa::path(
    post,
    path = "/v1/conversations/{id}/reports",
    operation_id = "reportCommit",
    tag = "conversations",
    params(("id" = ConversationId, Path, description = "The conversation")),
    request_body = ReportCommit,
    responses((status = 200, description = "Whether the incarnation is over", body = Reported))
)]
pub(super) async fn report(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath(conversation): InPath<ConversationId>,
    extract::Json(request): extract::Json<ReportCommit>,
) -> Result<Json<Reported>, Reject> {
    check_incarnation(request.incarnation)?;
    detached(async move {
        let report = CommitReport {
            conversation,
            incarnation: request.incarnation,
            epoch: request.epoch,
            commit: request.commit,
            reason: request.reason,
        };
        let outcome = app
            .storage
            .report_commit(&device.tenant, device.caller, report, app.clock.now_ms())
            .await
            .map_err(outcome::storage)?;
        match outcome {
            ReportOutcome::Noted { over, author } => {
                if let Some(author) = author {
                    // Ids only: who made the commit is for the audit to know.
                    tracing::warn!(
                        tenant = %device.tenant,
                        %conversation,
                        incarnation = request.incarnation,
                        epoch = request.epoch,
                        %author,
                        "members cannot process a commit: the incarnation is over"
                    );
                }
                Ok(Reported { over })
            }
            ReportOutcome::Refused(refusal) => {
                Err(outcome::refusal(&app, extract::tenant(&app, &device.tenant)?, refusal))
            }
        }
    })
    .await
    .map(Json)
}

/// Asks for a duty: what the roster owes is offered to one member for 30 s at a time. Idempotent.
#[utoipa::path(
    post,
    path = "/v1/conversations/{id}/duty",
    operation_id = "askForDuty",
    tag = "conversations",
    params(("id" = ConversationId, Path, description = "The conversation")),
    request_body = DutyRequest,
    responses((status = 200, description = "Whose it is, and for how long", body = DutyOffer))
)]
pub(super) async fn duty(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath(conversation): InPath<ConversationId>,
    extract::Json(request): extract::Json<DutyRequest>,
) -> Result<Json<DutyOffer>, Reject> {
    check_incarnation(request.incarnation)?;
    let asked = DutyAsked {
        conversation,
        incarnation: request.incarnation,
        duty: request.duty,
    };
    let outcome = app
        .storage
        .offer_duty(&device.tenant, device.caller, asked, app.clock.now_ms())
        .await
        .map_err(outcome::storage)?;
    match outcome {
        DutyOutcome::Offered { yours, for_ms } => Ok(Json(DutyOffer { yours, for_ms })),
        DutyOutcome::Refused(refusal) => Err(outcome::refusal(&app, extract::tenant(&app, &device.tenant)?, refusal)),
    }
}

/// The incarnations of a conversation.
#[utoipa::path(
    get,
    path = "/v1/conversations/{id}/incarnations",
    operation_id = "readIncarnations",
    tag = "conversations",
    params(("id" = ConversationId, Path, description = "The conversation")),
    responses((status = 200, description = "The incarnations", body = IncarnationsAnswer))
)]
pub(super) async fn list(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath(conversation): InPath<ConversationId>,
) -> Result<Json<IncarnationsAnswer>, Reject> {
    let outcome = app
        .storage
        .incarnations(&device.tenant, device.caller, conversation)
        .await
        .map_err(outcome::storage)?;
    match outcome {
        IncarnationsOutcome::Known { incarnations, users } => Ok(Json(IncarnationsAnswer { incarnations, users })),
        IncarnationsOutcome::NotAMember => Err(Reject::new(ErrorCode::NOT_A_MEMBER)),
    }
}

/// The proof that a log is lost: a tip that bears this tenant's signature. Of which store it speaks does not matter, because
/// only this relay, before a restore, can have signed it.
pub(super) fn read_lost(
    tenant_id: &TenantId,
    tenant: &Tenant,
    conversation: ConversationId,
    lost: LostLog,
) -> Result<LostEntries, Reject> {
    let refused = |detail: &'static str| Err(Reject::because(ErrorCode::REFUSED, detail));
    let tip = lost.tip;
    if tip.tenant != *tenant_id || tip.conversation != conversation {
        return refused("the tip is of another conversation");
    }
    if tip.verify(&tenant.signer.log_public()).is_err() {
        return refused("the tip is not signed by this tenant's log key");
    }
    Ok(LostEntries {
        incarnation: tip.incarnation,
        seq: tip.seq,
        h: tip.h,
        stands: lost.stands,
        stands_h: lost.stands_h,
    })
}
