//! The reading threads: each has its own read-only connection and takes the next job from a common queue.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::connection::Fence;
use crate::job::ReadJob;

/// The queue that the readers share.
pub(crate) type ReadQueue = Arc<Mutex<Receiver<ReadJob>>>;

/// Serves until the queue ends, then closes its connection.
pub(crate) fn run(mut connection: Connection, queue: &ReadQueue) {
    let fence = Fence::install(&mut connection);
    loop {
        // Held only while waiting: the next idle reader waits behind it.
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        match &fence {
            Ok(fence) => serve(&connection, fence, job),
            Err(error) => job(Err(error.clone())),
        }
    }
}

/// One transaction per job: all its queries see the same state.
fn serve(connection: &Connection, fence: &Fence, job: ReadJob) {
    match fence.execute(connection, "BEGIN DEFERRED") {
        Ok(()) => job(Ok(connection)),
        Err(error) => return job(Err(error)),
    }
    // SQLite may have ended the transaction itself after an error.
    if !connection.is_autocommit()
        && let Err(error) = fence.execute(connection, "ROLLBACK")
    {
        tracing::warn!(%error, "a read transaction did not end");
    }
}
