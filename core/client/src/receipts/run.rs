//! The background task that writes slots. It runs while the client is started and not locked, and sends while the live
//! stream is open.

use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::core::Core;
use crate::state::ConnectionState;
use crate::sync::retry::Retry;

/// Sends receipts whenever some are owed, until cancelled.
pub(crate) async fn run(core: Arc<Core>, retry: Retry, cancel: CancellationToken) {
    let mut waits = retry.waits();
    let mut again: Option<Instant> = None;
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = core.receipt_work.notified() => {}
            () = tokio::time::sleep_until(again.unwrap_or_else(Instant::now)), if again.is_some() => {}
        }
        again = None;
        // Whoever opens the stream wakes this.
        if *core.connection.borrow() != ConnectionState::Live {
            continue;
        }
        let sent = tokio::select! {
            () = cancel.cancelled() => return,
            sent = core.send_receipts() => sent,
        };
        match sent {
            Ok(next) => {
                waits.begin_anew();
                again = next;
            }
            Err(fault) => {
                crate::log::event!(Debug, "receipts_stopped", code = fault.code());
                if fault.retryable() {
                    again = Some(Instant::now() + waits.next(None));
                }
            }
        }
    }
}
