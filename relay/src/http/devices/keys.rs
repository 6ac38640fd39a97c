//! `POST /v1/devices/keys`: a registered device gets keys of suites that its tenant allows and that it had none of.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::api::{AddKeys, Registered, limits};
use curo_types::format::{Action, Approval, Envelope, EnvelopeBody};
use curo_types::{Blob, Digest, ErrorCode, SuiteId};

use super::{ATTEMPTS, SUBMITTED_BYTES, approve, check_own_signatures, verify_suite};
use crate::http::extract::{self, Device};
use crate::http::outcome::{self, detached};
use crate::http::problem::Reject;
use crate::state::AppState;
use crate::storage::{DirectoryChange, DirectoryLimits, DirectoryOutcome};

/// Adds keys of further suites to the calling device. The same envelope again is answered as the first time.
#[utoipa::path(
    post,
    path = "/v1/devices/keys",
    operation_id = "addKeys",
    tag = "people",
    request_body = AddKeys,
    responses((status = 200, description = "The envelope as it stands in the directory", body = Registered))
)]
pub(in crate::http) async fn add_keys(
    State(app): State<Arc<AppState>>,
    device: Device,
    extract::Json(request): extract::Json<AddKeys>,
) -> Result<Json<Registered>, Reject> {
    let bytes = request.envelope.as_slice();
    if bytes.len() > SUBMITTED_BYTES {
        return Err(Reject::too_large("an envelope is over 2 KiB"));
    }
    let envelope = Envelope::from_bytes(bytes)?;
    let body = envelope.body();
    if body.tenant != device.tenant || body.user != device.caller.user || body.device != device.caller.device {
        return Err(Reject::because(
            ErrorCode::FORBIDDEN,
            "the envelope is for another device",
        ));
    }
    if body.action != Action::Rotate || body.approval != Approval::Directory {
        return Err(Reject::because(
            ErrorCode::REFUSED,
            "keys are added by a rotation on the directory's word",
        ));
    }
    check_own_signatures(&envelope)?;
    detached(append(app, device, envelope, Digest::of(bytes)))
        .await
        .map(Json)
}

async fn append(
    app: Arc<AppState>,
    device: Device,
    submitted: Envelope,
    request_hash: Digest,
) -> Result<Registered, Reject> {
    let tenant = extract::tenant(&app, &device.tenant)?;
    let bounds = DirectoryLimits {
        active: limits::DEVICES_PER_USER,
        additions_per_day: app.limits.registrations_per_user_per_day,
    };
    for _ in 0..ATTEMPTS {
        let page = app
            .storage
            .directory(&device.tenant, &[device.caller.user])
            .await
            .map_err(outcome::storage)?;
        let mut last = None;
        for record in page.records {
            let known = Envelope::from_bytes(record.envelope.as_slice())?;
            if known.body().device != device.caller.device {
                continue;
            }
            if known.signed_bytes() == submitted.signed_bytes() {
                return Ok(Registered {
                    version: record.version,
                    envelope: record.envelope,
                });
            }
            last = Some((known, Digest::of(record.envelope.as_slice())));
        }
        let (before, previous) = last.ok_or_else(|| Reject::new(ErrorCode::UNKNOWN_DEVICE))?;
        check_addition(&submitted, &before, previous, &tenant.suites)?;
        let mut envelope = submitted.clone();
        let signed = approve(tenant, &mut envelope)?;
        let keys = &envelope.body().keys;
        let change = DirectoryChange {
            device: device.caller,
            action: Action::Rotate,
            keys: keys.iter().map(|key| (key.suite, key.public_key.clone())).collect(),
            previous: Some(previous),
            request_hash,
            envelope: signed.clone(),
            approved_by: None,
        };
        let outcome = app
            .storage
            .change_directory(&device.tenant, vec![change], bounds, app.clock.now_ms())
            .await
            .map_err(outcome::storage)?;
        match outcome {
            DirectoryOutcome::Accepted(versions) => {
                let version = versions.last().copied();
                return Ok(Registered {
                    version: version.ok_or_else(|| Reject::new(ErrorCode::INTERNAL))?,
                    envelope: Blob(signed),
                });
            }
            DirectoryOutcome::DeviceExists => return Err(Reject::new(ErrorCode::DEVICE_EXISTS)),
            // Something came between: the device's last envelope says what.
            DirectoryOutcome::Duplicate(_)
            | DirectoryOutcome::ApprovalNeeded
            | DirectoryOutcome::QuotaExceeded
            | DirectoryOutcome::RateLimited { .. }
            | DirectoryOutcome::Stale
            | DirectoryOutcome::TooManyDevices => {}
        }
    }
    Err(Reject::retry_after(ErrorCode::UNAVAILABLE, 1_000))
}

/// The rotation follows the device's last envelope, was made by the device, and does nothing but add keys of suites that the
/// tenant allows. So a device has as many rotations as the tenant has suites, at most.
fn check_addition(
    submitted: &Envelope,
    before: &Envelope,
    previous: Digest,
    allowed: &[SuiteId],
) -> Result<(), Reject> {
    let refused = |detail| Err(Reject::because(ErrorCode::REFUSED, detail));
    let body = submitted.body();
    if before.body().action == Action::Revoke {
        return Err(Reject::new(ErrorCode::DEVICE_REVOKED));
    }
    if body.previous != Some(previous) {
        return Err(Reject::because(
            ErrorCode::DIRECTORY_CHANGED,
            "the envelope does not follow the device's last one",
        ));
    }
    if *body != EnvelopeBody::rotate(before.body(), previous, body.keys.clone()) {
        return refused("a rotation changes nothing but keys");
    }
    let had = &before.body().keys;
    if !had.iter().all(|key| body.keys.contains(key)) {
        return refused("a rotation keeps the keys that the device has");
    }
    let mut added = body.keys.iter().filter(|key| !had.contains(key)).peekable();
    if added.peek().is_none() || added.any(|key| !allowed.contains(&key.suite)) {
        return refused("a rotation adds keys of suites that the tenant allows");
    }
    Ok(submitted.verify_rotation(before.body(), &verify_suite)?)
}
