//! `POST /v1/directory` and `POST /v1/people`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::api::{DirectoryAnswer, DirectoryQuery, PeopleAnswer, PeopleQuery, limits};

use super::extract::{self, Device};
use super::outcome;
use super::problem::Reject;
use crate::state::AppState;

pub(super) const SUBJECT_LIMIT: usize = 255;

/// The envelopes of all devices of some users.
#[utoipa::path(
    post,
    path = "/v1/directory",
    operation_id = "queryDirectory",
    tag = "people",
    request_body = DirectoryQuery,
    responses((status = 200, description = "The envelopes, by ascending version", body = DirectoryAnswer))
)]
pub(super) async fn query(
    State(app): State<Arc<AppState>>,
    device: Device,
    extract::Json(query): extract::Json<DirectoryQuery>,
) -> Result<Json<DirectoryAnswer>, Reject> {
    check_count(query.users.len())?;
    let page = app
        .storage
        .directory(&device.tenant, &query.users)
        .await
        .map_err(outcome::storage)?;
    Ok(Json(DirectoryAnswer {
        version: page.version,
        records: page.records,
    }))
}

/// Who some subjects of the identity provider are.
#[utoipa::path(
    post,
    path = "/v1/people",
    operation_id = "findPeople",
    tag = "people",
    request_body = PeopleQuery,
    responses((status = 200, description = "Those who ever signed in", body = PeopleAnswer))
)]
pub(super) async fn people(
    State(app): State<Arc<AppState>>,
    device: Device,
    extract::Json(query): extract::Json<PeopleQuery>,
) -> Result<Json<PeopleAnswer>, Reject> {
    check_count(query.subjects.len())?;
    if query.subjects.iter().any(|subject| subject.len() > SUBJECT_LIMIT) {
        return Err(Reject::too_large("a subject is over 255 bytes"));
    }
    let people = app
        .storage
        .people(&device.tenant, &query.subjects)
        .await
        .map_err(outcome::storage)?;
    Ok(Json(PeopleAnswer { people }))
}

/// The bounds on the users of any one request.
pub(super) fn check_count(count: usize) -> Result<(), Reject> {
    if count == 0 {
        return Err(Reject::malformed("the request is about nobody"));
    }
    if count > limits::USERS_PER_REQUEST {
        return Err(Reject::too_large("more than 250 users in one request"));
    }
    Ok(())
}
