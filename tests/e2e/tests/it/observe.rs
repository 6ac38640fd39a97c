//! What an app watches, through the public API: each snapshot shows what has happened, waits for what has not, is empty
//! while locked and ends with the client.

mod list;
mod states;
mod timeline;

use curo::{ConnectionState, ErrorCode, Observed, SessionState, Snapshot, UserId};
use curo_kit::{Person, TestRelay, Validity, until_snapshot, until_text};

use crate::lifecycle::code;
use crate::team::{group, people, send};
use crate::{SOON, logs};

/// Several that wait for what comes after a snapshot.
fn waiting<T: Clone + PartialEq + Send + Sync + 'static>(
    observed: &Observed<T>,
    after: u64,
) -> Vec<tokio::task::JoinHandle<curo::Result<Snapshot<T>>>> {
    (0..3)
        .map(|_| {
            let observed = observed.clone();
            tokio::spawn(async move { observed.next(after).await })
        })
        .collect()
}
