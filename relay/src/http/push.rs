//! `PUT /v1/push`: where the calling device wants to be woken.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::api::{PushTaken, PutPush, limits};

use super::extract::{self, Device};
use super::outcome::{self, detached};
use super::problem::Reject;
use crate::state::AppState;
use crate::storage::PushTarget;

/// Takes the place of the device's push registration, or takes it away.
#[utoipa::path(
    put,
    path = "/v1/push",
    operation_id = "putPush",
    tag = "sync",
    request_body = PutPush,
    responses((status = 200, description = "It stands", body = PushTaken))
)]
pub(super) async fn put(
    State(app): State<Arc<AppState>>,
    device: Device,
    extract::Json(request): extract::Json<PutPush>,
) -> Result<Json<PushTaken>, Reject> {
    let target = match request.registration {
        None => None,
        Some(registration) => {
            if registration.target.len() > limits::PUSH_TARGET_BYTES {
                return Err(Reject::too_large("a push target has at most 512 characters"));
            }
            if registration.target.is_empty() || !registration.target.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Reject::malformed("a push target is printable ASCII"));
            }
            let token = registration.token.as_slice().try_into();
            Some(PushTarget {
                target: registration.target,
                token: token.map_err(|_| Reject::malformed("a push token has 16 bytes"))?,
            })
        }
    };
    detached(async move {
        app.storage
            .put_push(&device.tenant, device.caller.device, target, app.clock.now_ms())
            .await
            .map_err(outcome::storage)?;
        Ok(PushTaken {
            active: app.push.is_active(),
        })
    })
    .await
    .map(Json)
}
