//! What the relay does by itself, at its start and every ten minutes: forgetting what the store need not keep.
//!
//! Every step is a bounded transaction of its own; one that fails is taken up again at the next turn, and so is what a stopped relay
//! has left.

use std::time::Duration;

use curo_types::TenantId;

use crate::failpoints::{self, pass};
use crate::state::{AppState, Tenant};
use crate::storage::{Silence, StorageError};

/// Time between two turns.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// How long answered claims are remembered for a repetition, and what they superseded.
const SWEEP_AFTER_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// Runs until it is dropped or the storage is closed.
pub(crate) async fn run(app: &AppState) {
    loop {
        if let Err(StorageError::Closed) = turn(app).await {
            return;
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// One turn. An error that is not the end of the storage is noted, and ends its own part only.
async fn turn(app: &AppState) -> Result<(), StorageError> {
    // First: what the relay did not see it must not take for silence.
    let present = app.storage.note_present(false, app.clock.now_ms()).await;
    let was_noted = present.is_ok();
    noted(app, "note_present", present)?;
    noted(app, "sweep", sweep(app).await)?;
    for (tenant, settings) in &app.tenants {
        if let Some(kept) = settings.body_retention {
            noted(app, "drop_bodies", drop_bodies(app, tenant, kept).await)?;
        }
        if was_noted {
            noted(app, "mark_silent", mark_silent(app, tenant, settings).await)?;
        }
    }
    Ok(())
}

fn noted(app: &AppState, step: &'static str, result: Result<(), StorageError>) -> Result<(), StorageError> {
    match result {
        Err(error) if error != StorageError::Closed => {
            app.metrics.storage_error(error.kind());
            tracing::warn!(%error, step, "housekeeping");
            Ok(())
        }
        other => other,
    }
}

/// Forgets what the store keeps only for repetitions of requests.
async fn sweep(app: &AppState) -> Result<(), StorageError> {
    loop {
        let now_ms = app.clock.now_ms();
        let before_ms = now_ms.saturating_sub(SWEEP_AFTER_MS);
        if !app.storage.sweep(before_ms, now_ms).await?.more {
            return Ok(());
        }
    }
}

/// Marks leaves of devices that have not been here for so long (6.3).
async fn mark_silent(app: &AppState, tenant: &TenantId, settings: &Tenant) -> Result<(), StorageError> {
    let silence = Silence {
        for_ms: u64::try_from(settings.leaf_silence.as_millis()).unwrap_or(u64::MAX),
        spared: settings.policy.mandatory.clone(),
    };
    let mut after = None;
    loop {
        let now_ms = app.clock.now_ms();
        pass(failpoints::SILENCE_BEFORE_MARK)?;
        let page = app.storage.mark_silent(tenant, &silence, after, now_ms).await?;
        pass(failpoints::SILENCE_AFTER_MARK)?;
        if page.marked > 0 {
            tracing::info!(%tenant, marked = page.marked, "leaves of silent devices");
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Drops the bodies that the tenant keeps no longer (5.8).
async fn drop_bodies(app: &AppState, tenant: &TenantId, kept: Duration) -> Result<(), StorageError> {
    let kept_ms = u64::try_from(kept.as_millis()).unwrap_or(u64::MAX);
    loop {
        let before_ms = app.clock.now_ms().saturating_sub(kept_ms);
        let batch = app.storage.drop_bodies(tenant, before_ms).await?;
        if batch.dropped > 0 {
            app.metrics.dropped_bodies(tenant, batch.dropped);
            tracing::info!(%tenant, dropped = batch.dropped, "old bodies");
        }
        if !batch.more {
            return Ok(());
        }
    }
}
