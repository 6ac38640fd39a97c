//! `POST /v1/session`: who the token's subject is here.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use curo_types::UserId;
use curo_types::api::{SessionAnswer, SessionRequest};

use super::extract::{self, Bearer, Lenient};
use super::outcome;
use super::problem::Reject;
use crate::state::AppState;

/// Who the access token's subject is here. The relay mints the user at the first call, or has it from its own earlier statement,
/// if it was restored from a backup that does not know the subject. A body that cannot be read counts as none.
#[utoipa::path(
    post,
    path = "/v1/session",
    operation_id = "openSession",
    tag = "people",
    responses((status = 200, description = "The user, and the relay's keys", body = SessionAnswer))
)]
pub(super) async fn open(
    State(app): State<Arc<AppState>>,
    bearer: Bearer,
    Lenient(request): Lenient<SessionRequest>,
) -> Result<Json<SessionAnswer>, Reject> {
    let tenant = extract::tenant(&app, &bearer.tenant)?;
    let now_ms = app.clock.now_ms();
    let subject = &bearer.subject.0;
    let known = request.and_then(|request| request.account);
    let known = known.filter(|known| tenant.signer.was(known, subject));
    let fresh = known.map_or_else(UserId::random, |known| known.user);
    let user = app.storage.sign_in(&bearer.tenant, subject, fresh, now_ms).await;
    let user = user.map_err(outcome::storage)?;
    let lost = app.storage.lost_versions(&bearer.tenant).await;
    let account = tenant.signer.account(user, subject);
    Ok(Json(SessionAnswer {
        tenant: bearer.tenant,
        user,
        store: app.storage.store_id(),
        directory_key: tenant.signer.directory_key(),
        log_key: tenant.signer.log_key(),
        suites: tenant.suites.clone(),
        idle_lock_ms: tenant.session.idle_lock.map(millis),
        session_limit_ms: tenant.session.limit.map(millis),
        policy: Some(tenant.policy.clone()),
        authenticated_ms_ago: bearer.authenticated_ms.map(|then| now_ms.saturating_sub(then)),
        account: Some(account),
        lost: lost.map_err(outcome::storage)?,
    }))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
