//! The background tasks: one keeps the store in step with the relay, one sends.

use std::sync::Arc;
use std::time::Duration;

use curo_types::ErrorCode;
use curo_types::api::StreamEvent;
use futures_util::FutureExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::core::Core;
use crate::error::Fault;
use crate::recovery;
use crate::state::ConnectionState;
use crate::sync::retry::{Retry, Waits};

/// Reports of cursors wait so long for others to join them.
const REPORT_DELAY: Duration = Duration::from_millis(100);

/// Keeps the store in step with the relay until cancelled.
pub(crate) async fn sync(core: Arc<Core>, retry: Retry, cancel: CancellationToken) {
    let mut waits = retry.waits();
    loop {
        let mut live_since = None;
        // Who signed in before this attempt has signed in for it, and not for the one after it.
        let _ = core.signed_in.notified().now_or_never();
        let store = core.fresh_account().await.map(|me| me.relay_store);
        let ended = tokio::select! {
            () = cancel.cancelled() => break,
            ended = connected(&core, &mut live_since) => ended,
        };
        let lasted = waits.connection_ended(live_since.map(|since: Instant| since.elapsed()));
        let ended = match (ended, store) {
            // Perhaps the relay was restored (rule 7.2): what was sent, or the stream, has met it first.
            (Err(fault), Ok(store)) if recovery::may_be_restored(&fault.code()) => {
                match core.recover(fault, store).await {
                    Ok(()) => continue,
                    Err(fault) => Err(fault),
                }
            }
            (ended, _) => ended,
        };
        let fault = match ended {
            Err(fault) => fault,
            // The relay ended the stream in good order: a restart, or an expired token.
            Ok(()) if lasted => continue,
            // One that ends every stream at once is not to be asked without a pause.
            Ok(()) => Fault::Code(ErrorCode::UNAVAILABLE),
        };
        if !wait_out(&core, &fault, &mut waits, &cancel).await {
            break;
        }
    }
    core.set_connection(ConnectionState::Stopped);
}

/// Shows why, then waits for the next attempt. False: cancelled.
async fn wait_out(core: &Core, fault: &Fault, waits: &mut Waits, cancel: &CancellationToken) -> bool {
    let code = fault.code();
    crate::log::event!(Debug, "sync_stopped", code = code.clone());
    if !fault.retryable() {
        core.set_connection(if code == ErrorCode::SIGN_IN_NEEDED {
            ConnectionState::SignInNeeded
        } else {
            ConnectionState::Failed { code }
        });
        // Only the app can help: it signs in again, or closes.
        tokio::select! {
            () = cancel.cancelled() => return false,
            () = core.signed_in.notified() => return true,
        }
    }
    core.set_connection(ConnectionState::Waiting { code });
    let wait = waits.next(fault.retry_after());
    tokio::select! {
        () = cancel.cancelled() => false,
        () = tokio::time::sleep(wait) => true,
    }
}

/// Catches up, then follows the live stream until it ends. Notes since when it is live.
async fn connected(core: &Core, live_since: &mut Option<Instant>) -> Result<(), Fault> {
    core.set_connection(ConnectionState::CatchingUp);
    let mut refused = core.account_refused.subscribe();
    core.pull().await?;
    let me = core.fresh_account().await?;
    let mut token = me.sync_token.unwrap_or_default();
    let mut stream = core.relay.stream(&token, me.inbox_ack).await?;
    // Between the pull and the opening of the stream nothing is lost: the stream goes on from the token.
    core.set_connection(ConnectionState::Live);
    *live_since = Some(Instant::now());
    core.outbox_work.notify_one();
    core.receipt_work.notify_one();
    let mut report_at = None;
    loop {
        tokio::select! {
            event = stream.next() => {
                if !take_event(core, event?, &mut token).await? {
                    return Ok(());
                }
            }
            // What a stream does not show, because it has nothing new, a message that is sent may meet (rule 7.2).
            Ok(()) = refused.changed() => {
                let met = refused.borrow().clone();
                // What an older store has refused says nothing of this one.
                if let Some((code, store)) = met
                    && store == core.fresh_account().await?.relay_store
                {
                    return Err(Fault::Code(code));
                }
            }
            () = core.report_work.notified(), if report_at.is_none() => {
                report_at = Some(Instant::now() + REPORT_DELAY);
            }
            () = tokio::time::sleep_until(report_at.unwrap_or_else(Instant::now)), if report_at.is_some() => {
                report_at = None;
                core.pull().await?;
                core.outbox_work.notify_one();
            }
        }
    }
}

/// Takes one event. False: the relay has ended the stream in good order.
async fn take_event(core: &Core, event: Option<StreamEvent>, token: &mut String) -> Result<bool, Fault> {
    match event {
        Some(StreamEvent::Sync(answer)) => {
            let _one_at_a_time = core.sync_lock.lock().await;
            let me = core.fresh_account().await?;
            *token = answer.token.clone();
            let stock_changed = !answer.key_packages.is_empty();
            // The token is stored with the next pull: after a kill the entries come again and are passed over.
            core.take(&me, answer, false).await?;
            core.outbox_work.notify_one();
            let acked = core.fresh_account().await?.inbox_ack != me.inbox_ack;
            if acked || stock_changed || !core.unreported().await?.is_empty() {
                core.report_work.notify_one();
            }
        }
        Some(StreamEvent::Heartbeat { token: newest }) => {
            // A push was lost (rule 5.2), or a conversation could not be caught up with.
            if newest != *token || core.is_behind().await? {
                core.pull().await?;
                *token = newest;
            }
        }
        Some(StreamEvent::Unknown) => {}
        Some(StreamEvent::End { code }) => {
            if code == ErrorCode::TOKEN_EXPIRED {
                core.relay.forget_token().await;
            }
            return if code == ErrorCode::TOKEN_EXPIRED || code == ErrorCode::UNAVAILABLE {
                Ok(false)
            } else {
                Err(Fault::Code(code))
            };
        }
        None => return Err(Fault::Offline("stream ended")),
    }
    Ok(true)
}

/// Sends whenever there is something to send and the relay can be reached, until cancelled.
pub(crate) async fn outbox(core: Arc<Core>, retry: Retry, cancel: CancellationToken) {
    let mut connection = core.connection.subscribe();
    let mut waits = retry.waits();
    let mut again: Option<Instant> = None;
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = core.outbox_work.notified() => {}
            () = tokio::time::sleep_until(again.unwrap_or_else(Instant::now)), if again.is_some() => {}
        }
        again = None;
        if *connection.borrow_and_update() == ConnectionState::Stopped {
            continue;
        }
        let flushed = tokio::select! {
            () = cancel.cancelled() => return,
            flushed = core.flush() => flushed,
        };
        // A conversation may have been mended in which something was read.
        core.receipt_work.notify_one();
        // Own entries have moved cursors: others want to know.
        if core.unreported().await.is_ok_and(|cursors| !cursors.is_empty()) {
            core.report_work.notify_one();
        }
        again = core.holds.until().into_iter().chain(core.patience_ends()).min();
        let Err(fault) = flushed else {
            waits.begin_anew();
            continue;
        };
        crate::log::event!(Debug, "flush_stopped", code = fault.code());
        if fault.retryable() {
            let wait = Instant::now() + waits.next(None);
            again = Some(again.map_or(wait, |held| held.min(wait)));
        }
    }
}
