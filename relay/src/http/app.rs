//! The router: every path, and what stands around each request (log line, panics, time-out, bounds).

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{self, MethodRouter};
use curo_types::ErrorCode;
use tokio::time::{Instant, timeout_at};
use tower_http::catch_panic::CatchPanicLayer;

use super::held::InFlight;
use super::paced::paced;
use super::problem::Reject;
use super::{
    approval, conversations, devices, directory, directory_replay, health, incarnations, key_packages, leave, log,
    messages, metrics, observe, openapi, own_devices, push, receipts, replay, session, stream, sync,
};
use crate::state::AppState;

#[derive(Clone)]
struct Bounds {
    app: Arc<AppState>,
    in_flight: InFlight,
}

/// The whole application.
pub(crate) fn router(state: Arc<AppState>) -> Router {
    let bounds = Bounds {
        app: state.clone(),
        in_flight: InFlight::new(),
    };
    protocol()
        .router
        .layer(middleware::from_fn_with_state(bounds, bound))
        // A relay that is busy is still alive.
        .merge(operation().router)
        .fallback(async || Reject::new(ErrorCode::NOT_FOUND))
        .method_not_allowed_fallback(async || Reject::new(ErrorCode::METHOD_NOT_ALLOWED))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(state.clone(), observe::observe))
        .with_state(state)
}

/// What the listener for metrics serves.
pub(crate) fn metrics_router(state: Arc<AppState>) -> Router {
    Router::new()
        .route("/metrics", routing::get(metrics::scrape))
        .with_state(state)
}

/// The calls of the protocol.
fn protocol() -> Routes {
    Routes::default()
        .post("/v1/session", session::open)
        .post("/v1/devices", devices::register)
        .post("/v1/devices/keys", devices::add_keys)
        .get("/v1/devices", own_devices::list)
        .post("/v1/devices/{id}/revoke", own_devices::revoke)
        .post("/v1/devices/{id}/approve", approval::approve)
        .post("/v1/devices/{id}/refuse", approval::refuse)
        .post("/v1/directory", directory::query)
        .post("/v1/directory/replay", directory_replay::replay)
        .post("/v1/people", directory::people)
        .post("/v1/key-packages", key_packages::upload)
        .post("/v1/key-packages/claim", key_packages::claim)
        .post("/v1/conversations", conversations::create)
        .post("/v1/conversations/{id}/commits", conversations::commit)
        .post("/v1/conversations/{id}/messages", messages::append)
        .put("/v1/conversations/{id}/receipt", receipts::put)
        .post("/v1/conversations/{id}/leave", leave::leave)
        .get("/v1/conversations/{id}/entries", log::entries)
        .get("/v1/conversations/{id}/group-info", log::group_info)
        .get("/v1/conversations/{id}/winner", log::winner)
        .get("/v1/conversations/{id}/trees/{tree}", log::tree)
        .get("/v1/conversations/{id}/incarnations", incarnations::list)
        .post("/v1/conversations/{id}/reports", incarnations::report)
        .post("/v1/conversations/{id}/duty", incarnations::duty)
        .post("/v1/conversations/{id}/replay", replay::replay)
        .put("/v1/push", push::put)
        .post("/v1/sync", sync::sync)
        .get("/v1/stream", stream::open)
}

/// What needs no token.
fn operation() -> Routes {
    Routes::default()
        .get("/healthz", health::alive)
        .get("/readyz", health::ready)
        .get("/openapi.json", openapi::served)
}

/// Routes that know what they are, because a router cannot tell: the document of the API must have the same.
#[derive(Default)]
struct Routes {
    router: Router<Arc<AppState>>,
    listed: Vec<(&'static str, &'static str)>,
}

impl Routes {
    fn get<T: 'static>(self, path: &'static str, handler: impl Handler<T, Arc<AppState>>) -> Self {
        self.route("get", path, routing::get(handler))
    }

    fn post<T: 'static>(self, path: &'static str, handler: impl Handler<T, Arc<AppState>>) -> Self {
        self.route("post", path, routing::post(handler))
    }

    fn put<T: 'static>(self, path: &'static str, handler: impl Handler<T, Arc<AppState>>) -> Self {
        self.route("put", path, routing::put(handler))
    }

    fn route(mut self, method: &'static str, path: &'static str, to: MethodRouter<Arc<AppState>>) -> Self {
        self.listed.push((method, path));
        self.router = self.router.route(path, to);
        self
    }
}

/// Bounds the number of requests at work and the time of each, from its head to its answer. The body of a live stream comes
/// after its answer and is bounded by the hub.
async fn bound(State(bounds): State<Bounds>, request: Request, next: Next) -> Response {
    let deadline = Instant::now() + bounds.app.limits.request_timeout;
    // Waiting costs little: the body is not read yet.
    let Ok(Some(held)) = timeout_at(deadline, bounds.in_flight.enter()).await else {
        return Reject::retry_after(ErrorCode::UNAVAILABLE, 1_000).into_response();
    };
    match timeout_at(deadline, Arc::clone(&held).scope(next.run(request))).await {
        Ok(response) => paced(response, held),
        Err(_) => Reject::new(ErrorCode::TIMEOUT).into_response(),
    }
}

/// The panic's own text may quote anything, so it goes nowhere.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request panicked");
    Reject::new(ErrorCode::INTERNAL).into_response()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_document_has_exactly_the_routes_of_the_router() {
        let mut served = BTreeSet::new();
        for (method, path) in [protocol().listed, operation().listed].concat() {
            assert!(
                served.insert((method.to_owned(), path.to_owned())),
                "{method} {path} twice"
            );
        }
        let document = openapi::document();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                described.insert((method.clone(), path.clone()));
            }
        }
        assert_eq!(served, described);
    }
}
