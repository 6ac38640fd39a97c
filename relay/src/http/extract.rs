//! What handlers take: the authenticated user or device, and JSON, query and path in checked form.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use curo_types::api::{ClientVersion, limits};
use curo_types::format::RequestContext;
use curo_types::{ErrorCode, TenantId, UserId};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::held::{self, CallerKey};
use super::observe::TenantSlot;
use super::outcome;
use super::problem::Reject;
use crate::auth::{self, BearerError, Subject};
use crate::rate::Payer;
use crate::state::{AppState, Tenant};
use crate::storage::{Caller, DeviceRef, DeviceState};

/// Bytes of the largest body that any call takes.
const MOST_BYTES: u64 = limits::REQUEST_BYTES as u64;

/// A device's last-seen time is written once in so long.
const SEEN_EVERY_MS: u64 = 60 * 60 * 1000;
/// The shortest time after which a device may count as silent.
const AWAY_MS: u64 = 24 * 60 * 60 * 1000;

type App = Arc<AppState>;

/// A valid access token.
pub(super) struct Bearer {
    pub(super) tenant: TenantId,
    pub(super) subject: Subject,
    pub(super) expires_ms: u64,
    pub(super) authenticated_ms: Option<u64>,
}

/// A subject that has opened a session: a user.
pub(super) struct User {
    pub(super) tenant: TenantId,
    pub(super) user: UserId,
}

/// An active device of the caller's, named by the request context.
pub(super) struct Device {
    pub(super) tenant: TenantId,
    pub(super) caller: DeviceRef,
    pub(super) state: DeviceState,
    pub(super) expires_ms: u64,
}

impl FromRequestParts<App> for Bearer {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Reject> {
        let auth::Caller {
            tenant,
            subject,
            expires_ms,
            authenticated_ms,
        } = app.authenticator.check(bearer(&parts.headers)?).await?;
        if let Some(slot) = parts.extensions.get::<TenantSlot>() {
            slot.set(&tenant);
        }
        check_version(&parts.headers, app.min_client_version)?;
        let payer = Payer::new(&tenant, &subject);
        // What is announced beyond the limit is refused, not read.
        let declared = declared(&parts.headers).unwrap_or(0).min(MOST_BYTES);
        app.rates
            .enter(&payer, declared, app.clock.now_ms())
            .map_err(|wait_ms| Reject::retry_after(ErrorCode::RATE_LIMITED, wait_ms))?;
        held::take_turn(CallerKey::User(payer.clone()))?;
        parts.extensions.insert(Charged { payer, declared });
        Ok(Self {
            tenant,
            subject,
            expires_ms,
            authenticated_ms,
        })
    }
}

/// A client that names no version, or none that can be read, is older than all that do.
fn check_version(headers: &HeaderMap, min: Option<ClientVersion>) -> Result<(), Reject> {
    let Some(min) = min else { return Ok(()) };
    let named = headers
        .get(ClientVersion::HEADER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if named.is_some_and(|version: ClientVersion| version >= min) {
        Ok(())
    } else {
        Err(Reject::new(ErrorCode::UPDATE_REQUIRED))
    }
}

/// Who pays for the request's body, and how much of it is paid.
#[derive(Clone)]
struct Charged {
    payer: Payer,
    declared: u64,
}

/// The length that the body is said to have.
fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, BearerError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(BearerError::Missing);
    };
    let text = value.to_str().map_err(|_| BearerError::Missing)?;
    let (scheme, token) = text.split_once(' ').ok_or(BearerError::Missing)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(BearerError::Missing)
    }
}

impl FromRequestParts<App> for User {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Reject> {
        let bearer = Bearer::from_request_parts(parts, app).await?;
        let found = app
            .storage
            .caller(&bearer.tenant, &bearer.subject.0, None)
            .await
            .map_err(outcome::storage)?;
        Ok(Self {
            tenant: bearer.tenant,
            user: signed_in(&found)?,
        })
    }
}

fn signed_in(found: &Caller) -> Result<UserId, Reject> {
    found
        .user
        .ok_or_else(|| Reject::because(ErrorCode::UNKNOWN_DEVICE, "the user has not opened a session"))
}

impl FromRequestParts<App> for Device {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Reject> {
        let Bearer {
            tenant,
            subject,
            expires_ms,
            ..
        } = Bearer::from_request_parts(parts, app).await?;
        let context = context(&parts.headers)?;
        // Its form is checked; nothing is decided by it. It is recorded with what the request does.
        if let Some(access) = context.access()? {
            tracing::info!(%tenant, purpose = access.purpose_of_use.as_str(), "a request with an access context");
        }
        let named = context
            .device
            .ok_or_else(|| Reject::malformed("the request context names no device"))?;
        let found = app
            .storage
            .caller(&tenant, &subject.0, Some(named))
            .await
            .map_err(outcome::storage)?;
        let user = signed_in(&found)?;
        let unknown = || Reject::new(ErrorCode::UNKNOWN_DEVICE);
        let state = found.device.filter(|device| device.user == user).ok_or_else(unknown)?;
        if !state.active {
            return Err(Reject::new(ErrorCode::DEVICE_REVOKED));
        }
        held::take_turn(CallerKey::Device(tenant.clone(), named))?;
        note_seen(app, &tenant, &state).await;
        Ok(Self {
            tenant,
            caller: DeviceRef { user, device: named },
            state,
            expires_ms,
        })
    }
}

