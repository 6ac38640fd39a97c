//! `POST /v1/conversations` and `…/commits`: creating, and changing who is in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curo_mls::Follower;
use curo_types::api::{Accepted, CommitRequest, CreateConversation, limits};
use curo_types::{ConversationId, ErrorCode, TenantId, UserId};

use super::extract::{self, Device, InPath};
use super::incarnations;
use super::outcome::{self, computed, detached};
use super::problem::Reject;
use crate::accept::{self, AcceptError, Checked};
use crate::failpoints;
use crate::followers::{GroupKey, Loaded};
use crate::state::AppState;
use crate::storage::{CommitCheck, CommitKey, CommitOutcome, DeviceRef, GroupState, Refusal};

/// Opens an incarnation of a conversation with its first commit. Idempotent by intent and bytes.
#[utoipa::path(
    post,
    path = "/v1/conversations",
    operation_id = "createConversation",
    tag = "conversations",
    request_body = CreateConversation,
    responses((status = 200, description = "Where the commit stands in the log", body = Accepted))
)]
pub(super) async fn create(
    State(app): State<Arc<AppState>>,
    device: Device,
    extract::Json(mut request): extract::Json<CreateConversation, { limits::REQUEST_BYTES }>,
) -> Result<Json<Accepted>, Reject> {
    check_incarnation(request.incarnation)?;
    if !extract::tenant(&app, &device.tenant)?.suites.contains(&request.suite) {
        return Err(Reject::because(
            ErrorCode::REFUSED,
            "the tenant does not allow this suite",
        ));
    }
    detached(async move {
        let Device { tenant, caller, .. } = device;
        let lost = request
            .lost
            .take()
            .map(|lost| {
                let signer = extract::tenant(&app, &tenant)?;
                incarnations::read_lost(&tenant, signer, request.conversation, lost)
            })
            .transpose()?;
        let (mut new, follower) = {
            let tenant = tenant.clone();
            computed(move || Ok(accept::check_creation(&tenant, caller, request)?)).await?
        };
        new.lost = lost;
        new.first_commit.mandatory = mandatory(&app, &tenant)?;
        let group = group_key(&tenant, &new.first_commit.key);
        let bytes = new.first_commit.follower.as_ref().map_or(0, Vec::len);
        let outcome = app
            .storage
            .create_conversation(&tenant, caller, new, app.clock.now_ms())
            .await
            .map_err(outcome::storage)?;
        keep_next(&app, group, Loaded { follower, bytes }, &outcome);
        settle(&app, &tenant, outcome)
    })
    .await
    .map(Json)
}

/// Changes who is in, or renews keys. Idempotent by intent and bytes.
#[utoipa::path(
    post,
    path = "/v1/conversations/{id}/commits",
    operation_id = "commit",
    tag = "conversations",
    params(("id" = ConversationId, Path, description = "The conversation")),
    request_body = CommitRequest,
    responses((status = 200, description = "Where the commit stands in the log", body = Accepted))
)]
pub(super) async fn commit(
    State(app): State<Arc<AppState>>,
    device: Device,
    InPath(conversation): InPath<ConversationId>,
    extract::Json(request): extract::Json<CommitRequest, { limits::REQUEST_BYTES }>,
) -> Result<Json<Accepted>, Reject> {
    check_incarnation(request.incarnation)?;
    detached(async move {
        let Device { tenant, caller, .. } = device;
        let incarnation = request.incarnation;
        let bundle = request.into_bundle();
        let head = accept::read_commit(conversation, incarnation, &bundle)?;
        let group = group_key(&tenant, &head.key);
        let hot = app.followers.take(&group);
        // The verdict that needs no cryptography comes first; it is passed again when the commit is accepted.
        let check = app
            .storage
            .check_commit(
                &tenant,
                caller,
                head.key.clone(),
                hot.as_ref().map(|_| group.epoch),
                app.clock.now_ms(),
            )
            .await
            .map_err(outcome::storage)?;
        let state = match check {
            CommitCheck::Open(state) => state,
            CommitCheck::Duplicate(first) => return settle(&app, &tenant, CommitOutcome::Duplicate(first)),
            CommitCheck::Refused(refusal) => {
                note_loss(&app, &tenant, caller, &head.key, &refusal).await?;
                // Of an epoch that has ended nobody needs the state again.
                if let Some(hot) = hot
                    && !matches!(refusal, Refusal::EpochTaken { .. })
                {
                    keep(&app, group, hot);
                }
                return settle(&app, &tenant, CommitOutcome::Refused(refusal));
            }
        };
        if hot.is_none() {
            app.metrics.group_read();
        }
        let (checked, bytes) = {
            let tenant = tenant.clone();
            let every = u64::from(app.limits.commits_per_checkpoint);
            computed(move || {
                let checkpoint = state.epoch + 1 >= state.checkpoint_epoch.saturating_add(every);
                let Loaded { follower, bytes } = loaded(hot, state)?;
                let checked = accept::check_commit(&tenant, caller, follower, head, bundle, checkpoint);
                Ok((checked, bytes))
            })
            .await?
        };
        let Checked { result, follower } = checked;
        let mut new = match result {
            Ok(new) => new,
            Err(error) => {
                if let Some(follower) = follower {
                    keep(&app, group, Loaded { follower, bytes });
                }
                return Err(error.into());
            }
        };
        new.mandatory = mandatory(&app, &tenant)?;
        // Between two checkpoints the size is that of the last one.
        let bytes = new.follower.as_ref().map_or(bytes, Vec::len);
        let key = new.key.clone();
        let outcome = app
            .storage
            .accept_commit(&tenant, caller, new, app.clock.now_ms())
            .await
            .map_err(outcome::storage)?;
        if let CommitOutcome::Refused(refusal) = &outcome {
            note_loss(&app, &tenant, caller, &key, refusal).await?;
        }
        if let Some(follower) = follower {
            keep_next(&app, group, Loaded { follower, bytes }, &outcome);
        }
        settle(&app, &tenant, outcome)
    })
    .await
    .map(Json)
}

