//! `POST /v1/sync`: all that is new, in one request (5.1).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::ErrorCode;
use curo_types::api::{ConversationNews, SyncAnswer, SyncRequest, limits};

use super::extract::{self, Device};
use super::outcome::{self, detached};
use super::problem::Reject;
use crate::state::{AppState, Tenant};
use crate::storage::{AckOutcome, Acknowledge, SyncOutcome, SyncPage};

/// All that is new, in one request. Acknowledges the inbox and reports cursors.
#[utoipa::path(
    post,
    path = "/v1/sync",
    operation_id = "sync",
    tag = "sync",
    request_body = SyncRequest,
    responses((status = 200, description = "The news", body = SyncAnswer))
)]
pub(super) async fn sync(
    State(app): State<Arc<AppState>>,
    device: Device,
    extract::Json(request): extract::Json<SyncRequest>,
) -> Result<Json<SyncAnswer>, Reject> {
    if request.cursors.len() > limits::CURSORS_PER_REQUEST {
        return Err(Reject::too_large("more than 1,000 cursors in one request"));
    }
    detached(async move {
        if request.inbox_ack > 0 || !request.cursors.is_empty() {
            let acknowledge = Acknowledge {
                inbox: request.inbox_ack,
                cursors: request.cursors,
            };
            let outcome = app
                .storage
                .acknowledge(&device.tenant, device.caller, acknowledge, app.clock.now_ms())
                .await
                .map_err(outcome::storage)?;
            match outcome {
                AckOutcome::Done { wake } => app.hub.wake(&device.tenant, wake),
                AckOutcome::UnknownDevice => return Err(Reject::new(ErrorCode::UNKNOWN_DEVICE)),
                AckOutcome::DeviceRevoked => return Err(Reject::new(ErrorCode::DEVICE_REVOKED)),
                AckOutcome::StoreChanged => return Err(Reject::new(ErrorCode::STORE_CHANGED)),
            }
        }
        let outcome = app
            .storage
            .sync(
                &device.tenant,
                device.caller,
                request.token.as_deref(),
                request.inbox_ack,
                app.clock.now_ms(),
            )
            .await
            .map_err(outcome::storage)?;
        let page = page_of(outcome)?;
        let tenant = extract::tenant(&app, &device.tenant)?;
        let mut answer = answer(&app, tenant, page);
        answer.suites.clone_from(&tenant.suites);
        answer.policy = Some(Box::new(tenant.policy.clone()));
        Ok(answer)
    })
    .await
    .map(Json)
}

/// The page, or the problem.
pub(super) fn page_of(outcome: SyncOutcome) -> Result<SyncPage, Reject> {
    match outcome {
        SyncOutcome::Page(page) => Ok(*page),
        SyncOutcome::BadToken => Err(Reject::malformed("not a sync token")),
        SyncOutcome::StoreChanged => Err(Reject::new(ErrorCode::STORE_CHANGED)),
        SyncOutcome::UnknownDevice => Err(Reject::new(ErrorCode::UNKNOWN_DEVICE)),
        SyncOutcome::DeviceRevoked => Err(Reject::new(ErrorCode::DEVICE_REVOKED)),
    }
}

/// The page in the words of the API, its tips signed.
pub(super) fn answer(app: &AppState, tenant: &Tenant, page: SyncPage) -> SyncAnswer {
    let conversations = page
        .conversations
        .into_iter()
        .map(|news| ConversationNews {
            conversation: news.conversation,
            last: tenant.sign_last(app, news.conversation, &news.entries, news.tip),
            entries: news.entries,
            tip: tenant.sign_tip(app, news.tip),
        })
        .collect();
    SyncAnswer {
        store: page.token.store,
        token: page.token.to_string(),
        more: page.more,
        cursors: page.cursors,
        receipts: page.receipts,
        inbox: page.inbox,
        conversations,
        key_packages: page.key_packages,
        suites: Vec::new(),
        policy: None,
    }
}
