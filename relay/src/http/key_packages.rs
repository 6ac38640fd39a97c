//! `POST /v1/key-packages` and `POST /v1/key-packages/claim`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_mls::key_package_info;
use curo_types::api::{ClaimAnswer, ClaimRequest, KeyPackageStock, UploadKeyPackages, limits};
use curo_types::format::Credential;
use curo_types::{Blob, ErrorCode, SuiteId};

use super::directory::check_count;
use super::extract::{self, Device};
use super::outcome::{self, computed, detached};
use super::problem::Reject;
use crate::accept::AcceptError;
use crate::state::AppState;
use crate::storage::{
    ClaimKeyPackages, ClaimLimits, ClaimOutcome, KEY_PACKAGE_FRESH_MS, NewKeyPackage, UploadOutcome,
    UploadedKeyPackages,
};

/// Bytes of an upload's body.
const UPLOAD_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Adds to the calling device's stock of KeyPackages. One that was ever uploaded is not added again.
#[utoipa::path(
    post,
    path = "/v1/key-packages",
    operation_id = "uploadKeyPackages",
    tag = "key packages",
    request_body = UploadKeyPackages,
    responses((status = 200, description = "The stock", body = KeyPackageStock))
)]
pub(super) async fn upload(
    State(app): State<Arc<AppState>>,
    device: Device,
    extract::Json(request): extract::Json<UploadKeyPackages, UPLOAD_BODY_BYTES>,
) -> Result<Json<KeyPackageStock>, Reject> {
    if request.one_time.len() > limits::KEY_PACKAGES_PER_UPLOAD {
        return Err(Reject::too_large("more than 100 KeyPackages in one request"));
    }
    // Whatever the tenant allows today: conversations of a suite that it allowed before go on, and may invite.
    let key = device.state.keys.iter().find(|(suite, _)| *suite == request.suite);
    let public_key = match key {
        Some((_, key)) => key.clone(),
        None => {
            return Err(Reject::because(
                ErrorCode::REFUSED,
                "the device has no key of this suite",
            ));
        }
    };
    let expected = Expected {
        identity: Credential::new(device.tenant.clone(), device.caller.user, device.caller.device).to_bytes(),
        public_key,
        suite: request.suite,
    };
    let upload = computed(move || expected.check_all(request)).await?;
    let outcome = app
        .storage
        .upload_key_packages(&device.tenant, device.caller, upload, app.clock.now_ms())
        .await
        .map_err(outcome::storage)?;
    match outcome {
        UploadOutcome::Accepted(stock) => {
            if !device.state.announced {
                wake_user(&app, &device).await?;
            }
            Ok(Json(stock))
        }
        UploadOutcome::TooMany => Err(Reject::too_large("more than 200 KeyPackages of one device and suite")),
        UploadOutcome::UnknownDevice => Err(Reject::new(ErrorCode::UNKNOWN_DEVICE)),
        UploadOutcome::DeviceRevoked => Err(Reject::new(ErrorCode::DEVICE_REVOKED)),
        UploadOutcome::WrongKey => Err(Reject::because(ErrorCode::REFUSED, "the key is not the directory's")),
    }
}

/// The user's devices have news: there is one more.
async fn wake_user(app: &Arc<AppState>, device: &Device) -> Result<(), Reject> {
    let devices = app
        .storage
        .devices(&device.tenant, device.caller.user)
        .await
        .map_err(outcome::storage)?;
    let active = devices.into_iter().filter(|device| device.active);
    app.hub.wake(&device.tenant, active.map(|device| device.device));
    Ok(())
}

/// What every uploaded KeyPackage must say.
struct Expected {
    identity: Vec<u8>,
    public_key: Vec<u8>,
    suite: SuiteId,
}

