//! `POST /v1/devices/{id}/approve` and `…/refuse`: what an existing device says to one that waits (2.11).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::api::{ApproveDevice, DeviceRefused, Registered};
use curo_types::format::{Action, Envelope, Signer};
use curo_types::{Blob, DeviceId, Digest, ErrorCode};

use super::devices::{self, SUBMITTED_BYTES, verify_suite};
use super::extract::{self, Device, InPath, User};
use super::outcome::{self, detached};
use super::problem::Reject;
use crate::state::AppState;
use crate::storage::{AskingDevice, DeviceRef, DirectoryChange};

/// Lets a waiting device of the caller's user into the directory. The same signature again is answered as the first time.
#[utoipa::path(
    post,
    path = "/v1/devices/{id}/approve",
    operation_id = "approveDevice",
    tag = "people",
    params(("id" = DeviceId, Path, description = "The device that waits")),
    request_body = ApproveDevice,
    responses((status = 200, description = "The envelope as it stands in the directory", body = Registered))
)]
pub(super) async fn approve(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath(target): InPath<DeviceId>,
    extract::Json(request): extract::Json<ApproveDevice>,
) -> Result<Json<Registered>, Reject> {
    let bytes = request.envelope.0;
    if bytes.len() > SUBMITTED_BYTES {
        return Err(Reject::too_large("an envelope is over 2 KiB"));
    }
    let given = Envelope::from_bytes(&bytes)?;
    let tenant = extract::tenant(&app, &device.tenant)?;
    let found = app.storage.devices(&device.tenant, device.caller.user).await;
    if let Some(known) = found
        .map_err(outcome::storage)?
        .into_iter()
        .find(|one| one.device == target)
    {
        // In already: by this very approval, or by another one.
        let signed = devices::approve(tenant, &mut given.clone())?;
        return if known.envelope_hash == Digest::of(&signed) {
            Ok(Json(Registered {
                version: known.version,
                envelope: Blob(signed),
            }))
        } else {
            Err(Reject::new(ErrorCode::DIRECTORY_CHANGED))
        };
    }
    let asking = waiting(&app, &device, target).await?;
    let envelope = check(&device, &asking, &given)?;
    let addition = {
        let mut envelope = envelope;
        let signed = devices::approve(tenant, &mut envelope)?;
        let body = envelope.body();
        DirectoryChange {
            device: asking.device,
            action: Action::Add,
            keys: body
                .keys
                .iter()
                .map(|key| (key.suite, key.public_key.clone()))
                .collect(),
            previous: None,
            request_hash: Digest::of(&asking.envelope),
            envelope: signed,
            approved_by: Some(device.caller.device),
        }
    };
    let user = User {
        tenant: device.tenant,
        user: device.caller.user,
    };
    let bounds = devices::bounds(&app);
    detached(devices::append(app, user, addition, bounds)).await.map(Json)
}

/// Refuses a waiting device for good. Idempotent.
#[utoipa::path(
    post,
    path = "/v1/devices/{id}/refuse",
    operation_id = "refuseDevice",
    tag = "people",
    params(("id" = DeviceId, Path, description = "The device that waits")),
    responses((status = 200, description = "It does not come in", body = DeviceRefused))
)]
pub(super) async fn refuse(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath(target): InPath<DeviceId>,
) -> Result<Json<DeviceRefused>, Reject> {
    detached(async move {
        let target = DeviceRef {
            user: device.caller.user,
            device: target,
        };
        let known = app.storage.refuse_device(&device.tenant, target).await;
        if known.map_err(outcome::storage)? {
            Ok(DeviceRefused {})
        } else {
            Err(Reject::new(ErrorCode::NOT_FOUND))
        }
    })
    .await
    .map(Json)
}

async fn waiting(app: &Arc<AppState>, device: &Device, target: DeviceId) -> Result<AskingDevice, Reject> {
    let waiting = app.storage.waiting_devices(&device.tenant, device.caller.user).await;
    let mut waiting = waiting.map_err(outcome::storage)?.into_iter();
    waiting
        .find(|asking| asking.device.device == target)
        .ok_or_else(|| Reject::new(ErrorCode::NOT_FOUND))
}

/// The envelope as the device has submitted it, with the caller's signature beside its own.
fn check(device: &Device, asking: &AskingDevice, given: &Envelope) -> Result<Envelope, Reject> {
    let refused = |detail| Err(Reject::because(ErrorCode::REFUSED, detail));
    let mut envelope = Envelope::from_bytes(&asking.envelope)?;
    let message = envelope.signed_bytes();
    if given.signed_bytes() != message {
        return refused("the envelope is not the one that waits");
    }
    let mut by_caller = given
        .signatures
        .iter()
        .filter(|one| matches!(one.signer, Signer::Device(by, _) if by == device.caller.device));
    let (Some(one), None) = (by_caller.next(), by_caller.next()) else {
        return refused("an approval is signed once by the device that asks");
    };
    let Signer::Device(_, suite) = one.signer else {
        return refused("an approval is signed by a device");
    };
    let key = device.state.keys.iter().find(|(of, _)| *of == suite);
    let valid = key.is_some_and(|(_, key)| {
        verify_suite(suite, key, &message, &one.signature) == curo_types::format::SuiteVerdict::Valid
    });
    if !valid || given.signatures.len() != envelope.signatures.len() + 1 {
        return refused("the approval's signature does not verify");
    }
    envelope.push(one.signer, one.signature.clone());
    Ok(envelope)
}