fn context(headers: &HeaderMap) -> Result<RequestContext, Reject> {
    let value = headers
        .get(RequestContext::HEADER)
        .and_then(|value| value.to_str().ok());
    let value = value.ok_or_else(|| Reject::malformed("the header Curo-Context is missing"))?;
    Ok(RequestContext::from_header(value)?)
}

/// Apart from the request, which does not wait for the write; unless the device was away for so long that its leaves may wait to be
/// removed (6.3): what it asks for then, nobody may refuse or undo because of that.
async fn note_seen(app: &App, tenant: &TenantId, device: &DeviceState) {
    let now_ms = app.clock.now_ms();
    let away_ms = now_ms.saturating_sub(device.last_seen_ms);
    if away_ms < SEEN_EVERY_MS {
        return;
    }
    let (app, tenant, device) = (app.clone(), tenant.clone(), device.device);
    let noted = tokio::spawn(async move {
        if let Err(error) = app.storage.touch_device(&tenant, device, now_ms).await {
            app.metrics.storage_error(error.kind());
            tracing::warn!(%tenant, %error, "a device's last-seen time was not written");
        }
    });
    if away_ms >= AWAY_MS {
        // It cannot fail but by a panic, which the task has reported.
        let _ = noted.await;
    }
}

/// The tenant's entry in the state; it is there, because the token was checked against the same configuration.
pub(super) fn tenant<'a>(app: &'a App, id: &TenantId) -> Result<&'a Tenant, Reject> {
    app.tenants.get(id).ok_or_else(|| Reject::new(ErrorCode::INTERNAL))
}

/// Bytes of the body of a call that carries no MLS messages.
const SMALL_BODY_BYTES: usize = 256 * 1024;

/// A JSON body within the call's limit.
pub(super) struct Json<T, const LIMIT: usize = SMALL_BODY_BYTES>(pub(super) T);

impl<T: DeserializeOwned, const LIMIT: usize> FromRequest<App> for Json<T, LIMIT> {
    type Rejection = Reject;

    async fn from_request(request: Request, app: &App) -> Result<Self, Reject> {
        let (parts, body) = request.into_parts();
        check_media_type(&parts.headers)?;
        let too_large = || Reject::too_large("the body is over the limit of this call");
        let most = u64::try_from(LIMIT).unwrap_or(u64::MAX);
        if declared(&parts.headers).is_some_and(|length| length > most) {
            return Err(too_large());
        }
        let bytes = match Limited::new(body, LIMIT).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => return Err(too_large()),
            Err(_) => return Err(Reject::malformed("the body did not arrive")),
        };
        if let Some(Charged { payer, declared }) = parts.extensions.get() {
            let rest = u64::try_from(bytes.len()).unwrap_or(u64::MAX).saturating_sub(*declared);
            app.rates.charge(payer, rest, app.clock.now_ms());
        }
        // Only the place is told: the parser's own text quotes the input.
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            Reject::malformed(format!(
                "not the JSON that this call takes, at line {} column {}",
                error.line(),
                error.column()
            ))
        })
    }
}

/// A JSON body if there is one that can be read, within the bounds of a small one.
pub(super) struct Lenient<T>(pub(super) Option<T>);

impl<T: DeserializeOwned> FromRequest<App> for Lenient<T> {
    type Rejection = Reject;

    async fn from_request(request: Request, app: &App) -> Result<Self, Reject> {
        let read = Json::<T, SMALL_BODY_BYTES>::from_request(request, app).await;
        Ok(Self(read.ok().map(|Json(value)| value)))
    }
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Reject> {
    let json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"));
    let plain = headers
        .get(header::CONTENT_ENCODING)
        .is_none_or(|value| value == "identity");
    if json && plain {
        Ok(())
    } else {
        Err(Reject::new(ErrorCode::UNSUPPORTED_MEDIA_TYPE))
    }
}

/// A path whose parts parse; one that does not names nothing.
pub(super) struct InPath<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for InPath<T> {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Reject> {
        let path = Path::<T>::from_request_parts(parts, app).await;
        path.map(|Path(value)| Self(value))
            .map_err(|_| Reject::new(ErrorCode::NOT_FOUND))
    }
}

/// A query string.
pub(super) struct InQuery<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for InQuery<T> {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Reject> {
        let query = Query::<T>::from_request_parts(parts, app).await;
        query
            .map(|Query(value)| Self(value))
            .map_err(|_| Reject::malformed("not the query that this call takes"))
    }
}
