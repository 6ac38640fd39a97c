//! `POST /v1/directory/replay`: envelopes that a restored store has lost come back from whoever keeps them (7.2).
//!
//! Nothing is believed: each envelope proves itself, as it does to every client, by the signatures that it bears (2.11). Those of
//! the directory key the relay gives to nothing that it has not put into its directory.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::api::{DirectoryReplayed, ReplayDirectory, limits};
use curo_types::format::{Action, Envelope, Signer, SuiteVerdict};
use curo_types::{DeviceId, Digest, ErrorCode, SuiteId, TenantId};

use super::devices::{self, ATTEMPTS, SUBMITTED_BYTES, verify_suite};
use super::extract::{self, User};
use super::outcome::{self, detached};
use super::problem::Reject;
use crate::revoke::by_directory;
use crate::state::AppState;
use crate::storage::{DeviceRef, DeviceState, DirectoryChange, DirectoryLimits, DirectoryOutcome};

/// Bytes of an envelope as it stands in the directory: as it was submitted, with an approval and the directory's signature.
const ENVELOPE_BYTES: usize = SUBMITTED_BYTES + 512;

/// Appends envelopes that this relay once had and has lost. Those that do not follow are passed over. Idempotent.
#[utoipa::path(
    post,
    path = "/v1/directory/replay",
    operation_id = "replayDirectory",
    tag = "people",
    request_body = ReplayDirectory,
    responses((status = 200, description = "What follows is in the directory", body = DirectoryReplayed))
)]
pub(super) async fn replay(
    State(app): State<Arc<AppState>>,
    user: User,
    extract::Json(request): extract::Json<ReplayDirectory>,
) -> Result<Json<DirectoryReplayed>, Reject> {
    if request.envelopes.is_empty() {
        return Err(Reject::malformed("no envelopes"));
    }
    if request.envelopes.len() > limits::REPLAY_ENVELOPES {
        return Err(Reject::too_large("more than 64 envelopes in one request"));
    }
    let mut envelopes = Vec::with_capacity(request.envelopes.len());
    for bytes in &request.envelopes {
        if bytes.len() > ENVELOPE_BYTES {
            return Err(Reject::too_large("an envelope is over 2.5 KiB"));
        }
        let envelope = Envelope::from_bytes(bytes.as_slice())?;
        if envelope.body().tenant != user.tenant {
            return Err(Reject::because(
                ErrorCode::FORBIDDEN,
                "an envelope is of another tenant",
            ));
        }
        envelopes.push(envelope);
    }
    detached(async move {
        let lost = app.storage.lost_versions(&user.tenant).await;
        let mut appended = 0;
        // A store that was never restored has lost nothing.
        if !lost.map_err(outcome::storage)?.is_empty() {
            for envelope in &envelopes {
                appended += u64::from(take_back(&app, &user.tenant, envelope).await?);
            }
        }
        if appended > 0 {
            tracing::info!(tenant = %user.tenant, appended, "lost envelopes are back");
        }
        Ok(DirectoryReplayed { appended })
    })
    .await
    .map(Json)
}

