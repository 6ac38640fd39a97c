//! `POST /v1/conversations` and `…/commits`: creating, and changing who is in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::api::{Accepted, CommitRequest, CreateConversation};
use curo_types::{ConversationId, ErrorCode, TenantId};

use super::extract::{self, Device, InPath};
use super::outcome::{self, computed, detached};
use super::problem::Reject;
use crate::accept;
use crate::state::AppState;
use crate::storage::{CommitCheck, CommitOutcome};

pub(super) async fn create(
    State(app): State<Arc<AppState>>,
    device: Device,
    extract::Json(request): extract::Json<CreateConversation>,
) -> Result<Json<Accepted>, Reject> {
    check_incarnation(request.incarnation)?;
    if !extract::tenant(&app, &device.tenant)?.suites.contains(&request.suite) {
        return Err(Reject::because(
            ErrorCode::REFUSED,
            "the tenant does not allow this suite",
        ));
    }
    detached(async move {
        let Device { tenant, caller, .. } = device;
        let new = {
            let tenant = tenant.clone();
            computed(move || Ok(accept::check_creation(&tenant, caller, request)?)).await?
        };
        let outcome = app
            .storage
            .create_conversation(&tenant, caller, new, app.clock.now_ms())
            .await;
        settle(&app, &tenant, outcome.map_err(outcome::storage)?)
    })
    .await
    .map(Json)
}

pub(super) async fn commit(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath(conversation): InPath<ConversationId>,
    extract::Json(request): extract::Json<CommitRequest>,
) -> Result<Json<Accepted>, Reject> {
    check_incarnation(request.incarnation)?;
    detached(async move {
        let Device { tenant, caller, .. } = device;
        let head = accept::read_commit(conversation, request.incarnation, &request.bundle)?;
        // The verdict that needs no cryptography comes first; it is passed again when the commit is accepted.
        let check = app
            .storage
            .check_commit(&tenant, caller, head.key.clone())
            .await
            .map_err(outcome::storage)?;
        let state = match check {
            CommitCheck::Open(state) => state,
            CommitCheck::Duplicate(first) => return settle(&app, &tenant, CommitOutcome::Duplicate(first)),
            CommitCheck::Refused(refusal) => return settle(&app, &tenant, CommitOutcome::Refused(refusal)),
        };
        let new = {
            let tenant = tenant.clone();
            computed(move || Ok(accept::check_commit(&tenant, caller, &state, head, request.bundle)?)).await?
        };
        let outcome = app
            .storage
            .accept_commit(&tenant, caller, new, app.clock.now_ms())
            .await;
        settle(&app, &tenant, outcome.map_err(outcome::storage)?)
    })
    .await
    .map(Json)
}

fn settle(app: &Arc<AppState>, tenant: &TenantId, outcome: CommitOutcome) -> Result<Accepted, Reject> {
    match outcome {
        CommitOutcome::Accepted(entry) => {
            app.hub.wake(tenant, entry.wake);
            Ok(entry.accepted)
        }
        CommitOutcome::Duplicate(entry) => Ok(entry.accepted),
        CommitOutcome::Refused(refusal) => Err(outcome::refusal(app, extract::tenant(app, tenant)?, refusal)),
    }
}

/// Incarnations are counted from 1.
pub(super) fn check_incarnation(incarnation: u64) -> Result<(), Reject> {
    if incarnation == 0 {
        Err(Reject::malformed("incarnations are counted from 1"))
    } else {
        Ok(())
    }
}
