//! Waiting for a snapshot that shows what is wanted.

use std::panic::Location;
use std::time::Duration;

use curo::{Observed, Snapshot};

/// Pulls snapshots until one is as `holds` wants it, and returns it.
///
/// # Panics
/// After `limit`, with the caller's place and the last snapshot; and when the client is closed or a reading fails.
#[track_caller]
#[expect(clippy::panic, reason = "the purpose: a test fails here, with the reason")]
pub fn until_snapshot<T>(
    observed: &Observed<T>,
    what: &str,
    limit: Duration,
    holds: impl Fn(&Snapshot<T>) -> bool,
) -> impl Future<Output = Snapshot<T>>
where
    T: Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static,
{
    let place = Location::caller();
    async move {
        let mut last = None;
        let looking = async {
            let mut seen = 0;
            loop {
                let snapshot = match observed.next(seen).await {
                    Ok(snapshot) => snapshot,
                    Err(error) => panic!("{place}: {what}: {error}"),
                };
                seen = snapshot.revision;
                if holds(&snapshot) {
                    return snapshot;
                }
                last = Some(snapshot);
            }
        };
        match tokio::time::timeout(limit, looking).await {
            Ok(snapshot) => snapshot,
            Err(_) => panic!("{place}: {what}: not within {limit:?} ({last:?})"),
        }
    }
}
