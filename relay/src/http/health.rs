//! For the operator's orchestrator: is the process alive, can it serve. Without authentication, so they tell nothing else.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::ErrorCode;
use serde_json::{Value, json};

use super::problem::Reject;
use crate::state::AppState;

pub(super) async fn alive() -> Json<Value> {
    Json(json!({"status": "alive"}))
}

/// Storage answers and every issuer's keys were loaded. Tries again to load keys that are missing, at the usual rate limit.
pub(super) async fn ready(State(app): State<Arc<AppState>>) -> Result<Json<Value>, Reject> {
    let unavailable = |detail| Reject::because(ErrorCode::UNAVAILABLE, detail);
    if app.hub.stopping().is_cancelled() {
        return Err(unavailable("stopping"));
    }
    app.storage
        .probe()
        .await
        .map_err(|_| unavailable("the storage does not answer"))?;
    if !app.authenticator.ready() {
        for (tenant, error) in app.authenticator.load().await {
            tracing::warn!(%tenant, %error, "identity provider's keys are not available");
        }
        if !app.authenticator.ready() {
            return Err(unavailable("an identity provider's keys are not loaded"));
        }
    }
    Ok(Json(json!({"status": "ready"})))
}