/// Whether the envelope is in the directory now and was not before.
async fn take_back(app: &Arc<AppState>, tenant: &TenantId, envelope: &Envelope) -> Result<bool, Reject> {
    let body = envelope.body();
    for _ in 0..ATTEMPTS {
        let found = app.storage.devices(tenant, body.user).await;
        let devices = found.map_err(outcome::storage)?;
        let known = devices.iter().find(|device| device.device == body.device);
        if !holds(app, tenant, envelope, &devices)? {
            return Ok(false);
        }
        let follows = |known: &DeviceState| known.active && body.previous == Some(known.envelope_hash);
        let change = match (body.action, known) {
            (Action::Add, None) => return add(app, tenant, envelope, &devices).await,
            (Action::Rotate | Action::Revoke, Some(known)) if follows(known) => change(envelope, None),
            // It was revoked, whatever has become of it since.
            (Action::Revoke, Some(known)) if known.active => {
                by_directory(&extract::tenant(app, tenant)?.signer, tenant, known)
            }
            _ => return Ok(false),
        };
        let bounds = DirectoryLimits {
            active: usize::MAX,
            additions_per_day: u32::MAX,
        };
        let outcome = app
            .storage
            .change_directory(tenant, vec![change], bounds, app.clock.now_ms());
        match outcome.await.map_err(outcome::storage)? {
            DirectoryOutcome::Accepted(_) => {
                app.hub.wake(tenant, [body.device]);
                return Ok(true);
            }
            DirectoryOutcome::Stale => {}
            _ => return Ok(false),
        }
    }
    Err(Reject::retry_after(ErrorCode::UNAVAILABLE, 1_000))
}

/// Brings a device back, under the rules by which devices come (6): where there are too many the least recently used one goes.
async fn add(
    app: &Arc<AppState>,
    tenant: &TenantId,
    envelope: &Envelope,
    devices: &[DeviceState],
) -> Result<bool, Reject> {
    let user = User {
        tenant: tenant.clone(),
        user: envelope.body().user,
    };
    let bounds = DirectoryLimits {
        additions_per_day: u32::MAX,
        ..devices::bounds(app)
    };
    let addition = change(envelope, approver(envelope, devices));
    match devices::append(app.clone(), user, addition, bounds).await {
        Ok(_) => Ok(true),
        Err(reject) if reject.code().retryable() && *reject.code() != ErrorCode::APPROVAL_PENDING => Err(reject),
        // What must be approved, or has no place, comes back by a registration, which says why not.
        Err(_) => Ok(false),
    }
}

/// Whether the envelope holds (2.11), by the keys that the user's devices have now.
fn holds(app: &Arc<AppState>, tenant: &TenantId, envelope: &Envelope, devices: &[DeviceState]) -> Result<bool, Reject> {
    let directory_key = extract::tenant(app, tenant)?.signer.directory_key();
    let verified = envelope.verify(&directory_key, &verify_suite, &|by, suite| key_of(devices, by, suite));
    Ok(verified.is_ok())
}

fn key_of(devices: &[DeviceState], by: DeviceId, suite: SuiteId) -> Option<Vec<u8>> {
    let device = devices.iter().find(|device| device.device == by && device.active)?;
    let key = device.keys.iter().find(|(of, _)| *of == suite);
    key.map(|(_, key)| key.clone())
}

/// The other active device of the user whose signature an addition bears.
fn approver(envelope: &Envelope, devices: &[DeviceState]) -> Option<DeviceId> {
    let message = envelope.signed_bytes();
    envelope.signatures.iter().find_map(|one| match one.signer {
        Signer::Device(by, suite) if by != envelope.body().device => {
            let key = key_of(devices, by, suite)?;
            (verify_suite(suite, &key, &message, &one.signature) == SuiteVerdict::Valid).then_some(by)
        }
        _ => None,
    })
}

fn change(envelope: &Envelope, approved_by: Option<DeviceId>) -> DirectoryChange {
    let body = envelope.body();
    let bytes = envelope.to_bytes();
    // As the device submits it: with the signatures of its own keys alone.
    let mut submitted = envelope.clone();
    submitted
        .signatures
        .retain(|one| matches!(one.signer, Signer::Subject(_)));
    let request = match body.action {
        Action::Revoke => Digest::of(&bytes),
        Action::Add | Action::Rotate => submitted.hash(),
    };
    let keys = body.keys.iter().map(|key| (key.suite, key.public_key.clone()));
    DirectoryChange {
        device: DeviceRef {
            user: body.user,
            device: body.device,
        },
        action: body.action,
        keys: keys.collect(),
        previous: body.previous,
        request_hash: request,
        envelope: bytes,
        approved_by,
    }
}
