//! `POST /v1/devices`: a device enters the directory on the identity provider's word. `POST /v1/devices/keys`: it gets keys of
//! further suites.

mod dpop;
mod keys;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_mls::{MlsError, Suite, verify_signature};
use curo_types::api::{RegisterDevice, Registered, limits};
use curo_types::format::{Action, Approval, Envelope, Signer, SuiteVerdict};
use curo_types::{Blob, DeviceId, Digest, ErrorCode, SuiteId};
#[cfg(feature = "fuzzing")]
pub(crate) use dpop::is_canonical;
pub(super) use keys::{__path_add_keys, add_keys};

use super::extract::{self, User};
use super::outcome::{self, detached};
use super::problem::Reject;
use crate::revoke::by_directory;
use crate::state::{AppState, Tenant};
use crate::storage::{
    ApprovalOutcome, AskingDevice, DeviceRef, DeviceState, DirectoryChange, DirectoryLimits, DirectoryOutcome,
};

/// Attempts when other changes of the user's devices come between.
pub(super) const ATTEMPTS: usize = 5;

/// Bytes of an envelope as a device submits it: everybody fetches it, for ever.
pub(super) const SUBMITTED_BYTES: usize = 2048;

/// Registers a device of the caller's. The same envelope again is answered as the first time.
#[utoipa::path(
    post,
    path = "/v1/devices",
    operation_id = "registerDevice",
    tag = "people",
    request_body = RegisterDevice,
    responses((status = 200, description = "The envelope as it stands in the directory", body = Registered))
)]
pub(super) async fn register(
    State(app): State<Arc<AppState>>,
    user: User,
    extract::Json(request): extract::Json<RegisterDevice>,
) -> Result<Json<Registered>, Reject> {
    let addition = check(&app, &user, request.envelope.as_slice())?;
    detached(register_or_ask(app, user, addition, request.envelope.0))
        .await
        .map(Json)
}

/// Registers the device, or lets it wait for the approval that the tenant asks for (2.11).
async fn register_or_ask(
    app: Arc<AppState>,
    user: User,
    addition: DirectoryChange,
    envelope: Vec<u8>,
) -> Result<Registered, Reject> {
    let asking = AskingDevice {
        device: addition.device,
        asked_ms: app.clock.now_ms(),
        envelope,
    };
    let tenant = user.tenant.clone();
    match append(app.clone(), user, addition, bounds(&app)).await {
        Err(reject) if reject.code() == &ErrorCode::APPROVAL_PENDING => {}
        answered => return answered,
    }
    let asked = app.storage.ask_approval(&tenant, asking, bounds(&app)).await;
    match asked.map_err(outcome::storage)? {
        ApprovalOutcome::Waiting { wake } => {
            app.push.wake(&app.hub, &tenant, &wake);
            app.hub.wake(&tenant, wake);
            Err(Reject::new(ErrorCode::APPROVAL_PENDING))
        }
        ApprovalOutcome::Refused => Err(Reject::new(ErrorCode::DEVICE_REVOKED)),
        ApprovalOutcome::DeviceExists => Err(Reject::new(ErrorCode::DEVICE_EXISTS)),
        ApprovalOutcome::RateLimited { retry_after_ms } => {
            Err(Reject::retry_after(ErrorCode::RATE_LIMITED, retry_after_ms))
        }
    }
}

pub(super) fn bounds(app: &AppState) -> DirectoryLimits {
    DirectoryLimits {
        active: limits::DEVICES_PER_USER,
        additions_per_day: app.limits.registrations_per_user_per_day,
    }
}

/// Checks the envelope, vouches for it, and makes it an entry of the directory.
fn check(app: &Arc<AppState>, user: &User, bytes: &[u8]) -> Result<DirectoryChange, Reject> {
    let tenant = extract::tenant(app, &user.tenant)?;
    if bytes.len() > SUBMITTED_BYTES {
        return Err(Reject::too_large("a registration is over 2 KiB"));
    }
    let mut envelope = Envelope::from_bytes(bytes)?;
    let refused = |detail| Err(Reject::because(ErrorCode::REFUSED, detail));
    let body = envelope.body();
    if body.tenant != user.tenant || body.user != user.user {
        return Err(Reject::because(
            ErrorCode::FORBIDDEN,
            "the envelope is for another user",
        ));
    }
    if body.action != Action::Add || body.approval != Approval::Directory {
        return refused("a registration adds a device on the directory's word");
    }
    if !body.keys.iter().any(|key| tenant.suites.contains(&key.suite)) {
        return refused("the tenant allows none of the suites of the device's keys");
    }
    if body.dpop_key.as_deref().is_some_and(|key| !dpop::is_canonical(key)) {
        return refused("the DPoP key is not the canonical JSON of a public key");
    }
    check_own_signatures(&envelope)?;
    let signed = approve(tenant, &mut envelope)?;
    let body = envelope.body();
    Ok(DirectoryChange {
        device: DeviceRef {
            user: user.user,
            device: body.device,
        },
        action: Action::Add,
        keys: body
            .keys
            .iter()
            .map(|key| (key.suite, key.public_key.clone()))
            .collect(),
        previous: None,
        request_hash: Digest::of(bytes),
        envelope: signed,
        approved_by: None,
    })
}