/// Whoever loses epoch after epoch gets the commit turn (3.10). Durable before the loser is told, so that its next try has it.
async fn note_loss(
    app: &AppState,
    tenant: &TenantId,
    caller: DeviceRef,
    key: &CommitKey,
    refusal: &Refusal,
) -> Result<(), Reject> {
    if !matches!(refusal, Refusal::EpochTaken { .. }) {
        return Ok(());
    }
    let lost = app.storage.commit_lost(tenant, caller, key.clone(), app.clock.now_ms());
    if lost.await.map_err(outcome::storage)? {
        tracing::debug!(%tenant, conversation = %key.conversation, device = %caller.device, "commit turn");
    }
    Ok(())
}

/// Whom the tenant's policy wants in every conversation.
fn mandatory(app: &Arc<AppState>, tenant: &TenantId) -> Result<Vec<UserId>, Reject> {
    Ok(extract::tenant(app, tenant)?.policy.mandatory.clone())
}

fn group_key(tenant: &TenantId, key: &CommitKey) -> GroupKey {
    GroupKey {
        tenant: tenant.clone(),
        conversation: key.conversation,
        incarnation: key.incarnation,
        epoch: key.epoch,
    }
}

/// The follower at hand, or the one of the checkpoint, brought up to the epoch.
fn loaded(hot: Option<Loaded>, state: GroupState) -> Result<Loaded, Reject> {
    if let Some(hot) = hot {
        return Ok(hot);
    }
    let checkpoint = state.follower.ok_or_else(|| Reject::new(ErrorCode::INTERNAL))?;
    let mut follower = Follower::load(&checkpoint.follower).map_err(AcceptError::from)?;
    for commit in &checkpoint.commits {
        // It was accepted once: that it is not now is no fault of the caller's.
        follower.replay(commit).map_err(|error| {
            tracing::error!(%error, "a commit of the log cannot be replayed");
            Reject::new(ErrorCode::INTERNAL)
        })?;
    }
    Ok(Loaded {
        follower,
        bytes: checkpoint.follower.len(),
    })
}

/// Keeps a group's state, for which others may have to give way.
fn keep(app: &AppState, key: GroupKey, loaded: Loaded) {
    let evicted = app.followers.put(key, loaded);
    if evicted > 0 {
        app.metrics.groups_evicted(evicted);
        // Nothing is written then: what fails here fails nobody's commit.
        let _ = failpoints::pass(failpoints::GROUP_EVICTED);
    }
}

/// Keeps the state of the epoch that a commit has opened, if it won.
fn keep_next(app: &AppState, before: GroupKey, loaded: Loaded, outcome: &CommitOutcome) {
    if matches!(outcome, CommitOutcome::Accepted(_)) {
        let epoch = before.epoch + 1;
        keep(app, GroupKey { epoch, ..before }, loaded);
    }
}

fn settle(app: &Arc<AppState>, tenant: &TenantId, outcome: CommitOutcome) -> Result<Accepted, Reject> {
    match outcome {
        CommitOutcome::Accepted(entry) => {
            app.push.wake(&app.hub, tenant, &entry.wake);
            app.hub.wake(tenant, entry.wake);
            app.metrics.accepted_commit(tenant);
            Ok(entry.accepted)
        }
        CommitOutcome::Duplicate(entry) => Ok(entry.accepted),
        CommitOutcome::Refused(refusal) => Err(outcome::refusal(app, extract::tenant(app, tenant)?, refusal)),
    }
}

/// Incarnations are counted from 1.
pub(super) fn check_incarnation(incarnation: u64) -> Result<(), Reject> {
    if incarnation == 0 {
        Err(Reject::malformed("incarnations are counted from 1"))
    } else {
        Ok(())
    }
}