impl Expected {
    fn check_all(self, request: UploadKeyPackages) -> Result<UploadedKeyPackages, Reject> {
        let one_time = request
            .one_time
            .into_iter()
            .map(|bytes| self.check(bytes, false))
            .collect::<Result<_, _>>()?;
        let last_resort = request.last_resort.map(|bytes| self.check(bytes, true)).transpose()?;
        Ok(UploadedKeyPackages {
            replace: request.replace,
            suite: self.suite,
            public_key: self.public_key,
            one_time,
            last_resort,
        })
    }

    fn check(&self, bytes: Blob, last_resort: bool) -> Result<NewKeyPackage, Reject> {
        let refused = |detail| Err(Reject::because(ErrorCode::REFUSED, detail));
        if bytes.len() > limits::KEY_PACKAGE_BYTES {
            return Err(Reject::too_large("a KeyPackage is over 4 KiB"));
        }
        let info = key_package_info(bytes.as_slice()).map_err(AcceptError::Mls)?;
        if info.suite.0 != self.suite.0 {
            return refused("a KeyPackage is of another suite");
        }
        if info.identity != self.identity {
            return refused("a KeyPackage's credential is not the calling device's");
        }
        if info.signature_key != self.public_key {
            return refused("a KeyPackage's key is not the directory's");
        }
        if info.last_resort != last_resort {
            return refused("a last-resort KeyPackage stands where a one-time one belongs, or the other way round");
        }
        Ok(NewKeyPackage {
            hash_ref: info.hash_ref,
            bytes: bytes.0,
        })
    }
}

/// Claims a KeyPackage of every active device of some users, but for the calling device. The same claim again reads the same ones.
#[utoipa::path(
    post,
    path = "/v1/key-packages/claim",
    operation_id = "claimKeyPackages",
    tag = "key packages",
    request_body = ClaimRequest,
    responses((status = 200, description = "The KeyPackages", body = ClaimAnswer))
)]
pub(super) async fn claim(
    State(app): State<Arc<AppState>>,
    device: Device,
    extract::Json(request): extract::Json<ClaimRequest>,
) -> Result<Json<ClaimAnswer>, Reject> {
    check_count(request.users.len())?;
    check_suites(&request.suites)?;
    detached(claimed(app, device, request)).await.map(Json)
}

async fn claimed(app: Arc<AppState>, device: Device, request: ClaimRequest) -> Result<ClaimAnswer, Reject> {
    let claim = ClaimKeyPackages {
        claim: request.claim,
        suites: request.suites,
        users: request.users,
    };
    let limits = ClaimLimits {
        per_claimer: app.limits.claims_by_user_per_hour,
        per_target: app.limits.claims_of_user_per_hour,
        max_age_ms: KEY_PACKAGE_FRESH_MS,
    };
    let outcome = app
        .storage
        .claim_key_packages(&device.tenant, device.caller, claim, limits, app.clock.now_ms())
        .await
        .map_err(outcome::storage)?;
    match outcome {
        ClaimOutcome::Accepted(answer) => {
            // Their stock has shrunk: the stream tells them to refill it.
            app.hub
                .wake(&device.tenant, answer.claims.iter().map(|claim| claim.device));
            Ok(answer)
        }
        ClaimOutcome::Duplicate(answer) => Ok(answer),
        ClaimOutcome::ClaimReused => Err(Reject::new(ErrorCode::INTENT_REUSED)),
        ClaimOutcome::RateLimited { retry_after_ms } => {
            Err(Reject::retry_after(ErrorCode::RATE_LIMITED, retry_after_ms))
        }
        ClaimOutcome::UnknownDevice => Err(Reject::new(ErrorCode::UNKNOWN_DEVICE)),
        ClaimOutcome::DeviceRevoked => Err(Reject::new(ErrorCode::DEVICE_REVOKED)),
    }
}

fn check_suites(suites: &[SuiteId]) -> Result<(), Reject> {
    if suites.is_empty() {
        return Err(Reject::malformed("a claim names no suite"));
    }
    if suites.len() > limits::SUITES {
        return Err(Reject::too_large("more than 8 suites in one claim"));
    }
    Ok(())
}
