//! `GET /v1/devices` and `POST /v1/devices/{id}/revoke`: a user's own devices.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::api::{DeviceInfo, DevicesAnswer, PendingDevice, Registered, RevokeDevice, limits};
use curo_types::format::{Action, Approval, Envelope, Signer};
use curo_types::{Blob, DeviceId, Digest, ErrorCode};

use super::devices::{ATTEMPTS, SUBMITTED_BYTES, verify_suite};
use super::extract::{self, Device, InPath};
use super::outcome::{self, detached};
use super::problem::Reject;
use crate::revoke::by_directory;
use crate::state::AppState;
use crate::storage::{DeviceRef, DeviceState, DirectoryChange, DirectoryLimits, DirectoryOutcome};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// The caller's devices, revoked ones too, by time of registration.
#[utoipa::path(
    get,
    path = "/v1/devices",
    operation_id = "listDevices",
    tag = "people",
    responses((status = 200, description = "The caller's devices", body = DevicesAnswer))
)]
pub(super) async fn list(State(app): State<Arc<AppState>>, device: Device) -> Result<Json<DevicesAnswer>, Reject> {
    let devices = of_user(&app, &device).await?;
    let info = |state: DeviceState| DeviceInfo {
        device: state.device,
        registered_ms: state.registered_ms,
        last_seen_ms: state.last_seen_ms - state.last_seen_ms % DAY_MS,
        revoked: !state.active,
        current: state.device == device.caller.device,
    };
    let waiting = app.storage.waiting_devices(&device.tenant, device.caller.user).await;
    let pending = waiting
        .map_err(outcome::storage)?
        .into_iter()
        .map(|asking| PendingDevice {
            device: asking.device.device,
            asked_ms: asking.asked_ms,
            envelope: Blob(asking.envelope),
        });
    Ok(Json(DevicesAnswer {
        devices: devices.into_iter().map(info).collect(),
        pending: pending.collect(),
    }))
}

/// Revokes a device of the caller's, for good. The same envelope again is answered as the first time.
#[utoipa::path(
    post,
    path = "/v1/devices/{id}/revoke",
    operation_id = "revokeDevice",
    tag = "people",
    params(("id" = DeviceId, Path, description = "The device to revoke")),
    request_body = RevokeDevice,
    responses((status = 200, description = "The envelope as it stands in the directory", body = Registered))
)]
pub(super) async fn revoke(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath(target): InPath<DeviceId>,
    extract::Json(request): extract::Json<RevokeDevice>,
) -> Result<Json<Registered>, Reject> {
    let signed = match request.envelope {
        Some(envelope) => Some(check(&app, &device, target, envelope.0)?),
        None if target == device.caller.device => None,
        None => return Err(Reject::malformed("revoking another device takes an envelope")),
    };
    detached(append(app, device, target, signed)).await.map(Json)
}

/// Checks a revocation that the calling device has signed.
fn check(app: &Arc<AppState>, device: &Device, target: DeviceId, bytes: Vec<u8>) -> Result<DirectoryChange, Reject> {
    if bytes.len() > SUBMITTED_BYTES {
        return Err(Reject::too_large("a revocation is over 2 KiB"));
    }
    let envelope = Envelope::from_bytes(&bytes)?;
    let refused = |detail| Err(Reject::because(ErrorCode::REFUSED, detail));
    let body = envelope.body();
    if body.tenant != device.tenant || body.user != device.caller.user {
        return Err(Reject::because(
            ErrorCode::FORBIDDEN,
            "the envelope is for another user",
        ));
    }
    if body.device != target {
        return Err(Reject::malformed("the envelope is for another device"));
    }
    let Approval::Device(approver, suite) = body.approval else {
        return refused("the envelope names no device that approves it");
    };
    let signer = Signer::Device(approver, suite);
    if body.action != Action::Revoke
        || approver != device.caller.device
        || envelope.signatures.len() != 1
        || envelope.signatures.iter().any(|signature| signature.signer != signer)
    {
        return refused("a revocation is signed once by the device that asks, and by nobody else");
    }
    let tenant = extract::tenant(app, &device.tenant)?;
    envelope.verify(&tenant.signer.directory_key(), &verify_suite, &|by, with| {
        let keys = (by == device.caller.device).then_some(&device.state.keys)?;
        keys.iter()
            .find(|(suite, _)| *suite == with)
            .map(|(_, key)| key.clone())
    })?;
    Ok(DirectoryChange {
        device: DeviceRef {
            user: body.user,
            device: target,
        },
        action: Action::Revoke,
        keys: Vec::new(),
        previous: body.previous,
        request_hash: Digest::of(&bytes),
        envelope: bytes,
        approved_by: None,
    })
}

async fn append(
    app: Arc<AppState>,
    device: Device,
    target: DeviceId,
    signed: Option<DirectoryChange>,
) -> Result<Registered, Reject> {
    let tenant = extract::tenant(&app, &device.tenant)?;
    let bounds = DirectoryLimits {
        active: limits::DEVICES_PER_USER,
        additions_per_day: app.limits.registrations_per_user_per_day,
    };
    for _ in 0..ATTEMPTS {
        let found = of_user(&app, &device).await?;
        let state = found.into_iter().find(|state| state.device == target);
        let state = state.ok_or_else(|| Reject::new(ErrorCode::NOT_FOUND))?;
        let change = match &signed {
            Some(change) if state.envelope_hash == Digest::of(&change.envelope) => {
                return Ok(registered(state.version, change));
            }
            Some(change) => change.clone(),
            None => by_directory(&tenant.signer, &device.tenant, &state),
        };
        let outcome = app
            .storage
            .change_directory(&device.tenant, vec![change.clone()], bounds, app.clock.now_ms())
            .await
            .map_err(outcome::storage)?;
        match outcome {
            DirectoryOutcome::Accepted(versions) => {
                app.hub.wake(&device.tenant, [target]);
                let version = versions.first().copied();
                let version = version.ok_or_else(|| Reject::new(ErrorCode::INTERNAL))?;
                return Ok(registered(version, &change));
            }
            // The device changed after the envelope was made: it names what is not its last envelope.
            DirectoryOutcome::Stale if signed.is_some() => return Err(Reject::new(ErrorCode::DIRECTORY_CHANGED)),
            DirectoryOutcome::Stale if !state.active => return Err(Reject::new(ErrorCode::DEVICE_REVOKED)),
            DirectoryOutcome::Stale => {}
            _ => return Err(Reject::new(ErrorCode::INTERNAL)),
        }
    }
    Err(Reject::retry_after(ErrorCode::UNAVAILABLE, 1_000))
}

fn registered(version: u64, change: &DirectoryChange) -> Registered {
    Registered {
        version,
        envelope: Blob(change.envelope.clone()),
    }
}

async fn of_user(app: &Arc<AppState>, device: &Device) -> Result<Vec<DeviceState>, Reject> {
    let devices = app.storage.devices(&device.tenant, device.caller.user).await;
    devices.map_err(outcome::storage)
}
