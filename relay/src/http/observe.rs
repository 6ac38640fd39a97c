//! One log line for each request, and its counters: id, method, route, status, time taken, tenant. Never a body, token, subject or query string.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use curo_types::TenantId;
use tracing::Instrument as _;

use super::problem::Refused;
use crate::state::AppState;

/// The answer's header with the request's id, for finding it in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("curo-request-id");

/// Where authentication leaves the tenant for the log line.
#[derive(Clone, Default)]
pub(super) struct TenantSlot(Arc<OnceLock<TenantId>>);

impl TenantSlot {
    pub(super) fn set(&self, tenant: &TenantId) {
        // Set twice only by a second extractor of the same request, with the same tenant.
        let _ = self.0.set(tenant.clone());
    }
}

pub(super) async fn observe(State(app): State<Arc<AppState>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id();
    let slot = TenantSlot::default();
    request.extensions_mut().insert(slot.clone());
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let span = tracing::info_span!("request", id);
    let mut response = next.run(request).instrument(span).await;
    let (route, status, took) = (
        route.as_deref().unwrap_or("none"),
        response.status().as_u16(),
        started.elapsed(),
    );
    app.metrics.answered(&method, route, status, took);
    if let Some(refused) = response.extensions().get::<Refused>() {
        app.metrics.refused(&refused.code);
        if let Some(kind) = refused.storage {
            app.metrics.storage_error(kind);
        }
    }
    tracing::info!(
        request = id,
        method = %method,
        route,
        status,
        micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        tenant = slot.0.get().map_or("none", TenantId::as_str),
        "request"
    );
    let headers = response.headers_mut();
    // Answers are for one device and change; nothing between may keep them.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    response
}

fn request_id() -> String {
    let mut bytes = [0; 8];
    // Without randomness the id only fails to be unique in the log.
    let _ = getrandom::fill(&mut bytes);
    hex::encode(bytes)
}
