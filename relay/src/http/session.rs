//! `POST /v1/session`: who the token's subject is here.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use curo_types::UserId;
use curo_types::api::SessionAnswer;

use super::extract::{self, Bearer};
use super::outcome;
use super::problem::Reject;
use crate::state::AppState;

/// Who the access token's subject is here. The relay mints the user at the first call. A request body is not read.
#[utoipa::path(
    post,
    path = "/v1/session",
    operation_id = "openSession",
    tag = "people",
    responses((status = 200, description = "The user, and the relay's keys", body = SessionAnswer))
)]
pub(super) async fn open(State(app): State<Arc<AppState>>, bearer: Bearer) -> Result<Json<SessionAnswer>, Reject> {
    let tenant = extract::tenant(&app, &bearer.tenant)?;
    let now_ms = app.clock.now_ms();
    let user = app
        .storage
        .sign_in(&bearer.tenant, &bearer.subject.0, UserId::random(), now_ms)
        .await
        .map_err(outcome::storage)?;
    Ok(Json(SessionAnswer {
        tenant: bearer.tenant,
        user,
        store: app.storage.store_id(),
        directory_key: tenant.signer.directory_key(),
        log_key: tenant.signer.log_key(),
        suites: tenant.suites.clone(),
        idle_lock_ms: tenant.session.idle_lock.map(millis),
        session_limit_ms: tenant.session.limit.map(millis),
        policy: Some(tenant.policy.clone()),
        authenticated_ms_ago: bearer.authenticated_ms.map(|then| now_ms.saturating_sub(then)),
    }))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