/// That each of the envelope's keys has signed it, and nobody else.
fn check_own_signatures(envelope: &Envelope) -> Result<(), Reject> {
    let refused = |detail| Err(Reject::because(ErrorCode::REFUSED, detail));
    let keys = &envelope.body().keys;
    if !keys.iter().all(|key| Suite(key.suite.0).is_supported()) {
        return refused("this relay cannot check a key of one of the suites");
    }
    // With as many signatures as keys, and each key proved, there is exactly one of each.
    let own = |signer| matches!(signer, Signer::Subject(_));
    if envelope.signatures.len() != keys.len() || !envelope.signatures.iter().all(|s| own(s.signer)) {
        return refused("the envelope is signed once with each of the device's own keys and nothing else");
    }
    Ok(envelope.verify_possession(&verify_suite)?)
}

/// Adds the directory's signature; the bytes as everybody gets them.
pub(super) fn approve(tenant: &Tenant, envelope: &mut Envelope) -> Result<Vec<u8>, Reject> {
    tenant.signer.sign_envelope(envelope);
    let signed = envelope.to_bytes();
    // What nobody could read would lock everybody out of the user's records.
    if Envelope::from_bytes(&signed).is_err() {
        return Err(Reject::because(
            ErrorCode::REFUSED,
            "the signed envelope would not be well formed",
        ));
    }
    Ok(signed)
}

pub(super) fn verify_suite(suite: SuiteId, key: &[u8], message: &[u8], signature: &[u8]) -> SuiteVerdict {
    match verify_signature(Suite(suite.0), key, message, signature) {
        Ok(()) => SuiteVerdict::Valid,
        Err(MlsError::UnsupportedSuite(_)) => SuiteVerdict::UnknownSuite,
        Err(_) => SuiteVerdict::Wrong,
    }
}

/// Appends the addition and, where the user has too many devices, the revocations of those least recently used.
pub(super) async fn append(
    app: Arc<AppState>,
    user: User,
    addition: DirectoryChange,
    bounds: DirectoryLimits,
) -> Result<Registered, Reject> {
    let tenant = extract::tenant(&app, &user.tenant)?;
    for _ in 0..ATTEMPTS {
        let devices = app
            .storage
            .devices(&user.tenant, user.user)
            .await
            .map_err(outcome::storage)?;
        let known = devices.iter().any(|device| device.device == addition.device.device);
        // One that is known is a repetition or a clash, and evicts nobody.
        let mut changes = if known {
            Vec::new()
        } else {
            evictions(tenant, &user, devices, addition.approved_by)
        };
        let evicted: Vec<DeviceId> = changes.iter().map(|change| change.device.device).collect();
        let envelope = addition.envelope.clone();
        changes.push(addition.clone());
        let outcome = app
            .storage
            .change_directory(&user.tenant, changes, bounds, app.clock.now_ms())
            .await
            .map_err(outcome::storage)?;
        match outcome {
            DirectoryOutcome::Accepted(versions) => {
                app.hub.wake(&user.tenant, evicted);
                let version = versions
                    .last()
                    .copied()
                    .ok_or_else(|| Reject::new(ErrorCode::INTERNAL))?;
                return Ok(Registered {
                    version,
                    envelope: Blob(envelope),
                });
            }
            DirectoryOutcome::Duplicate(first) => {
                return Ok(Registered {
                    version: first.version,
                    envelope: first.envelope,
                });
            }
            DirectoryOutcome::RateLimited { retry_after_ms } => {
                return Err(Reject::retry_after(ErrorCode::RATE_LIMITED, retry_after_ms));
            }
            DirectoryOutcome::ApprovalNeeded => return Err(Reject::new(ErrorCode::APPROVAL_PENDING)),
            DirectoryOutcome::QuotaExceeded => return Err(Reject::because(ErrorCode::QUOTA_EXCEEDED, "devices")),
            DirectoryOutcome::DeviceExists => return Err(Reject::new(ErrorCode::DEVICE_EXISTS)),
            DirectoryOutcome::Stale | DirectoryOutcome::TooManyDevices => {}
        }
    }
    Err(Reject::retry_after(ErrorCode::UNAVAILABLE, 1_000))
}

fn evictions(
    tenant: &Tenant,
    user: &User,
    devices: Vec<DeviceState>,
    approver: Option<DeviceId>,
) -> Vec<DirectoryChange> {
    let mut active: Vec<_> = devices.into_iter().filter(|device| device.active).collect();
    active.sort_by_key(|device| (device.last_seen_ms, device.registered_ms, device.version));
    let surplus = (active.len() + 1).saturating_sub(limits::DEVICES_PER_USER);
    active
        .into_iter()
        // Whoever approves stays, or nobody would have approved.
        .filter(|device| Some(device.device) != approver)
        .take(surplus)
        .map(|device| by_directory(&tenant.signer, &user.tenant, &device))
        .collect()
}
