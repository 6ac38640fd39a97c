//! `GET /metrics`, on a listener of its own: what the relay counts is for its operator, not for its callers.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::metrics::Levels;
use crate::state::AppState;

const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) async fn scrape(State(app): State<Arc<AppState>>) -> impl IntoResponse {
    for tenant in app.tenants.keys() {
        // A storage that does not answer shows elsewhere; the last values stand.
        if let Ok(usage) = app.storage.usage(tenant).await {
            app.metrics.tenant_has(tenant, usage);
        }
    }
    let levels = Levels {
        streams: app.hub.count(),
        connections: app.connections.count(),
        waiting_writes: app.storage.waiting_writes(),
        kept_groups: app.followers.count(),
    };
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], app.metrics.text(levels))
}
