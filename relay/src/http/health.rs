//! For the operator's orchestrator: is the process alive, can it serve. Without authentication, so they tell nothing else.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::ErrorCode;
use serde::Serialize;

use super::problem::Reject;
use crate::state::AppState;

/// That it is well.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Health {
    /// `alive` or `ready`.
    status: &'static str,
}

/// The process is alive.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "healthz",
    tag = "operation",
    responses((status = 200, description = "Alive", body = Health))
)]
pub(super) async fn alive() -> Json<Health> {
    Json(Health { status: "alive" })
}

/// The relay listens and its storage answers. An identity provider that cannot be reached is its tenant's trouble alone: calls
/// with its tokens are answered `unavailable`.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readyz",
    tag = "operation",
    responses((status = 200, description = "Ready", body = Health))
)]
pub(super) async fn ready(State(app): State<Arc<AppState>>) -> Result<Json<Health>, Reject> {
    let unavailable = |detail| Reject::because(ErrorCode::UNAVAILABLE, detail);
    if app.hub.stopping().is_cancelled() {
        return Err(unavailable("stopping"));
    }
    app.storage
        .probe()
        .await
        .map_err(|_| unavailable("the storage does not answer"))?;
    Ok(Json(Health { status: "ready" }))
}
