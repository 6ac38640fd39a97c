//! Reading a conversation's log and group: entries, winners of epochs, trees, the current GroupInfo.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_types::api::{EntriesPage, GroupInfoAnswer, TreeAnswer, Winner, limits};
use curo_types::{Blob, ConversationId, ErrorCode};
use serde::Deserialize;

use super::conversations::check_incarnation;
use super::extract::{self, Device, InPath, InQuery};
use super::outcome;
use super::problem::Reject;
use crate::state::AppState;
use crate::storage::{EntriesOutcome, GroupInfoOutcome, TreeOutcome, WinnerOutcome};

/// Bytes of the longest tree hash of any suite.
const TREE_HASH_BYTES: usize = 64;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Range {
    /// The incarnation, from 1.
    #[param(minimum = 1)]
    incarnation: u64,
    /// Sequence number after which to start.
    #[serde(default)]
    after: u64,
    /// At most so many entries; values outside 1 to 512 are moved to the nearest of them.
    limit: Option<u64>,
}

/// A contiguous run of the entries that the calling device may see.
#[utoipa::path(
    get,
    path = "/v1/conversations/{id}/entries",
    operation_id = "readEntries",
    tag = "conversations",
    params(("id" = ConversationId, Path, description = "The conversation"), Range),
    responses((status = 200, description = "The entries", body = EntriesPage))
)]
pub(super) async fn entries(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath(conversation): InPath<ConversationId>,
    InQuery(range): InQuery<Range>,
) -> Result<Json<EntriesPage>, Reject> {
    check_incarnation(range.incarnation)?;
    let limit = range
        .limit
        .map_or(limits::ENTRIES_PER_PAGE, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        })
        .clamp(1, limits::ENTRIES_PER_PAGE);
    let outcome = app
        .storage
        .entries(
            &device.tenant,
            device.caller,
            conversation,
            range.incarnation,
            range.after,
            limit,
        )
        .await
        .map_err(outcome::storage)?;
    match outcome {
        EntriesOutcome::Page { entries, tip } => {
            let tenant = extract::tenant(&app, &device.tenant)?;
            let last = tenant.sign_last(&app, conversation, &entries, tip);
            let tip = tenant.sign_tip(&app, tip);
            Ok(Json(EntriesPage { entries, tip, last }))
        }
        EntriesOutcome::NotAMember => Err(Reject::new(ErrorCode::NOT_A_MEMBER)),
        EntriesOutcome::Removed => Err(Reject::new(ErrorCode::REMOVED)),
        EntriesOutcome::BodyGone => Err(Reject::new(ErrorCode::BODY_GONE)),
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OfEpoch {
    /// The incarnation, from 1.
    #[param(minimum = 1)]
    incarnation: u64,
    /// The epoch.
    epoch: u64,
}

/// The commit that ended an epoch.
#[utoipa::path(
    get,
    path = "/v1/conversations/{id}/winner",
    operation_id = "readWinner",
    tag = "conversations",
    params(("id" = ConversationId, Path, description = "The conversation"), OfEpoch),
    responses((status = 200, description = "The commit", body = Winner))
)]
pub(super) async fn winner(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath(conversation): InPath<ConversationId>,
    InQuery(query): InQuery<OfEpoch>,
) -> Result<Json<Winner>, Reject> {
    check_incarnation(query.incarnation)?;
    let outcome = app
        .storage
        .winner(
            &device.tenant,
            device.caller,
            conversation,
            query.incarnation,
            query.epoch,
        )
        .await
        .map_err(outcome::storage)?;
    match outcome {
        WinnerOutcome::Winner(winner) => Ok(Json(winner)),
        WinnerOutcome::Open => Err(Reject::because(ErrorCode::NOT_FOUND, "nobody has won this epoch")),
        WinnerOutcome::NotAMember => Err(Reject::new(ErrorCode::NOT_A_MEMBER)),
    }
}

/// A ratchet tree by its hash.
#[utoipa::path(
    get,
    path = "/v1/conversations/{id}/trees/{tree}",
    operation_id = "readTree",
    tag = "conversations",
    params(("id" = ConversationId, Path, description = "The conversation"), ("tree" = String, Path, description = "The tree hash in hexadecimal", pattern = "^([0-9a-fA-F]{2}){0,64}$")),
    responses((status = 200, description = "The tree", body = TreeAnswer))
)]
pub(super) async fn tree(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath((conversation, tree_hash)): InPath<(ConversationId, String)>,
) -> Result<Json<TreeAnswer>, Reject> {
    let hash = match hex::decode(&tree_hash) {
        Ok(hash) if hash.len() <= TREE_HASH_BYTES => hash,
        _ => return Err(Reject::new(ErrorCode::NOT_FOUND)),
    };
    let outcome = app
        .storage
        .tree(&device.tenant, device.caller, conversation, &hash)
        .await
        .map_err(outcome::storage)?;
    match outcome {
        TreeOutcome::Tree(tree) => Ok(Json(TreeAnswer { tree: Blob(tree) })),
        TreeOutcome::NotFound => Err(Reject::new(ErrorCode::NOT_FOUND)),
        TreeOutcome::NotAMember => Err(Reject::new(ErrorCode::NOT_A_MEMBER)),
    }
}

/// The current GroupInfo and tree, for a device that comes in from outside.
#[utoipa::path(
    get,
    path = "/v1/conversations/{id}/group-info",
    operation_id = "readGroupInfo",
    tag = "conversations",
    params(("id" = ConversationId, Path, description = "The conversation")),
    responses((status = 200, description = "The group's state at one moment", body = GroupInfoAnswer))
)]
pub(super) async fn group_info(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath(conversation): InPath<ConversationId>,
) -> Result<Json<GroupInfoAnswer>, Reject> {
    let outcome = app
        .storage
        .group_info(&device.tenant, device.caller, conversation)
        .await
        .map_err(outcome::storage)?;
    match outcome {
        GroupInfoOutcome::Current(group) => Ok(Json(GroupInfoAnswer {
            incarnation: group.tip.incarnation,
            group: group.group,
            suite: group.suite,
            epoch: group.epoch,
            group_info: Blob(group.group_info),
            tree: Blob(group.tree),
            directory_version: group.directory_version,
            counter: group.counter,
            kept_from: group.kept_from,
            tip: extract::tenant(&app, &device.tenant)?.sign_tip(&app, group.tip),
        })),
        GroupInfoOutcome::Missing => Err(Reject::retry_after(ErrorCode::UNAVAILABLE, 1_000)),
        GroupInfoOutcome::NotAMember => Err(Reject::new(ErrorCode::NOT_A_MEMBER)),
        GroupInfoOutcome::Removed => Err(Reject::new(ErrorCode::REMOVED)),
    }
}
