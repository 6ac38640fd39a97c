//! The router: every path, and what stands around each request (log line, panics, time-out, bounds).

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use curo_types::ErrorCode;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tower_http::catch_panic::CatchPanicLayer;

use super::problem::Reject;
use super::{conversations, devices, directory, health, key_packages, log, messages, observe, session, stream, sync};
use crate::state::AppState;

/// Requests that are worked on at a time. Each may hold a body of 8 MiB, so memory is what this bounds.
const REQUESTS_IN_FLIGHT: usize = 256;

#[derive(Clone)]
struct Bounds {
    app: Arc<AppState>,
    in_flight: Arc<Semaphore>,
}

/// The whole application.
pub(crate) fn router(state: Arc<AppState>) -> Router {
    let bounds = Bounds {
        app: state.clone(),
        in_flight: Arc::new(Semaphore::new(REQUESTS_IN_FLIGHT)),
    };
    Router::new()
        .route("/v1/session", post(session::open))
        .route("/v1/devices", post(devices::register))
        .route("/v1/directory", post(directory::query))
        .route("/v1/people", post(directory::people))
        .route("/v1/key-packages", post(key_packages::upload))
        .route("/v1/key-packages/claim", post(key_packages::claim))
        .route("/v1/conversations", post(conversations::create))
        .route("/v1/conversations/{id}/commits", post(conversations::commit))
        .route("/v1/conversations/{id}/messages", post(messages::append))
        .route("/v1/conversations/{id}/entries", get(log::entries))
        .route("/v1/conversations/{id}/winner", get(log::winner))
        .route("/v1/conversations/{id}/trees/{tree}", get(log::tree))
        .route("/v1/sync", post(sync::sync))
        .route("/v1/stream", get(stream::open))
        .layer(middleware::from_fn_with_state(bounds, bound))
        // A relay that is busy is still alive.
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(async || Reject::new(ErrorCode::NOT_FOUND))
        .method_not_allowed_fallback(async || Reject::new(ErrorCode::METHOD_NOT_ALLOWED))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(observe::observe))
        .with_state(state)
}

/// Bounds the number of requests at work and the time of each, from its head to its answer. The body of a live stream comes
/// after its answer and is bounded by the hub.
async fn bound(State(bounds): State<Bounds>, request: Request, next: Next) -> Response {
    let deadline = Instant::now() + bounds.app.limits.request_timeout;
    // Waiting costs little: the body is not read yet.
    let Ok(Ok(_permit)) = timeout_at(deadline, bounds.in_flight.acquire()).await else {
        return Reject::retry_after(ErrorCode::UNAVAILABLE, 1_000).into_response();
    };
    match timeout_at(deadline, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Reject::new(ErrorCode::TIMEOUT).into_response(),
    }
}

/// The panic's own text may quote anything, so it goes nowhere.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request panicked");
    Reject::new(ErrorCode::INTERNAL).into_response()
}
